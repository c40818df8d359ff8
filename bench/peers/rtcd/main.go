// Command rtcd is the forwarding server of Mattermost's rtcd behind the bench's signalling: the package that the real service is a shell around, in a process of its own.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/shared/mlog"
	"github.com/mattermost/rtcd/service/perf"
	"github.com/mattermost/rtcd/service/rtc"
	"github.com/prometheus/client_golang/prometheus"
)

// message is one of the bench's signalling; see bench/signal. It is written down again because this module shares nothing with the plugin's.
type message struct {
	Type      string `json:"type"`
	Call      string `json:"call,omitempty"`
	User      string `json:"user,omitempty"`
	SDP       string `json:"sdp,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	Stream    string `json:"stream,omitempty"`
	Text      string `json:"text,omitempty"`
}

const (
	group  = "bench"
	settle = 100 * time.Millisecond // after an answer
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
	b := &bridge{server: s, clients: map[string]*client{}}
	go b.deliver()
	return errors.Join(b.listen(), s.Stop())
}

// bridge carries messages between the bench's connections and the server.
type bridge struct {
	server  *rtc.Server
	mu      sync.Mutex
	clients map[string]*client // by session
}

type client struct {
	mu   sync.Mutex
	conn net.Conn
	enc  *json.Encoder

	answered time.Time // the last time; the reader's
}

func (c *client) send(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_ = c.enc.Encode(m) // one who is gone notices by reading
}

func (b *bridge) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1)) // ends with the bench
		_ = l.Close()
	}()
	fmt.Println("ready " + l.Addr().String())
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go b.serve(&client{conn: conn, enc: json.NewEncoder(conn)})
	}
}

// deliver hands the server's messages to the clients.
func (b *bridge) deliver() {
	for msg := range b.server.ReceiveCh() {
		b.mu.Lock()
		c := b.clients[msg.SessionID]
		b.mu.Unlock()
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
			c.send(message{Type: body.Type, SDP: body.SDP})
		case rtc.ICEMessage:
			c.send(message{Type: "candidate", Candidate: string(body.Candidate)})
		}
	}
}

func (b *bridge) serve(c *client) {
	defer c.conn.Close()
	var cfg rtc.SessionConfig
	for dec := json.NewDecoder(c.conn); ; {
		var m message
		if err := dec.Decode(&m); err != nil {
			break
		}
		if m.Type == "join" && cfg.SessionID == "" {
			cfg = rtc.SessionConfig{GroupID: group, CallID: m.Call, UserID: m.User, SessionID: m.User, Props: rtc.SessionProps{"channelID": m.Call}}
			b.mu.Lock()
			b.clients[cfg.SessionID] = c
			b.mu.Unlock()
			if err := b.server.InitSession(cfg, func() error { return nil }); err != nil {
				c.send(message{Type: "error", Text: err.Error()})
				break
			}
			c.send(message{Type: "joined"})
			continue
		}
		if err := b.handle(c, cfg, m); err != nil {
			c.send(message{Type: "error", Text: err.Error()})
		}
	}
	if cfg.SessionID != "" {
		_ = b.server.CloseSession(cfg.SessionID)
	}
}

// handle translates a client's message.
func (b *bridge) handle(c *client, cfg rtc.SessionConfig, m message) error {
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
	return b.server.Send(msg)
}
