package media

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/stun"
)

// stranger is a socket that is nobody's.
type stranger struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
}

func (ts *testServer) stranger(t *testing.T) *stranger {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ownAddr(t), 0)))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &stranger{t, conn, ts.Addr()}
}

func (s *stranger) addr() netip.AddrPort { return s.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (s *stranger) send(b []byte) {
	s.t.Helper()
	_, err := s.conn.WriteToUDPAddrPort(b, s.to)
	must(s.t, err)
}

// arrive has datagrams come in a row, from anywhere, and calls after behind each. The clients themselves go on sending meanwhile, but nothing of theirs comes
// in between.
func (ts *testServer) arrive(after func(n int), datagrams ...datagramFrom) {
	ts.onLoop(func() {
		for n, d := range datagrams {
			ts.shards[0].current.Load().ingress(append(make([]byte, 0, datagramSize), d.b...), route{addr: d.from.addr()})
			after(n)
		}
	})
}

// datagramFrom is a datagram and where it comes from.
type datagramFrom struct {
	b    []byte
	from *stranger
}

// sealedBy makes a packet as the client would seal it: with the keys that the server opens with.
func (c *testClient) sealedBy(h rtp.Header, index uint64, payload []byte) (b []byte) {
	p := rtp.Packet{Header: h, Payload: payload}
	plain, err := p.Marshal()
	must(c.t, err)
	onLoop(c.peer.Shard(), func() {
		b = c.peer.link.keys.in.sealRTP(append(make([]byte, 0, len(plain)+maxTagSize), plain...), rtpHeaderSize, h.SSRC, index)
	})
	return b
}

func TestClientThatChangedItsAddress(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	ts.forward(src, slot)
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(slot)) == 1, "the first packet came") })
	home := alice.peer.Stats().Remote
	var ssrc uint32
	ts.onLoop(func() { ssrc = src.ssrc })
	header := func(seq uint64) rtp.Header {
		return rtp.Header{Version: 2, PayloadType: opusType, SequenceNumber: uint16(seq), Timestamp: uint32(seq) * 960, SSRC: ssrc}
	}
	first := uint64(65500)

	forger, moved, late := ts.stranger(t), ts.stranger(t), ts.stranger(t)
	forged := alice.sealedBy(header(first+1), first+1, []byte("forged"))
	forged[len(forged)-1]++
	there := alice.sealedBy(header(first+3), first+3, []byte("moved"))
	earlier := alice.sealedBy(header(first+2), first+2, []byte("late"))
	var got []PeerStats
	ts.arrive(func(int) { got = append(got, alice.peer.Stats()) }, datagramFrom{forged, forger}, datagramFrom{there, moved}, datagramFrom{earlier, late}, datagramFrom{there, late})
	if got[0].Remote != home || got[0].AuthFailures != 1 {
		t.Errorf("after a forged packet: %+v", got[0])
	}
	if got[1].Remote != moved.addr() {
		t.Errorf("the client is at %v, sent to %v", moved.addr(), got[1].Remote)
	}
	if got[2].Remote != moved.addr() {
		t.Errorf("a packet sent earlier moved the client to %v", got[2].Remote)
	}
	if got[3].Remote != moved.addr() || got[3].Replays != 1 {
		t.Errorf("after a replay: %+v", got[3])
	}
	until(t, func() string {
		return unless(len(bob.from(slot)) == 3, "%d packets were forwarded, should be the first, one from the new address and one that was late", len(bob.from(slot)))
	})
	for i, want := range []string{"moved", "late"} {
		if p := bob.from(slot)[i+1]; string(p.Payload) != want {
			t.Errorf("packet %d says %q, want %q", i+1, p.Payload, want)
		}
	}
}

// bindingRequest makes a check with the given username and password.
func bindingRequest(t *testing.T, username, password string, more ...stun.Setter) []byte {
	t.Helper()
	setters := append([]stun.Setter{stun.BindingRequest, stun.TransactionID, stun.NewUsername(username)}, more...)
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(password), stun.Fingerprint)...)
	must(t, err)
	return m.Raw
}

