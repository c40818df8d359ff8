package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// answerTo waits for what the server says to a join or a reconnect on a socket, of those events that came after the first so many.
func answerTo(t *testing.T, s *mattermost.Socket, since int) (name string, f fields) {
	t.Helper()
	var seen int
	e, err := s.Await(within(t, settleWithin), "answer", func(e mattermost.Event) bool {
		seen++
		return seen > since && !e.Foreign && (e.Name == "join" || e.Name == "error")
	})
	require.NoError(t, err)
	return e.Name, data(t, e)
}

// A connection is in one call at a time. Who switches leaves the one and joins the other, on the same connection or another; and one user may be in two calls at once.
func TestSwitchOfCall(t *testing.T) {
	from, to := room(t), room(t)
	watcher := watch(t, "carol")
	alice := join(t, "alice", from, client.Config{ID: 1})
	bob := join(t, "bob", from, client.Config{ID: 2})
	for _, channel := range []string{from, to} {
		since := len(alice.Socket.Events())
		require.NoError(t, alice.Socket.Send(wire.Join{ChannelID: channel}))
		name, f := answerTo(t, alice.Socket, since)
		assert.Equal(t, "error", name)
		assert.Equal(t, fields{"connID": alice.Socket.ConnID, "code": "already_connected", "data": "user is already connected"}, f)
	}
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	eventually(t, settleWithin, func() string {
		return fewer("packets of alice at bob", bob.Received(1, client.Audio).Counts.Received, 20)
	})

	second := join(t, "alice", to, client.Config{ID: 3}) // on another socket, before she has left the first
	awaitSession(t, watcher, "user_joined", second)
	require.NoError(t, alice.Err())
	since := len(alice.Socket.Events())
	alice.Send(wire.Leave{})
	assert.Equal(t, "left", awaitWho(t, bob, "user_left", alice)["reason"])
	require.NoError(t, second.Err(), "the other call is none of the first's business")
	require.NoError(t, alice.Socket.Send(wire.Join{ChannelID: to})) // now on the same one
	name, _ := answerTo(t, alice.Socket, since)
	assert.Equal(t, "join", name)
	e, err := watcher.Await(within(t, settleWithin), "alice in the other call", func(e mattermost.Event) bool {
		return e.Name == "user_joined" && e.ChannelID == to && data(t, e)["session_id"] == alice.Socket.ConnID
	})
	require.NoError(t, err)
	assert.Equal(t, alice.API.UserID, data(t, e)["user_id"])
	assert.NotContains(t, names(callEvents(bob.Socket, from)), "call_end")
}

// Who comes back to a call that they are not in any more is told so: without an answer a client would sit in a dead call.
func TestWhoComesBackTooLateIsToldSo(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	alice.Send(wire.Leave{})
	awaitWho(t, bob, "user_left", alice)
	alice.Socket.Close()
	since := len(alice.Socket.Events())
	require.NoError(t, alice.Socket.Reopen(within(t, settleWithin), alice.API, channel, true))
	name, f := answerTo(t, alice.Socket, since)
	assert.Equal(t, "error", name)
	assert.Equal(t, fields{"connID": alice.Socket.ConnID, "code": "disconnected", "data": "You were away for too long. Please join again."}, f)
	require.NoError(t, bob.Leave())
}

// Who speaks is told by the server, from the level that comes with the packets: no phone says it.
func TestWhoSpeaksIsSeenByTheLevelOfTheirVoice(t *testing.T) {
	channel := room(t)
	watcher := watch(t, "carol")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	speak := func(level uint8) {
		t.Helper()
		mark := alice.Sent(client.Audio)
		require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{Level: level}))
		eventually(t, settleWithin, func() string { return fewer("packets sent", alice.Sent(client.Audio), mark+30) })
	}
	speak(60) // the same all the time: a noise
	speak(60)
	assert.NotContains(t, names(callEvents(watcher, channel)), "user_voice_on")
	speak(20)
	speak(90)
	on := awaitSession(t, watcher, "user_voice_on", alice)
	assert.NotEmpty(t, on["call_id"])
	began := time.Now()
	alice.Mute()
	awaitSession(t, watcher, "user_voice_off", alice)
	t.Logf("silent %s after the mute", time.Since(began).Round(time.Millisecond))
	requireVersions(t, callEvents(watcher, channel))
	require.NoError(t, alice.Leave())
}

// A system admin may join where they are no member, and is told all that members are told for as long as they are in: the host's events for the channel do not reach them.
func TestASystemAdminWhoIsNoMemberFollowsTheCall(t *testing.T) {
	channel := privateRoom(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	app := watch(t, "sysadmin")
	admin := join(t, "sysadmin", channel, client.Config{ID: 2})
	joined := awaitSession(t, app, "user_joined", admin)
	assert.Equal(t, admin.API.UserID, joined["user_id"])
	alice.Send(wire.RaiseHand{})
	awaitSession(t, app, "user_raise_hand", alice)
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	awaitSession(t, app, "user_unmuted", alice)
	eventually(t, settleWithin, func() string {
		return fewer("packets of alice at the admin", admin.Received(1, client.Audio).Counts.Received, 20)
	})
	assert.Contains(t, names(callEvents(app, channel)), "user_connected", "by which an old web client shows the call")
	require.NoError(t, admin.Leave())
	awaitSession(t, app, "user_left", admin)
	awaitWho(t, alice, "user_left", admin)
	before := len(callEvents(app, channel))
	alice.Send(wire.UnraiseHand{})
	awaitWho(t, alice, "user_unraise_hand", alice)
	again := join(t, "sysadmin", channel, client.Config{ID: 3})
	awaitSession(t, app, "user_joined", again)
	assert.NotContains(t, names(callEvents(app, channel)[before:]), "user_unraise_hand", "what happens in a channel that is none of theirs is not told to who has left")
	require.NoError(t, again.Leave())
	require.NoError(t, alice.Leave())
}
