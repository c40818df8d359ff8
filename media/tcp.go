package media

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v2"

	"calls/guard"
)

const (
	maxConnections = 4096 // of all clients
	maxOfOneHost   = 256  // a company behind one address may have many clients, but not all
	discardPort    = 9    // of pion's candidate for a relay where nobody listens
	tcpTapQueue    = 64   // STUN and DTLS of one client's connections that wait for pion
)

// tcpServer takes the connections of clients that cannot use UDP.
type tcpServer struct {
	server   *Server
	listener net.Listener
	addrs    []net.Addr
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	streams map[netip.AddrPort]*stream
	hosts   map[netip.Addr]int
	refused uint64
}

func (s *Server) listenTCP() error {
	if !s.cfg.ListenTCP.IsValid() {
		return nil
	}
	at := s.cfg.ListenTCP
	if at.Port() == 0 { // the same as UDP's, which is known now
		at = netip.AddrPortFrom(at.Addr(), s.addr.Port())
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), network("tcp", at.Addr()), at.String())
	if err != nil {
		return fmt.Errorf("opening the media port for TCP: %w", err)
	}
	t := &tcpServer{server: s, listener: listener, streams: map[netip.AddrPort]*stream{}, hosts: map[netip.Addr]int{}}
	if t.addrs, err = s.candidates(listener.Addr().(*net.TCPAddr).AddrPort()); err != nil {
		_ = listener.Close()
		return err
	}
	s.tcp = t
	t.running.Add(1)
	guard.Go("media over TCP", func() { defer t.running.Done(); t.accept() }, s.panicked)
	return nil
}

// accept takes connections until the listener is closed.
func (t *tcpServer) accept() {
	for {
		conn, err := t.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many open files, for example: it may get better
			time.Sleep(50 * time.Millisecond)
			continue
		}
		t.serve(newStream(conn))
	}
}

// serve runs a connection, unless there are too many.
func (t *tcpServer) serve(s *stream) {
	if !t.enter(s) {
		s.close()
		return
	}
	t.running.Add(2)
	guard.Go("reading a connection", func() {
		defer t.running.Done()
		defer t.forget(s)
		s.read(func(b []byte) { t.hand(s, b) })
	}, t.server.panicked)
	guard.Go("writing a connection", func() {
		defer t.running.Done()
		defer s.close()
		s.write()
	}, t.server.panicked)
}

func (t *tcpServer) enter(s *stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	host := hostOf(s.addr)
	if t.closed || len(t.streams) >= maxConnections || t.hosts[host] >= maxOfOneHost || t.streams[s.addr] != nil {
		t.refused++
		return false
	}
	t.streams[s.addr] = s
	t.hosts[host]++
	return true
}

// hostOf is what connections are counted by: an address, or a network of IPv6, of which one machine may have every address.
func hostOf(a netip.AddrPort) netip.Addr {
	if a.Addr().Is4() {
		return a.Addr()
	}
	p, err := a.Addr().Prefix(64)
	if err != nil {
		return a.Addr()
	}
	return p.Addr()
}

// forget ends a connection and tells the loop that holds it.
func (t *tcpServer) forget(s *stream) {
	s.close()
	t.mu.Lock()
	if t.streams[s.addr] == s {
		delete(t.streams, s.addr)
		if host := hostOf(s.addr); t.hosts[host] > 1 {
			t.hosts[host]--
		} else {
			delete(t.hosts, host)
		}
	}
	t.mu.Unlock()
	if lk := s.owner.Load(); lk != nil {
		lk.sh.Schedule(func() { lk.loseConnection(s) })
	}
}

// hand gives a datagram to the shard of the client, or to any while it is not known whose the connection is: that one finds out.
func (t *tcpServer) hand(s *stream, b []byte) {
	sh := t.server.shards[0]
	lk := s.owner.Load()
	if lk != nil {
		sh = lk.sh
	}
	if !sh.deliver(b, route{addr: s.addr, conn: s}, netip.Addr{}, lk == nil) {
		s.handled()
	}
}

// find may be called on none.
func (t *tcpServer) find(at netip.AddrPort) *stream {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.streams[at]
}

func (t *tcpServer) close() error {
	err := t.listener.Close()
	t.mu.Lock()
	t.closed = true
	for _, s := range t.streams {
		s.close()
	}
	t.mu.Unlock()
	t.running.Wait()
	return err
}

// loseConnection runs on the loop.
func (lk *link) loseConnection(s *stream) {
	for _, r := range slices.Clone(lk.known) {
		if r.conn == s {
			lk.forget(r)
			lk.sh.table.byRoute.drop(r, lk)
		}
	}
	if lk.remote.conn == s {
		lk.remote = route{}
	}
}

// tcpMux is where pion gets one client's connections from, and what comes by its relay, which is given to pion as if it were one. pion makes one candidate of each
// family, whatever addresses the machine has.
type tcpMux struct {
	server *Server
	link   *link
}

