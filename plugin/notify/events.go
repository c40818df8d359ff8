// Package notify tells clients and channels what happened: events over the host's WebSockets, and the call's post.
package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/shape"
	"calls/wire"
)

// Bus is the host's way to clients.
type Bus interface {
	PublishWebSocketEvent(event string, payload map[string]any, broadcast *model.WebsocketBroadcast)
}

// Events implements call.Publisher and session.Signaller.
type Events struct {
	bus    Bus
	locale func(session.UserID) string // may block; nil: everybody reads English

	mu        sync.Mutex
	audiences map[call.ChannelID]*audience
}

// audience is who must hear of a call besides the channel's members: system admins who take part without being members.
type audience struct {
	call      call.ID
	outsiders []session.UserID
}

// NewEvents makes the one Events of a plugin.
func NewEvents(bus Bus) *Events {
	return &Events{bus: bus, audiences: map[call.ChannelID]*audience{}}
}

// Speak lets users be told in their languages from now on what they are told for reading. It is called before anything is told.
func (n *Events) Speak(locale func(session.UserID) string) { n.locale = locale }

// Publish tells a channel's members of one event, in both families. It is called in order per call.
func (n *Events) Publish(e call.Event) error {
	if j, ok := e.Body.(call.Joined); ok && !j.Member {
		n.admit(e, j.User)
	}
	to := n.outsiders(e)
	err := n.tell(e, to)
	switch b := e.Body.(type) {
	case call.Left:
		if b.Last {
			n.dismiss(e.Channel, b.User)
		}
	case call.Ended:
		n.forget(e)
	}
	return err
}

// tell sends the events that one change of state has on the wire.
func (n *Events) tell(e call.Event, outsiders []session.UserID) error {
	switch b := e.Body.(type) {
	case call.Joined:
		return n.joined(e, b, outsiders)
	case call.Reacted:
		return n.users(b.To, e.Channel, wire.UserReacted{
			ReactedUserID: string(b.User), Emoji: wire.Emoji(b.Emoji), Timestamp: shape.Millis(b.At),
			Who: wire.Who{UserID: string(b.User), SessionID: string(b.Session)}, Stamp: stampOf(e)})
	case call.Hosted:
		return n.hosted(e, b)
	}
	events, err := translate(e)
	if err != nil {
		return err
	}
	for _, w := range events {
		if err := n.channel(e.Channel, w, outsiders); err != nil {
			return err
		}
	}
	return nil
}

// joined keeps the order that clients rely on: old family, new family, then the whole state for the one who joined.
func (n *Events) joined(e call.Event, j call.Joined, outsiders []session.UserID) error {
	stamp := stampOf(e)
	who := wire.Who{UserID: string(j.User), SessionID: string(j.Session)}
	connected := wire.UserConnected{Who: who, Stamp: stamp}
	var err error
	if sessions(j.State, j.User) > 1 {
		// The others know the user already, but an old web client shows its call only after its own user_connected.
		err = n.user(j.User, e.Channel, connected)
	} else {
		err = n.channel(e.Channel, connected, outsiders)
	}
	if err != nil {
		return err
	}
	if err := n.channel(e.Channel, wire.UserJoined{JoinedUserID: who.UserID, Who: who, Stamp: stamp}, outsiders); err != nil {
		return err
	}
	return n.state(j.User, j.State, stamp)
}

func sessions(v call.View, u session.UserID) int {
	n := 0
	for _, p := range v.People {
		if p.User == u {
			n++
		}
	}
	return n
}

// translate gives the events of the wire for every change but Joined.
func translate(e call.Event) ([]wire.Event, error) {
	stamp := stampOf(e)
	who := func(u session.UserID, s session.ID) wire.Who {
		return wire.Who{UserID: string(u), SessionID: string(s)}
	}
	switch b := e.Body.(type) {
	case call.Started:
		return []wire.Event{wire.CallStart{
			ID: string(e.Call), ChannelID: string(e.Channel), StartAt: shape.Millis(b.StartAt), ThreadID: b.Post.Thread, PostID: b.Post.ID,
			OwnerID: string(b.Owner), HostID: string(b.Host), CreatorID: string(b.Owner), Stamp: stamp}}, nil
	case call.Left:
		w := who(b.User, b.Session)
		left := wire.UserLeft{LeftUserID: w.UserID, Reason: string(b.Reason), Who: w, Stamp: stamp}
		if b.Last {
			return []wire.Event{wire.UserDisconnected{Who: w, Stamp: stamp}, left}, nil
		}
		return []wire.Event{left}, nil
	case call.Muted:
		return pick(b.On, wire.UserMuted{Who: who(b.User, b.Session), Stamp: stamp}, wire.UserUnmuted{Who: who(b.User, b.Session), Stamp: stamp})
	case call.Voice:
		return pick(b.On, wire.UserVoiceOn{Who: who(b.User, b.Session), Stamp: stamp}, wire.UserVoiceOff{Who: who(b.User, b.Session), Stamp: stamp})
	case call.Screen:
		return pick(b.On, wire.UserScreenOn{Who: who(b.User, b.Session), Stamp: stamp}, wire.UserScreenOff{Who: who(b.User, b.Session), Stamp: stamp})
	case call.Hand:
		at := shape.Millis(b.At)
		return pick(at != 0, wire.UserRaiseHand{RaisedHand: at, Who: who(b.User, b.Session), Stamp: stamp},
			wire.UserUnraiseHand{Who: who(b.User, b.Session), Stamp: stamp})
	case call.HostChanged:
		return []wire.Event{wire.CallHostChanged{HostID: string(b.Host), Stamp: stamp}}, nil
	case call.Ended:
		if !b.Forced {
			return nil, nil // clients know it from the last one's leaving
		}
		return []wire.Event{wire.CallEnd{Reason: string(b.Reason), Stamp: stamp}}, nil
	}
	return nil, fmt.Errorf("no event on the wire for a %T", e.Body)
}

