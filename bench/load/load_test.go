package load

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWorkloadRates(t *testing.T) {
	for name, rate := range map[string]int{
		"a1x50": 2500, "a10x10": 4500, "a20x20": 19000, "s1x50": 6000, "mix100": 22000, "mix200": 34000, "3x7": 3 * 50 * 9, "5x5": 5 * 50 * 4,
		"all30": 30 * 50 * 29, "s1x7": 120 * 7, "mix50": 220 * 50, "a10x10*4": 4 * 4500, "all2*1000": 100 * 1000,
	} {
		w, err := ParseWorkload(name)
		require.NoError(t, err)
		assert.Equal(t, rate, w.Rate(), name)
	}
}

func TestWorkloadsThatMakeNoSense(t *testing.T) {
	for _, name := range []string{"", "mix", "mix0", "mix1", "mix2000", "all301", "s1x-3", "s1x1e3", "x", "2001x2", "mix 5", "a10x10*0", "a10x10*", "all2*1001", "*2"} {
		_, err := ParseWorkload(name)
		assert.Error(t, err, name)
	}
}

func TestSocketCountsMediaAndKeepsItFromPion(t *testing.T) {
	h, err := NewHub()
	require.NoError(t, err)
	defer h.Close()
	loopback := [4]byte{127, 0, 0, 1}
	for _, sampled := range []bool{false, true} {
		from, err := h.Open(netip.AddrFrom4(loopback), Use{})
		require.NoError(t, err)
		to, err := h.Open(netip.AddrFrom4(loopback), Use{Sampled: sampled})
		require.NoError(t, err)
		rtp := make([]byte, 40)
		rtp[0], rtp[3], rtp[11] = 0x80, 7, 9
		padded := append([]byte{0xa0}, rtp[1:]...)
		rtcp := append([]byte{0x80, 200}, rtp[2:]...)
		stun := make([]byte, 20)
		for _, b := range [][]byte{rtp, padded, rtcp, stun} {
			_, err := from.send(b, to.addr)
			require.NoError(t, err)
		}
		var got [][]byte
		want := [][]byte{rtcp, stun}
		if sampled {
			want = [][]byte{rtp, padded, rtcp, stun}
		}
		buf := make([]byte, 100)
		for range want {
			n, at, err := to.ReadFrom(buf)
			require.NoError(t, err)
			assert.Equal(t, from.LocalAddr(), at)
			got = append(got, append([]byte(nil), buf[:n]...))
		}
		assert.Equal(t, want, got)
		assert.EqualValues(t, 2, to.packets.Load())
		assert.EqualValues(t, 1, to.padded.Load())
		assert.Equal(t, sampled, !to.Arrival(9, 7).IsZero(), "the kernel's time of arrival is kept for samples")
		assert.True(t, to.Arrival(9, 7).IsZero(), "and told once")
		require.NoError(t, to.Close())
		_, _, err = to.ReadFrom(buf)
		require.Error(t, err)
		_, err = to.send(rtp, from.addr)
		require.Error(t, err)
		require.NoError(t, from.Close())
	}
}
