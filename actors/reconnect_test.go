package actors

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

// The host's notices of sockets, a client's messages and the end of its connection come in any order (protocol 6.4). One client, a tree on a clock of its own, and
// each order that may be.

// lifeline is a client whose sockets come and go.
type lifeline struct {
	*stage
	c *stockClient
}

func newLifeline(t *testing.T) *lifeline {
	s := newStage(1, slog.New(slog.DiscardHandler))
	c := &stockClient{s: s, id: "a", conn: "a", user: "alice", ch: "channel-a", out: &line{pump: s.pump}, events: &line{pump: s.pump}}
	s.clients[c.id] = c
	s.engine.Connected("a", "alice")
	s.engine.Join("a", "alice", wire.Join{ChannelID: "channel-a"})
	s.pump.rest()
	require.Equal(t, 1, c.acks)
	c.peer.onEvent(media.Connected{})
	s.pump.rest()
	return &lifeline{s, c}
}

func (l *lifeline) lost(conn session.ConnID)   { l.engine.Disconnected(conn, "alice") }
func (l *lifeline) opened(conn session.ConnID) { l.engine.Connected(conn, "alice") }
func (l *lifeline) back(conn session.ConnID) {
	l.engine.Return(Visitor{Conn: conn, User: "alice"}, wire.Reconnect{ChannelID: "channel-a", OriginalConnID: "a", PrevConnID: "a"})
}
func (l *lifeline) leave(conn session.ConnID) { l.engine.Signal(conn, "alice", wire.Leave{}) }
func (l *lifeline) hungUp()                   { l.c.peer.onEvent(media.Closed{}) }
func (l *lifeline) wait(d time.Duration)      { l.advance(d) }

// in says whether the session is in the call.
func (l *lifeline) in() bool {
	_, on := l.engine.Call("channel-a")
	return on
}

func TestSocketsComeAndGo(t *testing.T) {
	const long = 70 * time.Second // beyond every window
	for _, c := range []struct {
		name    string
		steps   func(*lifeline)
		in      bool
		refused []string
	}{
		{"a socket that stays", func(*lifeline) {}, true, nil},
		{"back under the same id", func(l *lifeline) { l.lost("a"); l.wait(4 * time.Second); l.opened("a"); l.back("a") }, true, nil},
		{"back under the same id, the loss noticed late", func(l *lifeline) { l.opened("a"); l.back("a"); l.lost("a") }, true, nil},
		{"back under the same id, the opening noticed last", func(l *lifeline) { l.back("a"); l.lost("a"); l.opened("a") }, true, nil},
		{"back under a new id", func(l *lifeline) { l.lost("a"); l.wait(4 * time.Second); l.opened("b"); l.back("b") }, true, nil},
		{"back under a new id, the loss noticed late", func(l *lifeline) { l.opened("b"); l.back("b"); l.lost("a") }, true, nil},
		{"back under a new id, its opening noticed last", func(l *lifeline) { l.lost("a"); l.back("b"); l.opened("b") }, true, nil},
		{"and under the old one again", func(l *lifeline) {
			l.lost("a")
			l.opened("b")
			l.back("b")
			l.lost("b")
			l.opened("a")
			l.back("a")
		}, true, nil},
		{"away for 29 seconds, media alive", func(l *lifeline) { l.lost("a"); l.wait(29 * time.Second); l.opened("a"); l.back("a") }, true, nil},
		{"away for good, media alive", func(l *lifeline) { l.lost("a") }, false, []string{"disconnected"}},
		{"away for good, media silent", func(l *lifeline) { l.c.silent = l.clock.Now(); l.lost("a"); l.wait(17 * time.Second) }, false, []string{"disconnected"}},
		{"back when it was given up", func(l *lifeline) { l.lost("a"); l.wait(31 * time.Second); l.opened("a"); l.back("a") }, false, []string{"disconnected", "disconnected"}},
		{"back under a new id when it was given up", func(l *lifeline) { l.lost("a"); l.wait(31 * time.Second); l.opened("b"); l.back("b") }, false, []string{"disconnected", "disconnected"}},
		{"the new socket lost, too", func(l *lifeline) { l.lost("a"); l.opened("b"); l.back("b"); l.lost("b") }, false, []string{"disconnected"}},
		{"the socket open, media silent", func(l *lifeline) { l.c.silent = l.clock.Now() }, false, []string{"ice_failed"}},
		{"leaves", func(l *lifeline) { l.leave("a") }, false, nil},
		{"leaves twice", func(l *lifeline) { l.leave("a"); l.leave("a"); l.wait(time.Second); l.leave("a") }, false, nil},
		{"leaves, then closes everything", func(l *lifeline) { l.leave("a"); l.hungUp(); l.lost("a") }, false, nil},
		{"leaves under its former id", func(l *lifeline) { l.lost("a"); l.opened("b"); l.back("b"); l.leave("a") }, false, nil},
		{"leaves under its new id", func(l *lifeline) { l.lost("a"); l.opened("b"); l.back("b"); l.leave("b") }, false, nil},
		{"hangs up without a word, then the socket", func(l *lifeline) { l.hungUp(); l.lost("a") }, false, nil},
		{"the socket, then hangs up without a word", func(l *lifeline) { l.lost("a"); l.hungUp() }, false, nil},
		{"joins again on the connection that it is in with", func(l *lifeline) { l.engine.Join("a", "alice", wire.Join{ChannelID: "channel-a"}) }, true, []string{"already_connected"}},
		{"an answer to nothing, a mute and a screen given back before there were any", func(l *lifeline) {
			for _, m := range []wire.Message{wire.SDP{Type: "answer", SDP: "v=0"}, wire.Mute{}, wire.ScreenOff{}, wire.UnraiseHand{}} {
				l.engine.Signal("a", "alice", m)
			}
		}, true, nil},
		{"comes back to a call that it is not in", func(l *lifeline) {
			l.lost("a")
			l.engine.Return(Visitor{Conn: "b", User: "alice"}, wire.Reconnect{ChannelID: "channel-b", OriginalConnID: "a", PrevConnID: "a"})
			l.engine.Signal("b", "alice", wire.Leave{})
		}, false, []string{"disconnected", "disconnected"}},
		{"messages before the first offer", func(l *lifeline) { l.engine.Signal("a", "alice", wire.ICE{Candidate: "candidate:1"}) }, true, nil},
		{"somebody else says to be it", func(l *lifeline) {
			l.lost("a")
			l.clients["a"].user = "alice"
			l.engine.Return(Visitor{Conn: "e", User: "eve"}, wire.Reconnect{ChannelID: "channel-a", OriginalConnID: "a", PrevConnID: "a"})
			l.engine.Signal("e", "eve", wire.Leave{})
		}, false, []string{"disconnected", "disconnected"}},
		{"a notice of somebody else's socket", func(l *lifeline) { l.engine.Disconnected("e", "eve"); l.engine.Disconnected("a", "eve") }, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLifeline(t)
			c.steps(l)
			l.wait(long)
			assert.Equal(t, c.in, l.in())
			assert.Equal(t, c.refused, l.c.refused)
			assert.Empty(t, l.wrong)
			if !c.in {
				assert.Equal(t, 1, l.c.peer.closed, "its connection is closed, once")
			}
		})
	}
}

