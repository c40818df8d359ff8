package client

import (
	"encoding/binary"
	"time"
)

// A Stamp says, inside a synthetic payload, who sent it as which packet and when: a slot is anonymous and the server may move any source under it.
type Stamp struct {
	Origin uint32
	Count  uint64 // the origin's packets are counted per published track, from 0
	Sent   time.Time
}

// stampMagic tells stamped payloads from speech. Real Opus or VP8 data begins with it once in 2^64 packets.
const stampMagic = 0xca1157a3bd00de5f

// StampSize is how many bytes a stamp takes.
const StampSize = 8 + 4 + 8 + 8

// Put writes the stamp to the beginning of b.
func (s Stamp) Put(b []byte) {
	binary.BigEndian.PutUint64(b, stampMagic)
	binary.BigEndian.PutUint32(b[8:], s.Origin)
	binary.BigEndian.PutUint64(b[12:], s.Count)
	binary.BigEndian.PutUint64(b[20:], uint64(s.Sent.UnixNano()))
}

// ReadStamp reads a stamp from the beginning of b; ok is false when there is none.
func ReadStamp(b []byte) (s Stamp, ok bool) {
	if len(b) < StampSize || binary.BigEndian.Uint64(b) != stampMagic {
		return Stamp{}, false
	}
	return Stamp{
		Origin: binary.BigEndian.Uint32(b[8:]),
		Count:  binary.BigEndian.Uint64(b[12:]),
		Sent:   time.Unix(0, int64(binary.BigEndian.Uint64(b[20:]))),
	}, true
}
