package machine

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDropsAreThoseOfFullSockets fills a socket that nobody reads.
func TestDropsAreThoseOfFullSockets(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/udp"); err != nil {
		assert.Zero(t, DroppedHere(), "a system that does not say")
		return
	}
	full, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	require.NoError(t, full.SetReadBuffer(2048))
	from, err := net.DialUDP("udp4", nil, full.LocalAddr().(*net.UDPAddr))
	require.NoError(t, err)
	before := DroppedHere()
	for range 200 {
		_, err = from.Write(make([]byte, 500))
		require.NoError(t, err)
	}
	assert.Greater(t, DroppedHere(), before+100)
	assert.Equal(t, DroppedHere(), DroppedHere(uint16(full.LocalAddr().(*net.UDPAddr).Port)), "a socket of ours is not counted twice")
	require.NoError(t, full.Close())
	require.NoError(t, from.Close())
	assert.Zero(t, DroppedHere(1), "nobody is there")
}
