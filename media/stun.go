package media

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 8489 defines MESSAGE-INTEGRITY with it
	"encoding/binary"
)

const (
	stunHeaderSize  = 20
	stunMagicCookie = 0x2112A442
	stunMaxSize     = 1280 // more than a connectivity check ever needs

	stunBindingRequest  = 0x0001
	stunBindingResponse = 0x0101

	stunAttrUsername     = 0x0006
	stunAttrIntegrity    = 0x0008
	stunAttrUseCandidate = 0x0025

	stunIntegritySize = 4 + sha1.Size
)

// stunMessage is what the loop needs to know of a STUN message. It points into the datagram.
type stunMessage struct {
	raw          []byte
	typ          uint16
	username     []byte // before the integrity attribute, else it would prove nothing
	useCandidate bool   // likewise
	integrity    int    // offset of MESSAGE-INTEGRITY, 0 without
}

// parseSTUN checks the shape of a STUN message to its last attribute, so that no parser behind it meets a length that lies.
func parseSTUN(b []byte) (m stunMessage, ok bool) {
	if len(b) < stunHeaderSize || len(b) > stunMaxSize || b[0]&0xc0 != 0 || len(b)%4 != 0 {
		return m, false
	}
	if binary.BigEndian.Uint32(b[4:]) != stunMagicCookie || int(binary.BigEndian.Uint16(b[2:])) != len(b)-stunHeaderSize {
		return m, false
	}
	m.raw, m.typ = b, binary.BigEndian.Uint16(b)
	for at := stunHeaderSize; at < len(b); {
		if len(b)-at < 4 {
			return m, false
		}
		typ, n := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		if len(b)-at-4 < (n+3)&^3 {
			return m, false
		}
		if !m.attribute(typ, at, b[at+4:at+4+n]) {
			return m, false
		}
		at += 4 + (n+3)&^3
	}
	return m, true
}

func (m *stunMessage) attribute(typ uint16, at int, value []byte) bool {
	switch {
	case m.integrity != 0: // what follows MESSAGE-INTEGRITY is not covered by it
	case typ == stunAttrUsername:
		m.username = value
	case typ == stunAttrUseCandidate:
		m.useCandidate = true
	case typ == stunAttrIntegrity:
		if len(value) != sha1.Size {
			return false
		}
		m.integrity = at
	}
	return true
}

// localUfrag is the first half of the username: the one that we gave out.
func (m *stunMessage) localUfrag() []byte {
	ufrag, _, found := bytes.Cut(m.username, []byte{':'})
	if !found {
		return nil
	}
	return ufrag
}

// authentic says whether MESSAGE-INTEGRITY was made with this password.
func (m *stunMessage) authentic(password []byte) bool {
	if m.integrity == 0 {
		return false
	}
	// The length field counts up to the end of the attribute itself while the sum is made.
	var head [stunHeaderSize]byte
	copy(head[:], m.raw)
	binary.BigEndian.PutUint16(head[2:], uint16(m.integrity+stunIntegritySize-stunHeaderSize))
	mac := hmac.New(sha1.New, password)
	mac.Write(head[:])
	mac.Write(m.raw[stunHeaderSize:m.integrity])
	var sum [sha1.Size]byte
	return hmac.Equal(mac.Sum(sum[:0]), m.raw[m.integrity+4:m.integrity+stunIntegritySize])
}
