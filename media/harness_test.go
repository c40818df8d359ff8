package media

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"calls/guard"
)

// until polls a condition until it says "", and fails with what it said last.
func until(t *testing.T, unmet func() string) {
	t.Helper()
	deadline := time.After(time.Minute) // nothing takes a thirtieth of it on an idle machine
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		why := unmet()
		if why == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("still unmet: " + why)
		}
	}
}

func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// ownAddr is an address of this machine that a client gathers too: pion leaves out the loopback.
func ownAddr(t testing.TB) netip.Addr {
	ips, err := localAddrs()
	if err != nil || len(ips) == 0 || !ips[0].Is4() {
		t.Skipf("no address of our own to test with: %v", err)
	}
	return ips[0]
}

type testServer struct {
	*Server
	t      testing.TB
	mu     sync.Mutex
	panics []guard.Failure
}

func newTestServer(t testing.TB) *testServer { return newTestServerOf(t, 1) }

func newTestServerOf(t testing.TB, shards int) *testServer {
	return newTestServerWith(t, Config{Shards: shards})
}

func newTestServerWith(t testing.TB, cfg Config) *testServer {
	ts := &testServer{t: t}
	if !cfg.Listen.IsValid() {
		cfg.Listen = netip.AddrPortFrom(ownAddr(t), 0)
	}
	cfg.OnPanic = func(f guard.Failure) {
		ts.mu.Lock()
		defer ts.mu.Unlock()
		ts.panics = append(ts.panics, f)
	}
	s, err := Listen(cfg)
	for try := 0; err != nil && cfg.ListenTCP.IsValid() && try < 10; try++ { // the port that UDP got may be taken for TCP
		s, err = Listen(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	ts.Server = s
	if len(s.shards) < cfg.Shards {
		_ = s.Close()
		t.Fatalf("%d shards, expected %d", len(s.shards), cfg.Shards)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return ts
}

func (ts *testServer) recovered() []guard.Failure {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return append([]guard.Failure{}, ts.panics...)
}

// onLoop runs fn on the loop of the first shard and waits.
func (ts *testServer) onLoop(fn func()) { onLoop(ts.shards[0], fn) }

func onLoop(sh *Shard, fn func()) {
	done := make(chan struct{})
	sh.Schedule(func() { defer close(done); fn() })
	<-done
}

// testClient is a client made of pion with its defaults, and the peer that serves it.
type testClient struct {
	t     *testing.T
	ts    *testServer
	pc    *webrtc.PeerConnection
	peer  *Peer
	dc    *webrtc.DataChannel
	relay bool
	turn  sync.Mutex // a peer is one goroutine's at a time, and candidates come on another

	mu     sync.Mutex
	events []Event
	tracks map[string]*received // by track id
	rtcp   []rtcp.Packet        // that came for what the client publishes
}

// received is what a client got of one track.
type received struct {
	track *webrtc.TrackRemote
	mu    sync.Mutex
	pkts  []*rtp.Packet
}

func (r *received) packets() []*rtp.Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*rtp.Packet{}, r.pkts...)
}

type clientOptions struct {
	profiles     []dtls.SRTPProtectionProfile
	interceptors *interceptor.Registry // nil: pion's defaults
	lossy        bool                  // pion's defaults, and every tenth video packet gets lost on its first way
	repeats      bool                  // let repeated packets through
	group        string
	networks     []webrtc.NetworkType // nil: all
	loopback     bool                 // the client has the loopback's addresses, too
	addresses    func(net.IP) bool    // those it uses; nil: all
	relay        bool                 // the client is told of our relay's candidate alone
}

// join connects a client as all of them do: the first offer has nothing but a data channel.
func (ts *testServer) join(t *testing.T, name string) *testClient {
	return ts.joinWith(t, name, clientOptions{})
}

func (ts *testServer) joinWith(t *testing.T, name string, o clientOptions) *testClient {
	t.Helper()
	c := &testClient{t: t, ts: ts, relay: o.relay, tracks: map[string]*received{}}
	m := &webrtc.MediaEngine{}
	must(t, m.RegisterDefaultCodecs())
	must(t, m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: extAudioLevel}, webrtc.RTPCodecTypeAudio))
	if o.interceptors == nil {
		o.interceptors = &interceptor.Registry{}
		if o.lossy {
			o.interceptors.Add(lossFactory{})
		}
		must(t, webrtc.RegisterDefaultInterceptors(m, o.interceptors))
	}
	var s webrtc.SettingEngine
	if o.profiles != nil {
		s.SetSRTPProtectionProfiles(o.profiles...)
	}
	s.DisableSRTPReplayProtection(o.repeats)
	s.SetIncludeLoopbackCandidate(o.loopback)
	if o.relay {
		s.SetRelayAcceptanceMinWait(0) // pion would wait two seconds for something better
	}
	if o.addresses != nil {
		s.SetIPFilter(o.addresses)
	}
	if o.networks != nil {
		s.SetNetworkTypes(o.networks)
	}
	var err error
	c.pc, err = webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(o.interceptors), webrtc.WithSettingEngine(s)).
		NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(func() { _ = c.pc.Close() })
	c.pc.OnTrack(c.onTrack)
	c.peer, err = ts.NewPeer(PeerConfig{Name: name, Group: o.group, OnEvent: c.onEvent})
	must(t, err)
	c.dc, err = c.pc.CreateDataChannel("calls-dc", nil)
	must(t, err)
	c.pc.OnICECandidate(func(i *webrtc.ICECandidate) {
		if i != nil {
			init := i.ToJSON()
			c.turn.Lock()
			defer c.turn.Unlock()
			_ = c.peer.AddCandidate(Candidate{Candidate: init.Candidate, SDPMid: init.SDPMid, SDPMLineIndex: init.SDPMLineIndex})
		}
	})
	c.offer()
	until(t, func() string {
		c.heedRelay()
		return unless(c.got(Connected{}) && c.got(ChannelOpen{Label: "calls-dc"}), "%s connected with its channel open: %v", name, c.allEvents())
	})
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *testClient) onEvent(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
}

