package media

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

var loopback6 = netip.IPv6Loopback()

// needsIPv6 leaves a test out on a machine without IPv6. Where all of this is meant to be proved, that must not go unnoticed.
func needsIPv6(t testing.TB) {
	t.Helper()
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err == nil {
		_ = c.Close()
		return
	}
	if os.Getenv("CI") == "true" {
		fmt.Fprintf(os.Stderr, "\n*** NOT TESTED, this machine has no ::1 (%v): %s ***\n\n", err, t.Name())
	}
	t.Skipf("this machine has no ::1: %v", err)
}

func TestWhatClientsAreTold(t *testing.T) {
	own := mustAddrs("10.0.0.1", "172.17.0.1", "fd00::2", "2001:db8::2")
	for _, c := range []struct {
		listen          string
		advertise, want []netip.Addr
	}{
		{"0.0.0.0", nil, mustAddrs("10.0.0.1", "172.17.0.1")},
		{"::", nil, own},
		{"10.0.0.1", nil, mustAddrs("10.0.0.1")},
		{"fd00::2", nil, mustAddrs("fd00::2")},
		{"0.0.0.0", mustAddrs("203.0.113.1"), mustAddrs("203.0.113.1")},
		{"::", mustAddrs("203.0.113.1"), mustAddrs("203.0.113.1", "fd00::2", "2001:db8::2")},
		{"::", mustAddrs("2001:db8::9"), mustAddrs("10.0.0.1", "172.17.0.1", "2001:db8::9")},
		{"::", mustAddrs("2001:db8::9", "203.0.113.1"), mustAddrs("203.0.113.1", "2001:db8::9")},
		{"fd00::2", mustAddrs("203.0.113.1"), mustAddrs("fd00::2")},
	} {
		listen := netip.MustParseAddr(c.listen)
		got := append(told(listen, c.advertise, own, netip.Addr.Is4), told(listen, c.advertise, own, netip.Addr.Is6)...)
		if !slices.Equal(got, c.want) {
			t.Errorf("on %s with %v: %v, want %v", c.listen, c.advertise, got, c.want)
		}
	}
}

