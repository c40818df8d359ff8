package media

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v3"
)

const (
	historySize    = 512  // sent video packets that can be sent again, as many as a source's ring keeps; a power of two
	historyRuns    = 4    // of them, runs of numbers: a source that changes, or begins anew
	nacksPerSecond = 1000 // retransmissions that one receiver gets of one slot
	maxGap         = 512  // a wider jump of the source's sequence numbers is hidden from the receiver
)

// Slot is what the client sees as one incoming stream: mid, SSRC, sequence numbers, clock. It belongs to the receiving session and is lent to one track at a time.
// Bind, Send, Unbind run on the owning shard's loop, and not any more for a Lane once it was quarantined.
type Slot struct {
	kind  Kind
	link  *link
	track *localTrack
	mid   atomic.Pointer[string]
	ready atomic.Bool

	transceiver *webrtc.RTPTransceiver // the session's, with sender
	sender      *webrtc.RTPSender
	accepted    bool // by an answer

	// The rest is the loop's.
	live bool // the loop knows what the client agreed to
	ssrc uint32
	pt   uint8
	src  *Source
	last *Source // the source before, to go on seamlessly when it comes back

	waitKey bool   // video: nothing before a key frame
	based   bool   // the offsets below belong to the bound source
	gen     uint32 // of the source's SSRC
	inBase  uint64 // index of the first packet since the offsets were made
	outBase uint64 // the index that it got
	tsShift uint32 // added to the source's time stamps

	given    window // sequence numbers handed out, with their rollover counter
	lastTS   uint32
	lastSent time.Time

	history    []sentPacket // video
	runs       [historyRuns]sentRun
	run        uint32 // counts them
	nackBudget int
	packets    uint32
	octets     uint32
	reported   uint32 // packets when the last report was sent
}

// sentPacket says where to find a packet that was sent, to seal it again, byte for byte: it lies in the source's ring. Of the long numbers the low halves do, for
// the whole ones are near.
type sentPacket struct {
	out uint32
	at  uint32 // ring index
	run uint32 // 0: nothing was sent
}

// sentRun is what packets have in common that were sent between two changes of the offsets.
type sentRun struct {
	src             *Source
	gen             uint32
	inBase, outBase uint64
	tsShift         uint32
}

func newSlot(lk *link, kind Kind, track *localTrack) *Slot {
	s := &Slot{kind: kind, link: lk, track: track, nackBudget: nacksPerSecond}
	// The first sequence number lies in the lower half, so that losing the first packets cannot hide a rollover from the receiver.
	s.given.top, s.given.some = uint64(rand.Uint32N(1<<15-1)), true //nolint:gosec // stands in every packet, so no secret
	s.lastTS = rand.Uint32()                                        //nolint:gosec // the same
	return s
}

// Ready says whether the client has accepted the stream. Any goroutine.
func (s *Slot) Ready() bool { return s.ready.Load() }

// Kind is the kind of stream it carries.
func (s *Slot) Kind() Kind { return s.kind }

// MID is the slot's m-line, empty before its first offer. Any goroutine.
func (s *Slot) MID() string {
	if mid := s.mid.Load(); mid != nil {
		return *mid
	}
	return ""
}

// Bind makes src the slot's source: sequence numbers and time stamps go on where the last source left off.
func (s *Slot) Bind(src *Source) {
	if src == nil {
		s.Unbind()
		return
	}
	if src.link.sh != s.link.sh { // a fault of the caller's: nothing may be touched from another loop
		s.link.sh.log.Error("a stream of another group was lent a slot", "from", src.link.name, "to", s.link.name)
		return
	}
	s.src, s.based = src, false
	if s.kind == Video {
		s.waitKey = true
		src.askKeyframe(s.link.sh.current.Load())
	}
}

// Unbind ends the binding.
func (s *Slot) Unbind() {
	if s.src != nil && s.based {
		s.last = s.src
	}
	s.src, s.based, s.waitKey = nil, false, false
}

// Send rewrites, seals and queues one packet of the bound source. It never blocks; what cannot be sent is dropped and counted. A packet of another source than
// the bound one is not sent: a track that lost the slot may still have some in its lane.
func (s *Slot) Send(p *Packet) {
	if p == nil || p.src == nil || p.src != s.src {
		return
	}
	lk := s.link
	if !s.live || lk.closed || lk.keys.out == nil {
		lk.counters.dropped.Add(1)
		return
	}
	if s.waitKey && !p.Keyframe {
		return
	}
	s.waitKey = false
	l := lk.sh.current.Load()
	out, ok := s.number(p, l.now)
	if !ok {
		lk.counters.dropped.Add(1)
		return
	}
	n := s.transmit(l, p, out, s.tsShift)
	s.packets++
	s.octets += uint32(len(p.Payload))
	if out == s.given.top {
		s.lastTS, s.lastSent = p.TS+s.tsShift, l.now
	}
	lk.counters.packetsOut.Add(1)
	lk.counters.bytesOut.Add(uint64(n))
	s.remember(p, out)
}

