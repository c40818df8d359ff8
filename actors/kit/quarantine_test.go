package kit_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/guard"
)

const (
	stuckLimit = 250 * time.Millisecond
	patience   = time.Minute // for what real goroutines do; nothing takes a thousandth of it on an idle machine
)

// hang makes a patient hang until its channel is closed. What it does after that nobody may notice.
type hang struct{ until chan struct{} }

// ward is a parent on the pump with one child, the patient, on a goroutine of its own, under a watchdog with the world's clock.
type ward struct {
	*kittest.World
	board    *kit.Board
	dog      *kit.Watchdog
	policies *kit.Policies
	grand    *kittest.Probe
	parent   *kittest.Probe
	kind     kit.Kind
	births   uint64
	pid      *actor.PID
	gaveUp   []guard.Failure

	fence kit.Fence
	kept  []string // behind the fence: what patients were told, as far as they finished it

	handled  chan string // by patients, in order
	hanging  chan *actor.PID
	woken    chan error // what became of a patient that hung
	parented bool       // the parent replaces who it is asked to
}

func newWard(t *testing.T, kind kit.Kind) *ward {
	w := &ward{
		World: kittest.New(t), policies: kit.NewPolicies(), kind: kind, parented: true,
		handled: make(chan string, 100), hanging: make(chan *actor.PID, 100), woken: make(chan error, 100),
	}
	w.board = kit.NewBoard(w.Clock)
	w.dog = kit.NewWatchdog(kit.WatchdogOptions{Board: w.board, Clock: w.Clock, Limit: func() time.Duration { return stuckLimit }, Log: w.Log})
	w.dog.Start()
	t.Cleanup(w.dog.Stop)
	w.grand, w.parent = kittest.NewProbe(t), kittest.NewProbe(t)
	w.limit(kind, kit.Limits{Max: 100, Window: time.Hour, BackoffMin: 100 * time.Millisecond, BackoffMax: 100 * time.Millisecond})
	w.parent.Do = w.nurse
	w.grand.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			spec := kit.Spec{Kind: kit.Session, New: w.parent.Actor, Dispatcher: w.Pump, Board: w.board, Strategy: kit.NewStrategy(kit.StrategyOptions{
				Policies: w.policies, Clock: w.Clock, Jitter: func() float64 { return 0 },
				OnGiveUp: func(_ *actor.PID, _ kit.Kind, why guard.Failure) { w.gaveUp = append(w.gaveUp, why) },
			})}
			_, err := ctx.SpawnNamed(spec.Props(), kit.Name(kit.Session, "parent", 1))
			require.NoError(t, err)
		}
	}
	w.Spawn(kit.Spec{Kind: kit.Call, New: w.grand.Actor, Board: w.board, Strategy: kit.NewStrategy(kit.StrategyOptions{Policies: w.policies, Clock: w.Clock})}, "grand")
	return w
}

func (w *ward) limit(k kit.Kind, l kit.Limits) { require.NoError(w.T, w.policies.Set(k, l)) }

// nurse is the parent.
func (w *ward) nurse(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		w.spawn(ctx)
	case kit.Replace:
		if w.parented && m.Who.Equal(w.pid) {
			m.By(w.spawn(ctx))
		}
	}
}

func (w *ward) spawn(ctx actor.Context) *actor.PID {
	w.births++
	gate := w.fence.Gate()
	spec := kit.Spec{Kind: w.kind, Board: w.board, Label: "the patient", New: func() actor.Actor { return w.patient(gate) }}
	pid, err := ctx.SpawnNamed(spec.Props(), kit.Name(w.kind, "patient", w.births))
	require.NoError(w.T, err)
	w.pid = pid
	return pid
}

// patient keeps what it is told in a copy of its own, and puts that behind the fence after each message, as the actors of the product do.
func (w *ward) patient(gate *kit.Gate) actor.Actor {
	var mine []string
	pass := gate.Enter(func() { mine = append(mine, w.kept...) })
	return actor.ReceiveFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			mine = append(mine, m)
			pass.Do(func() { w.kept = append([]string(nil), mine...) })
			w.handled <- m
		case hang:
			hangHere(func() { w.hanging <- ctx.Self() }, m.until)
			for range 100 {
				mine = append(mine, "by a ghost")
			}
			if pass.Try(func() { w.kept = append([]string(nil), mine...) }) {
				w.woken <- nil
				return
			}
			defer func() {
				err, _ := recover().(error)
				w.woken <- err
				panic(err)
			}()
			ctx.Send(ctx.Parent(), "from a ghost")
		}
	})
}

