package actors

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

// op is one thing that happens. Its numbers are chosen before the run, so that it means the same when others are left out.
type op struct {
	what  string
	who   int // which of those that it could happen to
	x     int // what exactly
	steps int // how much the actors do before the next one; -1: everything, and then they are compared with the model
}

func (o op) String() string { return fmt.Sprintf("%s(%d, %d) %d", o.what, o.who, o.x, o.steps) }

// deeds are the operations, with how often they are chosen.
var deeds = []struct {
	what   string
	weight int
	do     func(r *run, o op) bool // false: it cannot happen now
}{
	{"join", 16, (*run).join},
	{"leave", 5, (*run).leave},
	{"close", 2, (*run).closePeer},
	{"expel", 2, (*run).expel},
	{"flood", 1, (*run).flood},
	{"mute", 6, (*run).mute},
	{"unmute", 10, (*run).unmute},
	{"hand", 8, (*run).hand},
	{"share", 6, (*run).share},
	{"unshare", 4, (*run).unshare},
	{"newmic", 3, (*run).newMic},
	{"flap", 2, (*run).flap},
	{"reoffer", 2, (*run).reoffer},
	{"ping", 1, (*run).ping},
	{"crash", 22, (*run).crash},
	{"limits", 4, (*run).change},
	{"offline", 3, (*run).goOffline},
	{"online", 4, (*run).comeBack},
	{"swap", 2, (*run).swapSocket},
	{"silent", 1, (*run).fallSilent},
	{"end", 1, (*run).endCall},
	{"archive", 1, (*run).archive},
	{"late", 4, (*run).late},
	{"again", 4, (*run).again},
	{"tick", 6, (*run).tick},
	{"midst", 6, (*run).midst},
	{"wait", 3, (*run).wait},
	{"store", 2, (*run).storeFails},
}

// plan chooses n operations.
func plan(seed uint64, n int) (ops []op) {
	rng := rand.New(rand.NewPCG(seed, 0))
	var bag []string
	for _, d := range deeds {
		bag = append(bag, slices.Repeat([]string{d.what}, d.weight)...)
	}
	for range n {
		o := op{what: bag[rng.IntN(len(bag))], who: rng.IntN(1 << 16), x: rng.IntN(1 << 16), steps: -1}
		if rng.IntN(5) < 3 {
			o.steps = rng.IntN(12)
		}
		ops = append(ops, o)
	}
	return ops
}

// run is one run of the tree beside its model.
type run struct {
	*stage
	m       *model
	made    int
	order   []*stockClient // everybody who ever came
	refusal map[session.ID][]string

	// What has happened since tree and model were last compared. Operations whose outcome would depend on which came first are not mixed.
	ended   map[session.ID]bool // has been made to end
	crashed map[session.ID]bool // an actor of it has failed
	joined  map[call.ChannelID]*stockClient
	screens map[call.ChannelID]session.ID   // who has just moved the screen
	over    map[call.ChannelID]bool         // the call may be over
	either  []*stockClient                  // who was made to end in a call that was brought down: they may have been told why, or not
	halfway bool                            // an actor is just coming back
	door    bool                            // the door has failed
	lasting time.Duration                   // how long what has begun takes to come to its end
	joiner  map[call.ChannelID]*modelPerson // of those who joined a call that is over now
	before  map[call.ChannelID]memory       // of calls that may be over
	ids     map[call.ChannelID]call.ID      // of the calls, when last compared

	done []string
}

// memory is what is known of the failures of a call.
type memory struct {
	failures map[string][]time.Time
	waiting  bool // the call itself is to be restarted
	crowd    map[session.UserID]time.Time
}

// execute runs operations and returns what went wrong, which is nothing.
func execute(seed uint64, ops []op, log *slog.Logger) (wrong []string, done []string) {
	r := &run{stage: newStage(seed, log), refusal: map[session.ID][]string{}}
	defer func() {
		if p := recover(); p != nil {
			wrong, done = append(r.wrong, fmt.Sprint(p)), r.done
		}
	}()
	r.m = newModel(r.clock.Now())
	r.fresh()
	r.pump.rest()
	for _, o := range ops {
		r.step(o)
		if len(r.wrong) > 0 {
			return r.wrong, r.done
		}
	}
	r.settle()
	if len(r.wrong) == 0 {
		r.shutdown()
	}
	return r.wrong, r.done
}

