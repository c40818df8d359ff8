package kit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/guard"
)

var allKinds = []kit.Kind{kit.Other, kit.Door, kit.Poller, kit.Call, kit.Roster, kit.Outbox, kit.Session, kit.Track}

// TestPolicyTable lets a child of each kind fail up to its limit and once more.
func TestPolicyTable(t *testing.T) {
	after := map[kit.Kind]func(*testing.T, *family){
		kit.Other: stoppedAlone, kit.Call: stoppedAlone, kit.Roster: stoppedAlone, kit.Outbox: stoppedAlone, kit.Session: stoppedAlone,
		kit.Track: escalated,
		kit.Door:  restartedAgain, kit.Poller: restartedAgain,
	}
	for _, kind := range allKinds {
		for _, most := range []int{0, 1, 3} {
			t.Run(fmt.Sprintf("%s, %d restarts", kind, most), func(t *testing.T) {
				f := newFamily(t, kind)
				f.limit(kind, kit.Limits{Max: most, Window: time.Minute})
				for range most {
					f.Tell(f.childPID, crash{})
					f.child.ExpectLife("Restarting", "Started")
				}
				require.Empty(t, f.gaveUp)
				// A session is parent and child here: what follows must not be the grandparent's judgement by the child's limits.
				f.limit(kit.Session, kit.Limits{Max: most + 1, Window: time.Minute})
				if kind == kit.Session {
					f.limit(kind, kit.Limits{Max: most, Window: time.Minute})
				}
				f.Tell(f.childPID, crash{})
				after[kind](t, f)
			})
		}
	}
}

func stoppedAlone(t *testing.T, f *family) {
	f.child.ExpectLife("Stopping", "Stopped")
	f.parent.ExpectLife("Terminated")
	require.Equal(t, []verdict{{f.childKind, "as told"}}, f.gaveUp)
	require.False(t, f.Alive(f.childPID))
}

func escalated(t *testing.T, f *family) {
	f.child.ExpectLife("Stopping", "Stopped", "Started") // the last one is a new child of the new parent
	f.parent.ExpectLife("Restarting", "Terminated", "Started")
	f.grand.ExpectLife("Started") // and it went no higher
	require.Equal(t, []verdict{{f.childKind, "as told"}}, f.gaveUp)
	require.Equal(t, 2, f.births)
}

func restartedAgain(t *testing.T, f *family) {
	f.child.ExpectLife("Restarting", "Started")
	f.parent.ExpectLife()
	require.Empty(t, f.gaveUp)
	require.True(t, f.Alive(f.childPID))
}

func TestSessionOverItsLimitByItsTracksIsStoppedAlone(t *testing.T) {
	f := newFamily(t, kit.Track)
	f.limit(kit.Track, kit.Limits{Max: 0, Window: time.Minute})
	f.limit(kit.Session, kit.Limits{Max: 1, Window: time.Minute})
	f.Tell(f.childPID, crash{})
	f.parent.ExpectLife("Restarting", "Terminated", "Started")
	f.Tell(f.childPID, crash{})
	f.parent.ExpectLife("Stopping", "Terminated", "Stopped")
	f.grand.ExpectLife("Started", "Terminated")
}

func TestFailuresLeaveTheWindow(t *testing.T) {
	f := newFamily(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 1, Window: 10 * time.Second})
	for range 5 {
		f.Tell(f.childPID, crash{})
		f.child.ExpectLife("Restarting", "Started")
		f.Advance(10 * time.Second)
	}
	f.Tell(f.childPID, crash{})
	f.Advance(9 * time.Second)
	f.Tell(f.childPID, crash{})
	f.child.ExpectLife("Restarting", "Started", "Stopping", "Stopped")
}

func TestChangedLimitsJudgeTheNextFailure(t *testing.T) {
	f := newFamily(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 5, Window: time.Minute})
	f.Tell(f.childPID, crash{})
	f.child.ExpectLife("Restarting", "Started")
	f.limit(kit.Session, kit.Limits{Max: 1, Window: time.Minute})
	f.Tell(f.childPID, crash{})
	f.child.ExpectLife("Stopping", "Stopped")
}

