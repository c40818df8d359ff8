package media

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/pion/transport/v2"
	"github.com/pion/transport/v2/stdnet"
	"github.com/pion/webrtc/v3"

	"calls/guard"
)

const (
	defaultSocketBuffer = 16 << 20
	defaultRingPackets  = 512
	mostDefaultShards   = 4
	maxShards           = 64
	defaultStuck        = 250 * time.Millisecond
	certificateLife     = 24 * time.Hour // pion's certificates last a month; peers made later get a new one
)

// ErrClosed is what a closed Server or Peer answers.
var ErrClosed = errors.New("media: closed")

// Server owns the sockets and the shards.
type Server struct {
	cfg    Config
	addr   netip.AddrPort
	shards []*Shard
	tcp    *tcpServer // nil: no media over TCP
	locals []net.IP   // that pion makes TCP candidates of, for connections and for relays
	logs   *pionLogs
	// network is the machine's as pion sees it, once: a peer that has none of its own asks the kernel for all addresses.
	network transport.Net

	relayPause time.Duration // before a TURN server is asked again; fixed

	mu          sync.Mutex
	closed      bool
	peers       map[*Peer]struct{}
	groups      map[string]*group
	certificate *webrtc.Certificate
	certified   time.Time
}

// group is peers that hear each other. They share a shard, so that a packet never changes the loop on its way.
type group struct {
	shard *Shard
	peers int
}

