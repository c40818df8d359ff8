package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// fields is an event's data as a client of another make reads it.
type fields map[string]any

func data(t *testing.T, e mattermost.Event) fields {
	t.Helper()
	var f fields
	require.NoError(t, json.Unmarshal(e.Data, &f), "%s %s", e.Name, e.Data)
	return f
}

// await waits for an event of this name at the socket of somebody in a call.
func await(t *testing.T, call *mattermost.Call, name string) mattermost.Event {
	t.Helper()
	e, err := call.Socket.Await(within(t, settleWithin), name, func(e mattermost.Event) bool { return e.Name == name })
	require.NoError(t, err)
	return e
}

// awaitWho waits for an event of this name about somebody's session.
func awaitWho(t *testing.T, at *mattermost.Call, name string, about *mattermost.Call) fields {
	t.Helper()
	return awaitSession(t, at.Socket, name, about)
}

func awaitSession(t *testing.T, at *mattermost.Socket, name string, about *mattermost.Call) fields {
	t.Helper()
	e, err := at.Await(within(t, settleWithin), name+" of "+about.Socket.ConnID, func(e mattermost.Event) bool {
		var f fields
		return e.Name == name && json.Unmarshal(e.Data, &f) == nil && f["session_id"] == about.Socket.ConnID
	})
	require.NoError(t, err)
	f := data(t, e)
	assert.Equal(t, about.API.UserID, f["userID"], "%s names the user, too", name)
	return f
}

// watch is the socket of a channel's member who is not in the call.
func watch(t *testing.T, name string) *mattermost.Socket {
	t.Helper()
	s, err := user(t, name).Dial(within(t, settleWithin), nil)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// callEvents is what a socket was told of a channel's call.
func callEvents(s *mattermost.Socket, channel string) []mattermost.Event {
	return slices.DeleteFunc(s.Events(), func(e mattermost.Event) bool { return e.Foreign || e.ChannelID != channel })
}

func names(events []mattermost.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.Name
	}
	return list
}

// requireVersions demands that events speak of one call, with versions from 1 on in steps of one. Both families of an event carry the same.
func requireVersions(t *testing.T, events []mattermost.Event) {
	t.Helper()
	var last float64
	var id any
	for _, e := range events {
		f := data(t, e)
		v, ok := f["v"].(float64)
		require.True(t, ok, "%s has no v: %s", e.Name, e.Data)
		require.NotEmpty(t, f["call_id"], "%s has no call_id", e.Name)
		if id == nil {
			id = f["call_id"]
		}
		require.Equal(t, id, f["call_id"], "%s is of another call", e.Name)
		require.True(t, v == last || v == last+1, "%s has v %v after %v among %v", e.Name, v, last, names(events))
		last = v
	}
	require.GreaterOrEqual(t, last, 1.0)
}

func TestTheCallIsToldInOrderInBothFamilies(t *testing.T) {
	channel := room(t)
	watcher := watch(t, "carol")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	assert.Equal(t, alice.Socket.ConnID, data(t, await(t, alice, "join"))["connID"])
	awaitSession(t, watcher, "user_joined", alice)
	assert.Equal(t, []string{"call_start", "user_connected", "user_joined"}, names(callEvents(watcher, channel))[:3])
	requireCallStart(t, data(t, callEvents(watcher, channel)[0]), channel, alice)

	state := data(t, await(t, alice, "call_state"))
	assert.Equal(t, channel, state["channel_id"])
	var call wire.Call
	require.NoError(t, json.Unmarshal([]byte(state["call"].(string)), &call))
	requireAlone(t, call, alice)

	bob := join(t, "bob", channel, client.Config{ID: 2})
	awaitSession(t, watcher, "user_joined", bob)
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	awaitSession(t, watcher, "user_unmuted", alice)
	alice.Mute()
	awaitSession(t, watcher, "user_muted", alice)
	require.NoError(t, bob.Share(within(t, settleWithin), client.Picture{}))
	awaitSession(t, watcher, "user_screen_on", bob)
	require.NoError(t, bob.Leave()) // while sharing
	awaitSession(t, watcher, "user_screen_off", bob)
	left := awaitSession(t, watcher, "user_left", bob)
	assert.Equal(t, "left", left["reason"])
	awaitSession(t, watcher, "user_disconnected", bob)
	require.NoError(t, alice.Leave())
	awaitSession(t, watcher, "user_left", alice)
	awaitSession(t, watcher, "user_disconnected", alice)

	events := callEvents(watcher, channel)
	requireVersions(t, events)
	assert.NotContains(t, names(events), "call_end", "a call that ends because all have left has no such event")
	require.NoError(t, alice.Err())
	require.NoError(t, bob.Err())
}

