// Package load is the bench's load generator: people with real ICE and DTLS who send and receive through a forwarder under test, on the cores that the forwarder uses too,
// and therefore cheap.
//
// What is cheap about it: media are counted where they arrive. The sockets of all people are drained by one thread every few milliseconds, many datagrams a call, and
// an RTP packet ends there: its header is not encrypted, so it can be counted without its key. Only the packets of a few people, the samples, go the whole way through
// pion, which decrypts them; from their stamps come the delays. Nobody waits in the kernel for a datagram, so none wakes anybody up: a forwarder is charged for
// sending and not for the scheduling of receivers that in earnest run elsewhere. When a datagram came is noted by the kernel, so draining late falsifies nothing.
package load

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	drainBatch   = 64
	datagramSize = 1600
	controlSize  = 64                   // room for the kernel's time stamp
	drainEvery   = 3 * time.Millisecond // while media flow
	socketBuffer = 4 << 20              // asked for; a burst waits here for the next drain
	queueSize    = 4096                 // datagrams on their way from the hub to a client's pion
)

// Hub drains the sockets of all people.
type Hub struct {
	epoll int
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	sockets map[int32]*Socket // by descriptor
	batch   *drainer
}

// NewHub makes a hub and starts it.
func NewHub() (*Hub, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	h := &Hub{epoll: fd, stop: make(chan struct{}), done: make(chan struct{}), sockets: map[int32]*Socket{}, batch: newDrainer()}
	go h.run()
	return h, nil
}

// Close ends it; sockets are closed by their owners.
func (h *Hub) Close() {
	close(h.stop)
	<-h.done
	_ = unix.Close(h.epoll)
}

func (h *Hub) run() {
	defer close(h.done)
	events := make([]unix.EpollEvent, 1024)
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-tick.C:
		}
		h.drain(events)
	}
}

// drain reads every socket that has something. It never waits in epoll, so that arrivals find no sleeper to wake.
func (h *Hub) drain(events []unix.EpollEvent) {
	n, err := unix.EpollWait(h.epoll, events, 0)
	if err != nil {
		return
	}
	for _, e := range events[:n] {
		h.mu.Lock()
		s := h.sockets[e.Fd]
		h.mu.Unlock()
		if s != nil {
			s.drain(h.batch)
		}
	}
}

// Open makes a socket on a free port of addr.
func (h *Hub) Open(addr netip.Addr, use Use) (*Socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &Socket{hub: h, fd: fd, use: use, queue: make(chan datagram, queueSize), closed: make(chan struct{}), mark: map[uint64]time.Time{}}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer) // what the system grants must do
	}
	if use.Sampled || use.Noted {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4()})
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err == nil {
		s.addr = netip.AddrPortFrom(addr, uint16(name.(*unix.SockaddrInet4).Port))
		h.mu.Lock()
		h.sockets[int32(fd)] = s
		h.mu.Unlock()
		err = unix.EpollCtl(h.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("socket for %s: %w", addr, err)
	}
	return s, nil
}

// datagram is one that a client's pion is to see.
type datagram struct {
	data []byte
	from netip.AddrPort
}

// Use is what becomes of a socket's RTP packets beside being counted.
type Use struct {
	Sampled bool                         // the kernel notes when they come, and they are handed to whoever reads
	Noted   bool                         // the kernel notes when they come
	Tap     func(b []byte, at time.Time) // sees them; the hub calls it, and b is valid during the call only
}

// Socket is one person's. It is what pion takes for an ordinary UDP socket; RTP is counted and, if it is not sampled, goes no further.
type Socket struct {
	hub    *Hub
	fd     int
	addr   netip.AddrPort
	use    Use
	queue  chan datagram
	closed chan struct{}
	once   sync.Once

	packets atomic.Uint64 // RTP
	bytes   atomic.Uint64
	padded  atomic.Uint64 // of packets, those with the padding bit, which our senders never set: a forwarder's own probes
	spilled atomic.Uint64 // datagrams that found the queue to pion full

	mu   sync.Mutex
	mark map[uint64]time.Time // sampled: when a packet came, by SSRC and sequence number, until asked for
}

// maxMarks bounds the marks that nobody asks for: packets that pion threw away.
const maxMarks = 1 << 16

func (s *Socket) drain(d *drainer) {
	for {
		n := d.recv(s.fd)
		for i := range n {
			b, at, from := d.datagram(i)
			s.arrived(b, at, from)
		}
		if n < drainBatch {
			return
		}
	}
}

