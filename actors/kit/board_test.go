package kit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
)

// boarded is a family that can be looked at.
func boarded(t testing.TB, kind kit.Kind) (*family, *kit.Board) {
	f := newFamily(t, kind)
	return f, f.board
}

func ids(actors []kit.Info) (list []string) {
	for _, a := range actors {
		list = append(list, a.ID)
	}
	return list
}

func TestBoardShowsTheLivingFromTheTop(t *testing.T) {
	f, board := boarded(t, kit.Track)
	_, actors, _ := board.Snapshot()
	require.Len(t, actors, 2)
	parent, child := actors[0], actors[1]
	require.Equal(t, f.parent.PID().Id, parent.ID)
	require.Equal(t, kit.Session, parent.Kind)
	require.Equal(t, parent.ID, child.Parent)
	require.Equal(t, "child", child.Key)
	require.Equal(t, "a child", child.Label)
	require.EqualValues(t, 1, child.Generation)
	require.Equal(t, kit.Idle, child.State)
	require.Equal(t, f.Clock.Now(), child.Born)

	f.Stop(f.childPID)
	_, actors, _ = board.Snapshot()
	require.Equal(t, []string{parent.ID}, ids(actors))
	require.Nil(t, board.PID(child.ID))
	require.Equal(t, f.parent.PID(), board.PID(parent.ID))
}

func TestBoardTellsFailuresInWords(t *testing.T) {
	f, board := boarded(t, kit.Track)
	f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: 80 * time.Millisecond, BackoffMax: time.Second})
	born := f.Clock.Now()
	f.Advance(time.Second)
	f.Tell(f.childPID, crash{})
	_, actors, incidents := board.Snapshot()
	child := actors[1]
	require.Equal(t, kit.Suspended, child.State)
	require.Equal(t, 80*time.Millisecond, child.Wait)
	require.Equal(t, 1, child.Recent)
	require.Equal(t, "as told", child.Last.Reason)
	require.Contains(t, strings.Join(kit.Frames(child.Last.Stack), "\n"), "kit_test.newFamily")
	require.Equal(t, []kit.Incident{{
		At: f.Clock.Now(), ID: child.ID, Kind: kit.Track, What: kit.Failed, During: "kit_test.crash", Reason: "as told", Frames: kit.Frames(child.Last.Stack),
	}}, incidents)

	f.Advance(80 * time.Millisecond)
	_, actors, _ = board.Snapshot()
	child = actors[1]
	require.Equal(t, kit.Idle, child.State)
	require.EqualValues(t, 1, child.Restarts)
	require.Equal(t, born, child.Born)
	require.Equal(t, f.Clock.Now(), child.Began)
	f.Advance(time.Minute)
	_, actors, _ = board.Snapshot()
	require.Zero(t, actors[1].Recent)
}

func TestVersionGrowsWithEverythingButTheCounters(t *testing.T) {
	f, board := boarded(t, kit.Session)
	version := board.Version()
	grows := func(what string) {
		t.Helper()
		require.Greater(t, board.Version(), version, what)
		version = board.Version()
	}
	f.Tell(f.childPID, "hello")
	offer(f.box, 1, 2)
	require.Equal(t, version, board.Version())
	v, counters := board.Counters()
	require.Equal(t, version, v)
	require.Equal(t, f.box.Stats(), counters[1])

	f.Tell(f.childPID, crash{})
	grows("failure and restart")
	f.Stop(f.childPID)
	grows("end")
	f.system(&actor.Restart{}) // finds nobody
	f.Run()
	require.Equal(t, version, board.Version())
}

func TestTotalsOutliveTheirActors(t *testing.T) {
	f, board := boarded(t, kit.Track)
	f.Tell(f.childPID, crash{})
	before := board.Totals()[kit.Track]
	require.Equal(t, 1, before.Alive)
	require.EqualValues(t, 1, before.Failures)
	require.EqualValues(t, 1, before.Restarts)
	f.Stop(f.childPID)
	after := board.Totals()[kit.Track]
	require.Zero(t, after.Alive)
	require.Zero(t, after.Waiting)
	require.EqualValues(t, 1, after.Born)
	require.EqualValues(t, 1, after.Failures)
	require.EqualValues(t, 1, after.Restarts)
	require.GreaterOrEqual(t, after.Messages.Processed, before.Messages.Processed)
}

