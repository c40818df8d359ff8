package forward

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/load"
	"calls/bench/machine"
	"calls/bench/sfu/calls"
	"calls/bench/sfu/limit"
	"calls/bench/sfu/plain"
)

// TestMain makes the test's program serve as the forwarders that it starts, as the bench's does.
func TestMain(m *testing.M) {
	if len(os.Args) != 4 || os.Args[1] != "serve" {
		os.Exit(m.Run())
	}
	addr := netip.MustParseAddr(os.Args[3])
	serve := map[string]func() error{
		"calls":     func() error { return calls.Serve(addr, 0) },
		"plain":     func() error { return plain.Serve(addr.IsLoopback()) },
		"limit":     func() error { return limit.Serve(addr, false) },
		"limit-gso": func() error { return limit.Serve(addr, true) },
	}[os.Args[2]]
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestEveryTargetOfOursForwardsAll has each of them forward voices and a screen for a second and compares what came with what was sent.
func TestEveryTargetOfOursForwardsAll(t *testing.T) {
	o, err := Parse([]string{"-reps", "1", "-seconds", "1", "-workload", "2x3", "-target", "calls,plain,limit,limit-gso"},
		Env{Addr: machine.Address(), Root: "../.."})
	require.NoError(t, err)
	o.Workloads = append(o.Workloads, load.Workload{Name: "screen", Calls: 2, People: 3, Screens: 1})
	var runs []Run
	require.NoError(t, Measure(t.Context(), o, io.Discard, func(r Run) error { runs = append(runs, r); return nil }))
	require.Len(t, runs, 8)
	for _, r := range runs {
		name := r.Target + " " + r.Workload
		again := func(Run) (Run, error) {
			w := o.Workloads[slices.IndexFunc(o.Workloads, func(w load.Workload) bool { return w.Name == r.Workload })]
			ours, err := find(r.Target)
			if err == nil {
				r, _ = o.one(t.Context(), ours, w, r.Rep+1)
			}
			return r, err
		}
		require.NoError(t, lossless(r, io.Discard, again), name)
		rate := map[string]float64{"2x3": 2 * 4 * 50, "screen": 2 * 2 * 120}[r.Workload]
		assert.LessOrEqual(t, float64(r.Expected), rate*(r.Seconds+0.5), name)
		assert.Greater(t, float64(r.Expected), rate*r.Seconds/4, "%s: on a machine that is not busy it is all of it", name)
		assert.Positive(t, r.P50, name)
		assert.Positive(t, r.RSS, name)
		assert.NotEmpty(t, r.Go, name)
		assert.Equal(t, r.Target == "calls", r.AllocsPerPacket != nil, name)
	}
}

func TestATargetThatCannotBeHadIsReported(t *testing.T) {
	o, err := Parse([]string{"-reps", "2", "-workload", "a10x10", "-target", "janus"}, Env{Addr: machine.Address(), Root: "../.."})
	require.NoError(t, err)
	t.Setenv("PATH", t.TempDir())
	var runs []Run
	require.NoError(t, Measure(t.Context(), o, io.Discard, func(r Run) error { runs = append(runs, r); return nil }))
	require.Len(t, runs, 1, "tried once")
	assert.Contains(t, runs[0].Error, "not installed")
	assert.Contains(t, Table(runs), "not measured: a10x10, janus: janus is not installed")
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"-target", "zoom"}, {"-workload", "b3x3"}, {"-workload", "0x3"}, {"-reps", "0"}, {"-seconds", "0"}, {"extra"}} {
		_, err := Parse(args, Env{})
		assert.Error(t, err, args)
	}
}

func TestRatioPairsRunsOfOneRepetition(t *testing.T) {
	run := func(target string, rep int, cost float64) Run {
		return Run{Target: target, Workload: "w", Rep: rep, CPUPerPacket: cost, Settled: true}
	}
	// The machine is three times as slow in the second repetition: medians of each would say 30/40, pairs say a half every time.
	runs := []Run{run("calls", 1, 10), run("rtcd", 1, 20), run("calls", 2, 30), run("rtcd", 2, 60), run("calls", 3, 30), {Target: "rtcd", Workload: "w", Rep: 3, Error: "died"}}
	assert.InDelta(t, 0.5, Ratio(runs, "w", "calls", "rtcd"), 1e-9)
	assert.Zero(t, Ratio(runs, "w", "calls", "janus"))
	cells := Cells(runs)
	require.Len(t, cells, 2)
	assert.Equal(t, 30.0, cells[0].CPUPerPacket)
	assert.Equal(t, 40.0, cells[1].CPUPerPacket)
	assert.Equal(t, 2, cells[1].Runs)
}

func TestLargestSizeIsFoundToATenth(t *testing.T) {
	for _, most := range []int{2, 9, 10, 11, 400} {
		for carries := range most + 1 {
			tries := 0
			got, err := largestSize(most, func(n int) (bool, error) {
				tries++
				require.LessOrEqual(t, n, most)
				require.Less(t, tries, 30)
				return n <= carries, nil
			})
			require.NoError(t, err)
			assert.LessOrEqual(t, got, carries)
			assert.LessOrEqual(t, carries-got, max(got/10, 1), "%d of %d are carried, %d found", carries, most, got)
		}
	}
	_, err := largestSize(10, func(int) (bool, error) { return false, io.ErrUnexpectedEOF })
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestLargestRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"-family", "b"}, {"-most", "1"}, {"-seconds", "0"}, {"more"}} {
		require.Error(t, Largest(t.Context(), args, Env{}, io.Discard, io.Discard), args)
	}
	require.ErrorContains(t, Largest(t.Context(), []string{"-than", "zoom", "-family", "all"}, Env{}, io.Discard, io.Discard), "zoom")
}

func TestOnlyWhatTheEngineLosesIsHeldAgainstIt(t *testing.T) {
	whole := Run{Expected: 100, Forwarded: 100}
	lost := Run{Expected: 100, Forwarded: 97}
	spilled := Run{Expected: 100, Forwarded: 97, Dropped: 3}
	broken := Run{Error: "died"}
	for name, c := range map[string]struct {
		runs []Run
		ok   bool
	}{
		"nothing lost":        {[]Run{whole}, true},
		"once":                {[]Run{lost, whole}, true},
		"twice":               {[]Run{lost, broken, whole}, true},
		"each time":           {[]Run{lost, lost, lost}, false},
		"by the kernel":       {[]Run{lost, lost, spilled}, true},
		"more than by it":     {[]Run{spilled, spilled, {Expected: 100, Forwarded: 96, Dropped: 3}}, false},
		"not measured at all": {[]Run{broken, broken, broken}, false},
	} {
		n := 1
		err := lossless(c.runs[0], io.Discard, func(Run) (Run, error) { n++; return c.runs[n-1], nil })
		assert.Equal(t, c.ok, err == nil, name)
		assert.Len(t, c.runs, n, name)
	}
}