func (s *Socket) arrived(b []byte, at time.Time, from netip.AddrPort) {
	if rtp := len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] >= 224); rtp {
		s.packets.Add(1)
		s.bytes.Add(uint64(len(b)))
		if b[0]&0x20 != 0 {
			s.padded.Add(1)
		}
		if s.use.Tap != nil {
			s.use.Tap(b, at)
		}
		if !s.use.Sampled {
			return
		}
		s.note(b, at)
	}
	select {
	case s.queue <- datagram{append([]byte(nil), b...), from}:
	default:
		s.spilled.Add(1)
	}
}

func (s *Socket) note(b []byte, at time.Time) {
	if at.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mark) < maxMarks {
		s.mark[markOf(binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:]))] = at
	}
}

// Arrival says when a packet came, once.
func (s *Socket) Arrival(ssrc uint32, seq uint16) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := markOf(ssrc, seq)
	at := s.mark[key]
	delete(s.mark, key)
	return at
}

func markOf(ssrc uint32, seq uint16) uint64 { return uint64(ssrc)<<16 | uint64(seq) }

// ReadFrom is how pion gets what is not counted only.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromUDP(b)
	return n, from, err
}

// ReadFromUDP is ReadFrom.
func (s *Socket) ReadFromUDP(b []byte) (int, *net.UDPAddr, error) {
	select {
	case d := <-s.queue:
		return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
	case <-s.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends at once; a full socket loses the datagram, as a network may.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not UDP")
	}
	return s.send(b, udp.AddrPort())
}

// WriteToUDP is WriteTo.
func (s *Socket) WriteToUDP(b []byte, to *net.UDPAddr) (int, error) { return s.send(b, to.AddrPort()) }

func (s *Socket) send(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-s.closed:
		return 0, net.ErrClosed
	default:
	}
	if err := unix.Sendto(s.fd, b, 0, &unix.SockaddrInet4{Addr: to.Addr().Unmap().As4(), Port: int(to.Port())}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends it.
func (s *Socket) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.hub.mu.Lock()
		delete(s.hub.sockets, int32(s.fd))
		s.hub.mu.Unlock()
		_ = unix.Close(s.fd) // leaves the epoll set by itself
	})
	return nil
}

// LocalAddr is where it listens.
func (s *Socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.addr) }

// The rest of the interface that pion asks of a socket and does not use.

func (s *Socket) RemoteAddr() net.Addr             { return nil }
func (s *Socket) SetDeadline(time.Time) error      { return nil }
func (s *Socket) SetReadDeadline(time.Time) error  { return nil }
func (s *Socket) SetWriteDeadline(time.Time) error { return nil }
func (s *Socket) SetReadBuffer(int) error          { return nil }
func (s *Socket) SetWriteBuffer(int) error         { return nil }
func (s *Socket) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (s *Socket) Write([]byte) (int, error)        { return 0, net.ErrClosed }

func (s *Socket) ReadMsgUDP([]byte, []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	return 0, 0, 0, nil, net.ErrClosed
}

func (s *Socket) WriteMsgUDP([]byte, []byte, *net.UDPAddr) (n, oobn int, err error) {
	return 0, 0, net.ErrClosed
}

// drainer is the memory for one receiving call.
type drainer struct {
	msgs     [drainBatch]mmsghdr
	iovs     [drainBatch]unix.Iovec
	names    [drainBatch]unix.RawSockaddrInet4
	controls [drainBatch][controlSize]byte
	bufs     [drainBatch][datagramSize]byte
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

func newDrainer() *drainer {
	d := &drainer{}
	for i := range d.msgs {
		d.iovs[i].Base = &d.bufs[i][0]
		d.iovs[i].SetLen(datagramSize)
		h := &d.msgs[i].hdr
		h.Iov = &d.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&d.names[i]))
		h.Control = &d.controls[i][0]
	}
	return d
}

func (d *drainer) recv(fd int) int {
	for i := range d.msgs {
		d.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet4
		d.msgs[i].hdr.SetControllen(controlSize)
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&d.msgs[0])), drainBatch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// datagram is one of those received, valid until the next recv.
func (d *drainer) datagram(i int) (b []byte, at time.Time, from netip.AddrPort) {
	m := &d.msgs[i]
	if size := int(m.hdr.Controllen); size >= unix.SizeofCmsghdr+16 {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&d.controls[i][0]))
		if c.Level == unix.SOL_SOCKET && c.Type == unix.SO_TIMESTAMPNS {
			ts := (*unix.Timespec)(unsafe.Pointer(&d.controls[i][unix.CmsgLen(0)]))
			at = time.Unix(ts.Unix())
		}
	}
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&d.names[i].Port))[:])
	return d.bufs[i][:m.n], at, netip.AddrPortFrom(netip.AddrFrom4(d.names[i].Addr), port)
}
