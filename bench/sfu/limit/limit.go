// Package limit is the least that forwarding can cost on a machine: packets are read in batches, and for every receiver each gets a new header, is sealed with
// AES-128-GCM and sent in batches. No ICE, no DTLS, no reports, no choice of who hears whom, one key for all: no forwarder can be cheaper with the same system calls.
package limit

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"calls/bench/signal"
)

const (
	headerSize   = 12
	tagSize      = 16
	datagramSize = 1600
	batchSize    = 64
	sendSize     = 256
	maxSegments  = 64       // of one GSO message, by the kernel
	maxGSOBytes  = 64 << 10 // of one GSO message, less headers
	bufferBytes  = 16 << 20 // asked of the kernel
	udpSegment   = 103      // UDP_SEGMENT (linux/udp.h)
)

// Key is the one that everything is sealed with; receivers open their samples with it.
var Key = [16]byte{'t', 'h', 'e', ' ', 'b', 'e', 'n', 'c', 'h', '\'', 's', ' ', 'o', 'w', 'n', '.'}

// NewAEAD is the cipher of Key.
func NewAEAD() (cipher.AEAD, error) {
	block, err := aes.NewCipher(Key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Nonce is that of a packet by its header, as in RFC 7714 with a salt of zeroes and no rollover.
func Nonce(dst *[12]byte, header []byte) {
	copy(dst[2:6], header[8:12])
	copy(dst[10:12], header[2:4])
}

// Serve forwards until standard input ends. A join names by Text the address of a participant's socket, and is answered by the address of the forwarder's in Text.
func Serve(addr netip.Addr, gso bool) error {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
	if err != nil {
		return err
	}
	f, err := newForwarder(conn, gso)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- f.run() }()
	err = signal.Serve(func(c *signal.Conn) {
		for {
			m, err := c.Receive()
			if err != nil || m.Type != signal.Join {
				return
			}
			at, err := netip.ParseAddrPort(m.Text)
			if err != nil {
				_ = c.Send(signal.Message{Type: signal.Error, Text: err.Error()})
				continue
			}
			f.join(m.Call, at)
			_ = c.Send(signal.Message{Type: signal.Joined, Text: conn.LocalAddr().String()})
		}
	})
	_ = conn.Close()
	if lost := <-failed; !errors.Is(lost, net.ErrClosed) {
		err = errors.Join(err, lost)
	}
	return err
}

// receiver is one participant as a destination.
type receiver struct {
	addr netip.AddrPort
	name unix.RawSockaddrInet4
	seqs map[uint32]uint16 // by the SSRC that it sees
}

type forwarder struct {
	conn *net.UDPConn
	aead cipher.AEAD
	gso  bool
	in   *inbox
	out  *outbox

	mu    sync.Mutex
	calls map[string][]*receiver
	of    map[netip.AddrPort]string // call of a participant
}

func newForwarder(conn *net.UDPConn, gso bool) (*forwarder, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	_ = raw.Control(func(fd uintptr) {
		for _, o := range []int{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF} {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, o, bufferBytes) // what is granted must do
		}
	})
	aead, err := NewAEAD()
	if err != nil {
		return nil, err
	}
	return &forwarder{conn: conn, aead: aead, gso: gso, in: newInbox(raw), out: newOutbox(raw, gso), calls: map[string][]*receiver{}, of: map[netip.AddrPort]string{}}, nil
}

func (f *forwarder) join(call string, at netip.AddrPort) {
	r := &receiver{addr: at, seqs: map[uint32]uint16{}}
	r.name.Family, r.name.Addr = unix.AF_INET, at.Addr().As4()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&r.name.Port))[:], at.Port())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[call] = append(f.calls[call], r)
	f.of[at] = call
}

func (f *forwarder) run() error {
	for {
		n, err := f.in.recv()
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.forward(n)
		f.mu.Unlock()
	}
}

// forward sends a batch on, receiver by receiver, so that what goes to one lies together.
func (f *forwarder) forward(n int) {
	for from := 0; from < n; {
		call := f.of[f.in.from(from)]
		to := from + 1
		for to < n && f.of[f.in.from(to)] == call {
			to++
		}
		for _, r := range f.calls[call] {
			for i := from; i < to; i++ {
				if b := f.in.packet(i); f.in.from(i) != r.addr && len(b) >= headerSize {
					f.send(r, b)
				}
			}
			f.out.boundary()
		}
		from = to
	}
	f.out.flush()
}

// send writes the packet under a new header and seals it where it will be sent from.
func (f *forwarder) send(r *receiver, b []byte) {
	dst := f.out.next(len(b)+tagSize, &r.name)
	ssrc := binary.BigEndian.Uint32(b[8:])
	seq := r.seqs[ssrc]
	r.seqs[ssrc] = seq + 1
	copy(dst, b[:headerSize])
	binary.BigEndian.PutUint16(dst[2:], seq)
	binary.BigEndian.PutUint32(dst[8:], ssrc^0x5f5f5f5f)
	Nonce(&f.out.nonce, dst)
	f.aead.Seal(dst[headerSize:headerSize], f.out.nonce[:], b[headerSize:], dst[:headerSize])
}
