package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// post makes a POST request of the plugin and gives its status.
func post(t *testing.T, api *mattermost.API, path string, body any) int {
	t.Helper()
	return mattermost.Code(patiently(t, func() error {
		return api.Do(within(t, settleWithin), http.MethodPost, "/plugins/"+wire.PluginID+path, body, nil)
	}))
}

func target(c *mattermost.Call) wire.SessionTarget {
	return wire.SessionTarget{SessionID: c.Socket.ConnID}
}

func TestReactionsReachThoseInTheCallAlone(t *testing.T) {
	channel := room(t)
	watcher := watch(t, "carol")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	awaitWho(t, alice, "user_joined", bob)
	alice.Send(wire.React{Emoji: wire.Emoji{Name: "thumbsup", Unified: "1F44D"}})
	for _, at := range []*mattermost.Call{alice, bob} {
		f := awaitWho(t, at, "user_reacted", alice)
		assert.Equal(t, alice.API.UserID, f["user_id"])
		assert.Equal(t, map[string]any{"name": "thumbsup", "unified": "1F44D"}, f["emoji"])
		assert.Greater(t, f["timestamp"], 1.6e12, "milliseconds")
	}
	alice.Send(wire.RaiseHand{})
	awaitSession(t, watcher, "user_raise_hand", alice)
	assert.NotContains(t, names(callEvents(watcher, channel)), "user_reacted")
	requireVersions(t, callEvents(watcher, channel))
	require.NoError(t, alice.Err())
}

func TestTheStateOfACallIsToldOnRequest(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	watcher := watch(t, "carol") // no member of the call
	require.NoError(t, watcher.Send(wire.CallStateRequest{ChannelID: channel}))
	e, err := watcher.Await(within(t, settleWithin), "call_state", func(e mattermost.Event) bool { return e.Name == "call_state" && e.ChannelID == channel })
	require.NoError(t, err)
	f := data(t, e)
	var call wire.Call
	require.NoError(t, json.Unmarshal([]byte(f["call"].(string)), &call))
	requireAlone(t, call, alice)
	assert.EqualValues(t, call.V, f["v"])

	secret := host(t).Channels.Private.ID
	inside := join(t, "alice", secret, client.Config{ID: 1})
	outside := watch(t, "dave") // no member of the channel
	require.NoError(t, outside.Send(wire.CallStateRequest{ChannelID: secret}))
	require.NoError(t, outside.Send(wire.CallStateRequest{ChannelID: channel}))
	_, err = outside.Await(within(t, settleWithin), "call_state", func(e mattermost.Event) bool { return e.Name == "call_state" })
	require.NoError(t, err)
	assert.Empty(t, callEvents(outside, secret), "who may not read the channel is told nothing, and what was asked first is answered first")
	require.NoError(t, inside.Leave())
}

func TestWhatAHostMayDo(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	carol := join(t, "carol", channel, client.Config{ID: 3})
	awaitWho(t, alice, "user_joined", carol)
	acts := func(path string) string { return "/calls/" + channel + "/host/" + path }
	for _, path := range []string{"mute", "screen-off", "lower-hand", "remove"} {
		assert.Equal(t, http.StatusForbidden, post(t, bob.API, acts(path), target(carol)), "%s by one who is not host", path)
		assert.Equal(t, http.StatusBadRequest, post(t, alice.API, acts(path), wire.SessionTarget{SessionID: "nobody"}), path)
	}
	require.NoError(t, bob.Unmute(within(t, settleWithin), client.Voice{}))
	heard := func() uint64 { return carol.Received(2, client.Audio).Counts.Received }
	eventually(t, settleWithin, func() string { return fewer("packets of bob", heard(), 20) })
	require.Equal(t, http.StatusOK, post(t, alice.API, acts("mute"), target(bob)))
	assert.Equal(t, bob.Socket.ConnID, data(t, await(t, bob, "host_mute"))["session_id"])
	awaitWho(t, carol, "user_muted", bob)
	requireSilence(t, bob, carol, 2) // whatever the client does

	bob.Send(wire.RaiseHand{})
	awaitWho(t, carol, "user_raise_hand", bob)
	require.Equal(t, http.StatusOK, post(t, alice.API, acts("lower-hand"), target(bob)))
	assert.Equal(t, alice.API.UserID, data(t, await(t, bob, "host_lower_hand"))["host_id"])
	awaitWho(t, carol, "user_unraise_hand", bob)

	require.NoError(t, bob.Share(within(t, settleWithin), client.Picture{}))
	awaitWho(t, carol, "user_screen_on", bob)
	require.Equal(t, http.StatusOK, post(t, alice.API, acts("screen-off"), target(bob)))
	await(t, bob, "host_screen_off")
	awaitWho(t, carol, "user_screen_off", bob)

	require.Equal(t, http.StatusOK, post(t, alice.API, acts("make"), wire.NewHost{NewHostID: bob.API.UserID}))
	assert.Equal(t, bob.API.UserID, data(t, await(t, carol, "call_host_changed"))["hostID"])
	assert.Equal(t, http.StatusForbidden, post(t, alice.API, acts("mute-others"), nil), "not host any more")
	assert.Equal(t, http.StatusBadRequest, post(t, bob.API, acts("remove"), target(bob)))
	require.Equal(t, http.StatusOK, post(t, bob.API, acts("remove"), target(alice)))
	assert.Equal(t, alice.API.UserID, data(t, await(t, carol, "host_removed"))["user_id"])
	assert.Equal(t, "kicked", awaitWho(t, carol, "user_left", alice)["reason"])
	assert.Equal(t, http.StatusForbidden, post(t, carol.API, acts("end"), nil))
	require.Equal(t, http.StatusOK, post(t, bob.API, acts("end"), nil))
	await(t, carol, "call_end")
	assert.NoError(t, carol.Err())
}

