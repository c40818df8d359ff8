package media

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"calls/media/turn"
	"calls/media/turn/turntest"
)

// heeded is a description as a client sees it that is to use the relay alone: without any other candidate.
func (c *testClient) heeded(sdp string) string {
	if !c.relay {
		return sdp
	}
	var out strings.Builder
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate:") || strings.Contains(line, " typ relay ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// heedRelay gives such a client what came of the relay since.
func (c *testClient) heedRelay() {
	if !c.relay {
		return
	}
	for _, told := range c.relayCandidates() {
		_ = c.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: told.Candidate, SDPMid: told.SDPMid, SDPMLineIndex: told.SDPMLineIndex}) // again and again: it knows them
	}
}

func (c *testClient) relayCandidates() (list []Candidate) {
	for _, e := range c.allEvents() {
		if told, ok := e.(LocalCandidate); ok && strings.Contains(told.Candidate.Candidate, " typ relay ") {
			list = append(list, told.Candidate)
		}
	}
	return list
}

// relayRig is a server that has relays, and what came of them.
type relayRig struct {
	*testServer
	mu     sync.Mutex
	states []error
	asked  []string
}

func newRelayRig(t *testing.T, cfg Config, servers ...turn.Server) *relayRig {
	r := &relayRig{}
	cfg.Relays = func(name string) []turn.Server {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked = append(r.asked, name)
		return servers
	}
	cfg.OnRelay = func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.states = append(r.states, err)
	}
	r.testServer = newTestServerWith(t, cfg)
	return r
}

// says waits for what came of the n-th attempt to get a relay.
func (r *relayRig) says(t *testing.T, n int) (err error) {
	until(t, func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.states) < n {
			return fmt.Sprintf("attempt %d to get a relay", n)
		}
		err = r.states[n-1]
		return ""
	})
	return err
}

var byRelay = clientOptions{group: "call", networks: []webrtc.NetworkType{webrtc.NetworkTypeUDP4}, loopback: true, relay: true}

func TestClientsThatCanUseTheRelayAloneTalk(t *testing.T) {
	tcp := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0)
	for name, cfg := range map[string]Config{"beside TCP": {ListenTCP: tcp}, "without TCP": {}} {
		t.Run(name, func(t *testing.T) {
			server := turntest.Start(t, "127.0.0.1:0")
			ts := newRelayRig(t, cfg, server.Over("udp"))
			alice, bob := ts.joinWith(t, "alice", byRelay), ts.joinWith(t, "bob", clientOptions{group: "call"})
			if s := alice.peer.Stats(); !s.Relay || s.TCP || bob.peer.Stats().Relay {
				t.Fatalf("alice %+v, bob %+v", s, bob.peer.Stats())
			}
			for _, pair := range [][2]*testClient{{alice, bob}, {bob, alice}} {
				track, src := pair[0].publish(Video)
				slot := pair[1].subscribe(Video)
				ts.forward(src, slot)
				const n = 100
				sent := make([]*rtp.Packet, n)
				for i := range sent {
					sent[i] = vp8(i, true)
					must(t, track.WriteRTP(sent[i]))
					pair[1].keepsUp(slot, i)
				}
				until(t, func() string {
					return unless(len(pair[1].from(slot)) >= n, "%d of %d came", len(pair[1].from(slot)), n)
				})
				checkRow(t, sent, pair[1].from(slot))
			}
			server.Until(2)
			must(t, alice.peer.Close())
			server.Until(1)
			must(t, bob.peer.Close())
			server.Until(0)
			if asked := ts.asked; !slices.Equal(asked, []string{"alice", "bob"}) {
				t.Errorf("credentials were made for %v", asked)
			}
			if p := ts.recovered(); len(p) > 0 {
				t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
			}
		})
	}
}

