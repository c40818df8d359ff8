package store

import (
	"encoding/json"
	"time"

	"calls/actors/call"
	"calls/actors/session"
)

// schema is the version of record. A record without one was written by the upstream plugin, whose names for the same things are kept where they exist,
// so that a channel's choice, and the post of a call that upstream left open, are understood.
const schema = 1

// record is what is stored of a channel, under the channel's id.
type record struct {
	Schema  int    `json:"schema"`
	Epoch   int64  `json:"epoch"`             // grows with every call of the channel
	Enabled *bool  `json:"enabled,omitempty"` // the channel's own choice; absent: none
	Call    *saved `json:"call,omitempty"`
}

// saved is what is stored of a call.
type saved struct {
	ID       call.ID          `json:"id"`
	V        uint64           `json:"v"`
	CreateAt int64            `json:"create_at"`
	OwnerID  session.UserID   `json:"owner_id"`
	HostID   session.UserID   `json:"host_id"`
	PostID   string           `json:"post_id"`
	ThreadID string           `json:"thread_id"`
	Title    string           `json:"title,omitempty"`
	Took     []session.UserID `json:"participants"`
	Stats    stats            `json:"stats"`
	Screen   session.ID       `json:"screen_sharing_session_id,omitempty"`
	Sessions savedSessions    `json:"sessions"`
}

type stats struct {
	Participants int `json:"participants"`
}

type savedSessions map[session.ID]savedSession

type savedSession struct {
	UserID     session.UserID `json:"user_id"`
	Unmuted    bool           `json:"unmuted"`
	RaisedHand int64          `json:"raised_hand"`
	JoinAt     int64          `json:"join_at"`
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func save(v call.View) *saved {
	s := &saved{
		ID: v.Call, V: v.V, CreateAt: millis(v.StartAt), OwnerID: v.Owner, HostID: v.Host, PostID: v.Post.ID, ThreadID: v.Post.Thread, Title: v.Title,
		Took: v.Took, Stats: stats{v.Most}, Screen: v.ScreenSession, Sessions: make(savedSessions, len(v.People)),
	}
	for _, p := range v.People {
		s.Sessions[p.Session] = savedSession{UserID: p.User, Unmuted: p.Unmuted, RaisedHand: millis(p.Hand), JoinAt: millis(p.JoinedAt)}
	}
	return s
}

// view is what closing a call's post needs. Nobody is in a call that was only stored.
func (s *saved) view(ch call.ChannelID) call.View {
	v := call.View{
		Channel: ch, Call: s.ID, V: s.V, StartAt: time.UnixMilli(s.CreateAt), Owner: s.OwnerID, Host: s.HostID, Title: s.Title,
		Post: call.Post{ID: s.PostID, Thread: s.ThreadID}, Took: s.Took, Most: s.Stats.Participants,
	}
	if v.Post.ID == "" {
		v.Post.ID = s.ThreadID // upstream stored only the thread, which its post began
	}
	return v
}

func (r record) empty() bool { return r.Enabled == nil && r.Call == nil }

func decode(raw []byte) (record, error) {
	var r record
	if len(raw) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, err
	}
	return r, nil
}

// encode gives nothing for a record that says nothing: writing nothing removes the key.
func (r record) encode() ([]byte, error) {
	if r.empty() {
		return nil, nil
	}
	r.Schema = schema
	return json.Marshal(r)
}
