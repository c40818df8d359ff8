package media

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 3711 defines its authentication tag with it
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

// SRTP and SRTCP (RFC 3711, RFC 7714), sealed and opened in place without allocation. pion/srtp allocates several times per packet and keeps state for every
// SSRC that a packet claims before it knows whether the packet is genuine. The state per SSRC is therefore the caller's: a window.

// profile is a protection profile by its DTLS-SRTP number.
type profile uint16

const (
	profileCM  profile = 0x0001 // SRTP_AES128_CM_HMAC_SHA1_80
	profileGCM profile = 0x0007 // SRTP_AEAD_AES_128_GCM
)

// String is the profile's name as registered with IANA.
func (p profile) String() string {
	switch p {
	case profileGCM:
		return "SRTP_AEAD_AES_128_GCM"
	case profileCM:
		return "SRTP_AES128_CM_HMAC_SHA1_80"
	}
	return fmt.Sprintf("profile %#04x", uint16(p))
}

const (
	srtpKeySize   = 16
	gcmSaltSize   = 12
	cmSaltSize    = 14
	gcmTagSize    = 16
	cmTagSize     = 10
	maxTagSize    = gcmTagSize
	rtcpIndexSize = 4
	rtcpHeadSize  = 8 // of an SRTCP packet: what stays in clear
)

func (p profile) saltSize() int {
	if p == profileGCM {
		return gcmSaltSize
	}
	return cmSaltSize
}

// srtpContext seals or opens the packets of one direction of one peer. It is not for concurrent use.
type srtpContext struct {
	rtp, rtcp protector
}

// protector is the cipher of one direction of either RTP or RTCP.
type protector struct {
	gcm   cipher.AEAD  // nil for profileCM
	block cipher.Block // for profileCM
	mac   hash.Hash    // for profileCM
	salt  [16]byte     // padded with zeroes

	// Buffers for arguments that would escape to the heap at every call otherwise.
	iv     [16]byte
	stream [16]byte
	word   [12]byte
	sum    [sha1.Size]byte
}

// Labels of the key derivation, RFC 3711 section 4.3.2. Those of RTCP come three later.
const (
	labelEncryption = iota
	labelAuthentication
	labelSalt
	labelsOfRTCP
)

func newSRTPContext(p profile, masterKey, masterSalt []byte) (*srtpContext, error) {
	if len(masterKey) != srtpKeySize || len(masterSalt) != p.saltSize() {
		return nil, errors.New("SRTP master key or salt of the wrong size")
	}
	master, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	c := &srtpContext{}
	if err := c.rtp.init(p, master, masterSalt, 0); err != nil {
		return nil, err
	}
	return c, c.rtcp.init(p, master, masterSalt, labelsOfRTCP)
}

func (p *protector) init(of profile, master cipher.Block, masterSalt []byte, labels byte) (err error) {
	derive := func(label byte, n int) []byte {
		var x [16]byte
		copy(x[:], masterSalt)
		x[7] ^= labels + label
		out := make([]byte, n)
		cipher.NewCTR(master, x[:]).XORKeyStream(out, out)
		return out
	}
	copy(p.salt[:], derive(labelSalt, of.saltSize()))
	if p.block, err = aes.NewCipher(derive(labelEncryption, srtpKeySize)); err != nil {
		return err
	}
	switch of {
	case profileGCM:
		p.gcm, err = cipher.NewGCM(p.block)
	case profileCM:
		p.mac = hmac.New(sha1.New, derive(labelAuthentication, sha1.Size))
	default:
		err = fmt.Errorf("SRTP profile %#04x is not supported", uint16(of))
	}
	return err
}

// sealRTP encrypts the payload behind the header of headerSize bytes where it lies and appends the tag; b needs room for maxTagSize bytes more.
func (c *srtpContext) sealRTP(b []byte, headerSize int, ssrc uint32, index uint64) []byte {
	p := &c.rtp
	if p.gcm != nil {
		p.gcmIVForRTP(ssrc, index)
		return b[:headerSize+len(p.gcm.Seal(b[headerSize:headerSize], p.iv[:gcmSaltSize], b[headerSize:], b[:headerSize]))]
	}
	p.cmXOR(b[headerSize:], ssrc, index)
	binary.BigEndian.PutUint32(p.word[:], uint32(index>>16))
	return append(b, p.cmTag(b, p.word[:4])...)
}

// sealRTPOf appends to a header the payload, encrypted, and the tag. The payload stays as it is: it is sealed for others too. b needs the room.
func (c *srtpContext) sealRTPOf(b, payload []byte, ssrc uint32, index uint64) []byte {
	p := &c.rtp
	if p.gcm == nil {
		return c.sealRTP(append(b, payload...), len(b), ssrc, index)
	}
	p.gcmIVForRTP(ssrc, index)
	return p.gcm.Seal(b, p.iv[:gcmSaltSize], payload, b)
}

