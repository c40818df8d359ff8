package kit

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"calls/guard"
)

const (
	// StuckAfter is how long a message may take before somebody is told.
	StuckAfter = 50 * time.Millisecond

	watchEvery  = 25 * time.Millisecond
	stacksEvery = 500 * time.Millisecond // the world stands still for them
)

// Stuck is a message that takes too long.
type Stuck struct {
	ID      string
	Kind    Kind
	Message string        // its type
	For     time.Duration // at least
	Stack   []byte        // of the goroutine; nil: it could not be found, or others were looked for just before

	since int64
}

// WatchdogOptions say how a watchdog is made.
type WatchdogOptions struct {
	Board *Board
	Clock Clock                // nil: the machine's
	Limit func() time.Duration // after which an actor is quarantined; asked each time
	Log   *slog.Logger         // nil: discard
	Every time.Duration        // between two looks; 0: 25 ms
}

// Watchdog looks after the actors on a board that no shard's loop runs. A Receive that hangs is reported once, with the stack of its goroutine, and its actor
// is quarantined at the limit. A look counts only when it comes on time: whatever holds the watchdog up, such as a machine that was stopped, has held up the
// actors too. The root is reported and never quarantined: nobody could replace it.
type Watchdog struct {
	o WatchdogOptions

	mu      sync.Mutex
	stopped bool
	timer   Timer
	last    time.Time
	stacks  time.Time
	running map[*Mailbox]*watched
}

// watched is a Receive that was seen running.
type watched struct {
	since    int64
	looks    int // that came on time, after the first
	reported bool
}

// NewWatchdog makes a watchdog, which does nothing before Start.
func NewWatchdog(o WatchdogOptions) *Watchdog {
	if o.Clock == nil {
		o.Clock = RealClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Every <= 0 {
		o.Every = watchEvery
	}
	return &Watchdog{o: o, running: map[*Mailbox]*watched{}}
}

// Start begins to look.
func (w *Watchdog) Start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = w.o.Clock.Now()
	w.timer = w.o.Clock.AfterFunc(w.o.Every, w.tick)
}

// Stop ends it.
func (w *Watchdog) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// tick is one look. It runs on a timer's goroutine, and sets the next one whatever happens.
func (w *Watchdog) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	now := w.o.Clock.Now()
	defer func() { w.timer = w.o.Clock.AfterFunc(w.wait(now), w.tick) }()
	onTime := now.Sub(w.last) < 2*w.o.Every
	w.last = now
	guard.Run("watchdog", func() { w.look(now, onTime) }, func(f guard.Failure) {
		w.o.Log.Error("the watchdog failed", "failure", f.Error(), "stack", string(f.Stack))
	})
}

// wait is how long it is to the next look. Looks are at multiples of their interval, as those of the shards' watchdogs are: who wakes together wakes less often.
func (w *Watchdog) wait(now time.Time) time.Duration {
	wait := w.o.Every - time.Duration(now.UnixNano())%w.o.Every
	if wait < w.o.Every/2 {
		wait += w.o.Every
	}
	return wait
}

func (w *Watchdog) look(now time.Time, onTime bool) {
	still := make(map[*Mailbox]*watched, len(w.running))
	var report, quarantine []*Mailbox
	limit := max(w.o.Limit(), StuckAfter)
	for _, m := range w.o.Board.watchable() {
		since := m.since.Load()
		if since == 0 {
			m.forgive()
			continue
		}
		s := w.running[m]
		if s == nil || s.since != since {
			m.forgive()
			s = &watched{since: since}
		} else if onTime {
			s.looks++
		}
		still[m] = s
		took := time.Duration(s.looks) * w.o.Every
		if took >= StuckAfter && !s.reported {
			s.reported = true
			report = append(report, m)
		}
		if took >= limit && m.kind() != Root {
			quarantine = append(quarantine, m)
		}
	}
	w.running = still
	w.report(report, now)
	for _, m := range quarantine {
		w.quarantine(m, still[m], now)
		delete(still, m)
	}
}

func (w *Watchdog) report(boxes []*Mailbox, now time.Time) {
	if len(boxes) == 0 {
		return
	}
	stacks := w.takeStacks(now)
	for _, m := range boxes {
		s := m.hangs(w.running[m].since, time.Duration(w.running[m].looks)*w.o.Every, stacks[m.self.Id])
		if s == nil {
			continue // it came back just now
		}
		w.o.Log.Warn("an actor takes long over a message", "actor", s.ID, "kind", s.Kind.String(), "message", s.Message, "for", s.For, "stack", string(s.Stack))
	}
}

// takeStacks gives nothing when it was asked just before.
func (w *Watchdog) takeStacks(now time.Time) map[string][]byte {
	if !w.stacks.IsZero() && now.Sub(w.stacks) < stacksEvery {
		return nil
	}
	w.stacks = now
	return actorStacks()
}

func (w *Watchdog) quarantine(m *Mailbox, s *watched, now time.Time) {
	took := time.Duration(s.looks) * w.o.Every
	why := guard.Failure{Name: m.self.Id, Reason: fmt.Errorf("one message has taken %s", took)}
	if r := m.report.Load(); r != nil && r.since == s.since {
		why.Name, why.Stack = fmt.Sprintf("%s handling %s", m.self.Id, r.Message), r.Stack
	}
	if why.Stack == nil {
		why.Stack = w.takeStacks(now)[m.self.Id]
	}
	if m.since.Load() != s.since {
		return // it came back at the last moment
	}
	w.o.Log.Error("an actor hangs and is quarantined", "actor", m.self.Id, "kind", m.kind().String(), "failure", why.Error(), "stack", string(why.Stack))
	m.revoke(why)
}

// watchable are the actors that no shard looks after.
func (b *Board) watchable() []*Mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watched == nil {
		b.watched = make([]*Mailbox, 0, len(b.live))
		for _, m := range b.list() {
			if m.kind() != Track {
				b.watched = append(b.watched, m)
			}
		}
	}
	return b.watched
}

// hangs notes a report, if the message is still being handled.
func (m *Mailbox) hangs(since int64, took time.Duration, stack []byte) *Stuck {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.since.Load() != since || m.revoked.Load() {
		return nil
	}
	s := &Stuck{ID: m.self.Id, Kind: m.kind(), For: took, Stack: stack, since: since}
	i := m.incident(Reported, guard.Failure{Reason: fmt.Sprintf("one message has taken %s", took), Stack: stack})
	s.Message = i.During
	m.report.Store(s)
	m.board.note(i)
	return s
}

// forgive drops the report on a message that was handled after all.
func (m *Mailbox) forgive() {
	if m.report.Load() != nil {
		m.report.Store(nil)
		m.board.version.Add(1)
	}
}

// Hangs notes that the message under way has taken so long. Together with Quarantine it is what the loop of a shard needs to watch over the actors that it runs.
func (m *Mailbox) Hangs(took time.Duration, stack []byte) {
	if since := m.since.Load(); since != 0 && m.board != nil {
		m.hangs(since, took, stack)
	}
}

// Quarantine is Revoke with a reason of the caller's.
func (m *Mailbox) Quarantine(why guard.Failure) bool { return m.revoke(why) }
