package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// ledger is what a member of the channel who is not in the call is told, step by step: nothing more, nothing less, nothing in another order. Speaking marks come
// when the server hears speech and are left out.
type ledger struct {
	t       *testing.T
	channel string
	socket  *mattermost.Socket
	seen    int
}

// says waits for these events, each with the fields named, and for no other in between.
func (l *ledger) says(want ...string) (got []fields) {
	l.t.Helper()
	var events []mattermost.Event
	eventually(l.t, settleWithin, func() string {
		events = slices.DeleteFunc(callEvents(l.socket, l.channel), func(e mattermost.Event) bool { return e.Name == "user_voice_on" || e.Name == "user_voice_off" })
		if len(events) < l.seen+len(want) {
			return fmt.Sprintf("told %v, not yet %v", names(events[l.seen:]), want)
		}
		return ""
	})
	require.Equal(l.t, append([]string{}, want...), names(events[l.seen:]))
	for _, e := range events[l.seen:] {
		got = append(got, data(l.t, e))
	}
	l.seen += len(want)
	return got
}

// about demands that events speak of one session, in the words of both families.
func about(t *testing.T, who *mattermost.Call, events ...fields) {
	t.Helper()
	for _, f := range events {
		assert.Equal(t, who.Socket.ConnID, f["session_id"])
		assert.Equal(t, who.API.UserID, f["userID"])
	}
}

// The worked transcript of the protocol (section 16), message by message, on the real server.
func TestTheWorkedTranscript(t *testing.T) {
	channel := room(t)
	told := &ledger{t: t, channel: channel, socket: watch(t, "carol")}

	// A starts.
	a := join(t, "alice", channel, client.Config{ID: 1})
	start := told.says("call_start", "user_connected", "user_joined")
	requireCallStart(t, start[0], channel, a)
	about(t, a, start[1:]...)
	assert.Equal(t, a.API.UserID, start[2]["user_id"])
	signals := slices.DeleteFunc(a.Socket.Events(), func(e mattermost.Event) bool { return e.Name != "signal" })
	require.NotEmpty(t, signals)
	answer := data(t, signals[0])
	assert.Equal(t, a.Socket.ConnID, answer["connID"])
	assert.Contains(t, answer["data"], `"type":"answer"`)
	assert.Contains(t, answer["data"], "m=application")
	assert.Contains(t, answer["data"], "a=candidate:", "the first answer names an address: old phones heed no other candidates")

	// A unmutes; B joins and hears; A mutes.
	require.NoError(t, a.Unmute(within(t, settleWithin), client.Voice{}))
	about(t, a, told.says("user_unmuted")...)
	b := join(t, "bob", channel, client.Config{ID: 2})
	about(t, b, told.says("user_connected", "user_joined")...)
	eventually(t, settleWithin, func() string { return fewer("packets of A at B", b.Received(1, client.Audio).Counts.Received, 25) })
	a.Mute()
	about(t, a, told.says("user_muted")...)

	// B raises a hand, and shares the screen.
	b.Send(wire.RaiseHand{})
	hand := told.says("user_raise_hand")
	about(t, b, hand...)
	assert.Greater(t, hand[0]["raised_hand"], 1.6e12)
	require.NoError(t, b.Share(within(t, settleWithin), client.Picture{}))
	about(t, b, told.says("user_screen_on")...)
	screen := func() uint64 { return a.Received(2, client.Screen).Counts.Received }
	eventually(t, settleWithin, func() string { return fewer("packets of the screen at A", screen(), 40) })

	// B's network drops and returns: under the same id, then under another. Nobody is told, nothing is negotiated anew, the picture goes on.
	for _, another := range []bool{false, true} {
		b.Socket.Close()
		before := screen()
		eventually(t, settleWithin, func() string { return fewer("packets while the socket is closed", screen(), before+40) })
		require.NoError(t, b.Socket.Reopen(within(t, settleWithin), b.API, channel, another))
		b.Send(wire.UnraiseHand{})
		lowered := told.says("user_unraise_hand")
		about(t, b, lowered...)
		assert.Zero(t, lowered[0]["raised_hand"])
		b.Send(wire.RaiseHand{})
		about(t, b, told.says("user_raise_hand")...)
		before = screen()
		eventually(t, settleWithin, func() string { return fewer("packets after that", screen(), before+40) })
	}

	// B leaves, sharing. A leaves, the call ends.
	require.NoError(t, b.Leave())
	gone := told.says("user_screen_off", "user_disconnected", "user_left")
	about(t, b, gone...)
	require.NoError(t, a.Leave())
	about(t, a, told.says("user_disconnected", "user_left")...)
	requireVersions(t, callEvents(told.socket, channel))
	postID := start[0]["post_id"].(string)
	eventually(t, settleWithin, func() string {
		var p struct {
			Message string
			Props   fields
		}
		require.NoError(t, user(t, "carol").Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+postID, nil, &p))
		if p.Message != "Call ended" || p.Props["end_at"] == nil {
			return "the post is open"
		}
		return ""
	})
	var c wire.Channel
	require.NoError(t, user(t, "carol").Calls(within(t, settleWithin), "/"+channel, &c))
	assert.Nil(t, c.Call)
	require.NoError(t, a.Err())
	told.says() // and nothing after that
}

// The forced end: everybody is told, and hung up on when they do not go by themselves.
func TestTheForcedEnd(t *testing.T) {
	channel := room(t)
	told := &ledger{t: t, channel: channel, socket: watch(t, "carol")}
	a := join(t, "alice", channel, client.Config{ID: 1})
	told.says("call_start", "user_connected", "user_joined")
	var status wire.Status
	began := time.Now()
	require.NoError(t, a.API.Do(within(t, settleWithin), http.MethodPost, "/plugins/"+wire.PluginID+"/calls/"+channel+"/end", nil, &status))
	assert.Equal(t, wire.Status{Message: "success", StatusCode: 200}, status)
	ended := told.says("call_end")
	assert.Equal(t, "call_ended", ended[0]["reason"])
	select {
	case <-a.Lost():
		assert.Greater(t, time.Since(began), 3*time.Second, "clients have time to go by themselves")
	case <-within(t, settleWithin).Done():
		t.Fatal("the connection outlives the call")
	}
}
