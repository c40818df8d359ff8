package call

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/session"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// fakeHost writes down, in order, what a call tells the world, and fails where it is told to.
type fakeHost struct {
	log     []string
	failing map[string]int // how often a kind of thing still fails
	saved   View
}

func (h *fakeHost) do(kind, text string) error {
	if h.failing[kind] > 0 {
		h.failing[kind]--
		h.log = append(h.log, kind+" failed")
		return errors.New("injected")
	}
	h.log = append(h.log, strings.TrimSpace(kind+" "+text))
	return nil
}

func (h *fakeHost) Create(View) (Post, error)       { return Post{"post", "post"}, h.do("post", "") }
func (h *fakeHost) Close(v View, _ time.Time) error { return h.do("close", v.Post.ID) }
func (h *fakeHost) Save(v View) error               { h.saved = v; return h.do("save", v.Post.ID) }
func (h *fakeHost) Clear(ChannelID, ID) error       { return h.do("clear", "") }
func (h *fakeHost) Publish(e Event) error {
	text := fmt.Sprintf("%d %T", e.V, e.Body)
	switch b := e.Body.(type) {
	case Left:
		text += " " + string(b.Session) + " " + string(b.Reason)
	case Joined:
		text += " " + string(b.Session) + " post=" + b.State.Post.ID
	}
	return h.do("tell", strings.ReplaceAll(text, "call.", ""))
}

// told is what was published, without what was stored.
func (h *fakeHost) told() (events []string) {
	for _, l := range h.log {
		if strings.HasPrefix(l, "tell") {
			events = append(events, strings.TrimPrefix(l, "tell "))
		}
	}
	h.log = nil
	return events
}

type fakeRegistry struct {
	pids   map[session.ID]*actor.PID
	forgot []session.ID
}

func (r *fakeRegistry) Bind(id session.ID, pid *actor.PID, _ *kit.Mailbox) { r.pids[id] = pid }
func (r *fakeRegistry) Hold(id session.ID)                                 { r.pids[id] = nil }
func (r *fakeRegistry) Forget(id session.ID) {
	delete(r.pids, id)
	r.forgot = append(r.forgot, id)
}

type fakePeer struct {
	streams []media.Stream
	onEvent func(media.Event)
	closed  int
	heard   time.Time
}

func (p *fakePeer) HandleOffer(string) (string, error)            { return "answer", nil }
func (p *fakePeer) MakeOffer() (string, error)                    { return "offer", nil }
func (p *fakePeer) HandleAnswer(string) error                     { return nil }
func (p *fakePeer) OfferPending() bool                            { return false }
func (p *fakePeer) AddCandidate(media.Candidate) error            { return nil }
func (p *fakePeer) Streams() []media.Stream                       { return p.streams }
func (p *fakePeer) AddSlot(kind media.Kind) (session.Slot, error) { return &fakeSlot{kind: kind}, nil }
func (p *fakePeer) DropSlot(session.Slot) error                   { return nil }
func (p *fakePeer) Source(media.Stream) (track.Source, error)     { return &fakeSource{}, nil }
func (p *fakePeer) SendChannel([]byte, bool) error                { return nil }
func (p *fakePeer) LastHeard() time.Time                          { return p.heard }
func (p *fakePeer) Close() error                                  { p.closed++; return nil }

type fakeSlot struct {
	kind media.Kind
	sent int
}

func (s *fakeSlot) MID() string          { return "" }
func (s *fakeSlot) Ready() bool          { return true }
func (s *fakeSlot) Kind() media.Kind     { return s.kind }
func (s *fakeSlot) Bind(track.Source)    {}
func (s *fakeSlot) Unbind()              {}
func (s *fakeSlot) Send(p *media.Packet) { s.sent++ }

type fakeSource struct {
	lane   media.Lane
	closed bool
}

func (s *fakeSource) Attach(lane media.Lane, _ uint64) { s.lane = lane }
func (s *fakeSource) Packet(uint64) *media.Packet      { return &media.Packet{Level: -1} }
func (s *fakeSource) Close()                           { s.closed = true }

// silent takes what a session tells its client and drops it.
type silent struct{}

func (silent) Joined(session.Address) error                        { return nil }
func (silent) Description(session.Address, string, string) error   { return nil }
func (silent) Candidate(session.Address, string) error             { return nil }
func (silent) Refused(session.Address, string, string) error       { return nil }
func (silent) ScreenRefused(session.Address, session.UserID) error { return nil }

type atOnce struct{}

func (atOnce) Do(job func()) { job() }