func (c *testClient) allEvents() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Event{}, c.events...)
}

// got says whether an event came that equals e.
func (c *testClient) got(e Event) bool {
	for _, have := range c.allEvents() {
		if fmt.Sprintf("%T%v", have, have) == fmt.Sprintf("%T%v", e, e) {
			return true
		}
	}
	return false
}

func (c *testClient) onTrack(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	r := &received{track: track}
	c.mu.Lock()
	c.tracks[track.ID()] = r
	c.mu.Unlock()
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.pkts = append(r.pkts, p)
		r.mu.Unlock()
	}
}

// from is what came of a slot so far, without what warm sent.
func (c *testClient) from(s *Slot) (pkts []*rtp.Packet) {
	for _, p := range c.all(s) {
		if !bytes.HasSuffix(p.Payload, []byte(warmUp)) {
			pkts = append(pkts, p)
		}
	}
	return pkts
}

// keepsUp waits until all but the last few of n packets sent on a slot have come. So what is on its way fits into every buffer on it, however late its reader is:
// what a full buffer drops would be taken for our loss.
func (c *testClient) keepsUp(s *Slot, n int) {
	c.t.Helper()
	const ahead = 50
	if n%10 == 0 {
		until(c.t, func() string { got := len(c.from(s)); return unless(got >= n-ahead, "%d of %d packets came", got, n) })
	}
}

func (c *testClient) all(s *Slot) []*rtp.Packet {
	c.mu.Lock()
	r := c.tracks[s.track.id]
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.packets()
}

// offer has the client offer and takes the answer.
func (c *testClient) offer() {
	c.t.Helper()
	o, err := c.pc.CreateOffer(nil)
	must(c.t, err)
	must(c.t, c.pc.SetLocalDescription(o))
	c.turn.Lock()
	answer, err := c.peer.HandleOffer(o.SDP)
	c.turn.Unlock()
	must(c.t, err)
	must(c.t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: c.heeded(answer)}))
}

// renegotiate has the server offer and gives the answer.
func (c *testClient) renegotiate() (offer string) {
	c.t.Helper()
	offer, err := c.peer.MakeOffer()
	must(c.t, err)
	must(c.t, c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: c.heeded(offer)}))
	a, err := c.pc.CreateAnswer(nil)
	must(c.t, err)
	must(c.t, c.pc.SetLocalDescription(a))
	must(c.t, c.peer.HandleAnswer(a.SDP))
	return offer
}

// publish adds a track of the client and starts receiving it.
func (c *testClient) publish(kind Kind) (*webrtc.TrackLocalStaticRTP, *Source) {
	c.t.Helper()
	mime := webrtc.MimeTypeOpus
	if kind == Video {
		mime = webrtc.MimeTypeVP8
	}
	before := len(c.peer.Streams())
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, kind.String(), "stream-"+kind.String())
	must(c.t, err)
	transceiver, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(c.t, err)
	go c.readRTCP(transceiver.Sender())
	c.offer()
	streams := c.peer.Streams()
	if len(streams) != before+1 {
		c.t.Fatalf("streams after publishing: %+v", streams)
	}
	st := streams[before]
	if st.Kind != kind || st.TrackID != kind.String() || st.StreamID != "stream-"+kind.String() {
		c.t.Fatalf("published stream read as %+v", st)
	}
	src, err := c.peer.Source(st)
	must(c.t, err)
	return track, src
}

