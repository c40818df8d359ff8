package notify

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
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

type sent struct {
	name    string
	payload map[string]any
	to      model.WebsocketBroadcast
}

// bus notes what is published.
type bus struct{ sent []sent }

func (b *bus) PublishWebSocketEvent(name string, payload map[string]any, to *model.WebsocketBroadcast) {
	b.sent = append(b.sent, sent{name, payload, *to})
}

// lines are what was sent, as name and addressee.
func (b *bus) lines() []string {
	var out []string
	for _, s := range b.sent {
		to := "channel"
		if s.to.UserId != "" {
			to = s.to.UserId
		}
		out = append(out, s.name+" > "+to)
	}
	b.sent = nil
	return out
}

func event(v uint64, body call.Body) call.Event {
	return call.Event{Channel: chanID, Call: callID, V: v, Body: body}
}

func state(people ...call.Person) call.View {
	return call.View{Channel: chanID, Call: callID, V: 7, Owner: userA, Host: userA, People: people}
}

// Every change of state has the wire form that the golden files show, to the channel's members and reliably.
func TestPublishIsGolden(t *testing.T) {
	for name, e := range map[string]call.Event{
		"call_start":        event(1, call.Started{Post: call.Post{ID: postID, Thread: postID}, StartAt: time.UnixMilli(1659712345678), Owner: userA, Host: userA}),
		"call_end":          event(7, call.Ended{Forced: true, Reason: session.CallEnded}),
		"call_host_changed": event(7, call.HostChanged{Host: userB}),
		"user_left":         event(7, call.Left{User: userB, Session: connB, Reason: session.Left}),
		"user_muted":        event(7, call.Muted{User: userB, Session: connB, On: true}),
		"user_unmuted":      event(7, call.Muted{User: userB, Session: connB}),
		"user_voice_on":     event(7, call.Voice{User: userB, Session: connB, On: true}),
		"user_voice_off":    event(7, call.Voice{User: userB, Session: connB}),
		"user_screen_on":    event(7, call.Screen{User: userB, Session: connB, On: true}),
		"user_screen_off":   event(7, call.Screen{User: userB, Session: connB}),
		"user_raise_hand":   event(7, call.Hand{User: userB, Session: connB, At: time.UnixMilli(1659712400000)}),
		"user_unraise_hand": event(7, call.Hand{User: userB, Session: connB}),
	} {
		t.Run(name, func(t *testing.T) {
			b := &bus{}
			require.NoError(t, NewEvents(b).Publish(e))
			require.Len(t, b.sent, 1)
			assert.Equal(t, name, b.sent[0].name)
			assert.Equal(t, model.WebsocketBroadcast{ChannelId: chanID, ReliableClusterSend: true}, b.sent[0].to)
			assertGolden(t, name, b.sent[0].payload)
		})
	}
}

func assertGolden(t *testing.T, name string, payload map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("../../wire/testdata/event_" + name + ".json")
	require.NoError(t, err)
	var golden struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal(raw, &golden))
	got, err := json.Marshal(payload)
	require.NoError(t, err)
	assert.JSONEq(t, string(golden.Data), string(got))
}

func TestJoinKeepsTheOrderClientsRelyOn(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	require.NoError(t, n.Publish(event(1, call.Started{Owner: userA, Host: userA})))
	require.NoError(t, n.Publish(event(2, call.Joined{User: userA, Session: connA, Member: true, State: state(call.Person{User: userA, Session: connA})})))
	require.Len(t, b.sent, 4)
	last := b.sent[3]
	assert.Equal(t, chanID, last.to.ChannelId, "clients take the channel from the broadcast")
	assert.Equal(t, float64(2), last.payload["v"])
	var c wire.Call
	require.NoError(t, json.Unmarshal([]byte(last.payload["call"].(string)), &c))
	assert.Equal(t, []string{userA}, c.Users)
	assert.Equal(t, connA, c.Sessions[0].SessionID)
	assert.Equal(t, []string{"call_start > channel", "user_connected > channel", "user_joined > channel", "call_state > " + userA}, b.lines())
}

