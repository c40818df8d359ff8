package media

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"calls/guard"
)

// rig is a loop without its goroutine: one publisher and some listeners, turned by the test. Its packets go to a socket that nobody reads.
type rig struct {
	sh        *Shard
	l         *loop
	publisher *link
	src       *Source
	sealer    *srtpContext // as the publisher has it
	from      route
	slots     []*Slot
	lane      *forwarder
	scratch   []byte
	seq       uint64
}

func newRig(tb testing.TB, p profile, kind Kind, listeners int) *rig {
	return newRigOver(tb, netip.MustParseAddrPort("127.0.0.1:0"), p, kind, listeners)
}

// newRigOver is a rig whose socket listens there.
func newRigOver(tb testing.TB, at netip.AddrPort, p profile, kind Kind, listeners int) *rig {
	open := func(at netip.AddrPort) *net.UDPConn {
		c, err := listenUDP(at, nil)
		must(tb, err)
		tb.Cleanup(func() { _ = c.Close() })
		return c
	}
	away := netip.MustParseAddrPort("127.0.0.1:0")
	if at.Addr().Is6() {
		away = netip.AddrPortFrom(loopback6, 0)
	}
	conn, sink := open(at), open(away)
	cfg := Config{Log: slog.New(slog.DiscardHandler)}
	sh := newShard(conn, 0, &cfg, nil, func(f guard.Failure) { tb.Errorf("panic: %v\n%s", f.Reason, f.Stack) })
	l, err := newLoop(sh, 1)
	must(tb, err)
	sh.current.Store(l)
	r := &rig{sh: sh, l: l, from: route{addr: netip.MustParseAddrPort("127.0.0.1:9")}, seq: 1000, scratch: make([]byte, 0, datagramSize)}
	r.publisher = newLink(sh, "publisher", newProfiles())
	r.publisher.keys, r.sealer = rigKeys(tb, p), nil
	r.sealer = r.publisher.keys.in
	sh.table.add(r.publisher)
	sh.table.learn(r.publisher, r.from, l.now)
	r.publisher.moveTo(r.from, l.now)
	pt := uint8(opusType)
	if kind == Video {
		pt = vp8Type
	}
	r.publisher.setLines([]mediaLine{{stream: Stream{MID: "1", Kind: kind}, sends: true, ssrcs: []uint32{7}, types: []uint8{pt}}})
	r.src = newSource(r.publisher, Stream{MID: "1", Kind: kind}, 512)
	r.src.open()
	to := route{addr: sink.LocalAddr().(*net.UDPAddr).AddrPort()}
	for i := range listeners {
		lk := newLink(sh, "listener", newProfiles())
		lk.keys = rigKeys(tb, p)
		sh.table.add(lk)
		lk.moveTo(to, l.now)
		s := newSlot(lk, kind, newLocalTrack(kind))
		s.open(uint32(100+i), pt)
		s.Bind(r.src)
		r.slots = append(r.slots, s)
	}
	r.lane = &forwarder{src: r.src, slots: r.slots}
	r.src.Attach(quiet{r.lane}, FromNow)
	return r
}

// quiet is a forwarder that keeps nothing.
type quiet struct{ *forwarder }

func (q quiet) Run() {
	for _, i := range q.queue {
		if p := q.src.Packet(i); p != nil {
			for _, s := range q.slots {
				s.Send(p)
			}
		}
	}
	q.queue = q.queue[:0]
}

func rigKeys(tb testing.TB, p profile) srtpKeys {
	ctx := func() *srtpContext {
		b := make([]byte, srtpKeySize+p.saltSize())
		_, _ = rand.Read(b)
		c, err := newSRTPContext(p, b[:srtpKeySize], b[srtpKeySize:])
		must(tb, err)
		return c
	}
	return srtpKeys{profile: p, in: ctx(), out: ctx()}
}

// feed has a packet of the publisher arrive.
func (r *rig) feed(payload []byte, pt uint8) {
	r.publisher.rtpBudget, r.src.budget = rtpBurst, videoBurst // a rig's time is its own
	r.feedAsIs(payload, pt)
}

func (r *rig) feedAsIs(payload []byte, pt uint8) { r.l.ingress(r.sealed(payload, pt), r.from) }

