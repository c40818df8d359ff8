package actors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/wire"
)

// callActor is the address of a channel's call.
func (r *run) callActor(ch call.ChannelID) string {
	for _, id := range r.actors() {
		if kindOf(id) == kit.Call && channelOf(id) == ch {
			return id
		}
	}
	return ""
}

// crash has an actor fail. Its address must be one that lasts: a failure that reaches a successor counts for that.
func (r *run) crash(o op) bool {
	if r.halfway {
		r.pump.rest()
		r.halfway = false
	}
	var ids []string
	byKind := map[kit.Kind][]string{}
	for _, id := range r.actors() {
		byKind[kindOf(id)] = append(byKind[kindOf(id)], id)
	}
	kinds := []kit.Kind{kit.Track, kit.Track, kit.Session, kit.Session, kit.Call, kit.Roster, kit.Outbox, kit.Door, kit.Poller}
	if ids = byKind[kinds[o.x%len(kinds)]]; len(ids) == 0 {
		return false
	}
	id := ids[o.who%len(ids)]
	ch, s := channelOf(id), sessionOf(id)
	kind := kindOf(id)
	if !r.m.pending[id].IsZero() || (ch != "" && (r.over[ch] || r.m.calls[ch] == nil)) || (s != "" && r.crashed[s]) || (kind == kit.Door && r.door) {
		return false
	}
	if _, _, p := r.m.find(s); s != "" && p == nil && !r.ended[s] {
		return false
	}
	v := r.m.foresee(id)
	if kind == kit.Track && !v.plain() { // its client may just be ending it
		if r.pump.rest(); !slices.Contains(r.actors(), id) {
			return false
		}
	}
	if v.callOver && r.full(ch) {
		return false
	}
	if s != "" && r.ended[s] && !v.plain() {
		return false
	}
	if !v.plain() && len(r.m.pending) > 0 { // a failure that waits behind another may be judged late
		return false
	}
	if v.session != "" && !v.callOver && !r.mayEndCrashed(v.session) {
		return false
	}
	if v.session == "" || v.callOver {
		v = r.m.fail(id)
	}
	if s != "" {
		r.crashed[s] = true
	}
	r.door = r.door || kind == kit.Door
	switch {
	case v.callOver:
		r.over[ch] = true
		r.lasting = max(r.lasting, time.Second)
		for _, p := range r.m.calls[ch].people {
			r.ended[p.id] = true
		}
		for id := range r.ended {
			if c := r.clients[id]; c.ch == ch { // whichever comes first
				r.m.ended(id, session.Crashed)
				r.either = append(r.either, c)
			}
		}
		r.keepJoiner(ch)
		r.m.over(ch, session.Crashed)
		r.note("%s crashes, and brings the call down", id)
	default:
		r.note("%s crashes; session that ends for it: %q", id, v.session)
	}
	box := r.engine.board.Mailbox(id)
	before := box.Stats().Failed
	r.engine.system.Root.Send(actor.NewPID(r.engine.system.Address(), id), kit.Fault{Reason: "chance"})
	for kind == kit.Track && box.Stats().Failed == before && r.pump.step() { // before its client, or its session, ends it
	}
	return true
}

// full says whether somebody is being refused for want of room. Were the call to end at the same time, they might get into the next.
func (r *run) full(ch call.ChannelID) bool { return r.joined[ch] != nil && r.joined[ch].gone }

// mayEndCrashed takes a session out that ends by its crash.
func (r *run) mayEndCrashed(id session.ID) bool {
	c := r.clients[id]
	_, mc, p := r.m.find(id)
	if p == nil || !r.m.pendingFree(id) {
		return false
	}
	crowd := mc.crowd
	if !r.mayEnd(c, session.Crashed) {
		return false
	}
	if next := r.m.calls[c.ch]; next == nil {
		return true
	}
	window := r.m.limits[kit.Call].Window
	for u, at := range crowd {
		if r.m.now.Sub(at) >= window {
			delete(crowd, u)
		}
	}
	crowd[c.user] = r.m.now
	c.gone = true
	return true
}

func (m *model) pendingFree(id session.ID) bool {
	for a := range m.pending {
		if sessionOf(a) == id {
			return false
		}
	}
	return true
}

