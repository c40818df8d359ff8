package actors_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/wire"
)

// slowHost answers about joins when it is told to, and knows who may not stay.
type slowHost struct {
	*host
	asked  chan session.UserID
	answer chan struct{}

	mu  sync.Mutex
	out map[string]session.EndReason // by user, or by login session
}

func (h *slowHost) MayJoin(user session.UserID, ch call.ChannelID) (actors.Entrant, error) {
	h.asked <- user
	<-h.answer
	return h.host.MayJoin(user, ch)
}

func (h *slowHost) MayStay(user session.UserID, _ call.ChannelID, auth string) (session.EndReason, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.out[string(user)]; r != "" {
		return r, nil
	}
	return h.out[auth], nil
}

func (h *slowHost) MayReturn(user session.UserID, ch call.ChannelID, auth string) (session.EndReason, error) {
	h.mu.Lock()
	reason := h.out["back "+string(user)]
	h.mu.Unlock()
	if reason != "" {
		return reason, nil
	}
	return h.MayStay(user, ch, auth)
}

func (h *slowHost) put(who string, reason session.EndReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.out[who] = reason
}

func newSlowWorld(t *testing.T) (*world, *slowHost) {
	h := &slowHost{host: &host{clients: map[session.ID]*participant{}, records: map[call.ChannelID]call.View{}},
		asked: make(chan session.UserID, 10), answer: make(chan struct{}, 10), out: map[string]session.EndReason{}}
	e, err := actors.New(actors.Config{Listen: netip.MustParseAddrPort("127.0.0.1:0")},
		actors.Ports{Directory: h, Residents: h, Posts: h, Store: h, Publisher: h, Signaller: h, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	w := &world{t: t, host: h.host, engine: e}
	t.Cleanup(w.close)
	return w, h
}

func TestWhoGoesWhileTheHostIsAskedIsNotLetIn(t *testing.T) {
	for name, leave := range map[string]func(*actors.Engine){
		"leaves":      func(e *actors.Engine) { e.Signal("a", "alice", wire.Leave{}) },
		"disconnects": func(e *actors.Engine) { e.Disconnected("a", "alice") },
	} {
		t.Run(name, func(t *testing.T) {
			w, h := newSlowWorld(t)
			w.engine.Connected("a", "alice")
			w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
			assert.Equal(t, session.UserID("alice"), <-h.asked)
			leave(w.engine)
			h.answer <- struct{}{}
			// Bob's join shows that alice's answer has been handled: answers are handled in order.
			w.engine.Connected("b", "bob")
			w.engine.Join("b", "bob", wire.Join{ChannelID: channel})
			<-h.asked
			h.answer <- struct{}{}
			eventually(t, longEnough, func() string {
				v, on := w.engine.Call(channel)
				if !on {
					return "nobody is in"
				}
				for _, p := range v.People {
					if p.User != "bob" {
						t.Fatalf("%s is in", p.User)
					}
				}
				return ""
			})
		})
	}
}

func TestASecondJoinOfAConnectionIsRefusedAndHarmsNothing(t *testing.T) {
	w, h := newSlowWorld(t)
	w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
	w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
	<-h.asked
	h.answer <- struct{}{}
	eventually(t, longEnough, func() string {
		if _, on := w.engine.Call(channel); !on {
			return "nobody is in"
		}
		return ""
	})
	w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
	eventually(t, longEnough, func() string {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		if len(w.host.refused) < 2 {
			return "not refused twice"
		}
		assert.Equal(t, []string{"a already_connected", "a already_connected"}, w.host.refused)
		return ""
	})
	v, on := w.engine.Call(channel)
	require.True(t, on)
	assert.Len(t, v.People, 1)
}

// The root has no supervisor; what it fails at is told to whoever waits for it all the same.
func TestAJoinThatTheRootFailsAtIsRefused(t *testing.T) {
	for _, on := range []string{"actors.knock", "actors.admitted"} {
		t.Run(on, func(t *testing.T) {
			w, h := newSlowWorld(t)
			h.answer <- struct{}{} // for the question behind each admission
			h.answer <- struct{}{}
			require.NoError(t, w.engine.Inject(of(w.engine.Inspect(), kit.Root)[0].ID, actors.Fault{Do: "panic", On: on}))
			w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
			eventually(t, longEnough, func() string {
				w.host.mu.Lock()
				defer w.host.mu.Unlock()
				if len(w.host.refused) == 0 {
					return "alice was told nothing"
				}
				assert.Equal(t, []string{"a " + wire.CodeFault}, w.host.refused)
				return ""
			})
			w.engine.Join("a", "alice", wire.Join{ChannelID: channel})
			eventually(t, longEnough, func() string {
				if _, on := w.engine.Call(channel); !on {
					return "the next try is not let in"
				}
				return ""
			})
		})
	}
}

// A large call is asked about in parts, and a part that fails takes nobody else's answer along.
func TestEverybodyOfALargeCallIsAskedAbout(t *testing.T) {
	w, h := newSlowWorld(t)
	const people = 30
	for i := range people {
		h.answer <- struct{}{}
		id := fmt.Sprintf("p%02d", i)
		w.engine.Connected(session.ConnID(id), session.UserID(id))
		w.engine.Enter(actors.Visitor{Conn: session.ConnID(id), User: session.UserID(id), Auth: "login-" + id}, wire.Join{ChannelID: channel})
		<-h.asked
	}
	in := func() int {
		v, _ := w.engine.Call(channel)
		return len(v.People)
	}
	eventually(t, longEnough, func() string {
		if in() < people {
			return fmt.Sprint(in(), " are in")
		}
		return ""
	})
	for i := range people / 2 {
		h.put(fmt.Sprintf("login-p%02d", 2*i), session.SessionRevoked)
	}
	eventually(t, longEnough, func() string {
		if in() != people/2 {
			return fmt.Sprint(in(), " are in")
		}
		return ""
	})
	v, _ := w.engine.Call(channel)
	for _, p := range v.People {
		assert.Contains(t, "13579", string(p.User[2:]), "the odd ones stay")
	}
}

func TestWhoMayNotStayIsPutOut(t *testing.T) {
	for _, c := range []struct {
		name, who string
		reason    session.EndReason
		act       func(*actors.Engine)
	}{
		{"removed, told by the host", "", session.RemovedFromChannel, func(e *actors.Engine) { e.Remove(channel, "alice", session.RemovedFromChannel) }},
		{"left the team", "alice", session.RemovedFromChannel, func(e *actors.Engine) { e.Recheck("alice") }},
		{"back, and may only read by now", "back alice", session.Forbidden, func(e *actors.Engine) {
			e.Return(actors.Visitor{Conn: "a2", User: "alice", Auth: "login-a"}, wire.Reconnect{ChannelID: channel, OriginalConnID: "a", PrevConnID: "a"})
		}},
		{"deactivated, found by the poller", "alice", session.SessionRevoked, func(*actors.Engine) {}},
		{"logged out, found by the poller", "login-a", session.SessionRevoked, func(*actors.Engine) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, h := newSlowWorld(t)
			for _, v := range []actors.Visitor{{Conn: "a", User: "alice", Auth: "login-a"}, {Conn: "b", User: "bob", Auth: "login-b"}} {
				h.answer <- struct{}{}
				w.engine.Connected(v.Conn, v.User)
				w.engine.Enter(v, wire.Join{ChannelID: channel})
			}
			people := func() (in []session.UserID) {
				v, _ := w.engine.Call(channel)
				for _, p := range v.People {
					in = append(in, p.User)
				}
				return in
			}
			eventually(t, longEnough, func() string {
				if len(people()) < 2 {
					return "not everybody is in"
				}
				return ""
			})
			if c.who != "" {
				h.put(c.who, c.reason)
			}
			c.act(w.engine)
			eventually(t, longEnough, func() string {
				if len(people()) > 1 {
					return "alice is still in"
				}
				return ""
			})
			assert.Equal(t, []session.UserID{"bob"}, people())
			eventually(t, longEnough, func() string {
				w.host.mu.Lock()
				defer w.host.mu.Unlock()
				if len(w.host.refused) == 0 {
					return "alice was not told"
				}
				assert.Equal(t, []string{"a " + string(c.reason)}, w.host.refused)
				return ""
			})
		})
	}
}
