package actors

import (
	"log/slog"
	"net/netip"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
)

// Config is everything an admin can set that the engine heeds. It is validated, plain and immutable.
type Config struct {
	Listen          netip.AddrPort // media socket
	Advertise       []netip.Addr   // addresses told to clients; empty: every local non-loopback IPv4 address
	AdvertisePort   uint16         // 0: the port of Listen
	MaxParticipants int            // sessions a call may have; 0: no limit
	NoScreens       bool           // screen sharing is switched off
}

// Directory knows people and channels. Its methods may block on the host's API; only the door and the poller call them.
type Directory interface {
	// MayJoin says whether a user may start or join the channel's call: it exists, is not archived, the user may post in it, calls are enabled.
	// A *wire.Error says why not and is shown to the user; any other error is logged and shown as a fault.
	MayJoin(user session.UserID, ch call.ChannelID) (Entrant, error)
	// Archived says whether the channel has been archived or deleted.
	Archived(ch call.ChannelID) (bool, error)
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
	Clock     kit.Clock // nil: the machine's
}