// change sets other limits while calls run.
func (r *run) change(o op) bool {
	r.pump.rest()
	rng := rand.New(rand.NewPCG(uint64(o.who), uint64(o.x)))
	row := func() Limits {
		first := []time.Duration{time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}[rng.IntN(3)]
		return Limits{
			MaxRestarts: []int{-1, 1, 2, 3, 5, 5}[rng.IntN(6)],
			Window:      []time.Duration{2 * time.Second, 10 * time.Second, time.Minute}[rng.IntN(3)],
			BackoffMin:  first, BackoffMax: first * time.Duration(1+rng.IntN(40)),
		}
	}
	cfg := *r.engine.config.Load()
	cfg.Supervision.Track, cfg.Supervision.Session, cfg.Supervision.Call = row(), row(), row()
	if len(r.ended)+len(r.joined)+len(r.screens) == 0 && len(r.m.pending) == 0 {
		cfg.MaxParticipants, cfg.NoScreens = []int{0, 0, 3, 6}[rng.IntN(4)], rng.IntN(5) == 0
	}
	if err := r.engine.Configure(cfg); err != nil {
		r.fail("limits were refused: %v", err)
	}
	r.m.most, r.m.noScreens = cfg.MaxParticipants, cfg.NoScreens
	for kind, l := range map[kit.Kind]Limits{kit.Track: cfg.Supervision.Track, kit.Session: cfg.Supervision.Session, kit.Call: cfg.Supervision.Call} {
		r.m.limits[kind] = kit.Limits{Max: max(0, l.MaxRestarts), Window: l.Window, BackoffMin: l.BackoffMin, BackoffMax: l.BackoffMax}
	}
	for _, kind := range []kit.Kind{kit.Roster, kit.Outbox} { // which no admin can set
		l := row().policy(kind)
		r.m.limits[kind] = l
		if err := r.engine.policies.Set(kind, l); err != nil {
			r.fail("%v", err)
		}
	}
	return r.note("limits %+v, most %d, no screens %v", r.m.limits, r.m.most, r.m.noScreens)
}

// goOffline closes a client's socket, when it waits for nothing.
func (r *run) goOffline(o op) bool {
	r.pump.rest()
	if len(r.m.pending) > 0 {
		return false
	}
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open && !c.offering && r.joined[c.ch] == nil })
	if c == nil {
		return false
	}
	c.offline, c.lostAt = true, r.m.now
	r.engine.Disconnected(c.conn, c.user)
	return r.note("%s loses its socket", c.id)
}

// comeBack opens a client's socket again, under the same id or another.
func (r *run) comeBack(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.offline && r.m.now.Add(2*time.Second).Before(c.deathAt()) })
	if c == nil {
		return false
	}
	r.reconnect(c, o.x%2 == 0)
	return r.note("%s is back as %s", c.id, c.conn)
}

func (r *run) reconnect(c *stockClient, same bool) {
	prev := c.conn
	c.offline, c.lostAt = false, time.Time{}
	missed := c.missed
	c.missed = nil
	if !same {
		r.made++
		c.conn = session.ConnID(fmt.Sprint("c", r.made))
		missed = nil
	}
	r.engine.Connected(c.conn, c.user)
	c.say(wire.Reconnect{ChannelID: string(c.ch), OriginalConnID: string(c.id), PrevConnID: string(prev)})
	for len(c.out.jobs) > 0 && r.pump.step() { // were it made to end first, it would be told that it comes too late
	}
	for _, m := range missed {
		m()
	}
}

// swapSocket has a client come back before the host notices that its old socket is gone.
func (r *run) swapSocket(o op) bool {
	r.pump.rest()
	if len(r.m.pending) > 0 {
		return false
	}
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open && !c.offering })
	if c == nil {
		return false
	}
	old := c.conn
	r.reconnect(c, false)
	r.pump.rest()
	r.engine.Disconnected(old, c.user)
	return r.note("%s has moved to %s", c.id, c.conn)
}

// fallSilent lets no packet of a client come any more.
func (r *run) fallSilent(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open && c.silent.IsZero() })
	if c == nil {
		return false
	}
	r.pump.rest()
	if len(r.m.pending) > 0 {
		return false
	}
	c.silent = r.m.now
	return r.note("%s falls silent", c.id)
}

// deathAt is when nobody would believe any more that the client is there.
func (c *stockClient) deathAt() time.Time {
	const never = 1000 * time.Hour
	at := c.s.clock.Now().Add(never)
	earlier := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	if !c.silent.IsZero() && !c.offline {
		earlier(c.silent.Add(session.MediaWindow))
	}
	if c.offline {
		earlier(c.lostAt.Add(session.SocketWindow))
		if !c.silent.IsZero() {
			t := c.lostAt
			if c.silent.After(t) {
				t = c.silent
			}
			earlier(t.Add(session.SilentWindow))
		}
	}
	return at
}
