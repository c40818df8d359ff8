// Command livekit is the bridge from the bench's signalling to that of LiveKit's server, which runs beside it: WebSockets with protocol buffers.
package main

import (
	"flag"
	"log"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"calls/bench/peers/bridge"
)

func main() {
	server := flag.String("server", "127.0.0.1:7880", "LiveKit's address")
	key := flag.String("key", "", "API key")
	secret := flag.String("secret", "", "API secret")
	flag.Parse()
	err := bridge.Serve(func(conn *bridge.Conn) {
		c := &client{Conn: conn, server: *server, key: *key, secret: *secret}
		if err := c.serve(); err != nil {
			c.Tell(bridge.Message{Type: "error", Text: err.Error()})
		}
		if c.ws != nil {
			_ = c.ws.Close()
		}
	})
	if err != nil {
		log.Fatal(err)
	}
}

// client is one participant.
type client struct {
	*bridge.Conn
	server, key, secret string

	sendMu sync.Mutex
	ws     *websocket.Conn

	mu     sync.Mutex
	kind   livekit.TrackType   // announced and not yet offered
	source livekit.TrackSource // likewise
	due    bool
	held   map[string]string // offers that wait for their track to be known, by its id
}

func (c *client) send(r *livekit.SignalRequest) error {
	b, err := proto.Marshal(r)
	if err != nil {
		return err
	}
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	return c.ws.WriteMessage(websocket.BinaryMessage, b)
}

func (c *client) serve() error {
	for {
		m, ok := c.Receive()
		if !ok {
			return nil
		}
		var err error
		switch m.Type {
		case "join":
			err = c.join(m.Call, m.User)
		case "unmute":
			c.announce(livekit.TrackType_AUDIO, livekit.TrackSource_MICROPHONE)
		case "screen_on":
			c.announce(livekit.TrackType_VIDEO, livekit.TrackSource_SCREEN_SHARE)
		case "offer":
			err = c.offer(m.SDP)
		case "answer":
			err = c.send(&livekit.SignalRequest{Message: &livekit.SignalRequest_Answer{Answer: &livekit.SessionDescription{Type: "answer", Sdp: m.SDP}}})
		case "candidate":
			target := livekit.SignalTarget_PUBLISHER
			if m.PC == "sub" {
				target = livekit.SignalTarget_SUBSCRIBER
			}
			err = c.send(&livekit.SignalRequest{Message: &livekit.SignalRequest_Trickle{Trickle: &livekit.TrickleRequest{CandidateInit: m.Candidate, Target: target}}})
		case "leave":
			return c.send(&livekit.SignalRequest{Message: &livekit.SignalRequest_Leave{Leave: &livekit.LeaveRequest{}}})
		}
		if err != nil {
			return err
		}
	}
}

// join opens the socket; joined is said when the server does.
func (c *client) join(call, user string) error {
	grant := &auth.VideoGrant{RoomJoin: true, Room: call}
	token, err := auth.NewAccessToken(c.key, c.secret).SetIdentity(user).SetVideoGrant(grant).SetValidFor(time.Hour).ToJWT()
	if err != nil {
		return err
	}
	at := url.URL{Scheme: "ws", Host: c.server, Path: "/rtc", RawQuery: url.Values{
		"access_token": {token}, "protocol": {"9"}, "sdk": {"go"}, "auto_subscribe": {"1"}, "version": {"2.0.0"},
	}.Encode()}
	c.ws, _, err = websocket.DefaultDialer.Dial(at.String(), nil)
	if err != nil {
		return err
	}
	go c.listen()
	return nil
}

func (c *client) listen() {
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var r livekit.SignalResponse
		if err := proto.Unmarshal(b, &r); err != nil {
			continue
		}
		switch m := r.Message.(type) {
		case *livekit.SignalResponse_Join:
			c.Tell(bridge.Message{Type: "joined", Dual: true})
		case *livekit.SignalResponse_Offer:
			c.Tell(bridge.Message{Type: "offer", PC: "sub", SDP: m.Offer.Sdp})
		case *livekit.SignalResponse_Answer:
			c.Tell(bridge.Message{Type: "answer", PC: "pub", SDP: m.Answer.Sdp})
		case *livekit.SignalResponse_Trickle:
			pc := "pub"
			if m.Trickle.Target == livekit.SignalTarget_SUBSCRIBER {
				pc = "sub"
			}
			c.Tell(bridge.Message{Type: "candidate", PC: pc, Candidate: m.Trickle.CandidateInit})
		case *livekit.SignalResponse_TrackPublished:
			c.published(m.TrackPublished.Cid)
		}
	}
}

func (c *client) announce(kind livekit.TrackType, source livekit.TrackSource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kind, c.source, c.due = kind, source, true
}

// offer passes an offer on. One with an announced track has to wait: the server must know the track's id first.
func (c *client) offer(sdp string) error {
	c.mu.Lock()
	kind, source, id := c.kind, c.source, ""
	if c.due {
		id = trackID(sdp, kind)
	}
	if id != "" {
		c.due = false
		if c.held == nil {
			c.held = map[string]string{}
		}
		c.held[id] = sdp
	}
	c.mu.Unlock()
	if id == "" {
		return c.pass(sdp)
	}
	add := &livekit.AddTrackRequest{Cid: id, Name: id, Type: kind, Source: source, DisableRed: true, DisableDtx: true}
	if kind == livekit.TrackType_VIDEO {
		add.Width, add.Height = 1280, 720
		add.Layers = []*livekit.VideoLayer{{Quality: livekit.VideoQuality_HIGH, Width: 1280, Height: 720, Bitrate: 1_100_000}}
	}
	return c.send(&livekit.SignalRequest{Message: &livekit.SignalRequest_AddTrack{AddTrack: add}})
}

func (c *client) published(id string) {
	c.mu.Lock()
	sdp, ok := c.held[id]
	delete(c.held, id)
	c.mu.Unlock()
	if ok {
		_ = c.pass(sdp) // a broken socket ends listen
	}
}

func (c *client) pass(sdp string) error {
	return c.send(&livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: &livekit.SessionDescription{Type: "offer", Sdp: sdp}}})
}

// trackID finds the id of the last track of a kind in an offer.
func trackID(sdp string, kind livekit.TrackType) (id string) {
	want, in := "audio", false
	if kind == livekit.TrackType_VIDEO {
		want = "video"
	}
	for line := range strings.Lines(sdp) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "m="); ok {
			in = strings.HasPrefix(rest, want)
		}
		if rest, ok := strings.CutPrefix(line, "a=msid:"); ok && in {
			if _, track, ok := strings.Cut(rest, " "); ok {
				id = track
			}
		}
	}
	return id
}