func TestSecondSessionOfAUser(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	a, a2 := call.Person{User: userA, Session: connA}, call.Person{User: userA, Session: connB}
	require.NoError(t, n.Publish(event(3, call.Joined{User: userA, Session: connB, Member: true, State: state(a, a2)})))
	assert.Equal(t, []string{"user_connected > " + userA, "user_joined > channel", "call_state > " + userA}, b.lines())
	require.NoError(t, n.Publish(event(4, call.Left{User: userA, Session: connA, Reason: session.Left})))
	assert.Equal(t, []string{"user_left > channel"}, b.lines())
	require.NoError(t, n.Publish(event(5, call.Left{User: userA, Session: connB, Last: true, Reason: session.Left})))
	assert.Equal(t, []string{"user_disconnected > channel", "user_left > channel"}, b.lines())
}

func TestNaturalEndSaysNothing(t *testing.T) {
	b := &bus{}
	require.NoError(t, NewEvents(b).Publish(event(9, call.Ended{Reason: session.Left})))
	assert.Empty(t, b.sent)
}

func TestOutsiderGetsACopyUntilItLeft(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	require.NoError(t, n.Publish(event(2, call.Joined{User: userA, Session: connA, Member: true, State: state(call.Person{User: userA, Session: connA})})))
	b.lines()
	require.NoError(t, n.Publish(event(3, call.Joined{User: userB, Session: connB, State: state(call.Person{User: userA, Session: connA}, call.Person{User: userB, Session: connB})})))
	assert.Equal(t, []string{"user_connected > channel", "user_connected > " + userB, "user_joined > channel", "user_joined > " + userB, "call_state > " + userB}, b.lines())
	require.NoError(t, n.Publish(event(4, call.Muted{User: userA, Session: connA})))
	assert.Equal(t, []string{"user_unmuted > channel", "user_unmuted > " + userB}, b.lines())
	require.NoError(t, n.Publish(event(5, call.Left{User: userB, Session: connB, Last: true})))
	assert.Equal(t, []string{"user_disconnected > channel", "user_disconnected > " + userB, "user_left > channel", "user_left > " + userB}, b.lines())
	require.NoError(t, n.Publish(event(6, call.Muted{User: userA, Session: connA})))
	assert.Equal(t, []string{"user_unmuted > channel"}, b.lines())
}

func TestAudienceIsForgotten(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	require.NoError(t, n.Publish(event(2, call.Joined{User: userB, Session: connB, State: state(call.Person{User: userB, Session: connB})})))
	// another call in the same channel, though the end of the first was never told
	require.NoError(t, n.Publish(call.Event{Channel: chanID, Call: "next", V: 1, Body: call.Started{}}))
	b.lines()
	require.NoError(t, n.Publish(call.Event{Channel: chanID, Call: "next", V: 2, Body: call.Muted{}}))
	assert.Equal(t, []string{"user_unmuted > channel"}, b.lines())
	assert.Len(t, n.audiences, 1)
	require.NoError(t, n.Publish(call.Event{Channel: chanID, Call: "next", V: 3, Body: call.Ended{}}))
	assert.Empty(t, n.audiences)
}

func TestUnknownChangeIsAnError(t *testing.T) {
	assert.ErrorContains(t, NewEvents(&bus{}).Publish(event(1, nil)), "no event on the wire")
}

func TestSignalsGoToOneUser(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	require.NoError(t, n.Publish(event(1, call.Started{})))
	b.lines()
	to := session.Address{User: userA, Session: connA, Channel: chanID}
	require.NoError(t, n.Joined(to))
	require.NoError(t, n.Refused(to, wire.CodeDisabled, wire.ErrDisabled.Message))
	require.NoError(t, n.Description(to, "answer", "v=0"))
	require.NoError(t, n.ScreenRefused(to, userB))
	require.NoError(t, n.Candidate(to, `{"candidate":"candidate:1","sdpMid":"","sdpMLineIndex":0,"usernameFragment":null}`))
	require.Len(t, b.sent, 5)
	for i, name := range []string{"join", "error", "signal", "screen_refused"} {
		assert.Equal(t, name, b.sent[i].name)
		assertGolden(t, name, b.sent[i].payload)
	}
	for _, s := range b.sent {
		assert.Equal(t, model.WebsocketBroadcast{UserId: userA, ChannelId: chanID, ReliableClusterSend: true}, s.to)
	}
	assert.Equal(t, `{"type":"candidate","candidate":{"candidate":"candidate:1","sdpMid":"","sdpMLineIndex":0,"usernameFragment":null}}`, b.sent[4].payload["data"])
	require.NoError(t, n.Renegotiate(to))
	assert.Equal(t, `{"type":"candidate","renegotiate":true}`, b.sent[5].payload["data"], "in the words of simple-peer")
	b.sent = b.sent[:5]
	assert.Error(t, n.Candidate(to, `{`), "what is not JSON is not sent")
	assert.Len(t, b.sent, 5)
}

