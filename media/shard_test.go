package media

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"calls/guard"
)

// laneFunc is a lane made of a function.
type laneFunc func()

func (f laneFunc) Offer(uint64) {}
func (f laneFunc) Run()         { f() }

func (f laneFunc) Hangs(time.Duration, []byte)   {}
func (f laneFunc) Quarantine(guard.Failure) bool { return true }

func TestScheduleRunsInOrderAndLosesNoWake(t *testing.T) {
	ts := newTestServer(t)
	const n = 20000
	var next atomic.Int64
	done := make(chan struct{})
	for i := range int64(n) {
		ts.shards[0].Schedule(func() {
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
	case <-time.After(time.Minute):
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
	ts.shards[0].Schedule(func() { panic("scheduled") })
	const n = 100
	for i := range n {
		must(t, trackC.WriteRTP(opus(i)))
		must(t, trackA.WriteRTP(opus(i)))
		bob.keepsUp(slot, i)
	}
	until(t, func() string { return unless(len(bob.from(slot)) == n, "%d of %d came", len(bob.from(slot)), n) })
	until(t, func() string {
		got := 0
		ts.onLoop(func() { got = ran })
		return unless(got > 0 && len(ts.recovered()) == got+1, "%d panics in the lane, %d reported", got, len(ts.recovered()))
	})
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
				tb := &ts.shards[0].table
				links = len(tb.links) + len(tb.byUfrag.of) + len(tb.byRoute.of) + len(tb.bySSRC.of)
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
	ts.shards[0].Schedule(func() { close(done) })
	select {
	case <-done:
	case <-time.After(time.Minute):
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
	if s := ts.shards[0].Stats(); s.ReadBuffer == 0 || s.WriteBuffer == 0 {
		t.Errorf("granted buffers are not reported: %+v", s)
	}
}