func TestBoardRemembersABoundedNumberOfIncidents(t *testing.T) {
	f, board := boarded(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 1000, Window: time.Hour})
	for range 250 {
		f.Tell(f.childPID, crash{})
	}
	_, _, incidents := board.Snapshot()
	require.Len(t, incidents, 100)
	require.EqualValues(t, 250, board.Totals()[kit.Session].Failures)
}

func TestFrames(t *testing.T) {
	panicked := `goroutine 7 [running]:
runtime/debug.Stack()
	/go/src/runtime/debug/stack.go:26 +0x5e
calls/actors/kit.(*Mailbox).invoke.func1()
	/src/calls/actors/kit/mailbox.go:318 +0x85
panic({0x5f1b20?, 0x6a8d10?})
	/go/src/runtime/panic.go:792 +0x132
calls/actors/track.(*track).forward(0xc000012345, {0x1, 0x2})
	/src/calls/actors/track/track.go:92 +0x1d
github.com/asynkron/protoactor-go/actor.(*actorContext).defaultReceive(0xc0000b6000)
	/mod/actor/actor_context.go:519 +0xb0
calls/actors/kit.(*Mailbox).invoke(0xc0)
	/src/calls/actors/kit/mailbox.go:330 +0x9c
`
	require.Equal(t, []string{"actors/track.(*track).forward (track.go:92)", "actors/kit.(*Mailbox).invoke (mailbox.go:330)"}, kit.Frames([]byte(panicked)))
	profile := "1 @ 0x1 0x2\n# labels: {\"actor\":\"x\"}\n#\t0x1\tsync.(*Mutex).Lock+0x8\t/go/src/sync/mutex.go:46\n#\t0x2\tcalls/actors/call.(*call).Receive+0x8c\t/src/calls/actors/call/call.go:120\n"
	require.Equal(t, []string{"actors/call.(*call).Receive (call.go:120)"}, kit.Frames([]byte(profile)))
	require.Empty(t, kit.Frames(nil))
	require.Len(t, kit.Frames([]byte(strings.Repeat("calls/x.f()\n\t/x.go:1\n", 1000))), 32)
}

func TestRestartOnDemandIsNoFailure(t *testing.T) {
	f, board := boarded(t, kit.Session)
	f.limit(kit.Session, kit.Limits{Max: 0, Window: time.Hour})
	require.NoError(t, board.Restart(f.childPID.Id))
	f.Tell(f.childPID, "after")
	f.child.ExpectLife("Restarting", "Started")
	f.child.Expect("after")
	totals := board.Totals()[kit.Session] // the parent is one too
	require.Zero(t, totals.Failures)
	require.EqualValues(t, 1, totals.Restarts)
	require.ErrorContains(t, board.Restart("nobody"), "no actor")
	root := f.Spawn(kit.Spec{Kind: kit.Root, Board: board, New: kittest.NewProbe(t).Actor}, "root")
	require.ErrorContains(t, board.Restart(root.Id), "root")
}

// BenchmarkLook is what it costs to have a thousand actors looked at.
func BenchmarkLook(b *testing.B) {
	w := kittest.New(b)
	board := kit.NewBoard(w.Clock)
	for n := range 1000 {
		w.Spawn(kit.Spec{Kind: kit.Session, Board: board, New: kittest.NewProbe(b).Actor}, fmt.Sprint(n))
	}
	b.Run("snapshot", func(b *testing.B) {
		for range b.N {
			board.Snapshot()
		}
	})
	b.Run("counters", func(b *testing.B) {
		for range b.N {
			board.Counters()
		}
	})
}
