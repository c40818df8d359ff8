package media

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun"
	"github.com/pion/webrtc/v3"
)

func newTCPServer(t *testing.T, shards int) *testServer {
	ts := newTestServerWith(t, Config{Shards: min(shards, mostShards), ListenTCP: netip.AddrPortFrom(ownAddr(t), 0)})
	if ts.TCPAddr() != ts.Addr() {
		t.Fatalf("TCP at %v, UDP at %v", ts.TCPAddr(), ts.Addr())
	}
	return ts
}

var overTCP = []webrtc.NetworkType{webrtc.NetworkTypeTCP4}

func TestClientsOverTCPTalk(t *testing.T) {
	for name, networks := range map[string][2][]webrtc.NetworkType{"both": {overTCP, overTCP}, "to UDP": {overTCP, nil}, "from UDP": {nil, overTCP}} {
		t.Run(name, func(t *testing.T) {
			ts := newTCPServer(t, 2)
			alice := ts.joinWith(t, "alice", clientOptions{group: "call", networks: networks[0]})
			bob := ts.joinWith(t, "bob", clientOptions{group: "call", networks: networks[1]})
			if a, b := alice.peer.Stats().TCP, bob.peer.Stats().TCP; a != (networks[0] != nil) || b != (networks[1] != nil) {
				t.Fatalf("over TCP: alice %v, bob %v", a, b)
			}
			track, src := alice.publish(Audio)
			slot := bob.subscribe(Audio)
			ts.forward(src, slot)
			const n = 200
			sent := make([]*rtp.Packet, n)
			for i := range sent {
				sent[i] = opus(i)
				must(t, track.WriteRTP(sent[i]))
				bob.keepsUp(slot, i)
			}
			until(t, func() string { return unless(len(bob.from(slot)) >= n, "%d of %d came", len(bob.from(slot)), n) })
			checkRow(t, sent, bob.from(slot))
			must(t, alice.peer.Close())
			must(t, bob.peer.Close())
			until(t, func() string {
				ts.tcp.mu.Lock()
				defer ts.tcp.mu.Unlock()
				return unless(len(ts.tcp.streams)+len(ts.tcp.hosts) == 0, "%d connections are left", len(ts.tcp.streams))
			})
		})
	}
}

func TestTCPCandidatesAreThoseAdvertised(t *testing.T) {
	ts := newTestServerWith(t, Config{ListenTCP: netip.AddrPortFrom(ownAddr(t), 0), Advertise: mustAddrs("203.0.113.5", "203.0.113.6"), AdvertisePort: 4444})
	events := make(chan Event, 20)
	answer := ts.answer(t, func(e Event) { events <- e }, "")
	for _, want := range []string{" 1 tcp 1671430143 203.0.113.5 4444 typ host tcptype passive", " 1 tcp 1671430143 203.0.113.6 4444 typ host tcptype passive"} {
		if strings.Count(answer, want) != 1 {
			t.Errorf("no %q in the answer:\n%s", want, answer)
		}
	}
	if n := strings.Count(answer, "a=candidate:"); n != 8 {
		t.Errorf("%d candidates in the answer, of two protocols, two addresses and two components:\n%s", n, answer)
	}
	trickled := map[string]bool{}
	for len(trickled) < 4 {
		if c, ok := (<-events).(LocalCandidate); ok {
			trickled[c.Candidate.Candidate] = true
		}
	}
}

// dial opens a connection of nobody's.
func (ts *testServer) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp4", ts.TCPAddr().String())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