func (r *run) step(o op) {
	for _, d := range deeds {
		if d.what == o.what && !d.do(r, o) {
			return
		}
	}
	r.done = append(r.done, o.String())
	if o.steps < 0 {
		r.settle()
		return
	}
	for range o.steps {
		r.pump.step()
	}
}

// note adds what an operation really was to the list that a failure is printed with.
func (r *run) note(format string, args ...any) bool {
	r.done = append(r.done, "  "+fmt.Sprintf(format, args...))
	return true
}

// fresh begins a new spell: everything so far has been compared.
func (r *run) fresh() {
	r.ended, r.crashed, r.screens = map[session.ID]bool{}, map[session.ID]bool{}, map[call.ChannelID]session.ID{}
	r.joined, r.over, r.door, r.lasting = map[call.ChannelID]*stockClient{}, map[call.ChannelID]bool{}, false, 0
	r.either, r.halfway = nil, false
	r.joiner, r.before, r.ids = map[call.ChannelID]*modelPerson{}, map[call.ChannelID]memory{}, map[call.ChannelID]call.ID{}
	for _, v := range r.engine.Calls() {
		r.ids[v.Channel] = v.Call
	}
}

var channels = []call.ChannelID{"channel-a", "channel-b"}

// in lists those who are in and can say something.
func (r *run) in(also func(*stockClient) bool) (who []*stockClient) {
	for _, c := range r.order {
		if _, _, p := r.m.find(c.id); p != nil && r.clients[c.id] == c && !c.gone && !r.over[c.ch] && !r.ended[c.id] && also(c) {
			who = append(who, c)
		}
	}
	return who
}

func online(c *stockClient) bool { return !c.offline }

// pick chooses one of them, nil when there is none.
func (r *run) pick(o op, also func(*stockClient) bool) *stockClient {
	who := r.in(also)
	if len(who) == 0 {
		return nil
	}
	return who[o.who%len(who)]
}

func (r *run) join(o op) bool {
	ch := channels[o.x%len(channels)]
	if r.joined[ch] != nil || (r.m.most > 0 && r.moved(ch)) {
		return false
	}
	id := session.ID(fmt.Sprint("s", r.made))
	c := &stockClient{
		s: r.stage, id: id, user: session.UserID(fmt.Sprint("user", o.who%5)), ch: ch, conn: session.ConnID(id),
		out: &line{pump: r.pump}, events: &line{pump: r.pump}, keeps: o.who%3 == 0, clings: o.who%4 == 0,
	}
	if old := r.comingBack(o); old != nil {
		c.id, c.conn = old.id, session.ConnID(old.id)
		delete(r.m.ends, c.id)
		for _, b := range r.books {
			delete(b.left, c.id)
			b.people = slices.DeleteFunc(b.people, func(p call.Person) bool { return p.Session == c.id })
		}
		r.m.forget("session:" + string(c.id) + "#")
	} else {
		r.made++
	}
	unsure := r.moved(ch)
	r.refusal[c.id] = nil
	r.clients[c.id] = c
	r.order = append(r.order, c)
	r.joined[ch] = c
	r.engine.Connected(c.conn, c.user)
	r.engine.Join(c.conn, c.user, wire.Join{ChannelID: string(ch)})
	if r.over[ch] {
		return r.note("%s of %s joins %s while it may be ending", c.id, c.user, ch)
	}
	if !r.m.join(ch, c.id, c.user) {
		c.gone = true
		r.refusal[c.id] = append(r.refusal[c.id], "call_full")
	}
	r.m.calls[ch].hostSure = r.m.calls[ch].hostSure && !unsure
	return r.note("%s of %s joins %s", c.id, c.user, ch)
}

