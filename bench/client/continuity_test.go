package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestContinuityCountsWhatIsMissingRepeatedAndLate(t *testing.T) {
	tests := []struct {
		name    string
		numbers []uint64
		want    Continuity
		lost    uint64
	}{
		{"nothing", nil, Continuity{}, 0},
		{"in order", []uint64{7, 8, 9}, Continuity{Received: 3, First: 7, Last: 9}, 0},
		{"gap", []uint64{7, 10}, Continuity{Received: 2, First: 7, Last: 10, Breaks: 1}, 2},
		{"repeat", []uint64{7, 8, 7, 8}, Continuity{Received: 2, First: 7, Last: 8, Repeated: 2}, 0},
		{"late", []uint64{7, 9, 8}, Continuity{Received: 3, First: 7, Last: 9, Late: 1, Breaks: 1}, 0},
		{"earlier than the first", []uint64{7, 5, 5}, Continuity{Received: 2, First: 5, Last: 7, Late: 1, Repeated: 1}, 1},
		{"too old to judge", []uint64{1, 10_000, 2}, Continuity{Received: 2, First: 1, Last: 10_000, Breaks: 1, Stale: 1}, 9_998},
		{"jump over the whole window", []uint64{1, 1 + window, 2 + window, 1 + window}, Continuity{
			Received: 3, First: 1, Last: 2 + window, Breaks: 1, Repeated: 1,
		}, window - 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Continuity
			for _, n := range tt.numbers {
				c.add(n)
			}
			assert.Equal(t, tt.lost, c.Lost())
			clear(c.seen[:])
			assert.Equal(t, tt.want, c)
		})
	}
}

func TestContinuityForgetsOnlyWhatLeavesTheWindow(t *testing.T) {
	var c Continuity
	for n := uint64(1); n <= 3*window; n++ {
		c.add(n)
	}
	c.add(3*window - window + 1) // the oldest still known
	assert.Equal(t, uint64(1), c.Repeated)
	c.add(3*window - window)
	assert.Equal(t, uint64(1), c.Stale)
	assert.Zero(t, c.Lost())
}

func TestUnwrapGoesOverTheEndOfSequenceNumbers(t *testing.T) {
	var u unwrap
	var got []uint64
	for _, seq := range []uint16{65534, 65535, 0, 65535, 1, 2} {
		got = append(got, u.extend(seq)-1<<16)
	}
	assert.Equal(t, []uint64{65534, 65535, 65536, 65535, 65537, 65538}, got)
}

func TestUnwrapNumbersPacketsFromBeforeTheFirst(t *testing.T) {
	var u unwrap
	first := u.extend(0)
	assert.Equal(t, first-1, u.extend(65535))
}
