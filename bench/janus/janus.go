// Package janus is the bridge from the bench's signalling to that of Janus and its video room plugin: JSON over WebSockets, a handle for each direction.
package janus

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"calls/bench/signal"
)

// Room is the one that the configuration declares and everybody joins.
const Room = 1

const writeWait = 5 * time.Second

// Bridge listens for the bench's participants.
type Bridge struct {
	listener net.Listener
	server   string
}

// Listen starts a bridge to the Janus whose WebSocket transport is at server.
func Listen(server string) (*Bridge, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Bridge{listener: l, server: server}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(signal.NewConn(conn))
		}
	}()
	return b, nil
}

// Addr is where it listens.
func (b *Bridge) Addr() string { return b.listener.Addr().String() }

// Close ends it; connections end with their participants.
func (b *Bridge) Close() error { return b.listener.Close() }

// message is any of Janus's; most fields are empty in most.
type message struct {
	Janus       string          `json:"janus"`
	Transaction string          `json:"transaction,omitempty"`
	Session     uint64          `json:"session_id,omitempty"`
	Handle      uint64          `json:"handle_id,omitempty"`
	Sender      uint64          `json:"sender,omitempty"`
	Plugin      string          `json:"plugin,omitempty"`
	Body        any             `json:"body,omitempty"`
	JSEP        *jsep           `json:"jsep,omitempty"`
	Candidate   json.RawMessage `json:"candidate,omitempty"`
	Data        struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	PluginData struct {
		Data event `json:"data"`
	} `json:"plugindata"`
	Error *struct {
		Reason string `json:"reason"`
	} `json:"error,omitempty"`
}

// request is a message of ours.
type request struct {
	Janus       string          `json:"janus"`
	Transaction string          `json:"transaction"`
	Session     uint64          `json:"session_id,omitempty"`
	Handle      uint64          `json:"handle_id,omitempty"`
	Plugin      string          `json:"plugin,omitempty"`
	Body        any             `json:"body,omitempty"`
	JSEP        *jsep           `json:"jsep,omitempty"`
	Candidate   json.RawMessage `json:"candidate,omitempty"`
}

type jsep struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// event is what the video room says.
type event struct {
	VideoRoom  string `json:"videoroom"`
	Error      string `json:"error"`
	Publishers []struct {
		ID uint64 `json:"id"`
	} `json:"publishers"`
}

type feed struct {
	Feed uint64 `json:"feed"`
}

// client is one participant.
type client struct {
	conn    *signal.Conn
	sendMu  sync.Mutex
	ws      *websocket.Conn
	serial  int
	session uint64
	pub     uint64 // handles
	sub     uint64

	mu      sync.Mutex
	wanted  []feed // not yet subscribed to
	begun   bool   // the subscriber has joined
	offered bool   // an offer of Janus's is unanswered or on its way
}

func (b *Bridge) serve(conn *signal.Conn) {
	defer conn.Close()
	c := &client{conn: conn}
	for {
		m, err := conn.Receive()
		if err != nil {
			break
		}
		if m.Type == signal.Join {
			err = c.join(b.server, m.User)
		} else if c.ws != nil {
			err = c.handle(m)
		}
		if err != nil {
			_ = conn.Send(signal.Message{Type: signal.Error, Text: err.Error()})
		}
		if m.Type == signal.Leave {
			break
		}
	}
	if c.ws != nil {
		_ = c.send(request{Janus: "destroy"}) // else Janus keeps the session until it times out
		_ = c.ws.Close()
	}
}

func (c *client) send(r request) error {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	c.serial++
	r.Transaction, r.Session = strconv.Itoa(c.serial), c.session
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	b, err := json.Marshal(r) // not WriteJSON: Janus takes the line feed behind it for the start of another request
	if err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, b)
}

