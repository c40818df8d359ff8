package client

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Kind is the kind of a stream.
type Kind uint8

// The kinds of stream.
const (
	Audio Kind = iota
	Screen
	Extra // a second voice; its receivers see Audio
	kinds = iota
)

func (k Kind) String() string {
	if k == Screen {
		return "screen"
	}
	return "audio"
}

// Stream is what one incoming stream, one SSRC, has brought so far.
type Stream struct {
	SSRC      uint32
	Kind      Kind
	StreamID  string // MediaStream id, as the server announced it
	TrackID   string
	Packets   uint64 // all of them, repeats included
	Bytes     uint64 // of payload
	Malformed uint64 // packets that could not be read
	Seq       Continuity
	Switches  uint64 // times that stamped packets of another origin began to come
	FirstSeen time.Time
	LastSeen  time.Time
	Frames    Frames // of a Screen
}

// Frames is what became of the frames of a video stream.
type Frames struct {
	Complete  uint64
	Broken    uint64 // cut short, or with a packet missing
	Keyframes uint64 // complete ones
	FromKey   bool   // the first packet that came began a key frame
}

// Origin is what the stamps of one sender say.
type Origin struct {
	Counts    Continuity
	SSRC      uint32 // where its latest packet came
	Switches  uint64 // times that it moved to another SSRC
	FirstSeen time.Time
	LastSeen  time.Time
}

// Captured is a payload as it came.
type Captured struct {
	Seq     uint16
	Payload []byte
}

// maxOrigins and maxStreams bound what a broken server can make a client remember.
const (
	maxOrigins = 4096
	maxStreams = 4096
)

type originKey struct {
	origin uint32
	kind   Kind
}

// stream is a Stream with what it takes to keep it.
type stream struct {
	Stream
	unwrap   unwrap
	frame    frame
	origin   uint32
	stamped  bool
	captured []Captured
}

// frame is the video frame that is being received.
type frame struct {
	open, whole, key bool
	last             uint64 // extended sequence number of the latest packet of the stream
}

// receiver keeps the books of everything a client receives. One goroutine per stream writes, anybody reads.
type receiver struct {
	capture int

	mu      sync.Mutex
	streams map[uint32]*stream
	origins map[originKey]*Origin
	delays  Histogram
}

func newReceiver(capture int) *receiver {
	return &receiver{capture: capture, streams: map[uint32]*stream{}, origins: map[originKey]*Origin{}}
}

// stream is the book of an SSRC. A stream that is announced anew goes on in the old one: its numbering must go on too.
func (r *receiver) stream(ssrc uint32, kind Kind, streamID, trackID string) *stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[ssrc]
	if s == nil {
		s = &stream{}
		if len(r.streams) < maxStreams {
			r.streams[ssrc] = s
		}
	}
	s.SSRC, s.Kind, s.StreamID, s.TrackID = ssrc, kind, streamID, trackID
	return s
}

// packet books one packet.
func (r *receiver) packet(s *stream, raw []byte, now time.Time) {
	p, ok := parseRTP(raw)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		s.Malformed++
		return
	}
	if s.Packets == 0 {
		s.FirstSeen = now
	}
	s.LastSeen = now
	s.Packets++
	s.Bytes += uint64(len(p.payload))
	n := s.unwrap.extend(p.seq)
	s.Seq.add(n)
	if len(s.captured) < r.capture {
		s.captured = append(s.captured, Captured{Seq: p.seq, Payload: slices.Clone(p.payload)})
	}
	body := p.payload
	if s.Kind == Screen {
		body = s.video(p, n)
	}
	if stamp, ok := ReadStamp(body); ok {
		r.stamped(s, stamp, now)
	}
}

// stamped books a packet under its sender.
func (r *receiver) stamped(s *stream, stamp Stamp, now time.Time) {
	if s.stamped && s.origin != stamp.Origin {
		s.Switches++
	}
	s.stamped, s.origin = true, stamp.Origin
	key := originKey{stamp.Origin, s.Kind}
	o := r.origins[key]
	if o == nil {
		if len(r.origins) >= maxOrigins {
			return
		}
		o = &Origin{SSRC: s.SSRC, FirstSeen: now}
		r.origins[key] = o
	}
	if o.SSRC != s.SSRC {
		o.SSRC = s.SSRC
		o.Switches++
	}
	o.LastSeen = now
	o.Counts.add(stamp.Count)
	r.delays.Add(now.Sub(stamp.Sent))
}

// video books a packet's place in its frame and returns what follows the VP8 headers.
func (s *stream) video(p packet, n uint64) []byte {
	start, key, rest, ok := parseVP8(p.payload)
	if !ok {
		return nil
	}
	f := &s.frame
	if s.Packets == 1 {
		s.Frames.FromKey = key
	} else if n != f.last+1 {
		f.whole = false
	}
	f.last = n
	if start {
		if f.open {
			s.Frames.Broken++
		}
		f.open, f.whole, f.key = true, true, key
	}
	if p.marker {
		s.frameEnd()
	}
	return p.payload[rest:]
}

func (s *stream) frameEnd() {
	f := &s.frame
	switch {
	case !f.open || !f.whole:
		s.Frames.Broken++
	default:
		s.Frames.Complete++
		if f.key {
			s.Frames.Keyframes++
		}
	}
	f.open = false
}

// Streams is a snapshot of all incoming streams on which something came, by SSRC.
func (c *Client) Streams() []Stream {
	r := c.recv
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Stream, 0, len(r.streams))
	for _, s := range r.streams {
		list = append(list, s.Stream)
	}
	slices.SortFunc(list, func(a, b Stream) int { return cmp.Compare(a.SSRC, b.SSRC) })
	return list
}

// Received is what came of a sender's stamped packets of one kind; it is zero when nothing came.
func (c *Client) Received(origin uint32, kind Kind) Origin {
	r := c.recv
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.origins[originKey{origin, kind}]; o != nil {
		return *o
	}
	return Origin{}
}

// Captured is the payloads kept of an SSRC, in order of arrival: the first Config.Capture of them.
func (c *Client) Captured(ssrc uint32) []Captured {
	r := c.recv
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.streams[ssrc]; s != nil {
		return slices.Clone(s.captured)
	}
	return nil
}

// Delays is how long stamped packets were on their way, by this machine's clock.
func (c *Client) Delays() Histogram {
	c.recv.mu.Lock()
	defer c.recv.mu.Unlock()
	return c.recv.delays
}