// Who is named wrongly is nobody: the host is told so, and nothing changes. What is so already is as good as done.
func TestHostControlsOfWhoIsNotThere(t *testing.T) {
	channel, elsewhere := room(t), room(t)
	told := &ledger{t: t, channel: channel, socket: watch(t, "carol")}
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	gone := join(t, "dave", channel, client.Config{ID: 3})
	require.NoError(t, gone.Leave())
	other := join(t, "dave", elsewhere, client.Config{ID: 4})
	told.says("call_start", "user_connected", "user_joined", "user_connected", "user_joined", "user_connected", "user_joined", "user_disconnected", "user_left")

	acts := func(path string) string { return "/calls/" + channel + "/host/" + path }
	for _, path := range []string{"mute", "screen-off", "lower-hand", "remove"} {
		for what, id := range map[string]string{
			"of nobody": strings.Repeat("x", wire.IDLength), "gone": gone.Socket.ConnID, "of another call": other.Socket.ConnID, "a user": bob.API.UserID, "malformed": "../" + bob.Socket.ConnID, "empty": "",
		} {
			assert.Equal(t, http.StatusBadRequest, post(t, alice.API, acts(path), wire.SessionTarget{SessionID: id}), "%s: a session %s", path, what)
		}
		assert.Equal(t, http.StatusBadRequest, post(t, alice.API, acts(path), map[string]int{"session_id": 7}), path)
	}
	for _, id := range []string{gone.API.UserID, bob.Socket.ConnID, "", strings.Repeat("x", wire.IDLength)} {
		assert.Equal(t, http.StatusBadRequest, post(t, alice.API, acts("make"), wire.NewHost{NewHostID: id}), "host: %q", id)
	}
	for _, path := range []string{"mute", "screen-off", "lower-hand"} {
		assert.Equal(t, http.StatusOK, post(t, alice.API, acts(path), target(bob)), "%s: there is nothing to do", path)
	}
	assert.Equal(t, http.StatusOK, post(t, alice.API, acts("mute-others"), nil))
	assert.Equal(t, http.StatusOK, post(t, alice.API, acts("make"), wire.NewHost{NewHostID: alice.API.UserID}), "she is")

	bob.Send(wire.RaiseHand{})
	about(t, bob, told.says("user_raise_hand")...) // and nothing before it
	for _, e := range append(callEvents(bob.Socket, channel), callEvents(other.Socket, elsewhere)...) {
		assert.NotContains(t, e.Name, "host_")
	}
	require.NoError(t, other.Leave())
	require.NoError(t, bob.Leave())
	require.NoError(t, alice.Leave())
}

func TestTheRoleOfHostMovesWithItsHolder(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	carol := join(t, "carol", channel, client.Config{ID: 3})
	require.NoError(t, alice.Leave())
	assert.Equal(t, bob.API.UserID, data(t, await(t, carol, "call_host_changed"))["hostID"], "to the earliest who is still in")
	require.NoError(t, bob.Leave())
	require.NoError(t, carol.Leave())
}

func TestADismissedCallRingsNowhere(t *testing.T) {
	r := host(t)
	direct := r.Channels.Direct.ID
	alice := join(t, "alice", direct, client.Config{ID: 1})
	phone := watch(t, "bob")
	require.Equal(t, http.StatusOK, post(t, user(t, "bob"), "/calls/"+direct+"/dismiss-notification", nil))
	e, err := phone.Await(within(t, settleWithin), "dismissal", func(e mattermost.Event) bool { return e.Name == "user_dismissed_notification" })
	require.NoError(t, err)
	f := data(t, e)
	assert.Equal(t, user(t, "bob").UserID, f["userID"])
	var c wire.Channel
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/"+direct, &c))
	require.NotNil(t, c.Call)
	assert.Equal(t, map[string]bool{user(t, "bob").UserID: true}, c.Call.DismissedNotification)
	assert.Equal(t, c.Call.ID, f["callID"])
	assert.Equal(t, http.StatusForbidden, post(t, user(t, "dave"), "/calls/"+direct+"/dismiss-notification", nil))
	require.NoError(t, alice.Leave())
}

// Another member's session is nobody else's, whatever id a message names.
func TestASessionCannotBeHijacked(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	thief := watch(t, "carol") // a member of the channel, on a socket of her own
	id := alice.Socket.ConnID
	require.NoError(t, thief.Send(wire.Reconnect{ChannelID: channel, OriginalConnID: id, PrevConnID: id}))
	for _, msg := range []wire.Message{wire.Mute{}, wire.ScreenOn{ScreenStreamID: "s"}, wire.RaiseHand{}, wire.SDP{Type: "offer", SDP: "v=0"}, wire.React{Emoji: wire.Emoji{Name: "x"}}, wire.Leave{}} {
		require.NoError(t, thief.Send(msg))
	}
	e, err := thief.Await(within(t, settleWithin), "error", func(e mattermost.Event) bool { return e.Name == "error" })
	require.NoError(t, err, "a reconnect that is not honoured is answered")
	assert.Equal(t, "disconnected", data(t, e)["code"])
	before := bob.Received(1, client.Audio).Counts.Received
	eventually(t, settleWithin, func() string {
		return fewer("packets of alice after that", bob.Received(1, client.Audio).Counts.Received, before+50)
	})
	bob.Send(wire.RaiseHand{})
	awaitWho(t, alice, "user_raise_hand", bob)
	for _, e := range callEvents(bob.Socket, channel) {
		assert.NotContains(t, []string{"user_muted", "user_screen_on", "user_reacted", "user_left"}, e.Name)
	}
	assert.NoError(t, alice.Err())
}
