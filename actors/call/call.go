package call

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/session"
	"calls/actors/track"
	"calls/guard"
)

// grace is how long the clients of a call that was ended have to hang up by themselves.
const grace = 5 * time.Second

// Ports is what a call uses of the world.
type Ports struct {
	Session   session.Ports
	Posts     Posts
	Store     Store
	Publisher Publisher
	Registry  Registry
	Limits    func() Limits
	Refuse    func(to session.Address, code, message string) // never blocks
	Policies  *kit.Policies
	Clock     kit.Clock
	Log       *slog.Logger
}

// Limits is what an admin may change while calls run.
type Limits struct {
	MaxParticipants int  // sessions in a call; 0: no limit
	NoScreens       bool // screen sharing is switched off
}

// Registry knows where to hand the messages of a connection.
type Registry interface {
	// Bind names the actor of a session; what came before is handed to it in order.
	Bind(id session.ID, pid *actor.PID, box *kit.Mailbox)
	// Hold keeps the messages of a session whose actor is being replaced.
	Hold(id session.ID)
	// Forget ends a session's messages.
	Forget(id session.ID)
}

// Spec is what outlives a call's actor: who is in, who publishes what, the roster's last view and the outbox's queue.
type Spec struct {
	Channel ChannelID
	ID      ID
	ports   Ports

	view    atomic.Pointer[View]
	members []*member
	tracks  []session.Published
	ending  session.EndReason // empty: the call goes on
	drained bool
	crashes []crashed // sessions that were given up lately
	gen     uint64    // incarnations of the call
	seats   uint64    // incarnations of sessions: an id may come again in the same call, and must not be reached by the address of the one before
	roster  *kit.Mailbox
	outbox  outboxState
	coming  coming
}

// member is a session of the call.
type member struct {
	spec *session.Spec
	pid  *actor.PID
	box  *kit.Mailbox
}

// coming are those who are sent to the call and not in yet. A call may end before it has read of them; then they begin the channel's next.
type coming struct {
	mu    sync.Mutex
	joins []Join
}

// Expect notes a Join that is about to be sent to the call.
func (s *Spec) Expect(j Join) {
	s.coming.mu.Lock()
	defer s.coming.mu.Unlock()
	s.coming.joins = append(s.coming.joins, j)
}

// Expected are those who were sent and never let in nor refused.
func (s *Spec) Expected() []Join {
	s.coming.mu.Lock()
	defer s.coming.mu.Unlock()
	return s.coming.joins
}

func (s *Spec) came(id session.ID) {
	s.coming.mu.Lock()
	defer s.coming.mu.Unlock()
	s.coming.joins = without(s.coming.joins, func(j Join) bool { return j.Session == id })
}

// New is the spec of a call that its first session is about to begin.
func New(ch ChannelID, id ID, first Join, ports Ports) *Spec {
	s := &Spec{Channel: ch, ID: id, ports: ports}
	v := begin(ch, id, first.User, first.Title, first.Thread, ports.Clock.Now())
	s.view.Store(&v)
	s.outbox.lane, s.outbox.store = ports.Session.Serial("tell of call "+string(id)), ports.Session.Serial("store of call "+string(id))
	return s
}

// View is the state of the call now. Any goroutine; it never waits.
func (s *Spec) View() View { return *s.view.Load() }

// Done says whether the call came to its proper end. One that is gone without was brought down, and is to be Abandoned.
func (s *Spec) Done() bool { return s.drained }

// Props are the call's actor and the supervision of what is below it.
func (s *Spec) Props() *actor.Props {
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: s.ports.Policies, Clock: s.ports.Clock, Log: s.ports.Log, OnGiveUp: s.giveUp})
	return kit.Spec{Kind: kit.Call, Dispatcher: s.ports.Session.Dispatch, Strategy: strategy, New: func() actor.Actor { return &call{Spec: s} }}.Props()
}

// giveUp ends a session that fails too often alone; without its roster or outbox the call itself is over.
func (s *Spec) giveUp(child *actor.PID, kind kit.Kind, _ guard.Failure) {
	m := s.byPID(child)
	if kind != kit.Session || m == nil {
		s.GiveUp()
		return
	}
	m.spec.MarkEnded(session.Crashed)
	if s.crowd(m.spec.User) >= tooMany {
		s.GiveUp()
	}
}

// tooMany is how many users' sessions may be given up within the window before the fault is taken to be the call's.
const tooMany = 3

// crashed is a session that was given up.
type crashed struct {
	user session.UserID
	at   time.Time
}

