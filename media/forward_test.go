package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/rtp"
)

func TestAudioArrivesByteIdenticalAndInOrder(t *testing.T) {
	for name, o := range map[string]struct {
		offered []dtls.SRTPProtectionProfile
		want    profile
	}{
		"GCM only":           {[]dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM}, profileGCM},
		"CM only":            {[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80}, profileCM},
		"CM before GCM":      {[]dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_128_GCM}, profileGCM},
		"pion's own default": {nil, profileGCM},
	} {
		t.Run(name, func(t *testing.T) {
			ts := newTestServer(t)
			alice := ts.joinWith(t, "alice", clientOptions{profiles: o.offered})
			bob := ts.joinWith(t, "bob", clientOptions{profiles: o.offered})
			if got := bob.peer.Stats().Profile; got != o.want.String() {
				t.Errorf("profile %s, want %s", got, o.want)
			}
			track, src := alice.publish(Audio)
			slot := bob.subscribe(Audio)
			ts.forward(src, slot)
			const n = 300
			sent := make([]*rtp.Packet, n)
			for i := range sent {
				sent[i] = opus(i)
				must(t, track.WriteRTP(sent[i]))
				bob.keepsUp(slot, i)
			}
			until(t, func() string { got := len(bob.from(slot)); return unless(got >= n, "%d of %d packets came", got, n) })
			checkRow(t, sent, bob.from(slot))
			if lh := alice.peer.LastHeard(); time.Since(lh) > time.Minute {
				t.Errorf("alice was last heard at %v", lh)
			}
			if s := alice.peer.Stats(); s.PacketsIn < n || s.AuthFailures != 0 || s.Replays != 0 || !s.Remote.IsValid() {
				t.Errorf("alice: %+v", s)
			}
		})
	}
}

// checkRow compares payloads, and checks that numbers go up by one and time stamps by as much as they did at the sender.
func checkRow(t *testing.T, sent, got []*rtp.Packet) {
	t.Helper()
	if len(got) != len(sent) {
		t.Fatalf("%d packets came, %d were sent", len(got), len(sent))
	}
	for i, p := range got {
		if !bytes.Equal(p.Payload, sent[i].Payload) {
			t.Fatalf("packet %d: payload differs", i)
		}
		if p.Marker != sent[i].Marker {
			t.Fatalf("packet %d: marker %v", i, p.Marker)
		}
		if p.Extension || len(p.CSRC) > 0 {
			t.Fatalf("packet %d carries an extension or CSRCs", i)
		}
		if i == 0 {
			continue
		}
		if d := p.SequenceNumber - got[i-1].SequenceNumber; d != 1 {
			t.Fatalf("packet %d: sequence number after %d", i, d)
		}
		if d, want := p.Timestamp-got[i-1].Timestamp, sent[i].Timestamp-sent[i-1].Timestamp; d != want {
			t.Fatalf("packet %d: time stamp after %d, want %d", i, d, want)
		}
	}
}

func TestTwoSourcesThroughOneSlot(t *testing.T) {
	ts := newTestServer(t)
	alice, carol, bob := ts.join(t, "alice"), ts.join(t, "carol"), ts.join(t, "bob")
	trackA, srcA := alice.publish(Audio)
	trackC, srcC := carol.publish(Audio)
	slot := bob.subscribe(Audio)
	const n = 40
	total := 0
	for round := range 4 {
		track, src := trackA, srcA
		if round%2 == 1 {
			track, src = trackC, srcC
		}
		ts.forward(src, slot)
		for i := range n {
			p := opus(round*n + i)
			p.Timestamp += uint32(round%2) * 123456789 // a clock of its own
			must(t, track.WriteRTP(p))
		}
		total += n
		until(t, func() string {
			got := len(bob.from(slot))
			return unless(got >= total, "round %d: %d of %d", round, got, total)
		})
		ts.onLoop(func() { slot.Unbind() })
	}
	got := bob.from(slot)
	for i := 1; i < len(got); i++ {
		if d := got[i].SequenceNumber - got[i-1].SequenceNumber; d != 1 {
			t.Errorf("packet %d: sequence number after %d", i, d)
		}
		if d := int32(got[i].Timestamp - got[i-1].Timestamp); d <= 0 || d > 48000*60 {
			t.Errorf("packet %d: time stamp after %d", i, d)
		}
		if got[i].SSRC != got[0].SSRC {
			t.Errorf("packet %d: SSRC changed", i)
		}
	}
}

