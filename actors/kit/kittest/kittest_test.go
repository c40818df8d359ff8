package kittest

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
)

func TestClockCallsTimersInTheOrderOfTheirTimes(t *testing.T) {
	c := NewClock()
	begin := c.Now()
	var got []string
	note := func(name string) func() {
		return func() { got = append(got, fmt.Sprint(name, " at ", c.Now().Sub(begin))) }
	}
	c.AfterFunc(3*time.Second, note("third"))
	c.AfterFunc(time.Second, func() {
		note("first")()
		c.AfterFunc(time.Second, note("second"))
		c.AfterFunc(time.Hour, note("much later"))
	})
	cancelled := c.AfterFunc(2*time.Second, note("cancelled"))
	c.AfterFunc(3*time.Second, note("fourth"))
	next, ok := c.Next()
	require.True(t, ok)
	require.Equal(t, time.Second, next)
	require.True(t, cancelled.Stop())
	require.False(t, cancelled.Stop())

	c.Advance(5 * time.Second)
	require.Equal(t, []string{"first at 1s", "second at 2s", "third at 3s", "fourth at 3s"}, got)
	require.Equal(t, 5*time.Second, c.Now().Sub(begin))
	require.Equal(t, 1, c.Pending())
}

// recorder is a testing.TB that notes the failure of a probe instead of failing.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failing runs fn, which should fail r, and gives its complaint.
func failing(r *recorder, fn func()) string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
	return r.failure
}

func TestProbeComplains(t *testing.T) {
	type hello struct{ Name string }
	w := New(t)
	r := &recorder{TB: t}
	p := NewProbe(r)
	pid := w.Spawn(kit.Spec{Kind: kit.Other, New: p.Actor}, "p")

	w.Tell(pid, hello{"Ann"})
	p.Expect(hello{"Ann"})
	p.Expect()
	require.Empty(t, r.failure)

	w.Tell(pid, hello{"Ben"})
	require.Equal(t, "wrong messages\n  came:     kittest.hello{Name:Ben}\n  expected: nothing", failing(r, func() { p.Expect() }))
	require.Contains(t, failing(r, func() { p.Expect(hello{"Cem"}) }), "came:     nothing")
	require.Contains(t, failing(r, func() { Take[hello](p) }), "no message came")

	w.Tell(pid, hello{"Dan"})
	w.Tell(pid, hello{"Eve"})
	require.Contains(t, failing(r, func() { Take[string](p) }), "expected a string")
	require.Equal(t, hello{"Dan"}, Take[hello](p))
	require.Equal(t, []any{hello{"Eve"}}, p.Messages())

	require.Contains(t, failing(r, func() { p.ExpectLife("Stopped") }), "happened: Started")
}

func TestWorldSettlesAfterEveryTimer(t *testing.T) {
	w := New(t)
	p := NewProbe(t)
	left := 3
	p.Do = func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started, string:
			if left > 0 {
				left--
				kit.After(w.Clock, ctx, time.Second, w.Clock.Now().Format("05"))
			}
		}
	}
	pid := w.Spawn(kit.Spec{Kind: kit.Other, New: p.Actor}, "p")
	w.Advance(time.Minute) // each timer is set by the message of the one before
	p.Expect("00", "01", "02")
	require.True(t, w.Alive(pid))
	w.Stop(pid)
	require.False(t, w.Alive(pid))
	p.ExpectLife("Started", "Stopping", "Stopped")
}

func TestPumpNoticesActorsThatNeverRest(t *testing.T) {
	p := &Pump{}
	var again func()
	again = func() { p.Schedule(again) }
	p.Schedule(again)
	require.PanicsWithValue(t, "kittest: the actors do not come to rest", p.Run)
}
