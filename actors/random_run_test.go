package actors

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"calls/actors/call"
	"calls/actors/session"
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
	{"lock", 4, (*run).lock},
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
