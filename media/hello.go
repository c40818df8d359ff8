package media

import "encoding/binary"

const (
	dtlsRecordHeaderSize    = 13
	dtlsHandshakeHeaderSize = 12
	dtlsRecordHandshake     = 22
	dtlsClientHello         = 1
	dtlsExtensionUseSRTP    = 14
	maxClientHello          = 8 << 10 // with a post-quantum key share one is about 1500 bytes
)

// wellFormedDTLS checks that a datagram is a row of DTLS records with lengths that hold.
func wellFormedDTLS(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		if len(b) < dtlsRecordHeaderSize || b[0] < 20 || b[0] > 63 || b[1] != 0xfe {
			return false
		}
		n := dtlsRecordHeaderSize + int(binary.BigEndian.Uint16(b[11:]))
		if len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}

// helloReader puts the first ClientHello of a handshake together from its fragments, to learn which SRTP profiles the client can.
type helloReader struct {
	body    []byte
	have    []bool // which bytes of body came
	missing int
	done    bool
}

// feed looks at one well-formed datagram. Once the hello is whole, it returns the profiles that it lists, and done; once only.
func (r *helloReader) feed(datagram []byte) (profiles []profile, done bool) {
	for b := datagram; len(b) >= dtlsRecordHeaderSize && !r.done; {
		n := dtlsRecordHeaderSize + int(binary.BigEndian.Uint16(b[11:]))
		if len(b) < n {
			return nil, false
		}
		if b[0] == dtlsRecordHandshake && b[3] == 0 && b[4] == 0 { // epoch 0: in clear
			r.fragments(b[dtlsRecordHeaderSize:n])
		}
		b = b[n:]
	}
	if r.done || r.body == nil || r.missing > 0 {
		return nil, false
	}
	profiles = helloProfiles(r.body)
	r.done, r.body, r.have = true, nil, nil
	return profiles, true
}

// fragments takes the handshake messages of one record.
func (r *helloReader) fragments(b []byte) {
	for len(b) >= dtlsHandshakeHeaderSize {
		total, seq, at, n := int(be24(b[1:])), binary.BigEndian.Uint16(b[4:]), int(be24(b[6:])), int(be24(b[9:]))
		rest := b[dtlsHandshakeHeaderSize:]
		if n > len(rest) {
			return
		}
		if b[0] == dtlsClientHello && seq == 0 && total > 0 && total <= maxClientHello && at+n <= total {
			r.fragment(total, at, rest[:n])
		}
		b = rest[n:]
	}
}

func (r *helloReader) fragment(total, at int, b []byte) {
	if r.body == nil {
		r.body, r.have, r.missing = make([]byte, total), make([]bool, total), total
	}
	if total != len(r.body) {
		return // a different hello: not ours to judge, the handshake will fail
	}
	copy(r.body[at:], b)
	for i := at; i < at+len(b); i++ {
		if !r.have[i] {
			r.have[i] = true
			r.missing--
		}
	}
}

// helloProfiles reads the use_srtp extension (RFC 5764) of a ClientHello; nil when there is none or the message is malformed.
func helloProfiles(b []byte) []profile {
	skip := func(sizeBytes int) bool {
		if len(b) < sizeBytes {
			return false
		}
		n := int(b[0])
		if sizeBytes == 2 {
			n = int(binary.BigEndian.Uint16(b))
		}
		if len(b) < sizeBytes+n {
			return false
		}
		b = b[sizeBytes+n:]
		return true
	}
	if len(b) < 34 { // version, random
		return nil
	}
	b = b[34:]
	for _, sizeBytes := range [...]int{1, 1, 2, 1} { // session id, cookie, cipher suites, compression
		if !skip(sizeBytes) {
			return nil
		}
	}
	if len(b) < 2 { // the extensions' own length
		return nil
	}
	for b = b[2:]; len(b) >= 4; {
		typ, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return nil
		}
		if typ == dtlsExtensionUseSRTP {
			return srtpProfileList(b[4 : 4+n])
		}
		b = b[4+n:]
	}
	return nil
}

func srtpProfileList(b []byte) (list []profile) {
	if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
		return nil
	}
	for b = b[2 : 2+int(binary.BigEndian.Uint16(b))]; len(b) >= 2; b = b[2:] {
		list = append(list, profile(binary.BigEndian.Uint16(b)))
	}
	return list
}

func be24(b []byte) uint32 {
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}
