package call

import (
	"errors"
	"fmt"
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
	closeTries  = 12 // about a minute; what is left open then is closed at the next activation
	publishOnce = 1  // an event that cannot be told is late already: the next state tells more
)

// outboxState is what outlives the outbox's actor. The two lanes run beside each other, so that a store that hangs delays no event.
type outboxState struct {
	lane  session.Serial // durable facts and events, in order
	store session.Serial // live facts, coalesced

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

// job is one event to tell, and the state it left.
type job struct {
	event Event
	view  View
}

// outbox is the only actor of a call that does I/O, and even it waits for none: jobs run on guarded lanes and answer by message.
type outbox struct {
	*Spec
	*outboxState
	parent *actor.PID
	timers kit.Timers
}

func (s *Spec) outboxProps(parent *actor.PID) *actor.Props {
	return kit.Spec{Kind: kit.Outbox, Dispatcher: s.ports.Session.Dispatch, New: func() actor.Actor { return &outbox{Spec: s, outboxState: &s.outbox, parent: parent} }}.Props()
}

// Receive takes what is to be told, or learns what became of it.
func (o *outbox) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		o.busy, o.saving = false, false // whoever would have answered has another address
		o.next(ctx)
	case *actor.Restarting, *actor.Stopping:
		o.timers.Stop()
	case tell:
		for _, e := range m.events {
			o.jobs = append(o.jobs, job{e, m.view})
		}
		o.newest = m.view
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
	try := attempt{post: o.post, first: o.tries == 0, last: o.tries+1 == triesFor(j.event.Body)}
	self, root := ctx.Self(), ctx.ActorSystem().Root
	o.lane.Do(func() {
		done := told{job: gen}
		guard.Run("outbox job", func() { done.post, done.err = o.do(j, try, now) }, func(f guard.Failure) { done.err = f })
		root.Send(self, done)
	})
}

// attempt is what a job needs to know of the tries before it.
type attempt struct {
	post        Post
	first, last bool
}

// do tells one event. It runs on the lane and touches nothing but the ports.
func (s *Spec) do(j job, try attempt, now time.Time) (*Post, error) {
	switch b := j.event.Body.(type) {
	case Started:
		return s.begin(j, b, try)
	case Joined:
		b.State.Post = try.post
		j.event.Body = b
	case Ended:
		return nil, s.conclude(j, b.Forced && try.first, try.post, now)
	}
	return nil, s.ports.Publisher.Publish(j.event)
}

// begin makes the post, stores the call, and only then tells: what is durable is stored first. When that fails to the last, people can still talk.
func (s *Spec) begin(j job, b Started, try attempt) (*Post, error) {
	post, err := try.post, error(nil)
	if post.ID == "" {
		if post, err = s.ports.Posts.Create(j.view); err != nil {
			post = Post{}
		}
	}
	j.view.Post = post
	if err == nil {
		err = s.ports.Store.Save(j.view)
	}
	if err != nil && !try.last {
		return &post, err
	}
	b.Post = post
	j.event.Body = b
	return &post, errors.Join(err, s.ports.Publisher.Publish(j.event))
}

// conclude tells those who are still in, closes the post and clears the record.
func (s *Spec) conclude(j job, announce bool, post Post, now time.Time) error {
	var failed error
	if announce {
		failed = s.ports.Publisher.Publish(j.event)
	}
	j.view.Post = post
	if post.ID != "" {
		failed = errors.Join(failed, s.ports.Posts.Close(j.view, now))
	}
	return errors.Join(failed, s.ports.Store.Clear(s.Channel, s.ID))
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
	o.store.Do(func() {
		done := saved{gen: gen, v: v.V}
		guard.Run("store of a call", func() { done.err = o.ports.Store.Save(v) }, func(f guard.Failure) { done.err = f })
		root.Send(self, done)
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

// Abandon cleans up after a call whose actors are gone: it closes the connections, tells those who were in, and closes the books.
// It blocks on the host's API and is called once, when nothing of the call runs any more.
func (s *Spec) Abandon() {
	for _, m := range s.members {
		m.spec.Close()
		s.ports.Registry.Forget(m.spec.ID)
	}
	v, events := s.View().ended(true, session.Crashed)
	if err := s.conclude(job{events[0], v}, true, s.outbox.post, s.ports.Clock.Now()); err != nil {
		s.ports.Log.Error("a call that was brought down could not be closed; the next start of the plugin does it", "call", s.ID, "err", err)
	}
}