// openRTP checks and decrypts a packet where it lies. After a failure the bytes of the packet are worthless.
func (c *srtpContext) openRTP(b []byte, headerSize int, ssrc uint32, index uint64) (plain []byte, ok bool) {
	p := &c.rtp
	if p.gcm != nil {
		if len(b) < headerSize+gcmTagSize {
			return nil, false
		}
		p.gcmIVForRTP(ssrc, index)
		body, err := p.gcm.Open(b[headerSize:headerSize], p.iv[:gcmSaltSize], b[headerSize:], b[:headerSize])
		return b[:headerSize+len(body)], err == nil
	}
	n := len(b) - cmTagSize
	if n < headerSize {
		return nil, false
	}
	binary.BigEndian.PutUint32(p.word[:], uint32(index>>16))
	if subtle.ConstantTimeCompare(p.cmTag(b[:n], p.word[:4]), b[n:]) != 1 {
		return nil, false
	}
	p.cmXOR(b[headerSize:n], ssrc, index)
	return b[:n], true
}

// sealRTCP encrypts a compound packet where it lies; b needs room for maxTagSize and rtcpIndexSize bytes more.
func (c *srtpContext) sealRTCP(b []byte, index uint32) []byte {
	p := &c.rtcp
	ssrc := binary.BigEndian.Uint32(b[4:])
	word := index&0x7fffffff | 0x80000000 // the top bit says that the packet is encrypted
	if p.gcm != nil {
		p.gcmIVForRTCP(ssrc, index)
		copy(p.word[:], b[:rtcpHeadSize])
		binary.BigEndian.PutUint32(p.word[rtcpHeadSize:], word)
		body := p.gcm.Seal(b[rtcpHeadSize:rtcpHeadSize], p.iv[:gcmSaltSize], b[rtcpHeadSize:], p.word[:])
		return binary.BigEndian.AppendUint32(b[:rtcpHeadSize+len(body)], word)
	}
	p.cmXOR(b[rtcpHeadSize:], ssrc, uint64(index))
	b = binary.BigEndian.AppendUint32(b, word)
	return append(b, p.cmTag(b, nil)...)
}

// rtcpIndex reads the index of a sealed RTCP packet and says whether the packet is long enough and encrypted, as it always is in WebRTC.
func (c *srtpContext) rtcpIndex(b []byte) (index uint32, ok bool) {
	n := len(b) - rtcpIndexSize
	if c.rtcp.gcm == nil {
		n -= cmTagSize
	} else if n < rtcpHeadSize+gcmTagSize {
		return 0, false
	}
	if n < rtcpHeadSize {
		return 0, false
	}
	word := binary.BigEndian.Uint32(b[n:])
	return word & 0x7fffffff, word>>31 == 1
}

// openRTCP checks and decrypts a compound packet whose index is known from rtcpIndex.
func (c *srtpContext) openRTCP(b []byte, index uint32) (plain []byte, ok bool) {
	p := &c.rtcp
	ssrc := binary.BigEndian.Uint32(b[4:])
	if p.gcm != nil {
		n := len(b) - rtcpIndexSize
		p.gcmIVForRTCP(ssrc, index)
		copy(p.word[:], b[:rtcpHeadSize])
		copy(p.word[rtcpHeadSize:], b[n:])
		body, err := p.gcm.Open(b[rtcpHeadSize:rtcpHeadSize], p.iv[:gcmSaltSize], b[rtcpHeadSize:n], p.word[:])
		return b[:rtcpHeadSize+len(body)], err == nil
	}
	n := len(b) - cmTagSize
	if subtle.ConstantTimeCompare(p.cmTag(b[:n], nil), b[n:]) != 1 {
		return nil, false
	}
	plain = b[:n-rtcpIndexSize]
	p.cmXOR(plain[rtcpHeadSize:], ssrc, uint64(index))
	return plain, true
}

// gcmIVForRTP is RFC 7714 section 8.1.
func (p *protector) gcmIVForRTP(ssrc uint32, index uint64) {
	p.iv = p.salt
	xor32(p.iv[2:], ssrc)
	xor32(p.iv[6:], uint32(index>>16))
	p.iv[10] ^= byte(index >> 8)
	p.iv[11] ^= byte(index)
}

// gcmIVForRTCP is RFC 7714 section 9.1.
func (p *protector) gcmIVForRTCP(ssrc, index uint32) {
	p.iv = p.salt
	xor32(p.iv[2:], ssrc)
	xor32(p.iv[8:], index)
}

// cmXOR en- or decrypts with AES in counter mode, RFC 3711 section 4.1.1. A cipher.Stream would be faster on long packets but is a new object for each.
func (p *protector) cmXOR(b []byte, ssrc uint32, index uint64) {
	p.iv = p.salt
	xor32(p.iv[4:], ssrc)
	xor32(p.iv[8:], uint32(index>>16))
	p.iv[12] ^= byte(index >> 8)
	p.iv[13] ^= byte(index)
	for counter := uint16(0); len(b) > 0; counter++ {
		binary.BigEndian.PutUint16(p.iv[14:], counter)
		p.block.Encrypt(p.stream[:], p.iv[:])
		b = b[subtle.XORBytes(b, b, p.stream[:]):]
	}
}

func (p *protector) cmTag(b, more []byte) []byte {
	p.mac.Reset()
	p.mac.Write(b)
	p.mac.Write(more)
	return p.mac.Sum(p.sum[:0])[:cmTagSize]
}

func xor32(b []byte, v uint32) {
	binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)^v)
}