func TestOnlyAuthenticSTUNIsHeard(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	var a, b credential
	ts.onLoop(func() {
		a, b = alice.peer.link.credentials[0], bob.peer.link.credentials[0]
	})
	home := alice.peer.Stats().Remote
	s := ts.stranger(t)
	bare, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(a.ufrag+":x"))
	must(t, err)
	cut := bindingRequest(t, a.ufrag+":x", a.password)
	silent := [][]byte{
		bindingRequest(t, "nobody:x", "whatever"), bindingRequest(t, a.ufrag+":x", "wrong"), bindingRequest(t, a.ufrag+":x", b.password),
		bindingRequest(t, a.ufrag, a.password), bare.Raw, cut[:len(cut)-4],
		dtlsHello(nil, 1), // from an address that no check came from
	}
	for n, m := range silent {
		ts.arrive(func(int) {
			if got := alice.peer.Stats().Remote; got != home {
				t.Errorf("check %d moved the client to %v", n, got)
			}
		}, datagramFrom{m, s})
	}
	// Now an authentic check: the only one that is answered.
	good := bindingRequest(t, a.ufrag+":"+remoteUfrag(t, alice), a.password, stun.RawAttribute{Type: stunAttrUseCandidate})
	s.send(good)
	buf := make([]byte, 1500)
	n, err := s.conn.Read(buf)
	must(t, err)
	answer := stun.Message{Raw: buf[:n]}
	must(t, answer.Decode())
	var want stun.Message
	want.Raw = good
	must(t, want.Decode())
	if answer.TransactionID != want.TransactionID || answer.Type != stun.BindingSuccess {
		t.Errorf("the answer is %v", answer)
	}
	if got := alice.peer.Stats().Remote; got != s.addr() {
		t.Errorf("a nominated address was not taken over: %v", got)
	}
	// Bob's password does not give him alice's address while she is there.
	if ts.claims(bob, s.addr()) {
		t.Error("one client took the address of another")
	}
}

// claims says whether the address would become the client's.
func (ts *testServer) claims(c *testClient, addr netip.AddrPort) (ok bool) {
	ts.onLoop(func() { ok = ts.shards[0].table.learn(c.peer.link, route{addr: addr}, ts.shards[0].current.Load().now) })
	return ok
}

func remoteUfrag(t *testing.T, c *testClient) string {
	cred, ok := localCredential(c.pc.LocalDescription().SDP)
	if !ok {
		t.Fatal("the client's description has no credentials")
	}
	return cred.ufrag
}

func TestGarbageDoesNoHarm(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	ts.forward(src, slot)
	s := ts.stranger(t)
	var ssrc uint32
	var cred credential
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(slot)) == 1, "the first packet came") })
	ts.onLoop(func() { ssrc, cred = src.ssrc, alice.peer.link.credentials[0] })
	r := rand.New(rand.NewPCG(1, 2))
	valid := bindingRequest(t, cred.ufrag+":"+remoteUfrag(t, alice), cred.password)
	const n = 3000
	sent := 1
	for i := range n {
		b := make([]byte, r.IntN(1500))
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		switch {
		case len(b) > 12 && i%4 == 0: // an RTP or RTCP packet of alice's stream
			b[0], b[1] = 0x80|b[0]&0x3f, byte(72+i%3*64)
			binary.BigEndian.PutUint32(b[4+i%2*4:], ssrc)
		case i%4 == 1: // a broken check
			b = append([]byte{}, valid...)
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		case len(b) > 0 && i%4 == 2:
			b[0] = byte(20 + i%44)
		}
		s.send(b)
		if i%10 == 0 {
			must(t, track.WriteRTP(opus(sent)))
			sent++
			// What is on its way fits into every buffer: see keepsUp.
			until(t, func() string { got := len(bob.from(slot)); return unless(got >= sent-5, "%d of %d came", got, sent) })
		}
	}
	until(t, func() string { return unless(len(bob.from(slot)) == sent, "%d of %d came", len(bob.from(slot)), sent) })
	if p := ts.recovered(); len(p) > 0 {
		t.Errorf("panic: %v\n%s", p[0].Reason, p[0].Stack)
	}
	ts.onLoop(func() {
		tb := &ts.shards[0].table
		if len(tb.byRoute.of) > 4 || len(tb.bySSRC.of) > 8 || len(alice.peer.link.streams) != 1 || len(alice.peer.link.rtcpSeen) > 4 {
			t.Errorf("garbage left its mark: %d addresses, %d SSRCs, %d streams", len(tb.byRoute.of), len(tb.bySSRC.of), len(alice.peer.link.streams))
		}
	})
}

// dtlsHello makes a ClientHello with these profiles, cut into fragments of one datagram each.
func dtlsHello(list []profile, fragments int) []byte {
	out := []byte{}
	for _, d := range dtlsHelloFragments(list, fragments) {
		out = append(out, d...)
	}
	return out
}

func dtlsHelloFragments(list []profile, fragments int) (datagrams [][]byte) {
	ext := binary.BigEndian.AppendUint16(nil, uint16(2*len(list)))
	for _, p := range list {
		ext = binary.BigEndian.AppendUint16(ext, uint16(p))
	}
	ext = append(ext, 0) // no MKI
	exts := []byte{0, 23, 0, 0}
	exts = binary.BigEndian.AppendUint16(exts, dtlsExtensionUseSRTP)
	exts = binary.BigEndian.AppendUint16(exts, uint16(len(ext)))
	exts = append(exts, ext...)
	body := append([]byte{0xfe, 0xfd}, make([]byte, 32)...)
	body = append(body, 0, 0)          // no session, no cookie
	body = append(body, 0, 2, 0xc0, 1) // a cipher suite
	body = append(body, 1, 0)          // no compression
	body = binary.BigEndian.AppendUint16(body, uint16(len(exts)))
	body = append(body, exts...)
	size := (len(body) + fragments - 1) / fragments
	for at := 0; at < len(body); at += size {
		part := body[at:min(at+size, len(body))]
		hs := append([]byte{dtlsClientHello}, be24Bytes(len(body))...)
		hs = append(hs, 0, 0)
		hs = append(append(hs, be24Bytes(at)...), be24Bytes(len(part))...)
		hs = append(hs, part...)
		record := []byte{dtlsRecordHandshake, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, byte(at)}
		record = binary.BigEndian.AppendUint16(record, uint16(len(hs)))
		datagrams = append(datagrams, append(record, hs...))
	}
	return datagrams
}

