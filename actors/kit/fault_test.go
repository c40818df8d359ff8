package kit_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
)

func TestFaultStrikesByTypeAndCount(t *testing.T) {
	f, board := boarded(t, kit.Session)
	inject := func(fault kit.Fault) { require.NoError(t, board.Inject(f.childPID.Id, fault)) }

	inject(kit.Fault{Reason: "two strings", On: "string", Count: 2})
	f.Tell(f.childPID, 1)
	f.Tell(f.childPID, "first")
	f.Tell(f.childPID, "second")
	f.Tell(f.childPID, "third")
	f.child.Expect(1, "third")
	f.child.ExpectLife("Restarting", "Started", "Restarting", "Started")
	require.Equal(t, "two strings", f.box.Stats().Last.Reason.(kit.Fault).Reason)

	inject(kit.Fault{Do: kit.Drop, Count: 2})
	for n := range 4 {
		f.Tell(f.childPID, n)
	}
	f.child.Expect(2, 3)
	f.child.ExpectLife()

	inject(kit.Fault{On: "*actor.Restarting"}) // on its way out nothing can fail, not even on purpose
	f.system(&actor.Restart{})
	f.Run()
	f.child.ExpectLife("Started")

	inject(kit.Fault{})
	inject(kit.Fault{Do: kit.None})
	f.Tell(f.childPID, "well")
	f.child.Expect("well")
	require.EqualValues(t, 2, f.box.Stats().Failed)
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	f, board := boarded(t, kit.Session)
	require.ErrorContains(t, board.Inject(f.childPID.Id, kit.Fault{Do: "explode"}), "no fault")
	require.ErrorContains(t, board.Inject(f.childPID.Id, kit.Fault{Count: -1}), "negative")
	require.ErrorContains(t, board.Inject(f.childPID.Id, kit.Fault{For: -1}), "negative")
	require.ErrorContains(t, board.Inject(f.childPID.Id, kit.Fault{Do: kit.Slow}), "duration")
	require.ErrorContains(t, board.Inject("nobody", kit.Fault{}), "no actor")
}

func TestSlowAndStalledActors(t *testing.T) {
	w := newWard(t, kit.Outbox)
	require.NoError(t, w.board.Inject(w.pid.Id, kit.Fault{Do: kit.Slow, For: 40 * time.Millisecond}))
	for _, text := range []string{"one", "two"} {
		w.Tell(w.pid, text)
		require.Eventually(t, func() bool { return w.Clock.Pending() == 2 }, patience, time.Millisecond) // the watchdog's timer and this one
		w.Clock.Advance(40 * time.Millisecond)
		w.expectHandled(text)
	}
	require.NoError(t, w.board.Inject(w.pid.Id, kit.Fault{Do: kit.Stall, On: "string"}))
	w.Tell(w.pid, "three")
	w.held()
	w.Advance(100 * time.Millisecond)
	require.Equal(t, kit.IsStuck, w.info(w.pid.Id).State)
	require.NoError(t, w.board.Inject(w.pid.Id, kit.Fault{Do: kit.None}))
	w.expectHandled("three")

	first := w.pid
	require.NoError(t, w.board.Inject(first.Id, kit.Fault{Do: kit.Stall}))
	w.Tell(first, "lost")
	w.held()
	w.Advance(stuckLimit + 25*time.Millisecond)
	w.Advance(100 * time.Millisecond)
	w.rest()
	require.EqualValues(t, 2, w.births)
	w.Tell(w.pid, "four")
	w.expectHandled("four")
	w.board.ReleaseAll() // the ghost too
	require.Eventually(t, func() bool { return w.board.Totals()[kit.Outbox].Haunting == 0 }, patience, time.Millisecond)
	require.Empty(t, w.handled, "the message that was held up reached nobody when it was let go")
}

func TestPacketFaultsLoseOnlyTheirPackets(t *testing.T) {
	f, p := stream(t, 16)
	board := f.board
	require.NoError(t, board.Inject(f.childPID.Id, kit.Fault{Reason: "poison", On: kit.Packet, Count: 2}))
	offer(f.box, 1, 5)
	f.box.Run()
	f.Run()
	require.Equal(t, indices(3, 5), p.handled)
	f.child.ExpectLife("Restarting", "Started", "Restarting", "Started")
	require.Equal(t, kit.LaneStats{HighWater: 5, Posted: 5, Processed: 5}, f.box.Stats().Media)

	require.NoError(t, board.Inject(f.childPID.Id, kit.Fault{Do: kit.Drop, On: kit.Packet, Count: 3}))
	f.Tell(f.childPID, "control is not struck")
	offer(f.box, 6, 10)
	f.box.Run()
	require.Equal(t, append(indices(3, 5), "control is not struck", uint64(9), uint64(10)), p.handled)
}
