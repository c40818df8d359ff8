// Package session is the actor of one participant's connection: negotiation, ICE, timers, and the tracks it publishes.
package session

// ID names a session for its whole life. It is the id of the WebSocket connection that joined, and public as session_id.
type ID string

// ConnID is the id of a WebSocket connection of the host; a session's may change when a socket is lost and comes back.
type ConnID string

// UserID is a Mattermost user's id.
type UserID string

// Emoji is a reaction: a name, and what clients need to draw it.
type Emoji struct{ Name, Skin, Unified, Literal string }

// EndReason says why a session ended. It reaches the user.
type EndReason string

// The reasons for which a session ends.
const (
	Left               EndReason = "left"
	Kicked             EndReason = "kicked"
	ICEFailed          EndReason = "ice_failed"
	Replaced           EndReason = "replaced"
	Crashed            EndReason = "crashed"
	CallEnded          EndReason = "call_ended"
	Shutdown           EndReason = "shutdown"
	RemovedFromChannel EndReason = "removed_from_channel"
	Forbidden          EndReason = "forbidden" // may be in the channel, and may not come back to its call
	SessionRevoked     EndReason = "session_revoked"
	RateLimited        EndReason = "rate_limited"
	Disconnected       EndReason = "disconnected"
)

// Address is where a session's own messages go.
type Address struct {
	User    UserID
	Session ID // the original connection id: what a client compares connID with
	Channel string
}

// Signaller tells one client something. It is called from one goroutine per session, in order, and may block.
type Signaller interface {
	// Joined acknowledges the join: the `join` event.
	Joined(to Address) error
	// Description sends a session description: the `signal` event. Kind is "offer" or "answer".
	Description(to Address, kind, sdp string) error
	// Candidate trickles a candidate of the server's: the `signal` event with JSON of an RTCIceCandidateInit.
	Candidate(to Address, candidateJSON string) error
	// Refused tells a client that something it asked for, or its whole session, is not to be: the `error` event.
	Refused(to Address, code, message string) error
	// ScreenRefused tells a client that holder shares already: the `screen_refused` event of ours, which stock clients ignore.
	ScreenRefused(to Address, holder UserID) error
}

// Renegotiator is a Signaller that can ask a client for an offer, in the words of simple-peer: the web client of 2022 is stuck without, when its offer met ours.
type Renegotiator interface {
	Renegotiate(to Address) error
}
