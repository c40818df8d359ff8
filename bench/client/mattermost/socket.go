package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"calls/guard"
	"calls/wire"
)

const (
	maxEvents    = 50_000  // kept by one socket; more is an error, for a test must not miss one
	maxEventSize = 1 << 20 // bytes of one event
	writeWait    = 5 * time.Second
)

// Event is one event of the server as it came. Name is without the plugin's prefix; the host's own events are recorded too.
type Event struct {
	Name      string
	Data      json.RawMessage
	UserID    string // whom it was sent to; empty: everybody in the channel
	ChannelID string
	Foreign   bool // not one of the plugin's
	At        time.Time
}

// Decode reads the event's data into the wire's type for it.
func (e Event) Decode() (wire.Event, error) { return wire.DecodeEvent(wire.Prefix+e.Name, e.Data) }

// Socket is one WebSocket connection to a server.
type Socket struct {
	ConnID string // the id that it was opened with first: that of the session

	now  string // the id that it has now
	last int64  // sequence number of the last event
	conn *websocket.Conn
	done chan struct{} // closed when nothing is read any more

	writing sync.Mutex
	seq     int64
	via     atomic.Pointer[func(wire.Message, func() error) error]

	mu      sync.Mutex
	events  []Event
	more    chan struct{} // closed and replaced when events or err change
	err     error
	onEvent func(Event)
}

// Dial opens a socket and waits for the server's hello. onEvent, when it is not nil, is called for every event after that, on the socket's own goroutine.
func (a *API) Dial(ctx context.Context, onEvent func(Event)) (*Socket, error) {
	conn, err := a.open(ctx, "", 0)
	if err != nil {
		return nil, err
	}
	s := &Socket{more: make(chan struct{}), onEvent: onEvent}
	s.start(conn)
	hello, err := s.Await(ctx, "hello", func(e Event) bool { return e.Foreign && e.Name == "hello" })
	if err == nil {
		var data struct {
			ConnectionID string `json:"connection_id"`
		}
		err = json.Unmarshal(hello.Data, &data)
		s.ConnID, s.now = data.ConnectionID, data.ConnectionID
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// open opens a connection, under a former id when there is one.
func (a *API) open(ctx context.Context, id string, next int64) (*websocket.Conn, error) {
	url := fmt.Sprintf("ws%s/api/v4/websocket?connection_id=%s&sequence_number=%d", strings.TrimPrefix(a.URL, "http"), id, next)
	conn, resp, err := websocket.DefaultDialer.DialContext(ctx, url, http.Header{"Authorization": {"Bearer " + a.Token}})
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	conn.SetReadLimit(maxEventSize)
	return conn, nil
}

// start reads a connection from now on.
func (s *Socket) start(conn *websocket.Conn) {
	s.conn, s.done = conn, make(chan struct{})
	guard.Go("socket", func() { defer close(s.done); s.fail(s.read()) }, func(f guard.Failure) { s.fail(f) })
}

// Reopen comes back after the connection was closed: under its last id, for which the host has kept what it missed, or, with another one, as after the host has
// forgotten it. At once it tells the server whose session it is, as the stock clients do. It returns when the server's end is open.
func (s *Socket) Reopen(ctx context.Context, a *API, channel string, another bool) error {
	s.mu.Lock()
	id, next := s.now, s.last+1
	s.mu.Unlock()
	if another {
		id, next = "", 0
	}
	conn, err := a.open(ctx, id, next)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.err = nil
	prev := s.now
	s.mu.Unlock()
	s.writing.Lock()
	s.start(conn)
	s.writing.Unlock()
	return s.Send(wire.Reconnect{ChannelID: channel, OriginalConnID: s.ConnID, PrevConnID: prev})
}

// Through has every message of the protocol go through via from now on, which sends it when it likes to.
func (s *Socket) Through(via func(msg wire.Message, send func() error) error) { s.via.Store(&via) }

// Send sends a message of the protocol.
func (s *Socket) Send(msg wire.Message) error {
	if via := s.via.Load(); via != nil {
		return (*via)(msg, func() error { return s.send(msg) })
	}
	return s.send(msg)
}

func (s *Socket) send(msg wire.Message) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.seq++
	frame, binary, err := wire.Encode(msg, s.seq)
	if err != nil {
		return err
	}
	kind := websocket.TextMessage
	if binary {
		kind = websocket.BinaryMessage
	}
	return s.write(kind, frame)
}

// SendRaw sends a frame as it is.
func (s *Socket) SendRaw(binary bool, frame []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	kind := websocket.TextMessage
	if binary {
		kind = websocket.BinaryMessage
	}
	return s.write(kind, frame)
}

func (s *Socket) write(kind int, frame []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return s.conn.WriteMessage(kind, frame)
}

// Events is everything that came so far.
func (s *Socket) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Await returns the first event that matches, among those that came already and those to come. The error of a wait in vain says what did come.
func (s *Socket) Await(ctx context.Context, what string, match func(Event) bool) (Event, error) {
	for next := 0; ; {
		s.mu.Lock()
		fresh, more, err := s.events[next:], s.more, s.err
		s.mu.Unlock()
		if i := slices.IndexFunc(fresh, match); i >= 0 {
			return fresh[i], nil
		}
		next += len(fresh)
		if err != nil {
			return Event{}, fmt.Errorf("no %s: %w", what, err)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("no %s among %s: %w", what, s.names(), ctx.Err())
		}
	}
}

// names lists the plugin's events that came, for people.
func (s *Socket) names() string {
	var names []string
	for _, e := range s.Events() {
		if !e.Foreign {
			names = append(names, e.Name)
		}
	}
	if len(names) > 40 {
		names = append([]string{"…"}, names[len(names)-40:]...)
	}
	return "[" + strings.Join(names, " ") + "]"
}

// Close closes the socket and returns when nothing of it runs any more.
func (s *Socket) Close() {
	s.writing.Lock()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(writeWait)) // the server may be gone first
	s.writing.Unlock()
	s.conn.Close()
	<-s.done
}

func (s *Socket) read() error {
	for {
		_, text, err := s.conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("read socket: %w", err)
		}
		var frame struct {
			Event     string          `json:"event"`
			Seq       int64           `json:"seq"`
			Data      json.RawMessage `json:"data"`
			Broadcast struct {
				UserID    string `json:"user_id"`
				ChannelID string `json:"channel_id"`
			} `json:"broadcast"`
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			return fmt.Errorf("read event: %w", err)
		}
		if frame.Event == "" {
			continue // a reply of the host to a message of its own
		}
		e := Event{Name: frame.Event, Data: frame.Data, UserID: frame.Broadcast.UserID, ChannelID: frame.Broadcast.ChannelID, At: time.Now()}
		if name, ours := wire.Action(frame.Event); ours {
			e.Name = name
		} else {
			e.Foreign = true
		}
		if err := s.record(e, frame.Seq); err != nil {
			return err
		}
		if s.onEvent != nil {
			s.onEvent(e)
		}
	}
}

func (s *Socket) record(e Event, seq int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) >= maxEvents {
		return errors.New("more events than a socket keeps")
	}
	s.events, s.last = append(s.events, e), seq
	close(s.more)
	s.more = make(chan struct{})
	return nil
}

func (s *Socket) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
		close(s.more)
		s.more = make(chan struct{})
	}
}
