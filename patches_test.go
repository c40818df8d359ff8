package calls_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/dtls/v2/pkg/crypto/ciphersuite"
	"github.com/pion/dtls/v2/pkg/protocol"
	"github.com/pion/dtls/v2/pkg/protocol/recordlayer"
	"github.com/pion/stun"
	"github.com/stretchr/testify/require"
)

// The patched copies under third_party are in force: without the replace directives these tests fail.

// TestNoncesOfRecordsCount is CVE-2026-26014.
func TestNoncesOfRecordsCount(t *testing.T) {
	key, iv := bytes.Repeat([]byte{1}, 16), []byte{1, 2, 3, 4}
	gcm, err := ciphersuite.NewGCM(key, iv, key, iv)
	require.NoError(t, err)
	ccm, err := ciphersuite.NewCCM(ciphersuite.CCMTagLength, key, iv, key, iv)
	require.NoError(t, err)
	for name, encrypt := range map[string]func(*recordlayer.RecordLayer, []byte) ([]byte, error){"GCM": gcm.Encrypt, "CCM": ccm.Encrypt} {
		for seq := uint64(0); seq < 3; seq++ {
			record := &recordlayer.RecordLayer{
				Header:  recordlayer.Header{Version: protocol.Version1_2, Epoch: 1, SequenceNumber: seq},
				Content: &protocol.ApplicationData{Data: []byte("hello")},
			}
			plain, err := record.Marshal()
			require.NoError(t, err)
			sealed, err := encrypt(record, plain)
			require.NoError(t, err)
			nonce := binary.BigEndian.Uint64(sealed[recordlayer.HeaderSize:])
			require.Equal(t, uint64(1)<<48|seq, nonce, name)
		}
	}
}

// TestShortMappedAddress is CVE-2026-54909.
func TestShortMappedAddress(t *testing.T) {
	for n := range 5 {
		m := stun.New()
		m.Add(stun.AttrXORMappedAddress, make([]byte, n))
		var addr stun.XORMappedAddress
		require.Error(t, addr.GetFrom(m), "%d bytes", n)
	}
}