// stage is a call under a parent that writes down what it is told.
type stage struct {
	*kittest.World
	host    *fakeHost
	reg     *fakeRegistry
	peers   map[string]*fakePeer
	refused []string
	limits  Limits
	spec    *Spec
	pid     *actor.PID
	parent  *kittest.Probe
	ended   bool

	replaced uint64 // times that the call was
}

func newStage(t *testing.T, first Join) *stage {
	return newStageWith(t, &fakeHost{failing: map[string]int{}}, first)
}

func newStageWith(t *testing.T, host *fakeHost, first Join) *stage {
	s := newStageOf(t, host, first)
	s.Tell(s.pid, first)
	return s
}

// newStageOf has a call that its first session is still to join.
func newStageOf(t *testing.T, host *fakeHost, first Join) *stage {
	w := kittest.New(t)
	s := &stage{
		World: w, host: host, reg: &fakeRegistry{pids: map[session.ID]*actor.PID{}},
		peers: map[string]*fakePeer{}, parent: kittest.NewProbe(t),
	}
	policies := kit.NewPolicies()
	s.spec = New("channel", "call-1", first, Ports{
		Session: session.Ports{
			Signaller: silent{}, Clock: w.Clock, Policies: policies, Log: w.Log, Dispatch: w.Pump, Board: kit.NewBoard(w.Clock),
			NewPeer: func(cfg media.PeerConfig) (session.Peer, error) {
				p := &fakePeer{onEvent: cfg.OnEvent}
				s.peers[cfg.Name] = p
				return p, nil
			},
			Loop:      func(session.ID) actor.Dispatcher { return w.Pump },
			LaneDepth: func() int { return 16 },
			Serial:    func(string) session.Serial { return atOnce{} },
		},
		Posts: s.host, Store: s.host, Publisher: s.host, Registry: s.reg, Policies: policies, Clock: w.Clock, Log: w.Log,
		Limits: func() Limits { return s.limits },
		Refuse: func(to session.Address, code, _ string) { s.refused = append(s.refused, string(to.Session)+" "+code) },
	})
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: policies, Clock: w.Clock, Log: w.Log})
	s.parent.Do = func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started:
			s.pid, _ = ctx.SpawnNamed(s.spec.Props(), kit.Name(kit.Call, "channel", 1))
		case kit.Replace:
			s.replaced++
			s.pid, _ = ctx.SpawnNamed(s.spec.Props(), kit.Name(kit.Call, "channel", 1+s.replaced))
			m.By(s.pid)
		case *actor.Terminated:
			s.ended = s.ended || m.Who.Equal(s.pid)
		}
	}
	w.Spawn(kit.Spec{Kind: kit.Root, Strategy: strategy, New: s.parent.Actor}, "root")
	return s
}

func joinOf(user session.UserID, id session.ID) Join {
	return Join{Session: id, User: user, Member: true}
}

// connect lets a session's connection come up, so that the liveness clock leaves it alone for half a minute.
func (s *stage) connect(id string) {
	s.peers[id].onEvent(media.Connected{})
	s.peers[id].onEvent(media.ChannelOpen{})
	s.Run()
}

func (s *stage) child(kind kit.Kind) *actor.PID {
	return actor.NewPID(s.pid.Address, s.pid.Id+"/"+kit.Name(kind, "", s.spec.saved.gen))
}

func TestCallBegins(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	assert.Equal(t, []string{"post", "save post", "tell 1 Started", "tell 2 Joined a post=post"}, s.host.log[:4], "durable facts are stored, then told")
	assert.Equal(t, Post{"post", "post"}, s.spec.View().Post)
	assert.NotNil(t, s.reg.pids["a"])
	s.Advance(saveEvery)
	assert.Len(t, s.host.saved.People, 1, "live facts are stored behind")
}

func TestCallEndsWithItsLast(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, joinOf("bob", "b"))
	s.host.log = nil
	s.Tell(s.reg.pids["b"], wire.Leave{})
	assert.Equal(t, []string{"4 Left b left"}, s.host.told())
	assert.False(t, s.ended)
	s.Tell(s.reg.pids["a"], wire.Leave{})
	s.Advance(saveEvery)
	n := len(s.host.log)
	assert.Equal(t, []string{"close post", "clear"}, s.host.log[n-2:], "nothing is stored after the end")
	assert.Equal(t, []string{"5 Left a left"}, s.host.told(), "the natural end is told by nobody")
	assert.True(t, s.ended)
	assert.True(t, s.spec.Done())
	assert.Equal(t, 1, s.peers["a"].closed)
	assert.Empty(t, s.reg.pids)
}

