package media

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

const (
	keyframeInterval = 500 * time.Millisecond // between two requests to one publisher
	maxMissing       = 128                    // lost packets that are asked for again
	maxNackTries     = 10
)

// What a source may bring, so that one client cannot keep a shard busy: every packet costs as many sends as there are listeners. It is four times what Opus
// brings with frames of 20 ms, and 14 Mbit/s of a screen; the bursts are what may come at once after a stall of the network, or of a large key frame.
const (
	audioPerTick, audioBurst = 10, 400
	videoPerTick, videoBurst = 75, 1500
)

// Source is the receiving end of one published stream: its packet ring and its way back to the publisher. Attach, Packet run on the shard's loop.
type Source struct {
	link    *link
	stream  Stream
	lane    *laneRef // nil: nobody takes its packets
	touched *loop    // whose turn already has it on its list
	ring    ring
	closed  bool

	ssrc      uint32 // of the last packet; a client may change it
	gen       uint32 // counts the changes
	budget    int    // packets that it may still bring
	reception reception
	missing   []missingPacket

	keyframeAsked time.Time
	keyframeWant  bool // asked for while it was too early to ask the publisher again
	sender        senderClock
}

func newSource(lk *link, st Stream, ringPackets int) *Source {
	if st.Kind == Audio {
		ringPackets = max(ringPackets/4, 16) // two and a half seconds of audio; it is not retransmitted
	}
	s := &Source{link: lk, stream: st, ring: newRing(ringPackets)}
	_, s.budget = s.allowance()
	return s
}

func (s *Source) allowance() (perTick, burst int) {
	if s.stream.Kind == Video {
		return videoPerTick, videoBurst
	}
	return audioPerTick, audioBurst
}

// Stream is the stream that the source receives. Any goroutine.
func (s *Source) Stream() Stream { return s.stream }

// FromNow makes Attach begin with the next packet.
const FromNow = math.MaxUint64

// Attach makes lane the one that packets are offered to, beginning with those from ring index from on that came before. A track that was stopped and started again
// attaches its new mailbox and goes on behind the last packet it took, so that none of the time between is lost; nil detaches.
func (s *Source) Attach(lane Lane, from uint64) {
	s.lane = nil
	if lane == nil {
		return
	}
	s.lane = &laneRef{lane}
	if kept := uint64(len(s.ring.slots)); s.ring.next > kept {
		from = max(from, s.ring.next-kept)
	}
	for i := from; i < s.ring.next; i++ {
		lane.Offer(i)
	}
	s.link.sh.current.Load().touch(s)
}

// Packet is the packet with this ring index, nil once it was overwritten. It is valid until the caller returns to the loop.
func (s *Source) Packet(index uint64) *Packet { return s.ring.get(index) }

// RequestKeyframe asks the publisher for a key frame, at most once in 500 ms. Any goroutine.
func (s *Source) RequestKeyframe() {
	s.link.sh.Schedule(func() { s.askKeyframe(s.link.sh.current.Load()) })
}

// Close stops receiving. Any goroutine.
func (s *Source) Close() {
	s.link.sh.Schedule(func() {
		s.closed, s.lane = true, nil
		if s.link.sources[s.stream.MID] == s {
			delete(s.link.sources, s.stream.MID)
			s.link.unsort()
		}
	})
}

// open makes the link deliver to the source.
func (s *Source) open() {
	if s.closed || s.link.closed {
		return
	}
	if old := s.link.sources[s.stream.MID]; old != nil {
		old.closed = true
	}
	s.link.sources[s.stream.MID] = s
	s.link.unsort()
}

// receive takes an authentic packet. body is what follows the header, in the loop's receive buffer.
func (s *Source) receive(l *loop, line *mediaLine, h *rtpHeader, body []byte, index uint64) {
	payload, ok := unpad(body, h.padding)
	if !ok || s.budget <= 0 {
		s.link.counters.dropped.Add(1)
		return
	}
	s.budget--
	if h.ssrc != s.ssrc {
		s.ssrc = h.ssrc
		s.gen++
		s.reception, s.missing, s.sender = reception{}, s.missing[:0], senderClock{}
	}
	keyframe := false
	if s.stream.Kind == Video {
		l.unfinished = !h.marker
		if keyframe = isVP8Keyframe(payload); keyframe {
			s.keyframeWant = false
		}
	}
	top, first := s.reception.top, !s.reception.some
	s.reception.count(index, h.ts, l.now, s.stream.Kind.clockRate())
	if s.stream.Kind == Video && !first {
		s.noteLoss(l, index, top)
	}
	level := int8(-1)
	if e := h.extension(line.levelExt); len(e) > 0 {
		level = int8(e[0] & 0x7f)
	}
	at := s.ring.put(Packet{src: s, Seq: h.seq, TS: h.ts, Marker: h.marker, Level: level, Keyframe: keyframe, pad: h.padding, index: index, gen: s.gen}, body, len(payload))
	if s.lane != nil {
		s.lane.Offer(at)
		l.touch(s)
	}
}

