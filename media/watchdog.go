package media

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"time"

	"calls/guard"
)

const (
	watchInterval = 25 * time.Millisecond
	stuckReport   = 50 * time.Millisecond // after which a lane that takes long is reported
	ownReport     = time.Second           // the same for a loop in this package, which is late only where the machine is
	stacksEvery   = 10 * time.Second      // for reports: to find one stack, those of all goroutines are taken
	lastResort    = 5 * time.Second       // after which a loop is given up wherever it hangs
	fenceWait     = time.Second           // that a lane has to let go
)

// laneRef is a Lane in a place of its own, so that the watchdog can be pointed at it.
type laneRef struct{ Lane }

// Dispatcher runs the mailbox of one lane on its shard's loop, so that the watchdog knows whose message it is that hangs.
type Dispatcher struct {
	sh   *Shard
	lane *laneRef
}

// For is the shard as the dispatcher of one lane's mailbox.
func (sh *Shard) For(lane Lane) *Dispatcher { return &Dispatcher{sh, &laneRef{lane}} }

// Schedule has fn run on the shard's loop, in order, and wakes the loop.
func (d *Dispatcher) Schedule(fn func()) { d.sh.schedule(task{fn, d.lane}) }

// Throughput is the number of messages a mailbox handles before it yields.
func (d *Dispatcher) Throughput() int { return d.sh.Throughput() }

// watchdog looks whether the shard's loop gets on. A lane that takes long is reported once, with the stack of the loop's goroutine, and quarantined at the limit;
// the loop is replaced then. A look counts only when it comes on time: what holds the watchdog up, such as a machine that was stopped, holds the loop up too.
type watchdog struct {
	sh       *Shard
	last     time.Time
	loop     *loop
	beat     uint64
	looks    int // at the same beat that came on time, after the first
	reported bool
	stack    []byte
	stacks   time.Time // when stacks were taken last
}

func (w *watchdog) look(now time.Time) {
	onTime := now.Sub(w.last) < 2*watchInterval
	w.last = now
	l := w.sh.current.Load()
	beat := l.beat.Load()
	if l != w.loop || beat != w.beat || phaseOf(beat) == waiting {
		w.loop, w.beat, w.looks, w.reported, w.stack = l, beat, 0, false, nil
		return
	}
	if !onTime {
		return
	}
	w.looks++
	took := time.Duration(w.looks) * watchInterval
	report, limit := stuckReport, max(w.sh.cfg.Stuck(), stuckReport)
	if !phaseOf(beat).foreign() {
		report, limit = ownReport, max(lastResort, limit)
	}
	if took >= report && !w.reported {
		w.reported = true
		w.report(now, took)
	}
	if took >= limit {
		w.quarantine(now, took)
	}
}

func (w *watchdog) report(now time.Time, took time.Duration) {
	if w.stacks.IsZero() || now.Sub(w.stacks) >= stacksEvery {
		w.stacks = now
		w.stack = w.loop.findStack()
	}
	if w.loop.beat.Load() != w.beat {
		return // it came back just now
	}
	w.sh.log.Warn("a shard's loop takes long over one thing", "shard", w.sh.n, "at", phaseOf(w.beat).String(), "for", took, "stack", string(w.stack))
	if lane := w.lane(); lane != nil {
		guard.Run("report of a lane that hangs", func() { lane.Hangs(took, w.stack) }, w.sh.onPanic)
	}
}

// lane is the one that hangs; nil: it is no lane that does.
func (w *watchdog) lane() *laneRef {
	if !phaseOf(w.beat).foreign() {
		return nil
	}
	return w.loop.at.Load()
}

// quarantine takes the shard away from the loop that hangs and starts another one.
func (w *watchdog) quarantine(now time.Time, took time.Duration) {
	if w.stack == nil {
		w.stacks = now
		w.stack = w.loop.findStack()
	}
	name := fmt.Sprintf("shard %d, %v", w.sh.n, phaseOf(w.beat))
	why := guard.Failure{Name: name, Reason: fmt.Errorf("one message has taken %s", took), Stack: w.stack}
	w.sh.revoke(w.loop, w.beat, why)
}

// revoke takes the shard away from a loop that has not got on since this beat, and starts a fresh one on the same socket. If it is a lane that hangs, the fresh
// loop goes on exactly where the old one was: the lane has promised that its goroutine touches nothing any more, and everything else is the loop's own. If the
// loop hangs in this package, which takes a fault of ours that no test has found, what it had in its hands is lost.
func (sh *Shard) revoke(old *loop, beat uint64, why guard.Failure) (ok bool) {
	if !old.beat.CompareAndSwap(beat, beatRevoked) {
		return false // it came back at the last moment
	}
	sh.stats.quarantines.Add(1)
	sh.log.Error("a shard's loop hangs and is replaced", "failure", why.Error(), "stack", string(why.Stack))
	clean := phaseOf(beat).foreign()
	if lane := old.at.Load(); clean && lane != nil {
		clean = sh.quarantine(lane, why)
	}
	fresh := old.successor
	if !clean {
		fresh = func() *loop {
			l, err := newLoop(sh, old.epoch+1)
			if err != nil { // the socket is closed
				return nil
			}
			return l
		}
	}
	next := fresh()
	if next != nil {
		sh.launch(next)
	}
	sh.leave(old)
	return true
}

// quarantine has a lane let go. A lane may have to wait until its goroutine is out of this package, where it takes no time unless it hangs right there.
func (sh *Shard) quarantine(lane *laneRef, why guard.Failure) (done bool) {
	over := make(chan struct{})
	guard.Go("quarantine of a lane", func() { defer close(over); lane.Quarantine(why) }, sh.onPanic)
	timer := time.NewTimer(fenceWait)
	defer timer.Stop()
	select {
	case <-over:
		return true
	case <-timer.C:
		return false
	}
}

// String says it in words.
func (p phase) String() string {
	switch p {
	case waiting:
		return "waiting for packets"
	case scheduled:
		return "handling a message"
	case laneRuns:
		return "handling packets"
	}
	return "moving packets"
}

const shardLabel = "shard"

func (l *loop) label() string { return fmt.Sprintf("%p/%d", l.sh, l.epoch) }

// labelled runs the loop on a goroutine that findStack finds.
func (l *loop) labelled() {
	pprof.Do(context.Background(), pprof.Labels(shardLabel, l.label()), func(context.Context) { l.run() })
}

// findStack is the stack of the loop's goroutine. It costs milliseconds where there are many goroutines, so it is nothing to do often.
func (l *loop) findStack() []byte {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return nil
	}
	label := fmt.Appendf(nil, "%q:%q", shardLabel, l.label())
	for section := range bytes.SplitSeq(text.Bytes(), []byte("\n\n")) {
		if bytes.Contains(section, label) && bytes.Contains(section, []byte("media.(*loop).run")) {
			return section
		}
	}
	return nil
}