func TestForcedEnd(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.connect("a")
	s.host.log = nil
	s.Tell(s.pid, End{session.CallEnded})
	assert.Contains(t, s.host.log, "tell 3 Ended")
	assert.Contains(t, s.host.log, "clear")
	assert.False(t, s.ended, "clients have time to go by themselves")
	assert.True(t, s.spec.View().Over)
	s.spec.Expect(joinOf("bob", "b"))
	s.Tell(s.pid, joinOf("bob", "b"))
	assert.Equal(t, []string{"b call_ended"}, s.refused, "who comes too late is told at once: no phone waits for so long")
	assert.Empty(t, s.spec.Expected(), "and does not begin the next call behind its back")
	assert.Contains(t, s.reg.forgot, session.ID("b"))
	s.Advance(grace - time.Second)
	s.Tell(s.pid, End{session.CallEnded}) // the poller asks again for as long as the channel is archived
	s.Advance(time.Second)
	assert.True(t, s.ended, "and puts nothing off")
	assert.Equal(t, 1, s.peers["a"].closed)
}

// When the last of a call that was ended has gone it has only its books to close. Who comes now begins the channel's next call.
func TestWhoComesWhenTheLastOfAnEndedCallHasGone(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.connect("a")
	s.host.failing["close"], s.host.failing["clear"] = 1, 1
	s.Tell(s.pid, End{session.CallEnded})
	s.Tell(s.reg.pids["a"], wire.Leave{})
	require.False(t, s.ended, "the books are open")
	s.spec.Expect(joinOf("bob", "b"))
	s.Tell(s.pid, joinOf("bob", "b"))
	assert.Empty(t, s.refused)
	assert.Equal(t, []Join{joinOf("bob", "b")}, s.spec.Expected())
}

func TestShutdownEndsAtOnce(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, End{session.Shutdown})
	assert.True(t, s.ended)
	assert.True(t, s.spec.Done())
	assert.Contains(t, s.host.log, "clear")
}

// Who is in a call, and not in its roster yet, when it is brought down learns it by a message of its own.
func TestBroughtDownBeforeItsFirstEvent(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	for range kit.DefaultLimits(kit.Roster).Max {
		s.Tell(s.child(kit.Roster), kit.Fault{Reason: "test"})
		s.Advance(2 * time.Second)
	}
	s.System.Root.Send(s.pid, joinOf("bob", "b"))
	s.System.Root.Send(s.child(kit.Roster), kit.Fault{Reason: "once too often"})
	s.Run()
	require.True(t, s.ended)
	s.spec.Abandon(func() {})
	assert.Equal(t, []string{"b crashed"}, s.refused)
}

// A connection id may join the same call again. What is still on its way to the session of before must not reach the one of now.
func TestSameIDAgainHasAnotherAddress(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, joinOf("bob", "b"))
	before := s.reg.pids["b"]
	s.Tell(before, wire.Leave{})
	s.Tell(s.pid, joinOf("bob", "b"))
	assert.NotEqual(t, before.Id, s.reg.pids["b"].Id)
}

func TestFullCall(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.limits.MaxParticipants = 1
	s.Tell(s.pid, joinOf("bob", "b"))
	assert.Equal(t, []string{"b call_full"}, s.refused)
	assert.Contains(t, s.reg.forgot, session.ID("b"))
	assert.Len(t, s.spec.View().People, 1)
}

func TestStoreAwayDelaysNoEvent(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.connect("a")
	s.Advance(saveEvery)
	s.host.failing["save"] = 1000
	s.host.log = nil
	s.Tell(s.reg.pids["a"], wire.Unmute{})
	s.Tell(s.reg.pids["a"], wire.RaiseHand{})
	assert.Equal(t, []string{"3 Muted", "4 Hand"}, s.host.told())
	s.away(time.Minute, "a")
	s.Tell(s.reg.pids["a"], wire.UnraiseHand{})
	assert.Contains(t, s.host.told(), "5 Hand", "a minute later, too")
	s.host.failing["save"] = 0
	s.Advance(5 * time.Second)
	assert.True(t, s.host.saved.People[0].Unmuted, "the record is right within five seconds of the store's return")
	assert.Equal(t, s.spec.View().V, s.host.saved.V)
}

// away lets time pass with somebody's connection alive.
func (s *stage) away(d time.Duration, id string) {
	for range int(d / time.Second) {
		s.peers[id].heard = s.Clock.Now()
		s.Advance(time.Second)
	}
}

