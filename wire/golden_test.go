package wire

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

const (
	chanID = "chan0000000000000000000001"
	callID = "call0000000000000000000001"
	postID = "post0000000000000000000001"
	userA  = "usera000000000000000000001"
	userB  = "userb000000000000000000001"
	connA  = "conna000000000000000000001"
	connB  = "connb000000000000000000001"
)

func ptr[T any](v T) *T { return &v }

// golden reads one file that the web client's tests read, too.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return b
}

// goldenNames lists the files of a kind, so that none is left untested.
func goldenNames(t *testing.T, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", prefix+"*.json"))
	require.NoError(t, err)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), prefix), ".json"))
	}
	return names
}

var emoji = Emoji{Name: "thumbsup", Skin: "1F3FC", Unified: "1F44D"}

var clientMessages = map[string]struct {
	seq int64
	msg Message
}{
	"join":      {1, Join{ChannelID: chanID, Title: "Weekly — planning", ThreadID: postID}},
	"leave":     {20, Leave{}},
	"reconnect": {19, Reconnect{ChannelID: chanID, OriginalConnID: connB, PrevConnID: connB}},
	"ice": {3, ICE{Candidate: "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host", SDPMid: ptr("0"),
		SDPMLineIndex: ptr(uint16(0))}},
	"mute":         {4, Mute{}},
	"unmute":       {5, Unmute{}},
	"screen_off":   {6, ScreenOff{}},
	"raise_hand":   {7, RaiseHand{}},
	"unraise_hand": {8, UnraiseHand{}},
	"screen_on":    {9, ScreenOn{ScreenStreamID: "{5f0c2a1e-0000-4000-8000-000000000001}"}},
	"sdp":          {2, SDP{Type: "offer", SDP: "v=0"}},
	"react":        {10, React{emoji}},
	"call_state":   {11, CallStateRequest{ChannelID: chanID}},
}

func TestGoldenClientMessages(t *testing.T) {
	names := goldenNames(t, "client_")
	require.Len(t, names, len(decoders), "one golden file an action")
	for _, name := range names {
		if name == "sdp" {
			continue // it is binary: below
		}
		t.Run(name, func(t *testing.T) {
			want := clientMessages[name]
			require.NotNil(t, want.msg)
			raw := golden(t, "client_"+name)

			frame, binary, err := Encode(want.msg, want.seq)
			require.NoError(t, err)
			assert.False(t, binary)
			assert.JSONEq(t, string(raw), string(frame))

			var f jsonFrame
			require.NoError(t, json.Unmarshal(raw, &f))
			got, err := Decode(f.Action, f.Data)
			require.NoError(t, err)
			assert.Equal(t, want.msg, got)
		})
	}
}

// unpack reads a MessagePack frame as the host does.
func unpack(t testing.TB, frame []byte) (action string, seq int64, data map[string]any) {
	t.Helper()
	var f struct {
		Action string         `msgpack:"action"`
		Seq    int64          `msgpack:"seq"`
		Data   map[string]any `msgpack:"data"`
	}
	require.NoError(t, msgpack.Unmarshal(frame, &f))
	return f.Action, f.Seq, f.Data
}

func TestGoldenSDP(t *testing.T) {
	var g struct {
		Action      string  `json:"action"`
		Seq         int64   `json:"seq"`
		Description sdpJSON `json:"description"`
		FrameHex    string  `json:"frame_hex"`
	}
	require.NoError(t, json.Unmarshal(golden(t, "client_sdp"), &g))
	frame, err := hex.DecodeString(g.FrameHex)
	require.NoError(t, err)
	require.Len(t, frame, 98)

	action, seq, data := unpack(t, frame)
	assert.Equal(t, g.Action, action)
	assert.Equal(t, g.Seq, seq)
	got, err := Decode(action, data)
	require.NoError(t, err)
	assert.Equal(t, SDP(g.Description), got)

	made, binary, err := Encode(SDP(g.Description), g.Seq)
	require.NoError(t, err)
	assert.True(t, binary)
	head := bytes.Index(frame, []byte{0x78, 0x9c}) // up to here every encoder agrees; compressors need not
	assert.Equal(t, frame[:head-1], made[:head-1])
	action, seq, data = unpack(t, made)
	assert.Equal(t, g.Action, action)
	assert.Equal(t, g.Seq, seq)
	got, err = Decode(action, data)
	require.NoError(t, err)
	assert.Equal(t, SDP(g.Description), got)
}

var (
	stamp = Stamp{CallID: callID, V: 7}
	whoA  = Who{UserID: userA, SessionID: connA}
	whoB  = Who{UserID: userB, SessionID: connB}

	goldenCall = Call{
		ID: callID, V: 7, StartAt: 1659712345678,
		Users:  []string{userA, userB},
		States: []UserState{{}, {Unmuted: true, RaisedHand: 1659712400000}},
		Sessions: []CallSession{
			{SessionID: connA, UserID: userA},
			{SessionID: connB, UserID: userB, Unmuted: true, RaisedHand: 1659712400000, Voice: true},
		},
		ThreadID: postID, PostID: postID, OwnerID: userA, HostID: userA, CreatorID: userA,
		ScreenSharingID: userB, ScreenSharingSessionID: connB,
	}
)