// comingBack is somebody who has left and joins again under the same id, now and then.
func (r *run) comingBack(o op) *stockClient {
	for _, c := range r.order {
		_, _, p := r.m.find(c.id)
		pending := slices.ContainsFunc(channels, func(ch call.ChannelID) bool { return r.joined[ch] != nil && r.joined[ch].id == c.id })
		if p == nil && !pending && !r.ended[c.id] && !r.over[c.ch] && r.clients[c.id] == c && c.conn == session.ConnID(c.id) && !c.offline && o.x%7 == 0 {
			r.pump.rest() // what it is still being told is not for the next of its name
			r.engine.Disconnected(c.conn, c.user)
			return c
		}
	}
	return nil
}

// moved says whether somebody has come or gone in a channel since the last comparison.
func (r *run) moved(ch call.ChannelID) bool {
	for id := range r.ended {
		if r.clients[id].ch == ch {
			return true
		}
	}
	return r.joined[ch] != nil || r.over[ch]
}

// mayEnd says whether a session can be made to end now, and ends it in the model.
func (r *run) mayEnd(c *stockClient, reasons ...session.EndReason) bool {
	if c == nil {
		return false
	}
	_, mc, _ := r.m.find(c.id)
	if r.contested(c) || (r.m.most > 0 && r.joined[c.ch] != nil) || r.joined[c.ch] == c {
		return false
	}
	if mc.screen == c.id {
		r.screens[c.ch] = c.id
	}
	alone := r.joined[c.ch] == nil // or else they may be of one user, who stays host if the join comes first
	for id := range r.ended {
		alone = alone && r.clients[id].ch != c.ch
	}
	r.ended[c.id] = true
	known := r.m.remember(c.ch)
	r.m.leave(c.id, alone, reasons...)
	if r.m.calls[c.ch] == nil {
		r.before[c.ch], r.over[c.ch] = known, true
	}
	return true
}

// remember is what the model knows of a call's failures.
func (m *model) remember(ch call.ChannelID) memory {
	k := memory{failures: map[string][]time.Time{}, crowd: m.calls[ch].crowd}
	for id, l := range m.failures {
		if channelOf(id) == ch && sessionOf(id) == "" {
			k.failures[id] = l
		}
	}
	for id := range m.pending {
		k.waiting = k.waiting || (channelOf(id) == ch && kindOf(id) == kit.Call)
	}
	return k
}

// recall gives it back.
func (m *model) recall(ch call.ChannelID, k memory) {
	for id, l := range k.failures {
		if !k.waiting || kindOf(id) == kit.Call {
			m.failures[id] = l
		}
	}
	m.calls[ch].crowd = k.crowd
}

func (r *run) leave(o op) bool {
	c := r.pick(o, online)
	if !r.mayEnd(c, session.Left) {
		return false
	}
	c.say(wire.Leave{})
	c.gone = true
	return r.note("%s leaves", c.id)
}

func (r *run) closePeer(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open })
	if !r.mayEnd(c, session.Left) {
		return false
	}
	c.events.Do(func() { c.peer.onEvent(media.Closed{}) })
	c.gone = true
	return r.note("%s closes its connection", c.id)
}

func (r *run) expel(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return len(c.out.jobs) == 0 }) // not just coming back
	reason := []session.EndReason{session.Kicked, session.RemovedFromChannel, session.SessionRevoked}[o.x%3]
	if !r.mayEnd(c, reason) {
		return false
	}
	r.refusal[c.id] = append(r.refusal[c.id], string(reason))
	r.engine.Expel(c.conn, c.user, reason)
	c.gone = true
	return r.note("%s is expelled: %s", c.id, reason)
}

// flood has a client send more than its session may have waiting.
func (r *run) flood(o op) bool {
	r.pump.rest()
	c := r.pick(o, online)
	if c == nil || !r.m.pending[r.callActor(c.ch)].IsZero() || !r.mayEnd(c, session.RateLimited) {
		return false
	}
	r.refusal[c.id] = append(r.refusal[c.id], string(session.RateLimited))
	for range inboxLimit + 10 {
		r.signal(c.conn, c.user, wire.ICE{})
	}
	c.gone = true
	return r.note("%s floods", c.id)
}

// callActor is the address of a channel's call.
func (r *run) callActor(ch call.ChannelID) string {
	for _, id := range r.actors() {
		if kindOf(id) == kit.Call && channelOf(id) == ch {
			return id
		}
	}
	return ""
}

