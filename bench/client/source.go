package client

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// maxBehind is how late a source may be and still send what it owes; beyond, it leaves that out as a stopped machine would.
const maxBehind = time.Second

// Voice is what a client says.
type Voice struct {
	Payloads [][]byte      // Opus packets, sent in turn and over again; nil: stamped packets
	Size     int           // bytes of a stamped packet; 0: 100
	Interval time.Duration // 0: 20 ms
	Level    uint8         // audio level sent along, in -dBov: 127 is silence; 0: 30
}

// Picture is what a client shares: frames that look like VP8 to everybody but a decoder.
type Picture struct {
	FPS           int // 0: 15
	Packets       int // per frame; 0: 8
	Size          int // bytes of a packet's payload; 0: 1100
	KeyframeEvery int // frames; 0: only the first one and those asked for
}

// content makes the packets of a source.
type content interface {
	interval() time.Duration
	clock() uint32 // RTP clock rate
	// tick sends the packets of one interval; first says that the source has just begun or resumed.
	tick(s *source, first bool)
}

// source sends one published track at its pace.
type source struct {
	kind     Kind
	content  content // replaced only while nothing runs
	id       string  // of its m-line
	local    *webrtc.TrackLocalStaticRTP
	sender   *webrtc.RTPSender // nil once the track was taken off
	levelExt uint8             // id of the audio level extension; 0: not negotiated

	sent     atomic.Uint64 // packets, and the next stamp
	requests atomic.Uint64
	wantKey  atomic.Bool

	mu   sync.Mutex
	stop chan struct{} // nil: not running
	done chan struct{}

	// The rest belongs to whoever runs.
	packet  rtp.Packet
	stopped time.Time
}

func newSource(kind Kind, what content) *source {
	s := &source{kind: kind, content: what}
	s.packet.Version = 2
	start := rand.Uint64()
	s.packet.SequenceNumber = uint16(start)
	s.packet.Timestamp = uint32(start >> 32)
	return s
}

// begin readies the source for run; the channels are nil when it runs already.
func (s *source) begin() (stop, done chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return nil, nil
	}
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	return s.stop, s.done
}

// pause returns when nothing is sent any more.
func (s *source) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil {
		return
	}
	close(s.stop)
	<-s.done
	s.stop, s.done = nil, nil
}

func (s *source) run(stop, done chan struct{}) {
	defer close(done)
	interval := s.content.interval()
	ticks := func(d time.Duration) uint32 { return uint32(d.Seconds() * float64(s.content.clock())) }
	due := time.Now()
	if !s.stopped.IsZero() {
		s.packet.Timestamp += ticks(due.Sub(s.stopped))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for first := true; ; first = false {
		select {
		case <-stop:
			s.stopped = time.Now()
			return
		case <-timer.C:
		}
		s.content.tick(s, first)
		s.packet.Timestamp += ticks(interval)
		due = due.Add(interval)
		if late := time.Since(due); late > maxBehind {
			due = due.Add(late)
			s.packet.Timestamp += ticks(late)
		}
		timer.Reset(time.Until(due))
	}
}

// write sends one packet. An error means that the connection is going down, which its state tells; what was not sent is not counted.
func (s *source) write(payload []byte, marker bool) {
	s.packet.Payload, s.packet.Marker = payload, marker
	if err := s.local.WriteRTP(&s.packet); err != nil {
		return
	}
	s.packet.SequenceNumber++
	s.sent.Add(1)
}

// voice sends speech or stamped packets.
type voice struct {
	Voice
	origin uint32
	next   int
	buf    []byte
}

func newVoice(v Voice, origin uint32) *voice {
	if v.Size == 0 {
		v.Size = 100
	}
	if v.Interval == 0 {
		v.Interval = 20 * time.Millisecond
	}
	if v.Level == 0 {
		v.Level = 30
	}
	return &voice{Voice: v, origin: origin, buf: make([]byte, max(v.Size, StampSize))}
}

func (v *voice) interval() time.Duration { return v.Interval }
func (v *voice) clock() uint32           { return opusCodec.ClockRate }

func (v *voice) tick(s *source, first bool) {
	if first && s.levelExt != 0 {
		level := []byte{v.Level & 0x7f}
		if v.Level < 127 {
			level[0] |= 0x80 // V: the sender takes it for voice
		}
		if err := s.packet.SetExtension(s.levelExt, level); err != nil {
			s.levelExt = 0
		}
	}
	payload := v.buf
	if len(v.Payloads) > 0 {
		payload = v.Payloads[v.next%len(v.Payloads)]
		v.next++
	} else {
		Stamp{Origin: v.origin, Count: s.sent.Load(), Sent: time.Now()}.Put(payload)
	}
	s.write(payload, first)
}

// picture sends stamped frames.
type picture struct {
	Picture
	origin uint32
	frame  int
	buf    []byte
}

func newPicture(p Picture, origin uint32) *picture {
	if p.FPS == 0 {
		p.FPS = 15
	}
	if p.Packets == 0 {
		p.Packets = 8
	}
	if p.Size == 0 {
		p.Size = 1100
	}
	return &picture{Picture: p, origin: origin, buf: make([]byte, max(p.Size, vp8DescriptorSize+vp8KeyHeaderSize+StampSize))}
}

func (p *picture) interval() time.Duration { return time.Second / time.Duration(p.FPS) }
func (p *picture) clock() uint32           { return vp8Codec.ClockRate }

func (p *picture) tick(s *source, first bool) {
	key := s.wantKey.Swap(false) || first || p.KeyframeEvery > 0 && p.frame%p.KeyframeEvery == 0
	for i := range p.Packets {
		at := vp8Packet{picture: uint16(p.frame) & 0x7fff, start: i == 0, keyframe: key, frame: p.Packets * len(p.buf)}.put(p.buf)
		Stamp{Origin: p.origin, Count: s.sent.Load(), Sent: time.Now()}.Put(p.buf[at:])
		s.write(p.buf, i == p.Packets-1)
	}
	p.frame++
}
