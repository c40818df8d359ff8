package track

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestVoiceDetector(t *testing.T) {
	now := time.Unix(0, 0)
	var d detector
	feed := func(n int, level func(i int) int8) (changes int) {
		for i := range n {
			now = now.Add(20 * time.Millisecond)
			if d.add(level(i), now) {
				changes++
			}
		}
		return changes
	}
	silence := func(int) int8 { return 127 }
	hum := func(i int) int8 { return int8(60 + i%3) }
	speech := func(i int) int8 { return []int8{20, 25, 60, 22, 80, 30, 24, 55}[i%8] }

	assert.Zero(t, feed(200, silence), "silence is no voice")
	assert.Equal(t, 1, feed(60, hum), "the step from silence to a hum is one movement of the level")
	assert.True(t, d.on)
	assert.Equal(t, 1, feed(200, hum), "a steady hum is no voice, and ends the mark after its shortest time")
	assert.False(t, d.on)
	assert.Equal(t, 1, feed(100, speech), "speech moves the level")
	assert.True(t, d.on)
	assert.True(t, d.reset(), "a mute ends it")
	assert.False(t, d.on)
	assert.False(t, d.reset())
}