// hangHere says that it hangs from within, so that whoever heard it finds this function in the stack.
//
//go:noinline
func hangHere(say func(), until chan struct{}) {
	say()
	<-until
}

// expectHandled waits for messages that a patient handled on its own goroutine, and until the patient is at rest. Virtual time must not move on while a message
// is being handled, or else a machine that has no time for the goroutine makes a patient of it that hangs.
func (w *ward) expectHandled(want ...string) {
	w.T.Helper()
	for _, text := range want {
		require.Equal(w.T, text, <-w.handled)
	}
	w.rest()
}

// rest waits until the present patient has nothing to do.
func (w *ward) rest() {
	w.T.Helper()
	require.Eventually(w.T, func() bool { return resting(w.info(w.pid.Id)) }, patience, time.Millisecond)
}

// resting says whether an actor is at rest: no message waits, and its goroutine is done with the last one.
func resting(a kit.Info) bool { return a.State == kit.Idle && a.Message == "" }

// held waits until the present patient is held up over a string.
func (w *ward) held() {
	w.T.Helper()
	require.Eventually(w.T, func() bool {
		a := w.info(w.pid.Id)
		return a.Message == "string" && !a.RunningSince.IsZero()
	}, patience, time.Millisecond)
}

// hang makes the present patient hang and gives the way to let it go.
func (w *ward) hang() (release func()) {
	until := make(chan struct{})
	w.System.Root.Send(w.pid, hang{until})
	<-w.hanging
	return func() { close(until) }
}

func (w *ward) info(id string) kit.Info {
	_, actors, _ := w.board.Snapshot()
	for _, a := range actors {
		if a.ID == id {
			return a
		}
	}
	w.T.Fatalf("%s is not on the board", id)
	return kit.Info{}
}

// quarantined makes the patient hang for so long that it is quarantined.
func (w *ward) quarantined() (release func()) {
	release = w.hang()
	w.Advance(stuckLimit + 25*time.Millisecond)
	return release
}

func TestStuckActorIsReportedOnceWithItsStack(t *testing.T) {
	w := newWard(t, kit.Roster)
	release := w.hang()
	w.Advance(50 * time.Millisecond)
	_, _, incidents := w.board.Snapshot()
	require.Empty(t, incidents, "it may have begun just now")
	version := w.board.Version()

	w.Advance(25 * time.Millisecond)
	got := w.info(w.pid.Id)
	require.Equal(t, kit.IsStuck, got.State)
	require.Equal(t, 75*time.Millisecond, got.Running)
	require.Equal(t, "kit_test.hang", got.Message)
	require.NotNil(t, got.Report)
	require.Contains(t, strings.Join(kit.Frames(got.Report.Stack), "\n"), "kit_test.hangHere (quarantine_test.go:")
	require.Greater(t, w.board.Version(), version)
	w.Advance(150 * time.Millisecond)
	_, _, incidents = w.board.Snapshot()
	require.Len(t, incidents, 1, "once per occurrence")
	require.Equal(t, kit.Reported, incidents[0].What)
	require.Equal(t, "kit_test.hang", incidents[0].During)

	release()
	require.NoError(t, <-w.woken, "it came back in time, so nobody minds")
	w.Tell(w.pid, "next")
	w.expectHandled("next")
	w.Advance(25 * time.Millisecond)
	require.Nil(t, w.info(w.pid.Id).Report)
	w.Advance(time.Second)
	require.EqualValues(t, 1, w.births)
	require.EqualValues(t, 1, w.board.Totals()[kit.Roster].Stuck)
	require.Zero(t, w.board.Totals()[kit.Roster].Quarantined)
}

