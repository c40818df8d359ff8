// Package actors is the engine: one actor system that holds every call, its sessions and its tracks under supervision.
// The plugin sees the Engine and its ports, nothing below.
package actors

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"

	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

// Config is everything an admin can set that the engine heeds. It is validated, plain and immutable.
type Config struct {
	Listen          netip.AddrPort // media socket
	Advertise       []netip.Addr   // addresses told to clients; empty: every local non-loopback IPv4 address
	AdvertisePort   uint16         // 0: the port of Listen
	MaxParticipants int            // sessions a call may have; 0: no limit
}

// Directory knows people and channels. Its methods may block on the host's API; only the door calls them.
type Directory interface {
	// MayJoin says whether a user may start or join the channel's call: it exists, is not archived, the user may post in it, calls are enabled.
	// A *wire.Error says why not and is shown to the user; any other error is logged and shown as a fault.
	MayJoin(user session.UserID, ch call.ChannelID) (Entrant, error)
}

// Entrant is what the engine needs to know of somebody who may join.
type Entrant struct {
	Member bool // is a member of the channel; a system admin need not be
}

// Ports are the plugin's side of the engine.
type Ports struct {
	Directory Directory
	Posts     call.Posts
	Store     call.Store
	Publisher call.Publisher
	Signaller session.Signaller
	Log       *slog.Logger
}

// Engine holds all calls of this node.
type Engine struct{}

// New opens the media socket and starts the root of the actor tree.
func New(cfg Config, ports Ports) (*Engine, error) { return nil, errors.New("not written yet") }

// Join lets a client into the call of a channel, beginning it when there is none. It returns at once; the answer is the Signaller's Joined or Refused.
func (e *Engine) Join(conn session.ConnID, user session.UserID, req wire.Join) {}

// Signal hands a client's message to its session: wire.SDP, ICE, Mute, Unmute, ScreenOn, ScreenOff, RaiseHand, UnraiseHand, Leave, Reconnect.
// Messages of a connection are handled in order; those without a session, or of another user, are dropped. It returns at once.
func (e *Engine) Signal(conn session.ConnID, user session.UserID, msg wire.Message) {}

// Connected and Disconnected report the host's sockets, in whatever order the host does. They return at once.
func (e *Engine) Connected(conn session.ConnID, user session.UserID)    {}
func (e *Engine) Disconnected(conn session.ConnID, user session.UserID) {}

// End ends the call of a channel for everyone. It returns at once and does nothing when there is none.
func (e *Engine) End(ch call.ChannelID, reason session.EndReason) {}

// Call is the state of a channel's call; ok is false when none is on. It reads a snapshot and never waits.
func (e *Engine) Call(ch call.ChannelID) (v call.View, ok bool) { return call.View{}, false }

// Calls is the state of all calls, in no order.
func (e *Engine) Calls() []call.View { return nil }

// Configure replaces the configuration: limits at once, the socket's address at the next New.
func (e *Engine) Configure(cfg Config) {}

// MediaAddr is the address of the media socket.
func (e *Engine) MediaAddr() netip.AddrPort { return netip.AddrPort{} }

// Close ends every call with reason shutdown, posts and records included, from the leaves up, and closes the socket. It gives up when ctx is done.
func (e *Engine) Close(ctx context.Context) error { return nil }