// What a client says before its join is decided waits until it is. Stock clients wait themselves.
func TestMessagesBeforeTheJoinIsDecided(t *testing.T) {
	s := newStage(1, slog.New(slog.DiscardHandler))
	c := &stockClient{s: s, id: "a", conn: "a", user: "alice", ch: "channel-a", out: &line{pump: s.pump}, events: &line{pump: s.pump}}
	s.clients[c.id] = c
	s.engine.Connected("a", "alice")
	s.engine.Signal("a", "alice", wire.RaiseHand{}) // without a session it is dropped
	s.engine.Join("a", "alice", wire.Join{ChannelID: "channel-a"})
	s.engine.Signal("a", "alice", wire.Unmute{})
	s.engine.Signal("a", "alice", wire.ICE{Candidate: "candidate:1"})
	s.pump.rest()
	v, on := s.engine.Call("channel-a")
	require.True(t, on)
	require.Len(t, v.People, 1)
	assert.True(t, v.People[0].Unmuted)
	assert.True(t, v.People[0].Hand.IsZero())
	assert.Empty(t, s.wrong)
}

// A forced end, or the plugin's stop, may come while somebody is on the way in.
func TestAnEndDuringAJoin(t *testing.T) {
	for name, c := range map[string]struct {
		end     func(*Engine)
		refused string // empty: they are in
	}{
		"the call is ended":       {func(e *Engine) { e.End("channel-a", session.CallEnded) }, "call_ended"},
		"another user is put out": {func(e *Engine) { e.Remove("channel-a", "alice", session.RemovedFromChannel) }, ""},
		"the plugin stops":        {func(e *Engine) { e.system.Root.Send(e.root, endAll{session.Shutdown}) }, "shutdown"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLifeline(t)
			bob := &stockClient{s: l.stage, id: "b", conn: "b", user: "bob", ch: "channel-a", out: &line{pump: l.pump}, events: &line{pump: l.pump}}
			l.clients["b"] = bob
			l.engine.Connected("b", "bob")
			l.engine.Join("b", "bob", wire.Join{ChannelID: "channel-a"})
			c.end(l.engine)
			l.wait(10 * time.Second) // the first call's clients are gone by then
			v, on := l.engine.Call("channel-a")
			require.Equal(t, c.refused == "", on)
			if !on {
				assert.Equal(t, []string{c.refused}, bob.refused, "who is not let in is told so")
				assert.Empty(t, l.wrong)
				return
			}
			require.Len(t, v.People, 1)
			assert.Equal(t, session.UserID("bob"), v.People[0].User)
			assert.Equal(t, 1, bob.acks)
			assert.Empty(t, l.wrong)
		})
	}
}
