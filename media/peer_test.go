package media

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

func mustAddrs(list ...string) (addrs []netip.Addr) {
	for _, a := range list {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs
}

func mLines(sdp string) int { return strings.Count(sdp, "\r\nm=") }

func TestMLinesAreUsedAgain(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	var slots []*Slot
	for range 5 {
		s, err := bob.peer.AddSlot(Audio)
		must(t, err)
		slots = append(slots, s)
	}
	first := mLines(bob.renegotiate())
	if first != 6 {
		t.Fatalf("%d m-lines for five slots and the data channel", first)
	}
	ssrcs := map[uint32]bool{}
	for cycle := range 10 {
		for _, s := range slots {
			bob.warm(s) // also lets pion's receiving end finish the round, which it does in the background
			if ssrcs[s.ssrc] {
				t.Errorf("cycle %d: SSRC %d again", cycle, s.ssrc)
			}
			ssrcs[s.ssrc] = true
			must(t, bob.peer.DropSlot(s))
		}
		bob.renegotiate()
		slots = slots[:0]
		for range 5 {
			s, err := bob.peer.AddSlot(Audio)
			must(t, err)
			slots = append(slots, s)
		}
		if n := mLines(bob.renegotiate()); n != first {
			t.Fatalf("cycle %d: %d m-lines, %d at first", cycle, n, first)
		}
	}
	last := slots[4]
	bob.warm(last)
	ts.forward(src, last)
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(last)) == 1, "media on an m-line used eleven times") })
}

func TestDroppedSlotIsSilent(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	f := ts.forward(src, slot)
	before := bob.peer.Stats().PacketsOut
	must(t, bob.peer.DropSlot(slot))
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string {
		seen := 0
		ts.onLoop(func() { seen = len(f.seen) })
		return unless(seen == 1, "the packet reached the track")
	})
	if slot.Ready() || bob.peer.Stats().PacketsOut != before {
		t.Errorf("a dropped slot is ready or sent: %+v", bob.peer.Stats())
	}
	if err := bob.peer.DropSlot(slot); err == nil {
		t.Error("dropped twice")
	}
	never, err := bob.peer.AddSlot(Video)
	must(t, err)
	must(t, bob.peer.DropSlot(never))
	if n := mLines(bob.renegotiate()); n != 2 {
		t.Errorf("%d m-lines after a slot was taken back before it was offered", n)
	}
}

func TestClientsMicrophoneLineIsNotTaken(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	slot, err := bob.peer.AddSlot(Audio) // not offered yet when the client offers its microphone, sendrecv as addTrack makes it
	must(t, err)
	mic, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "mic", "mic-stream")
	must(t, err)
	_, err = bob.pc.AddTrack(mic)
	must(t, err)
	bob.offer()
	if st := bob.peer.Streams(); len(st) != 1 || st[0].TrackID != "mic" {
		t.Fatalf("streams %+v", st)
	}
	bob.renegotiate()
	until(t, func() string { return unless(slot.Ready(), "slot ready") })
	if slot.MID() == bob.peer.Streams()[0].MID {
		t.Error("the slot sits on the microphone's m-line")
	}
}

func TestGlare(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	slot, err := bob.peer.AddSlot(Audio)
	must(t, err)
	offer, err := bob.peer.MakeOffer()
	must(t, err)
	if !bob.peer.OfferPending() {
		t.Error("no offer pending")
	}
	theirs, err := bob.pc.CreateOffer(nil)
	must(t, err)
	if _, err := bob.peer.HandleOffer(theirs.SDP); !errors.Is(err, ErrOfferPending) {
		t.Errorf("an offer against ours: %v", err)
	}
	if _, err := bob.peer.MakeOffer(); !errors.Is(err, ErrOfferPending) {
		t.Errorf("a second offer of ours: %v", err)
	}
	if err := bob.peer.HandleAnswer("nonsense"); err == nil || !bob.peer.OfferPending() {
		t.Errorf("a nonsense answer: %v", err)
	}
	must(t, bob.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))
	a, err := bob.pc.CreateAnswer(nil)
	must(t, err)
	must(t, bob.pc.SetLocalDescription(a))
	must(t, bob.peer.HandleAnswer(a.SDP))
	until(t, func() string { return unless(slot.Ready(), "slot ready after the collision") })
	if err := bob.peer.HandleAnswer(a.SDP); !errors.Is(err, ErrNoOfferPending) {
		t.Errorf("an answer to nothing: %v", err)
	}
	bob.offer()
}