// missingPacket is one that was skipped and may still come.
type missingPacket struct {
	index uint64
	tries int
}

// noteLoss keeps the list of lost video packets and asks for new ones at once.
func (s *Source) noteLoss(l *loop, index, top uint64) {
	if index < top {
		for i := range s.missing {
			if s.missing[i].index == index {
				s.missing = append(s.missing[:i], s.missing[i+1:]...)
				return
			}
		}
		return
	}
	if index == top+1 {
		return
	}
	if index-top > maxMissing { // too much to repair
		s.missing = s.missing[:0]
		s.askKeyframe(l)
		return
	}
	for i := top + 1; i < index; i++ {
		s.missing = append(s.missing, missingPacket{index: i})
	}
	if over := len(s.missing) - maxMissing; over > 0 {
		s.missing = append(s.missing[:0], s.missing[over:]...)
	}
	s.sendNack(l, true)
}

// sendNack asks for what is missing: only for what was never asked for, or for everything once more.
func (s *Source) sendNack(l *loop, freshOnly bool) {
	var seqs []uint16
	kept := s.missing[:0]
	lost := false
	for _, m := range s.missing {
		if m.tries == 0 || !freshOnly {
			if m.tries++; m.tries > maxNackTries {
				lost = true
				continue
			}
			seqs = append(seqs, uint16(m.index))
		}
		kept = append(kept, m)
	}
	s.missing = kept
	if len(seqs) > 0 {
		s.link.sendRTCP(l, &rtcp.TransportLayerNack{SenderSSRC: s.link.rtcpSSRC, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)})
	}
	if lost {
		s.askKeyframe(l)
	}
}

// askKeyframe sends a picture loss indication, or remembers to do so when the publisher may be asked again.
func (s *Source) askKeyframe(l *loop) {
	if s.stream.Kind != Video || s.closed {
		return
	}
	if s.ssrc == 0 || l.now.Sub(s.keyframeAsked) < keyframeInterval {
		s.keyframeWant = true
		return
	}
	s.keyframeWant, s.keyframeAsked = false, l.now
	s.link.sendRTCP(l, &rtcp.PictureLossIndication{SenderSSRC: s.link.rtcpSSRC, MediaSSRC: s.ssrc})
}

func (s *Source) tick(l *loop) {
	perTick, burst := s.allowance()
	s.budget = min(s.budget+perTick, burst)
	if len(s.missing) > 0 {
		s.sendNack(l, false)
	}
	if s.keyframeWant {
		s.askKeyframe(l)
	}
}

// ring keeps the latest packets of a source. Its buffers grow to what the stream needs and are used again, so a steady stream allocates nothing.
type ring struct {
	slots []ringSlot
	next  uint64
}

type ringSlot struct {
	pkt Packet
	buf []byte
}

func newRing(packets int) ring { return ring{slots: make([]ringSlot, packets)} }

// put copies a packet in and gives its index. payloadSize is how much of body is payload.
func (r *ring) put(p Packet, body []byte, payloadSize int) uint64 {
	at := r.next
	r.next++
	s := &r.slots[at&uint64(len(r.slots)-1)]
	if cap(s.buf) < len(body) {
		s.buf = make([]byte, (len(body)+127)&^127)
	}
	p.body = s.buf[:copy(s.buf[:cap(s.buf)], body)]
	p.Payload = p.body[:payloadSize]
	p.at = at
	s.pkt = p
	return at
}

func (r *ring) get(index uint64) *Packet {
	if index >= r.next || r.next-index > uint64(len(r.slots)) {
		return nil
	}
	return &r.slots[index&uint64(len(r.slots)-1)].pkt
}
