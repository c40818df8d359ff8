package media

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// talk is somebody who talks to one listener while a lane hangs elsewhere.
type talk struct {
	ts    *testServer
	track interface {
		send(n int)
	}
	bob  *testClient
	slot *Slot
	sent int
}

// goOn sends n packets more, at the pace of speech.
func (k *talk) goOn(n int) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range n {
		<-tick.C
		k.track.send(k.sent)
		k.sent++
	}
}

type sender func(int)

func (s sender) send(n int) { s(n) }

func newTalk(t *testing.T, ts *testServer) *talk {
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	k := &talk{ts: ts, bob: bob, slot: bob.subscribe(Audio), track: sender(func(n int) { must(t, track.WriteRTP(opus(n))) })}
	ts.forward(src, k.slot)
	k.goOn(1)
	k.complete(t)
	return k
}

// complete waits until every packet has come: nobody but the victim loses any.
func (k *talk) complete(t *testing.T) {
	t.Helper()
	until(t, func() string {
		return unless(len(k.bob.from(k.slot)) == k.sent, "%d of %d came", len(k.bob.from(k.slot)), k.sent)
	})
}

// loops counts the goroutines that run a shard's loop.
func loops() int {
	var buf [1 << 20]byte
	return strings.Count(string(buf[:runtime.Stack(buf[:], true)]), "(*loop).run(")
}

// hang holds a lane up until it is released, asleep or in an endless loop.
func hang(busy bool) (wait, release func()) {
	var over atomic.Bool
	woken := make(chan struct{})
	return func() {
			if !busy {
				<-woken
			}
			for !over.Load() {
			}
		}, func() {
			over.Store(true)
			close(woken)
		}
}

func TestLaneThatHangsIsQuarantined(t *testing.T) {
	for name, busy := range map[string]bool{"stall": false, "endless loop": true} {
		t.Run(name, func(t *testing.T) {
			ts := newTestServer(t)
			k := newTalk(t, ts)
			carol := ts.join(t, "carol")
			trackC, srcC := carol.publish(Audio)
			slotC := k.bob.subscribe(Audio)
			wait, release := hang(busy)
			lane := &forwarder{src: srcC, slots: []*Slot{slotC}, before: func(*Packet) { wait() }}
			ts.onLoop(func() { slotC.Bind(srcC); srcC.Attach(lane, FromNow) })
			must(t, trackC.WriteRTP(opus(0)))
			k.goOn(100) // half a second
			until(t, func() string { return unless(lane.quarantined(), "the lane was quarantined") })
			k.complete(t)
			if s := *lane.stack.Load(); lane.reports.Load() != 1 || !strings.Contains(s, "media.(*forwarder).Run") || !strings.Contains(s, "watchdog_test.go") {
				t.Errorf("%d reports, the stack:\n%s", lane.reports.Load(), s)
			}
			if got := ts.shards[0].Stats().Quarantines; got != 1 {
				t.Errorf("%d quarantines", got)
			}
			// A new lane takes up where the old one was. The packet that hung comes behind what the new lane sends, if ever: its place is nobody's.
			fresh := ts.forward(srcC, slotC)
			release()
			must(t, trackC.WriteRTP(opus(1)))
			until(t, func() string { return unless(len(k.bob.from(slotC)) == 1, "the packet of the new lane came") })
			until(t, func() string { return unless(loops() == 1, "the revoked loop has ended") })
			k.goOn(20)
			k.complete(t)
			seen := 0
			ts.onLoop(func() { seen = len(fresh.seen) })
			if got := k.bob.from(slotC); len(got) != 1 || seen != 1 {
				t.Errorf("%d packets of the quarantined track left", len(got))
			}
			if p := ts.recovered(); len(p) > 0 {
				t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
			}
		})
	}
}

