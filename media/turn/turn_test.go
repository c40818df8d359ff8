package turn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"calls/guard"
	"calls/media/turn"
	"calls/media/turn/turntest"
)

// far is a peer: who sends to the relayed address and is sent to.
type far struct {
	t    *testing.T
	conn *net.UDPConn
	at   netip.AddrPort
}

func newFar(t *testing.T) far {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return far{t, conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

type arrived struct {
	text string
	from netip.AddrPort
}

func config(t *testing.T, s turn.Server) (turn.Config, chan arrived) {
	came := make(chan arrived, 1000)
	return turn.Config{
		Server:   s,
		Received: func(b []byte, from netip.AddrPort) { came <- arrived{string(b), from} },
		OnPanic:  func(f guard.Failure) { t.Errorf("panic: %v\n%s", f.Reason, f.Stack) },
	}, came
}

func within(t *testing.T, what <-chan struct{}, why string) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(time.Minute):
		t.Fatal("still unmet: " + why)
	}
}

// talk sends both ways until each has heard the other, several times, so that the short form comes into use as well.
func talk(t *testing.T, c *turn.Client, came chan arrived, f far) {
	t.Helper()
	heard := make(chan string, 1000)
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := f.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if from == c.Relayed() {
				heard <- string(buf[:n])
			}
		}
	}()
	for i := range 30 {
		size := 1 + i*41 // of every remainder
		there, back := fmt.Sprintf("%d %s", i, strings.Repeat("t", size)), fmt.Sprintf("%d %s", i, strings.Repeat("b", size))
		deadline := time.Now().Add(time.Minute)
		for gotThere, gotBack := false, false; !gotThere || !gotBack; {
			if time.Now().After(deadline) {
				t.Fatalf("message %d: there %v, back %v", i, gotThere, gotBack)
			}
			if err := c.Send([]byte(there), f.at); err != nil {
				t.Fatal(err)
			}
			if _, err := f.conn.WriteToUDPAddrPort([]byte(back), c.Relayed()); err != nil {
				t.Fatal(err)
			}
			again := time.After(100 * time.Millisecond)
			for waiting := true; waiting && (!gotThere || !gotBack); {
				select {
				case s := <-heard:
					gotThere = gotThere || s == there
				case a := <-came:
					gotBack = gotBack || (a.text == back && a.from == f.at)
				case <-again:
					waiting = false
				}
			}
		}
	}
}

func TestDatagramsGoBothWays(t *testing.T) {
	for network, server := range map[string]*turntest.Server{"udp": turntest.Start(t, "127.0.0.1:0"), "tcp": turntest.StartTCP(t, nil)} {
		t.Run(network, func(t *testing.T) {
			cfg, came := config(t, server.Over(network))
			c, err := turn.Allocate(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			server.Until(1)
			f := newFar(t)
			c.Permit(f.at.Addr())
			c.Permit(f.at.Addr())
			talk(t, c, came, f)
			c.Close()
			within(t, c.Over(), "the end of the client")
			server.Until(0)
			if err := c.Send([]byte("late"), f.at); err == nil || c.Err() != nil {
				t.Errorf("after the end: %v, %v", err, c.Err())
			}
		})
	}
}

// Over TLS the certificate is checked: nobody in between learns the credentials' proof, or who talks to whom.
func TestAServerIsKnownByItsCertificate(t *testing.T) {
	server := turntest.StartTCP(t, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	cfg, _ := config(t, server.Over("tls"))
	if c, err := turn.Allocate(t.Context(), cfg); err == nil {
		c.Close()
		t.Error("a certificate of nobody's was taken")
	} else if !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	what := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, what, what, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestNobodySendsWithoutAPermission(t *testing.T) {
	server := turntest.Start(t, "127.0.0.1:0")
	cfg, came := config(t, server.Over("udp"))
	c, err := turn.Allocate(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := newFar(t)
	for range 20 {
		if _, err := f.conn.WriteToUDPAddrPort([]byte("early"), c.Relayed()); err != nil {
			t.Fatal(err)
		}
	}
	c.Permit(f.at.Addr())
	talk(t, c, came, f) // by the end of which what was sent before would have come
	select {
	case a := <-came:
		if a.text == "early" {
			t.Error("somebody was heard without a permission")
		}
	default:
	}
}

func TestServersThatGiveNothing(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	server := turntest.Start(t, "127.0.0.1:0")
	for name, c := range map[string]struct {
		server turn.Server
		says   string
	}{
		"nobody there":   {turn.Server{Network: "udp", Addr: closed.LocalAddr().String()}, "refused"},
		"no TCP there":   {turn.Server{Network: "tcp", Addr: closed.LocalAddr().String()}, "refused"},
		"silent":         {turn.Server{Network: "udp", Addr: silent.LocalAddr().String()}, "no answer"},
		"wrong password": {turn.Server{Network: "udp", Addr: server.Addr(), Username: turntest.Username, Password: "wrong"}, "the server refuses"},
		"no network":     {turn.Server{Network: "sctp", Addr: server.Addr()}, "no network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, _ := config(t, c.server)
			got, err := turn.Allocate(context.Background(), cfg)
			if err == nil {
				got.Close()
				t.Fatal("an allocation")
			}
			if !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "wrong") {
				t.Errorf("it says %v, expected %q", err, c.says)
			}
		})
	}
	t.Run("given up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cfg, _ := config(t, turn.Server{Network: "udp", Addr: silent.LocalAddr().String()})
		done := make(chan struct{})
		go func() { defer close(done); _, err = turn.Allocate(ctx, cfg) }()
		cancel()
		within(t, done, "the end of the attempt")
		if err == nil {
			t.Error("no error")
		}
	})
}

// A server that dies is noticed by what is sent to it, and the end is told.
func TestALostServerIsNoticed(t *testing.T) {
	server := turntest.Start(t, "127.0.0.1:0")
	cfg, _ := config(t, server.Over("udp"))
	c, err := turn.Allocate(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	deadline := time.After(time.Minute)
	for lost := false; !lost; {
		_ = c.Send([]byte("x"), netip.MustParseAddrPort("127.0.0.1:9"))
		select {
		case <-c.Done():
			lost = true
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatal("still not noticed")
		}
	}
	if c.Err() == nil {
		t.Error("it does not say why")
	}
	within(t, c.Over(), "the end of the client")
}

// Whatever a server sends, the process stays, and a client that makes no sense of it ends.
func TestServersThatSendNonsense(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nonsense := [][]byte{{0xff, 0xff, 0xff, 0xff}, {0, 1, 0xff, 0xff}, {0x40, 0, 0xff, 0xff, 1}, make([]byte, 5000), {}}
	go func() {
		for i := 0; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write(nonsense[i%len(nonsense)])
			_ = conn.Close()
		}
	}()
	for range nonsense {
		cfg, _ := config(t, turn.Server{Network: "tcp", Addr: l.Addr().String()})
		if c, err := turn.Allocate(t.Context(), cfg); err == nil {
			c.Close()
			t.Error("an allocation")
		}
	}
}

func FuzzHandle(f *testing.F) {
	head := func(kind uint16, body ...byte) []byte {
		b := binary.BigEndian.AppendUint16(nil, kind)
		b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
		return append(append(b, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), body...)
	}
	f.Add(head(0x0017, 0, 0x12, 0, 8, 0, 1, 1, 2, 3, 4, 5, 6, 0, 0x13, 0, 1, 7, 0, 0, 0))
	f.Add(head(0x0113, 0, 9, 0, 4, 0, 0, 4, 38))
	f.Add([]byte{0x40, 0, 0, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) { turn.Handle(b) })
}