// number gives a packet its place in the outgoing row. The place is taken here, before anything is sealed with it, and never given again, whatever fails
// later: with AES-GCM two packets under one number would give the key away.
func (s *Slot) number(p *Packet, now time.Time) (out uint64, ok bool) {
	if !s.based || p.gen != s.gen || p.index > s.inBase && p.index-s.inBase+s.outBase > s.given.top+maxGap {
		s.rebase(p, now)
	}
	if p.index < s.inBase {
		return 0, false // older than the first packet of this source that was sent
	}
	out = p.index - s.inBase + s.outBase
	return out, s.given.take(out)
}

// rebase lets p follow the last packet sent.
func (s *Slot) rebase(p *Packet, now time.Time) {
	same := s.gen == p.gen && (s.based || s.src == s.last)
	if !same || int32(p.TS+s.tsShift-s.lastTS) <= 0 {
		s.tsShift = s.laterBy(now) - p.TS
	}
	s.inBase, s.outBase = p.index, s.given.top+1
	s.based, s.gen, s.last = true, p.gen, s.src
	s.run++
	s.runs[s.run%historyRuns] = sentRun{s.src, p.gen, s.inBase, s.outBase, s.tsShift}
}

// laterBy is a time stamp that follows the last one sent, by the time that has passed since, where the source's own clock does not fit on.
func (s *Slot) laterBy(now time.Time) uint32 {
	rate := s.kind.clockRate()
	step := rate / 50 // a frame of audio
	if s.kind == Video {
		step = rate / 30
	}
	if !s.lastSent.IsZero() {
		if passed := now.Sub(s.lastSent); passed > 0 {
			step = max(step, uint32(int64(passed/time.Microsecond)*int64(rate)/1e6))
		}
	}
	return s.lastTS + step
}

// transmit writes the packet with its new header, seals it where it lies and queues it.
func (s *Slot) transmit(l *loop, p *Packet, out uint64, tsShift uint32) int {
	i, b := l.buffer()
	b = b[:rtpHeaderSize]
	b[0], b[1] = 0x80, s.pt
	if p.pad {
		b[0] |= 0x20
	}
	if p.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(out))
	binary.BigEndian.PutUint32(b[4:], p.TS+tsShift)
	binary.BigEndian.PutUint32(b[8:], s.ssrc)
	b = s.link.keys.out.sealRTPOf(b, p.body, s.ssrc, out)
	l.out.put(s.link, i, len(b))
	return len(b)
}

// remember makes it possible to send a video packet again.
func (s *Slot) remember(p *Packet, out uint64) {
	if s.kind != Video {
		return
	}
	if s.history == nil {
		s.history = make([]sentPacket, historySize)
	}
	s.history[out%historySize] = sentPacket{uint32(out), uint32(p.at), s.run}
}

// resend answers a NACK for one sequence number.
func (s *Slot) resend(l *loop, seq uint16) {
	out, ok := s.given.extend(seq)
	if !ok || s.history == nil || s.nackBudget <= 0 {
		return
	}
	h := s.history[out%historySize]
	if h.run == 0 || h.out != uint32(out) || s.run-h.run >= historyRuns {
		return
	}
	run := &s.runs[h.run%historyRuns]
	ring := &run.src.ring
	p := ring.get(ring.next - uint64(uint32(ring.next)-h.at))
	if p == nil || p.index != out-run.outBase+run.inBase || p.gen != run.gen {
		return // overwritten
	}
	s.nackBudget--
	n := s.transmit(l, p, out, run.tsShift)
	s.link.counters.packetsOut.Add(1)
	s.link.counters.bytesOut.Add(uint64(n))
	s.link.counters.retransmitted.Add(1)
}

// open lets the loop send on the slot with what the client agreed to.
func (s *Slot) open(ssrc uint32, pt uint8) {
	if s.link.closed {
		return
	}
	s.ssrc, s.pt = ssrc, pt
	s.link.slots[ssrc] = s
	s.live = true
}

// shut takes that back.
func (s *Slot) shut() {
	s.ready.Store(false)
	s.live = false
	s.Unbind()
	delete(s.link.slots, s.ssrc)
}
