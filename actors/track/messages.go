package track

import "github.com/asynkron/protoactor-go/actor"

// Commands that a track accepts.
type (
	// Gate opens or closes the track: a closed one forwards nothing.
	Gate struct{ Open bool }
	// Subscribe lends a receiver's slot to the track; it answers Subscribed to ReplyTo.
	Subscribe struct {
		Receiver string // the receiving session's id
		Slot     Slot
		ReplyTo  *actor.PID
	}
	// Unsubscribe asks for a slot back; the track answers Unsubscribed once it will not touch it again.
	Unsubscribe struct {
		Slot    Slot
		ReplyTo *actor.PID
	}
	// Forget drops every slot of a receiver that has ended.
	Forget struct{ Receiver string }
	// Keep drops the slots of all but these: a Forget may have come to an address that the track had before.
	Keep struct{ Receivers []string }
)

// Events that a track tells: the first two to who asked, Voice to its session.
type (
	// Subscribed says that the slot is in use.
	Subscribed struct {
		Track ID
		Slot  Slot
	}
	// Unsubscribed says that the slot is free again.
	Unsubscribed struct {
		Track ID
		Slot  Slot
	}
	// Voice says that the speaker began or ceased to speak.
	Voice struct {
		Track ID
		On    bool
	}
)
