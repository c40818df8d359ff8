package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"calls/guard/guardtest"
	"calls/wire"
)

// within bounds every wait of these tests; nothing here takes a thirtieth of it on an idle machine.
const within = time.Minute

// eventually polls until unmet returns nothing, and fails with the last thing that it returned.
func eventually(t *testing.T, unmet func() string) {
	t.Helper()
	deadline, tick := time.After(within), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for last := unmet(); last != ""; last = unmet() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "still: "+last)
		}
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	t.Cleanup(cancel)
	return ctx
}

// wireTo is the Signalling of a client whose server is another client.
type wireTo struct {
	mu   sync.Mutex
	peer *Client
	said []wire.Message
}

func (w *wireTo) Send(msg wire.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, msg)
	switch msg := msg.(type) {
	case wire.SDP:
		w.peer.HandleSignal(msg.Type, msg.SDP)
	case wire.ICE:
		w.peer.HandleCandidate(candidateJSON(msg))
	}
	return nil
}

func (w *wireTo) heard() []wire.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]wire.Message(nil), w.said...)
}

func candidateJSON(msg wire.ICE) string {
	b, _ := json.Marshal(webrtc.ICECandidateInit{
		Candidate: msg.Candidate, SDPMid: msg.SDPMid, SDPMLineIndex: msg.SDPMLineIndex, UsernameFragment: msg.UsernameFragment,
	})
	return string(b)
}

// pair connects two clients directly; the first one offers.
func pair(t *testing.T, cfg Config) (a, b *Client, said *wireTo) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { guardtest.None(t, before) }) // runs after the clients are closed
	fromA, fromB := &wireTo{}, &wireTo{}
	make := func(id uint32, s *wireTo) *Client {
		cfg := cfg
		cfg.ID, cfg.Signalling, cfg.Loopback = id, s, true
		c, err := New(cfg)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, c.Close()) })
		return c
	}
	a, b = make(1, fromA), make(2, fromB)
	fromA.peer, fromB.peer = b, a
	require.NoError(t, a.Start())
	require.NoError(t, a.WaitConnected(deadline(t)))
	require.NoError(t, b.WaitConnected(deadline(t)))
	return a, b, fromA
}

func TestEachHearsEverythingTheOtherSays(t *testing.T) {
	for _, reports := range []bool{false, true} {
		t.Run(fmt.Sprintf("reports %v", reports), func(t *testing.T) {
			a, b, said := pair(t, Config{Reports: reports})
			require.NoError(t, a.Unmute(deadline(t), Voice{Interval: 5 * time.Millisecond}))
			require.NoError(t, b.Unmute(deadline(t), Voice{Interval: 5 * time.Millisecond}))
			for from, to := range map[*Client]*Client{a: b, b: a} {
				eventually(t, func() string { return fewer("packets heard", to.Received(from.cfg.ID, Audio).Counts.Received, 100) })
				from.Pause(Audio)
				requireAllArrived(t, from, to, Audio)
			}
			require.NoError(t, errors.Join(a.Err(), b.Err()))
			assert.Equal(t, wire.Unmute{}, beforeOffer(said.heard()), "the track is announced right before its offer")
			delays := b.Delays()
			assert.Less(t, delays.Quantile(0.5), within)
			assert.GreaterOrEqual(t, delays.Count(), uint64(100))
		})
	}
}

// beforeOffer is the message before the last offer.
func beforeOffer(said []wire.Message) wire.Message {
	for i := len(said) - 1; i > 0; i-- {
		if sdp, ok := said[i].(wire.SDP); ok && sdp.Type == "offer" {
			return said[i-1]
		}
	}
	return nil
}

func fewer(what string, got, want uint64) string {
	if got >= want {
		return ""
	}
	return fmt.Sprintf("%d %s, not yet %d", got, what, want)
}

// requireAllArrived demands, of a sender that has paused, that every packet it sent was received once and in order.
func requireAllArrived(t *testing.T, from, to *Client, kind Kind) {
	t.Helper()
	sent := from.Sent(kind)
	eventually(t, func() string { return fewer("packets arrived", to.Received(from.cfg.ID, kind).Counts.Received, sent) })
	got := to.Received(from.cfg.ID, kind)
	got.Counts.seen = [len(got.Counts.seen)]uint64{}
	assert.Equal(t, Continuity{Received: sent, Last: sent - 1}, got.Counts)
	for _, s := range to.Streams() {
		assert.Zero(t, s.Seq.Lost()+s.Seq.Repeated+s.Seq.Late+s.Malformed)
	}
}

