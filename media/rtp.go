package media

import "encoding/binary"

const rtpHeaderSize = 12

// rtpHeader is the part of an RTP header that forwarding needs. It points into the datagram it was read from.
type rtpHeader struct {
	marker  bool
	padding bool
	pt      uint8
	seq     uint16
	ts      uint32
	ssrc    uint32
	size    int    // of the header with CSRCs and extension
	profile uint16 // of the extension, 0 without one
	ext     []byte // the extension's elements
}

// parseRTP reads a header and says whether it is one. It checks lengths only as far as the header goes: the payload may still be encrypted.
func parseRTP(b []byte) (h rtpHeader, ok bool) {
	if len(b) < rtpHeaderSize || b[0]>>6 != 2 {
		return h, false
	}
	h.padding = b[0]&0x20 != 0
	h.marker = b[1]&0x80 != 0
	h.pt = b[1] & 0x7f
	h.seq = binary.BigEndian.Uint16(b[2:])
	h.ts = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	h.size = rtpHeaderSize + 4*int(b[0]&0x0f)
	if len(b) < h.size {
		return h, false
	}
	if b[0]&0x10 == 0 {
		return h, true
	}
	if len(b) < h.size+4 {
		return h, false
	}
	h.profile = binary.BigEndian.Uint16(b[h.size:])
	n := 4 * int(binary.BigEndian.Uint16(b[h.size+2:]))
	start := h.size + 4
	if len(b) < start+n {
		return h, false
	}
	h.ext = b[start : start+n]
	h.size = start + n
	return h, true
}

// extension finds the element with this id, in the one-byte or the two-byte form of RFC 8285; nil when there is none.
func (h *rtpHeader) extension(id uint8) []byte {
	switch {
	case id == 0 || len(h.ext) == 0:
		return nil
	case h.profile == 0xBEDE:
		return oneByteElement(h.ext, id)
	case h.profile&0xfff0 == 0x1000:
		return twoByteElement(h.ext, id)
	}
	return nil
}

func oneByteElement(b []byte, id uint8) []byte {
	for len(b) > 0 {
		if b[0] == 0 { // padding between elements
			b = b[1:]
			continue
		}
		got, n := b[0]>>4, int(b[0]&0x0f)+1
		if got == 15 || len(b) < 1+n { // 15 ends the list
			return nil
		}
		if got == id {
			return b[1 : 1+n]
		}
		b = b[1+n:]
	}
	return nil
}

func twoByteElement(b []byte, id uint8) []byte {
	for len(b) > 0 {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return nil
		}
		if b[0] == id {
			return b[2 : 2+int(b[1])]
		}
		b = b[2+int(b[1]):]
	}
	return nil
}

// unpad gives the payload without its padding; ok is false when the last byte cannot be a padding length.
func unpad(body []byte, padded bool) (payload []byte, ok bool) {
	if !padded {
		return body, true
	}
	if len(body) == 0 {
		return nil, false
	}
	n := int(body[len(body)-1])
	if n == 0 || n > len(body) {
		return nil, false
	}
	return body[:len(body)-n], true
}

// isVP8Keyframe says whether a VP8 payload is the first packet of a key frame (RFC 7741, sections 4.2 and 4.3).
func isVP8Keyframe(p []byte) bool {
	if len(p) < 2 || p[0]&0x10 == 0 || p[0]&0x07 != 0 { // not the start of partition 0
		return false
	}
	n := 1
	if p[0]&0x80 != 0 { // extension byte
		x := p[1]
		n++
		if x&0x80 != 0 { // picture id, one or two bytes
			if len(p) <= n {
				return false
			}
			if p[n]&0x80 != 0 {
				n++
			}
			n++
		}
		if x&0x40 != 0 { // TL0PICIDX
			n++
		}
		if x&0x30 != 0 { // TID or KEYIDX
			n++
		}
	}
	return len(p) > n && p[n]&0x01 == 0
}
