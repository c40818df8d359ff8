package kit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
)

// A mailbox is a media.Lane; the kit must not import media to say so.
var _ interface {
	Offer(index uint64)
	Run()
} = (*kit.Mailbox)(nil)

// packets takes the packets of a Media message and notes them, together with control messages, in the order in which they are handled.
type packets struct {
	handled []any
	on      func(ctx actor.Context, index uint64) // may panic
}

func (p *packets) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *kit.Media:
		for i, ok := m.Next(); ok; i, ok = m.Next() {
			p.handled = append(p.handled, i)
			if p.on != nil {
				p.on(ctx, i)
			}
		}
	case string:
		p.handled = append(p.handled, m)
	case crash:
		panic("as told")
	}
}

// stream is a family whose child takes packets.
func stream(t testing.TB, capacity int) (*family, *packets) {
	p := &packets{}
	f := newFamily(t, kit.Track, func(f *family) {
		f.media = capacity
		f.child.Do = p.receive
	})
	return f, p
}

func indices(from, to uint64) (list []any) {
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}

func offer(box *kit.Mailbox, from, to uint64) {
	for i := from; i <= to; i++ {
		box.Offer(i)
	}
}

func TestPacketsAreRunByWhoOffersThem(t *testing.T) {
	f, p := stream(t, 8)
	offer(f.box, 1, 3)
	f.Run()
	require.Empty(t, p.handled, "Offer schedules nothing")
	f.box.Run()
	require.Equal(t, indices(1, 3), p.handled)
}

func TestControlGoesBeforePackets(t *testing.T) {
	f, p := stream(t, 8)
	p.on = func(ctx actor.Context, index uint64) {
		if index == 2 {
			ctx.Send(ctx.Self(), "urgent")
		}
	}
	offer(f.box, 1, 4)
	f.box.Run()
	require.Equal(t, []any{uint64(1), uint64(2), "urgent", uint64(3), uint64(4)}, p.handled)
}

func TestFullLaneDropsItsOldest(t *testing.T) {
	f, p := stream(t, 5) // not a power of two
	for round := range uint64(3) {
		offer(f.box, 10*round+1, 10*round+8)
		f.box.Run()
		require.Equal(t, indices(10*round+4, 10*round+8), p.handled)
		p.handled = nil
	}
	require.Equal(t, kit.LaneStats{HighWater: 5, Posted: 24, Processed: 15, Dropped: 9}, f.box.Stats().Media)
}

func TestLaneWithoutCapacityDropsEverything(t *testing.T) {
	f, p := stream(t, 0)
	offer(f.box, 1, 3)
	f.box.Run()
	require.Empty(t, p.handled)
	require.Equal(t, kit.LaneStats{Posted: 3, Dropped: 3}, f.box.Stats().Media)
}

func TestPoisonPacketLosesOnlyItself(t *testing.T) {
	f, p := stream(t, 8)
	f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
	p.on = func(_ actor.Context, index uint64) {
		if index == 3 {
			panic("poison")
		}
	}
	offer(f.box, 1, 4)
	f.box.Run()
	f.Run()
	require.Equal(t, indices(1, 3), p.handled)
	offer(f.box, 5, 6) // the source does not know
	f.box.Run()
	require.Equal(t, indices(1, 3), p.handled, "nothing is handled during the back-off")

	f.Advance(time.Second)
	f.child.ExpectLife("Restarting", "Started")
	require.Equal(t, indices(1, 6), p.handled)
	s := f.box.Stats()
	require.Equal(t, kit.LaneStats{HighWater: 4, Posted: 6, Processed: 6}, s.Media)
	require.EqualValues(t, 1, s.Failed)
	require.Equal(t, "poison", s.Last.Reason)
	require.Contains(t, s.Last.Name, "kit.Media")
	require.Contains(t, string(s.Last.Stack), "TestPoisonPacketLosesOnlyItself")
	require.Equal(t, f.Clock.Now().Add(-time.Second), s.LastAt)
}