func TestSpeechArrivesByteForByte(t *testing.T) {
	speech := make([][]byte, 50)
	for i := range speech {
		speech[i] = []byte(fmt.Sprintf("packet %d of different lengths%*d", i, i, i))
	}
	a, b, _ := pair(t, Config{Capture: 120})
	require.NoError(t, a.Unmute(deadline(t), Voice{Payloads: speech, Interval: 2 * time.Millisecond}))
	eventually(t, func() string { return fewer("packets sent", a.Sent(Audio), 200) })
	eventually(t, func() string {
		if streams := b.Streams(); len(streams) == 1 {
			return fewer("packets heard", streams[0].Packets, 150)
		}
		return "not one stream"
	})
	got := b.Captured(b.Streams()[0].SSRC)
	require.Len(t, got, 120, "as many are kept as were asked for")
	for i, c := range got {
		require.Equal(t, speech[i%len(speech)], c.Payload)
		require.Equal(t, got[0].Seq+uint16(i), c.Seq)
	}
}

func TestNothingIsSentWhileMuted(t *testing.T) {
	a, b, said := pair(t, Config{})
	require.NoError(t, a.Unmute(deadline(t), Voice{Interval: 5 * time.Millisecond}))
	eventually(t, func() string { return fewer("packets heard", b.Received(1, Audio).Counts.Received, 10) })
	a.Mute()
	requireAllArrived(t, a, b, Audio)
	eventually(t, func() string {
		if heard := said.heard(); heard[len(heard)-1] != wire.Message(wire.Mute{}) {
			return "not told of the mute"
		}
		return ""
	})
	offers := len(said.heard())
	before := a.Sent(Audio)
	require.NoError(t, a.Unmute(deadline(t), Voice{Interval: 5 * time.Millisecond}))
	eventually(t, func() string { return fewer("packets sent", a.Sent(Audio), before+10) })
	a.Mute()
	requireAllArrived(t, a, b, Audio)
	eventually(t, func() string { return fewer("messages", uint64(len(said.heard())), uint64(offers+2)) })
	assert.Equal(t, []wire.Message{wire.Unmute{}, wire.Mute{}}, said.heard()[offers:], "nothing is negotiated again")
}

func TestAScreenArrivesInWholeFrames(t *testing.T) {
	a, b, said := pair(t, Config{})
	require.NoError(t, a.Share(deadline(t), Picture{FPS: 100, KeyframeEvery: 10}))
	eventually(t, func() string { return fewer("packets seen", b.Received(1, Screen).Counts.Received, 8*25) })
	require.Error(t, a.Share(deadline(t), Picture{}), "one screen at a time")
	require.NoError(t, a.Unshare(deadline(t)))
	requireAllArrived(t, a, b, Screen)
	s := b.Streams()[0]
	assert.Equal(t, Frames{Complete: s.Packets / 8, Keyframes: (s.Packets/8 + 9) / 10, FromKey: true}, s.Frames)
	assert.Equal(t, wire.ScreenOff{}, beforeOffer(said.heard()))

	require.NoError(t, a.Share(deadline(t), Picture{FPS: 100}))
	eventually(t, func() string { return fewer("streams", uint64(len(b.Streams())), 2) })
	a.Pause(Screen)
	requireAllArrived(t, a, b, Screen)
	announced, ok := beforeOffer(said.heard()).(wire.ScreenOn)
	require.True(t, ok)
	ids := []string{b.Streams()[0].StreamID, b.Streams()[1].StreamID}
	assert.Contains(t, ids, announced.ScreenStreamID)
	require.NoError(t, errors.Join(a.Err(), b.Err()))
}

func TestAClosedClientAnswersErrClosed(t *testing.T) {
	a, b, said := pair(t, Config{})
	require.NoError(t, a.Leave())
	require.NoError(t, a.Close(), "twice")
	assert.Contains(t, said.heard(), wire.Message(wire.Leave{}))
	assert.ErrorIs(t, a.Unmute(deadline(t), Voice{}), ErrClosed)
	a.HandleSignal("offer", "nonsense")
	a.HandleCandidate("{")
	select {
	case <-b.Lost():
	case <-deadline(t).Done():
		t.Error("the other side was not told")
	}
}

