package media

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/pion/ice/v2"
)

// tapQueue is how many datagrams wait for pion. Beyond them they are dropped, as a full socket would: STUN and DTLS repeat themselves.
const tapQueue = 1024

// tap is the socket as pion sees it: it reads what the loop has looked at and passes on, and nothing else. It writes to the real one.
type tap struct {
	conn   *net.UDPConn
	local  net.Addr
	queue  chan tapped
	free   sync.Pool
	closed chan struct{}
	once   sync.Once
}

type tapped struct {
	b    *[datagramSize]byte
	n    int
	from netip.AddrPort
}

func newTap(conn *net.UDPConn) *tap {
	return &tap{
		conn: conn, local: conn.LocalAddr(), queue: make(chan tapped, tapQueue), closed: make(chan struct{}),
		free: sync.Pool{New: func() any { return new([datagramSize]byte) }},
	}
}

// deliver hands a copy of a datagram to pion and says whether there was room.
func (t *tap) deliver(b []byte, from netip.AddrPort) bool {
	buf := t.free.Get().(*[datagramSize]byte)
	select {
	case t.queue <- tapped{buf, copy(buf[:], b), from}:
		return true
	default:
		t.free.Put(buf)
		return false
	}
}

// ReadFrom returns the next datagram for pion.
func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-t.queue:
		n := copy(b, d.b[:d.n])
		t.free.Put(d.b)
		return n, net.UDPAddrFromAddrPort(d.from), nil
	case <-t.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends STUN and DTLS.
func (t *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	if t.isClosed() {
		return 0, net.ErrClosed
	}
	return t.conn.WriteTo(b, to)
}

func (t *tap) isClosed() bool {
	select {
	case <-t.closed:
		return true
	default:
		return false
	}
}

func (t *tap) close() { t.once.Do(func() { close(t.closed) }) }

// Close is pion's. The socket itself is the shard's.
func (t *tap) Close() error { t.close(); return nil }

// LocalAddr is the address in the candidate.
func (t *tap) LocalAddr() net.Addr { return t.local }

// SetDeadline is not supported: reading ends with Close, writing never waits.
func (t *tap) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline is not supported.
func (t *tap) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline is not supported.
func (t *tap) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// mux is pion's UDP mux over a tap, with every advertised address as a candidate although there is one socket.
type mux struct {
	*ice.UDPMuxDefault
	addrs []net.Addr
}

// GetListenAddresses lists what the candidates are made of.
func (m *mux) GetListenAddresses() []net.Addr { return m.addrs }

// GetConn gives the same connection for each of the addresses: what pion asks for is not what the socket is bound to.
func (m *mux) GetConn(ufrag string, _ net.Addr) (net.PacketConn, error) {
	return m.UDPMuxDefault.GetConn(ufrag, m.LocalAddr())
}