// sealed is the publisher's next packet, valid until the one after it.
func (r *rig) sealed(payload []byte, pt uint8) []byte {
	r.seq++
	b := append(r.scratch, 0x80, pt, byte(r.seq>>8), byte(r.seq), 0, 0, byte(r.seq>>8), byte(r.seq), 0, 0, 0, 7)
	return r.sealer.sealRTP(append(b, payload...), rtpHeaderSize, 7, r.seq)
}

// turn does what the loop does after a batch.
func (r *rig) turn() {
	r.l.now = r.l.now.Add(time.Millisecond)
	r.l.runLanes()
	r.l.flush()
}

func keyframePayload(size int) []byte {
	b := make([]byte, size)
	b[0] = 0x10
	return b
}

func TestForwardingAllocatesNothing(t *testing.T) {
	for _, p := range []profile{profileGCM, profileCM} {
		for _, kind := range []Kind{Audio, Video} {
			r := newRig(t, p, kind, 20)
			payload, pt := make([]byte, 100), uint8(opusType)
			if kind == Video {
				payload, pt = keyframePayload(1100), vp8Type
			}
			for range 600 { // every ring buffer has its size by then
				r.feed(payload, pt)
				r.turn()
			}
			if n := testing.AllocsPerRun(300, func() { r.feed(payload, pt); r.turn() }); n != 0 {
				t.Errorf("%v %v: %v allocations for a packet to 20 listeners", p, kind, n)
			}
			if out := r.sh.Stats().DatagramsOut; out < 20*900 {
				t.Errorf("%v %v: only %d packets left: %+v", p, kind, out, r.sh.Stats())
			}
		}
	}
}

func benchmarkForward(b *testing.B, p profile, kind Kind, size, listeners int) {
	r := newRig(b, p, kind, listeners)
	payload, pt := make([]byte, size), uint8(opusType)
	if kind == Video {
		payload, pt = keyframePayload(size), vp8Type
	}
	b.ReportAllocs()
	for b.Loop() {
		r.feed(payload, pt)
		r.turn()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*listeners), "ns/forwarded")
}

func BenchmarkForwardAudioGCM(b *testing.B) { benchmarkForward(b, profileGCM, Audio, 100, 20) }
func BenchmarkForwardAudioCM(b *testing.B)  { benchmarkForward(b, profileCM, Audio, 100, 20) }
func BenchmarkForwardVideoGCM(b *testing.B) { benchmarkForward(b, profileGCM, Video, 1100, 20) }

// BenchmarkScreen forwards frames of eight packets to 50 listeners, as the workload s1x50 of the bench does; what it costs the receivers is in it.
func BenchmarkScreen(b *testing.B) {
	for name, plain := range map[string]bool{"segmented": false, "plain": true} {
		b.Run(name, func(b *testing.B) {
			const listeners, packets = 50, 8
			r := newRig(b, profileGCM, Video, listeners)
			r.l.out.batch.gso = r.l.out.batch.gso && !plain
			payload := keyframePayload(1100)
			b.ReportAllocs()
			for b.Loop() {
				for range packets {
					r.feed(payload, vp8Type)
				}
				r.turn()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*listeners*packets), "ns/forwarded")
			if s := r.sh.Stats(); !plain && s.Segmented == 0 && r.l.out.batch.gso {
				b.Error("nothing was segmented")
			}
		})
	}
}

func BenchmarkSealGCM(b *testing.B) { benchmarkSeal(b, profileGCM, 1100) }
func BenchmarkSealCM(b *testing.B)  { benchmarkSeal(b, profileCM, 1100) }

func benchmarkSeal(b *testing.B, p profile, size int) {
	c := rigKeys(b, p).out
	buf, index := make([]byte, rtpHeaderSize+size, datagramSize), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		index++
		c.sealRTP(buf, rtpHeaderSize, 1, index)
	}
}

// sentBy lists what is queued for a link, as it would go out.
func (r *rig) sentBy(lk *link) (out [][]byte) {
	if lk.queue != r.l.out || lk.queued == 0 {
		return nil
	}
	for i := lk.head; i >= 0; i = r.l.out.bufs[i].next {
		out = append(out, append([]byte{}, r.l.out.bufs[i].b[:r.l.out.bufs[i].n]...))
	}
	return out
}

