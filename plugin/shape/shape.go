// Package shape puts the state of a call into the words of the protocol, for HTTP and events alike.
package shape

import (
	"time"

	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

// Millis is a time as the protocol has it: Unix milliseconds, 0 for none.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Call is a call in the words of every client generation.
func Call(v call.View) wire.Call {
	c := wire.Call{
		ID: string(v.Call), V: v.V, StartAt: Millis(v.StartAt),
		Users: []string{}, States: []wire.UserState{}, Sessions: []wire.CallSession{},
		ThreadID: v.Post.Thread, PostID: v.Post.ID,
		OwnerID: string(v.Owner), HostID: string(v.Host), CreatorID: string(v.Owner),
		ScreenSharingID: string(v.ScreenUser), ScreenSharingSessionID: string(v.ScreenSession),
	}
	at := make(map[session.UserID]int)
	for _, p := range v.People {
		c.Sessions = append(c.Sessions, wire.CallSession{SessionID: string(p.Session), UserID: string(p.User), Unmuted: p.Unmuted, RaisedHand: Millis(p.Hand), Voice: p.Voice})
		state := wire.UserState{Unmuted: p.Unmuted, RaisedHand: Millis(p.Hand)}
		if i, ok := at[p.User]; ok {
			c.States[i] = merge(c.States[i], state)
			continue
		}
		at[p.User] = len(c.Users)
		c.Users, c.States = append(c.Users, string(p.User)), append(c.States, state)
	}
	return c
}

// merge is the one state that old clients see of a user with two sessions: heard when either is, the hand up since the first went up.
func merge(a, b wire.UserState) wire.UserState {
	a.Unmuted = a.Unmuted || b.Unmuted
	if a.RaisedHand == 0 || (b.RaisedHand != 0 && b.RaisedHand < a.RaisedHand) {
		a.RaisedHand = b.RaisedHand
	}
	return a
}
