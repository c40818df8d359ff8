package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// fakePeer is a connection that negotiates by counting.
type fakePeer struct {
	w       *kittest.World
	onEvent func(media.Event)
	pending bool
	streams []media.Stream
	slots   []*fakeSlot
	dropped int
	offers  int
	answers int
	sent    []string // on the data channel, media maps left out
	maps    []wire.MediaMap
	full    error // what the data channel answers
	heard   time.Time
	closed  int
	failing error // every description is refused with it
}

func (p *fakePeer) HandleOffer(string) (string, error) {
	if p.failing != nil {
		return "", p.failing
	}
	p.answers++
	return fmt.Sprintf("answer %d", p.answers), nil
}

func (p *fakePeer) MakeOffer() (string, error) {
	p.offers++
	p.pending = true
	for i, s := range p.slots {
		s.mid = fmt.Sprint(i + 1) // 0 is the data channel
	}
	return fmt.Sprintf("offer %d with %d slots", p.offers, len(p.slots)-p.dropped), nil
}

func (p *fakePeer) HandleAnswer(string) error {
	if p.failing != nil {
		return p.failing
	}
	p.pending = false
	for _, s := range p.slots {
		s.ready = true
	}
	return nil
}

func (p *fakePeer) OfferPending() bool                 { return p.pending }
func (p *fakePeer) AddCandidate(media.Candidate) error { return nil }
func (p *fakePeer) Streams() []media.Stream            { return p.streams }
func (p *fakePeer) LastHeard() time.Time               { return p.heard }
func (p *fakePeer) Close() error                       { p.closed++; return nil }
func (p *fakePeer) DropSlot(Slot) error                { p.dropped++; return nil }

func (p *fakePeer) AddSlot(kind media.Kind) (Slot, error) {
	s := &fakeSlot{kind: kind}
	p.slots = append(p.slots, s)
	return s, nil
}

func (p *fakePeer) Source(st media.Stream) (track.Source, error) {
	return &fakeSource{stream: st}, nil
}

func (p *fakePeer) SendChannel(data []byte, text bool) error {
	if p.full != nil {
		return p.full
	}
	if m, err := wire.DecodeReply(data, text); err == nil {
		if lines, is := m.(wire.MediaMap); is {
			p.maps = append(p.maps, lines)
			return nil
		}
	}
	p.sent = append(p.sent, string(data))
	return nil
}

type fakeSlot struct {
	kind  media.Kind
	mid   string
	ready bool
	bound track.Source
	sent  []*media.Packet
}

func (s *fakeSlot) Ready() bool           { return s.ready }
func (s *fakeSlot) Kind() media.Kind      { return s.kind }
func (s *fakeSlot) MID() string           { return s.mid }
func (s *fakeSlot) Bind(src track.Source) { s.bound = src }
func (s *fakeSlot) Unbind()               { s.bound = nil }
func (s *fakeSlot) Send(p *media.Packet)  { s.sent = append(s.sent, p) }

// fakeSource keeps every packet it was given, as a ring that never overwrites.
type fakeSource struct {
	stream  media.Stream
	lane    media.Lane
	packets []*media.Packet
	closed  bool
}

func (s *fakeSource) Attach(lane media.Lane, from uint64) {
	s.lane = lane
	for i := from; lane != nil && i < uint64(len(s.packets)); i++ {
		lane.Offer(i)
	}
	if lane != nil {
		lane.Run()
	}
}

func (s *fakeSource) Packet(i uint64) *media.Packet { return s.packets[i] }
func (s *fakeSource) Close()                        { s.closed = true }

// signals is a client as the host would reach it.
type signals struct{ sent []string }

func (s *signals) Joined(Address) error { return s.note("joined") }
func (s *signals) Description(_ Address, kind, sdp string) error {
	return s.note(kind + ": " + sdp)
}
func (s *signals) Candidate(Address, string) error { return s.note("candidate") }
func (s *signals) Refused(_ Address, code, _ string) error {
	return s.note("refused: " + code)
}
func (s *signals) ScreenRefused(_ Address, holder UserID) error {
	return s.note("screen refused: " + string(holder))
}
func (s *signals) Renegotiate(Address) error { return s.note("renegotiate") }
func (s *signals) note(text string) error    { s.sent = append(s.sent, text); return nil }

func (s *signals) take() []string {
	sent := s.sent
	s.sent = nil
	return sent
}

// atOnce runs jobs where they are given.
type atOnce struct{}

func (atOnce) Do(job func()) { job() }

// room is a session under a parent that writes down what it is told.
type room struct {
	*kittest.World
	t      *testing.T
	peer   *fakePeer
	client *signals
	spec   *Spec
	parent *kittest.Probe
	pid    *actor.PID
	top    *actor.PID
}

func newRoom(t *testing.T) *room { return newRoomIn(t, kittest.New(t)) }

// newRoomIn makes a room in a world that has others: an actor system costs more than most tests.
func newRoomIn(t *testing.T, w *kittest.World) *room {
	r := &room{World: w, t: t, peer: &fakePeer{w: w}, client: &signals{}, parent: kittest.NewProbe(t)}
	policies := kit.NewPolicies()
	ports := Ports{
		Signaller: r.client, Clock: w.Clock, Policies: policies, Log: w.Log, Dispatch: w.Pump, Board: kit.NewBoard(w.Clock),
		NewPeer: func(cfg media.PeerConfig) (Peer, error) {
			r.peer.onEvent = cfg.OnEvent
			return r.peer, nil
		},
		Loop:      func(ID) actor.Dispatcher { return w.Pump },
		LaneDepth: func() int { return 16 },
		Serial:    func(string) Serial { return atOnce{} },
	}
	r.spec = New("conn-a", "alice", "channel", ports)
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: policies, Clock: w.Clock, OnGiveUp: func(*actor.PID, kit.Kind, guardFailure) { r.spec.MarkEnded(Crashed) }})
	r.parent.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			r.pid, _ = ctx.SpawnNamed(r.spec.Props(kit.NewMailbox(kit.MailboxOptions{})), kit.Name(kit.Session, "a", 1))
		}
	}
	r.top = w.Spawn(kit.Spec{Kind: kit.Call, Strategy: strategy, New: r.parent.Actor}, "call")
	return r
}

// event is something that the connection reports.
func (r *room) event(e media.Event) {
	r.peer.onEvent(e)
	r.Run()
}

// connect brings the session to where it may negotiate, and forgets what was said on the way.
func (r *room) connect() { r.connectAs(currentLabel) }

// connectAs does it for a client whose data channel has this label.
func (r *room) connectAs(label string) {
	r.event(media.Connected{})
	r.event(media.ChannelOpen{Label: label})
	r.quiet()
	r.answer()
	r.client.take()
	r.parent.Expect()
}

// quiet lets the time pass after which the server takes the client to do nothing now.
func (r *room) quiet() { r.Advance(quietWindow) }

// answer answers the server's pending offer, if there is one.
func (r *room) answer() {
	if r.peer.pending {
		r.Tell(r.pid, answerSDP)
	}
}

func (r *room) packet(src *fakeSource, p *media.Packet) {
	src.packets = append(src.packets, p)
	if src.lane != nil {
		src.lane.Offer(uint64(len(src.packets) - 1))
		src.lane.Run()
	}
	r.Run()
}
