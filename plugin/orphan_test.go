package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPluginWhoseHostHasDiedNoticesIt(t *testing.T) {
	parents, looks := []int{42, 42, 42, 42, 1}, make(chan time.Time, 10)
	for range cap(looks) {
		looks <- time.Time{}
	}
	asked := 0
	awaitOrphaned(func() int { asked++; return parents[asked-1] }, looks)
	assert.Equal(t, len(parents), asked, "it went on for as long as the host lived")
}

func TestPortsOfAFormerLifeAreWaitedFor(t *testing.T) {
	taken := func(n int) func() error {
		return func() error {
			if n--; n >= 0 {
				return fmt.Errorf("listen: %w", syscall.EADDRINUSE)
			}
			return nil
		}
	}
	pauses := 0
	pause := func() { pauses++ }
	require.NoError(t, whenFree(pause, taken(3)))
	assert.Equal(t, 3, pauses)
	require.ErrorIs(t, whenFree(pause, taken(portsTries)), syscall.EADDRINUSE, "not for ever")
	pauses = 0
	require.ErrorIs(t, whenFree(pause, func() error { return os.ErrPermission }), os.ErrPermission)
	assert.Zero(t, pauses, "nothing else is waited for")
}