func TestRefusalsInTheUsersLanguage(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	n.Speak(func(u session.UserID) string { return map[session.UserID]string{userA: "de", userB: "en-AU"}[u] })
	require.NoError(t, n.Refused(session.Address{User: userA, Session: connA}, "kicked", "You were removed from the call."))
	require.NoError(t, n.Refused(session.Address{User: userB, Session: connA}, "kicked", "what the engine says"))
	require.NoError(t, n.Refused(session.Address{User: userA, Session: connA}, "invalid", "channelID must be text"))
	assert.Equal(t, "Du wurdest aus dem Anruf entfernt.", b.sent[0].payload["data"])
	assert.Equal(t, "what the engine says", b.sent[1].payload["data"])
	assert.Equal(t, "channelID must be text", b.sent[2].payload["data"], "there is no other language for it")
}

// What is for the participants, or for one user, goes to them alone; the channel in it decides nothing.
func TestWhatIsNotForTheWholeChannel(t *testing.T) {
	at := time.UnixMilli(1659712400000)
	thumb := session.Emoji{Name: "thumbsup", Skin: "1F3FC", Unified: "1F44D"}
	for name, c := range map[string]struct {
		body call.Body
		to   []session.UserID
	}{
		"user_reacted":    {call.Reacted{User: userB, Session: connB, Emoji: thumb, At: at, To: []session.UserID{userA, userB}}, []session.UserID{userA, userB}},
		"host_mute":       {call.Hosted{Act: call.Mute, Host: userA, User: userB, Session: connB, To: []session.UserID{userB}}, []session.UserID{userB}},
		"host_screen_off": {call.Hosted{Act: call.ScreenOff, Host: userA, User: userB, Session: connB, To: []session.UserID{userB}}, []session.UserID{userB}},
		"host_lower_hand": {call.Hosted{Act: call.LowerHand, Host: userA, User: userB, Session: connB, To: []session.UserID{userB}}, []session.UserID{userB}},
		"host_removed":    {call.Hosted{Act: call.Remove, Host: userA, User: userB, Session: connB, To: []session.UserID{userA, userB}}, []session.UserID{userA, userB}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bus{}
			require.NoError(t, NewEvents(b).Publish(event(7, c.body)))
			var to []session.UserID
			for _, s := range b.sent {
				assert.Equal(t, name, s.name)
				assert.Equal(t, chanID, s.to.ChannelId)
				to = append(to, session.UserID(s.to.UserId))
				assertGolden(t, name, s.payload)
			}
			assert.Equal(t, c.to, to)
		})
	}
	b := &bus{}
	require.NoError(t, NewEvents(b).Dismissed(userA, chanID, callID))
	assertGolden(t, "user_dismissed_notification", b.sent[0].payload)
	assert.Equal(t, userA, b.sent[0].to.UserId)
	assert.Error(t, NewEvents(b).Publish(event(7, call.Hosted{Act: "dance"})))
}

func TestChannelChoice(t *testing.T) {
	b := &bus{}
	n := NewEvents(b)
	require.NoError(t, n.ChannelChoice(chanID, true))
	require.NoError(t, n.ChannelChoice(chanID, false))
	assert.Equal(t, map[string]any{}, b.sent[0].payload)
	assert.Equal(t, []string{"channel_enable_voice > channel", "channel_disable_voice > channel"}, b.lines())
}
