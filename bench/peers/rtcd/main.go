// Command rtcd is the forwarding server of Mattermost's rtcd behind the bench's signalling: the package that the real service is a shell around, in a process of its own.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/shared/mlog"
	"github.com/mattermost/rtcd/service/perf"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/prometheus/client_golang/prometheus"

	"calls/bench/peers/bridge"
)

const (
	group  = "bench"
	settle = 300 * time.Millisecond // after an answer
)

func main() {
	addr := flag.String("addr", "127.0.0.1", "address for media")
	port := flag.Int("port", 0, "port for media, UDP and TCP")
	flag.Parse()
	if err := run(*addr, *port); err != nil {
		log.Fatal(err)
	}
}

func run(addr string, port int) error {
	logger, err := mlog.NewLogger()
	if err != nil {
		return err
	}
	cfg := rtc.ServerConfig{
		ICEAddressUDP: rtc.ICEAddress(addr), ICEAddressTCP: rtc.ICEAddress(addr), ICEPortUDP: port, ICEPortTCP: port,
		// As service.Config.SetDefaults has them.
		UDPSocketsCount: rtc.GetDefaultUDPListeningSocketsCount(), NACKBufferSize: 256, NACKDisableCopy: true,
		TURNConfig: rtc.TURNConfig{CredentialsExpirationMinutes: 1440},
	}
	s, err := rtc.NewServer(cfg, logger, perf.NewMetrics("rtcd", prometheus.NewRegistry()))
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	r := &relay{server: s, clients: map[string]*client{}}
	go r.deliver()
	return errors.Join(bridge.Serve(r.serve), s.Stop())
}

// relay carries messages between the bench's connections and the server.
type relay struct {
	server  *rtc.Server
	mu      sync.Mutex
	clients map[string]*client // by session
}

type client struct {
	*bridge.Conn
	answered time.Time // the last time; the reader's
}

// deliver hands the server's messages to the clients.
func (r *relay) deliver() {
	for msg := range r.server.ReceiveCh() {
		r.mu.Lock()
		c := r.clients[msg.SessionID]
		r.mu.Unlock()
		if c == nil {
			continue
		}
		var body struct {
			Type      string          `json:"type"`
			SDP       string          `json:"sdp"`
			Candidate json.RawMessage `json:"candidate"`
		}
		if json.Unmarshal(msg.Data, &body) != nil {
			continue
		}
		switch msg.Type {
		case rtc.SDPMessage:
			c.Tell(bridge.Message{Type: body.Type, SDP: body.SDP})
		case rtc.ICEMessage:
			c.Tell(bridge.Message{Type: "candidate", Candidate: string(body.Candidate)})
		}
	}
}

func (r *relay) serve(conn *bridge.Conn) {
	c := &client{Conn: conn}
	var cfg rtc.SessionConfig
	for {
		m, ok := c.Receive()
		if !ok {
			break
		}
		if m.Type == "join" && cfg.SessionID == "" {
			cfg = rtc.SessionConfig{GroupID: group, CallID: m.Call, UserID: m.User, SessionID: m.User, Props: rtc.SessionProps{"channelID": m.Call}}
			r.mu.Lock()
			r.clients[cfg.SessionID] = c
			r.mu.Unlock()
			if err := r.server.InitSession(cfg, func() error { return nil }); err != nil {
				c.Tell(bridge.Message{Type: "error", Text: err.Error()})
				break
			}
			c.Tell(bridge.Message{Type: "joined"})
			continue
		}
		if err := r.handle(c, cfg, m); err != nil {
			c.Tell(bridge.Message{Type: "error", Text: err.Error()})
		}
	}
	if cfg.SessionID != "" {
		_ = r.server.CloseSession(cfg.SessionID)
	}
}

// handle translates a client's message.
func (r *relay) handle(c *client, cfg rtc.SessionConfig, m bridge.Message) error {
	msg := rtc.Message{GroupID: cfg.GroupID, CallID: cfg.CallID, UserID: cfg.UserID, SessionID: cfg.SessionID}
	var body any
	switch m.Type {
	case "offer", "answer":
		// rtcd takes answers and offers on two ways, and ignores an offer that overtakes the answer before it.
		if wait := settle - time.Since(c.answered); m.Type == "offer" && wait > 0 {
			time.Sleep(wait)
		}
		if m.Type == "answer" {
			c.answered = time.Now()
		}
		msg.Type, body = rtc.SDPMessage, map[string]string{"type": m.Type, "sdp": m.SDP}
	case "candidate":
		// What clients send is the candidate alone, as an RTCIceCandidateInit.
		msg.Type, msg.Data = rtc.ICEMessage, []byte(m.Candidate)
	case "unmute":
		msg.Type, body = rtc.UnmuteMessage, map[string]string{}
	case "screen_on":
		msg.Type, body = rtc.ScreenOnMessage, map[string]string{"screenStreamID": m.Stream}
	case "leave":
		return nil // the connection ends, and the session with it
	default:
		return fmt.Errorf("message of unknown type %.20q", m.Type)
	}
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		msg.Data = data
	}
	return r.server.Send(msg)
}
