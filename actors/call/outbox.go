package call

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/session"
	"calls/guard"
)

const (
	saveEvery   = 250 * time.Millisecond // live facts are stored behind, at most this often
	retryFirst  = 500 * time.Millisecond
	retryMost   = 5 * time.Second
	postTries   = 3  // a call whose post cannot be made goes on without one
	closeTries  = 30 // more than two minutes, for a database may be away for one; what is left open then is closed at the next activation
	publishOnce = 1  // an event that cannot be told is late already: the next state tells more
)

// outboxState is what outlives the outbox's actor. The two lanes run beside each other, so that a store that hangs delays no event.
type outboxState struct {
	lane  session.Serial // durable facts and events, in order
	store session.Serial // live facts, coalesced
	inbox inbox
	facts facts
	fence kit.Fence
	saved progress // behind the fence: as the last message left it
}

// progress is what an outbox remembers from one message to the next. An instance has a copy of its own. Its lists grow at the end and shrink at the front, and
// are never changed in place.
type progress struct {
	jobs   []job
	jobGen int // of the job under way: an answer of another generation is late
	busy   bool
	tries  int

	post    Post
	started bool // the call stands in the store
	ended   bool // nothing is to be stored any more
	saving  bool
	saveGen int
	storedV uint64
	newest  View
	flushes []*actor.PID
}

// inbox is what the roster has left to be told.
type inbox struct {
	mu     sync.Mutex
	jobs   []job
	newest View
	over   bool // the end of the call is in it, or was
}

// put leaves events, and the state they led to.
func (o *outboxState) put(events []Event, v View) {
	o.inbox.mu.Lock()
	defer o.inbox.mu.Unlock()
	for _, e := range events {
		o.inbox.jobs = append(o.inbox.jobs, job{e, v})
		if _, end := e.Body.(Ended); end {
			o.inbox.over = true
		}
	}
	o.inbox.newest = v
}

// take fetches what has been left.
func (o *outboxState) take(p *progress) {
	o.inbox.mu.Lock()
	defer o.inbox.mu.Unlock()
	p.jobs = append(p.jobs, o.inbox.jobs...)
	o.inbox.jobs, p.newest = nil, o.inbox.newest
}

// facts are what has been done for good. Jobs on the lane alone touch them: one that is done again, because its outbox failed meanwhile, does nothing twice.
type facts struct {
	post    Post
	told    uint64 // version of the last event that was published
	closed  bool   // the post is marked ended
	cleared bool   // the record is gone
}

// job is one event to tell, and the state it left.
type job struct {
	event Event
	view  View
}

// outbox is the only actor of a call that does I/O, and even it waits for none: jobs run on guarded lanes and answer by message.
type outbox struct {
	*Spec
	*outboxState
	progress
	pass   *kit.Pass
	parent *actor.PID
	timers kit.Timers
}

func (s *Spec) outboxProps(parent *actor.PID) *actor.Props {
	state := &s.outbox
	gate := state.fence.Gate()
	return kit.Spec{Kind: kit.Outbox, Dispatcher: s.ports.Session.Dispatch, Board: s.ports.Session.Board, New: func() actor.Actor {
		o := &outbox{Spec: s, outboxState: state, parent: parent}
		o.pass = gate.Enter(func() { o.progress = state.saved.copy() })
		return o
	}}.Props()
}

// copy shares the elements of lists, and no room behind them that two could write to.
func (p progress) copy() progress {
	p.jobs, p.flushes = slices.Clip(p.jobs), slices.Clip(p.flushes)
	return p
}

// keep hands what this instance knows to its successor.
func (o *outbox) keep() {
	o.pass.Try(func() { o.outboxState.saved = o.progress })
}

// Receive takes what is to be told, or learns what became of it, and keeps that, also of a message that brings the actor down.
func (o *outbox) Receive(ctx actor.Context) {
	defer o.keep()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o.busy = false // the answer may have been lost with the address it went to; the job is done again, behind itself
		if o.saving {
			o.save(ctx) // likewise, for the end of the call must wait until the store is quiet
		}
		o.next(ctx)
	case *actor.Restarting, *actor.Stopping:
		o.timers.Stop()
	case news:
		o.next(ctx)
	case told:
		o.told(ctx, m)
	case retryTold:
		if m.gen == o.jobGen {
			o.busy = false
			o.next(ctx)
		}
	case saved:
		o.saved(ctx, m)
	case retrySave:
		if m.gen == o.saveGen {
			o.saving = false
			o.next(ctx)
		}
	case flush:
		o.flushes = append(o.flushes, m.replyTo)
		o.next(ctx)
	}
}

