package wire

import (
	"encoding/json"
	"fmt"
)

// Event is what the server tells clients. The host puts Prefix before its name.
type Event interface{ EventName() string }

// Stamp stands in every event about a call's state: which call, and the version of its roster after the change. Stock clients ignore both.
type Stamp struct {
	CallID string `json:"call_id"`
	V      uint64 `json:"v"`
}

// Who stands in every event about one session: old clients know people by user, newer ones by session.
type Who struct {
	UserID    string `json:"userID"`
	SessionID string `json:"session_id"`
}

// Events for one client. ConnID is the id its connection had when it joined.
type (
	// JoinAck says that the join was granted; the client makes its first offer on it.
	JoinAck struct {
		ConnID string `json:"connID"`
	}
	// Refusal says that something asked for, or the whole session, is not to be.
	Refusal struct {
		ConnID string `json:"connID"`
		Data   string `json:"data"` // for people
		Code   string `json:"code"` // for programs; stock clients ignore it
	}
	// Signal carries a description or a candidate as JSON text.
	Signal struct {
		ConnID string `json:"connID"`
		Data   string `json:"data"`
	}
	// ScreenRefused says that somebody else shares. Stock clients do not know it.
	ScreenRefused struct {
		ConnID   string `json:"connID"`
		CallID   string `json:"call_id"`
		HolderID string `json:"holder_id"` // empty when nobody may share
	}
	// CallState is the whole call for one who has just joined. Call is a Call as JSON text.
	CallState struct {
		ChannelID string `json:"channel_id"`
		Call      string `json:"call"`
		Stamp
	}
)

// Events for a channel's members, on the call.
type (
	// CallStart is the first event of a call.
	CallStart struct {
		ID        string `json:"id"`
		ChannelID string `json:"channelID"`
		StartAt   int64  `json:"start_at"`
		ThreadID  string `json:"thread_id"`
		PostID    string `json:"post_id"`
		OwnerID   string `json:"owner_id"`
		HostID    string `json:"host_id"`
		CreatorID string `json:"creator_id"` // owner_id, for mobile 1.50 to 1.54
		Stamp
	}
	// CallEnd tells everybody to go. The natural end of a call has no event.
	CallEnd struct {
		Reason string `json:"reason"`
		Stamp
	}
	// CallHostChanged says who is host now.
	CallHostChanged struct {
		HostID string `json:"hostID"`
		Stamp
	}
	// ChannelEnableVoice and ChannelDisableVoice say that calls were allowed or forbidden in the channel.
	ChannelEnableVoice  struct{}
	ChannelDisableVoice struct{}
)

// Events for a channel's members, on one participant.
type (
	// UserConnected and UserDisconnected are the first and the last session of a user; UserJoined and UserLeft are every one.
	UserConnected struct {
		Who
		Stamp
	}
	UserDisconnected struct {
		Who
		Stamp
	}
	UserJoined struct {
		JoinedUserID string `json:"user_id"` // the name that newer clients know it by
		Who
		Stamp
	}
	UserLeft struct {
		LeftUserID string `json:"user_id"`
		Reason     string `json:"reason"`
		Who
		Stamp
	}
	// UserMuted and so on say what they say.
	UserMuted struct {
		Who
		Stamp
	}
	UserUnmuted struct {
		Who
		Stamp
	}
	UserVoiceOn struct {
		Who
		Stamp
	}
	UserVoiceOff struct {
		Who
		Stamp
	}
	UserScreenOn struct {
		Who
		Stamp
	}
	UserScreenOff struct {
		Who
		Stamp
	}
	// UserRaiseHand and UserUnraiseHand say when the hand went up; 0 is down.
	UserRaiseHand struct {
		RaisedHand int64 `json:"raised_hand"`
		Who
		Stamp
	}
	UserUnraiseHand struct {
		RaisedHand int64 `json:"raised_hand"`
		Who
		Stamp
	}
)

// Events for the participants of a call, and for one user on all devices.
type (
	// UserReacted shows a reaction for a moment. It changes nothing, so V is what it was.
	UserReacted struct {
		ReactedUserID string `json:"user_id"` // the name that newer clients know it by
		Emoji         Emoji  `json:"emoji"`
		Timestamp     int64  `json:"timestamp"`
		Who
		Stamp
	}
	// HostMute, HostScreenOff and HostLowerHand tell the user of a session what the host has done to it.
	HostMute struct {
		ChannelID string `json:"channel_id"`
		SessionID string `json:"session_id"`
		HostID    string `json:"host_id"`
		Stamp
	}
	HostScreenOff struct {
		ChannelID string `json:"channel_id"`
		SessionID string `json:"session_id"`
		HostID    string `json:"host_id"`
		Stamp
	}
	HostLowerHand struct {
		ChannelID string `json:"channel_id"`
		SessionID string `json:"session_id"`
		HostID    string `json:"host_id"`
		Stamp
	}
	// HostRemoved tells all participants that the host has sent a session away. It has a moment to hang up by itself.
	HostRemoved struct {
		ChannelID string `json:"channel_id"`
		SessionID string `json:"session_id"`
		UserID    string `json:"user_id"`
		HostID    string `json:"host_id"`
		Stamp
	}
	// UserDismissedNotification stops the ringing on a user's other devices.
	UserDismissedNotification struct {
		UserID string `json:"userID"`
		CallID string `json:"callID"`
	}
)