func TestStuckActorIsReplacedAndNothingIsLost(t *testing.T) {
	w := newWard(t, kit.Roster)
	w.Tell(w.pid, "one")
	w.expectHandled("one")
	first := w.pid
	release := w.hang()
	w.Tell(first, "queued")
	w.Advance(stuckLimit)
	require.EqualValues(t, 1, w.births, "not yet")
	w.Advance(25 * time.Millisecond)
	w.parent.ExpectLife("Started")
	w.Tell(first, "sent during the back-off")
	w.Advance(100 * time.Millisecond)
	require.EqualValues(t, 2, w.births)
	require.NotEqual(t, first.Id, w.pid.Id)
	w.expectHandled("queued", "sent during the back-off")
	w.Tell(first, "sent to the old address")
	w.expectHandled("sent to the old address")

	totals := w.board.Totals()[kit.Roster]
	require.Equal(t, 1, totals.Alive)
	require.Equal(t, 1, totals.Haunting)
	require.EqualValues(t, 1, totals.Quarantined)
	release()
	require.ErrorContains(t, <-w.woken, "replaced")
	w.Tell(w.pid, "last")
	w.expectHandled("last")
	w.fence.Look(func() {
		require.Equal(t, []string{"one", "queued", "sent during the back-off", "sent to the old address", "last"}, w.kept)
	})
	require.Eventually(t, func() bool { return w.board.Totals()[kit.Roster].Haunting == 0 }, patience, time.Millisecond)
	for _, m := range w.parent.Messages() {
		require.IsType(t, kit.Replace{}, m, "the ghost's message has reached nobody")
	}
	require.Zero(t, w.System.DeadLetters())
	require.Zero(t, w.board.Totals()[kit.Roster].Failures, "what a ghost dies of is nobody's failure")

	w.Stop(w.parent.PID())
	require.Eventually(t, func() bool { return !w.Alive(w.pid) && !w.Alive(first) }, patience, time.Millisecond, "the old address ends with the replacement")
}

func TestActorThatHangsAgainAndAgainIsFoundAtItsFirstAddress(t *testing.T) {
	w := newWard(t, kit.Door)
	first := w.pid
	for range 5 {
		defer w.quarantined()()
		w.Advance(100 * time.Millisecond)
		w.Tell(first, "hello")
		w.expectHandled("hello")
	}
	require.EqualValues(t, 6, w.births)
}

func TestQuarantineCountsAsAFailure(t *testing.T) {
	t.Run("over the limit the child ends", func(t *testing.T) {
		w := newWard(t, kit.Roster)
		w.limit(kit.Roster, kit.Limits{Max: 1, Window: time.Hour})
		first := w.pid
		defer w.quarantined()()
		require.EqualValues(t, 2, w.births)
		w.parent.ExpectLife("Started")
		defer w.quarantined()()
		w.parent.ExpectLife("Terminated")
		require.Len(t, w.gaveUp, 1)
		require.ErrorContains(t, w.gaveUp[0], "one message has taken 250ms")
		require.False(t, w.Alive(first))
		require.False(t, w.Alive(w.pid))
	})
	t.Run("or its parent restarts, if that is what the table says", func(t *testing.T) {
		w := newWard(t, kit.Track) // no watchdog looks after tracks: the shard does, by Revoke
		w.limit(kit.Track, kit.Limits{Max: 0, Window: time.Hour})
		release := w.hang()
		w.Advance(time.Second)
		require.EqualValues(t, 1, w.births)
		require.Equal(t, 1, revoke(w, w.pid))
		w.parent.ExpectLife("Started")
		w.Advance(time.Second)
		w.parent.ExpectLife("Restarting", "Started")
		require.EqualValues(t, 2, w.births)
		release()
		require.ErrorContains(t, <-w.woken, "replaced")
	})
}

// revoke quarantines an actor by its mailbox, as a shard does, and says how often that took.
func revoke(w *ward, pid *actor.PID) (n int) {
	box := w.board.Mailbox(pid.Id)
	for range 3 {
		if box.Revoke() {
			n++
		}
	}
	return n
}

