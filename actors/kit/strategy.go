package kit

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

// StrategyOptions say how a strategy is made; the zero value judges by the default limits and tells nobody.
type StrategyOptions struct {
	Policies *Policies    // nil: the defaults
	Clock    Clock        // nil: the machine's
	Log      *slog.Logger // nil: discard

	// OnGiveUp is told of a child that is over its limits, on the parent's goroutine, before the consequence of the child's kind is drawn.
	OnGiveUp func(child *actor.PID, kind Kind, why guard.Failure)
	// OnRestart is told of a restart to come, on the parent's goroutine; wait is the back-off before it.
	OnRestart func(child *actor.PID, kind Kind, why guard.Failure, wait time.Duration)

	Jitter func() float64 // in [0, 1); nil: that of Policies
}

// Strategy decides what becomes of the failing children of one actor: each parent has its own. Put it into the parent's Spec, which keeps it up to date.
type Strategy struct {
	o StrategyOptions

	mu       sync.Mutex             // timers run on goroutines of their own
	closing  bool                   // the parent is restarting or stopping
	failures map[string][]time.Time // by lineage, oldest first, those within the window only
	pending  map[string]*delayed    // by child, restarts and replacements that wait out their back-off

	board atomic.Pointer[Board] // the parent's
}

// delayed is one waiting restart. It is told from a later one of the same child by its address.
type delayed struct {
	timer Timer // nil: there is nothing to wait for
	heir  *heir // of a child that is to be replaced
}

// cancel is called with the strategy's mu held.
func (d *delayed) cancel() (orphan *heir) {
	if d.timer != nil {
		d.timer.Stop()
	}
	return d.heir
}

var _ actor.SupervisorStrategy = (*Strategy)(nil)

// NewStrategy makes the strategy of one parent.
func NewStrategy(o StrategyOptions) *Strategy {
	if o.Policies == nil {
		o.Policies = NewPolicies()
	}
	if o.Clock == nil {
		o.Clock = RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Jitter == nil {
		o.Jitter = o.Policies.Jitter
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return &Strategy{o: o}
}

// HandleFailure judges one failure by the limits in force now. protoactor calls it on the parent's goroutine.
func (s *Strategy) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, child *actor.PID, _ *actor.RestartStatistics, reason, message any) {
	kind, why := KindOf(child), asFailure(child, reason)
	limits := s.o.Policies.Get(kind)
	n, ok := s.count(child, limits)
	if !ok {
		return
	}
	if n <= limits.Max || kind.Over() == Persist {
		s.restart(sup, child, kind, why, s.backoff(limits, n))
		return
	}
	s.giveUp(sup, child, kind, why, message)
}

// count notes a failure and returns how many there are in the window. It is not ok when the parent is on its way out: its children have their Stop already.
func (s *Strategy) count(child *actor.PID, l Limits) (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return 0, false
	}
	if s.failures == nil {
		s.failures, s.pending = map[string][]time.Time{}, map[string]*delayed{}
	}
	now, key := s.o.Clock.Now(), lineage(child)
	recent := append(s.failures[key], now)
	old := 0
	for now.Sub(recent[old]) >= l.Window || len(recent)-old > l.Max+1 { // more than one too many makes no difference
		old++
	}
	recent = append(recent[:0], recent[old:]...)
	s.failures[key] = recent
	return len(recent), true
}

// backoff is the wait before the restart after the nth failure: it doubles each time up to the longest. Up to a fifth is taken off at random, so that
// actors that fail together do not come back together.
func (s *Strategy) backoff(l Limits, n int) time.Duration {
	d := l.BackoffMin
	for i := 1; i < n && d < l.BackoffMax; i++ {
		d *= 2
	}
	d = min(d, l.BackoffMax)
	return d - time.Duration(s.o.Jitter()*float64(d)/5)
}