func TestNonsenseIsAnErrorAndNothingElse(t *testing.T) {
	for name, feed := range map[string]func(*Client){
		"type":       func(c *Client) { c.HandleSignal("rollback", "") },
		"answer":     func(c *Client) { c.HandleSignal("answer", "v=0") },
		"offer":      func(c *Client) { c.HandleSignal("offer", "nonsense") },
		"candidate":  func(c *Client) { c.HandleCandidate(`{"candidate":"nonsense","sdpMid":"0"}`) },
		"not JSON":   func(c *Client) { c.HandleCandidate("{") },
		"signalling": func(c *Client) { c.Send(wire.Mute{}) },
	} {
		t.Run(name, func(t *testing.T) {
			a, _, _ := pair(t, Config{})
			if name == "signalling" {
				a.serial.Do(func() { a.cfg.Signalling = broken{} })
			}
			feed(a)
			eventually(t, func() string {
				if a.Err() == nil {
					return "no error"
				}
				return ""
			})
		})
	}
}

type broken struct{}

func (broken) Send(wire.Message) error { return errors.New("the socket is gone") }

// server is the other end of one client, with the one rule that matters here: while an offer of its own is pending it discards the client's.
type server struct {
	t      *testing.T
	client *Client

	mu        sync.Mutex
	pc        *webrtc.PeerConnection
	discarded int
}

func serve(t *testing.T) (*server, *Client) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { guardtest.None(t, before) })
	api, err := newAPI(Config{Loopback: true})
	require.NoError(t, err)
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	require.NoError(t, err)
	s := &server{t: t, pc: pc}
	s.client, err = New(Config{ID: 1, Signalling: s, Loopback: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, s.client.Close())
		assert.NoError(t, pc.GracefulClose())
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			b, _ := json.Marshal(c.ToJSON())
			s.client.HandleCandidate(string(b))
		}
	})
	require.NoError(t, s.client.Start())
	require.NoError(t, s.client.WaitConnected(deadline(t)))
	return s, s.client
}

func (s *server) Send(msg wire.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch msg := msg.(type) {
	case wire.ICE:
		return s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: msg.Candidate, SDPMid: msg.SDPMid, SDPMLineIndex: msg.SDPMLineIndex})
	case wire.SDP:
		return s.description(msg)
	}
	return nil
}

func (s *server) description(msg wire.SDP) error {
	if msg.Type == "answer" {
		return s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: msg.SDP})
	}
	if s.pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer {
		s.discarded++
		return nil
	}
	if err := s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: msg.SDP}); err != nil {
		return err
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err == nil {
		err = s.pc.SetLocalDescription(answer)
	}
	if err != nil {
		return err
	}
	s.client.HandleSignal("answer", answer.SDP)
	return nil
}

// addTrack gives the client one more stream, audio or video by codec.
func (s *server) addTrack(codec webrtc.RTPCodecCapability, name string) *webrtc.TrackLocalStaticRTP {
	s.t.Helper()
	local, err := webrtc.NewTrackLocalStaticRTP(codec, name, name)
	require.NoError(s.t, err)
	_, err = s.pc.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	require.NoError(s.t, err)
	return local
}

// offer makes and applies an offer without sending it yet.
func (s *server) offer() string {
	s.t.Helper()
	offer, err := s.pc.CreateOffer(nil)
	require.NoError(s.t, err)
	require.NoError(s.t, s.pc.SetLocalDescription(offer))
	return offer.SDP
}

// The server's offer is made before the client's arrives and reaches the client after that left: the worst case, for each kind of line on either side.
func TestAnOfferThatMeetsTheServersIsMadeAgain(t *testing.T) {
	for name, codec := range map[string]webrtc.RTPCodecCapability{"audio": opusCodec, "video": vp8Codec} {
		t.Run("server adds "+name, func(t *testing.T) {
			s, c := serve(t)
			heard := make(chan struct{})
			s.pc.OnTrack(func(*webrtc.TrackRemote, *webrtc.RTPReceiver) { close(heard) })
			s.mu.Lock()
			track := s.addTrack(codec, "slot")
			offer := s.offer()
			s.mu.Unlock()
			published := make(chan error, 1)
			go func() { published <- c.Unmute(deadline(t), Voice{Interval: 5 * time.Millisecond}) }()
			eventually(t, func() string {
				s.mu.Lock()
				defer s.mu.Unlock()
				return fewer("offers discarded", uint64(s.discarded), 1)
			})
			c.HandleSignal("offer", offer)
			require.NoError(t, <-published)
			assert.Equal(t, uint64(1), c.Collisions())

			select {
			case <-heard:
			case <-deadline(t).Done():
				require.FailNow(t, "the server does not hear the client")
			}
			p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte("hello")}
			eventually(t, func() string {
				p.SequenceNumber++
				require.NoError(t, track.WriteRTP(p))
				return fewer("streams at the client", uint64(len(c.Streams())), 1)
			})
			require.NoError(t, c.Err())
		})
	}
}