func TestAnswerHasHostCandidates(t *testing.T) {
	s, err := Listen(Config{Listen: netip.AddrPortFrom(ownAddr(t), 0), Advertise: mustAddrs("203.0.113.5", "203.0.113.6"), AdvertisePort: 4444})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	var trickled []Candidate
	events := make(chan Event, 10)
	p, err := s.NewPeer(PeerConfig{Name: "a", OnEvent: func(e Event) { events <- e }})
	must(t, err)
	if _, err := p.MakeOffer(); !errors.Is(err, ErrNoOfferYet) {
		t.Errorf("an offer before the client's: %v", err)
	}
	mid := "0"
	must(t, p.AddCandidate(Candidate{Candidate: "candidate:1 1 udp 2130706431 203.0.113.77 1000 typ host", SDPMid: &mid})) // before the offer
	client, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	_, err = client.CreateDataChannel("x", nil)
	must(t, err)
	offer, err := client.CreateOffer(nil)
	must(t, err)
	answer, err := p.HandleOffer(offer.SDP)
	must(t, err)
	for _, want := range []string{" 203.0.113.5 4444 typ host", " 203.0.113.6 4444 typ host", "a=ice-lite", "a=setup:passive"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in the answer:\n%s", want, answer)
		}
	}
	for len(trickled) < 2 {
		if c, ok := (<-events).(LocalCandidate); ok {
			trickled = append(trickled, c.Candidate)
		}
	}
	if c := trickled[0]; !strings.HasPrefix(c.Candidate, "candidate:") || c.SDPMid == nil || *c.SDPMid != "0" {
		t.Errorf("trickled candidate %+v", c)
	}
	for range maxCandidates {
		err = p.AddCandidate(Candidate{Candidate: "candidate:1 1 udp 2130706431 203.0.113.77 1000 typ host", SDPMid: &mid})
	}
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("candidates without end: %v", err)
	}
}

func TestDataChannelAndItsEnd(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	echoed := make(chan webrtc.DataChannelMessage, 2)
	bob.dc.OnMessage(func(m webrtc.DataChannelMessage) { echoed <- m })
	must(t, bob.dc.SendText("ping"))
	must(t, bob.dc.Send([]byte{1}))
	until(t, func() string {
		return unless(bob.got(ChannelMessage{Text: true, Data: []byte("ping")}) && bob.got(ChannelMessage{Data: []byte{1}}), "messages came: %v", bob.allEvents())
	})
	must(t, bob.peer.SendChannel([]byte("pong"), true))
	if m := <-echoed; !m.IsString || string(m.Data) != "pong" {
		t.Errorf("the client got %+v", m)
	}
	must(t, bob.pc.Close())
	until(t, func() string {
		for _, e := range bob.allEvents() {
			if _, ok := e.(Closed); ok {
				return ""
			}
		}
		return "the client's end is noticed"
	})
	must(t, bob.peer.Close())
	must(t, bob.peer.SendChannel([]byte("x"), false))
	if _, err := bob.peer.AddSlot(Audio); !errors.Is(err, ErrClosed) {
		t.Errorf("a slot of a closed peer: %v", err)
	}
}

func TestMessageTooLongForUsIsPassedOver(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	for _, text := range []string{"", strings.Repeat("a", maxChannelMessage), strings.Repeat("b", maxChannelMessage+1), strings.Repeat("c", 60000), "last"} {
		must(t, bob.dc.SendText(text))
	}
	until(t, func() string {
		return unless(bob.got(ChannelMessage{Text: true, Data: []byte("last")}), "the last message came")
	})
	var sizes []int
	for _, e := range bob.allEvents() {
		if m, ok := e.(ChannelMessage); ok {
			sizes = append(sizes, len(m.Data))
		}
	}
	if !slices.Equal(sizes, []int{0, maxChannelMessage, 4}) {
		t.Errorf("messages of these sizes came: %v", sizes)
	}
}

func TestFewDataChannelsOfOneClient(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	open := map[string]*webrtc.DataChannel{}
	for i := range maxChannels {
		d, err := bob.pc.CreateDataChannel(fmt.Sprint(i), nil)
		must(t, err)
		open[d.Label()] = d
	}
	opened := func(label string) bool { return bob.got(ChannelOpen{Label: label}) }
	var refused []string
	until(t, func() string {
		refused = nil
		for label, d := range open {
			if !opened(label) && d.ReadyState() == webrtc.DataChannelStateClosed {
				refused = append(refused, label)
			}
		}
		return unless(len(refused) == 1, "one is closed by the server: %v, events %v", refused, bob.allEvents())
	})
	// The one that is sent on goes, and there is room for another, which is sent on from now on.
	must(t, bob.dc.Close())
	until(t, func() string {
		return unless(bob.peer.channel.Load() == nil, "the end of the first channel is noticed")
	})
	must(t, bob.peer.SendChannel([]byte("to nobody"), true))
	next, err := bob.pc.CreateDataChannel("next", nil)
	must(t, err)
	got := make(chan webrtc.DataChannelMessage, 1)
	next.OnMessage(func(m webrtc.DataChannelMessage) { got <- m })
	until(t, func() string { return unless(opened("next"), "the next channel is open: %v", bob.allEvents()) })
	must(t, bob.peer.SendChannel([]byte("hello"), true))
	if m := <-got; string(m.Data) != "hello" {
		t.Errorf("the client got %+v", m)
	}
}