func TestACallThatEndsWhileTheStoreIsAwayIsClearedWhenItIsBack(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.connect("a")
	s.Advance(saveEvery)
	s.host.failing["save"], s.host.failing["clear"], s.host.failing["close"] = 1000, 1000, 1000
	s.Tell(s.reg.pids["a"], wire.Leave{})
	s.Advance(time.Minute)
	assert.False(t, s.ended)
	s.host.failing = map[string]int{}
	s.host.log = nil
	s.Advance(5 * time.Second)
	assert.Contains(t, s.host.log, "close post")
	assert.Contains(t, s.host.log, "clear")
	assert.True(t, s.ended, "within five seconds of the store's return")
}

func TestPostThatCannotBeMadeStopsNoCall(t *testing.T) {
	host := &fakeHost{failing: map[string]int{"post": postTries}}
	s := newStageWith(t, host, joinOf("alice", "a"))
	s.Advance(time.Minute / 6)
	assert.Equal(t, []string{"1 Started", "2 Joined a post="}, host.told())
}

func TestPostIsTriedAgain(t *testing.T) {
	host := &fakeHost{failing: map[string]int{"post": postTries - 1}}
	s := newStageWith(t, host, joinOf("alice", "a"))
	s.Advance(time.Minute / 6)
	assert.Equal(t, []string{"1 Started", "2 Joined a post=post"}, host.told())
}

func TestScreenGoesToOne(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, joinOf("bob", "b"))
	s.Tell(s.reg.pids["a"], wire.ScreenOn{ScreenStreamID: "sa"})
	s.Tell(s.reg.pids["b"], wire.ScreenOn{ScreenStreamID: "sb"})
	assert.Equal(t, session.ID("a"), s.spec.View().ScreenSession)
	s.Tell(s.reg.pids["a"], wire.ScreenOff{})
	s.Tell(s.reg.pids["b"], wire.ScreenOn{ScreenStreamID: "sb"})
	assert.Equal(t, session.ID("b"), s.spec.View().ScreenSession)
}

func TestCrashesAreContained(t *testing.T) {
	for name, c := range map[string]struct {
		victim func(s *stage) *actor.PID
		times  int
		ends   bool
		alice  bool // is in afterwards
	}{
		"roster restarts":        {func(s *stage) *actor.PID { return s.child(kit.Roster) }, 1, false, true},
		"outbox restarts":        {func(s *stage) *actor.PID { return s.child(kit.Outbox) }, 1, false, true},
		"call restarts":          {func(s *stage) *actor.PID { return s.pid }, 1, false, true},
		"session restarts":       {func(s *stage) *actor.PID { return s.reg.pids["a"] }, 1, false, true},
		"session over its limit": {func(s *stage) *actor.PID { return s.reg.pids["a"] }, kit.DefaultLimits(kit.Session).Max + 1, false, false},
		"roster over its limit":  {func(s *stage) *actor.PID { return s.child(kit.Roster) }, kit.DefaultLimits(kit.Roster).Max + 1, true, false},
		"outbox over its limit":  {func(s *stage) *actor.PID { return s.child(kit.Outbox) }, kit.DefaultLimits(kit.Outbox).Max + 1, true, false},
		"call over its limit":    {func(s *stage) *actor.PID { return s.pid }, kit.DefaultLimits(kit.Call).Max + 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, joinOf("alice", "a"))
			s.Tell(s.pid, joinOf("bob", "b"))
			s.connect("a")
			s.connect("b")
			for range c.times {
				s.Tell(c.victim(s), kit.Fault{Reason: name})
				s.Advance(2 * time.Second)
			}
			require.Equal(t, c.ends, s.ended)
			if c.ends {
				assert.False(t, s.spec.Done(), "a call that was brought down must be cleaned up by its parent")
				s.host.log = nil
				s.spec.Abandon(func() {})
				assert.Contains(t, s.host.log, "close post")
				assert.Contains(t, s.host.log, "clear")
				assert.Positive(t, s.peers["a"].closed)
				assert.Empty(t, s.reg.pids)
				return
			}
			assert.Equal(t, c.alice, s.spec.View().find("a") >= 0)
			assert.GreaterOrEqual(t, s.spec.View().find("b"), 0)
			assert.Zero(t, s.peers["b"].closed, "nobody else's connection is touched")
			s.host.log = nil
			s.Tell(s.reg.pids["b"], wire.RaiseHand{})
			assert.Len(t, s.host.told(), 1, "and the call goes on")
		})
	}
}
