package kit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/guard"
	"calls/guard/guardtest"
)

func TestMain(m *testing.M) { guardtest.Main(m) }

func TestStopTreeStopsFromTheLeavesUpWhenAllIsDone(t *testing.T) {
	sys := kit.NewSystem(nil)
	var order []string // written by one actor after another: each waits for its child
	leaf := kit.Spec{Kind: kit.Session, New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Stopped); ok {
				order = append(order, "leaf")
			}
		})
	}}
	root := sys.Root.Spawn(kit.Spec{Kind: kit.Call, New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				ctx.Spawn(leaf.Props())
			case string:
				order = append(order, m)
			case *actor.Stopped:
				order = append(order, "root")
			}
		})
	}}.Props())
	sys.Root.Send(root, "work")
	require.NoError(t, sys.StopTree(context.Background(), root))
	require.Equal(t, []string{"work", "leaf", "root"}, order)
	require.NoError(t, sys.StopTree(context.Background(), root), "a tree that is gone has stopped")
}

func TestStopTreeGivesUpOnAnActorThatHangs(t *testing.T) {
	sys := kit.NewSystem(nil)
	hanging, release, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	pid := sys.Root.Spawn(kit.Spec{New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case string:
				close(hanging)
				<-release
			case *actor.Stopped:
				close(stopped)
			}
		})
	}}.Props())
	sys.Root.Send(pid, "hang")
	<-hanging
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := sys.StopTree(ctx, pid)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, pid.Id)
	close(release)
	<-stopped
}

func TestLibraryLogsNoContents(t *testing.T) {
	var out bytes.Buffer
	sys := kit.NewSystem(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	pump := &kittest.Pump{}
	pid := sys.Root.Spawn(kit.Spec{Kind: kit.Root, New: func() actor.Actor { return actor.ReceiveFunc(func(actor.Context) {}) }, Dispatcher: pump}.Props())
	process, _ := sys.ProcessRegistry.Get(pid)
	process.SendSystemMessage(pid, "a secret that is no system message")
	for range 10 {
		sys.Root.Send(actor.NewPID("nonhost", "nobody"), "a secret for nobody")
	}
	pump.Run()
	sys.Logger().Info("[DeadLetter]", "throttled", 7) // as the library does some time after a flood
	require.NotContains(t, out.String(), "secret")
	require.NotContains(t, out.String(), "DeadLetter")
	require.Contains(t, out.String(), "level=ERROR msg=\"unknown system message\" message=string")
	require.NotContains(t, out.String(), "level=INFO")
	require.EqualValues(t, 10, sys.DeadLetters())
}

func TestTimers(t *testing.T) {
	type wake struct{ n int }
	f := newFamily(t, kit.Session)
	var timers kit.Timers
	f.child.Do = func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			switch m {
			case "set":
				timers.Set(f.Clock, ctx, "a", 2*time.Second, wake{1})
				timers.Set(f.Clock, ctx, "b", time.Second, wake{2})
				timers.Set(f.Clock, ctx, "a", 3*time.Second, wake{3}) // in the place of the first
			case "after":
				kit.After(f.Clock, ctx, time.Second, wake{4})
				kit.After(f.Clock, ctx, time.Second, wake{5})()
			}
		case *actor.Restarting:
			timers.Stop()
			timers.Set(f.Clock, ctx, "late", time.Second, wake{6})
		}
	}
	f.Tell(f.childPID, "set")
	f.Advance(time.Second)
	f.child.Expect("set", wake{2})
	f.Advance(2 * time.Second)
	f.child.Expect(wake{3})

	f.Tell(f.childPID, "set")
	f.system(&actor.Restart{})
	f.Run()
	f.Advance(time.Hour)
	f.child.Expect("set")
	require.Zero(t, f.Clock.Pending())

	f.Tell(f.childPID, "after")
	f.Advance(time.Hour)
	f.child.Expect("after", wake{4})
}

func TestRealClockGuardsItsTimers(t *testing.T) {
	failed := make(chan guard.Failure, 1)
	clock := kit.RealClock{OnPanic: func(f guard.Failure) { failed <- f }}
	before := clock.Now()
	clock.AfterFunc(time.Millisecond, func() { panic(errors.New("in a timer")) })
	require.EqualError(t, (<-failed).Reason.(error), "in a timer")
	require.GreaterOrEqual(t, clock.Now().Sub(before), time.Millisecond)
	require.True(t, clock.AfterFunc(time.Hour, func() {}).Stop())
}

// TestTheSlimRegistryKnowsAll compares ours with the library's own.
func TestTheSlimRegistryKnowsAll(t *testing.T) {
	known := func(s *actor.ActorSystem) map[string]bool {
		ids := map[string]bool{}
		for _, m := range s.ProcessRegistry.LocalPIDs.LocalPIDs {
			m.IterCb(func(id string, _ any) { ids[id] = true })
		}
		return ids
	}
	sys, library := kit.NewSystem(nil), actor.NewActorSystem()
	require.Equal(t, known(library), known(sys.ActorSystem))
	require.NotEmpty(t, known(library))
	require.Less(t, len(sys.ProcessRegistry.LocalPIDs.LocalPIDs), len(library.ProcessRegistry.LocalPIDs.LocalPIDs))
	for id := range known(library) {
		_, found := sys.ProcessRegistry.GetLocal(id)
		require.True(t, found, id)
	}
}