func TestTheRelayIsToldInDescriptionsAndTrickled(t *testing.T) {
	server := turntest.Start(t, "127.0.0.1:0")
	ts := newRelayRig(t, Config{}, server.Over("udp"))
	alice := ts.joinWith(t, "alice", clientOptions{})
	until(t, func() string { return unless(len(alice.relayCandidates()) == 1, "a candidate: %v", alice.allEvents()) })
	told := alice.relayCandidates()[0]
	if told.UsernameFragment == nil || *told.SDPMid != "0" || !strings.HasPrefix(told.Candidate, "candidate:") {
		t.Errorf("%+v", told)
	}
	if _, err := alice.peer.AddSlot(Audio); err != nil {
		t.Fatal(err)
	}
	offer := alice.renegotiate()
	line := "a=" + told.Candidate + "\r\n"
	if strings.Count(offer, line) != 1 || strings.Contains(offer, " tcp ") || strings.Contains(offer, "end-of-candidates") {
		t.Errorf("the offer has not %q once, or more than it should:\n%s", line, offer)
	}
}

// A TURN server that is dead or refuses costs nobody anything: clients connect as ever, and the failure is told.
func TestDeadTURNServers(t *testing.T) {
	silent, silentAt := udpSocket(t)
	closed, closedAt := udpSocket(t)
	_ = closed.Close()
	_ = silent
	good := turntest.Start(t, "127.0.0.1:0")
	wrong := good.Over("udp")
	wrong.Password = "wrong"
	ts := newRelayRig(t, Config{}, turn.Server{Network: "udp", Addr: closedAt.String()}, wrong)
	alice := ts.joinWith(t, "alice", clientOptions{})
	if err := ts.says(t, 1); err == nil || !strings.Contains(err.Error(), "refuse") {
		t.Errorf("it says %v", err)
	}
	if len(alice.relayCandidates()) > 0 || alice.peer.Stats().Relay {
		t.Error("a relay from nowhere")
	}
	must(t, alice.peer.Close())

	ts = newRelayRig(t, Config{}, turn.Server{Network: "udp", Addr: silentAt.String()})
	begun := time.Now()
	bob := ts.joinWith(t, "bob", clientOptions{}) // while the server is waited for
	must(t, bob.peer.Close())
	t.Logf("joined and left after %v", time.Since(begun))

	ts = newRelayRig(t, Config{}, turn.Server{Network: "udp", Addr: closedAt.String()}, good.Over("udp"))
	carol := ts.joinWith(t, "carol", byRelay) // the second server will do
	if err := ts.says(t, 1); err != nil || !carol.peer.Stats().Relay {
		t.Errorf("%v, %+v", err, carol.peer.Stats())
	}
}

// A relay that is lost is replaced, and the client told.
func TestALostRelayIsReplaced(t *testing.T) {
	server := turntest.Start(t, "127.0.0.1:0")
	ts := newRelayRig(t, Config{}, server.Over("udp"))
	ts.relayPause = 10 * time.Millisecond
	alice := ts.joinWith(t, "alice", byRelay)
	server.Close()
	lk := alice.peer.link
	until(t, func() string { // what is sent shows that nobody is there
		lk.relay.put([]byte{0}, netip.MustParseAddrPort("127.0.0.1:9"), true)
		ts.mu.Lock()
		defer ts.mu.Unlock()
		return unless(slices.ContainsFunc(ts.states, func(err error) bool { return err != nil }), "the loss")
	})
	until(t, func() string { return unless(alice.peer.link.counters.relay.Load(), "the relay was the way") })
	again := turntest.Start(t, server.Addr())
	until(t, func() string { return unless(len(alice.relayCandidates()) > 1, "another candidate") })
	must(t, alice.peer.Close())
	again.Until(0)
}