// GetConnByUfrag gives what pion reads and writes; the one before, if pion has restarted ICE, gets nothing any more.
func (m *tcpMux) GetConnByUfrag(_ string, _ bool, local net.IP) (net.PacketConn, error) {
	t := &tcpTap{mux: m, local: local, queue: make(chan tapped, tcpTapQueue), closed: make(chan struct{})}
	m.link.tcpTaps[familyOfIP(local)].Store(t)
	return t, nil
}

// RemoveConnByUfrag has nothing to do: pion closes what it got.
func (m *tcpMux) RemoveConnByUfrag(string) {}

// Close likewise: the connections are the server's.
func (m *tcpMux) Close() error { return nil }

// tcpTap is a client's connections as pion sees them: STUN and DTLS that the loop has looked at.
type tcpTap struct {
	mux    *tcpMux
	local  net.IP
	queue  chan tapped
	closed chan struct{}
	once   sync.Once
}

// deliver hands a copy of a datagram to pion and says whether there was room.
func (t *tcpTap) deliver(b []byte, from netip.AddrPort) bool {
	buf := new([datagramSize]byte)
	select {
	case t.queue <- tapped{buf, copy(buf[:], b), from}:
		return true
	default:
		return false
	}
}

// ReadFrom returns the next datagram for pion.
func (t *tcpTap) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-t.queue:
		return copy(b, d.b[:d.n]), net.TCPAddrFromAddrPort(d.from), nil
	case <-t.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends STUN and DTLS, on a connection that is this client's, or by its relay.
func (t *tcpTap) WriteTo(b []byte, to net.Addr) (int, error) {
	at, lk := addrOf(to), t.mux.link
	s := t.mux.server.tcp.find(at)
	if s == nil || s.owner.Load() != lk {
		s = lk.relay
	}
	if s == nil {
		return 0, net.ErrClosed
	}
	if !s.put(b, at, false) {
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

// Close is pion's.
func (t *tcpTap) Close() error { t.once.Do(func() { close(t.closed) }); return nil }

// LocalAddr is the address in pion's candidate.
func (t *tcpTap) LocalAddr() net.Addr {
	if tcp := t.mux.server.tcp; tcp != nil {
		return &net.TCPAddr{IP: t.local, Port: tcp.listener.Addr().(*net.TCPAddr).Port}
	}
	return &net.TCPAddr{IP: t.local, Port: discardPort}
}

// SetDeadline is not supported: reading ends with Close, writing never waits.
func (t *tcpTap) SetDeadline(time.Time) error { return os.ErrNoDeadline }

// SetReadDeadline is not supported.
func (t *tcpTap) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

// SetWriteDeadline is not supported.
func (t *tcpTap) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

var _ ice.TCPMux = (*tcpMux)(nil)

func familyOfIP(ip net.IP) int {
	if ip.To4() != nil {
		return 0
	}
	return 1
}

// standsIn says whether pion is to make a TCP candidate of an address.
func (s *Server) standsIn(ip net.IP) bool { return slices.ContainsFunc(s.locals, ip.Equal) }

// candidatesFor puts what clients are to be told in the place of pion's one TCP candidate of a family; a UDP candidate stays as it is.
func (s *Server) candidatesFor(line string) (lines []string) {
	fields := strings.Split(line, " ") // foundation, component, protocol, priority, address, port, …
	if len(fields) < 8 || !strings.EqualFold(fields[2], "tcp") {
		return []string{line}
	}
	if s.tcp == nil { // a relay's
		return nil
	}
	family := familyOfIP(net.ParseIP(fields[4]))
	for _, a := range s.tcp.addrs {
		at := a.(*net.UDPAddr)
		if familyOfIP(at.IP) != family {
			continue
		}
		fields[4], fields[5] = at.IP.String(), strconv.Itoa(at.Port)
		lines = append(lines, strings.Join(fields, " "))
	}
	return lines
}

// describe does the same for a whole description, and adds the candidate of the relay. If that is still to come, the candidates have no end yet.
func (p *Peer) describe(sdp string) string {
	relay := p.relay.candidate()
	var out strings.Builder
	out.Grow(len(sdp) + 200)
	for line := range strings.Lines(sdp) {
		value, is := strings.CutPrefix(line, "a=candidate:")
		switch {
		case is:
			bare := strings.TrimRight(value, "\r\n")
			for _, c := range p.server.candidatesFor(bare) {
				out.WriteString("a=candidate:" + c + value[len(bare):])
			}
			if relay != "" {
				out.WriteString("a=candidate:" + relay + value[len(bare):])
				relay = ""
			}
		case p.relay == nil || !strings.HasPrefix(line, "a=end-of-candidates"):
			out.WriteString(line)
		}
	}
	return out.String()
}
