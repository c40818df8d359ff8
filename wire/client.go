// Package wire is the protocol of Mattermost Calls: one struct per message, its decoding and encoding, its limits and error codes.
// It imports nothing of ours, so that the plugin, the actors and the load generator speak of the same things.
package wire

// Message is one decoded message of a client: Join, Leave, SDP, ICE, Mute, Unmute, ScreenOn, ScreenOff and so on.
type Message interface{ isMessage() }

// Join asks to start or join the call of a channel.
type Join struct {
	ChannelID string
	Title     string // title of the call's post, may be empty
	ThreadID  string // an existing thread to put the post in, may be empty
}

// Leave hangs up.
type Leave struct{}

// Reconnect says that a socket lost earlier is back, perhaps under another connection id.
type Reconnect struct {
	ChannelID      string
	OriginalConnID string // connection id at join time: the session id
	PrevConnID     string // connection id last used
}

// SDP is a session description, inflated.
type SDP struct {
	Type string // "offer" or "answer"
	SDP  string
}

// ICE is one trickled candidate.
type ICE struct {
	Candidate        string
	SDPMid           *string
	SDPMLineIndex    *uint16
	UsernameFragment *string
}

// Mute closes the sender's microphone at the server.
type Mute struct{}

// Unmute opens it; the first one announces an offer.
type Unmute struct{}

// ScreenOn claims the call's one screen slot and announces an offer.
type ScreenOn struct {
	ScreenStreamID string // id of the MediaStream that will carry the screen
}

// ScreenOff gives the screen slot back.
type ScreenOff struct{}

// RaiseHand and UnraiseHand raise and lower the sender's hand.
type (
	RaiseHand   struct{}
	UnraiseHand struct{}
)

// Emoji names a reaction as clients do: a short name, the code points of its picture, and whichever of skin and literal the client knows.
type Emoji struct {
	Name    string `json:"name"`
	Skin    string `json:"skin,omitempty"`
	Unified string `json:"unified"`
	Literal string `json:"literal,omitempty"`
}

// React shows a reaction to everybody in the call for a moment.
type React struct{ Emoji Emoji }

// CallStateRequest asks for the whole call, as after an event that was missed. It needs no session.
type CallStateRequest struct{ ChannelID string }

func (Join) isMessage()        {}
func (Leave) isMessage()       {}
func (Reconnect) isMessage()   {}
func (SDP) isMessage()         {}
func (ICE) isMessage()         {}
func (Mute) isMessage()        {}
func (Unmute) isMessage()      {}
func (ScreenOn) isMessage()    {}
func (ScreenOff) isMessage()   {}
func (RaiseHand) isMessage()   {}
func (UnraiseHand) isMessage() {}
func (React) isMessage()       {}

func (CallStateRequest) isMessage() {}
