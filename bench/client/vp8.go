package client

// The shape of a synthetic VP8 packet: payload descriptor, in a frame's first packet the frame header, then the stamp, then filler.
const (
	vp8DescriptorSize = 4  // with a 15-bit picture id (RFC 7741, 4.2)
	vp8KeyHeaderSize  = 10 // frame tag, start code, width, height (RFC 6386, 9.1)
	vp8TagSize        = 3  // frame tag of an interframe
)

// vp8Packet says what place a packet has in its frame.
type vp8Packet struct {
	picture  uint16 // 15 bits
	start    bool   // first packet of its frame
	keyframe bool
	frame    int // bytes in the whole frame, for its tag
}

// put writes descriptor and frame header to the beginning of b and returns how many bytes they took.
func (p vp8Packet) put(b []byte) int {
	b[0] = 0x80 // X: an extension byte follows; not a reference frame: N = 0
	if p.start {
		b[0] |= 0x10 // S: start of partition 0
	}
	b[1] = 0x80 // I: picture id present
	b[2], b[3] = 0x80|byte(p.picture>>8), byte(p.picture)
	if !p.start {
		return vp8DescriptorSize
	}
	h := b[vp8DescriptorSize:]
	tag := uint32(p.frame)<<5 | 1<<4 // size of the first partition, show_frame
	if !p.keyframe {
		tag |= 1
	}
	h[0], h[1], h[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if !p.keyframe {
		return vp8DescriptorSize + vp8TagSize
	}
	const width, height = 1280, 720
	copy(h[3:], []byte{0x9d, 0x01, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8})
	return vp8DescriptorSize + vp8KeyHeaderSize
}

// parseVP8 reads the descriptor of any VP8 payload and says where the rest begins; ok is false when there is no VP8 payload.
func parseVP8(b []byte) (start, keyframe bool, rest int, ok bool) {
	if len(b) == 0 {
		return false, false, 0, false
	}
	start = b[0]&0x10 != 0 && b[0]&0x07 == 0
	rest = 1
	if b[0]&0x80 != 0 {
		rest = vp8ExtendedEnd(b)
	}
	if rest == 0 || rest >= len(b) {
		return false, false, 0, false
	}
	keyframe = start && b[rest]&1 == 0
	if start {
		rest += vp8TagSize
	}
	if keyframe {
		rest += vp8KeyHeaderSize - vp8TagSize
	}
	return start, keyframe, min(rest, len(b)), true
}

// vp8ExtendedEnd is where an extended payload descriptor ends, 0 when it is cut off.
func vp8ExtendedEnd(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	x, end := b[1], 2
	if x&0x80 != 0 { // I: picture id of one or two bytes
		if len(b) < 3 {
			return 0
		}
		end++
		if b[2]&0x80 != 0 {
			end++
		}
	}
	if x&0x40 != 0 { // L: temporal layer 0 index
		end++
	}
	if x&0x30 != 0 { // T or K
		end++
	}
	return end
}