// Listen opens the sockets and starts the loops.
func Listen(cfg Config) (*Server, error) {
	if err := checkDTLSField(); err != nil {
		return nil, err
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	conns, err := openSockets(cfg.Listen, cfg.Shards)
	if err != nil {
		return nil, err
	}
	network, err := stdnet.NewNet()
	if err != nil {
		closeAll(conns)
		return nil, fmt.Errorf("looking at the network: %w", err)
	}
	s := &Server{
		cfg: cfg, addr: conns[0].LocalAddr().(*net.UDPAddr).AddrPort(), logs: newPionLogs(cfg.Log), network: network, relayPause: relayPause,
		peers: map[*Peer]struct{}{}, groups: map[string]*group{},
	}
	addrs, err := s.candidates(s.addr)
	if err != nil {
		closeAll(conns)
		return nil, err
	}
	if err = s.startShards(conns, addrs); err == nil {
		err = s.listenTCP()
	}
	if err == nil {
		err = s.findStandIns()
	}
	if err != nil {
		_ = s.Close()
		closeAll(conns)
		return nil, err
	}
	first := &s.shards[0].stats
	cfg.Log.Info("media port open", "addr", s.addr, "candidates", addrs, "tcp", s.TCPAddr(), "shards", len(s.shards), "read_buffer", first.readBuffer, "write_buffer", first.writeBuffer)
	return s, nil
}

// startShards gives each socket its loop and its mux.
func (s *Server) startShards(conns []*net.UDPConn, addrs []net.Addr) error {
	var d *directory
	if len(conns) > 1 {
		d = newDirectory()
	}
	for n, conn := range conns {
		sh := newShard(conn, n, &s.cfg, d, s.panicked)
		sh.openTaps(addrs)
		sh.stats.readBuffer, sh.stats.writeBuffer = growBuffers(conn, s.cfg.SocketBuffer)
		if err := sh.start(); err != nil {
			return err
		}
		sh.mux = newMux(sh, addrs, s.logs)
		s.shards = append(s.shards, sh)
	}
	return nil
}

// defaultShards leaves half of the machine to the kernel, which does most of the work of sending, and to the rest of the plugin. On two processors a second loop
// brought nothing: as much was forwarded, at the same cost a packet, and what came to the other loop's socket was a quarter of a millisecond later.
func defaultShards(processors int) int { return min(max(1, processors/2), mostDefaultShards) }

func listenUDP(addr netip.AddrPort, control func(network, address string, c syscall.RawConn) error) (*net.UDPConn, error) {
	lc := net.ListenConfig{Control: control}
	c, err := lc.ListenPacket(context.Background(), network("udp", addr.Addr()), addr.String())
	if err != nil {
		return nil, fmt.Errorf("opening the media port: %w", err)
	}
	return c.(*net.UDPConn), nil
}

func closeAll(conns []*net.UDPConn) {
	for _, c := range conns {
		_ = c.Close()
	}
}

func (c *Config) complete() error {
	if err := c.checkAddresses(); err != nil {
		return err
	}
	if c.SocketBuffer == 0 {
		c.SocketBuffer = defaultSocketBuffer
	}
	if c.RingPackets == 0 {
		c.RingPackets = defaultRingPackets
	}
	if c.Shards == 0 {
		c.Shards = defaultShards(runtime.GOMAXPROCS(0))
	}
	if c.Shards < 0 || c.Shards > maxShards {
		return fmt.Errorf("%d shards: 1 to %d are possible", c.Shards, maxShards)
	}
	if c.RingPackets < 16 || c.RingPackets&(c.RingPackets-1) != 0 || c.RingPackets > 1<<16 {
		return fmt.Errorf("ring of %d packets: a power of two from 16 to 65536 is needed", c.RingPackets)
	}
	if c.Stuck == nil {
		c.Stuck = func() time.Duration { return defaultStuck }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// TCPAddr is where media over TCP is taken; not valid: nowhere.
func (s *Server) TCPAddr() netip.AddrPort {
	if s.tcp == nil {
		return netip.AddrPort{}
	}
	return s.tcp.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Addr is the address that the socket got.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Shards are all of them, for those who look at what they do.
func (s *Server) Shards() []*Shard { return s.shards }

// Close ends all peers and loops and closes the sockets.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	peers := make([]*Peer, 0, len(s.peers))
	for p := range s.peers {
		peers = append(peers, p)
	}
	s.mu.Unlock()
	for _, p := range peers {
		_ = p.Close()
	}
	var errs []error
	if s.tcp != nil {
		errs = append(errs, s.tcp.close())
	}
	for _, sh := range s.shards {
		errs = append(errs, sh.mux.Close(), sh.close())
	}
	return errors.Join(errs...)
}

// assign chooses the shard of a peer: that of its group, or for the first of a group the one with the fewest peers.
func (s *Server) assign(name string) *Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		g = &group{shard: s.leastBusy()}
		s.groups[name] = g
	}
	g.peers++
	g.shard.peers++
	return g.shard
}

// leastBusy is called with mu held.
func (s *Server) leastBusy() *Shard {
	least := s.shards[0]
	for _, sh := range s.shards[1:] {
		if sh.peers < least.peers {
			least = sh
		}
	}
	return least
}

// release takes back what assign gave.
func (s *Server) release(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	g.shard.peers--
	if g.peers--; g.peers == 0 {
		delete(s.groups, name)
	}
}

func (s *Server) enter(p *Peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.peers[p] = struct{}{}
	return nil
}

func (s *Server) forget(p *Peer) {
	s.mu.Lock()
	delete(s.peers, p)
	s.mu.Unlock()
	s.release(p.cfg.group())
}

// dtlsCertificate is shared by the peers of a day: making one costs more than the rest of a join.
func (s *Server) dtlsCertificate() (webrtc.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.certificate == nil || time.Since(s.certified) > certificateLife {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return webrtc.Certificate{}, err
		}
		if s.certificate, err = webrtc.GenerateCertificate(key); err != nil {
			return webrtc.Certificate{}, err
		}
		s.certified = time.Now()
	}
	return *s.certificate, nil
}

func (s *Server) panicked(f guard.Failure) {
	s.cfg.Log.Error("recovered", "where", f.Name, "reason", fmt.Sprint(f.Reason), "stack", string(f.Stack))
	if s.cfg.OnPanic != nil {
		s.cfg.OnPanic(f)
	}
}
