package session

import (
	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/track"
	"calls/media"
)

// Commands that a session accepts, besides the client's own messages (package wire) and the events of its peer (package media).
type (
	// Subscribe asks the session to receive a track. A second one for the same track tells it the track's new address.
	Subscribe struct {
		Track   track.ID
		From    ID // who sends it
		Content track.Kind
		Kind    media.Kind
		PID     *actor.PID
	}
	// Unsubscribe says that a track is no more, or is not to be received.
	Unsubscribe struct{ Track track.ID }
	// GrantScreen lets the session's screen through. It answers the ScreenAsked of this number.
	GrantScreen struct{ Ask int }
	// RefuseScreen tells the session that somebody else shares.
	RefuseScreen struct {
		Holder UserID
		Ask    int
	}
	// SocketLost says that the socket which carried the session is gone.
	SocketLost struct{ Conn ConnID }
	// SocketOpen says that a socket of this id is open, perhaps noticed later than the loss of the one before.
	SocketOpen struct{ Conn ConnID }
	// SocketBack says that the client is reachable again, perhaps under another connection id.
	SocketBack struct{ Conn ConnID }
	// CloseMicrophone and StopSharing do what the client would do if it asked: a host wants it so.
	CloseMicrophone struct{}
	StopSharing     struct{}
	// Dismiss ends the session as kicked, in a moment: the client has been told and is to hang up by itself.
	Dismiss struct{}
	// End ends the session.
	End struct{ Reason EndReason }
)

// Events that a session tells its call.
type (
	// Muted says that the client closed or opened its microphone.
	Muted struct {
		Session ID
		On      bool
	}
	// Spoke says that the client began or ceased to speak.
	Spoke struct {
		Session ID
		On      bool
	}
	// HandMoved says that the client raised or lowered its hand.
	HandMoved struct {
		Session ID
		Up      bool
	}
	// Reacted says that the client showed a reaction.
	Reacted struct {
		Session ID
		Emoji   Emoji
	}
	// ScreenAsked claims the call's screen slot, ScreenDone gives it back.
	ScreenAsked struct {
		Session ID
		Stream  string
		Ask     int // counts the questions of a session
	}
	ScreenDone struct{ Session ID }
	// Published says that a track is there to be received. It is told again when the track has a new address.
	Published struct {
		Session ID
		Track   track.ID
		Content track.Kind
		Kind    media.Kind
		PID     *actor.PID
	}
	// Unpublished says that a track is no more.
	Unpublished struct {
		Session ID
		Track   track.ID
	}
	// Ended is the session's last word. Its actor stops after it.
	Ended struct {
		Session ID
		Reason  EndReason
	}
)

// Timers. Each carries the generation of what it was set for, so that one that fires late is not heeded.
type (
	answerExpired struct{ offer int }
	hintExpired   struct{ hint int }
	lockExpired   struct{ lock int }
	livenessTick  struct{}
)

// tellLines is a session's word to itself: behind everything that waits already, the client is told whose media its lines carry.
type tellLines struct{}