func TestBackoffDropsOnlyTheOldestPackets(t *testing.T) {
	f, p := stream(t, 4)
	f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
	f.Tell(f.childPID, crash{})
	offer(f.box, 1, 10)
	f.System.Root.Send(f.childPID, "kept")
	f.Advance(time.Second)
	require.Equal(t, append([]any{"kept"}, indices(7, 10)...), p.handled)
}

func TestActorThatTakesNoPacketsLosesThem(t *testing.T) {
	f := newFamily(t, kit.Track, func(f *family) { f.media = 8 })
	offer(f.box, 1, 3)
	f.box.Run() // and comes back
	require.Equal(t, kit.LaneStats{HighWater: 3, Posted: 3, Dropped: 3}, f.box.Stats().Media)
}

func TestActorMayTakeOnePacketAtATime(t *testing.T) {
	var got []any
	f := newFamily(t, kit.Track, func(f *family) {
		f.media = 8
		f.child.Do = func(ctx actor.Context) {
			if m, ok := ctx.Message().(*kit.Media); ok {
				i, _ := m.Next()
				got = append(got, i)
			}
		}
	})
	offer(f.box, 1, 3)
	f.box.Run()
	require.Equal(t, indices(1, 3), got)
}

func TestMediaIsWorthNothingAfterItsReceive(t *testing.T) {
	var kept *kit.Media
	f := newFamily(t, kit.Track, func(f *family) {
		f.media = 8
		f.child.Do = func(ctx actor.Context) {
			if m, ok := ctx.Message().(*kit.Media); ok {
				kept = m
				m.Next()
			}
		}
	})
	offer(f.box, 1, 1)
	f.box.Run()
	offer(f.box, 2, 2)
	_, ok := kept.Next()
	require.False(t, ok)
	require.Equal(t, 1, f.box.Stats().Media.Depth)
}

func TestBusyMailboxLetsOthersRun(t *testing.T) {
	w := kittest.New(t)
	var order []string
	note := func(name string) kit.Spec {
		return kit.Spec{New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(int); ok {
					order = append(order, name)
				}
			})
		}}
	}
	a, b := w.Spawn(note("a"), "a"), w.Spawn(note("b"), "b")
	for i := range 1000 {
		w.System.Root.Send(a, i)
	}
	w.System.Root.Send(b, 1)
	w.Run()
	require.Len(t, order, 1001)
	require.Equal(t, "b", order[w.Pump.Throughput()])
}

func TestPacketsLetOthersRunToo(t *testing.T) {
	f, p := stream(t, 1000)
	offer(f.box, 1, 1000)
	f.box.Run()
	require.Len(t, p.handled, f.Pump.Throughput())
	f.Run()
	require.Equal(t, indices(1, 1000), p.handled)
}

func TestMailboxTakesMessagesBeforeItsActorIsThere(t *testing.T) {
	w := kittest.New(t)
	var got []string
	box := kit.NewMailbox(kit.MailboxOptions{MediaCapacity: 4})
	box.PostUserMessage("early") // as a sender does who knows the name, between its registration and RegisterHandlers
	box.Offer(7)
	box.Run()
	spec := kit.Spec{Kind: kit.Track, Mailbox: box, New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *kit.Media:
				i, _ := m.Next()
				got = append(got, fmt.Sprint("packet ", i))
			default:
				got = append(got, fmt.Sprintf("%T", m))
			}
		})
	}}
	w.Spawn(spec, "t")
	require.Equal(t, []string{"*actor.Started", "string", "packet 7"}, got)
}

func TestMailboxCannotServeTwoActors(t *testing.T) {
	w := kittest.New(t)
	props := kit.Spec{Kind: kit.Track, Mailbox: kit.NewMailbox(kit.MailboxOptions{}), New: kittest.NewProbe(t).Actor, Dispatcher: w.Pump}.Props()
	w.System.Root.Spawn(props)
	require.PanicsWithValue(t, "kit: a track was spawned twice with the same mailbox", func() { w.System.Root.Spawn(props) })
}