func TestPassingAddressesAreLeftOut(t *testing.T) {
	got := readPassing(`fd000000000000000000000000000002 02 40 00 80     eth0
20010db8000000000000000000000001 02 40 00 01     eth0
20010db8000000000000000000000002 02 40 00 20     eth0
20010db8000000000000000000000003 02 40 00 48     eth0
20010db8000000000000000000000004 02 40 00 c0     eth0
20010db8000000000000000000000005 02 40 00 00     eth0
nonsense
zz010db8000000000000000000000005 02 40 00 01     eth0
20010db8000000000000000000000006 02 40 00 zz     eth0
`)
	want := mustAddrs("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4")
	for _, a := range want {
		if !got[a] {
			t.Errorf("%v is no passing address", a)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestConnectionsOfOneNetworkOfIPv6CountTogether(t *testing.T) {
	at := func(s string) netip.Addr { return hostOf(netip.AddrPortFrom(netip.MustParseAddr(s), 1)) }
	if at("2001:db8::1") != at("2001:db8::ffff:1") || at("2001:db8::1") == at("2001:db8:0:1::1") || at("192.0.2.1") == at("192.0.2.2") {
		t.Error("hosts are told apart wrongly")
	}
}

// dualStack opens a socket of both families, and one client of each.
func dualStack(t *testing.T) (both *net.UDPConn, clients []*net.UDPConn) {
	needsIPv6(t)
	open := func(at string) *net.UDPConn {
		c, err := listenUDP(netip.MustParseAddrPort(at), nil)
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		growBuffers(c, 4<<20)
		must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		return c
	}
	return open("[::]:0"), []*net.UDPConn{open("127.0.0.1:0"), open("[::1]:0")}
}

func TestOneSocketOfBothFamilies(t *testing.T) {
	both, clients := dualStack(t)
	port := both.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	in, err := newRecvBatch(both)
	must(t, err)
	out, err := newSendBatch(both, true)
	must(t, err)
	for round := range 3 { // batches are used again
		for i, c := range clients {
			own := c.LocalAddr().(*net.UDPAddr).AddrPort()
			_, err := c.WriteToUDPAddrPort([]byte{byte(i)}, netip.AddrPortFrom(own.Addr(), port))
			must(t, err)
			n, err := in.recv()
			must(t, err)
			b, from := in.datagram(0)
			if n != 1 || !bytes.Equal(b, []byte{byte(i)}) || from != own {
				t.Fatalf("%d datagrams, % x from %v, which is %v", n, b, from, own)
			}
			if at := in.sentTo(0); at.IsValid() && at != own.Addr() {
				t.Errorf("sent to %v, not %v", at, own.Addr())
			}
			lk := &link{remote: route{addr: from}, local: in.sentTo(0)}
			sizes := []int{1000, 1000, 1000, 300, 300, 40 + round}
			for j, size := range sizes {
				out.add(bytes.Repeat([]byte{byte(j)}, size), lk)
			}
		}
		if done := out.flush(); done.sent != 12 || done.refused > 0 {
			t.Fatalf("%+v", done)
		}
		for _, c := range clients {
			for j, size := range []int{1000, 1000, 1000, 300, 300, 40 + round} {
				buf := make([]byte, 2000)
				n, from, err := c.ReadFromUDPAddrPort(buf)
				must(t, err)
				if n != size || buf[0] != byte(j) || from.Addr() != c.LocalAddr().(*net.UDPAddr).AddrPort().Addr() {
					t.Fatalf("datagram %d of %d bytes from %v", buf[0], n, from)
				}
			}
		}
	}
}

// newDualServer tells clients addresses of both families, of IPv6 the loopback's: a machine may have no other.
func newDualServer(t *testing.T) *testServer {
	needsIPv6(t)
	all := netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	return newTestServerWith(t, Config{Shards: mostShards, Listen: all, ListenTCP: all, Advertise: []netip.Addr{ownAddr(t), loopback6}})
}

func TestClientsOfBothFamiliesTalk(t *testing.T) {
	six, four := webrtc.NetworkTypeUDP6, webrtc.NetworkTypeUDP4
	for name, networks := range map[string][2]webrtc.NetworkType{
		"from IPv6": {six, four}, "to IPv6": {four, six}, "over TCP": {webrtc.NetworkTypeTCP6, six}, "TCP of both": {webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6},
	} {
		t.Run(name, func(t *testing.T) {
			ts := newDualServer(t)
			join := func(name string, n webrtc.NetworkType) *testClient {
				isSix := strings.HasSuffix(n.String(), "6")
				c := ts.joinWith(t, name, clientOptions{group: "call", networks: []webrtc.NetworkType{n}, loopback: true,
					addresses: func(ip net.IP) bool { return (ip.To4() == nil) == isSix }}) // over TCP pion does not heed the family
				if at := c.peer.Stats().Remote; at.Addr().Is6() != isSix || c.peer.Stats().TCP != (n.Protocol() == "tcp") {
					t.Fatalf("%s is at %v, over TCP %v", name, at, c.peer.Stats().TCP)
				}
				return c
			}
			alice, bob := join("alice", networks[0]), join("bob", networks[1])
			for _, kind := range []Kind{Audio, Video} {
				track, src := alice.publish(kind)
				slot := bob.subscribe(kind)
				ts.forward(src, slot)
				const n = 100
				sent := make([]*rtp.Packet, n)
				for i := range sent {
					if sent[i] = opus(i); kind == Video {
						sent[i] = vp8(i, true)
					}
					must(t, track.WriteRTP(sent[i]))
					bob.keepsUp(slot, i)
				}
				until(t, func() string {
					return unless(len(bob.from(slot)) >= n, "%d of %d %v came", len(bob.from(slot)), n, kind)
				})
				checkRow(t, sent, bob.from(slot))
			}
			if p := ts.recovered(); len(p) > 0 {
				t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
			}
		})
	}
}

func TestForwardingOverIPv6AllocatesNothing(t *testing.T) {
	needsIPv6(t)
	for _, at := range []string{"[::]:0", "[::1]:0"} {
		r := newRigOver(t, netip.MustParseAddrPort(at), profileGCM, Video, 20)
		payload := keyframePayload(1100)
		for range 600 {
			r.feed(payload, vp8Type)
			r.turn()
		}
		if n := testing.AllocsPerRun(300, func() { r.feed(payload, vp8Type); r.turn() }); n != 0 {
			t.Errorf("%s: %v allocations for a packet to 20 listeners", at, n)
		}
		if out := r.sh.Stats().DatagramsOut; out < 20*900 {
			t.Errorf("%s: only %d packets left: %+v", at, out, r.sh.Stats())
		}
	}
}

func TestCandidatesOfBothFamiliesAreTold(t *testing.T) {
	needsIPv6(t)
	all := netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	ts := newTestServerWith(t, Config{Listen: all, ListenTCP: all, Advertise: mustAddrs("203.0.113.5", "2001:db8::5"), AdvertisePort: 4444})
	answer := ts.answer(t, nil, "")
	for _, protocol := range []string{"udp", "tcp"} {
		for _, at := range []string{" 203.0.113.5 4444 typ host", " 2001:db8::5 4444 typ host"} {
			if !strings.Contains(answer, at) || strings.Count(answer, " 1 "+protocol+" ") != 2 {
				t.Errorf("over %s, %q is missing or something else is there:\n%s", protocol, at, answer)
			}
		}
	}
	only := newTestServerWith(t, Config{Listen: netip.AddrPortFrom(loopback6, 0)})
	if answer := only.answer(t, nil, ""); strings.Count(answer, "a=candidate:") != 2 || strings.Count(answer, " ::1 ") != 2 {
		t.Errorf("of IPv6 alone:\n%s", answer)
	}
}

// answer is what the server says to a client that offers a data channel, with more lines of its own at the end. onEvent, which may be nil, hears of the peer.
func (ts *testServer) answer(t *testing.T, onEvent func(Event), more string) string {
	t.Helper()
	p, err := ts.NewPeer(PeerConfig{Name: "a", OnEvent: onEvent})
	must(t, err)
	client, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	_, err = client.CreateDataChannel("x", nil)
	must(t, err)
	offer, err := client.CreateOffer(nil)
	must(t, err)
	answer, err := p.HandleOffer(offer.SDP + more)
	must(t, err)
	return answer
}

// Whatever a client claims to be reachable at costs nobody anything, and the client can still be answered.
func TestStrangeCandidates(t *testing.T) {
	ts := newDualServer(t)
	var lines strings.Builder
	for i := range 500 {
		at := []string{"::ffff:10.0.0.1", "fe80::1", "ff02::1", "::", "2001:db8::1", "64:ff9b::a00:1", "x.local", "192.0.2.1"}[i%8]
		fmt.Fprintf(&lines, "a=candidate:%d 1 udp 2130706431 %s %d typ host\r\n", i, at, 1000+i)
	}
	if answer := ts.answer(t, nil, lines.String()); !strings.Contains(answer, "a=candidate:") {
		t.Errorf("the answer has no candidates:\n%s", answer)
	}
	if p := ts.recovered(); len(p) > 0 {
		t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
	}
	for _, cfg := range []Config{
		{Listen: netip.MustParseAddrPort("[::ffff:127.0.0.1]:0")}, {Listen: netip.MustParseAddrPort("[fe80::1%lo]:0")},
		{Listen: netip.MustParseAddrPort("[::1]:0"), Advertise: mustAddrs("192.0.2.1")},
		{Listen: netip.MustParseAddrPort("[::]:0"), Advertise: mustAddrs("::ffff:192.0.2.1")}, {Listen: netip.MustParseAddrPort("[::]:0"), Advertise: mustAddrs("::")},
	} {
		if s, err := Listen(cfg); err == nil {
			_ = s.Close()
			t.Errorf("%v with %v was accepted", cfg.Listen, cfg.Advertise)
		}
	}
}