func TestARepeatedSequenceNumberIsSeen(t *testing.T) {
	s, c := serve(t)
	s.mu.Lock()
	track := s.addTrack(opusCodec, "slot")
	offer := s.offer()
	s.mu.Unlock()
	c.HandleSignal("offer", offer)
	p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte("hello")}
	eventually(t, func() string { // the first packets may come before the track is bound
		p.SequenceNumber++
		require.NoError(t, track.WriteRTP(p))
		return fewer("streams", uint64(len(c.Streams())), 1)
	})
	for _, step := range []uint16{0, 1, 3} {
		p.SequenceNumber += step
		require.NoError(t, track.WriteRTP(p))
	}
	eventually(t, func() string {
		seq := c.Streams()[0].Seq
		return fewer("repeated", seq.Repeated, 1) + fewer("lost", seq.Lost(), 2) + fewer("breaks", seq.Breaks, 1)
	})
}

func TestAKeyframeIsMadeWhenAskedFor(t *testing.T) {
	s, c := serve(t)
	keyframes := make(chan struct{}, 100)
	s.pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			if _, key, _, ok := parseVP8(p.Payload); !ok || !key {
				continue
			}
			keyframes <- struct{}{}
			if s.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}}) != nil {
				return
			}
		}
	})
	require.NoError(t, c.Share(deadline(t), Picture{FPS: 100, Packets: 2}))
	for range 3 { // the first by itself, two asked for
		select {
		case <-keyframes:
		case <-deadline(t).Done():
			require.FailNow(t, "no key frame")
		}
	}
	assert.GreaterOrEqual(t, c.KeyframeRequests(), uint64(2))
}

// A server drops a stream and puts another one on its m-line.
func TestAnMLineIsUsedAgain(t *testing.T) {
	s, c := serve(t)
	negotiate := func(change func()) {
		s.mu.Lock()
		change()
		offer := s.offer()
		s.mu.Unlock()
		c.HandleSignal("offer", offer)
		eventually(t, func() string {
			if state := s.pc.SignalingState(); state != webrtc.SignalingStateStable {
				return state.String()
			}
			return ""
		})
	}
	hear := func(track *webrtc.TrackLocalStaticRTP, streams uint64) {
		p := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: []byte("hello")}
		eventually(t, func() string {
			p.SequenceNumber++
			require.NoError(t, track.WriteRTP(p))
			return fewer("streams", uint64(len(c.Streams())), streams)
		})
	}
	var track *webrtc.TrackLocalStaticRTP
	negotiate(func() { track = s.addTrack(opusCodec, "one") })
	hear(track, 1)
	negotiate(func() { require.NoError(t, s.pc.RemoveTrack(s.pc.GetSenders()[0])) })
	negotiate(func() {
		var err error
		track, err = webrtc.NewTrackLocalStaticRTP(opusCodec, "two", "two")
		require.NoError(t, err)
		_, err = s.pc.AddTrack(track)
		require.NoError(t, err)
	})
	require.Len(t, s.pc.GetTransceivers(), 1)
	hear(track, 2)
	require.NoError(t, c.Err())
}

func TestSocketsHaveALargeBuffer(t *testing.T) {
	n, err := newNet(Config{})
	require.NoError(t, err)
	receiver, err := n.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer receiver.Close()
	raw, err := receiver.(*net.UDPConn).SyscallConn()
	require.NoError(t, err)
	var granted int
	require.NoError(t, raw.Control(func(fd uintptr) {
		granted, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
	}))
	require.NoError(t, err)
	limit, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	require.NoError(t, err)
	most, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	require.NoError(t, err)
	assert.GreaterOrEqual(t, granted, 2*min(socketBuffer, most), "the kernel doubles what it grants")
}
