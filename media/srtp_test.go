package media

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v2"
)

var profiles = map[profile]srtp.ProtectionProfile{
	profileGCM: srtp.ProtectionProfileAeadAes128Gcm,
	profileCM:  srtp.ProtectionProfileAes128CmHmacSha1_80,
}

// pair makes our context and pion's with the same keys.
func pair(t testing.TB, p profile) (*srtpContext, *srtp.Context) {
	key, salt := make([]byte, srtpKeySize), make([]byte, p.saltSize())
	_, _ = rand.Read(key)
	_, _ = rand.Read(salt)
	ours, err := newSRTPContext(p, key, salt)
	must(t, err)
	theirs, err := srtp.CreateContext(key, salt, profiles[p])
	must(t, err)
	return ours, theirs
}

func plainRTP(seq uint16, size int) []byte {
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: seq, Timestamp: 12345, SSRC: 0xcafe1234}, Payload: make([]byte, size)}
	_, _ = rand.Read(p.Payload)
	b, _ := p.Marshal()
	return b
}

func TestSRTPAgreesWithPion(t *testing.T) {
	for p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			ours, theirs := pair(t, p)
			var w window
			for i, size := range []int{0, 1, 15, 16, 17, 100, 1200} {
				seq := uint16(65533 + i) // over the rollover
				plain := plainRTP(seq, size)
				index, _ := w.extend(seq)
				w.take(index)
				sealed := ours.sealRTP(append(make([]byte, 0, len(plain)+maxTagSize), plain...), rtpHeaderSize, 0xcafe1234, index)
				got, err := theirs.DecryptRTP(nil, sealed, nil)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("pion opens our packet %d: %v", i, err)
				}
			}
			ours, theirs = pair(t, p)
			w = window{}
			for i := range 8 {
				plain := plainRTP(uint16(65533+i), 50*i)
				sealed, err := theirs.EncryptRTP(nil, plain, nil)
				must(t, err)
				index, _ := w.extend(uint16(65533 + i))
				w.take(index)
				broken := append([]byte{}, sealed...)
				broken[len(broken)-1]++
				if _, ok := ours.openRTP(broken, rtpHeaderSize, 0xcafe1234, index); ok {
					t.Fatal("a forged packet opened")
				}
				if got, ok := ours.openRTP(sealed, rtpHeaderSize, 0xcafe1234, index); !ok || !bytes.Equal(got, plain) {
					t.Fatalf("we open pion's packet %d: %v", i, ok)
				}
			}
		})
	}
}

func TestSRTCPAgreesWithPion(t *testing.T) {
	plain, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2}, &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7}}},
	})
	must(t, err)
	for p := range profiles {
		t.Run(p.String(), func(t *testing.T) {
			ours, theirs := pair(t, p)
			for i := uint32(1); i < 4; i++ {
				sealed := ours.sealRTCP(append(make([]byte, 0, 200), plain...), i)
				got, err := theirs.DecryptRTCP(nil, sealed, nil)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("pion opens our packet: %v", err)
				}
			}
			ours, theirs = pair(t, p)
			for range 3 {
				sealed, err := theirs.EncryptRTCP(nil, plain, nil)
				must(t, err)
				index, ok := ours.rtcpIndex(sealed)
				if !ok {
					t.Fatal("no index")
				}
				broken := append([]byte{}, sealed...)
				broken[10]++
				if _, ok := ours.openRTCP(broken, index); ok {
					t.Fatal("a forged packet opened")
				}
				if got, ok := ours.openRTCP(sealed, index); !ok || !bytes.Equal(got, plain) {
					t.Fatal("we do not open pion's packet")
				}
			}
			for n := range 20 {
				if index, ok := ours.rtcpIndex(make([]byte, n)); ok {
					t.Fatalf("index %d in %d zero bytes", index, n)
				}
			}
		})
	}
}

func TestSRTPAllocatesNothing(t *testing.T) {
	for p := range profiles {
		ours, theirs := pair(t, p)
		buf, at := make([]byte, 0, 2000), uint64(100)
		if n := testing.AllocsPerRun(100, func() {
			at++
			ours.sealRTP(append(buf, make([]byte, 112)...), rtpHeaderSize, 1, at)
		}); n != 0 {
			t.Errorf("%v: sealing allocates %v times", p, n)
		}
		sealed, err := theirs.EncryptRTP(nil, plainRTP(1, 100), nil)
		must(t, err)
		if n := testing.AllocsPerRun(100, func() {
			if _, ok := ours.openRTP(append(buf, sealed...), rtpHeaderSize, 0xcafe1234, 1); !ok {
				t.Fatal("does not open")
			}
		}); n != 0 {
			t.Errorf("%v: opening allocates %v times", p, n)
		}
	}
}

func TestWindow(t *testing.T) {
	var w window
	for _, step := range []struct {
		index uint64
		fresh bool
	}{{100, true}, {100, false}, {101, true}, {99, true}, {99, false}, {2000, true}, {101, false}, {977, true}, {977, false}, {976, false}, {5000, true}, {3977, true}} {
		if got := w.take(step.index); got != step.fresh {
			t.Errorf("%d fresh: %v", step.index, got)
		}
	}
	// Every index of a row with gaps and repetitions is fresh once exactly.
	w = window{}
	seen := map[uint64]bool{}
	for i := range uint64(20000) {
		index := 50000 + i - (i*7919)%300
		if got := w.take(index); got == seen[index] {
			t.Fatalf("%d fresh: %v, seen before: %v", index, got, seen[index])
		}
		seen[index] = true
	}
}

func TestWindowExtends(t *testing.T) {
	for _, c := range []struct {
		top  uint64
		seq  uint16
		want uint64
		ok   bool
	}{
		{0, 5, 5, true}, {65535, 0, 65536, true}, {65536, 65535, 65535, true}, {10, 65000, 0, false},
		{1<<16 | 100, 32000, 1<<16 | 32000, true}, {3<<16 | 65000, 10, 4<<16 | 10, true}, {4<<16 | 10, 65000, 3<<16 | 65000, true},
	} {
		w := window{top: c.top, some: true}
		if got, ok := w.extend(c.seq); got != c.want && c.ok || ok != c.ok {
			t.Errorf("%d after %d: %d, %v", c.seq, c.top, got, ok)
		}
	}
}