func (s *Strategy) restart(sup actor.Supervisor, child *actor.PID, kind Kind, why guard.Failure, wait time.Duration) {
	s.o.Log.Warn("actor failed and is restarted", "actor", child.Id, "kind", kind.String(), "failure", why.Error(), "wait", wait, "stack", string(why.Stack))
	if s.o.OnRestart != nil {
		s.call("OnRestart", func() { s.o.OnRestart(child, kind, why, wait) })
	}
	if wait <= 0 {
		sup.RestartChildren(child)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[child.Id] != nil {
		return // a restart is on its way
	}
	if b := s.board.Load(); b != nil {
		if m := b.find(child.Id); m != nil {
			m.resumes(s.o.Clock.Now().Add(wait))
		}
	}
	d := &delayed{}
	s.pending[child.Id] = d
	d.timer = s.o.Clock.AfterFunc(wait, func() {
		if s.due(child, d) {
			sup.RestartChildren(child)
		}
	})
}

// due takes a waiting restart off the list; false when it was called off meanwhile.
func (s *Strategy) due(child *actor.PID, d *delayed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[child.Id] != d {
		return false
	}
	delete(s.pending, child.Id)
	return true
}

func (s *Strategy) giveUp(sup actor.Supervisor, child *actor.PID, kind Kind, why guard.Failure, message any) {
	s.o.Log.Error("actor failed too often", "actor", child.Id, "kind", kind.String(), "failure", why.Error(), "stack", string(why.Stack))
	s.Forget(child)
	if s.o.OnGiveUp != nil {
		s.call("OnGiveUp", func() { s.o.OnGiveUp(child, kind, why) })
	}
	if kind.Over() == Escalate && hasParent(sup) {
		sup.EscalateFailure(why, message)
		return
	}
	sup.StopChildren(child)
}

// hasParent says whether there is somebody to escalate to. Above the root there are only protoactor's own strategy, which would restart the root and with it
// every call, and guardians, which panic.
func hasParent(sup actor.Supervisor) bool {
	p, ok := sup.(interface{ Parent() *actor.PID })
	return ok && p.Parent() != nil
}

// call runs a callback. If it fails, the child must get its verdict nevertheless: it is suspended, and would stay so for ever.
func (s *Strategy) call(name string, fn func()) {
	guard.Run(name, fn, func(f guard.Failure) {
		s.o.Log.Error("callback of a strategy failed", "failure", f.Error(), "stack", string(f.Stack))
	})
}

// Forget drops what is known of a child and calls its waiting restart off. For a parent made by a Spec the kit does so when the child has ended.
func (s *Strategy) Forget(child *actor.PID) {
	s.mu.Lock()
	var orphan *heir
	if d := s.pending[child.Id]; d != nil {
		orphan = d.cancel()
		delete(s.pending, child.Id)
	}
	delete(s.failures, lineage(child))
	s.mu.Unlock()
	if orphan != nil {
		orphan.end()
	}
}

// ForgetAll is Forget for every child. For a parent made by a Spec the kit does so when the parent itself restarts or stops.
func (s *Strategy) ForgetAll() {
	s.mu.Lock()
	var orphans []*heir
	for _, d := range s.pending {
		if h := d.cancel(); h != nil {
			orphans = append(orphans, h)
		}
	}
	clear(s.pending)
	clear(s.failures)
	s.mu.Unlock()
	endAll(orphans)
}

// recent is how many failures of a child count at the moment.
func (s *Strategy) recent(child *actor.PID) (n int) {
	window := s.o.Policies.Get(KindOf(child)).Window
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock.Now()
	for _, at := range s.failures[lineage(child)] {
		if now.Sub(at) < window {
			n++
		}
	}
	return n
}

// open and shut follow the life of the parent's instance.
func (s *Strategy) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = false
}

func (s *Strategy) shut() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.ForgetAll()
}

func asFailure(child *actor.PID, reason any) guard.Failure {
	if f, ok := reason.(guard.Failure); ok {
		return f
	}
	return guard.Failure{Name: child.Id, Reason: reason}
}

// judgement is what becomes of a child that was quarantined.
type judgement uint8

const (
	final judgement = iota // it has ended
	replaced
	escalated
)

// judge counts a quarantine as a failure and asks the parent for a replacement, now or after the back-off, as long as the limits allow one.
func (s *Strategy) judge(ctx actor.Context, h *heir) judgement {
	kind := KindOf(h.self)
	limits := s.o.Policies.Get(kind)
	n, ok := s.count(h.self, limits)
	switch {
	case !ok:
		h.end()
		return final
	case n <= limits.Max || kind.Over() == Persist:
		s.replace(ctx, h, kind, s.backoff(limits, n))
		return replaced
	}
	s.o.Log.Error("actor was quarantined, once too often", "actor", h.self.Id, "kind", kind.String(), "failure", h.why.Error())
	s.Forget(h.self)
	if s.o.OnGiveUp != nil {
		s.call("OnGiveUp", func() { s.o.OnGiveUp(h.self, kind, h.why) })
	}
	h.end()
	if kind.Over() == Escalate && ctx.Parent() != nil {
		return escalated
	}
	return final
}

func (s *Strategy) replace(ctx actor.Context, h *heir, kind Kind, wait time.Duration) {
	s.o.Log.Warn("actor was quarantined and is replaced", "actor", h.self.Id, "kind", kind.String(), "failure", h.why.Error(), "wait", wait)
	if s.o.OnRestart != nil {
		s.call("OnRestart", func() { s.o.OnRestart(h.self, kind, h.why, wait) })
	}
	parent, root := ctx.Self(), ctx.ActorSystem().Root
	ask := func() { root.Send(parent, Replace{Who: h.self, heir: h}) }
	s.mu.Lock()
	if s.closing { // the parent itself has been taken away meanwhile
		s.mu.Unlock()
		h.end()
		return
	}
	d := &delayed{heir: h}
	s.pending[h.self.Id] = d
	if wait > 0 {
		d.timer = s.o.Clock.AfterFunc(wait, ask)
	}
	s.mu.Unlock()
	if wait <= 0 {
		ask()
	}
}

// take takes a child that is to be replaced off the list; false when that was called off meanwhile.
func (s *Strategy) take(h *heir) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.pending[h.self.Id]
	if d == nil || d.heir != h {
		return false
	}
	delete(s.pending, h.self.Id)
	return true
}
