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
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/webrtc/v3"

	"calls/guard"
)

const (
	defaultSocketBuffer = 16 << 20
	defaultRingPackets  = 512
	defaultStuck        = 250 * time.Millisecond
	certificateLife     = 24 * time.Hour // pion's certificates last a month; peers made later get a new one
)

// ErrClosed is what a closed Server or Peer answers.
var ErrClosed = errors.New("media: closed")

// Server owns the sockets and the shards.
type Server struct {
	cfg   Config
	addr  netip.AddrPort
	shard *Shard // one for now; Shard(name) will choose
	mux   *mux
	logs  pionLogs

	mu          sync.Mutex
	closed      bool
	peers       map[*Peer]struct{}
	certificate *webrtc.Certificate
	certified   time.Time
}

// Listen opens the sockets and starts the loops.
func Listen(cfg Config) (*Server, error) {
	if err := checkDTLSField(); err != nil {
		return nil, err
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	packet, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp4", cfg.Listen.String())
	if err != nil {
		return nil, fmt.Errorf("opening the media port: %w", err)
	}
	conn := packet.(*net.UDPConn)
	s := &Server{cfg: cfg, addr: conn.LocalAddr().(*net.UDPAddr).AddrPort(), logs: pionLogs{cfg.Log}, peers: map[*Peer]struct{}{}}
	addrs, err := s.candidates()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s.shard = newShard(conn, 0, &s.cfg, s.panicked)
	s.shard.tap.local = addrs[0]
	s.shard.stats.readBuffer, s.shard.stats.writeBuffer = growBuffers(conn, cfg.SocketBuffer)
	if err := s.shard.start(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	s.mux = &mux{
		UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{Logger: s.logs.NewLogger("mux"), UDPConn: s.shard.tap}),
		addrs:         addrs,
	}
	cfg.Log.Info("media port open", "addr", s.addr, "candidates", addrs, "read_buffer", s.shard.stats.readBuffer, "write_buffer", s.shard.stats.writeBuffer)
	return s, nil
}

func (c *Config) complete() error {
	if !c.Listen.IsValid() || !c.Listen.Addr().Is4() {
		return fmt.Errorf("media address %v: an IPv4 address and port is needed", c.Listen)
	}
	if c.SocketBuffer == 0 {
		c.SocketBuffer = defaultSocketBuffer
	}
	if c.RingPackets == 0 {
		c.RingPackets = defaultRingPackets
	}
	if c.RingPackets < 16 || c.RingPackets&(c.RingPackets-1) != 0 || c.RingPackets > 1<<16 {
		return fmt.Errorf("ring of %d packets: a power of two from 16 to 65536 is needed", c.RingPackets)
	}
	for _, a := range c.Advertise {
		if !a.Is4() || a.IsUnspecified() {
			return fmt.Errorf("advertised address %v: an IPv4 address is needed", a)
		}
	}
	if c.Stuck == nil {
		c.Stuck = func() time.Duration { return defaultStuck }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// candidates lists the addresses that clients are told.
func (s *Server) candidates() (addrs []net.Addr, err error) {
	ips := s.cfg.Advertise
	if len(ips) == 0 && !s.addr.Addr().IsUnspecified() {
		ips = []netip.Addr{s.addr.Addr()}
	}
	if len(ips) == 0 {
		if ips, err = localAddrs(); err != nil {
			return nil, err
		}
	}
	port := s.cfg.AdvertisePort
	if port == 0 {
		port = s.addr.Port()
	}
	for _, ip := range ips {
		addrs = append(addrs, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
	}
	if len(addrs) == 0 {
		return nil, errors.New("this machine has no IPv4 address that clients could reach: name one to advertise")
	}
	return addrs, nil
}

func localAddrs() (ips []netip.Addr, err error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("looking for addresses to advertise: %w", err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP.To4()); ok && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
				ips = append(ips, ip)
			}
		}
	}
	return ips, nil
}

// Addr is the address that the socket got.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Shard is the shard that the session of this name belongs to, for its whole life.
func (s *Server) Shard(string) *Shard { return s.shard }

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
	err := s.mux.Close()
	return errors.Join(err, s.shard.close())
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
	defer s.mu.Unlock()
	delete(s.peers, p)
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
