// Package call is the actor of one call: it spawns its sessions, keeps who publishes what and who receives it, and stays empty otherwise.
// Its roster knows the state of the conversation; its outbox tells the world.
package call

import (
	"time"

	"calls/actors/session"
)

// ChannelID is a Mattermost channel's id: the address of its call.
type ChannelID string

// ID names one call's life; a channel's next call has another.
type ID string

// Event is one change of a call's state, in the order it happened. V is the roster's version after it: it starts at 1 and grows by one an event.
type Event struct {
	Channel ChannelID
	Call    ID
	V       uint64
	Body    Body
}

// Body is what happened: Started, Joined, Left, Muted, Voice, Screen, Hand, HostChanged or Ended; or Reacted or Hosted, which change nothing by themselves and
// so carry the version that was there before.
type Body interface{ isBody() }

type (
	// Started is the first event of a call. The post is there already.
	Started struct {
		Post    Post
		StartAt time.Time
		Owner   session.UserID
		Host    session.UserID
	}
	// Joined says that a session is in.
	Joined struct {
		User    session.UserID
		Session session.ID
		// Member is false for a system admin who is not in the channel and so needs a copy of its own of every event.
		Member bool
		// State is the whole call, for the one who joined.
		State View
	}
	// Left says that a session is gone.
	Left struct {
		User    session.UserID
		Session session.ID
		Last    bool // it was the user's last session in this call
		Reason  session.EndReason
	}
	// Muted says that a session's microphone was closed or opened.
	Muted struct {
		User    session.UserID
		Session session.ID
		On      bool
	}
	// Voice says that a session began or ceased to speak.
	Voice struct {
		User    session.UserID
		Session session.ID
		On      bool
	}
	// Screen says that a session began or ceased to share.
	Screen struct {
		User    session.UserID
		Session session.ID
		On      bool
	}
	// Hand says that a session's hand went up (At is when) or down (At is zero).
	Hand struct {
		User    session.UserID
		Session session.ID
		At      time.Time
	}
	// HostChanged says that the role of host has moved to another user.
	HostChanged struct{ Host session.UserID }
	// Reacted says that a session showed a reaction, which nobody remembers.
	Reacted struct {
		User    session.UserID
		Session session.ID
		Emoji   session.Emoji
		At      time.Time
		To      []session.UserID // everybody in the call
	}
	// Hosted says that the host did something to a session. What changes by it follows as an event of its own.
	Hosted struct {
		Act     Act
		Host    session.UserID // who did it
		User    session.UserID
		Session session.ID
		To      []session.UserID // who is told: the user, or for Remove everybody in the call
	}
	// Ended is the last event of a call. Forced is true when people are still in and must be told to go.
	Ended struct {
		Forced bool
		Reason session.EndReason
	}
)

func (Started) isBody()     {}
func (HostChanged) isBody() {}
func (Joined) isBody()      {}
func (Left) isBody()        {}
func (Muted) isBody()       {}
func (Voice) isBody()       {}
func (Screen) isBody()      {}
func (Hand) isBody()        {}
func (Ended) isBody()       {}
func (Reacted) isBody()     {}
func (Hosted) isBody()      {}

// Act is something that a host may do.
type Act string

// What a host may do. MuteOthers and MakeHost name no session.
const (
	MakeHost   Act = "make"
	Mute       Act = "mute"
	MuteOthers Act = "mute_others"
	ScreenOff  Act = "screen_off"
	LowerHand  Act = "lower_hand"
	Remove     Act = "remove"
)

// Post names the post of a call and the thread it stands in or begins.
type Post struct {
	ID     string
	Thread string
}

// View is the state of a call at one version: plain values, shared by nobody.
type View struct {
	Channel       ChannelID
	Call          ID
	V             uint64
	StartAt       time.Time
	Owner         session.UserID
	Host          session.UserID
	Post          Post // empty until the post is made
	Title         string
	Thread        string     // asked for by the starter; empty: the post begins a thread of its own
	ScreenSession session.ID // empty: nobody shares
	ScreenUser    session.UserID
	ScreenStream  string
	People        []Person         // in order of joining
	Took          []session.UserID // everybody who ever took part, in order of first joining
	Most          int              // most people at once
	Over          bool             // it was ended for everyone; those who are still among the people are on their way out
}

// Person is one session in a View.
type Person struct {
	User     session.UserID
	Session  session.ID
	Unmuted  bool
	Voice    bool
	Hand     time.Time // zero: down
	JoinedAt time.Time
}
