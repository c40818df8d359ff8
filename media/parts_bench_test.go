package media

import (
	"testing"
	"time"
)

// The parts of a packet's way by themselves; sealing and the whole way with its fan-out are in rig_test.go, the mailbox in actors/kit.

// BenchmarkParse reads a header with an audio level and a mid.
func BenchmarkParse(b *testing.B) {
	packet := append([]byte{0x90, opusType, 0, 1, 0, 0, 0, 2, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x10, 0xaa, 0x20, '0'}, make([]byte, 116)...)
	b.ReportAllocs()
	for b.Loop() {
		h, ok := parseRTP(packet)
		if !ok || len(h.extension(1)) != 1 {
			b.Fatal("not read")
		}
	}
}

// BenchmarkRewrite finds a packet's place in the outgoing row of a slot, without sealing it.
func BenchmarkRewrite(b *testing.B) {
	r := newRig(b, profileGCM, Audio, 1)
	s, now := r.slots[0], time.Now()
	p := &Packet{src: r.src, index: 1 << 16}
	b.ReportAllocs()
	for b.Loop() {
		p.index++
		if _, ok := s.number(p, now); !ok {
			b.Fatal("no place")
		}
	}
}