func requireCallStart(t *testing.T, start fields, channel string, by *mattermost.Call) {
	t.Helper()
	assert.Equal(t, channel, start["channelID"])
	for _, key := range []string{"owner_id", "host_id", "creator_id"} {
		assert.Equal(t, by.API.UserID, start[key], key)
	}
	assert.Equal(t, start["call_id"], start["id"])
	assert.NotEmpty(t, start["post_id"])
	assert.Equal(t, start["post_id"], start["thread_id"], "a call outside of a thread begins one")
	assert.Greater(t, start["start_at"], 1.6e12, "milliseconds")
}

// requireAlone demands a call object in which one session is, known by user and by session.
func requireAlone(t *testing.T, call wire.Call, who *mattermost.Call) {
	t.Helper()
	assert.NotEmpty(t, call.ID)
	assert.Equal(t, []string{who.API.UserID}, call.Users)
	assert.Equal(t, []wire.UserState{{}}, call.States)
	assert.Equal(t, []wire.CallSession{{SessionID: who.Socket.ConnID, UserID: who.API.UserID}}, call.Sessions)
	assert.Equal(t, who.API.UserID, call.OwnerID)
	assert.Equal(t, who.API.UserID, call.HostID)
	assert.Equal(t, who.API.UserID, call.CreatorID)
	assert.NotEmpty(t, call.PostID)
	assert.Equal(t, call.PostID, call.ThreadID)
	assert.NotZero(t, call.StartAt)
	assert.Empty(t, call.ScreenSharingID)
}

func TestAUserWithTwoSessionsConnectsAndDisconnectsOnce(t *testing.T) {
	channel := room(t)
	watcher := watch(t, "carol")
	first := join(t, "alice", channel, client.Config{ID: 1})
	second := join(t, "alice", channel, client.Config{ID: 2})
	awaitSession(t, watcher, "user_joined", second)
	require.NoError(t, first.Leave())
	awaitSession(t, watcher, "user_left", first)
	require.NoError(t, second.Leave())
	awaitSession(t, watcher, "user_left", second)
	awaitSession(t, watcher, "user_disconnected", second)
	count := map[string]int{}
	for _, name := range names(callEvents(watcher, channel)) {
		count[name]++
	}
	assert.Equal(t, map[string]int{"call_start": 1, "user_connected": 1, "user_joined": 2, "user_left": 2, "user_disconnected": 1}, count)
	requireVersions(t, callEvents(watcher, channel))
}

func TestWhoHangsUpByClosingIsSeenToLeave(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	bob.Drop() // no leave: the closed media connection tells, as with the phones of 2022
	awaitWho(t, alice, "user_left", bob)
}

