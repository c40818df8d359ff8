package kit

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Timers are the timers of one incarnation of an actor, each under a name of its own. The zero value is ready; the actor alone uses it.
type Timers struct {
	cancel  map[string]func()
	stopped bool
}

// Set has msg sent to the actor after d. A timer of the same name that is still running is replaced. After Stop it does nothing: an actor that is waiting for
// its children to stop is still told things, and the message would reach its successor.
func (t *Timers) Set(clock Clock, ctx actor.Context, name string, d time.Duration, msg any) {
	if t.stopped {
		return
	}
	if t.cancel == nil {
		t.cancel = map[string]func(){}
	}
	t.Cancel(name)
	t.cancel[name] = After(clock, ctx, d, msg)
}

// Cancel stops a timer. A message that is already in the mailbox still comes, so timers whose lateness matters carry a generation.
func (t *Timers) Cancel(name string) {
	if cancel := t.cancel[name]; cancel != nil {
		cancel()
	}
	delete(t.cancel, name)
}

// Stop stops all for good, as an actor does in Restarting and Stopping.
func (t *Timers) Stop() {
	t.stopped = true
	for name := range t.cancel {
		t.Cancel(name)
	}
}
