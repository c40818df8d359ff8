package client

import (
	"math/bits"
	"time"
)

// subBuckets divide every power of two, so that a quantile is off by at most a sixteenth.
const subBuckets = 16

// Histogram counts durations from a microsecond to an hour in a fixed space. The zero value is ready to use.
type Histogram struct {
	counts [29 * subBuckets]uint64
	total  uint64
}

// Add counts one duration; what is below a microsecond, clocks that step back included, counts as none.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// Since is what was added after h was as earlier.
func (h *Histogram) Since(earlier *Histogram) Histogram {
	d := Histogram{total: h.total - earlier.total}
	for i := range h.counts {
		d.counts[i] = h.counts[i] - earlier.counts[i]
	}
	return d
}

// Count is how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile is a duration that the share q of all durations, 0 to 1, does not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	for i, n := range h.counts {
		if n > rank || n == rank && n > 0 {
			return time.Duration(upper(i)) * time.Microsecond
		}
		rank -= n
	}
	return 0
}

func bucket(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 0))
	if us < subBuckets {
		return int(us)
	}
	shift := bits.Len64(us) - bits.Len64(subBuckets)
	return min((shift+1)*subBuckets+int(us>>shift)-subBuckets, len(Histogram{}.counts)-1)
}

// upper is the highest number of microseconds that falls into bucket i.
func upper(i int) uint64 {
	if i < subBuckets {
		return uint64(i)
	}
	shift := i/subBuckets - 1
	return uint64(i%subBuckets+subBuckets+1)<<shift - 1
}
