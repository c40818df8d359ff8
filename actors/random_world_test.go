package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/session"
	"calls/guard"
	"calls/media"
	"calls/wire"
)

// chance runs everything that could run at the same time in an order of chance, one message at a go. The same seed gives the same order.
type chance struct {
	rng   *rand.Rand
	ready []func()
}

// Schedule notes something that can run now.
func (c *chance) Schedule(fn func()) { c.ready = append(c.ready, fn) }

// Throughput makes mailboxes let others run after each message.
func (c *chance) Throughput() int { return 1 }

func (c *chance) step() bool {
	if len(c.ready) == 0 {
		return false
	}
	i := c.rng.IntN(len(c.ready))
	fn := c.ready[i]
	last := len(c.ready) - 1
	c.ready[i] = c.ready[last]
	c.ready = c.ready[:last]
	fn()
	return true
}

func (c *chance) rest() {
	for range 200_000 {
		if !c.step() {
			return
		}
	}
	panic("the actors do not come to rest")
}

// line is a queue of jobs that run one after another, each when chance wills.
type line struct {
	pump *chance
	jobs []func()
}

func (l *line) Do(job func()) {
	l.jobs = append(l.jobs, job)
	if len(l.jobs) == 1 {
		l.pump.Schedule(l.next)
	}
}

func (l *line) next() {
	job := l.jobs[0]
	guard.Run("job", job, nil)
	l.jobs = l.jobs[1:]
	if len(l.jobs) > 0 {
		l.pump.Schedule(l.next)
	}
}

// stage is the whole tree, but for sockets, on a pump and a clock of its own, with a host and clients that notice what must not be.
type stage struct {
	clock   *kittest.Clock
	pump    *chance
	engine  *Engine
	clients map[session.ID]*stockClient
	books   map[call.ID]*book
	records map[call.ChannelID]call.View
	down    bool // the store fails
	shut    map[call.ChannelID]bool
	wrong   []string // what must not be, and was
}

func newStage(seed uint64, log *slog.Logger) *stage {
	s := &stage{
		clock: kittest.NewClock(), pump: &chance{rng: rand.New(rand.NewPCG(seed, 1))}, clients: map[session.ID]*stockClient{},
		books: map[call.ID]*book{}, records: map[call.ChannelID]call.View{}, shut: map[call.ChannelID]bool{},
	}
	var err error
	s.engine, err = prepare(Config{Supervision: Supervision{InboxLimit: inboxLimit}}, Ports{Directory: s, Posts: s, Store: s, Publisher: s, Signaller: s, Log: log, Clock: s.clock})
	if err != nil {
		panic(err)
	}
	s.engine.policies.Jitter = func() float64 { return 0 }
	err = s.engine.begin(base{
		dispatch: s.pump,
		spawn: func(name string, fn func(), onPanic func(guard.Failure)) {
			s.pump.Schedule(func() { guard.Run(name, fn, onPanic) })
		},
		serial: func(string, func(guard.Failure)) session.Serial { return &line{pump: s.pump} },
		peer:   s.newPeer,
		loop:   func(session.ID) actor.Dispatcher { return s.pump },
	})
	if err != nil {
		panic(err)
	}
	return s
}

