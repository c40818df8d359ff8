package actors

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"calls/actors/call"
	"calls/actors/session"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// stockClient is a client that dies of anything a stock client would die of: an offer without need, an answer to nothing, a second acknowledgement.
type stockClient struct {
	s    *stage
	id   session.ID
	conn session.ConnID // it speaks under this connection
	user session.UserID
	ch   call.ChannelID
	peer *standPeer

	out, events *line // what it says, and what its connection reports, in order

	acks     int
	refused  []string
	noScreen int // refusals of its screen

	gone    bool      // it has hung up and heeds nothing
	clings  bool      // it does not hang up when the call is ended
	offline bool      // its socket is closed
	lostAt  time.Time // when it was closed
	missed  []func()
	silent  time.Time // no packet comes from it since; zero: they do

	open     bool // its data channel is
	offering bool // its offer is under way
	again    bool // and another must follow
	streams  []media.Stream
	mic      bool
	shared   string // the stream of its screen
	made     int    // streams made so far
	keeps    bool   // it keeps the m-lines of a screen that it ceased to share
}

func (c *stockClient) say(m wire.Message) {
	c.out.Do(func() { c.s.signal(c.conn, c.user, m) })
}

// says says something on the data channel.
func (c *stockClient) says(m wire.ChannelMessage) {
	data, text := wire.EncodeChannel(m)
	c.events.Do(func() { c.peer.onEvent(media.ChannelMessage{Text: text, Data: data}) })
}

func (c *stockClient) admitted() {
	if c.acks++; c.acks > 1 {
		c.s.fail("%s died: its join was acknowledged twice", c.id)
	}
	c.offer()
}

// offer offers the streams it has now.
func (c *stockClient) offer() {
	if c.offering {
		c.again = true
		return
	}
	c.offering = true
	c.say(wire.SDP{Type: "offer", SDP: c.peer.write(c.streams)})
}

func (c *stockClient) described(kind, _ string) {
	switch {
	case c.gone:
	case kind == "answer" && !c.offering:
		c.s.fail("%s died: an answer to nothing", c.id)
	case kind == "answer":
		c.answered()
	case !c.open:
		c.s.fail("%s died: an offer before its data channel was open", c.id)
	default:
		c.offered()
	}
}

func (c *stockClient) answered() {
	c.offering = false
	if !c.open {
		c.open = true
		c.events.Do(func() { c.peer.onEvent(media.Connected{}) })
		c.events.Do(func() { c.peer.onEvent(media.ChannelOpen{Label: "calls-dc"}) })
	}
	if c.again {
		c.again = false
		c.offer()
	}
}

// offered answers. An offer of its own that was under way has been discarded by the server, and is made again.
func (c *stockClient) offered() {
	c.say(wire.SDP{Type: "answer", SDP: "v=0"})
	if c.offering {
		c.offering, c.again = false, false
		c.offer()
	}
}

func (c *stockClient) screenRefused() {
	c.noScreen++
	if !c.gone {
		c.dropScreen()
	}
}

// callEnded hangs up when the call is ended for everybody, if the client hears of it and has manners.
func (c *stockClient) callEnded() {
	if !c.gone && !c.clings && !c.offline {
		c.gone = true
		c.say(wire.Leave{})
	}
}

func (c *stockClient) unmute() {
	c.say(wire.Unmute{})
	if !c.mic {
		c.mic = true
		c.addStream("mic", media.Audio)
		c.offer()
	}
}

func (c *stockClient) addStream(id string, kind media.Kind) {
	c.made++
	n := strconv.Itoa(c.made)
	c.streams = append(slices.Clone(c.streams), media.Stream{MID: n, Kind: kind, StreamID: id, TrackID: "t" + n})
}

func (c *stockClient) removeStreams(id string) {
	c.streams = slices.DeleteFunc(slices.Clone(c.streams), func(st media.Stream) bool { return st.StreamID == id })
}

// newMic takes another microphone: a new stream in the place of the old.
func (c *stockClient) newMic() {
	for i, st := range c.streams {
		if st.StreamID[:3] == "mic" {
			c.made++
			c.streams = slices.Clone(c.streams)
			c.streams[i].StreamID = fmt.Sprint("mic", c.made)
		}
	}
	c.offer()
}

// share announces a screen, with its sound perhaps, and offers it.
func (c *stockClient) share(sound bool) {
	c.shared = fmt.Sprint("scr", c.made)
	c.say(wire.ScreenOn{ScreenStreamID: c.shared})
	c.addStream(c.shared, media.Video)
	if sound {
		c.addStream(c.shared, media.Audio)
	}
	c.offer()
}

func (c *stockClient) unshare() {
	c.say(wire.ScreenOff{})
	c.dropScreen()
}

func (c *stockClient) dropScreen() {
	if c.shared != "" && !c.keeps {
		c.removeStreams(c.shared)
		c.offer()
	}
	c.shared = ""
}

