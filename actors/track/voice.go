package track

import "time"

// Voice detection from the audio-level header extension (RFC 6464), so that people speak visibly whatever client they use: phones send no voice messages.
// Speech moves the level a lot, noise and silence do not. The numbers are those that stock clients are used to (protocol 7.3).
const (
	voiceWindow = 50              // levels looked at: one second of 20 ms packets
	voiceOn     = 10              // standard deviation in dB above which somebody speaks
	voiceOff    = 4               // below which nobody does
	voiceHold   = 2 * time.Second // the shortest time that a mark stays on
)

// detector decides from a stream of levels whether somebody speaks. The zero value is ready.
type detector struct {
	levels [voiceWindow]int32
	n, at  int
	sum    int32
	square int32
	on     bool
	since  time.Time
}

// add takes the level of one packet (0 loudest … 127 silence) and says whether the verdict changed.
func (d *detector) add(level int8, now time.Time) (changed bool) {
	v := int32(level)
	if d.n == voiceWindow {
		old := d.levels[d.at]
		d.sum -= old
		d.square -= old * old
	} else {
		d.n++
	}
	d.levels[d.at] = v
	d.at = (d.at + 1) % voiceWindow
	d.sum += v
	d.square += v * v
	if d.n < voiceWindow {
		return false
	}
	return d.judge(now)
}

// judge compares variances, which saves the square root.
func (d *detector) judge(now time.Time) bool {
	variance := (d.square - d.sum*d.sum/voiceWindow) / voiceWindow
	switch {
	case !d.on && variance > voiceOn*voiceOn:
		d.on, d.since = true, now
		return true
	case d.on && variance < voiceOff*voiceOff && now.Sub(d.since) >= voiceHold:
		d.on = false
		return true
	}
	return false
}

// reset forgets everything, as at a mute, and says whether the verdict changed by it.
func (d *detector) reset() (changed bool) {
	changed = d.on
	*d = detector{}
	return changed
}