func (r *run) mute(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	p.unmuted = false
	c.say(wire.Mute{})
	return r.note("%s mutes", c.id)
}

func (r *run) unmute(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open })
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	p.unmuted = true
	c.unmute()
	return r.note("%s unmutes", c.id)
}

func (r *run) hand(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	if o.x%3 == 0 {
		p.hand = false
		c.say(wire.UnraiseHand{})
		return r.note("%s lowers its hand", c.id)
	}
	if !p.hand {
		p.hand, p.raised = true, r.m.now
	}
	c.say(wire.RaiseHand{})
	return r.note("%s raises its hand", c.id)
}

func (r *run) share(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open && c.shared == "" })
	if c == nil || r.contested(c) {
		return false
	}
	r.screens[c.ch] = c.id
	if !r.m.share(c.id) {
		r.note("which is refused")
	}
	c.share(o.x%2 == 0)
	return r.note("%s shares", c.id)
}

// contested says whether somebody else has just moved the screen of a client's call: who came first would decide.
func (r *run) contested(c *stockClient) bool { return r.screens[c.ch] != "" && r.screens[c.ch] != c.id }

func (r *run) unshare(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.shared != "" })
	if c == nil || r.contested(c) {
		return false
	}
	_, mc, _ := r.m.find(c.id)
	if mc.screen == c.id {
		mc.screen = ""
	}
	r.screens[c.ch] = c.id
	c.unshare()
	return r.note("%s ceases to share", c.id)
}

func (r *run) newMic(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.mic })
	if c == nil {
		return false
	}
	c.newMic()
	return r.note("%s takes another microphone", c.id)
}

// flap has a client take its microphone away and give it back, perhaps before the server has done with the first.
func (r *run) flap(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.mic && !c.offering })
	if c == nil {
		return false
	}
	streams := c.streams
	c.streams = nil
	c.offer()
	for range o.x % 8 {
		r.pump.step()
	}
	c.streams = streams
	c.offer()
	return r.note("%s takes its streams away and gives them back", c.id)
}

func (r *run) reoffer(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open })
	if c == nil {
		return false
	}
	c.offer()
	return r.note("%s offers again", c.id)
}

func (r *run) ping(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open })
	if c == nil {
		return false
	}
	c.events.Do(func() { c.peer.onEvent(media.ChannelMessage{Text: true, Data: []byte("ping")}) })
	return r.note("%s pings", c.id)
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

// endCall ends a call for everyone.
func (r *run) endCall(o op) bool {
	ch := channels[o.x%len(channels)]
	if r.m.calls[ch] == nil || r.over[ch] || r.screens[ch] != "" || r.full(ch) || r.dying(20*time.Second) {
		return false
	}
	r.engine.End(ch, session.CallEnded)
	r.allMustGo(ch)
	return r.note("the call of %s is ended for everyone", ch)
}

// archive archives a channel, which the poller finds out.
func (r *run) archive(o op) bool {
	r.settle()
	ch := channels[o.x%len(channels)]
	if r.m.calls[ch] == nil || len(r.wrong) > 0 || r.dying(20*time.Second) {
		return false
	}
	r.shut[ch] = true
	r.note("%s is archived", ch)
	r.advanceBoth(9 * time.Second)
	r.shut[ch] = false
	r.allMustGo(ch)
	r.settle()
	return true
}

func (r *run) allMustGo(ch call.ChannelID) {
	r.over[ch] = true
	for _, p := range r.m.calls[ch].people {
		r.ended[p.id] = true
	}
	r.keepJoiner(ch)
	r.m.over(ch, session.CallEnded, session.Left)
	r.lasting = max(r.lasting, 9*time.Second)
}

// keepJoiner remembers what somebody did who joined a call that may be over before they are in: then they begin the next.
func (r *run) keepJoiner(ch call.ChannelID) {
	if j := r.joined[ch]; j != nil {
		_, _, r.joiner[ch] = r.m.find(j.id)
	}
}