func TestMessageThatHangsIsQuarantined(t *testing.T) {
	ts := newTestServer(t)
	k := newTalk(t, ts)
	wait, release := hang(false)
	lane := &forwarder{}
	order := make(chan int, 3)
	ts.shards[0].For(lane).Schedule(func() { order <- 0; wait() })
	ts.shards[0].For(lane).Schedule(func() { order <- 1 })
	k.goOn(100)
	until(t, func() string { return unless(lane.quarantined(), "the lane was quarantined") })
	k.complete(t)
	ts.shards[0].Schedule(func() { order <- 2 })
	for want := range 3 {
		if got := <-order; got != want {
			t.Errorf("function %d ran at place %d", got, want)
		}
	}
	release()
	until(t, func() string { return unless(loops() == 1, "the revoked loop has ended") })
}

func TestLaneThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	ts := newTestServer(t)
	wait, release := hang(false)
	defer release()
	lane, stuck := &forwarder{}, make(chan struct{})
	ts.shards[0].For(lane).Schedule(func() { close(stuck); wait() })
	<-stuck
	must(t, ts.Server.Close())
	if !lane.quarantined() {
		t.Error("the lane was not quarantined")
	}
}

func TestGoroutineThatExitsIsReplaced(t *testing.T) {
	ts := newTestServer(t)
	k := newTalk(t, ts)
	ts.shards[0].Schedule(runtime.Goexit)
	k.goOn(20)
	k.complete(t)
	until(t, func() string { return unless(loops() == 1, "%d loops", loops()) })
}

// TestWatchdogJudgesOnlyWhatItSaw has the watchdog itself come late.
func TestWatchdogJudgesOnlyWhatItSaw(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	r.sh.cfg.Stuck = func() time.Duration { return 100 * time.Millisecond }
	lane := &forwarder{}
	r.sh.loops.Add(1) // as if it had been launched
	r.l.at.Store(&laneRef{lane})
	now := time.Now()
	dog := watchdog{sh: r.sh, last: now}
	look := func(after time.Duration) {
		now = now.Add(after)
		dog.look(now)
	}
	r.l.shift(laneRuns)
	for range 20 {
		look(10 * watchInterval) // a machine that is hardly awake
	}
	look(watchInterval)
	if lane.reports.Load() != 0 || lane.quarantined() {
		t.Fatal("late looks were counted")
	}
	look(watchInterval)
	if lane.reports.Load() != 1 || lane.quarantined() {
		t.Fatalf("%d reports after 50 ms", lane.reports.Load())
	}
	r.l.shift(own) // it comes back
	r.l.shift(laneRuns)
	for range 4 {
		look(watchInterval)
	}
	if lane.reports.Load() != 2 || lane.quarantined() || r.sh.current.Load() != r.l {
		t.Fatalf("%d reports of two messages that took 75 ms", lane.reports.Load())
	}
	look(watchInterval)
	if !lane.quarantined() || r.l.shift(own) {
		t.Fatal("not quarantined at the limit")
	}
	next := r.sh.current.Load()
	if next == r.l || next.epoch != r.l.epoch+1 {
		t.Fatal("no fresh loop")
	}
	must(t, r.sh.close())
}

// TestLoopThatHangsInThisPackage is given up late, and what it has in its hands with it.
func TestLoopThatHangsInThisPackage(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	r.sh.loops.Add(1) // as if it had been launched
	r.sh.cfg.Stuck = func() time.Duration { return 100 * time.Millisecond }
	now := time.Now()
	dog := watchdog{sh: r.sh, last: now}
	r.feed(make([]byte, 50), opusType)
	for range lastResort / watchInterval {
		now = now.Add(watchInterval)
		dog.look(now)
	}
	if r.sh.current.Load() != r.l {
		t.Fatal("given up too early")
	}
	dog.look(now.Add(watchInterval))
	next := r.sh.current.Load()
	if next == r.l || next.in == r.l.in || next.out == r.l.out || r.l.shift(laneRuns) {
		t.Fatal("the loop was not given up, or what it holds is used again")
	}
	must(t, r.sh.close())
}