// next starts the job at the head of the queue, a save if one is due, and answers those who wait for silence.
func (o *outbox) next(ctx actor.Context) {
	o.pass.Do(func() {
		o.take(&o.progress)
		o.outboxState.saved = o.progress // at once: what was fetched is nowhere else
	})
	if !o.busy && len(o.jobs) > 0 && o.mayRun(o.jobs[0]) {
		o.run(ctx)
	}
	if o.started && !o.ended && !o.saving && o.newest.V > o.storedV && !o.ending() {
		o.save(ctx)
	}
	if o.busy || o.saving || len(o.jobs) > 0 {
		return
	}
	for _, pid := range o.flushes {
		ctx.Send(pid, drained{})
	}
	o.flushes = nil
}

// mayRun holds the end of a call back until a save under way is over, which would bring the record back to life.
func (o *outbox) mayRun(j job) bool {
	_, end := j.event.Body.(Ended)
	return !end || !o.saving
}

// ending says whether the end of the call waits to be told: then nothing more is worth storing.
func (o *outbox) ending() bool {
	for _, j := range o.jobs {
		if _, end := j.event.Body.(Ended); end {
			return true
		}
	}
	return false
}

// run does the job at the head on the lane. It stays at the head until it is done, so that a restart does it again rather than not at all.
func (o *outbox) run(ctx actor.Context) {
	o.busy = true
	o.jobGen++
	j, gen, now := o.jobs[0], o.jobGen, o.ports.Clock.Now()
	last := o.tries+1 == triesFor(j.event.Body)
	self, root := ctx.Self(), ctx.ActorSystem().Root
	spec := o.Spec
	o.pass.Do(func() {
		o.lane.Do(func() {
			done := told{job: gen}
			guard.Run("outbox job", func() { done.post, done.err = spec.do(j, last, now) }, func(f guard.Failure) { done.err = f })
			root.Send(self, done)
		})
	})
}

// do tells one event; last says that it will not be tried again. It runs on the lane and touches nothing but the ports and the facts.
func (s *Spec) do(j job, last bool, now time.Time) (*Post, error) {
	switch b := j.event.Body.(type) {
	case Started:
		return s.begin(j, b, last)
	case Joined:
		b.State.Post = s.outbox.facts.post
		j.event.Body = b
	case Ended:
		return nil, s.conclude(j, b.Forced, now)
	}
	return nil, s.publish(j.event)
}

// publish tells an event, once. What changes nothing has no version of its own; told twice, after a fault, it does no harm.
func (s *Spec) publish(e Event) error {
	switch e.Body.(type) {
	case Reacted, Hosted:
		return s.ports.Publisher.Publish(e)
	}
	if e.V <= s.outbox.facts.told {
		return nil
	}
	if err := s.ports.Publisher.Publish(e); err != nil {
		return err
	}
	s.outbox.facts.told = e.V
	return nil
}

// begin makes the post, stores the call, and only then tells: what is durable is stored first. When that fails to the last, people can still talk.
func (s *Spec) begin(j job, b Started, last bool) (*Post, error) {
	f := &s.outbox.facts
	var err error
	if f.post.ID == "" {
		var post Post
		if post, err = s.ports.Posts.Create(j.view); err == nil {
			f.post = post
		}
	}
	b.Post, j.view.Post = f.post, f.post
	if err == nil {
		err = s.ports.Store.Save(j.view)
	}
	if err != nil && !last {
		return &b.Post, err
	}
	j.event.Body = b
	return &b.Post, errors.Join(err, s.publish(j.event))
}

// conclude tells those who are still in, closes the post and clears the record.
func (s *Spec) conclude(j job, announce bool, now time.Time) error {
	f := &s.outbox.facts
	var failed error
	if announce {
		failed = s.publish(j.event)
	}
	j.view.Post = f.post
	if f.post.ID != "" && !f.closed {
		err := s.ports.Posts.Close(j.view, now)
		f.closed = err == nil
		failed = errors.Join(failed, err)
	}
	if !f.cleared {
		err := s.ports.Store.Clear(s.Channel, s.ID)
		f.cleared = err == nil
		failed = errors.Join(failed, err)
	}
	return failed
}

