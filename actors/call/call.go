package call

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
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

	view   atomic.Pointer[View]
	outbox outboxState
	coming coming

	fence  kit.Fence
	ending session.EndReason // behind the fence; empty: the call goes on
	saved  ledger            // behind the fence: as the last message left it

	rosterFence kit.Fence
}

// ledger is what a call remembers from one message to the next. An instance works on a copy of its own, so that one which hung and was replaced, and comes back,
// changes nothing any more.
type ledger struct {
	members []member
	tracks  []session.Published // replaced, never changed in place
	crashes []crashed           // sessions that were given up lately; likewise
	drained bool
	gen     uint64       // incarnations of the call, its roster and its outbox
	seats   uint64       // incarnations of sessions: an id may come again in the same call, and must not be reached by the address of the one before
	kept    *kit.Mailbox // the roster's
}

// clone is a copy that shares nothing which could change.
func (l ledger) clone() ledger {
	l.members = slices.Clone(l.members)
	return l
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
func (s *Spec) Done() (done bool) {
	s.fence.Look(func() { done = s.saved.drained })
	return done
}

// over is the reason for which the call ends; empty while it goes on.
func (s *Spec) over() (reason session.EndReason) {
	s.fence.Look(func() { reason = s.ending })
	return reason
}

// people are the call's sessions, for others than its actor.
func (s *Spec) people() (members []member) {
	s.fence.Look(func() { members = slices.Clone(s.saved.members) })
	return members
}

// Props are the call's actor and the supervision of what is below it.
func (s *Spec) Props() *actor.Props {
	var c *call // the instance that is there
	strategy := kit.NewStrategy(kit.StrategyOptions{
		Policies: s.ports.Policies, Clock: s.ports.Clock, Log: s.ports.Log,
		OnGiveUp: func(child *actor.PID, kind kit.Kind, _ guard.Failure) { c.giveUp(child, kind) },
	})
	gate := s.fence.Gate()
	return kit.Spec{
		Kind: kit.Call, Dispatcher: s.ports.Session.Dispatch, Strategy: strategy, Board: s.ports.Session.Board, Label: s.View().Title,
		OnRevoke: s.hold, OnLost: s.lost,
		New: func() actor.Actor {
			c = &call{Spec: s}
			c.pass = gate.Enter(func() { c.ledger = s.saved.clone() })
			return c
		},
	}.Props()
}

// hold keeps the clients' messages while everything below is stopped and started again.
func (s *Spec) hold() {
	for _, m := range s.people() {
		s.ports.Registry.Hold(m.spec.ID)
	}
}

// lost follows a message that nobody handles to its end. Somebody who was to be let in by it must not wait for ever.
func (s *Spec) lost(message any) {
	j, ok := message.(Join)
	if !ok || slices.ContainsFunc(s.people(), func(m member) bool { return m.spec.ID == j.Session }) {
		return
	}
	s.came(j.Session)
	s.ports.Registry.Forget(j.Session)
	s.ports.Refuse(session.Address{User: j.User, Session: j.Session, Channel: string(s.Channel)}, "fault", "A fault on the server kept you out. Please try again.")
}

// giveUp ends a session that fails too often alone; without its roster or outbox the call itself is over.
func (c *call) giveUp(child *actor.PID, kind kit.Kind) {
	defer c.save()
	m := c.byPID(child)
	if kind != kit.Session || m == nil {
		c.GiveUp()
		return
	}
	m.spec.MarkEnded(session.Crashed)
	if c.crowd(m.spec.User) >= tooMany {
		c.GiveUp()
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
func (c *call) crowd(user session.UserID) int {
	now, window := c.ports.Clock.Now(), c.ports.Policies.Get(kit.Call).Window
	c.crashes = without(c.crashes, func(o crashed) bool { return o.user == user || now.Sub(o.at) >= window })
	c.crashes = append(c.crashes, crashed{user, now})
	return len(c.crashes)
}

// GiveUp marks the call and everybody in it as over; whoever holds the call stops it and cleans up after it. It is for the strategies, while the call's actor
// waits for their verdict.
func (s *Spec) GiveUp() {
	s.fence.Look(func() { s.ending = session.Crashed })
	for _, m := range s.people() {
		m.spec.MarkEnded(session.Crashed)
	}
}

// call is one incarnation. It spawns, routes, watches and keeps the ledger; it parses nothing and talks to nobody.
type call struct {
	*Spec
	ledger
	pass    *kit.Pass
	timers  kit.Timers
	roster  *actor.PID
	box     *actor.PID
	leaving bool // this incarnation is being replaced: what stops now comes back
	waiting bool // this incarnation has given the clients of a call that is over their time to go
}

// Receive routes one message, and saves what came of it, also of one that brings the actor down.
func (c *call) Receive(ctx actor.Context) {
	defer c.save()
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
	case kit.Replace:
		c.replace(ctx, m)
	case Join:
		c.join(ctx, m)
	case End:
		c.end(ctx, m.Reason)
	case Expel:
		c.expel(ctx, m)
	case hosted:
		c.hosted(ctx, m)
	case session.Muted, session.Spoke, session.HandMoved, session.ScreenDone, session.Reacted, posted, Host:
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
	case emptyExpired:
		if c.over() == "" {
			c.finishIfEmpty(ctx)
		}
	case drained:
		c.drained = true
		ctx.Stop(ctx.Self())
	default:
		c.ports.Log.Warn("call got a message it does not know", "call", c.ID, "type", fmt.Sprintf("%T", m))
	}
}

// save hands what this instance knows to its successor.
func (c *call) save() {
	c.pass.Try(func() { c.saved = c.clone() })
}

// start brings up what belongs to the call: all of it after a restart, for that stopped everything below.
func (c *call) start(ctx actor.Context) {
	c.gen++
	c.box = c.spawn(ctx, kit.Outbox, c.outboxProps(ctx.Self()))
	c.roster = c.spawnRoster(ctx)
	for i := range c.members {
		c.spawnMember(ctx, &c.members[i])
		c.bind(ctx, &c.members[i])
	}
	switch reason := c.over(); {
	case reason != "":
		c.end(ctx, reason)
	case len(c.members) == 0: // the first is on the way, unless that message was lost
		c.timers.Set(c.ports.Clock, ctx, "empty", grace, emptyExpired{})
	}
}

func (c *call) spawn(ctx actor.Context, kind kit.Kind, props *actor.Props) *actor.PID {
	pid, err := ctx.SpawnNamed(props, kit.Name(kind, "", c.gen))
	if err != nil {
		panic(err) // the name carries a generation, so it cannot be taken; if it is, the supervisor must know
	}
	return pid
}

func (c *call) spawnRoster(ctx actor.Context) *actor.PID {
	c.kept = kit.NewMailbox(kit.MailboxOptions{Keep: true, After: c.kept, Clock: c.ports.Clock})
	return c.spawn(ctx, kit.Roster, c.rosterProps(c.box, c.kept))
}

func (c *call) spawnMember(ctx actor.Context, m *member) {
	c.seats++
	m.box = kit.NewMailbox(kit.MailboxOptions{Keep: true, After: m.box, Clock: c.ports.Clock})
	pid, err := ctx.SpawnNamed(m.spec.Props(m.box), kit.Name(kit.Session, string(m.spec.ID), c.seats))
	if err != nil {
		panic(err)
	}
	m.pid = pid
}

// bind makes a session's new address known.
func (c *call) bind(ctx actor.Context, m *member) {
	c.pass.Do(func() { c.ports.Registry.Bind(m.spec.ID, m.pid, m.box) })
	for _, t := range c.tracks {
		c.offerTrack(ctx, m, t)
	}
}

// replace follows the quarantine of a child. What waits for it goes over before anything that comes to the new address directly.
func (c *call) replace(ctx actor.Context, r kit.Replace) {
	if m := c.byPID(r.Who); m != nil {
		c.spawnMember(ctx, m)
		r.By(m.pid)
		c.bind(ctx, m)
		return
	}
	c.gen++
	switch {
	case r.Who.Equal(c.roster):
		c.roster = c.spawnRoster(ctx)
		r.By(c.roster)
	case r.Who.Equal(c.box):
		c.box = c.spawn(ctx, kit.Outbox, c.outboxProps(ctx.Self()))
		r.By(c.box)
	}
}

// pause is the end of this instance: everything below is stopped and started again.
func (c *call) pause() {
	c.leaving = true
	c.timers.Stop()
	c.hold()
}

// join lets a session in, or says why not.
func (c *call) join(ctx actor.Context, m Join) {
	reason := c.over()
	if reason == session.CallEnded && len(c.members) > 0 { // for seconds, perhaps: longer than phones wait for an answer
		c.turnAway(m, "call_ended", "call has ended")
		return
	}
	if reason != "" {
		return // it stays expected, and begins the channel's next call
	}
	if c.byID(m.Session) != nil {
		c.came(m.Session)
		return
	}
	if most := c.ports.Limits().MaxParticipants; most > 0 && len(c.members) >= most {
		c.turnAway(m, "call_full", "user cannot join because of limits")
		return
	}
	defer c.came(m.Session)
	if len(c.members) == 0 && c.View().V == 0 {
		ctx.Send(c.roster, Started{})
	}
	ctx.Send(c.roster, enter{m.Session, m.User, m.Member})
	c.timers.Cancel("empty")
	c.members = append(c.members, member{spec: session.New(m.Session, m.User, string(c.Channel), c.ports.Session)})
	mem := &c.members[len(c.members)-1]
	c.spawnMember(ctx, mem)
	c.bind(ctx, mem)
}

// turnAway tells somebody who may not come in why.
func (c *call) turnAway(m Join, code, why string) {
	c.pass.Do(func() { c.ports.Registry.Forget(m.Session) })
	c.came(m.Session)
	c.ports.Refuse(session.Address{User: m.User, Session: m.Session, Channel: string(c.Channel)}, code, why)
}

// gone follows the stop of a child.
func (c *call) gone(ctx actor.Context, who *actor.PID) {
	if c.leaving {
		return
	}
	if c.over() == session.Crashed { // it cannot go on: who holds it cleans up after it
		ctx.Stop(ctx.Self())
		return
	}
	m := c.byPID(who)
	if m == nil {
		return
	}
	if m.spec.Ending() == "" { // stopped by nobody's decision
		m.spec.MarkEnded(session.Crashed)
	}
	c.pass.Do(m.spec.Close) // by now it should be closed, but for one that could not
	c.forget(ctx, *m)
}

// forget takes a session out of the ledger and out of everything that holds something of it.
func (c *call) forget(ctx actor.Context, m member) {
	c.members = without(c.members, func(o member) bool { return o.spec == m.spec })
	c.pass.Do(func() { c.ports.Registry.Forget(m.spec.ID) })
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
	if c.beginEnd(session.CallEnded) {
		ctx.Send(c.roster, finish{reason: session.CallEnded})
	}
	ctx.Send(c.roster, flush{ctx.Self()})
}

// beginEnd notes why the call ends; false when it has begun already.
func (c *call) beginEnd(reason session.EndReason) (first bool) {
	c.pass.Do(func() {
		first = c.ending == ""
		c.ending = cmp.Or(c.ending, reason)
	})
	return first
}

// end ends the call with people in it: they are told, and those who do not go by themselves are stopped.
func (c *call) end(ctx actor.Context, reason session.EndReason) {
	if c.beginEnd(reason) {
		ctx.Send(c.roster, finish{forced: true, reason: reason})
	}
	if len(c.members) == 0 {
		ctx.Send(c.roster, flush{ctx.Self()})
		return
	}
	if reason == session.CallEnded {
		if !c.waiting { // whoever asks for the end again and again must not put it off
			c.waiting = true
			c.timers.Set(c.ports.Clock, ctx, "grace", grace, graceExpired{})
		}
		return
	}
	c.stopMembers(ctx)
}

func (c *call) stopMembers(ctx actor.Context) {
	for _, m := range c.members {
		ctx.Send(m.pid, session.End{Reason: c.over()})
	}
}

// expel ends the sessions of somebody who may not be in any more.
func (c *call) expel(ctx actor.Context, m Expel) {
	for _, o := range c.members {
		if o.spec.User == m.User && (m.Session == "" || m.Session == o.spec.ID) {
			ctx.Send(o.pid, session.End{Reason: m.Reason})
		}
	}
}

// hosted hands on what a host did to sessions.
func (c *call) hosted(ctx actor.Context, m hosted) {
	var cmd any
	switch m.act {
	case Mute, MuteOthers:
		cmd = session.CloseMicrophone{}
	case ScreenOff:
		cmd = session.StopSharing{}
	case Remove:
		cmd = session.Dismiss{}
	}
	for _, id := range m.to {
		if o := c.byID(id); o != nil {
			ctx.Send(o.pid, cmd)
		}
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
	for i := range c.members {
		c.offerTrack(ctx, &c.members[i], t)
	}
}

func (c *call) offerTrack(ctx actor.Context, m *member, t session.Published) {
	if m.spec.ID != t.Session {
		ctx.Send(m.pid, session.Subscribe{Track: t.Track, From: t.Session, Content: t.Content, Kind: t.Kind, PID: t.PID})
	}
}

func (c *call) unpublished(ctx actor.Context, id track.ID) {
	c.tracks = without(c.tracks, func(o session.Published) bool { return o.Track == id })
	for _, m := range c.members {
		ctx.Send(m.pid, session.Unsubscribe{Track: id})
	}
}

func (l *ledger) byID(id session.ID) *member {
	return l.find(func(m member) bool { return m.spec.ID == id })
}

func (l *ledger) byPID(pid *actor.PID) *member {
	return l.find(func(m member) bool { return m.pid != nil && m.pid.Equal(pid) })
}

func (l *ledger) find(is func(member) bool) *member {
	if i := slices.IndexFunc(l.members, is); i >= 0 {
		return &l.members[i]
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
