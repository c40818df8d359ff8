package media

import (
	"errors"
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
	from   sources // of the clients
	queue  chan tapped
	free   sync.Pool
	closed chan struct{}
	once   sync.Once
}

// mostSources bounds what is remembered of clients' addresses, twice: those on which nothing has come for long give way.
const mostSources = 4096

// sources remembers which address of this machine each client has sent to last, where there are several: an answer from another one is none to the client.
type sources struct {
	mu       sync.Mutex
	now, was map[netip.AddrPort]netip.Addr
}

// note remembers. Any goroutine.
func (s *sources) note(client netip.AddrPort, at netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil || len(s.now) >= mostSources {
		s.now, s.was = map[netip.AddrPort]netip.Addr{}, s.now
	}
	s.now[client] = at
}

// control has a datagram to a client leave from there; nil leaves the choice to the system.
func (s *sources) control(client netip.AddrPort) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.now[client]
	if !ok {
		at, ok = s.was[client]
	}
	if !ok {
		return nil
	}
	return sourceControl(at)
}

type tapped struct {
	b    *[datagramSize]byte
	n    int
	from netip.AddrPort
}

func newTap(conn *net.UDPConn, local net.Addr) *tap {
	return &tap{
		conn: conn, local: local, queue: make(chan tapped, tapQueue), closed: make(chan struct{}),
		free: sync.Pool{New: func() any { return new([datagramSize]byte) }},
	}
}

// openTaps makes the taps for what clients are told, before the loop starts.
func (sh *Shard) openTaps(addrs []net.Addr) {
	for _, a := range addrs {
		if n := familyOfUDP(a); sh.taps[n] == nil {
			sh.taps[n] = newTap(sh.conn, a)
		}
	}
}

func familyOfUDP(a net.Addr) int { return familyOf(a.(*net.UDPAddr).AddrPort().Addr().Unmap()) }

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

// WriteTo sends STUN and DTLS, from the address that the client sent to.
func (t *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	if t.isClosed() {
		return 0, net.ErrClosed
	}
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.ErrWriteToConnected
	}
	at := netip.AddrPortFrom(udp.AddrPort().Addr().Unmap(), udp.AddrPort().Port())
	n, _, err := t.conn.WriteMsgUDPAddrPort(b, t.from.control(at), at)
	return n, err
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

// mux is pion's UDP muxes over the taps, one for each family of which clients are told an address, with every advertised address as a candidate although there is
// one socket.
type mux struct {
	of    [2]*ice.UDPMuxDefault // by family; nil: none is advertised
	addrs []net.Addr
}

func newMux(sh *Shard, addrs []net.Addr, logs *pionLogs) *mux {
	m := &mux{addrs: addrs}
	for n, t := range sh.taps {
		if t != nil {
			m.of[n] = ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: logs.NewLogger("mux"), UDPConn: t})
		}
	}
	return m
}

// GetListenAddresses lists what the candidates are made of.
func (m *mux) GetListenAddresses() []net.Addr { return m.addrs }

// GetConn gives the same connection for each of the addresses of a family: what pion asks for is not what the socket is bound to.
func (m *mux) GetConn(ufrag string, at net.Addr) (net.PacketConn, error) {
	one := m.of[familyOfUDP(at)]
	return one.GetConn(ufrag, one.LocalAddr())
}

// RemoveConnByUfrag ends the connections of one client.
func (m *mux) RemoveConnByUfrag(ufrag string) {
	for _, one := range m.of {
		if one != nil {
			one.RemoveConnByUfrag(ufrag)
		}
	}
}

// Close ends all of them.
func (m *mux) Close() error {
	var errs []error
	for _, one := range m.of {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}
