package media

import (
	"fmt"
	"strings"
	"testing"
)

const sdpHead = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"

func audioLine(mid, more string) string {
	return "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=mid:" + mid + "\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n" + more
}

func TestDescriptionIsRead(t *testing.T) {
	d, err := readDescription(sdpHead +
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=setup:actpass\r\n" +
		audioLine("a1", "a=sendonly\r\na=msid:{s1} {t1}\r\na=ssrc:1234 cname:x\r\na=extmap:3/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n") +
		audioLine("a2", "a=recvonly\r\n") +
		audioLine("a3", "a=ssrc:77 cname:x\r\na=ssrc:77 msid:old-stream old-track\r\n") +
		"m=video 9 UDP/TLS/RTP/SAVPF 120 97\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtpmap:120 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=sendonly\r\na=msid:s2 t2\r\n" +
		"a=ssrc-group:FID 5 6\r\na=ssrc:5 cname:y\r\na=ssrc:6 cname:y\r\na=rid:h send\r\na=simulcast:send ;\r\na=candidate:nonsense\r\n")
	must(t, err)
	if strings.Contains(d.text, "simulcast") || strings.Contains(d.text, "a=rid") || strings.Contains(d.text, "nonsense") {
		t.Errorf("unreadable lines are left in:\n%s", d.text)
	}
	got := fmt.Sprintf("%+v", d.sending())
	want := "[{stream:{MID:a1 Kind:0 StreamID:{s1} TrackID:{t1}} sends:true receives:false rejected:false ssrcs:[1234] types:[111] levelExt:3 midExt:9}" +
		" {stream:{MID:a3 Kind:0 StreamID:old-stream TrackID:old-track} sends:true receives:true rejected:false ssrcs:[77] types:[111] levelExt:0 midExt:0}" +
		" {stream:{MID:v Kind:1 StreamID:s2 TrackID:t2} sends:true receives:false rejected:false ssrcs:[5] types:[120] levelExt:0 midExt:0}]"
	if got != want {
		t.Errorf("sending lines\n%s\nwant\n%s", got, want)
	}
	if d.firstMID != "data" {
		t.Errorf("first mid %q", d.firstMID)
	}
}