func TestQuarantineTakesEverythingBelow(t *testing.T) {
	w := kittest.New(t)
	board := kit.NewBoard(w.Clock)
	var told []string
	var pids []*actor.PID
	hanging, release := make(chan struct{}), make(chan struct{})
	var spec func(depth int) kit.Spec
	spec = func(depth int) kit.Spec {
		return kit.Spec{Kind: kit.Other, Board: board, OnRevoke: func() { told = append(told, strings.Repeat("x", depth)) }, New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case *actor.Started:
					pids = append(pids, ctx.Self())
					if depth < 3 {
						_, err := ctx.SpawnNamed(spec(depth+1).Props(), kit.Name(kit.Other, "d", uint64(len(pids))))
						require.NoError(t, err)
						return
					}
					close(hanging)
				case string:
					<-release
				}
			})
		}}
	}
	parent := kittest.NewProbe(t)
	parent.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			_, err := ctx.SpawnNamed(spec(1).Props(), kit.Name(kit.Other, "d", 0))
			require.NoError(t, err)
		}
	}
	w.Spawn(kit.Spec{New: parent.Actor, Strategy: kit.NewStrategy(kit.StrategyOptions{Clock: w.Clock})}, "parent")
	<-hanging
	require.Eventually(t, func() bool { // all three: one that is still being born would hear of the end of the others by itself
		_, actors, _ := board.Snapshot()
		return len(actors) == 3 && !slices.ContainsFunc(actors, func(a kit.Info) bool { return !resting(a) })
	}, patience, time.Millisecond)
	version := board.Version()
	require.True(t, board.Mailbox(pids[0].Id).Revoke())
	require.Equal(t, []string{"x", "xx", "xxx"}, told)
	_, actors, _ := board.Snapshot()
	require.Empty(t, actors)
	require.Greater(t, board.Version(), version)
	require.False(t, w.Alive(pids[1]))
	require.False(t, w.Alive(pids[2]))
	close(release)
	w.Advance(time.Minute)
	require.False(t, w.Alive(pids[0]), "the parent did not replace it, so the address is given up")
}

func TestActorThatHangsOnItsWayOutHoldsNobodyUp(t *testing.T) {
	w := kittest.New(t)
	board := kit.NewBoard(w.Clock)
	dog := kit.NewWatchdog(kit.WatchdogOptions{Board: board, Clock: w.Clock, Limit: func() time.Duration { return stuckLimit }})
	dog.Start()
	defer dog.Stop()
	hanging, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	parent := kittest.NewProbe(t)
	parent.Do = func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); !ok {
			return
		}
		ctx.Spawn(kit.Spec{Kind: kit.Outbox, Board: board, New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch ctx.Message().(type) {
				case *actor.Stopping:
					close(hanging)
					<-release
					close(done)
				case *actor.Stopped:
					t.Error("an actor that was taken away hears nothing more")
				}
			})
		}}.Props())
	}
	pid := w.Spawn(kit.Spec{Kind: kit.Call, New: parent.Actor, Board: board}, "parent")
	w.System.Root.Stop(pid)
	w.Run()
	<-hanging
	parent.ExpectLife("Started", "Stopping")
	w.Advance(stuckLimit + 25*time.Millisecond)
	parent.ExpectLife("Terminated", "Stopped")
	require.False(t, w.Alive(pid))
	close(release)
	<-done
	require.Eventually(t, func() bool { return board.Totals()[kit.Outbox].Haunting == 0 }, patience, time.Millisecond)
}

func TestParentOnItsWayOutReplacesNobody(t *testing.T) {
	w := newWard(t, kit.Roster)
	first := w.pid
	defer w.quarantined()()
	w.Tell(first, "nobody will read this")
	w.Stop(w.parent.PID())
	require.EqualValues(t, 1, w.births)
	require.False(t, w.Alive(first))
	require.EqualValues(t, 1, w.System.DeadLetters())
	w.Advance(time.Second)
	require.EqualValues(t, 1, w.births)
}

func TestReplacementUnderTheOldNameIsNone(t *testing.T) {
	w := newWard(t, kit.Roster)
	w.parent.Do = func(ctx actor.Context) {
		if m, ok := ctx.Message().(kit.Replace); ok {
			m.By(m.Who)
		}
	}
	first := w.pid
	defer w.quarantined()()
	w.Tell(first, "into the void")
	w.Advance(time.Second)
	require.False(t, w.Alive(first))
	require.EqualValues(t, 1, w.System.DeadLetters())
}

