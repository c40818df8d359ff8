package bounded

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMapForgetsWhatWasNotUsedForLongest(t *testing.T) {
	made := 0
	m := New[string](2, func() int { made++; return made })
	assert.Equal(t, 1, m.Get("a"))
	assert.Equal(t, 2, m.Get("b"))
	assert.Equal(t, 1, m.Get("a"))
	assert.Equal(t, 3, m.Get("c"), "b goes")
	assert.Equal(t, 1, m.Get("a"))
	assert.Equal(t, 4, m.Get("b"), "c goes")
	assert.Equal(t, 2, m.Len())
	m.Delete("b")
	m.Delete("b")
	assert.Equal(t, 1, m.Len())
	assert.Equal(t, 5, m.Get("b"))
}
