// Package turntest is a TURN server for tests: somebody else's, on the loopback of this machine.
package turntest

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	turn2 "github.com/pion/turn/v2"

	"calls/media/turn"
)

// What the server takes.
const (
	Username = "1234:session"
	Password = "secret"
	realm    = "calls.test"
)

// Server is one that runs until the test ends.
type Server struct {
	t      testing.TB
	server *turn2.Server
	addr   string
	once   sync.Once

	mu    sync.Mutex
	users []string
	peers []netip.Addr
}

// Start runs a server for clients over UDP at an address, 127.0.0.1:0 for any port.
func Start(t testing.TB, at string) *Server {
	t.Helper()
	conn, err := net.ListenPacket("udp4", at)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, addr: conn.LocalAddr().String()}
	s.run(turn2.ServerConfig{PacketConnConfigs: []turn2.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: relays(), PermissionHandler: s.permits}}})
	return s
}

// StartTCP runs one for clients over TCP, or over TLS with a configuration.
func StartTCP(t testing.TB, secure *tls.Config) *Server {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, addr: l.Addr().String()}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	s.run(turn2.ServerConfig{ListenerConfigs: []turn2.ListenerConfig{{Listener: l, RelayAddressGenerator: relays(), PermissionHandler: s.permits}}})
	return s
}

func relays() turn2.RelayAddressGenerator {
	return &turn2.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"}
}

func (s *Server) run(cfg turn2.ServerConfig) {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	cfg.Realm, cfg.LoggerFactory = realm, quiet
	cfg.AuthHandler = func(username, realm string, _ net.Addr) ([]byte, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.users) == 0 || s.users[len(s.users)-1] != username {
			s.users = append(s.users, username)
		}
		return turn2.GenerateAuthKey(username, realm, Password), true
	}
	var err error
	if s.server, err = turn2.NewServer(cfg); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.Close)
}

func (s *Server) permits(_ net.Addr, peer net.IP) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := netip.AddrFromSlice(peer); ok {
		s.peers = append(s.peers, a.Unmap())
	}
	return true
}

// Close ends the server. It may be called twice.
func (s *Server) Close() { s.once.Do(func() { _ = s.server.Close() }) }

// Addr is where it listens.
func (s *Server) Addr() string { return s.addr }

// Over is the server with what it takes, over a network.
func (s *Server) Over(network string) turn.Server {
	return turn.Server{Network: network, Addr: s.addr, Username: Username, Password: Password}
}

// Allocations counts the relayed addresses that are given out. They are forgotten a moment after a client has given one back.
func (s *Server) Allocations() int { return s.server.AllocationCount() }

// Until waits until there are so many.
func (s *Server) Until(n int) {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for s.Allocations() != n {
		if time.Now().After(deadline) {
			s.t.Fatalf("%d allocations, expected %d", s.Allocations(), n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Users lists who has asked, a row of questions of one once.
func (s *Server) Users() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.users...)
}

// Peers lists who was to be permitted.
func (s *Server) Peers() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]netip.Addr(nil), s.peers...)
}
