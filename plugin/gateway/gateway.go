// Package gateway takes clients' messages from the host's WebSocket hook to the engine. It never waits: the hook holds up the client's socket.
package gateway

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"calls/actors"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/bounded"
	"calls/wire"
)

const (
	maxConns   = 50000 // connections remembered; of the rest the longest silent is forgotten, and with it what it had used of its budget
	maxAnswers = 256   // answers on their way to clients; more are not told
)

// Engine is where messages go. None of its methods blocks.
type Engine interface {
	Enter(v actors.Visitor, req wire.Join)
	Return(v actors.Visitor, m wire.Reconnect)
	Signal(conn session.ConnID, user session.UserID, msg wire.Message)
	Connected(conn session.ConnID, user session.UserID)
	Disconnected(conn session.ConnID, user session.UserID)
	Expel(conn session.ConnID, user session.UserID, reason session.EndReason)
}

// Teller tells clients what needs no session. It may block.
type Teller interface {
	// Refused tells a client that something is not to be.
	Refused(to session.Address, code, message string) error
	// TellState tells a user the whole state of a channel's call, if one is on and the user may see it.
	TellState(user session.UserID, channel string) error
}

// Gateway checks what clients send: our prefix, the rate, the form.
type Gateway struct {
	engine Engine
	teller Teller
	log    *slog.Logger
	now    func() time.Time

	conns   *bounded.Map[session.ConnID, *conn]
	answers *guard.Serial
	pending atomic.Int32
}

// New makes a Gateway.
func New(engine Engine, teller Teller, log *slog.Logger) *Gateway {
	failed := func(f guard.Failure) {
		log.Error("answering a client failed", "failure", f.Error(), "stack", string(f.Stack))
	}
	return &Gateway{
		engine: engine, teller: teller, log: log, now: time.Now,
		conns: bounded.New[session.ConnID](maxConns, newConn), answers: guard.NewSerial("answers", failed),
	}
}

// Connected and Disconnected pass on what the host says of its sockets.
func (g *Gateway) Connected(id session.ConnID, user session.UserID) { g.engine.Connected(id, user) }

// Disconnected also forgets the connection. One that comes back under its old id begins with a full budget.
func (g *Gateway) Disconnected(id session.ConnID, user session.UserID) {
	g.conns.Delete(id)
	g.engine.Disconnected(id, user)
}

// Message takes one message of a client. The identity is the host's, never the message's.
func (g *Gateway) Message(v actors.Visitor, action string, data map[string]any) {
	id, user := v.Conn, v.User
	name, ours := wire.Action(action)
	if !ours {
		return
	}
	switch g.conns.Get(id).admit(name, g.now()) {
	case drop:
		return
	case expel:
		g.log.Warn("a client sent too many messages for too long and is out of its call", "conn", id, "user", user)
		g.engine.Expel(id, user, session.RateLimited)
		return
	}
	msg, err := wire.Decode(action, data)
	if err != nil {
		g.refuse(id, user, name, err)
		return
	}
	g.pass(v, msg)
}

func (g *Gateway) pass(v actors.Visitor, msg wire.Message) {
	switch m := msg.(type) {
	case wire.Join:
		g.engine.Enter(v, m)
		return
	case wire.Reconnect:
		g.engine.Return(v, m)
		return
	case wire.CallStateRequest:
		g.later(func() error { return g.teller.TellState(v.User, m.ChannelID) })
		return
	case wire.ICE:
		if m.Candidate == "" {
			return // the end of candidates: nothing to add
		}
	}
	g.engine.Signal(v.Conn, v.User, msg)
}

// refuse tells a client why its join was not taken. It says nothing of other messages: the oldest phones hang up at any error.
func (g *Gateway) refuse(id session.ConnID, user session.UserID, name string, err error) {
	if errors.Is(err, wire.ErrUnknown) {
		return
	}
	g.log.Debug("a client's message was refused", "action", name, "conn", id, "user", user, "err", err)
	var refusal *wire.Error
	if name == "join" && errors.As(err, &refusal) {
		to := session.Address{User: user, Session: session.ID(id)} // a session that does not exist yet would have its connection's id
		g.later(func() error { return g.teller.Refused(to, refusal.Code, refusal.Message) })
	}
}

// later does what needs the host, off the hook.
func (g *Gateway) later(tell func() error) {
	if g.pending.Add(1) > maxAnswers {
		g.pending.Add(-1)
		return
	}
	g.answers.Do(func() {
		defer g.pending.Add(-1)
		if err := tell(); err != nil {
			g.log.Warn("a client could not be answered", "err", err)
		}
	})
}

// verdict is what becomes of a message.
type verdict int

const (
	pass verdict = iota
	drop
	expel
)

// conn is what one connection has used of its budget.
type conn struct {
	mu         sync.Mutex
	messages   *rate.Limiter
	candidates *rate.Limiter
	overSince  time.Time // zero: within its rate
	expelled   bool
}

func newConn() *conn {
	return &conn{
		messages:   rate.NewLimiter(wire.MessageRate, wire.MessageBurst),
		candidates: rate.NewLimiter(wire.CandidateRate, wire.CandidateBurst),
	}
}

// calm is how much of either budget a connection must have saved up to count as within its rate again: while it floods it never gets there.
const calm = wire.MessageBurst / 10

// admit decides about a message by its name alone, before anything is spent on reading it.
func (c *conn) admit(name string, now time.Time) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	bucket := c.messages
	if aside(name) {
		bucket = c.candidates
	}
	if min(c.messages.TokensAt(now), c.candidates.TokensAt(now)) >= calm {
		c.overSince, c.expelled = time.Time{}, false
	}
	within := bucket.AllowN(now, 1)
	switch {
	case c.expelled:
		return drop
	case within:
		return pass
	case c.overSince.IsZero():
		c.overSince = now
	case now.Sub(c.overSince) >= wire.OverLimit:
		c.expelled = true
		return expel
	}
	if essential(name) {
		return pass
	}
	return drop
}

// aside names what comes in crowds by nature: candidates, and messages that newer clients send and we ignore.
func aside(name string) bool {
	switch name {
	case "join", "leave", "reconnect", "sdp", "mute", "unmute", "screen_on", "screen_off", "raise_hand", "unraise_hand", "react", "call_state":
		return false
	}
	return true
}

// essential names what must not be lost while the session lasts: who has muted believes to be unheard, and a lost description breaks the connection.
func essential(name string) bool {
	return name == "leave" || name == "mute" || name == "sdp"
}
