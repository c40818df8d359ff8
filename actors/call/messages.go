package call

import (
	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/session"
)

// Commands that a call accepts.
type (
	// Join lets a session in. Who sends it tells Expect before: a call that is ending leaves it to the channel's next call.
	Join struct {
		Session session.ID
		User    session.UserID
		Member  bool
		Title   string // of the call's post, heeded when the call begins
		Thread  string
	}
	// End ends the call for everyone.
	End struct{ Reason session.EndReason }
	// Host does something in the host's name. It is checked once more when its turn comes: much may have changed since it was asked.
	Host struct {
		Act     Act
		By      session.UserID
		Admin   bool           // may do so without being host
		Session session.ID     // whom it is done to
		User    session.UserID // who is to be host, for MakeHost
	}
	// Expel ends the sessions of a user, or that one of them which is named.
	Expel struct {
		User    session.UserID
		Session session.ID // empty: all of them
		Reason  session.EndReason
	}
)

// Between the actors of a call.
type (
	enter struct {
		id     session.ID
		user   session.UserID
		member bool
	}
	leave struct {
		id     session.ID
		reason session.EndReason
	}
	finish struct { // the last event of the call
		forced bool
		reason session.EndReason
	}
	flush         struct{ replyTo *actor.PID } // answer drained when everything before this is told and stored
	drained       struct{}
	graceExpired  struct{}
	emptyExpired  struct{}
	posted        struct{ post Post }
	screenDecided struct {
		id     session.ID
		ok     bool
		holder session.UserID
		ask    int
	}
	news   struct{} // from the roster to the outbox: something waits to be told
	hosted struct { // the roster has let a host do something to these sessions
		act Act
		to  []session.ID
	}
	told struct { // a job of the outbox is done
		job  int
		post *Post
		err  error
	}
	saved struct {
		gen int
		v   uint64
		err error
	}
	retryTold struct{ gen int }
	retrySave struct{ gen int }
)
