package media

// windowSize is how far behind the newest index one may still be new. A second of video with a bad retransmission delay fits in.
const windowSize = 1024

// window remembers which of the latest indices were seen. It serves as replay protection for what comes in and, for what goes out, as the proof
// that no sequence number is given twice. The zero value has seen nothing.
type window struct {
	top  uint64 // the newest index
	some bool   // whether there is one
	bits [windowSize / 64]uint64
}

// fresh says whether the index is neither seen nor too old to tell.
func (w *window) fresh(i uint64) bool {
	if !w.some || i > w.top {
		return true
	}
	return w.top-i < windowSize && w.bits[i/64%(windowSize/64)]&(1<<(i%64)) == 0
}

// take marks the index and says whether it was fresh.
func (w *window) take(i uint64) bool {
	if !w.fresh(i) {
		return false
	}
	if !w.some {
		w.top, w.some = i, true
	}
	if i > w.top {
		w.advance(i)
	}
	w.bits[i/64%(windowSize/64)] |= 1 << (i % 64)
	return true
}

// advance makes i the newest and forgets what falls out at the other end.
func (w *window) advance(i uint64) {
	if i-w.top >= windowSize {
		w.bits = [windowSize / 64]uint64{}
	} else {
		for j := w.top + 1; j <= i; j++ {
			w.bits[j/64%(windowSize/64)] &^= 1 << (j % 64)
		}
	}
	w.top = i
}

// extend guesses the whole index of a 16-bit sequence number, as RFC 3711 appendix A does: the one nearest to the newest.
// ok is false for one that would lie before the first rollover counter.
func (w *window) extend(seq uint16) (index uint64, ok bool) {
	if !w.some {
		return uint64(seq), true
	}
	v := w.top&^0xffff | uint64(seq)
	switch {
	case v > w.top && v-w.top > 1<<15:
		if v < 1<<16 {
			return 0, false
		}
		v -= 1 << 16
	case v < w.top && w.top-v > 1<<15:
		v += 1 << 16
	}
	return v, true
}