// subscribe adds a slot and waits until it can be used.
func (c *testClient) subscribe(kind Kind) *Slot {
	c.t.Helper()
	s, err := c.peer.AddSlot(kind)
	must(c.t, err)
	c.renegotiate()
	c.warm(s)
	return s
}

const warmUp = "warm-up"

// warm sends on a slot until something arrives. A packet that comes to pion's receiving end before it has set itself up is lost, and not by us.
func (c *testClient) warm(s *Slot) {
	c.t.Helper()
	body := append([]byte{0x10, 0}, warmUp...)
	src := newSource(c.peer.link, Stream{Kind: s.kind}, 64)
	n := uint64(0)
	until(c.t, func() string {
		onLoop(c.peer.Shard(), func() {
			n++
			s.Bind(src)
			s.Send(&Packet{src: src, body: body, Payload: body, Keyframe: true, TS: uint32(n) * 960, index: n})
			s.Unbind()
		})
		return unless(len(c.all(s)) > 0, "a first packet on slot %s", s.MID())
	})
}

// fence is what a lane needs to be quarantined: its goroutine is in or it is out, and once out it does not come in again.
type fence struct {
	mu      sync.Mutex
	out     bool
	reports atomic.Int64
	stack   atomic.Pointer[string]
}

// do runs fn unless the lane was quarantined.
func (f *fence) do(fn func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.out {
		fn()
	}
	return !f.out
}

func (f *fence) Hangs(_ time.Duration, stack []byte) {
	f.reports.Add(1)
	s := string(stack)
	f.stack.Store(&s)
}

func (f *fence) Quarantine(guard.Failure) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out = true
	return true
}

func (f *fence) quarantined() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out
}

// forwarder is the simplest track: it sends what it is offered to its slots.
type forwarder struct {
	fence
	src    *Source
	slots  []*Slot
	queue  []uint64
	before func(p *Packet) // called before each packet is sent
	seen   []Packet
}

func (f *forwarder) Offer(i uint64) { f.queue = append(f.queue, i) }

func (f *forwarder) Run() {
	q := f.queue
	f.queue = f.queue[:0]
	for _, i := range q {
		var p *Packet
		if !f.do(func() { p = f.src.Packet(i) }) {
			return
		}
		if p == nil {
			continue
		}
		f.seen = append(f.seen, *p)
		if f.before != nil {
			f.before(p)
		}
		f.do(func() {
			for _, s := range f.slots {
				s.Send(p)
			}
		})
	}
}

// forward binds slots to a source by way of a forwarder.
func (ts *testServer) forward(src *Source, slots ...*Slot) *forwarder {
	f := &forwarder{src: src, slots: slots}
	onLoop(src.link.sh, func() {
		for _, s := range slots {
			s.Bind(src)
		}
		src.Attach(f, FromNow)
	})
	return f
}

// opus makes the n-th packet of a stream of audio.
func opus(n int) *rtp.Packet {
	payload := make([]byte, 60+n%40)
	for i := range payload {
		payload[i] = byte(n*7 + i)
	}
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(65500 + n), Timestamp: uint32(n * 960), Marker: n == 0},
		Payload: payload,
	}
}

// vp8 makes the n-th packet of a stream of video, two packets a frame.
func vp8(n int, key bool) *rtp.Packet {
	payload := make([]byte, 900)
	for i := range payload {
		payload[i] = byte(n*3 + i)
	}
	payload[0], payload[1] = 0, 1 // not the start of a partition
	if n%2 == 0 {
		payload[0] = 0x10
		if key {
			payload[1] = 0
		}
	}
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(65530 + n), Timestamp: uint32(n / 2 * 3000), Marker: n%2 == 1},
		Payload: payload,
	}
}

// readRTCP keeps what the server reports. pion's interceptors see it only if somebody reads.
func (c *testClient) readRTCP(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.rtcp = append(c.rtcp, packets...)
		c.mu.Unlock()
	}
}

// reported counts the RTCP packets that match.
func (c *testClient) reported(match func(rtcp.Packet) bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.rtcp {
		if match(p) {
			n++
		}
	}
	return n
}

// lossFactory makes an interceptor that loses packets between pion's own and the wire.
type lossFactory struct{}

func (lossFactory) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &loss{lost: map[uint16]bool{}}, nil
}

type loss struct {
	interceptor.NoOp
	mu   sync.Mutex
	lost map[uint16]bool
}

func (l *loss) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		l.mu.Lock()
		lose := h.SequenceNumber%10 == 5 && !l.lost[h.SequenceNumber]
		l.lost[h.SequenceNumber] = l.lost[h.SequenceNumber] || lose
		l.mu.Unlock()
		if lose {
			return len(payload), nil
		}
		return w.Write(h, payload, a)
	})
}