func TestBadDescriptionsAreRefused(t *testing.T) {
	ok := sdpHead + audioLine("1", "")
	if _, err := readDescription(ok); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	lines := func(n int) (s string) {
		for i := range n {
			s += fmt.Sprintf("m=audio 9 X 0\r\na=mid:%d\r\n", i)
		}
		return s
	}
	for name, text := range map[string]string{
		"empty":            "",
		"nonsense":         "hello",
		"too long":         ok + "a=" + strings.Repeat("x", maxSDPSize) + "\r\n",
		"no m-line":        sdpHead,
		"too many m-lines": sdpHead + lines(maxSDPLines+1),
		"no mid":           sdpHead + "m=audio 9 X 111\r\n",
		"mid twice":        ok + audioLine("1", ""),
		"long mid":         sdpHead + audioLine(strings.Repeat("m", 33), ""),
		"two ufrags":       ok + audioLine("2", "a=ice-ufrag:other\r\n"),
		"no password":      strings.Replace(ok, "a=ice-pwd", "a=nothing", 1),
		"two fingerprints": ok + audioLine("2", "a=fingerprint:sha-256 CC:DD\r\n"),
		"two streams":      sdpHead + audioLine("1", "a=sendonly\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\n"),
		"bad fingerprint":  strings.Replace(ok, "sha-256 AA:BB", "sha-256", 1),
	} {
		if _, err := readDescription(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestBadOfferLeavesThePeerUsable: pion cannot go back, so what it would refuse halfway has to be refused before.
func TestBadOfferLeavesThePeerUsable(t *testing.T) {
	ts := newTestServer(t)
	bob := ts.join(t, "bob")
	good, err := bob.pc.CreateOffer(nil)
	must(t, err)
	const more = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:more\r\na=rtpmap:111 opus/48000/2\r\na=sendonly\r\n"
	for _, bad := range []string{
		"", "v=0", strings.ReplaceAll(good.SDP, "a=mid:", "a=dim:"), strings.Replace(good.SDP, "a=ice-pwd:", "a=pwd-ice:", 1),
		strings.Replace(good.SDP, "a=fingerprint:", "a=fingerprint:x ", 1),
		good.SDP + more + "a=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\n",
	} {
		if _, err := bob.peer.HandleOffer(bad); err == nil {
			t.Errorf("accepted %.80q", bad)
		}
	}
	bob.offer()
	slot := bob.subscribe(Audio)
	if slot.MID() == "" {
		t.Error("no mid")
	}
	odd, err := ts.NewPeer(PeerConfig{Name: "odd"})
	must(t, err)
	_, err = odd.HandleOffer(good.SDP + more + "a=extmap:0 " + extAudioLevel + "\r\na=extmap:256000 " + extAudioLevel + "\r\na=extmap:x\r\n")
	must(t, err) // an extension that cannot be is none
	fresh, err := ts.NewPeer(PeerConfig{Name: "passive"})
	must(t, err)
	if _, err := fresh.HandleOffer(strings.Replace(good.SDP, "a=setup:actpass", "a=setup:passive", 1)); err == nil {
		t.Error("an offer that makes the server the DTLS client was accepted")
	}
}

func TestPayloadTypeIsTheAnswers(t *testing.T) {
	ts := newTestServer(t)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob")
	_, src := alice.publish(Audio)
	s, err := bob.peer.AddSlot(Audio)
	must(t, err)
	_, err = bob.peer.MakeOffer()
	must(t, err)
	// Firefox names Opus 109 in its answers.
	answer := sdpHead + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:active\r\n" +
		strings.ReplaceAll(audioLine(s.MID(), "a=recvonly\r\na=setup:active\r\n"), "111", "109")
	must(t, bob.peer.HandleAnswer(answer))
	ts.onLoop(func() {
		s.Bind(src)
		if s.pt != 109 {
			t.Errorf("payload type %d", s.pt)
		}
	})
}

func FuzzDescription(f *testing.F) {
	f.Add(sdpHead + audioLine("1", "a=ssrc:1 msid:a b\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"))
	f.Add(sdpHead + "m=video 9 X 96\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\na=ssrc-group:FID 1 2\r\na=simulcast:send ;\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readDescription(text)
		if err == nil && (len(d.lines) > maxSDPLines || d.firstMID == "") {
			t.Fatalf("accepted %q", text)
		}
		localCredential(text)
	})
}

// TestPortZero: a rejected m-line has port 0, and so has one that exists in its bundle only. Firefox makes every later m-line of an offer such a one.
func TestPortZero(t *testing.T) {
	for attribute, sends := range map[string]int{"": 0, "a=bundle-only\r\n": 1} {
		d, err := readDescription("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\n" +
			"m=audio 0 UDP/TLS/RTP/SAVPF 109\r\nc=IN IP4 0.0.0.0\r\na=mid:5\r\na=sendonly\r\n" + attribute + "a=msid:{s} {t}\r\na=rtpmap:109 opus/48000/2\r\na=ssrc:1 cname:x\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := len(d.sending()); got != sends {
			t.Errorf("with %q %d m-lines send, expected %d", attribute, got, sends)
		}
	}
}

func TestPayloadTypesOfTheAnswerCount(t *testing.T) {
	d, err := readDescription("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 109\r\nc=IN IP4 0.0.0.0\r\na=mid:5\r\na=sendonly\r\na=msid:s t\r\na=rtpmap:109 opus/48000/2\r\n")
	if err != nil {
		t.Fatal(err)
	}
	d.heed("v=0\r\nm=audio 9 X 111\r\na=mid:4\r\na=rtpmap:112 opus/48000/2\r\nm=audio 9 X 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:5\r\na=rtpmap:8 PCMA/8000\r\n")
	line := d.line("5")
	for pt, want := range map[uint8]bool{109: true, 111: true, 112: false, 8: false} {
		if line.carries(pt) != want {
			t.Errorf("type %d is carried: %v, expected %v", pt, !want, want)
		}
	}
	if line.types[0] != 109 {
		t.Error("the client's own number comes first")
	}
}

func TestOffersNumberExtensionsAsChromiumDoes(t *testing.T) {
	offer := "a=extmap:2 " + extMID + "\r\na=extmap:7 " + extAudioLevel + "\r\na=extmap:3 urn:else\r\n"
	for _, c := range []struct {
		d    description
		want string
	}{
		{description{}, "a=extmap:4 " + extMID + "\r\na=extmap:1 " + extAudioLevel + "\r\na=extmap:3 urn:else\r\n"},
		{description{lines: []mediaLine{{midExt: 2}}}, "a=extmap:2 " + extMID + "\r\na=extmap:1 " + extAudioLevel + "\r\na=extmap:3 urn:else\r\n"},
		{description{lines: []mediaLine{{levelExt: 7}}}, "a=extmap:4 " + extMID + "\r\na=extmap:7 " + extAudioLevel + "\r\na=extmap:3 urn:else\r\n"},
	} {
		if got := c.d.withBrowsersNumbers(offer); got != c.want {
			t.Errorf("got %q", got)
		}
	}
}
