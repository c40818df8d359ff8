package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// A call that was ended for everyone waits five seconds for those who do not go by themselves. Whoever wants to join meanwhile is told so at once, whatever client
// they have: a phone that was kept waiting for the next call would have hung up before it began, and be shown as somebody who is in.
func TestACallThatWasEndedTakesNobodyMore(t *testing.T) {
	for range tries {
		if comeTooLate(t) {
			return
		}
	}
	t.Fatal("what takes place within five seconds took longer each time")
}

// comeTooLate ends a call that one person does not leave, has others come, and says whether they came while that person was still in.
func comeTooLate(t *testing.T) (inTime bool) {
	t.Helper()
	channel := room(t)
	var late []*mattermost.Socket
	for range generations {
		s, err := newcomer(t, channel).Dial(within(t, settleWithin), nil)
		require.NoError(t, err)
		t.Cleanup(s.Close)
		late = append(late, s)
	}
	alice := join(t, "alice", channel, client.Config{ID: 1}) // stays for as long as she is let
	first := data(t, await(t, alice, "call_start"))
	require.Equal(t, http.StatusOK, post(t, alice.API, "/calls/"+channel+"/end", nil))
	await(t, alice, "call_end")

	for _, s := range late {
		require.NoError(t, s.Send(wire.Join{ChannelID: channel}))
	}
	var answers []mattermost.Event
	for _, s := range late {
		e, err := s.Await(within(t, settleWithin), "answer", func(e mattermost.Event) bool { return e.Name == "join" || e.Name == "error" })
		require.NoError(t, err)
		answers = append(answers, e)
	}
	var one wire.Channel
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/"+channel, &one))
	var list []wire.Channel
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/channels", &list))
	select {
	case <-alice.Lost():
		return false
	default:
	}
	for i, e := range answers {
		var no wire.Refusal
		require.NoError(t, json.Unmarshal(e.Data, &no))
		assert.Equal(t, "error", e.Name)
		assert.Equal(t, wire.Refusal{ConnID: late[i].ConnID, Code: "call_ended", Data: "call has ended"}, no)
	}
	for _, c := range append(list, one) {
		assert.False(t, c.ChannelID == channel && c.Call != nil, "nobody is shown a call that nobody can join")
	}

	select {
	case <-alice.Lost():
	case <-within(t, settleWithin).Done():
		t.Fatal("the connection outlives the call")
	}
	bob := join(t, "bob", channel, client.Config{ID: 2})
	next := data(t, await(t, bob, "call_start"))
	assert.NotEqual(t, first["id"], next["id"])
	state := data(t, await(t, bob, "call_state"))
	var now wire.Call
	require.NoError(t, json.Unmarshal([]byte(state["call"].(string)), &now))
	requireAlone(t, now, bob)
	require.NoError(t, bob.Leave())
	return true
}