// crowd notes a user whose session was given up and says how many users that makes within the window of a call's limits.
func (s *Spec) crowd(user session.UserID) int {
	now, window := s.ports.Clock.Now(), s.ports.Policies.Get(kit.Call).Window
	s.crashes = without(s.crashes, func(c crashed) bool { return c.user == user || now.Sub(c.at) >= window })
	s.crashes = append(s.crashes, crashed{user, now})
	return len(s.crashes)
}

// GiveUp marks the call and everybody in it as over; whoever holds the call stops it and cleans up after it. It is for the strategies, while the call's actor
// waits for their verdict.
func (s *Spec) GiveUp() {
	s.ending = session.Crashed
	for _, m := range s.members {
		m.spec.MarkEnded(session.Crashed)
	}
}

// call is one incarnation. It spawns, routes, watches and keeps the ledger; it parses nothing and talks to nobody.
type call struct {
	*Spec
	timers  kit.Timers
	roster  *actor.PID
	box     *actor.PID
	leaving bool // this incarnation is being replaced: what stops now comes back
}

// Receive routes one message.
func (c *call) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *actor.Restarting:
		c.pause()
	case *actor.Stopping:
		c.timers.Stop()
	case *actor.Stopped:
	case *actor.Terminated:
		c.gone(ctx, m.Who)
	case Join:
		c.join(ctx, m)
	case End:
		c.end(ctx, m.Reason)
	case session.Muted, session.Spoke, session.HandMoved, session.ScreenDone, posted:
		ctx.Send(c.roster, m)
	case session.ScreenAsked:
		c.screenAsked(ctx, m)
	case screenDecided:
		c.screenDecided(ctx, m)
	case session.Published:
		c.published(ctx, m)
	case session.Unpublished:
		c.unpublished(ctx, m.Track)
	case session.Ended:
		// The reason stands in the session's spec; its stop follows.
	case graceExpired:
		c.stopMembers(ctx)
	case drained:
		c.drained = true
		ctx.Stop(ctx.Self())
	default:
		c.ports.Log.Warn("call got a message it does not know", "call", c.ID, "type", fmt.Sprintf("%T", m))
	}
}

// start brings up what belongs to the call: all of it after a restart, for that stopped everything below.
func (c *call) start(ctx actor.Context) {
	c.gen++
	c.box = c.spawn(ctx, kit.Outbox, c.outboxProps(ctx.Self()))
	c.Spec.roster = kit.NewMailbox(kit.MailboxOptions{Keep: true, After: c.Spec.roster})
	c.roster = c.spawn(ctx, kit.Roster, c.rosterProps(c.box, c.Spec.roster))
	for _, m := range c.members {
		c.spawnMember(ctx, m)
	}
	if c.ending != "" {
		c.end(ctx, c.ending)
	}
}

func (c *call) spawn(ctx actor.Context, kind kit.Kind, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, kit.Name(kind, "", c.gen))
	if err != nil {
		panic(err) // the name carries a generation, so it cannot be taken; if it is, the supervisor must know
	}
	return pid
}

func (c *call) spawnMember(ctx actor.Context, m *member) {
	c.seats++
	m.box = kit.NewMailbox(kit.MailboxOptions{Keep: true, After: m.box})
	pid, err := ctx.SpawnNamed(m.spec.Props(m.box), kit.Name(kit.Session, string(m.spec.ID), c.seats))
	if err != nil {
		panic(err)
	}
	m.pid = pid
	c.ports.Registry.Bind(m.spec.ID, pid, m.box)
	for _, t := range c.tracks {
		c.offerTrack(ctx, m, t)
	}
}

// pause keeps the clients' messages while everything below is stopped and started again.
func (c *call) pause() {
	c.leaving = true
	c.timers.Stop()
	for _, m := range c.members {
		c.ports.Registry.Hold(m.spec.ID)
	}
}

// join lets a session in, or says why not.
func (c *call) join(ctx actor.Context, m Join) {
	if c.ending != "" {
		return // it stays expected, and begins the channel's next call
	}
	defer c.came(m.Session)
	if c.byID(m.Session) != nil {
		return
	}
	if most := c.ports.Limits().MaxParticipants; most > 0 && len(c.members) >= most {
		c.ports.Registry.Forget(m.Session)
		c.ports.Refuse(session.Address{User: m.User, Session: m.Session, Channel: string(c.Channel)}, "call_full", "user cannot join because of limits")
		return
	}
	if len(c.members) == 0 && c.View().V == 0 {
		ctx.Send(c.roster, Started{})
	}
	ctx.Send(c.roster, enter{m.Session, m.User, m.Member})
	ports := c.ports.Session
	mem := &member{spec: session.New(m.Session, m.User, string(c.Channel), ports)}
	c.members = append(c.members, mem)
	c.spawnMember(ctx, mem)
}