func TestVideoWaitsForKeyframe(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Video)
	must(t, track.WriteRTP(vp8(0, true))) // long before anybody watches
	until(t, func() string { return unless(alice.peer.Stats().PacketsIn > 0, "first packet received") })
	slot := bob.subscribe(Video)
	f := ts.forward(src, slot)
	until(t, func() string { return unless(alice.reported(isPLI) > 0, "a key frame was asked for") })
	n := 2
	for ; n < 10; n++ {
		must(t, track.WriteRTP(vp8(n, false)))
	}
	until(t, func() string {
		seen := 0
		ts.onLoop(func() { seen = len(f.seen) })
		return unless(seen >= 8, "%d delta packets reached the track", seen)
	})
	if got := bob.from(slot); len(got) != 0 {
		t.Fatalf("%d packets came before a key frame", len(got))
	}
	var sent []*rtp.Packet
	for ; n < 30; n++ {
		p := vp8(n, n == 10)
		sent = append(sent, p)
		must(t, track.WriteRTP(p))
	}
	until(t, func() string {
		return unless(len(bob.from(slot)) >= len(sent), "%d of %d came", len(bob.from(slot)), len(sent))
	})
	checkRow(t, sent, bob.from(slot))
}

func TestUnboundSlotSendsNothing(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	f := ts.forward(src, slot)
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(slot)) == 1, "the first packet came") })
	ts.onLoop(func() { slot.Unbind() })
	before := bob.peer.Stats().PacketsOut
	for i := 1; i < 50; i++ {
		must(t, track.WriteRTP(opus(i)))
	}
	until(t, func() string {
		seen := 0
		ts.onLoop(func() { seen = len(f.seen) })
		return unless(seen == 50, "%d packets reached the track", seen)
	})
	if after := bob.peer.Stats().PacketsOut; after != before {
		t.Errorf("%d packets left on an unbound slot", after-before)
	}
	// Bound again it goes on without a gap that the receiver would take for loss.
	ts.forward(src, slot)
	must(t, track.WriteRTP(opus(50)))
	until(t, func() string { return unless(len(bob.from(slot)) == 2, "the packet after the pause came") })
	got := bob.from(slot)
	if d := got[1].SequenceNumber - got[0].SequenceNumber; d != 1 {
		t.Errorf("sequence number after %d", d)
	}
	if d := int32(got[1].Timestamp - got[0].Timestamp); d != 50*960 {
		t.Errorf("time stamp after %d, want what the source's clock says", d)
	}
}

func TestAudioLevelIsRead(t *testing.T) {
	ts := newTestServer(t)
	alice := ts.join(t, "alice")
	track, src := alice.publish(Audio)
	f := ts.forward(src)
	p := opus(0)
	var id uint8
	ts.onLoop(func() { id = alice.peer.link.lines[0].levelExt })
	if id == 0 {
		t.Fatal("no audio level negotiated")
	}
	must(t, p.SetExtension(id, []byte{0x80 | 42}))
	must(t, track.WriteRTP(p))
	must(t, track.WriteRTP(opus(1)))
	until(t, func() string {
		seen := 0
		ts.onLoop(func() { seen = len(f.seen) })
		return unless(seen == 2, "%d packets came", seen)
	})
	if f.seen[0].Level != 42 || f.seen[1].Level != -1 {
		t.Errorf("levels %d and %d, want 42 and -1", f.seen[0].Level, f.seen[1].Level)
	}
}
