//go:build !linux || plainudp

package media

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// The plain form, for systems without recvmmsg and sendmmsg: one system call for each datagram, and a batch to receive is one datagram.
// The tag plainudp forces it on Linux, where all tests of this package run with it.

type recvBatch struct {
	conn *net.UDPConn
	n    int
	from netip.AddrPort
	buf  [datagramSize + 1]byte // one more shows that a datagram was cut off
}

func newRecvBatch(conn *net.UDPConn) (*recvBatch, error) { return &recvBatch{conn: conn}, nil }

// recv waits for a datagram. It returns os.ErrDeadlineExceeded when woken by a deadline, net.ErrClosed when the socket is closed.
func (r *recvBatch) recv() (n int, err error) {
	if r.n, r.from, err = r.conn.ReadFromUDPAddrPort(r.buf[:]); err != nil {
		return 0, err
	}
	return 1, nil
}

// poll would be recv that does not wait.
func (r *recvBatch) poll() int { return 0 }

// datagram is the one received. It is empty when it was longer than any that is handled.
func (r *recvBatch) datagram(int) ([]byte, netip.AddrPort) {
	if r.n > datagramSize {
		return nil, netip.AddrPort{}
	}
	return r.buf[:r.n], netip.AddrPortFrom(r.from.Addr().Unmap().WithZone(""), r.from.Port())
}

// sentTo would be the address of this machine that a datagram was sent to: this form leaves it to the system where answers leave from.
func (r *recvBatch) sentTo(int) netip.Addr { return netip.Addr{} }

// sourceControl likewise.
func sourceControl(netip.Addr) []byte { return nil }

type outDatagram struct {
	b  []byte
	to netip.AddrPort
}

// sendBatch sends datagrams one after another when it is flushed. It belongs to one loop.
type sendBatch struct {
	raw    syscall.RawConn
	write  func(fd uintptr) bool
	queued []outDatagram
	to     unix.SockaddrInet4
	to6    unix.SockaddrInet6
	wide   bool // the socket is one of IPv6, and gets IPv4 as mapped addresses
	done   flushed
	gso    bool // never
}

func newSendBatch(conn *net.UDPConn, _ bool) (*sendBatch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sendBatch{raw: raw, queued: make([]outDatagram, 0, sendSize), wide: conn.LocalAddr().(*net.UDPAddr).IP.To4() == nil}
	s.write = s.try
	return s, nil
}

// add queues a datagram for a link. The caller leaves b alone until the flush.
func (s *sendBatch) add(b []byte, l *link) {
	s.queued = append(s.queued, outDatagram{b, l.remote.addr})
}

// flush sends what was added. It never waits, as UDPConn.Write would: what a full socket does not take is lost.
func (s *sendBatch) flush() flushed {
	s.done = flushed{}
	if len(s.queued) > 0 {
		_ = s.raw.Write(s.write) // fails on a closed socket only
	}
	clear(s.queued)
	s.queued = s.queued[:0]
	return s.done
}

func (s *sendBatch) try(fd uintptr) bool {
	for _, d := range s.queued {
		to := s.address(d.to)
		for {
			err := unix.Sendto(int(fd), d.b, unix.MSG_DONTWAIT, to)
			if err == unix.EINTR {
				continue
			}
			if err == nil {
				s.done.sent++
			}
			break
		}
	}
	return true
}

func (s *sendBatch) address(to netip.AddrPort) unix.Sockaddr {
	if s.wide {
		s.to6.Port, s.to6.Addr = int(to.Port()), to.Addr().As16()
		return &s.to6
	}
	s.to.Port, s.to.Addr = int(to.Port()), to.Addr().As4()
	return &s.to
}

// growBuffers asks for socket buffers and says what was granted. A system refuses what is above its limit, so less is asked for until it agrees.
func growBuffers(conn *net.UDPConn, bytes int) (read, write int) {
	grow := func(set func(int) error) int {
		for n := bytes; n > 0; n /= 2 {
			if set(n) == nil {
				return n
			}
		}
		return 0
	}
	return grow(conn.SetReadBuffer), grow(conn.SetWriteBuffer)
}

// openSockets opens the port, once: sharing it is for the other form.
func openSockets(addr netip.AddrPort, _ int) ([]*net.UDPConn, error) {
	c, err := listenUDP(addr, nil)
	return []*net.UDPConn{c}, err
}
