package stun

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server answers requests by what reply makes of them, but for the first few.
func server(t *testing.T, deaf int, reply func(request []byte) []byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for n := 0; ; n++ {
			got, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if n >= deaf {
				_, _ = conn.WriteTo([]byte("noise"), from)
				_, _ = conn.WriteTo(reply(buf[:got]), from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// success is an answer with attributes, each kind and value.
func success(request []byte, attributes ...any) []byte {
	b := append([]byte{1, 1, 0, 0}, request[4:20]...)
	for i := 0; i < len(attributes); i += 2 {
		value := attributes[i+1].([]byte)
		b = binary.BigEndian.AppendUint16(b, uint16(attributes[i].(int)))
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	return b
}

func address(xor uint32) []byte {
	b := []byte{0, familyIPv4, 0x12, 0x34}
	return binary.BigEndian.AppendUint32(b, 0xc0000207^xor) // 192.0.2.7
}

func TestAsk(t *testing.T) {
	for name, reply := range map[string]func([]byte) []byte{
		"xor-mapped":             func(r []byte) []byte { return success(r, xorMapped, address(cookie)) },
		"mapped, as in RFC 3489": func(r []byte) []byte { return success(r, mappedAddress, address(0)) },
		"behind another":         func(r []byte) []byte { return success(r, 0x8022, []byte("padded"), xorMapped, address(cookie)) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := Ask(ctx, server(t, 1, reply))
			require.NoError(t, err)
			assert.Equal(t, netip.MustParseAddr("192.0.2.7"), got)
		})
	}
}

func TestAServerThatDoesNotAnswerCostsNoMoreThanItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Ask(ctx, server(t, 1000, nil))
	require.Error(t, err)
	_, err = Ask(ctx, "no-such-host.invalid:3478")
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	request := make([]byte, 20)
	f.Add(success(request, 0x8022, []byte("x"), xorMapped, address(cookie)))
	f.Add(success(request, xorMapped, []byte{0, 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if addr, err := parse(b, request); err == nil && !addr.Is4() {
			t.Fatal(addr)
		}
	})
}