func TestLostVideoIsSentAgain(t *testing.T) {
	ts := newTestServer(t)
	alice := ts.join(t, "alice")
	bob := ts.joinWith(t, "bob", clientOptions{interceptors: &interceptor.Registry{}, repeats: true})
	track, src := alice.publish(Video)
	slot := bob.subscribe(Video)
	ts.forward(src, slot)
	for i := range 20 {
		must(t, track.WriteRTP(vp8(i, i == 0)))
	}
	until(t, func() string { return unless(len(bob.from(slot)) == 20, "%d of 20 came", len(bob.from(slot))) })
	lost := bob.from(slot)[7]
	must(t, bob.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: lost.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost.SequenceNumber})}}))
	until(t, func() string { return unless(len(bob.from(slot)) == 21, "the packet came again") })
	again := bob.from(slot)[20]
	a, _ := lost.Marshal()
	b, _ := again.Marshal()
	if string(a) != string(b) {
		t.Errorf("sent again with a difference: %v, %v", lost.Header, again.Header)
	}
	if n := bob.peer.Stats().Retransmitted; n != 1 {
		t.Errorf("%d retransmissions counted", n)
	}
}

func TestPublishersLossIsRepaired(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.joinWith(t, "alice", clientOptions{lossy: true}), ts.join(t, "bob")
	track, src := alice.publish(Video)
	slot := bob.subscribe(Video)
	ts.forward(src, slot)
	const n = 60
	sent := map[string]bool{}
	for i := range n {
		p := vp8(i, i == 0)
		sent[string(p.Payload)] = true
		must(t, track.WriteRTP(p))
	}
	until(t, func() string { return unless(len(bob.from(slot)) == n, "%d of %d came", len(bob.from(slot)), n) })
	seen := map[uint16]bool{}
	for _, p := range bob.from(slot) {
		if seen[p.SequenceNumber] || !sent[string(p.Payload)] {
			t.Errorf("packet %d came twice or is not what was sent", p.SequenceNumber)
		}
		seen[p.SequenceNumber] = true
	}
}

func TestReportsReachBothSides(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	ts.forward(src, slot)
	n := 0
	until(t, func() string {
		must(t, track.WriteRTP(opus(n)))
		n++
		rr := alice.reported(func(p rtcp.Packet) bool {
			r, ok := p.(*rtcp.ReceiverReport)
			return ok && len(r.Reports) == 1 && r.Reports[0].SSRC != 0 && r.Reports[0].TotalLost == 0
		})
		return unless(rr > 0, "a receiver report for alice")
	})
	receiver := bob.pc.GetReceivers()[0]
	for {
		packets, _, err := receiver.ReadRTCP()
		must(t, err)
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				if sr.SSRC != slot.ssrc || sr.PacketCount == 0 || sr.OctetCount == 0 {
					t.Errorf("sender report %+v", sr)
				}
				return
			}
		}
	}
}

func TestICERestart(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	ts.forward(src, slot)
	sent := 0
	for range 3 {
		for range 10 {
			must(t, track.WriteRTP(opus(sent)))
			sent++
		}
		o, err := alice.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
		must(t, err)
		must(t, alice.pc.SetLocalDescription(o))
		alice.turn.Lock()
		answer, err := alice.peer.HandleOffer(o.SDP)
		alice.turn.Unlock()
		must(t, err)
		must(t, alice.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
		until(t, func() string {
			return unless(alice.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected, "connected again: %v", alice.pc.ICEConnectionState())
		})
	}
	must(t, track.WriteRTP(opus(sent)))
	sent++
	until(t, func() string {
		got := bob.from(slot)
		return unless(len(got) > 0 && string(got[len(got)-1].Payload) == string(opus(sent-1).Payload), "media goes on after restarts: %d of %d", len(got), sent)
	})
	if s := alice.peer.Stats(); s.AuthFailures > 0 {
		t.Errorf("%+v", s)
	}
}

// TestExtensionsKeepTheirNumbers: what the first offer calls 1 and 4 is called so in every later one, of video too.
func TestExtensionsKeepTheirNumbers(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	for _, kind := range []Kind{Audio, Video, Audio} {
		_, err := bob.peer.AddSlot(kind)
		must(t, err)
		offer := bob.renegotiate()
		for line := range strings.Lines(offer) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "a=extmap:") && line != "a=extmap:1 "+extAudioLevel && line != "a=extmap:4 "+extMID {
				t.Errorf("an offer with %s in it", line)
			}
		}
		if !strings.Contains(offer, extAudioLevel) {
			t.Error("an offer without the audio level")
		}
	}
}
