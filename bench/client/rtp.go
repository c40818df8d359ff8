package client

import "encoding/binary"

// packet is what the receive path looks at of an RTP packet. It is read without pion/rtp because that allocates for every header extension.
type packet struct {
	seq     uint16
	ts      uint32
	ssrc    uint32
	marker  bool
	payload []byte
}

const rtpHeaderSize = 12

// parseRTP reads a packet (RFC 3550, 5.1); ok is false when it is cut off.
func parseRTP(b []byte) (p packet, ok bool) {
	if len(b) < rtpHeaderSize || b[0]>>6 != 2 {
		return packet{}, false
	}
	end := rtpHeaderSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < end+4 {
			return packet{}, false
		}
		end += 4 + 4*int(binary.BigEndian.Uint16(b[end+2:]))
	}
	size := len(b)
	if b[0]&0x20 != 0 {
		size -= int(b[size-1])
	}
	if end > size {
		return packet{}, false
	}
	return packet{
		seq:     binary.BigEndian.Uint16(b[2:]),
		ts:      binary.BigEndian.Uint32(b[4:]),
		ssrc:    binary.BigEndian.Uint32(b[8:]),
		marker:  b[1]&0x80 != 0,
		payload: b[end:size],
	}, true
}