// A relay is one client's: whoever else comes that way is nobody, whatever they know.
func TestNobodyElseComesByARelay(t *testing.T) {
	server := turntest.Start(t, "127.0.0.1:0")
	ts := newRelayRig(t, Config{}, server.Over("udp"))
	alice, bob := ts.joinWith(t, "alice", byRelay), ts.joinWith(t, "bob", clientOptions{})
	var cred, own credential
	onLoop(bob.peer.Shard(), func() { cred = bob.peer.link.credentials[0] })
	onLoop(alice.peer.Shard(), func() { own = alice.peer.link.credentials[0] })
	at := netip.MustParseAddrPort(relayedAt(alice))
	conn, _ := udpSocket(t)
	before := bob.peer.Stats()
	buf := make([]byte, 1500)
	until(t, func() string { // alice's own request comes through, so bob's have, too
		for range 3 {
			_, err := conn.WriteToUDPAddrPort(bindingRequest(t, cred.ufrag+":"+remoteUfrag(t, bob), cred.password), at)
			must(t, err)
		}
		_, err := conn.WriteToUDPAddrPort(bindingRequest(t, own.ufrag+":"+remoteUfrag(t, alice), own.password), at)
		must(t, err)
		must(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
		_, from, err := conn.ReadFromUDPAddrPort(buf)
		return unless(err == nil && from == at, "an answer by the relay: %v", err)
	})
	until(t, func() string {
		return unless(bob.peer.Stats().AuthFailures > before.AuthFailures, "the requests in bob's name: %+v", bob.peer.Stats())
	})
	if bob.peer.Stats().Remote != before.Remote || bob.peer.Stats().Relay {
		t.Errorf("bob was led astray: %+v", bob.peer.Stats())
	}
}

func relayedAt(c *testClient) string {
	f := strings.Fields(c.relayCandidates()[0].Candidate)
	return net.JoinHostPort(f[4], f[5])
}

func TestWhoMaySendToARelay(t *testing.T) {
	for _, c := range []struct {
		candidate string
		want      string
	}{
		{"candidate:1 1 udp 1 192.0.2.1 1 typ host", "192.0.2.1"},
		{"1 1 UDP 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 1", "192.0.2.1"},
		{"1 1 udp 1 ::ffff:192.0.2.1 1 typ host", "192.0.2.1"},
		{"1 1 udp 1 2001:db8::1 1 typ host", ""}, {"1 1 tcp 1 192.0.2.1 9 typ host tcptype active", ""},
		{"1 1 udp 1 3f1c.local 1 typ host", ""}, {"1 1 udp 1 0.0.0.0 1 typ host", ""}, {"1 1 udp 1 224.0.0.1 1 typ host", ""},
		{"1 1 udp 1 255.255.255.255 1 typ host", ""}, {"1 1 udp", ""}, {"", ""},
	} {
		a, ok := candidateAddr(c.candidate)
		if ok != (c.want != "") || (ok && a.String() != c.want) {
			t.Errorf("%q: %v %v", c.candidate, a, ok)
		}
	}
	at := netip.MustParseAddr
	for _, c := range []struct {
		who, relay string
		may        bool
	}{
		{"192.0.2.1", "203.0.113.1", true}, {"10.0.0.1", "203.0.113.1", true}, {"127.0.0.1", "203.0.113.1", false}, {"169.254.169.254", "203.0.113.1", false},
		{"127.0.0.1", "127.0.0.1", true}, {"169.254.1.1", "127.0.0.1", false}, {"169.254.1.1", "169.254.2.2", true},
	} {
		if mayPermit(at(c.who), at(c.relay)) != c.may {
			t.Errorf("%s by a relay at %s: %v", c.who, c.relay, !c.may)
		}
	}
	r := &relay{}
	for i := range 500 {
		r.allow(fmt.Sprintf("1 1 udp 1 10.0.%d.%d 1 typ host", i/200, i%200))
	}
	if len(r.permits) != mostPermitted {
		t.Errorf("%d permissions", len(r.permits))
	}
}

// A relay that does not take what is sent, for its server reads nothing, loses its own packets and keeps a bounded number.
func TestARelayThatIsStuckCostsItself(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 3)
	victim := r.slots[1].link
	victim.relay = newRelayStream(victim)
	victim.moveTo(route{addr: netip.MustParseAddrPort("127.0.0.1:9"), conn: victim.relay}, r.l.now)
	const n = 2000
	for range n {
		r.feed(make([]byte, 100), opusType)
		r.turn()
	}
	for i, slot := range r.slots {
		if got := slot.link.counters.packetsOut.Load(); got != n {
			t.Errorf("listener %d was sent %d", i, got)
		}
	}
	if waiting := len(victim.relay.queue); waiting > streamQueue || victim.counters.dropped.Load() < n/2 {
		t.Errorf("%d wait, %d were dropped", waiting, victim.counters.dropped.Load())
	}
}