// TestNoSequenceNumberTwice sends everything a slot can meet through one and counts the nonces.
func TestNoSequenceNumberTwice(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	s := r.slots[0]
	used := map[uint64]bool{}
	var last uint64
	send := func(p *Packet) {
		before := s.packets
		s.Send(p)
		if s.packets == before {
			return
		}
		for _, b := range r.sentBy(s.link) {
			seq := uint16(b[2])<<8 | uint16(b[3])
			w := window{top: s.given.top, some: true}
			index, _ := w.extend(seq)
			if used[index] {
				t.Fatalf("number %d was given twice", index)
			}
			used[index] = true
			last = max(last, index)
		}
		r.l.out.reset()
	}
	body := []byte{1, 2, 3}
	index := uint64(500)
	for i := range 40000 {
		switch {
		case i%4001 == 4000: // another source, or the same anew
			s.Unbind()
			s.Bind(r.src)
			index = uint64(i % 977)
		case i%3001 == 3000: // a jump far ahead
			index += 100000
		case i%5003 == 5002: // the publisher's SSRC changed
			r.src.gen++
			index = 77
		}
		index++
		at := index
		if i%7 == 3 {
			at -= min(at, uint64(i%40)) // late, or a repetition
		}
		send(&Packet{src: r.src, TS: uint32(index * 960), body: body, Payload: body, index: at, gen: r.src.gen})
	}
	if len(used) < 30000 || last < 30000 {
		t.Errorf("only %d packets were sent", len(used))
	}
}

func TestRetransmissionRepeatsTheBytes(t *testing.T) {
	r := newRig(t, profileGCM, Video, 1)
	s := r.slots[0]
	var first [][]byte
	for i := range 600 {
		payload := keyframePayload(200)
		payload[10] = byte(i)
		r.feed(payload, vp8Type)
		r.l.runLanes()
		first = append(first, r.sentBy(s.link)...)
		r.l.out.reset()
	}
	if len(first) != 600 {
		t.Fatalf("%d packets were sent", len(first))
	}
	again := func(i int) []byte {
		s.resend(r.l, uint16(first[i][2])<<8|uint16(first[i][3]))
		out := r.sentBy(s.link)
		r.l.out.reset()
		if len(out) == 0 {
			return nil
		}
		return out[0]
	}
	for _, i := range []int{599, 300, 100, 88} {
		if got := again(i); string(got) != string(first[i]) {
			t.Errorf("packet %d was not repeated as it was", i)
		}
	}
	if got := again(87); got != nil { // the ring has 512
		t.Error("a packet that the ring has lost was sent again")
	}
	// The offsets that it was sent with are known, though others have come since; but not for ever.
	for n := 1; n <= historyRuns; n++ {
		s.Bind(r.src)
		r.feed(keyframePayload(200), vp8Type)
		r.l.runLanes()
		r.l.out.reset()
		s.nackBudget = 100
		if got := again(550); n < historyRuns && string(got) != string(first[550]) || n == historyRuns && got != nil {
			t.Errorf("after the source was bound %d times more: %d bytes", n, len(got))
		}
	}
	for i := range 600 {
		payload := keyframePayload(200)
		payload[10] = byte(i)
		r.feed(payload, vp8Type)
		r.l.runLanes()
		first[i] = r.sentBy(s.link)[0]
		r.l.out.reset()
	}
	s.nackBudget = 1
	if again(500) == nil || again(501) != nil {
		t.Error("the limit on retransmissions does not hold")
	}
}