func be24Bytes(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }

func TestHelloIsReadFromFragmentsInAnyOrder(t *testing.T) {
	list := []profile{profileCM, profileGCM, 8}
	for fragments := 1; fragments <= 9; fragments++ {
		for range 10 {
			datagrams := dtlsHelloFragments(list, fragments)
			rand.Shuffle(len(datagrams), func(i, j int) { datagrams[i], datagrams[j] = datagrams[j], datagrams[i] })
			var r helloReader
			times := 0
			for _, d := range append(datagrams, datagrams...) { // all of it again, as after a loss
				got, done := r.feed(d)
				if !done {
					continue
				}
				times++
				if len(got) != 3 || got[0] != profileCM || got[1] != profileGCM {
					t.Fatalf("%d fragments: %v", fragments, got)
				}
			}
			if times != 1 {
				t.Fatalf("%d fragments: decided %d times", fragments, times)
			}
		}
	}
}

func TestSTUNIntegrity(t *testing.T) {
	raw := bindingRequest(t, "a:b", "secret", stun.RawAttribute{Type: stunAttrUseCandidate})
	m, ok := parseSTUN(raw)
	if !ok || string(m.localUfrag()) != "a" || !m.useCandidate || !m.authentic([]byte("secret")) || m.authentic([]byte("Secret")) {
		t.Fatalf("%+v %v", m, ok)
	}
	// An attribute behind MESSAGE-INTEGRITY does not count: anybody could have added it.
	plain := bindingRequest(t, "a:b", "secret")
	plain = plain[:len(plain)-8] // the fingerprint
	forged := append(append([]byte{}, plain...), 0, stunAttrUseCandidate, 0, 0)
	binary.BigEndian.PutUint16(forged[2:], uint16(len(forged)-stunHeaderSize))
	m, ok = parseSTUN(forged)
	if !ok || m.useCandidate || !m.authentic([]byte("secret")) {
		t.Errorf("%+v %v", m, ok)
	}
}

func FuzzIngressParsers(f *testing.F) {
	f.Add(dtlsHello([]profile{profileGCM}, 3))
	f.Add([]byte{0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 0x80, 0, 0, 1, 2, 3})
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		classify(b)
		if m, ok := parseSTUN(b); ok {
			m.localUfrag()
			m.authentic([]byte("x"))
		}
		if h, ok := parseRTP(b); ok {
			if h.size > len(b) {
				t.Fatal("header longer than the packet")
			}
			for id := range uint8(16) {
				h.extension(id)
			}
			if payload, ok := unpad(b[h.size:], h.padding); ok && len(payload) > len(b)-h.size {
				t.Fatal("payload longer than the packet")
			}
			isVP8Keyframe(b[h.size:])
		}
		if wellFormedDTLS(b) {
			var r helloReader
			r.feed(b)
			if len(r.body) > maxClientHello {
				t.Fatal("hello beyond its limit")
			}
		}
	})
}

// FuzzAuthentic feeds what an authenticated client may send: whatever it seals, RTP or RTCP.
func FuzzAuthentic(f *testing.F) {
	r := newRig(f, profileGCM, Video, 2)
	f.Add(true, []byte{0x80, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 100, 0, 1, 0xff, 0xff})
	f.Add(true, []byte{0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0})
	f.Add(false, append([]byte{0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}, keyframePayload(50)...))
	index := uint32(0)
	f.Fuzz(func(t *testing.T, control bool, b []byte) {
		if len(b) < rtpHeaderSize || len(b) > 1400 {
			return
		}
		b = append(make([]byte, 0, datagramSize), b...)
		if control {
			b[0], b[1] = b[0]&0x3f|0x80, 192+b[1]%32
			index++
			r.publisher.rtcpBudget = 10
			r.l.ingress(r.sealer.sealRTCP(b, index), r.from)
		} else {
			b[0] = b[0]&0x3f | 0x80
			b[1] &= 0xe0
			b[1] |= 96 & 0x1f
			h, ok := parseRTP(b)
			if !ok {
				return
			}
			w := &window{}
			if st := r.publisher.streams[h.ssrc]; st != nil {
				w = &st.seen
			}
			if i, ok := w.extend(h.seq); ok {
				r.l.ingress(r.sealer.sealRTP(b, h.size, h.ssrc, i), r.from)
			}
		}
		r.turn()
		r.sh.table.tick(r.l)
	})
}