func pick(on bool, a, b wire.Event) ([]wire.Event, error) {
	if on {
		return []wire.Event{a}, nil
	}
	return []wire.Event{b}, nil
}

func stampOf(e call.Event) wire.Stamp { return wire.Stamp{CallID: string(e.Call), V: e.V} }

// hosted tells those concerned what a host did.
func (n *Events) hosted(e call.Event, b call.Hosted) error {
	ch, s, by, stamp := string(e.Channel), string(b.Session), string(b.Host), stampOf(e)
	switch b.Act {
	case call.Mute:
		return n.users(b.To, e.Channel, wire.HostMute{ChannelID: ch, SessionID: s, HostID: by, Stamp: stamp})
	case call.ScreenOff:
		return n.users(b.To, e.Channel, wire.HostScreenOff{ChannelID: ch, SessionID: s, HostID: by, Stamp: stamp})
	case call.LowerHand:
		return n.users(b.To, e.Channel, wire.HostLowerHand{ChannelID: ch, SessionID: s, HostID: by, Stamp: stamp})
	case call.Remove:
		return n.users(b.To, e.Channel, wire.HostRemoved{ChannelID: ch, SessionID: s, UserID: string(b.User), HostID: by, Stamp: stamp})
	}
	return fmt.Errorf("no event on the wire for a host's %q", b.Act)
}

// Dismissed tells a user's own devices that one of them wants no more ringing.
func (n *Events) Dismissed(user session.UserID, ch call.ChannelID, id call.ID) error {
	return n.user(user, ch, wire.UserDismissedNotification{UserID: string(user), CallID: string(id)})
}

// State tells one user the whole state of a call.
func (n *Events) State(user session.UserID, v call.View) error {
	return n.state(user, v, wire.Stamp{CallID: string(v.Call), V: v.V})
}

func (n *Events) state(user session.UserID, v call.View, stamp wire.Stamp) error {
	text, err := json.Marshal(shape.Call(v))
	if err != nil {
		return err
	}
	return n.user(user, v.Channel, wire.CallState{ChannelID: string(v.Channel), Call: string(text), Stamp: stamp})
}

// ChannelChoice tells a channel's members that calls were allowed or forbidden in it.
func (n *Events) ChannelChoice(ch call.ChannelID, enabled bool) error {
	if enabled {
		return n.channel(ch, wire.ChannelEnableVoice{}, nil)
	}
	return n.channel(ch, wire.ChannelDisableVoice{}, nil)
}

// channel sends an event to a channel's members, and a copy to each outsider: the host leaves them out of what goes to the channel.
func (n *Events) channel(ch call.ChannelID, e wire.Event, outsiders []session.UserID) error {
	payload, err := wire.Payload(e)
	if err != nil {
		return err
	}
	n.bus.PublishWebSocketEvent(e.EventName(), payload, &model.WebsocketBroadcast{ChannelId: string(ch), ReliableClusterSend: true})
	for _, u := range outsiders {
		n.bus.PublishWebSocketEvent(e.EventName(), payload, toUser(u, ch))
	}
	return nil
}

func (n *Events) users(to []session.UserID, ch call.ChannelID, e wire.Event) error {
	for _, u := range to {
		if err := n.user(u, ch, e); err != nil {
			return err
		}
	}
	return nil
}

func (n *Events) user(u session.UserID, ch call.ChannelID, e wire.Event) error {
	payload, err := wire.Payload(e)
	if err != nil {
		return err
	}
	n.bus.PublishWebSocketEvent(e.EventName(), payload, toUser(u, ch))
	return nil
}

// toUser names the channel too: it decides nothing, but clients read from it which channel an event is about.
func toUser(u session.UserID, ch call.ChannelID) *model.WebsocketBroadcast {
	return &model.WebsocketBroadcast{UserId: string(u), ChannelId: string(ch), ReliableClusterSend: true}
}

// audience is that of the event's call; another call's in the same channel is replaced, so that at most one a channel is kept.
func (n *Events) audience(e call.Event) *audience {
	a := n.audiences[e.Channel]
	if a == nil || a.call != e.Call {
		a = &audience{call: e.Call}
		n.audiences[e.Channel] = a
	}
	return a
}

func (n *Events) admit(e call.Event, u session.UserID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.audience(e); !slices.Contains(a.outsiders, u) {
		a.outsiders = append(a.outsiders, u)
	}
}

func (n *Events) outsiders(e call.Event) []session.UserID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.audience(e).outsiders)
}

func (n *Events) dismiss(ch call.ChannelID, u session.UserID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.audiences[ch]; a != nil {
		a.outsiders = slices.DeleteFunc(a.outsiders, func(o session.UserID) bool { return o == u })
	}
}

func (n *Events) forget(e call.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.audiences[e.Channel]; a != nil && a.call == e.Call {
		delete(n.audiences, e.Channel)
	}
}

// callOf is the call that was last heard of in a channel, empty when there is none.
func (n *Events) callOf(ch string) call.ID {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.audiences[call.ChannelID(ch)]; a != nil {
		return a.call
	}
	return ""
}
