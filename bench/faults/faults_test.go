package faults

import (
	"io"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/bench/machine"
)

// TestCrashesCostNobodyAPacket is the measurement in twenty seconds: four for each kind of actor. Times are not judged here, they depend on what else the machine does.
func TestCrashesCostNobodyAPacket(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of ten calls")
	}
	o, err := Parse([]string{"-seconds", "4", "-calls", strconv.Itoa(testCalls)}, machine.Address(), "../..")
	require.NoError(t, err)
	lines := 0
	require.NoError(t, Measure(t.Context(), o, io.Discard, func(l Line) error {
		lines++
		t.Logf("%+v", l)
		assert.NoError(t, l.Wrong())
		assert.Greater(t, l.Failures, uint64(10), "%s", l.Kind)
		return nil
	}))
	assert.Equal(t, 5, lines)
}

func TestALineSaysWhatIsWrong(t *testing.T) {
	fine := Line{Kind: "track", Failures: 3, Asked: 3, Resumes: 3, GoroutinesBefore: 9, GoroutinesAfter: 9, HeapBefore: 100, HeapAfter: 104, Seconds: 60}
	require.NoError(t, fine.Wrong())
	for _, break1 := range []func(*Line){
		func(l *Line) { l.LostOthers = 1 }, func(l *Line) { l.LostVictims = -1 }, func(l *Line) { l.SeqBreaks = 1 }, func(l *Line) { l.Failures = 2 },
		func(l *Line) { l.GoroutinesAfter++ }, func(l *Line) { l.DescriptorsAfter++ }, func(l *Line) { l.HeapAfter = 106 }, func(l *Line) { l.Resumes = 0 },
	} {
		l := fine
		break1(&l)
		require.Error(t, l.Wrong())
	}
	busy := fine
	busy.Dropped, busy.LostOthers, busy.SeqBreaks = 1, perCall-1, perCall-1
	require.NoError(t, busy.Wrong(), "what the kernel dropped is not held against the engine")
	busy.LostOthers++
	require.Error(t, busy.Wrong())
	assert.False(t, Line{Kind: "track", GapP99: 20, ResumeP99: 21.9}.Late())
	assert.True(t, Line{Kind: "track", GapP99: 20, ResumeP99: 22.1}.Late())
}

func TestSpreadKnowsItsQuantiles(t *testing.T) {
	var s spread
	for i := range 1000 {
		s.add(time.Duration(i) * time.Millisecond / 10)
	}
	s.add(time.Hour)
	assert.InDelta(t, 50, s.quantile(0.5), 0.2)
	assert.InDelta(t, 99, s.quantile(0.99), 0.2)
	assert.Equal(t, time.Hour, s.most)
}

func TestTracksAreToldApart(t *testing.T) {
	assert.Equal(t, 0, serial("root/call:c#1/session:s#1/track:voice-0#7"))
	assert.Equal(t, 1, serial("root/call:c#1/session:s#1/track:voice-1#12"))
	b := &books{w: &world{}}
	for n := range 3 {
		b.w.people = append(b.w.people, newPerson(nil, nil, machine.Address(), n))
	}
	channel, id := b.w.people[0].Channel, string(b.w.people[0].ID)
	count := func(kind, at string) int {
		return len(b.victims(actors.Actor{Kind: kind, Channel: channel, Session: id, ID: at}))
	}
	assert.Equal(t, 3*2*2, count("call", ""))
	assert.Equal(t, (2+2)*2, count("session", ""))
	assert.Equal(t, 2, count("track", "x/track:voice-1#1"))
	assert.Zero(t, count("roster", ""))
	assert.Zero(t, len(b.victims(actors.Actor{Kind: "call", Channel: "another"})))
}

//go:noinline
func hold(n int) []byte { return make([]byte, n) }

func TestHeldByFindsWhoHoldsMemory(t *testing.T) {
	old := runtime.MemProfileRate
	runtime.MemProfileRate = sampleRate
	defer func() { runtime.MemProfileRate = old }()
	var kept [][]byte
	for range 64 {
		kept = append(kept, hold(64<<10))
	}
	runtime.GC()
	runtime.GC() // the profile shows what the last cycle but one left
	assert.InDelta(t, 64*64<<10, heldBy("calls/bench/faults.hold"), 64<<10)
	runtime.KeepAlive(kept)
	assert.Zero(t, heldBy("calls/bench/faults.nothing"))
}