type batch []any

func (b batch) GetMessages() []any { return b }

func TestBatchIsTakenApart(t *testing.T) {
	w := kittest.New(t)
	p := w.Probe(kit.Other, "p")
	w.Tell(p.PID(), batch{"one", batch{"two", "three"}})
	w.Tell(p.PID(), &actor.MessageEnvelope{Message: batch{"four"}})
	p.Expect("one", "two", "three", "four")
}

func TestPoisonComesLast(t *testing.T) {
	f, p := stream(t, 8)
	offer(f.box, 1, 2)
	f.System.Root.Poison(f.childPID)
	f.System.Root.Send(f.childPID, "after the poison")
	require.Equal(t, 4, f.box.UserMessageCount())
	f.Run()
	require.Equal(t, append([]any{"after the poison"}, indices(1, 2)...), p.handled)
	f.child.ExpectLife("Stopping", "Stopped")
	require.Zero(t, f.System.DeadLetters())
}

func TestPoisonOutlastsTheBackoff(t *testing.T) {
	f, p := stream(t, 8)
	f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
	f.Tell(f.childPID, crash{})
	f.System.Root.Poison(f.childPID)
	f.Tell(f.childPID, "kept")
	f.child.ExpectLife()
	f.Advance(time.Second)
	require.Equal(t, []any{"kept"}, p.handled)
	f.child.ExpectLife("Restarting", "Started", "Stopping", "Stopped")
}

func TestWhatIsLeftGoesToTheDeadLetters(t *testing.T) {
	f, p := stream(t, 8)
	f.limit(kit.Track, kit.Limits{Max: 5, Window: time.Minute, BackoffMin: time.Second, BackoffMax: time.Second})
	asker := f.Probe(kit.Other, "asker")
	f.Tell(f.childPID, crash{})
	f.Ask(asker, f.childPID, "question")
	f.Tell(f.childPID, "remark")
	offer(f.box, 1, 3)
	asker.Expect()

	f.Stop(f.childPID)
	require.Empty(t, p.handled)
	asker.Expect(&actor.DeadLetterResponse{})
	require.EqualValues(t, 2, f.System.DeadLetters())
	s := f.box.Stats()
	require.True(t, s.Closed)
	require.Equal(t, kit.LaneStats{HighWater: 2, Posted: 3, Processed: 1, Dropped: 2}, s.Control)
	require.Equal(t, kit.LaneStats{HighWater: 3, Posted: 3, Dropped: 3}, s.Media)

	// Whoever still holds the mailbox itself, as a shard does and a send that raced the stop, cannot wake it.
	f.box.PostUserMessage(&actor.MessageEnvelope{Message: "late question", Sender: asker.PID()})
	f.box.Offer(9)
	f.box.Run()
	f.Run()
	asker.Expect(&actor.DeadLetterResponse{})
	require.Empty(t, p.handled)
	require.EqualValues(t, 4, f.box.Stats().Media.Dropped)
}

func TestWatcherOfAStoppedActorIsToldAtOnce(t *testing.T) {
	f := newFamily(t, kit.Track)
	watcher := f.Probe(kit.Other, "watcher")
	process, _ := f.System.ProcessRegistry.Get(f.childPID)
	f.Stop(f.childPID)
	process.SendSystemMessage(f.childPID, &actor.Watch{Watcher: watcher.PID()}) // raced the stop
	f.Run()
	watcher.ExpectLife("Started", "Terminated")
}

func TestRestartBehindAStopRaisesNobody(t *testing.T) {
	both := func(f *family, pid *actor.PID) {
		process, _ := f.System.ProcessRegistry.Get(pid)
		process.SendSystemMessage(pid, &actor.Stop{})
		process.SendSystemMessage(pid, &actor.Restart{})
		f.Run()
	}
	t.Run("actor has stopped", func(t *testing.T) {
		f := newFamily(t, kit.Track)
		both(f, f.childPID)
		f.child.ExpectLife("Stopping", "Stopped")
	})
	t.Run("actor waits for its children to stop", func(t *testing.T) {
		f := newFamily(t, kit.Track)
		both(f, f.parent.PID())
		f.parent.ExpectLife("Stopping", "Terminated", "Stopped")
		f.child.ExpectLife("Stopping", "Stopped")
	})
}