func TestPaddingIsKept(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	s := r.slots[0]
	opener := s.link.keys.out
	for _, body := range [][]byte{{9, 9, 9, 0, 0, 3}, {0, 0, 0, 4}} {
		r.seq++
		b := append(r.scratch, 0xa0, opusType, byte(r.seq>>8), byte(r.seq), 0, 0, 0, 0, 0, 0, 0, 7)
		r.l.ingress(r.sealer.sealRTP(append(b, body...), rtpHeaderSize, 7, r.seq), r.from)
		r.l.runLanes()
		out := r.sentBy(s.link)
		r.l.out.reset()
		if len(out) != 1 {
			t.Fatalf("%d packets left", len(out))
		}
		plain, ok := opener.openRTP(out[0], rtpHeaderSize, s.ssrc, s.given.top)
		if !ok || plain[0] != 0xa0 || string(plain[rtpHeaderSize:]) != string(body) {
			t.Errorf("padded packet %v left as %v", body, plain)
		}
	}
	if p := r.src.ring.get(0); len(p.Payload) != 3 {
		t.Errorf("payload of %d bytes with its padding", len(p.Payload))
	}
	// A padding length that lies is refused.
	r.seq++
	b := append(r.scratch, 0xa0, opusType, byte(r.seq>>8), byte(r.seq), 0, 0, 0, 0, 0, 0, 0, 7, 200)
	r.l.ingress(r.sealer.sealRTP(b, rtpHeaderSize, 7, r.seq), r.from)
	if r.src.ring.next != 2 {
		t.Error("a packet with a padding longer than itself was taken")
	}
}

func TestSenderReportsKeepTwoStreamsTogether(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	s := r.slots[0]
	r.feed(make([]byte, 50), opusType)
	r.turn()
	now := r.l.now
	// The publisher's clock is two hours behind; its report is 30 ms old.
	theirs := now.Add(-2*time.Hour - 30*time.Millisecond)
	r.publisher.clock.observe(theirs.UnixNano(), now)
	r.src.sender = senderClock{known: true, nanos: theirs.UnixNano(), ts: 480000, arrived: now}
	sr := s.senderReport(now.Add(time.Second))
	if got, want := sr.ts, 480000+s.tsShift+48000; got != want {
		t.Errorf("time stamp %d a second after the report, want %d", got, want)
	}
	if got := time.Unix(0, nanosOfNTP(sr.ntp)); got.Sub(now.Add(time.Second)).Abs() > time.Millisecond {
		t.Errorf("report is of %v", got)
	}
	// A report that was delayed does not move the clock of the publisher.
	r.publisher.clock.observe(theirs.Add(time.Second).UnixNano(), now.Add(time.Second+80*time.Millisecond))
	if d := r.publisher.clock.ours(theirs.UnixNano()).Sub(now).Abs(); d > time.Millisecond {
		t.Errorf("a late report moved the clock by %v", d)
	}
}

func TestFloodIsHeldBack(t *testing.T) {
	for kind, c := range map[Kind]struct {
		pt             uint8
		burst, perTick int
	}{Audio: {opusType, audioBurst, audioPerTick}, Video: {vp8Type, videoBurst, videoPerTick}} {
		t.Run(kind.String(), func(t *testing.T) {
			r := newRig(t, profileGCM, kind, 2)
			sent := func(packets int) uint64 {
				count := func() uint64 {
					return r.slots[0].link.counters.packetsOut.Load() + r.slots[1].link.counters.packetsOut.Load()
				}
				before := count()
				for range packets {
					r.feedAsIs(keyframePayload(50), c.pt)
					r.turn()
				}
				return count() - before
			}
			if got := sent(5000); got != uint64(2*c.burst) {
				t.Errorf("%d of a flood were sent, want %d", got, 2*c.burst)
			}
			if dropped := r.publisher.counters.dropped.Load(); dropped != 5000-uint64(c.burst) {
				t.Errorf("%d dropped", dropped)
			}
			for range 20 {
				r.sh.table.tick(r.l)
			}
			r.l.flush()
			if got := sent(5000); got != uint64(2*20*c.perTick) {
				t.Errorf("%d were sent a second later, want %d", got, 2*20*c.perTick)
			}
		})
	}
}

// TestForgeriesUseUpNothing has somebody else send under a client's SSRC.
func TestForgeriesUseUpNothing(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	b := make([]byte, 60)
	for range 3 * rtpBurst {
		b[0], b[1], b[11] = 0x80, opusType, 7
		r.l.ingress(b, route{addr: netip.MustParseAddrPort("127.0.0.1:11")})
	}
	r.feedAsIs(make([]byte, 50), opusType)
	r.turn()
	if got := r.sh.Stats().DatagramsOut; got != 1 {
		t.Errorf("%d packets left", got)
	}
}