func TestBackoffDoublesUpToTheLongest(t *testing.T) {
	f := newFamily(t, kit.Door)
	f.limit(kit.Door, kit.Limits{Max: 2, Window: time.Hour, BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second})
	want := []int{100, 200, 400, 400, 400} // Max+1 failures are remembered, so a door goes on at the wait after the third
	for i, ms := range want {
		f.Tell(f.childPID, crash{})
		wait := time.Duration(ms) * time.Millisecond
		require.Equal(t, wait, f.restarts[i])
		f.Advance(wait - 1)
		f.child.ExpectLife()
		f.Advance(1)
		f.child.ExpectLife("Restarting", "Started")
	}
	require.Zero(t, f.Clock.Pending())

	f.limit(kit.Door, kit.Limits{Max: 50, Window: time.Hour, BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second})
	for range 40 {
		f.Tell(f.childPID, crash{})
		f.Advance(time.Second)
	}
	require.Equal(t, time.Second, f.restarts[len(f.restarts)-1])
}

func TestJitterShortensByAFifthAtMost(t *testing.T) {
	var waits []time.Duration
	w := kittest.New(t)
	policies := kit.NewPolicies()
	require.NoError(t, policies.Set(kit.Door, kit.Limits{Max: 1000, Window: time.Hour, BackoffMin: time.Second, BackoffMax: time.Second}))
	s := kit.NewStrategy(kit.StrategyOptions{
		Policies: policies, Clock: w.Clock,
		OnRestart: func(_ *actor.PID, _ kit.Kind, _ guard.Failure, wait time.Duration) { waits = append(waits, wait) },
	})
	child := actor.NewPID("nonhost", kit.Name(kit.Door, "d", 1))
	for range 200 {
		s.HandleFailure(w.System.ActorSystem, nil, child, nil, "why", nil)
	}
	require.Equal(t, 1, w.Clock.Pending(), "one restart at a time")
	different := map[time.Duration]bool{}
	for _, d := range waits {
		require.LessOrEqual(t, d, time.Second)
		require.GreaterOrEqual(t, d, 800*time.Millisecond)
		different[d] = true
	}
	require.Greater(t, len(different), 100)
}

func TestMessagesOutlastTheBackoff(t *testing.T) {
	f := newFamily(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
	f.Tell(f.childPID, crash{})
	f.Tell(f.childPID, "one")
	f.Tell(f.childPID, "two")
	require.True(t, f.box.Stats().Suspended)
	f.child.Expect(crash{})
	f.Advance(time.Second)
	f.child.Expect("one", "two")
	require.False(t, f.box.Stats().Suspended)
}

func TestWaitingRestartIsCalledOff(t *testing.T) {
	wait := func(f *family) {
		f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
		f.Tell(f.childPID, crash{})
		require.Equal(t, 1, f.Clock.Pending())
	}
	t.Run("child is stopped", func(t *testing.T) {
		f := newFamily(t, kit.Track)
		wait(f)
		f.Stop(f.childPID)
		require.Zero(t, f.Clock.Pending())
		f.child.ExpectLife("Stopping", "Stopped")
	})
	t.Run("parent is stopped", func(t *testing.T) {
		f := newFamily(t, kit.Track)
		wait(f)
		f.Stop(f.parent.PID())
		require.Zero(t, f.Clock.Pending())
		f.child.ExpectLife("Stopping", "Stopped")
	})
	t.Run("parent restarts", func(t *testing.T) {
		f := newFamily(t, kit.Track, func(f *family) {
			born := f.parent.Do
			f.parent.Do = func(ctx actor.Context) {
				born(ctx)
				if ctx.Message() == (crash{}) {
					panic("parent too")
				}
			}
		})
		wait(f)
		f.Tell(f.parent.PID(), crash{})
		f.child.ExpectLife("Stopping", "Stopped", "Started")
		f.Advance(time.Minute)
		f.child.ExpectLife()
		require.Zero(t, f.Clock.Pending())
	})
}

func TestFailureOfAChildThatIsStoppingAnywayIsIgnored(t *testing.T) {
	f := newFamily(t, kit.Track)
	f.limit(kit.Track, kit.Limits{Max: 0, Window: time.Minute})
	// Both are queued before either is handled: the parent learns of the failure when it is on its way out itself.
	f.System.Root.Send(f.childPID, crash{})
	f.System.Root.Stop(f.parent.PID())
	f.Run()
	require.Empty(t, f.gaveUp)
	f.parent.ExpectLife("Stopping", "Terminated", "Stopped")
	f.grand.ExpectLife("Started", "Terminated")
}

func TestNothingEscalatesAboveTheRoot(t *testing.T) {
	w := kittest.New(t)
	policies := kit.NewPolicies()
	require.NoError(t, policies.Set(kit.Track, kit.Limits{Max: 0, Window: time.Minute}))
	child, root := kittest.NewProbe(t), kittest.NewProbe(t)
	child.Do = func(ctx actor.Context) {
		if ctx.Message() == (crash{}) {
			panic("as told")
		}
	}
	root.Do = func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			_, err := ctx.SpawnNamed(kit.Spec{Kind: kit.Track, New: child.Actor, Dispatcher: w.Pump}.Props(), kit.Name(kit.Track, "t", 1))
			require.NoError(t, err)
		case crash:
			panic("the root itself")
		}
	}
	pid := w.Spawn(kit.Spec{Kind: kit.Root, New: root.Actor, Strategy: kit.NewStrategy(kit.StrategyOptions{Policies: policies, Clock: w.Clock})}, "root")
	w.Tell(child.PID(), crash{})
	child.ExpectLife("Started", "Stopping", "Stopped")
	root.ExpectLife("Started", "Terminated")

	for range 20 { // protoactor's own strategy would stop it at the 11th
		w.Tell(pid, crash{})
	}
	root.ExpectLife()
	require.True(t, w.Alive(pid))
}