// standPeer is the server's end of a client's connection. It notices what a connection would break of.
type standPeer struct {
	s       *stage
	c       *stockClient
	onEvent func(media.Event)
	written [][]media.Stream // the client's descriptions, by number
	streams []media.Stream
	pending bool
	need    bool // slots have come or gone since the last offer
	offered []*standSlot
	slots   []*standSlot
	sources []*standSource
	mids    int // m-lines given to slots so far
	senders wire.MediaMap
	closed  int
}

func (p *standPeer) write(streams []media.Stream) string {
	p.written = append(p.written, streams)
	return strconv.Itoa(len(p.written) - 1)
}

func (p *standPeer) use(what string) {
	if p.closed > 0 {
		p.s.fail("%s: %s after its connection was closed", p.c.id, what)
	}
}

func (p *standPeer) HandleOffer(sdp string) (string, error) {
	p.use("an offer is handled")
	if p.pending {
		p.s.fail("%s: an offer was fed to a connection that waits for an answer", p.c.id)
	}
	n, _ := strconv.Atoi(sdp)
	p.streams = p.written[n]
	return "answer", nil
}

func (p *standPeer) MakeOffer() (string, error) {
	p.use("an offer is made")
	if p.pending || !p.need {
		p.s.fail("%s died: an offer for which there is no need (pending %v)", p.c.id, p.pending)
	}
	p.pending, p.need = true, false
	p.offered = slices.Clone(p.slots)
	for _, sl := range p.slots {
		if sl.mid == "" {
			p.mids++
			sl.mid = fmt.Sprint("line ", p.mids)
		}
	}
	return "offer", nil
}

func (p *standPeer) HandleAnswer(string) error {
	p.use("an answer is handled")
	p.pending = false
	for _, sl := range p.offered {
		sl.ready = true
	}
	return nil
}

func (p *standPeer) OfferPending() bool                 { return p.pending }
func (p *standPeer) AddCandidate(media.Candidate) error { return nil }
func (p *standPeer) Streams() []media.Stream            { return p.streams }

func (p *standPeer) LastHeard() time.Time {
	if p.c.silent.IsZero() {
		return p.s.clock.Now()
	}
	return p.c.silent
}

func (p *standPeer) AddSlot(kind media.Kind) (session.Slot, error) {
	p.use("a slot is added")
	sl := &standSlot{p: p, kind: kind}
	p.slots, p.need = append(p.slots, sl), true
	return sl, nil
}

func (p *standPeer) DropSlot(s session.Slot) error {
	sl := s.(*standSlot)
	if sl.bound != nil {
		p.s.fail("%s: a slot is dropped that a track still sends on", p.c.id)
	}
	sl.dropped, p.need = true, true
	p.slots = slices.DeleteFunc(slices.Clone(p.slots), func(o *standSlot) bool { return o == sl })
	return nil
}

func (p *standPeer) Source(st media.Stream) (track.Source, error) {
	p.use("a stream is received")
	for _, src := range p.sources {
		if src.stream == st && !src.closed {
			p.s.fail("%s: two tracks for stream %v", p.c.id, st)
		}
	}
	src := &standSource{p: p, stream: st}
	p.sources = append(p.sources, src)
	return src, nil
}

// SendChannel notes whose media the lines carry, as the client is told.
func (p *standPeer) SendChannel(data []byte, text bool) error {
	m, err := wire.DecodeReply(data, text)
	if err != nil {
		p.s.fail("%s was told something that it cannot read: %x", p.c.id, data)
	}
	if senders, is := m.(wire.MediaMap); is {
		p.senders = senders
	}
	return nil
}

func (p *standPeer) Close() error {
	if p.closed++; p.closed > 1 {
		p.s.fail("%s: its connection was closed twice", p.c.id)
	}
	return nil
}

// standSlot is one stream to a client.
type standSlot struct {
	p       *standPeer
	kind    media.Kind
	mid     string
	ready   bool
	dropped bool
	bound   *standSource
	sent    int
}

func (sl *standSlot) Ready() bool        { return sl.ready }
func (sl *standSlot) Kind() media.Kind   { return sl.kind }
func (sl *standSlot) MID() string        { return sl.mid }
func (sl *standSlot) Unbind()            { sl.bound = nil }
func (sl *standSlot) Send(*media.Packet) { sl.sent++ }

func (sl *standSlot) Bind(src track.Source) {
	if sl.dropped || !sl.ready {
		sl.p.s.fail("%s: a slot is lent that its client does not know", sl.p.c.id)
	}
	if sl.bound != nil && sl.bound != src {
		sl.p.s.fail("%s: a slot is lent to two tracks", sl.p.c.id)
	}
	sl.bound = src.(*standSource)
}

// standSource is one stream from a client.
type standSource struct {
	p      *standPeer
	stream media.Stream
	lane   media.Lane
	closed bool
}

func (src *standSource) Attach(lane media.Lane, _ uint64) { src.lane = lane }
func (src *standSource) Packet(uint64) *media.Packet      { return &media.Packet{Level: -1} }
func (src *standSource) Close()                           { src.closed = true }

// packet lets one packet come.
func (src *standSource) packet() {
	src.lane.Offer(0)
	src.lane.Run()
}
