package kit_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
)

// storm is what the actor of TestCountersAreExactUnderPanics has seen. Only one instance runs at a time, so it needs no lock.
type storm struct {
	control  []int
	packets  int
	panics   uint64
	goexits  uint64
	restarts int
}

func (s *storm) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Restarting:
		s.restarts++
	case int:
		s.control = append(s.control, m)
		s.stumble(len(s.control))
	case *kit.Media:
		for _, ok := m.Next(); ok; _, ok = m.Next() {
			s.packets++
			s.stumble(s.packets)
		}
	}
}

func (s *storm) stumble(n int) {
	switch {
	case n%997 == 0:
		s.panics++
		panic("storm")
	case n%1499 == 0:
		s.goexits++
		runtime.Goexit()
	}
}

// TestCountersAreExactUnderPanics has four producers post to an actor that fails all the time, on real goroutines. One packet producer posts as fast as it can,
// so that packets are dropped; the others let the actor keep up, so that packets are handled in between the control messages.
func TestCountersAreExactUnderPanics(t *testing.T) {
	const each = 20_000
	sys := kit.NewSystem(nil)
	policies := kit.NewPolicies()
	require.NoError(t, policies.Set(kit.Session, kit.Limits{Max: 1_000_000, Window: time.Hour}))
	seen := &storm{}
	box := kit.NewMailbox(kit.MailboxOptions{MediaCapacity: 64})
	born := make(chan *actor.PID, 1)
	parent := sys.Root.Spawn(kit.Spec{
		Kind:     kit.Call,
		Strategy: kit.NewStrategy(kit.StrategyOptions{Policies: policies}),
		New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Started); ok {
					spec := kit.Spec{Kind: kit.Session, Mailbox: box, New: func() actor.Actor { return actor.ReceiveFunc(seen.receive) }}
					pid, err := ctx.SpawnNamed(spec.Props(), kit.Name(kit.Session, "storm", 1))
					if err == nil {
						born <- pid
					}
				}
			})
		},
	}.Props())
	child := <-born

	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() {
			for i := range each {
				if p == 0 {
					sys.Root.Send(child, i)
					keepUp(func() bool { return box.Stats().Control.Depth < 8 })
					continue
				}
				if p > 1 {
					keepUp(func() bool { return box.Stats().Media.Depth < 32 })
				}
				box.Offer(uint64(i))
				if i%16 == 0 {
					// A goroutine of its own, because a Goexit in Receive ends the one it runs on.
					done := make(chan struct{})
					go func() {
						defer close(done)
						box.Run()
					}()
					<-done
				}
			}
		})
	}
	producers.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, sys.StopTree(ctx, child)) // comes last, so everything has been handled
	require.NoError(t, sys.StopTree(ctx, parent))

	s := box.Stats()
	require.Len(t, seen.control, each)
	for i, n := range seen.control {
		require.Equal(t, i, n, "control messages in order")
	}
	require.EqualValues(t, each, s.Control.Posted)
	require.EqualValues(t, each, s.Control.Processed)
	require.Zero(t, s.Control.Dropped)
	require.EqualValues(t, 3*each, s.Media.Posted)
	require.EqualValues(t, seen.packets, s.Media.Processed)
	require.Equal(t, s.Media.Posted, s.Media.Processed+s.Media.Dropped)
	require.LessOrEqual(t, s.Media.HighWater, 64)
	require.Zero(t, s.Control.Depth+s.Media.Depth+s.System.Depth)
	require.Equal(t, seen.panics+seen.goexits, s.Failed)
	require.EqualValues(t, s.Failed, seen.restarts)
	require.Positive(t, seen.panics)
	require.Positive(t, seen.goexits)
	require.Greater(t, s.Media.Processed, uint64(1000))
	require.Positive(t, s.Media.Dropped)
	t.Logf("%d packets handled, %d dropped, %d panics, %d goexits", s.Media.Processed, s.Media.Dropped, seen.panics, seen.goexits)
}

// keepUp lets others run until ok, or until that has been tried often enough: nobody else may be there to run the packets.
func keepUp(ok func() bool) {
	for range 100 {
		if ok() {
			return
		}
		runtime.Gosched()
	}
}

func TestPacketCostsNoAllocation(t *testing.T) {
	box := spawnCounter(t, new(int))
	index := uint64(0)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		box.Offer(index)
		box.Run()
		index++
	}))
}

// BenchmarkPacket is a packet's way through mailbox, guard and actor, as a shard has it: one packet at a time, and in batches.
func BenchmarkPacket(b *testing.B) {
	for _, size := range []int{1, 16} {
		b.Run(map[int]string{1: "single", 16: "batch of 16"}[size], func(b *testing.B) {
			handled := 0
			box := spawnCounter(b, &handled)
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				box.Offer(uint64(i))
				if i%size == size-1 {
					box.Run()
				}
			}
			box.Run()
			if handled != b.N {
				b.Fatalf("%d of %d packets handled", handled, b.N)
			}
		})
	}
}

// spawnCounter starts an actor that counts its packets, outside any family so that nothing but the kit is measured.
func spawnCounter(tb testing.TB, handled *int) *kit.Mailbox {
	sys := kit.NewSystem(nil)
	box := kit.NewMailbox(kit.MailboxOptions{MediaCapacity: 64})
	spec := kit.Spec{Kind: kit.Track, Mailbox: box, Dispatcher: actor.NewSynchronizedDispatcher(300), New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if m, ok := ctx.Message().(*kit.Media); ok {
				for _, ok := m.Next(); ok; _, ok = m.Next() {
					*handled++
				}
			}
		})
	}}
	pid := sys.Root.Spawn(spec.Props())
	tb.Cleanup(func() { sys.Root.Stop(pid) })
	return box
}
