package kit

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

// Timer is a running timer.
type Timer interface {
	// Stop cancels; false means that the function has been called, or is about to be.
	Stop() bool
}

// Clock is the time as actors see it; tests put a virtual one in its place.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once, after d, on a goroutine of its own.
	AfterFunc(d time.Duration, f func()) Timer
}

// RealClock is the machine's clock. Its zero value is ready; panics in a timer's function are recovered and go to OnPanic.
type RealClock struct{ OnPanic func(guard.Failure) }

// Now is time.Now.
func (RealClock) Now() time.Time { return time.Now() }

// Long timers end on a grid. A process that has little to do pays most for waking up, and so it wakes up once for all those actors that look around once a
// second, and together with the ticks of the loops for media, which keep to the same grid.
const (
	longTimer = time.Second
	grid      = 50 * time.Millisecond
	early     = 5 * time.Millisecond // for one that is set anew each time it ends, a moment after the grid
)

// onGrid is d, by up to 50 ms more or 5 ms less if it is long.
func onGrid(now time.Time, d time.Duration) time.Duration {
	if d < longTimer {
		return d
	}
	past := time.Duration(now.Add(d).UnixNano()) % grid
	if past > early {
		past -= grid
	}
	return d - past
}

// AfterFunc is time.AfterFunc under guard. A timer of a second or more may end up to 50 ms later, or 5 ms earlier.
func (c RealClock) AfterFunc(d time.Duration, f func()) Timer {
	d = onGrid(time.Now(), d)
	return time.AfterFunc(d, func() { guard.Run("timer", f, c.OnPanic) })
}

// After sends msg to the actor itself after d and returns what cancels that. Call it in Receive only. It outlives the actor's instance unless it is cancelled;
// Timers does that for all timers of an instance at once.
//
// A message that has left already cannot be called back: an actor that sets a timer anew gives its message a number and ignores old ones.
func After(clock Clock, ctx actor.Context, d time.Duration, msg any) (cancel func()) {
	self, root := ctx.Self(), ctx.ActorSystem().Root
	t := clock.AfterFunc(d, func() { root.Send(self, msg) })
	return func() { t.Stop() }
}
