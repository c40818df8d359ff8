package media

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// laneFunc is a lane made of a function.
type laneFunc func()

func (f laneFunc) Offer(uint64) {}
func (f laneFunc) Run()         { f() }

func TestScheduleRunsInOrderAndLosesNoWake(t *testing.T) {
	ts := newTestServer(t)
	const n = 20000
	var next atomic.Int64
	done := make(chan struct{})
	for i := range int64(n) {
		ts.shard.Schedule(func() {
			if next.Load() != i {
				t.Errorf("function %d ran at place %d", i, next.Load())
			}
			if next.Add(1) == n {
				close(done)
			}
		})
		if i%100 == 0 { // let the loop fall asleep now and then
			until(t, func() string { return unless(next.Load() == i+1, "%d functions ran of %d", next.Load(), i+1) })
		}
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%d of %d functions ran", next.Load(), n)
	}
}

func TestPanicInOneLaneCostsNobodyElse(t *testing.T) {
	ts := newTestServer(t)
	alice, carol, bob := ts.join(t, "alice"), ts.join(t, "carol"), ts.join(t, "bob")
	trackA, srcA := alice.publish(Audio)
	trackC, srcC := carol.publish(Audio)
	slot := bob.subscribe(Audio)
	ts.forward(srcA, slot)
	ran := 0
	ts.onLoop(func() { srcC.Attach(laneFunc(func() { ran++; panic("lane") }), FromNow) })
	ts.shard.Schedule(func() { panic("scheduled") })
	const n = 100
	for i := range n {
		must(t, trackC.WriteRTP(opus(i)))
		must(t, trackA.WriteRTP(opus(i)))
		pace(i)
	}
	until(t, func() string { return unless(len(bob.from(slot)) == n, "%d of %d came", len(bob.from(slot)), n) })
	until(t, func() string {
		got := 0
		ts.onLoop(func() { got = ran })
		return unless(got > 0 && len(ts.recovered()) == got+1, "%d panics in the lane, %d reported", got, len(ts.recovered()))
	})
}

func TestRevokedLoopWritesNothing(t *testing.T) {
	ts := newTestServer(t)
	alice, carol, bob := ts.join(t, "alice"), ts.join(t, "carol"), ts.join(t, "bob")
	trackA, srcA := alice.publish(Audio)
	trackC, srcC := carol.publish(Audio)
	slotA, slotC := bob.subscribe(Audio), bob.subscribe(Audio)
	ts.forward(srcA, slotA)
	must(t, trackA.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(slotA)) == 1, "the first packet came") })

	stuck, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f := &forwarder{src: srcC, slots: []*Slot{slotC}, before: func(*Packet) {
		close(stuck)
		<-release
	}}
	ts.onLoop(func() { slotC.Bind(srcC); srcC.Attach(f, FromNow) })
	must(t, trackC.WriteRTP(opus(0)))
	<-stuck
	if err := ts.shard.revoke(); err != nil {
		t.Fatal(err)
	}
	const n = 50
	for i := 1; i < n; i++ {
		must(t, trackA.WriteRTP(opus(i)))
	}
	until(t, func() string {
		return unless(len(bob.from(slotA)) == n, "%d of %d came by the fresh loop", len(bob.from(slotA)), n)
	})
	ts.shard.Schedule(func() { close(ended) })
	close(release)
	<-ended
	until(t, func() string {
		var buf [1 << 20]byte
		return unless(strings.Count(string(buf[:runtime.Stack(buf[:], true)]), "(*loop).run(") == 1, "the revoked loop has ended")
	})
	if got := bob.from(slotC); len(got) != 0 {
		t.Errorf("%d packets of the stuck track left", len(got))
	}
	// A new track for the same stream goes on in the same slot.
	srcC, err := carol.peer.Source(srcC.Stream())
	must(t, err)
	ts.forward(srcC, slotC)
	must(t, trackC.WriteRTP(opus(1)))
	until(t, func() string { return unless(len(bob.from(slotC)) == 1, "the restarted track's packet came") })
}

func TestCloseGivesEverythingBack(t *testing.T) {
	before, files := runtime.NumGoroutine(), openFiles(t)
	t.Run("call", func(t *testing.T) {
		ts := newTestServer(t)
		alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
		track, src := alice.publish(Audio)
		slot := bob.subscribe(Audio)
		ts.forward(src, slot)
		must(t, track.WriteRTP(opus(0)))
		until(t, func() string { return unless(len(bob.from(slot)) == 1, "the packet came") })
		must(t, alice.peer.Close())
		must(t, alice.peer.Close())
		until(t, func() string {
			links := 0
			ts.onLoop(func() {
				tb := &ts.shard.table
				links = len(tb.links) + len(tb.byUfrag) + len(tb.byAddr) + len(tb.bySSRC)
			})
			return unless(links == 3, "%d table entries with bob alone in it", links) // bob himself, his ufrag, his address
		})
	})
	until(t, func() string { return unless(openFiles(t) <= files, "%d open files, %d before", openFiles(t), files) })
	until(t, func() string {
		if n := runtime.NumGoroutine(); n > before {
			var buf [1 << 20]byte
			return fmt.Sprintf("%d goroutines, %d before\n%s", n, before, buf[:runtime.Stack(buf[:], true)])
		}
		return ""
	})
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc to count open files in")
	}
	return len(entries)
}

func TestScheduleAfterCloseStillRuns(t *testing.T) {
	ts := newTestServer(t)
	must(t, ts.Server.Close())
	done := make(chan struct{})
	ts.shard.Schedule(func() { close(done) })
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a function scheduled after the end did not run")
	}
	if _, err := ts.NewPeer(PeerConfig{Name: "late"}); !errors.Is(err, ErrClosed) {
		t.Errorf("a peer of a closed server: %v", err)
	}
}

func TestListenRefusesWhatItCannotServe(t *testing.T) {
	ts := newTestServer(t)
	for name, cfg := range map[string]Config{
		"taken port":       {Listen: ts.Addr()},
		"no address":       {},
		"ring size":        {Listen: ts.Addr(), RingPackets: 100},
		"IPv6 candidate":   {Listen: ts.Addr(), Advertise: mustAddrs("::1")},
		"unspecified host": {Listen: ts.Addr(), Advertise: mustAddrs("0.0.0.0")},
	} {
		if s, err := Listen(cfg); err == nil {
			_ = s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	if s := ts.shard.Stats(); s.ReadBuffer == 0 || s.WriteBuffer == 0 {
		t.Errorf("granted buffers are not reported: %+v", s)
	}
}