func TestPanicsOnTheWayOutLoseNoStop(t *testing.T) {
	panicIn := func(names ...string) *family {
		return newFamily(t, kit.Track, func(f *family) {
			f.child.Do = func(ctx actor.Context) {
				for _, n := range names {
					if fmt.Sprintf("%T", ctx.Message()) == "*actor."+n {
						panic("in " + n)
					}
				}
			}
		})
	}
	for _, names := range [][]string{{"Stopping"}, {"Stopped"}, {"Stopping", "Stopped"}} {
		t.Run(fmt.Sprint("stop with a panic in ", names), func(t *testing.T) {
			f := panicIn(names...)
			f.Stop(f.parent.PID())
			f.child.ExpectLife("Stopping", "Stopped")
			f.parent.ExpectLife("Stopping", "Terminated", "Stopped")
		})
	}
	t.Run("restart with a panic in Restarting", func(t *testing.T) {
		f := panicIn("Restarting")
		f.system(&actor.Restart{})
		f.Run()
		f.child.ExpectLife("Restarting", "Started")
	})
	t.Run("parent panics when it hears of its child's end while it stops", func(t *testing.T) {
		f := newFamily(t, kit.Track, func(f *family) {
			born := f.parent.Do
			f.parent.Do = func(ctx actor.Context) {
				born(ctx)
				if _, ok := ctx.Message().(*actor.Terminated); ok {
					panic("in Terminated")
				}
			}
		})
		f.Stop(f.parent.PID())
		f.parent.ExpectLife("Stopping", "Terminated", "Stopped")
		f.grand.ExpectLife("Started", "Terminated")
	})
}

func TestFaultIsAFailureOfAnyActor(t *testing.T) {
	f := newFamily(t, kit.Track)
	f.Tell(f.childPID, kit.Fault{Reason: "test"})
	f.child.ExpectLife("Restarting", "Started")
	f.child.Expect()
	require.Equal(t, kit.Fault{Reason: "test"}, f.box.Stats().Last.Reason)
}

func TestRunningSinceShowsAStuckReceive(t *testing.T) {
	var during time.Time
	f := newFamily(t, kit.Track, func(f *family) {
		f.child.Do = func(ctx actor.Context) {
			if _, ok := ctx.Message().(string); ok {
				during = f.box.RunningSince()
			}
		}
	})
	require.True(t, f.box.RunningSince().IsZero())
	f.Tell(f.childPID, "look")
	require.True(t, during.Equal(f.Clock.Now()))
	require.True(t, f.box.Stats().RunningSince.IsZero())
}

func TestNames(t *testing.T) {
	require.Equal(t, "track:voice-0#3", kit.Name(kit.Track, "voice-0", 3))
	require.Equal(t, kit.Other, kit.KindOf(nil))
	require.Equal(t, kit.Other, kit.KindOf(actor.NewPID("nonhost", "future$1")))
	require.Equal(t, kit.Other, kit.KindOf(actor.NewPID("nonhost", "a/stranger:1#1")))
	for _, k := range append(allKinds, kit.Root) {
		for _, id := range []string{"abc", "", "a/track:x#1", "a:b", "#", "../..", "\x00\n"} {
			pid := actor.NewPID("nonhost", "root:#1/"+kit.Name(k, id, 1))
			require.Equal(t, k, kit.KindOf(pid), id)
		}
	}
	require.NotEqual(t, kit.Name(kit.Call, "a#1", 1), kit.Name(kit.Call, "a", 11))
	require.Equal(t, "other", kit.Kind(99).String())
}
