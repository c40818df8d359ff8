package call

import "time"

// Posts makes and closes the post of a call. Both may block; both are called by the call's outbox (or, after a crash, by the door), one at a time per call.
type Posts interface {
	// Create makes the post of a call that has just begun and says where it is.
	Create(v View) (Post, error)
	// Close marks the post ended. It may be called again for the same call.
	Close(v View, endAt time.Time) error
}

// Store keeps the durable facts of a channel's call. A failed write is tried again by the caller.
type Store interface {
	// Save writes the call into the channel's record and leaves the channel's own choice (enabled) alone.
	Save(v View) error
	// Clear removes the call of this id from the channel's record; another call's is left alone.
	Clear(ch ChannelID, id ID) error
}

// Publisher tells a channel's members what happened, in both event families. It may block; it is called in order per call.
type Publisher interface {
	Publish(e Event) error
}