func TestChildGetsItsVerdictThoughTheCallbackPanics(t *testing.T) {
	f := newFamily(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 0, Window: time.Minute})
	f.onGiveUp = func() { panic("callback") }
	f.Tell(f.childPID, crash{})
	stoppedAlone(t, f)
}

func TestPanicInNewIsAFailureLikeOthers(t *testing.T) {
	w := kittest.New(t)
	child := kittest.NewProbe(t)
	tries := 0
	spec := kit.Spec{Kind: kit.Session, Dispatcher: w.Pump, New: func() actor.Actor {
		if tries++; tries < 3 {
			panic("cannot be made")
		}
		return child.Actor()
	}}
	parent := kittest.NewProbe(t)
	parent.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			_, err := ctx.SpawnNamed(spec.Props(), kit.Name(kit.Session, "s", 1))
			require.NoError(t, err)
		}
	}
	pid := w.Spawn(kit.Spec{Kind: kit.Call, New: parent.Actor, Strategy: kit.NewStrategy(kit.StrategyOptions{Clock: w.Clock})}, "call")
	w.Advance(time.Second)
	child.ExpectLife("Started")
	require.Equal(t, 3, tries)
	w.Stop(pid)
	child.ExpectLife("Stopping", "Stopped")
}

func TestLimitsThatMakeNoSenseAreRefused(t *testing.T) {
	p := kit.NewPolicies()
	before := p.Get(kit.Track)
	for _, c := range []struct {
		limits kit.Limits
		says   string
	}{
		{kit.Limits{Max: -1, Window: time.Second}, "number of restarts"},
		{kit.Limits{Max: 1}, "window"},
		{kit.Limits{Max: 1, Window: time.Second, BackoffMin: -1}, "first back-off"},
		{kit.Limits{Max: 1, Window: time.Second, BackoffMin: 2, BackoffMax: 1}, "longest back-off"},
	} {
		require.ErrorContains(t, p.Set(kit.Track, c.limits), c.says)
	}
	require.Error(t, p.Set(kit.Kind(200), kit.Limits{Max: 1, Window: time.Second}))
	require.Equal(t, before, p.Get(kit.Track))
	for _, k := range append(allKinds, kit.Root) {
		require.NoError(t, kit.DefaultLimits(k).Validate(), k)
	}
}