// late has somebody speak who is not in any more, or who speaks for another.
func (r *run) late(o op) bool {
	m := []wire.Message{wire.Mute{}, wire.Unmute{}, wire.RaiseHand{}, wire.Leave{}, wire.SDP{Type: "answer"}, wire.ScreenOff{}, wire.SDP{Type: "offer", SDP: "0"}}[o.x%7]
	if c := r.pick(o, func(*stockClient) bool { return true }); c != nil && o.x%2 == 0 {
		r.signal(c.conn, "somebody-else", m)
		return r.note("somebody else says %T for %s", m, c.id)
	}
	for i := range r.order {
		c := r.order[(i+o.who)%len(r.order)]
		if c.peer != nil && c.peer.closed > 0 && o.x%5 == 0 { // it may have joined again meanwhile, on another connection
			c.peer.onEvent(media.Closed{})
			return r.note("the connection of %s says once more that it is closed", c.id)
		}
		if _, _, p := r.m.find(c.id); p != nil || r.ended[c.id] || r.clients[c.id] != c || r.joined[c.ch] == c || c.offline {
			continue
		}
		if o.x%3 > 0 {
			r.signal(c.conn, c.user, m)
			return r.note("%s says %T, late", c.id, m)
		}
		r.signal(c.conn, c.user, wire.Reconnect{ChannelID: string(c.ch), OriginalConnID: string(c.id), PrevConnID: string(c.conn)})
		r.refusal[c.id] = append(r.refusal[c.id], string(session.Disconnected))
		return r.note("%s wants to be back, too late", c.id)
	}
	return false
}

// again has a client say twice what it said.
func (r *run) again(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	switch o.x % 5 {
	case 0:
		r.engine.Join(c.conn, c.user, wire.Join{ChannelID: string(c.ch)})
		r.refusal[session.ID(c.conn)] = append(r.refusal[session.ID(c.conn)], "already_connected")
	case 1: // to no offer of the server's: an answer too many to one would be taken for its answer
		r.pump.rest()
		if c.gone || c.peer == nil || c.peer.pending || len(r.m.pending) > 0 {
			return false
		}
		c.say(wire.SDP{Type: "answer"})
		r.pump.rest()
	case 2:
		if p.unmuted {
			c.say(wire.Unmute{})
		} else {
			c.say(wire.Mute{})
		}
	case 3:
		if p.hand {
			c.say(wire.RaiseHand{})
		} else {
			c.say(wire.UnraiseHand{})
		}
	case 4:
		if c.shared == "" {
			c.say(wire.ScreenOff{})
		}
	}
	return r.note("%s repeats itself: %d", c.id, o.x%5)
}

// tick lets a little time pass.
func (r *run) tick(o op) bool {
	d := time.Duration(1+o.x%60) * time.Millisecond
	if r.dying(3 * time.Second) {
		return false
	}
	r.advanceBoth(d)
	return r.note("%s pass", d)
}

// dying says whether somebody will be given up within d.
func (r *run) dying(d time.Duration) bool {
	return slices.ContainsFunc(r.in(func(*stockClient) bool { return true }), func(c *stockClient) bool { return r.m.now.Add(d).After(c.deathAt()) })
}

// midst goes on to where an actor comes back from its back-off, and lets the next things happen while it does.
func (r *run) midst(o op) bool {
	id, at := r.m.first()
	if id == "" || r.dying(3*time.Second) {
		return false
	}
	if o.steps < 0 {
		return false
	}
	r.pump.rest()
	d := max(0, at.Sub(r.m.now))
	if next, ok := r.clock.Next(); !ok || next < d {
		return false // something else comes first
	}
	r.clock.Advance(d)
	r.m.advance(d)
	r.halfway = true
	return r.note("%s is coming back", id)
}

// wait lets a lot of time pass.
func (r *run) wait(o op) bool {
	r.settle()
	if len(r.wrong) > 0 {
		return false
	}
	d := time.Duration(1+o.x%20) * time.Second
	r.note("%s pass", d)
	r.advanceBoth(d)
	r.settle()
	return true
}

func (r *run) advanceBoth(d time.Duration) {
	r.advance(d)
	r.m.advance(d)
}

// storeFails lets the store fail until the next comparison.
func (r *run) storeFails(op) bool {
	r.down = true
	return r.note("the store is down")
}