// ask sends a request and waits for its answer. Only join uses it, before listen has begun.
func (c *client) ask(r request) (message, error) {
	if err := c.send(r); err != nil {
		return message{}, err
	}
	for {
		var m message
		if err := c.ws.ReadJSON(&m); err != nil {
			return m, err
		}
		if m.Error != nil {
			return m, errors.New("janus: " + m.Error.Reason)
		}
		if m.Transaction == strconv.Itoa(c.serial) && m.Janus != "ack" {
			return m, nil
		}
	}
}

func (c *client) join(server, user string) error {
	d := websocket.Dialer{Subprotocols: []string{"janus-protocol"}, HandshakeTimeout: writeWait}
	ws, resp, err := d.Dial("ws://"+server, nil)
	if err != nil {
		return fmt.Errorf("janus: %w", err)
	}
	_ = resp.Body.Close()
	c.ws = ws
	m, err := c.ask(request{Janus: "create"})
	if err != nil {
		return err
	}
	c.session = m.Data.ID
	for _, handle := range []*uint64{&c.pub, &c.sub} {
		if m, err = c.ask(request{Janus: "attach", Plugin: "janus.plugin.videoroom"}); err != nil {
			return err
		}
		*handle = m.Data.ID
	}
	m, err = c.ask(request{Janus: "message", Handle: c.pub, Body: map[string]any{"request": "join", "ptype": "publisher", "room": Room, "display": user}})
	if err != nil {
		return err
	}
	if e := m.PluginData.Data; e.VideoRoom != "joined" {
		return fmt.Errorf("janus: %q %s", e.VideoRoom, e.Error)
	}
	if err := c.conn.Send(signal.Message{Type: signal.Joined, Dual: true, NoChannel: true}); err != nil {
		return err
	}
	c.published(m)
	go c.listen()
	return nil
}

func (c *client) listen() {
	for {
		var m message
		if err := c.ws.ReadJSON(&m); err != nil {
			return
		}
		e := m.PluginData.Data
		if m.Error != nil || e.Error != "" {
			text := e.Error
			if m.Error != nil {
				text = m.Error.Reason
			}
			_ = c.conn.Send(signal.Message{Type: signal.Error, Text: "janus: " + text})
			continue
		}
		c.published(m)
		if m.JSEP != nil {
			pc := "pub"
			if m.Sender == c.sub {
				pc = "sub"
			}
			_ = c.conn.Send(signal.Message{Type: m.JSEP.Type, PC: pc, SDP: m.JSEP.SDP})
		}
	}
}

// published notes new publishers and subscribes to them.
func (c *client) published(m message) {
	c.mu.Lock()
	for _, p := range m.PluginData.Data.Publishers {
		c.wanted = append(c.wanted, feed{p.ID})
	}
	c.mu.Unlock()
	c.subscribe()
}

// subscribe asks for what is wanted, all at once. One request at a time: each brings an offer.
func (c *client) subscribe() {
	c.mu.Lock()
	feeds, first := c.wanted, !c.begun
	if len(feeds) == 0 || c.offered {
		c.mu.Unlock()
		return
	}
	c.wanted, c.begun, c.offered = nil, true, true
	c.mu.Unlock()
	body := map[string]any{"request": "subscribe", "streams": feeds}
	if first {
		body = map[string]any{"request": "join", "ptype": "subscriber", "room": Room, "streams": feeds}
	}
	_ = c.send(request{Janus: "message", Handle: c.sub, Body: body}) // a broken socket ends listen
}

func (c *client) handle(m signal.Message) error {
	handle := c.pub
	if m.PC == "sub" {
		handle = c.sub
	}
	switch m.Type {
	case signal.Offer:
		return c.send(request{Janus: "message", Handle: handle, Body: map[string]any{"request": "publish"}, JSEP: &jsep{"offer", m.SDP}})
	case signal.Answer:
		err := c.send(request{Janus: "message", Handle: handle, Body: map[string]any{"request": "start"}, JSEP: &jsep{"answer", m.SDP}})
		c.mu.Lock()
		c.offered = false
		c.mu.Unlock()
		c.subscribe()
		return err
	case signal.Candidate:
		return c.send(request{Janus: "trickle", Handle: handle, Candidate: json.RawMessage(m.Candidate)})
	}
	return nil
}
