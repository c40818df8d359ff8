package soak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/machine"
)

// TestNothingIsLeftBehind is the soak in a few seconds. Heap is not judged here: its caches grow to their size in minutes.
func TestNothingIsLeftBehind(t *testing.T) {
	o, err := Parse([]string{"-rounds", "2", "-length", "4s", "-every", "40ms", "-people", "5"}, machine.Address())
	require.NoError(t, err)
	samples, err := Run(t.Context(), o, func(_ int, s Sample) { t.Logf("%+v", s) })
	require.NoError(t, err)
	require.Len(t, samples, 2)
	first, last := samples[0], samples[1]
	first.Heap, last.Heap = 0, 0
	assert.NoError(t, Grown(first, last))
	assert.Positive(t, first.Done["join"])
}

func TestWhatGrowsIsNamed(t *testing.T) {
	before := Sample{Goroutines: 10, Descriptors: 10, Actors: 3, Heap: 4 << 20}
	require.NoError(t, Grown(before, before))
	require.NoError(t, Grown(before, Sample{Goroutines: 9, Descriptors: 8, Actors: 3, Heap: 4<<20 + 500<<10}))
	require.ErrorContains(t, Grown(before, Sample{Goroutines: 11, Descriptors: 10, Actors: 3}), "11 goroutines, began with 10")
	require.ErrorContains(t, Grown(before, Sample{Goroutines: 10, Descriptors: 11, Actors: 3}), "descriptors")
	require.ErrorContains(t, Grown(before, Sample{Goroutines: 10, Descriptors: 10, Actors: 4}), "actors")
	require.ErrorContains(t, Grown(before, Sample{Heap: 5 << 20}), "heap")
	assert.Equal(t, Sample{Goroutines: 3, Descriptors: 2, Actors: 1, Heap: 4}, Least([]Sample{{3, 9, 1, 9, nil}, {4, 2, 2, 8, nil}, {5, 3, 3, 4, nil}}))
}

func TestParseRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "1"}, {"-length", "0s"}, {"-every", "0s"}, {"-calls", "0"}, {"-people", "1"}, {"extra"}} {
		_, err := Parse(args, machine.Address())
		assert.Error(t, err, args)
	}
	o, err := Parse(nil, machine.Address())
	require.NoError(t, err)
	assert.Equal(t, time.Minute, o.Length)
}