// gone follows the stop of a child.
func (c *call) gone(ctx actor.Context, who *actor.PID) {
	if c.leaving {
		return
	}
	if c.ending == session.Crashed { // it cannot go on: who holds it cleans up after it
		ctx.Stop(ctx.Self())
		return
	}
	m := c.byPID(who)
	if m == nil {
		return
	}
	if m.spec.Ending() == "" { // stopped by nobody's decision
		m.spec.MarkEnded(session.Crashed)
		m.spec.Close()
	}
	c.forget(ctx, m)
}

// forget takes a session out of the ledger and out of everything that holds something of it.
func (c *call) forget(ctx actor.Context, m *member) {
	c.members = without(c.members, func(o *member) bool { return o == m })
	c.ports.Registry.Forget(m.spec.ID)
	for _, t := range c.tracks {
		if t.Session == m.spec.ID {
			c.unpublished(ctx, t.Track)
			continue
		}
		ctx.Send(t.PID, track.Forget{Receiver: string(m.spec.ID)})
	}
	ctx.Send(c.roster, leave{m.spec.ID, m.spec.Ending()})
	c.finishIfEmpty(ctx)
}

// finishIfEmpty ends the call when the last one is gone.
func (c *call) finishIfEmpty(ctx actor.Context) {
	if len(c.members) > 0 {
		return
	}
	if c.ending == "" {
		c.ending = session.CallEnded
		ctx.Send(c.roster, finish{reason: c.ending})
	}
	ctx.Send(c.roster, flush{ctx.Self()})
}

// end ends the call with people in it: they are told, and those who do not go by themselves are stopped.
func (c *call) end(ctx actor.Context, reason session.EndReason) {
	if c.ending == "" {
		c.ending = reason
		ctx.Send(c.roster, finish{forced: true, reason: reason})
	}
	if len(c.members) == 0 {
		ctx.Send(c.roster, flush{ctx.Self()})
		return
	}
	if reason == session.CallEnded {
		c.timers.Set(c.ports.Clock, ctx, "grace", grace, graceExpired{})
		return
	}
	c.stopMembers(ctx)
}

func (c *call) stopMembers(ctx actor.Context) {
	for _, m := range c.members {
		ctx.Send(m.pid, session.End{Reason: c.ending})
	}
}

func (c *call) screenAsked(ctx actor.Context, m session.ScreenAsked) {
	if c.ports.Limits().NoScreens {
		c.screenDecided(ctx, screenDecided{id: m.Session, ask: m.Ask})
		return
	}
	ctx.Send(c.roster, m)
}

func (c *call) screenDecided(ctx actor.Context, m screenDecided) {
	mem := c.byID(m.id)
	switch {
	case mem == nil:
	case m.ok:
		ctx.Send(mem.pid, session.GrantScreen{Ask: m.ask})
	default:
		ctx.Send(mem.pid, session.RefuseScreen{Holder: m.holder, Ask: m.ask})
	}
}

// published notes a track, or its new address, and offers it to everybody else.
func (c *call) published(ctx actor.Context, t session.Published) {
	c.tracks = append(without(c.tracks, func(o session.Published) bool { return o.Track == t.Track }), t)
	var in []string
	for _, m := range c.members {
		in = append(in, string(m.spec.ID))
	}
	ctx.Send(t.PID, track.Keep{Receivers: in})
	for _, m := range c.members {
		c.offerTrack(ctx, m, t)
	}
}

func (c *call) offerTrack(ctx actor.Context, m *member, t session.Published) {
	if m.spec.ID != t.Session {
		ctx.Send(m.pid, session.Subscribe{Track: t.Track, Kind: t.Kind, PID: t.PID})
	}
}

func (c *call) unpublished(ctx actor.Context, id track.ID) {
	c.tracks = without(c.tracks, func(o session.Published) bool { return o.Track == id })
	for _, m := range c.members {
		ctx.Send(m.pid, session.Unsubscribe{Track: id})
	}
}

func (s *Spec) byID(id session.ID) *member {
	for _, m := range s.members {
		if m.spec.ID == id {
			return m
		}
	}
	return nil
}

func (s *Spec) byPID(pid *actor.PID) *member {
	for _, m := range s.members {
		if m.pid != nil && m.pid.Equal(pid) {
			return m
		}
	}
	return nil
}

// without is the list less what f names, in a list of its own: a crash in between leaves the old one whole.
func without[T any](list []T, f func(T) bool) []T {
	kept := make([]T, 0, len(list))
	for _, x := range list {
		if !f(x) {
			kept = append(kept, x)
		}
	}
	return kept
}