// fail notes that something is not as it must be.
func (s *stage) fail(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// advance moves time on, from timer to timer.
func (s *stage) advance(d time.Duration) {
	end := s.clock.Now().Add(d)
	for {
		s.pump.rest()
		left := end.Sub(s.clock.Now())
		next, ok := s.clock.Next()
		if !ok || next > left {
			s.clock.Advance(left)
			s.pump.rest()
			return
		}
		s.clock.Advance(max(0, next))
	}
}

// actors lists the addresses of all actors below the root, sorted, as an admin would see them.
func (s *stage) actors() (ids []string) {
	_, all, _ := s.engine.board.Snapshot()
	for _, a := range all {
		if a.Kind != kit.Root {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// addresses lists all of ours that the actor system knows. It is slow.
func (s *stage) addresses() (ids []string) {
	for _, bucket := range s.engine.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(func(id string, _ any) {
			if kindOf(id) != kit.Other {
				ids = append(ids, id)
			}
		})
	}
	return ids
}

// MayJoin lets everybody in.
func (s *stage) MayJoin(session.UserID, call.ChannelID) (Entrant, error) {
	return Entrant{Member: true}, nil
}

// Archived says what the test chose.
func (s *stage) Archived(ch call.ChannelID) (bool, error) { return s.shut[ch], nil }

// book is what the host was told of one call, and the state that follows from it.
type book struct {
	channel       call.ChannelID
	posts, closed int
	cleared       int
	v             uint64
	started       bool
	people        []call.Person
	host          session.UserID
	screen        session.ID
	left          map[session.ID]session.EndReason
	ended         session.EndReason // the forced end that was told
	mustMove      session.UserID    // the host who is due to be told
	order         int
}

func (s *stage) book(ch call.ChannelID, id call.ID) *book {
	b := s.books[id]
	if b == nil {
		b = &book{channel: ch, left: map[session.ID]session.EndReason{}, order: len(s.books)}
		s.books[id] = b
	}
	return b
}

// Create makes a post.
func (s *stage) Create(v call.View) (call.Post, error) {
	b := s.book(v.Channel, v.Call)
	if b.posts++; b.posts > 1 {
		s.fail("a second post for call %s", v.Call)
	}
	return call.Post{ID: "post-" + string(v.Call), Thread: "post-" + string(v.Call)}, nil
}

// Close ends a post.
func (s *stage) Close(v call.View, _ time.Time) error {
	b := s.book(v.Channel, v.Call)
	if b.closed++; b.closed > 1 {
		s.fail("the post of call %s was closed again", v.Call)
	}
	if want := "post-" + string(v.Call); v.Post.ID != want {
		s.fail("post %q was closed instead of %q", v.Post.ID, want)
	}
	return nil
}

var errDown = errors.New("the store is down")

// Save keeps the record.
func (s *stage) Save(v call.View) error {
	if s.down {
		return errDown
	}
	if s.book(v.Channel, v.Call).cleared > 0 {
		s.fail("the record of call %s was brought back to life", v.Call)
	}
	s.records[v.Channel] = v
	return nil
}

// Clear removes it.
func (s *stage) Clear(ch call.ChannelID, id call.ID) error {
	if s.down {
		return errDown
	}
	s.book(ch, id).cleared++
	if s.records[ch].Call == id {
		delete(s.records, ch)
	}
	return nil
}

// Publish checks an event against those before it.
func (s *stage) Publish(e call.Event) error {
	b := s.book(e.Channel, e.Call)
	if e.V != b.v+1 {
		s.fail("call %s: event %d (%T) came after %d", e.Call, e.V, e.Body, b.v)
	}
	b.v = e.V
	if problem := b.apply(e.Body); problem != "" {
		s.fail("call %s, event %d: %T%+v: %s", e.Call, e.V, e.Body, e.Body, problem)
	}
	if end, ok := e.Body.(call.Ended); ok && end.Forced {
		for _, p := range b.people {
			s.clients[p.Session].callEnded()
		}
	}
	return nil
}

func (b *book) find(id session.ID) *call.Person {
	i := slices.IndexFunc(b.people, func(p call.Person) bool { return p.Session == id })
	if i < 0 {
		return nil
	}
	return &b.people[i]
}

// apply follows an event and says what is wrong with it: every event must change something.
func (b *book) apply(body call.Body) (problem string) {
	if _, ok := body.(call.HostChanged); !ok && b.mustMove != "" {
		return "the host should have moved to " + string(b.mustMove)
	}
	switch e := body.(type) {
	case call.Started:
		if b.started {
			return "started twice"
		}
		b.started, b.host = true, e.Host
		return ""
	case call.Joined:
		return b.joined(e)
	case call.Left:
		return b.leave(e)
	case call.HostChanged:
		if e.Host != b.mustMove {
			return "nobody had to become host but " + string(b.mustMove)
		}
		b.host, b.mustMove = e.Host, ""
		return ""
	case call.Ended:
		if b.ended != "" {
			return "the end was told before"
		}
		b.ended = e.Reason
		return ""
	}
	return b.change(body)
}

func (b *book) joined(e call.Joined) string {
	if !b.started || b.find(e.Session) != nil {
		return "cannot join"
	}
	delete(b.left, e.Session)
	b.people = append(b.people, call.Person{User: e.User, Session: e.Session})
	if len(e.State.People) != len(b.people) {
		return "the state it carries is another"
	}
	return ""
}

func (b *book) leave(e call.Left) string {
	p := b.find(e.Session)
	if p == nil || b.screen == e.Session {
		return "cannot leave"
	}
	b.left[e.Session] = e.Reason
	b.people = slices.DeleteFunc(b.people, func(o call.Person) bool { return o.Session == e.Session })
	last := !slices.ContainsFunc(b.people, func(o call.Person) bool { return o.User == e.User })
	if last != e.Last {
		return "wrong about whether it was the user's last session"
	}
	if last && b.host == e.User && len(b.people) > 0 {
		b.mustMove = b.people[0].User
	}
	return ""
}

// change follows the events about one person who is in.
func (b *book) change(body call.Body) string {
	switch e := body.(type) {
	case call.Muted:
		if p := b.find(e.Session); p != nil && p.Unmuted == e.On {
			p.Unmuted = !e.On
			return ""
		}
	case call.Hand:
		if p := b.find(e.Session); p != nil && p.Hand.IsZero() != e.At.IsZero() {
			p.Hand = e.At
			return ""
		}
	case call.Screen:
		if e.On && b.screen == "" && b.find(e.Session) != nil {
			b.screen = e.Session
			return ""
		}
		if !e.On && b.screen == e.Session {
			b.screen = ""
			return ""
		}
	}
	return "it changes nothing"
}

// Joined acknowledges a join to a client.
func (s *stage) Joined(to session.Address) error {
	s.to(to, func(c *stockClient) { c.admitted() })
	return nil
}

// Description brings an offer or an answer to a client.
func (s *stage) Description(to session.Address, kind, sdp string) error {
	s.to(to, func(c *stockClient) { c.described(kind, sdp) })
	return nil
}

// Candidate does not happen: the peers have none.
func (s *stage) Candidate(session.Address, string) error { return nil }

// Refused tells a client that it is not to be.
func (s *stage) Refused(to session.Address, code, _ string) error {
	s.clients[to.Session].refused = append(s.clients[to.Session].refused, code)
	return nil
}

// ScreenRefused tells a client that somebody else shares.
func (s *stage) ScreenRefused(to session.Address, _ session.UserID) error {
	s.to(to, func(c *stockClient) { c.screenRefused() })
	return nil
}

// to hands over to a client what comes on its socket: at once when it is open, later when the same socket comes back, never when another does.
func (s *stage) to(to session.Address, f func(*stockClient)) {
	c := s.clients[to.Session]
	if c.offline {
		c.missed = append(c.missed, func() { f(c) })
		return
	}
	f(c)
}

func (s *stage) newPeer(cfg media.PeerConfig) (session.Peer, error) {
	c := s.clients[session.ID(cfg.Name)]
	if c.peer != nil {
		s.fail("%s: a second connection was made", c.id)
	}
	c.peer = &standPeer{s: s, c: c, onEvent: cfg.OnEvent}
	return c.peer, nil
}

// restarts of limits that keep the test's arithmetic simple: of nothing below a millisecond.
const inboxLimit = 20

// short names an actor without its parents.
func short(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// signal sends a client's message to the engine.
func (s *stage) signal(conn session.ConnID, user session.UserID, m wire.Message) {
	s.engine.Signal(conn, user, m)
}
