package kit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLongTimersEndOnAGrid(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct{ now, d, want time.Duration }{
		{0, time.Second, time.Second},
		{time.Millisecond, time.Second, 999 * time.Millisecond}, // set again just after it ended: no later each time
		{5 * time.Millisecond, time.Second, 995 * time.Millisecond},
		{6 * time.Millisecond, time.Second, 1044 * time.Millisecond},
		{49 * time.Millisecond, 3 * time.Second, 3001 * time.Millisecond},
		{13 * time.Millisecond, 999 * time.Millisecond, 999 * time.Millisecond}, // what is short is exact
		{13 * time.Millisecond, 0, 0},
	} {
		assert.Equal(t, c.want, onGrid(at.Add(c.now), c.d), "%v at %v", c.d, c.now)
	}
}

func TestLooksKeepTheirDistance(t *testing.T) {
	w := NewWatchdog(WatchdogOptions{})
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for late := time.Duration(0); late < watchEvery; late += time.Millisecond {
		wait := w.wait(at.Add(late))
		require.GreaterOrEqual(t, wait, watchEvery/2)
		require.Less(t, wait, 3*watchEvery/2)
		require.Zero(t, (late+wait)%watchEvery, "a look is on the grid again after one that was %v late", late)
	}
}