// told goes on after a job, or tries it again if it is one that matters.
func (o *outbox) told(ctx actor.Context, m told) {
	if m.job != o.jobGen || len(o.jobs) == 0 {
		return
	}
	if m.post != nil && o.post != *m.post {
		o.post = *m.post
		ctx.Send(o.parent, posted{o.post})
	}
	head := o.jobs[0].event
	if m.err != nil {
		o.tries++
		o.ports.Log.Warn("a call's event could not be told or stored", "call", o.ID, "event", fmt.Sprintf("%T", head.Body), "try", o.tries, "err", m.err)
		if o.tries < triesFor(head.Body) {
			o.timers.Set(o.ports.Clock, ctx, "retry", backoff(o.tries), retryTold{o.jobGen})
			return
		}
	}
	switch head.Body.(type) {
	case Started:
		o.started = true
	case Ended:
		o.ended = true
	}
	o.jobs, o.tries, o.busy = o.jobs[1:], 0, false
	o.next(ctx)
}

func triesFor(b Body) int {
	switch b.(type) {
	case Started:
		return postTries
	case Ended:
		return closeTries
	}
	return publishOnce
}

// save stores the newest view on the other lane.
func (o *outbox) save(ctx actor.Context) {
	o.saving = true
	o.saveGen++
	v, gen := o.newest, o.saveGen
	v.Post = o.post
	self, root := ctx.Self(), ctx.ActorSystem().Root
	store := o.ports.Store
	o.pass.Do(func() {
		o.store.Do(func() {
			done := saved{gen: gen, v: v.V}
			guard.Run("store of a call", func() { done.err = store.Save(v) }, func(f guard.Failure) { done.err = f })
			root.Send(self, done)
		})
	})
}

// saved paces the next save; a failed one is tried again until it succeeds, for the record is all that a restarted plugin will know.
func (o *outbox) saved(ctx actor.Context, m saved) {
	if m.gen != o.saveGen {
		return
	}
	wait := saveEvery
	if m.err != nil {
		o.ports.Log.Warn("a call could not be stored, trying again", "call", o.ID, "err", m.err)
		wait = retryFirst * 2
	} else {
		o.storedV = m.v
	}
	if o.ending() || (m.err == nil && o.newest.V == m.v) {
		o.saving = false
		o.next(ctx)
		return
	}
	o.timers.Set(o.ports.Clock, ctx, "save", wait, retrySave{o.saveGen})
}

func backoff(tries int) time.Duration {
	return min(retryFirst<<(tries-1), retryMost)
}

// Abandon cleans up after a call whose actors are gone: it closes the connections, tells those who were in, and closes the books, behind what is still being
// told and stored. Like an outbox it tries again. It returns at once and calls done when all is over.
func (s *Spec) Abandon(done func()) {
	s.fence.Gate() // whoever hangs somewhere has no say any more
	s.rosterFence.Gate()
	s.outbox.fence.Gate()
	v := s.View()
	for _, m := range s.people() {
		m.spec.Close()
		s.ports.Registry.Forget(m.spec.ID)
		if v.find(m.spec.ID) < 0 { // nobody will hear of it by an event
			s.ports.Refuse(m.spec.Addr, string(session.Crashed), session.Farewell(session.Crashed))
		}
	}
	rest := s.outbox.saved.copy()
	s.outbox.take(&rest)
	if v.V > 0 && !s.outbox.inbox.over {
		v, events := v.ended(true, session.Crashed)
		rest.jobs = append(rest.jobs, job{events[0], v})
	}
	s.windUp(rest.jobs, 1, done)
}

// windUp tells and stores what is left. The store's lane comes last, so that a save under way cannot bring the record back.
func (s *Spec) windUp(rest []job, try int, done func()) {
	s.outbox.lane.Do(func() {
		s.outbox.store.Do(func() {
			var err error
			guard.Run("end of a call", func() { err = s.tellRest(rest) }, func(f guard.Failure) { err = f })
			if err == nil {
				done()
				return
			}
			s.ports.Log.Error("a call that was brought down could not be closed", "call", s.ID, "try", try, "err", err)
			if try == closeTries {
				done() // the next start of the plugin does it
				return
			}
			s.ports.Clock.AfterFunc(backoff(try), func() { s.windUp(rest, try+1, done) })
		})
	})
}

// tellRest tells what the outbox had not told yet. The post of a call that nobody has heard of is not made any more.
func (s *Spec) tellRest(rest []job) error {
	var failed error
	for _, j := range rest {
		switch b := j.event.Body.(type) {
		case Started:
			b.Post = s.outbox.facts.post
			j.event.Body = b
			failed = errors.Join(failed, s.publish(j.event))
		default:
			_, err := s.do(j, true, s.ports.Clock.Now())
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
