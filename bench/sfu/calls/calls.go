// Package calls is our engine as a process without Mattermost: the bench's signalling in front, a host of a few maps behind.
package calls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/bench/signal"
	"calls/wire"
)

// Host is the Mattermost server that the engine believes in: everybody may join everything, nothing is kept.
type Host struct {
	Engine *actors.Engine
	// OnEvent is told of every event; nil: nobody is. Set it before anybody joins.
	OnEvent func(call.Event)

	mu      sync.Mutex
	clients map[session.ID]Client
}

// Client is somebody whom the host can reach.
type Client interface {
	Joined()
	Description(kind, sdp string)
	Candidate(candidate string)
	Refused(code, message string)
}

// New starts an engine with a host of its own. A nil log discards.
func New(cfg actors.Config, log *slog.Logger) (*Host, error) {
	h := &Host{clients: map[session.ID]Client{}}
	e, err := actors.New(cfg, actors.Ports{Directory: h, Posts: h, Store: h, Publisher: h, Signaller: h, Log: log})
	h.Engine = e
	return h, err
}

// Enter makes a client known and asks for its join.
func (h *Host) Enter(id session.ID, user session.UserID, channel string, c Client) {
	h.mu.Lock()
	h.clients[id] = c
	h.mu.Unlock()
	h.Engine.Connected(session.ConnID(id), user)
	h.Engine.Join(session.ConnID(id), user, wire.Join{ChannelID: channel})
}

// Gone forgets a client whose socket closed.
func (h *Host) Gone(id session.ID, user session.UserID) {
	h.mu.Lock()
	delete(h.clients, id)
	h.mu.Unlock()
	h.Engine.Disconnected(session.ConnID(id), user)
}

func (h *Host) tell(to session.Address, what func(Client)) error {
	h.mu.Lock()
	c := h.clients[to.Session]
	h.mu.Unlock()
	if c == nil {
		return errors.New("the client is gone")
	}
	what(c)
	return nil
}

// The engine's ports.

func (h *Host) MayJoin(session.UserID, call.ChannelID) (actors.Entrant, error) {
	return actors.Entrant{Member: true}, nil
}
func (h *Host) Archived(call.ChannelID) (bool, error) { return false, nil }
func (h *Host) Create(v call.View) (call.Post, error) {
	return call.Post{ID: string(v.Call), Thread: string(v.Call)}, nil
}
func (h *Host) Close(call.View, time.Time) error    { return nil }
func (h *Host) Save(call.View) error                { return nil }
func (h *Host) Clear(call.ChannelID, call.ID) error { return nil }
func (h *Host) Publish(e call.Event) error {
	if h.OnEvent != nil {
		h.OnEvent(e)
	}
	return nil
}
func (h *Host) Joined(to session.Address) error { return h.tell(to, Client.Joined) }
func (h *Host) Candidate(to session.Address, candidate string) error {
	return h.tell(to, func(c Client) { c.Candidate(candidate) })
}
func (h *Host) Description(to session.Address, kind, sdp string) error {
	return h.tell(to, func(c Client) { c.Description(kind, sdp) })
}
func (h *Host) Refused(to session.Address, code, message string) error {
	return h.tell(to, func(c Client) { c.Refused(code, message) })
}
func (h *Host) ScreenRefused(to session.Address, holder session.UserID) error {
	return h.Refused(to, "screen_refused", "the screen is held by "+string(holder))
}

// Serve runs the engine until standard input ends. Its media port is a free one of addr, with so many sockets; 0: as many as it would have by itself.
func Serve(addr netip.Addr, shards int) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	h, err := New(actors.Config{Listen: netip.AddrPortFrom(addr, 0), Advertise: []netip.Addr{addr}, MediaShards: shards}, log)
	if err != nil {
		return err
	}
	err = signal.Serve(func(c *signal.Conn) { serve(h, c) })
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return errors.Join(err, h.Engine.Close(ctx))
}

// serve is one participant's connection, or the bench's own.
func serve(h *Host, conn *signal.Conn) {
	var user session.UserID
	var id session.ID
	for {
		m, err := conn.Receive()
		if err != nil {
			break
		}
		switch {
		case m.Type == signal.Stats:
			_ = conn.Send(signal.Message{Type: signal.Stats, Stats: stats(h.Engine)})
		case m.Type == signal.Profile:
			if err := profile(m.Text, time.Duration(m.Seconds)*time.Second); err != nil {
				_ = conn.Send(signal.Message{Type: signal.Error, Text: err.Error()})
			}
		case m.Type == signal.Join && id == "":
			user, id = session.UserID(m.User), session.ID(m.User)
			h.Enter(id, user, m.Call, remote{conn})
		case id != "":
			if msg, err := decode(m); err != nil {
				_ = conn.Send(signal.Message{Type: signal.Error, Text: err.Error()})
			} else {
				h.Engine.Signal(session.ConnID(id), user, msg)
			}
		}
	}
	if id != "" {
		h.Gone(id, user)
	}
}

func decode(m signal.Message) (wire.Message, error) {
	switch m.Type {
	case signal.Offer, signal.Answer:
		return wire.SDP{Type: m.Type, SDP: m.SDP}, nil
	case signal.Candidate:
		var c struct {
			Candidate        string
			SDPMid           *string
			SDPMLineIndex    *uint16
			UsernameFragment *string
		}
		err := json.Unmarshal([]byte(m.Candidate), &c)
		return wire.ICE{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex, UsernameFragment: c.UsernameFragment}, err
	case signal.Unmute:
		return wire.Unmute{}, nil
	case signal.ScreenOn:
		return wire.ScreenOn{ScreenStreamID: m.Stream}, nil
	case signal.Leave:
		return wire.Leave{}, nil
	}
	return nil, fmt.Errorf("message of unknown type %.20q", m.Type)
}

// remote is a client at the other end of a connection. A failed send means that it is gone, which its reader notices.
type remote struct{ conn *signal.Conn }

func (r remote) Joined() { _ = r.conn.Send(signal.Message{Type: signal.Joined}) }
func (r remote) Description(kind, sdp string) {
	_ = r.conn.Send(signal.Message{Type: kind, SDP: sdp})
}
func (r remote) Candidate(candidate string) {
	_ = r.conn.Send(signal.Message{Type: signal.Candidate, Candidate: candidate})
}
func (r remote) Refused(code, message string) {
	_ = r.conn.Send(signal.Message{Type: signal.Error, Text: code + ": " + message})
}

func stats(e *actors.Engine) *signal.ServerStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := &signal.ServerStats{Mallocs: m.Mallocs, HeapBytes: m.HeapInuse, Goroutines: runtime.NumGoroutine()}
	for _, l := range e.MediaLoops() {
		s.Sent += l.DatagramsOut
		s.Segmented += l.Segmented
		s.ReadBuffer, s.WriteBuffer = l.ReadBuffer, l.WriteBuffer
	}
	return s
}

// profile writes a CPU profile of the coming seconds, and behind it what lies in memory then, into a file beside it; it returns as soon as that has begun.
func profile(file string, length time.Duration) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return err
	}
	time.AfterFunc(length, func() {
		pprof.StopCPUProfile()
		_ = f.Close()
		if heap, err := os.Create(file + ".heap"); err == nil {
			_ = pprof.WriteHeapProfile(heap)
			_ = heap.Close()
		}
	})
	return nil
}