func TestThePostOfACallIsClosedWithIt(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	start := data(t, await(t, alice, "call_start"))
	type post struct {
		UserID    string `json:"user_id"`
		ChannelID string `json:"channel_id"`
		Type      string
		Message   string
		Props     fields
	}
	get := func() (p post) {
		require.NoError(t, alice.API.Do(within(t, settleWithin), http.MethodGet, fmt.Sprint("/api/v4/posts/", start["post_id"]), nil, &p))
		return p
	}
	p := get()
	assert.Equal(t, "custom_calls", p.Type)
	assert.Equal(t, alice.API.UserID, p.UserID)
	assert.Equal(t, channel, p.ChannelID)
	assert.Contains(t, p.Message, "started a call")
	assert.Equal(t, start["start_at"], p.Props["start_at"])
	assert.NotContains(t, p.Props, "end_at")
	assert.NotEmpty(t, p.Props["attachments"], "for clients that do not know the type")

	require.NoError(t, alice.Leave())
	eventually(t, settleWithin, func() string {
		if p = get(); p.Props["end_at"] == nil {
			return "the post has no end_at"
		}
		return ""
	})
	assert.GreaterOrEqual(t, p.Props["end_at"], p.Props["start_at"])
	assert.Equal(t, "Call ended", p.Message)
	assert.Equal(t, []any{alice.API.UserID}, p.Props["participants"])
}

func TestWhoMayNotPostMayNotJoin(t *testing.T) {
	r := host(t)
	_, err := user(t, "dave").Join(within(t, settleWithin), wire.Join{ChannelID: r.Channels.Private.ID}, client.Config{ID: 1})
	var refused *mattermost.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "forbidden", refused.Text)
}

func TestForeignAndBrokenMessagesHarmNobody(t *testing.T) {
	channel, drops := room(t), dropped(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	for _, text := range []string{
		`{"action":"mute","seq":100}`,
		`{"action":"custom_com.example.other_mute","seq":101}`,
		`{"action":"custom_com.mattermost.calls_no_such_thing","seq":102,"data":{"data":{"a":[1,2,{}]}}}`,
		`{"action":"custom_com.mattermost.calls_ice","seq":103,"data":{"data":"{\"candidate\":\"nonsense\"}"}}`,
		`{"action":"custom_com.mattermost.calls_ice","seq":104,"data":{"data":"not json"}}`,
		`{"action":"custom_com.mattermost.calls_sdp","seq":105,"data":{"data":"not binary"}}`,
		`{"action":"custom_com.mattermost.calls_screen_on","seq":106,"data":{"data":7}}`,
		`{"action":"custom_com.mattermost.calls_reconnect","seq":107,"data":{"channelID":"x"}}`,
	} {
		require.NoError(t, alice.Socket.SendRaw(false, []byte(text)))
	}
	before := bob.Received(1, client.Audio).Counts.Received
	eventually(t, settleWithin, func() string {
		return fewer("packets heard after that", bob.Received(1, client.Audio).Counts.Received, before+50)
	})
	alice.Pause(client.Audio)
	requireAllHeard(t, alice, bob, 1, client.Audio, drops)
	alice.Mute() // an answer to what is sent last shows that all before it was read
	awaitWho(t, bob, "user_muted", alice)
	assert.NoError(t, alice.Err())
}

// A call that is started inside a thread has its post there, and the thread for its own.
func TestACallInsideAThread(t *testing.T) {
	channel := room(t)
	var root struct{ ID string }
	require.NoError(t, user(t, "bob").Do(within(t, settleWithin), http.MethodPost, "/api/v4/posts", map[string]string{"channel_id": channel, "message": "shall we talk?"}, &root))
	alice, err := user(t, "alice").Join(within(t, joinWithin), wire.Join{ChannelID: channel, ThreadID: root.ID, Title: "The plan"}, client.Config{ID: 1})
	require.NoError(t, err)
	t.Cleanup(alice.Drop)
	start := data(t, await(t, alice, "call_start"))
	assert.Equal(t, root.ID, start["thread_id"])
	assert.NotEqual(t, root.ID, start["post_id"])
	var p struct {
		RootID string `json:"root_id"`
		Props  fields
	}
	require.NoError(t, alice.API.Do(within(t, settleWithin), http.MethodGet, fmt.Sprint("/api/v4/posts/", start["post_id"]), nil, &p))
	assert.Equal(t, root.ID, p.RootID)
	assert.Equal(t, "The plan", p.Props["title"])
}