func callText() string {
	b, _ := json.Marshal(goldenCall)
	return string(b)
}

var events = []Event{
	JoinAck{ConnID: connA},
	Refusal{ConnID: connA, Data: ErrDisabled.Message, Code: ErrDisabled.Code},
	Signal{ConnID: connA, Data: `{"type":"answer","sdp":"v=0"}`},
	ScreenRefused{ConnID: connA, CallID: callID, HolderID: userB},
	CallState{ChannelID: chanID, Call: callText(), Stamp: stamp},
	CallStart{ID: callID, ChannelID: chanID, StartAt: 1659712345678, ThreadID: postID, PostID: postID, OwnerID: userA, HostID: userA, CreatorID: userA,
		Stamp: Stamp{CallID: callID, V: 1}},
	CallEnd{Reason: "call_ended", Stamp: stamp},
	CallHostChanged{HostID: userB, Stamp: stamp},
	ChannelEnableVoice{},
	ChannelDisableVoice{},
	UserConnected{whoA, stamp},
	UserDisconnected{whoB, stamp},
	UserJoined{userA, whoA, stamp},
	UserLeft{userB, "left", whoB, stamp},
	UserMuted{whoB, stamp},
	UserUnmuted{whoB, stamp},
	UserVoiceOn{whoB, stamp},
	UserVoiceOff{whoB, stamp},
	UserScreenOn{whoB, stamp},
	UserScreenOff{whoB, stamp},
	UserRaiseHand{1659712400000, whoB, stamp},
	UserUnraiseHand{0, whoB, stamp},
	UserReacted{userB, emoji, 1659712400000, whoB, stamp},
	HostMute{chanID, connB, userA, stamp},
	HostScreenOff{chanID, connB, userA, stamp},
	HostLowerHand{chanID, connB, userA, stamp},
	HostRemoved{chanID, connB, userB, userA, stamp},
	UserDismissedNotification{userA, callID},
}

func TestGoldenEvents(t *testing.T) {
	require.Len(t, goldenNames(t, "event_"), len(readers), "one golden file an event")
	require.Len(t, events, len(readers))
	for _, want := range events {
		t.Run(want.EventName(), func(t *testing.T) {
			var g struct {
				Event string          `json:"event"`
				Data  json.RawMessage `json:"data"`
			}
			require.NoError(t, json.Unmarshal(golden(t, "event_"+want.EventName()), &g))
			got, err := DecodeEvent(g.Event, g.Data)
			require.NoError(t, err)
			assert.Equal(t, want, got)

			payload, err := Payload(want)
			require.NoError(t, err)
			made, err := json.Marshal(payload)
			require.NoError(t, err)
			assert.JSONEq(t, string(g.Data), string(made))
			// The host is another process: what gob cannot carry would lose the event without a word.
			gob.Register([]any{})
			gob.Register(map[string]any{})
			assert.NoError(t, gob.NewEncoder(new(bytes.Buffer)).Encode(payload))
		})
	}
}

func TestGoldenHTTP(t *testing.T) {
	empty := goldenCall
	empty.Users, empty.States, empty.Sessions = []string{}, []UserState{}, []CallSession{}
	empty.ScreenSharingID, empty.ScreenSharingSessionID = "", ""
	values := map[string]any{
		"version": &Version{Version: "0.22.0", Build: "beb4612"},
		"config": &ClientConfig{
			ICEServersConfigs: []ICEServer{{URLs: []string{"stun:stun.example.com:3478"}},
				{URLs: []string{"turn:turn.example.com:3478"}, Username: "alice", Credential: "secret"}},
			AllowEnableCalls: true, DefaultEnabled: true, MaxCallParticipants: 8, SKUShortName: "starter",
			AllowScreenSharing: true, HostControlsAllowed: true, GroupCallsAllowed: true, MaxRecordingDuration: 60,
		},
		"channel":            &Channel{ChannelID: chanID, Enabled: ptr(true), Call: &goldenCall},
		"channel_no_choice":  &Channel{ChannelID: chanID},
		"channel_empty_call": &Channel{ChannelID: chanID, Enabled: ptr(false), Call: &empty},
		"set_enabled":        &SetEnabled{Enabled: ptr(false)},
		"active":             &Active{Active: true},
		"new_host":           &NewHost{NewHostID: userB},
		"session_target":     &SessionTarget{SessionID: connB},
		"stats":              &Stats{Calls: 2, Sessions: 5, Users: 4, Screens: 1, LargestCall: 3, ChannelsOn: 2, ChannelsOff: 1},
		"status":             &Status{Message: "too many requests", StatusCode: 429},
	}
	require.Len(t, goldenNames(t, "http_"), len(values))
	for name, want := range values {
		t.Run(name, func(t *testing.T) {
			raw := golden(t, "http_"+name)
			got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
			require.NoError(t, json.Unmarshal(raw, got))
			assert.Equal(t, want, got)
			made, err := json.Marshal(want)
			require.NoError(t, err)
			assert.JSONEq(t, string(raw), string(made))
		})
	}
}