func TestConnectionsOfStrangers(t *testing.T) {
	ts := newTCPServer(t, 2)
	alice := ts.joinWith(t, "alice", clientOptions{networks: overTCP})
	home := alice.peer.Stats().Remote
	var cred credential
	onLoop(alice.peer.Shard(), func() { cred = alice.peer.link.credentials[0] })

	for name, b := range map[string][]byte{"nothing": {0, 0}, "too much": {0xff, 0xff, 1}} {
		conn := ts.dial(t)
		_, err := conn.Write(b)
		must(t, err)
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: an answer", name)
		}
	}
	conn := ts.dial(t)
	r := rand.New(rand.NewPCG(4, 5))
	for i := range 500 {
		b := make([]byte, 1+r.IntN(1500))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		if i%3 == 0 {
			b[0] = byte(20 + i%44)
		}
		_, err := conn.Write(framed(b))
		must(t, err)
	}
	_, err := conn.Write(framed(bindingRequest(t, cred.ufrag+":x", "wrong")))
	must(t, err)
	// The same connection, now with the right password.
	good := bindingRequest(t, cred.ufrag+":"+remoteUfrag(t, alice), cred.password)
	_, err = conn.Write(framed(good))
	must(t, err)
	head := make([]byte, frameHeader)
	_, err = io.ReadFull(conn, head)
	must(t, err)
	b := make([]byte, binary.BigEndian.Uint16(head))
	_, err = io.ReadFull(conn, b)
	must(t, err)
	answer := stun.Message{Raw: b}
	must(t, answer.Decode())
	if answer.Type != stun.BindingSuccess || alice.peer.Stats().Remote != home || alice.peer.Stats().AuthFailures == 0 {
		t.Errorf("answer %v, alice %+v", answer.Type, alice.peer.Stats())
	}
	if p := ts.recovered(); len(p) > 0 {
		t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	ts := newTCPServer(t, 1)
	conns := make([]net.Conn, maxOfOneHost)
	for i := range conns {
		conns[i] = ts.dial(t)
	}
	until(t, func() string {
		ts.tcp.mu.Lock()
		defer ts.tcp.mu.Unlock()
		return unless(len(ts.tcp.streams) == maxOfOneHost, "%d connections", len(ts.tcp.streams))
	})
	if _, err := ts.dial(t).Read(make([]byte, 1)); err == nil {
		t.Error("one too many was taken")
	}
	_ = conns[0].Close()
	until(t, func() string {
		ts.tcp.mu.Lock()
		defer ts.tcp.mu.Unlock()
		return unless(len(ts.tcp.streams) == maxOfOneHost-1, "%d connections", len(ts.tcp.streams))
	})
}

// unread is a connection whose other end reads nothing.
func unread(t *testing.T) (s *stream, other net.Conn) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	other, err = net.Dial("tcp4", l.Addr().String())
	must(t, err)
	t.Cleanup(func() { _ = other.Close() })
	must(t, other.(*net.TCPConn).SetReadBuffer(4<<10))
	conn, err := l.Accept()
	must(t, err)
	s = newStream(conn)
	t.Cleanup(s.close)
	return s, other
}

// TestReceiverThatDoesNotRead costs only itself.
func TestReceiverThatDoesNotRead(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 3)
	s, other := unread(t)
	done := make(chan struct{})
	go func() { defer close(done); s.write() }()
	victim := r.slots[1].link
	victim.moveTo(route{addr: s.addr, conn: s}, r.l.now)
	s.belongs(victim)
	const n = 5000
	for range n {
		r.feed(make([]byte, 900), opusType)
		r.turn()
	}
	for i, slot := range r.slots {
		if got := slot.link.counters.packetsOut.Load(); got != n {
			t.Errorf("listener %d was sent %d", i, got)
		}
	}
	if got := r.sh.Stats(); got.DatagramsOut != 3*n || got.SendDropped > 0 {
		t.Errorf("%+v", got)
	}
	if dropped := victim.counters.dropped.Load(); dropped < n/2 {
		t.Errorf("only %d of the victim's were dropped", dropped)
	}
	s.mu.Lock()
	waiting, newest := len(s.queue), s.queue[len(s.queue)-1]
	s.mu.Unlock()
	if waiting > streamQueue-streamReserve {
		t.Errorf("%d wait", waiting)
	}
	if seq := binary.BigEndian.Uint16(newest.b[frameHeader+2:]); seq != uint16(r.slots[1].given.top) {
		t.Errorf("the newest in the queue is number %d, sent last was %d", seq, uint16(r.slots[1].given.top))
	}
	if !s.put([]byte("not media"), s.addr, false) {
		t.Error("no room for what is not media")
	}
	s.close()
	<-done
	_ = other.Close()
}

func TestFramesArriveInOrder(t *testing.T) {
	s, other := unread(t)
	done := make(chan struct{})
	go func() { defer close(done); s.write() }()
	const n = 2000
	go func() {
		for i := range uint32(n) {
			for len(s.more) > 0 && i%64 == 63 { // leave the writer time
				<-time.After(100 * time.Microsecond)
			}
			s.put(binary.BigEndian.AppendUint32(nil, i), s.addr, true)
		}
	}()
	must(t, other.SetDeadline(time.Now().Add(time.Minute)))
	last := -1
	for last < n-1 {
		b := make([]byte, frameHeader+4)
		_, err := io.ReadFull(other, b)
		must(t, err)
		got := int(binary.BigEndian.Uint32(b[frameHeader:]))
		if b[1] != 4 || got <= last {
			t.Fatalf("frame % x after %d", b, last)
		}
		last = got
	}
	s.close()
	<-done
}
