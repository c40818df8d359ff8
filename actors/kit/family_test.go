package kit_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/guard"
)

// crash makes a child of a family panic.
type crash struct{}

// verdict is one call of OnGiveUp.
type verdict struct {
	kind   kit.Kind
	reason any
}

// family is a parent with one child on a world's pump. The parent is spawned below a grandparent, so that there is somebody to escalate to.
type family struct {
	*kittest.World
	board    *kit.Board // parent and child stand on it
	policies *kit.Policies
	strategy *kit.Strategy // the parent's
	grand    *kittest.Probe
	parent   *kittest.Probe
	child    *kittest.Probe
	box      *kit.Mailbox // the child's, of the latest incarnation of the parent
	childPID *actor.PID
	gaveUp   []verdict
	restarts []time.Duration

	childKind kit.Kind
	media     int
	births    int
	onGiveUp  func()
}

// newFamily starts a family whose parent is a session and whose child is of the given kind, with limits that never get in a test's way.
func newFamily(t testing.TB, child kit.Kind, adjust ...func(*family)) *family {
	f := &family{World: kittest.New(t), policies: kit.NewPolicies(), childKind: child}
	f.board = kit.NewBoard(f.Clock)
	f.grand, f.parent, f.child = kittest.NewProbe(t), kittest.NewProbe(t), kittest.NewProbe(t)
	f.limit(kit.Session, kit.Limits{Max: 100, Window: time.Hour})
	f.limit(child, kit.Limits{Max: 100, Window: time.Hour})
	f.parent.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			f.spawnChild(ctx)
		}
	}
	f.child.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(crash); ok {
			panic("as told")
		}
	}
	f.grand.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			spec := kit.Spec{Kind: kit.Session, New: f.parent.Actor, Strategy: f.strategy, Dispatcher: f.Pump, Board: f.board}
			_, err := ctx.SpawnNamed(spec.Props(), kit.Name(kit.Session, "parent", 1))
			require.NoError(t, err)
		}
	}
	for _, a := range adjust {
		a(f)
	}
	f.strategy = f.newStrategy()
	f.Spawn(kit.Spec{Kind: kit.Call, New: f.grand.Actor, Strategy: kit.NewStrategy(kit.StrategyOptions{Policies: f.policies, Clock: f.Clock})}, "grand")
	f.parent.ExpectLife("Started")
	f.child.ExpectLife("Started")
	return f
}

func (f *family) newStrategy() *kit.Strategy {
	return kit.NewStrategy(kit.StrategyOptions{
		Policies: f.policies, Clock: f.Clock, Log: f.Log, Jitter: func() float64 { return 0 },
		OnGiveUp: func(_ *actor.PID, kind kit.Kind, why guard.Failure) {
			f.gaveUp = append(f.gaveUp, verdict{kind, why.Reason})
			if f.onGiveUp != nil {
				f.onGiveUp()
			}
		},
		OnRestart: func(_ *actor.PID, _ kit.Kind, _ guard.Failure, wait time.Duration) {
			f.restarts = append(f.restarts, wait)
		},
	})
}

func (f *family) spawnChild(ctx actor.Context) {
	f.births++
	f.box = kit.NewMailbox(kit.MailboxOptions{MediaCapacity: f.media, Clock: f.Clock})
	spec := kit.Spec{Kind: f.childKind, New: f.child.Actor, Mailbox: f.box, Dispatcher: f.Pump, Board: f.board, Label: "a child"}
	pid, err := ctx.SpawnNamed(spec.Props(), kit.Name(f.childKind, "child", uint64(f.births)))
	require.NoError(f.T, err)
	f.childPID = pid
}

func (f *family) limit(k kit.Kind, l kit.Limits) {
	require.NoError(f.T, f.policies.Set(k, l))
}

// system sends the child a message of the actor system, as protoactor would.
func (f *family) system(message any) {
	process, _ := f.System.ProcessRegistry.Get(f.childPID)
	process.SendSystemMessage(f.childPID, message)
}