func TestPausedMachineQuarantinesNobody(t *testing.T) {
	w := newWard(t, kit.Roster)
	late := &lateClock{now: w.Clock.Now()}
	dog := kit.NewWatchdog(kit.WatchdogOptions{Board: w.board, Clock: late, Limit: func() time.Duration { return stuckLimit }})
	w.dog.Stop()
	dog.Start()
	defer dog.Stop()
	release := w.hang()
	late.pass(25*time.Millisecond, 1)
	late.pass(time.Hour, 3)
	late.pass(50*time.Millisecond, 100) // never on time
	require.Zero(t, w.board.Totals()[kit.Roster].Stuck)
	late.pass(25*time.Millisecond, 9)
	require.EqualValues(t, 1, w.board.Totals()[kit.Roster].Stuck)
	require.Zero(t, w.board.Totals()[kit.Roster].Quarantined)
	late.pass(25*time.Millisecond, 1)
	require.EqualValues(t, 1, w.board.Totals()[kit.Roster].Quarantined)
	release()
}

// lateClock calls its one timer when the test says so, be it time or not.
type lateClock struct {
	now time.Time
	fn  func()
}

func (c *lateClock) Now() time.Time { return c.now }
func (c *lateClock) AfterFunc(_ time.Duration, f func()) kit.Timer {
	c.fn = f
	return (*lateTimer)(c)
}

func (c *lateClock) pass(d time.Duration, times int) {
	for range times {
		c.now = c.now.Add(d)
		c.fn()
	}
}

type lateTimer lateClock

func (c *lateTimer) Stop() bool { c.fn = func() {}; return true }

// TestGhostsRaceNobody quarantines actors while they work, on real goroutines; the race detector is the judge of the rest.
func TestGhostsRaceNobody(t *testing.T) {
	const rounds = 300
	sys, board := kit.NewSystem(nil), kit.NewBoard(nil)
	policies := kit.NewPolicies()
	require.NoError(t, policies.Set(kit.Roster, kit.Limits{Max: 1 << 30, Window: time.Hour}))
	var fence kit.Fence
	kept := map[int]int{} // what was handled, by message
	current := make(chan *actor.PID, 1)
	child := func(gate *kit.Gate) actor.Actor {
		mine := map[int]int{}
		pass := gate.Enter(func() {
			for k, n := range kept {
				mine[k] = n
			}
		})
		return actor.ReceiveFunc(func(ctx actor.Context) {
			n, ok := ctx.Message().(int)
			if !ok {
				return
			}
			mine[n]++
			for range n % 50 {
				runtime.Gosched()
			}
			mine[n+rounds]++
			pass.Do(func() {
				kept = make(map[int]int, len(mine))
				for k, n := range mine {
					kept[k] = n
				}
			})
		})
	}
	gen := uint64(0)
	spawn := func(ctx actor.Context) *actor.PID {
		gen++
		gate := fence.Gate()
		pid, err := ctx.SpawnNamed(kit.Spec{Kind: kit.Roster, Board: board, New: func() actor.Actor { return child(gate) }}.Props(), kit.Name(kit.Roster, "r", gen))
		require.NoError(t, err)
		return pid
	}
	parent := sys.Root.Spawn(kit.Spec{Kind: kit.Call, Board: board, Strategy: kit.NewStrategy(kit.StrategyOptions{Policies: policies}), New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				current <- spawn(ctx)
			case kit.Replace:
				pid := spawn(ctx)
				m.By(pid)
				current <- pid
			}
		})
	}}.Props())
	pid := <-current
	for n := range rounds {
		sys.Root.Send(pid, n)
		if n%3 == 0 {
			box := board.Mailbox(pid.Id)
			require.NotNil(t, box)
			require.True(t, box.Revoke())
			pid = <-current
		}
	}
	require.NoError(t, sys.StopTree(t.Context(), pid))
	require.NoError(t, sys.StopTree(t.Context(), parent))
	// Who waits for an actor hears of its end a moment before it leaves the board, and the ghosts come back when they like.
	require.Eventually(t, func() bool {
		left := board.Totals()[kit.Roster]
		return left.Alive == 0 && left.Haunting == 0
	}, patience, time.Millisecond)
	fence.Look(func() {
		for n := range rounds {
			require.LessOrEqual(t, kept[n], 1)
			require.Equal(t, kept[n], kept[n+rounds], "half a message was kept")
		}
		require.Greater(t, len(kept), rounds) // most were handled: only the one under way at a quarantine may be lost
	})
	totals := board.Totals()[kit.Roster]
	require.EqualValues(t, rounds/3, totals.Quarantined)
	require.Zero(t, totals.Failures)
}
