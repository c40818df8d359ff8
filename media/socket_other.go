//go:build !linux

package media

import (
	"net"
	"net/netip"
)

// Without recvmmsg and sendmmsg a batch is one datagram. This is for developing on other systems; servers run on Linux.

type recvBatch struct {
	conn *net.UDPConn
	n    int
	from netip.AddrPort
	buf  [datagramSize]byte
}

func newRecvBatch(conn *net.UDPConn) (*recvBatch, error) { return &recvBatch{conn: conn}, nil }

func (r *recvBatch) recv() (n int, err error) {
	if r.n, r.from, err = r.conn.ReadFromUDPAddrPort(r.buf[:]); err != nil {
		return 0, err
	}
	return 1, nil
}

func (r *recvBatch) datagram(int) ([]byte, netip.AddrPort) {
	return r.buf[:r.n], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
}

type outDatagram struct {
	b  []byte
	to netip.AddrPort
}

type sendBatch struct {
	conn   *net.UDPConn
	queued []outDatagram
	gso    bool // never
}

func newSendBatch(conn *net.UDPConn, _ bool) (*sendBatch, error) { return &sendBatch{conn: conn}, nil }

func (s *sendBatch) add(b []byte, l *link) {
	s.queued = append(s.queued, outDatagram{b, l.remote})
}

func (s *sendBatch) flush() (done flushed) {
	for _, d := range s.queued {
		if _, err := s.conn.WriteToUDPAddrPort(d.b, d.to); err == nil {
			done.sent++
		}
	}
	s.queued = s.queued[:0]
	return done
}

func growBuffers(conn *net.UDPConn, bytes int) (read, write int) {
	if conn.SetReadBuffer(bytes) != nil || conn.SetWriteBuffer(bytes) != nil {
		return 0, 0
	}
	return bytes, bytes
}