// The names of the events.
func (JoinAck) EventName() string             { return "join" }
func (Refusal) EventName() string             { return "error" }
func (Signal) EventName() string              { return "signal" }
func (ScreenRefused) EventName() string       { return "screen_refused" }
func (CallState) EventName() string           { return "call_state" }
func (CallStart) EventName() string           { return "call_start" }
func (CallEnd) EventName() string             { return "call_end" }
func (CallHostChanged) EventName() string     { return "call_host_changed" }
func (ChannelEnableVoice) EventName() string  { return "channel_enable_voice" }
func (ChannelDisableVoice) EventName() string { return "channel_disable_voice" }
func (UserConnected) EventName() string       { return "user_connected" }
func (UserDisconnected) EventName() string    { return "user_disconnected" }
func (UserJoined) EventName() string          { return "user_joined" }
func (UserLeft) EventName() string            { return "user_left" }
func (UserMuted) EventName() string           { return "user_muted" }
func (UserUnmuted) EventName() string         { return "user_unmuted" }
func (UserVoiceOn) EventName() string         { return "user_voice_on" }
func (UserVoiceOff) EventName() string        { return "user_voice_off" }
func (UserScreenOn) EventName() string        { return "user_screen_on" }
func (UserScreenOff) EventName() string       { return "user_screen_off" }
func (UserRaiseHand) EventName() string       { return "user_raise_hand" }
func (UserUnraiseHand) EventName() string     { return "user_unraise_hand" }
func (UserReacted) EventName() string         { return "user_reacted" }
func (HostMute) EventName() string            { return "host_mute" }
func (HostScreenOff) EventName() string       { return "host_screen_off" }
func (HostLowerHand) EventName() string       { return "host_lower_hand" }
func (HostRemoved) EventName() string         { return "host_removed" }

func (UserDismissedNotification) EventName() string { return "user_dismissed_notification" }

// readers holds how to read the data of each event.
var readers = readersOf(
	reader[JoinAck], reader[Refusal], reader[Signal], reader[ScreenRefused], reader[CallState],
	reader[CallStart], reader[CallEnd], reader[CallHostChanged], reader[ChannelEnableVoice], reader[ChannelDisableVoice],
	reader[UserConnected], reader[UserDisconnected], reader[UserJoined], reader[UserLeft],
	reader[UserMuted], reader[UserUnmuted], reader[UserVoiceOn], reader[UserVoiceOff],
	reader[UserScreenOn], reader[UserScreenOff], reader[UserRaiseHand], reader[UserUnraiseHand],
	reader[UserReacted], reader[HostMute], reader[HostScreenOff], reader[HostLowerHand], reader[HostRemoved], reader[UserDismissedNotification],
)

type eventReader func(data []byte) (Event, error)

func reader[E Event](data []byte) (Event, error) {
	var e E
	if data == nil {
		return e, nil // only its name was asked for
	}
	err := json.Unmarshal(data, &e)
	return e, err
}

func readersOf(rs ...eventReader) map[string]eventReader {
	m := make(map[string]eventReader, len(rs))
	for _, r := range rs {
		e, _ := r(nil)
		m[e.EventName()] = r
	}
	return m
}

// DecodeEvent reads an event as a client gets it: its full name and its data. It fails with ErrForeign for the host's own events and those of other
// plugins, with ErrUnknown for one of ours that is not known here.
func DecodeEvent(event string, data []byte) (Event, error) {
	name, ok := Action(event)
	if !ok {
		return nil, ErrForeign
	}
	read, ok := readers[name]
	if !ok {
		return nil, ErrUnknown
	}
	if len(data) > maxEvent {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxEvent)
	}
	if len(data) == 0 {
		data = []byte("{}")
	}
	e, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return e, nil
}

// Payload is an event's data in the few types that survive the way to the host's process: text, bool, float64, []any and map[string]any.
func Payload(e Event) (map[string]any, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	err = json.Unmarshal(b, &m)
	return m, err
}
