package actors

import (
	"log/slog"
	"net/netip"
	"time"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
)

// Config is everything an admin can set that the engine heeds. It is validated, plain and immutable.
type Config struct {
	Listen          netip.AddrPort // media socket; [::] takes IPv4 and IPv6
	ListenTCP       netip.AddrPort // media of clients that cannot use UDP; port 0: that of Listen; not valid: none
	Advertise       []netip.Addr   // addresses told to clients; none of a family that is listened on: this machine's own of that family
	AdvertisePort   uint16         // 0: the port of Listen
	MediaShards     int            // sockets on the media port, each with its loop; 0: one for two processors, at most 4
	MaxParticipants int            // sessions a call may have; 0: no limit
	NoScreens       bool           // screen sharing is switched off
	Supervision     Supervision
}

// Supervision is what an admin can tune while calls run; the next failure is judged by the new values, and nothing is restarted for them.
// A field that is zero stands for its default.
type Supervision struct {
	Track, Session, Call Limits
	Roster, Outbox       Limits        // for measurements; an admin has no setting for them
	LaneDepth            int           // packets that wait for a track before the oldest is dropped
	InboxLimit           int           // messages of a client that wait for its session before the session is ended for it
	Stuck                time.Duration // how long one message may take before its actor is given up
}

// Limits are how often an actor of a kind may fail.
type Limits struct {
	MaxRestarts int           // restarts within Window; one failure more has its consequence. -1 stands for none
	Window      time.Duration // how long a failure counts
	BackoffMin  time.Duration // wait before the first restart; it doubles with every failure in the window
	BackoffMax  time.Duration // longest wait
}

// The defaults of Supervision that are no policy's.
const (
	DefaultLaneDepth  = 128 // more than two seconds of speech
	DefaultInboxLimit = 200
	DefaultStuck      = 250 * time.Millisecond
)

// DefaultSupervision is what counts when an admin has chosen nothing.
func DefaultSupervision() Supervision {
	return Supervision{
		Track: limitsOf(kit.Track), Session: limitsOf(kit.Session), Call: limitsOf(kit.Call),
		LaneDepth: DefaultLaneDepth, InboxLimit: DefaultInboxLimit, Stuck: DefaultStuck,
	}
}

func limitsOf(k kit.Kind) Limits {
	l := kit.DefaultLimits(k)
	return Limits{MaxRestarts: l.Max, Window: l.Window, BackoffMin: l.BackoffMin, BackoffMax: l.BackoffMax}
}

// policy is a row of limits with its gaps filled from the defaults.
func (l Limits) policy(k kit.Kind) kit.Limits {
	if l == (Limits{}) {
		return kit.DefaultLimits(k)
	}
	return kit.Limits{Max: max(l.MaxRestarts, 0), Window: l.Window, BackoffMin: l.BackoffMin, BackoffMax: l.BackoffMax}
}

// Directory knows people and channels. Its methods may block on the host's API; only the door and the poller call them.
type Directory interface {
	// MayJoin says whether a user may start or join the channel's call: it exists, is not archived, the user may post in it, calls are enabled.
	// A *wire.Error says why not and is shown to the user; any other error is logged and shown as a fault.
	MayJoin(user session.UserID, ch call.ChannelID) (Entrant, error)
	// Archived says whether the channel has been archived or deleted.
	Archived(ch call.ChannelID) (bool, error)
}

// Residents knows who may stay in a call, or come back to it. It may block on the host's API; only the poller calls it.
type Residents interface {
	// MayStay gives the reason for which a user may not stay, empty when they may. Auth is their login session at the host, empty when it is not known.
	// An error means that the host could not say: they stay.
	MayStay(user session.UserID, ch call.ChannelID, auth string) (session.EndReason, error)
	// MayReturn gives the reason for which a user whose socket was lost may not come back to the channel's call: to come back takes what it takes to join.
	MayReturn(user session.UserID, ch call.ChannelID, auth string) (session.EndReason, error)
}

// Entrant is what the engine needs to know of somebody who may join.
type Entrant struct {
	Member bool // is a member of the channel; a system admin need not be
}

// Ports are the plugin's side of the engine.
type Ports struct {
	Directory Directory
	Residents Residents // nil: nobody is ever put out
	Posts     call.Posts
	Store     call.Store
	Publisher call.Publisher
	Signaller session.Signaller
	Log       *slog.Logger
	Clock     kit.Clock // nil: the machine's

	Relays  func(session string) []Relay // TURN servers at which the server gets an address for a session; nil: none
	OnRelay func(err error)              // told how each attempt to get one went, and of each that was lost; on any goroutine
}

// Relay is a TURN server, with credentials for one session.
type Relay struct {
	Network  string // udp, tcp, or tls
	Addr     string // host and port
	Username string
	Password string
}
