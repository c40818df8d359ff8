package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// generation is a kind of client that people have, with the rules of its row in section 13 of the protocol.
type generation struct {
	name      string
	bySession bool          // knows people by session, else by user
	mobile    bool          // drops what it hears of a call whose start it has not heard
	v2        bool          // asks with ?mobilev2=true
	patience  time.Duration // from opening the socket until it is connected, or it hangs up
	label     string        // of its data channel
	noTrickle bool          // ignores candidates outside of descriptions
	noLeave   bool          // hangs up by closing
	crossing  client.Crossing
	pings     pinging
	locks     bool // asks for the lock before each offer, and gives up without
}

// pinging is what a client says on its data channel.
type pinging int

const (
	silent pinging = iota
	inText
	inBinary // and what it has measured, and unlocks that nobody asked for
)

var generations = []generation{
	{name: "web of 2022", patience: 15 * time.Second, label: strings.Repeat("0123456789", 4), crossing: client.OffersOnRequest},
	{name: "mobile 1.50", mobile: true, patience: 3 * time.Second, label: strings.Repeat("0123456789", 2), noTrickle: true, noLeave: true, crossing: client.Breaks},
	{name: "mobile 1.55", mobile: true, patience: 3 * time.Second, label: strings.Repeat("abcdef0123", 2), crossing: client.Breaks},
	{name: "mobile 2.0", mobile: true, v2: true, patience: 5 * time.Second, label: strings.Repeat("9876543210", 2), crossing: client.Breaks},
	{name: "mobile 2.1", mobile: true, v2: true, patience: 5 * time.Second, pings: inText},
	{name: "mobile 2.12", mobile: true, v2: true, bySession: true, patience: 5 * time.Second, pings: inText},
	{name: "mobile 2.31", mobile: true, v2: true, bySession: true, patience: 5 * time.Second, pings: inBinary},
	{name: "today", mobile: true, v2: true, bySession: true, patience: 5 * time.Second, pings: inBinary},
	// Which does not offer again what it had to take back, for with the lock that cannot be.
	{name: "today, with the lock", mobile: true, v2: true, bySession: true, patience: 5 * time.Second, pings: inBinary, locks: true, crossing: client.OffersOnRequest},
}

// app is one person with a client of some generation: the app's own socket, on which it hears of calls, and the call.
type app struct {
	generation
	id   uint32
	api  *mattermost.API
	main *mattermost.Socket
	call *mattermost.Call
}

// person is what an app shows of a participant.
type person struct {
	Unmuted bool
	Hand    bool
}

// view is what an app shows of the call.
type view struct {
	People  map[string]person
	Screen  string
	Host    string
	Owner   string // who it lets end the call
	Started bool
}

// key is how an app knows the participant of another app.
func (a *app) key(o *app) string {
	if a.bySession {
		return o.call.Socket.ConnID
	}
	return o.api.UserID
}

// fieldOf reads a text that this generation takes for given, as it does: without looking whether it is there.
func fieldOf(t *testing.T, e mattermost.Event, f fields, key string) string {
	t.Helper()
	s, ok := f[key].(string)
	require.True(t, ok, "%s has no %s: %s", e.Name, key, e.Data)
	return s
}

// shows is what the app shows after what its main socket was told.
func (a *app) shows(t *testing.T, channel string) view {
	t.Helper()
	v := view{People: map[string]person{}}
	for _, e := range callEvents(a.main, channel) {
		f := data(t, e)
		if e.Name == "call_start" {
			require.Equal(t, channel, fieldOf(t, e, f, "channelID"))
			v = view{People: map[string]person{}, Started: true, Owner: fieldOf(t, e, f, "creator_id"), Host: fieldOf(t, e, f, "host_id")}
			continue
		}
		if a.mobile && !v.Started {
			continue
		}
		a.apply(t, &v, e, f)
	}
	return v
}

func (a *app) apply(t *testing.T, v *view, e mattermost.Event, f fields) {
	t.Helper()
	who := "userID"
	joined, left := "user_connected", "user_disconnected"
	if a.bySession {
		who, joined, left = "session_id", "user_joined", "user_left"
	}
	switch e.Name {
	case joined:
		v.People[fieldOf(t, e, f, who)] = person{}
	case left:
		delete(v.People, fieldOf(t, e, f, who))
	case "call_host_changed":
		v.Host = fieldOf(t, e, f, "hostID")
	case "user_screen_on":
		v.Screen = fieldOf(t, e, f, who)
	case "user_screen_off":
		v.Screen = ""
	case "user_muted", "user_unmuted", "user_raise_hand", "user_unraise_hand":
		key := fieldOf(t, e, f, who)
		p, ok := v.People[key]
		require.True(t, ok, "%s of somebody whom %s does not know", e.Name, a.name)
		switch e.Name {
		case "user_muted", "user_unmuted":
			p.Unmuted = e.Name == "user_unmuted"
		default:
			at, _ := f["raised_hand"].(float64)
			p.Hand = at > 0
		}
		v.People[key] = p
	}
}

// loads is what the app shows of the call when it starts only now and asks over HTTP. What a generation reads without looking must be there.
func (a *app) loads(t *testing.T, channel string) view {
	t.Helper()
	path := "/channels"
	if a.v2 {
		path += "?mobilev2=true"
	}
	var list []struct {
		ChannelID string          `json:"channel_id"`
		Call      json.RawMessage `json:"call"`
	}
	require.NoError(t, a.api.Calls(within(t, settleWithin), path, &list))
	v := view{People: map[string]person{}, Started: true}
	for _, c := range list {
		if c.ChannelID != channel {
			continue
		}
		var call fields
		require.NoError(t, json.Unmarshal(c.Call, &call))
		v.Host, _ = call["host_id"].(string)
		v.Owner, _ = call["creator_id"].(string)
		if a.bySession {
			v.Screen = call["screen_sharing_session_id"].(string)
			for _, s := range call["sessions"].([]any) {
				s := s.(map[string]any)
				v.People[s["session_id"].(string)] = person{s["unmuted"].(bool), s["raised_hand"].(float64) > 0}
			}
			continue
		}
		v.Screen = call["screen_sharing_id"].(string)
		states := call["states"].([]any)
		for i, u := range call["users"].([]any) {
			s := states[i].(map[string]any)
			v.People[u.(string)] = person{s["unmuted"].(bool), s["raised_hand"].(float64) > 0}
		}
	}
	return v
}

// join does what the app does to join, within its patience. Whose patience is over tries again, as people do: see tries.
func (a *app) join(t *testing.T, channel string) {
	t.Helper()
	for n := range tries {
		err := a.tryToJoin(t, channel)
		if err == nil {
			return
		}
		t.Logf("%s, try %d: %v", a.name, n+1, err)
	}
	t.Fatalf("%s does not get in within its patience", a.name)
}

func (a *app) tryToJoin(t *testing.T, channel string) error {
	t.Helper()
	suffix := ""
	if a.v2 {
		suffix = "?mobilev2=true"
	}
	var v wire.Version
	require.NoError(t, a.api.Calls(within(t, settleWithin), "/version", &v))
	var cfg map[string]any
	require.NoError(t, a.api.Calls(within(t, settleWithin), "/config"+suffix, &cfg))
	opened := time.Now()
	call, err := a.api.Join(within(t, a.patience), wire.Join{ChannelID: channel}, client.Config{
		ID: a.id, Label: a.label, NoTrickle: a.noTrickle, Crossing: a.crossing, Locks: a.locks,
	})
	if err != nil {
		return err
	}
	if err := call.WaitConnected(within(t, a.patience-time.Since(opened))); err != nil {
		call.Drop()
		return err
	}
	t.Cleanup(call.Drop)
	a.call = call
	return nil
}

// chats says on the data channel what this generation says there, and sees that it is answered.
func (a *app) chats(t *testing.T) {
	t.Helper()
	if a.pings == silent {
		return
	}
	text := a.pings == inText
	require.NoError(t, a.call.Say(wire.Ping{Text: text}))
	if !text {
		for _, m := range []wire.ChannelMessage{wire.Measured{What: wire.Loss, Value: 0.01}, wire.Measured{What: wire.RoundTrip, Value: 0.05}, wire.Measured{What: wire.Jitter, Value: 0.002}} {
			require.NoError(t, a.call.Say(m))
		}
		require.NoError(t, a.call.Say(wire.Unlock{}))
		require.NoError(t, a.call.SayRaw([]byte{10, 0x81, 0xa1, 'x', 1}, false)) // what a newer client may say
		require.NoError(t, a.call.SayRaw([]byte{0xc1, 0xff}, false))
		require.NoError(t, a.call.Say(wire.Ping{}))
	}
	eventually(t, settleWithin, func() string {
		return fewer("pongs to "+a.name, a.call.Pongs(wire.Pong{Text: text}), map[bool]uint64{true: 1, false: 2}[text])
	})
}

// knowsVoices waits until a client that reads media maps knows whose voice comes on which line, and sees that the others are sent none.
func (a *app) knowsVoices(t *testing.T, apps []*app) {
	t.Helper()
	if a.pings != inBinary {
		if _, told := a.call.Senders(); a.label != "" {
			assert.Zero(t, told, "%s knows nothing of media maps", a.name)
		}
		return
	}
	var others []string
	for _, o := range apps {
		if o != a {
			others = append(others, o.call.Socket.ConnID)
		}
	}
	eventually(t, settleWithin, func() string {
		var voices []string
		lines, _ := a.call.Senders()
		for _, l := range lines {
			if l.Type == "voice" {
				voices = append(voices, l.SenderID)
			}
		}
		slices.Sort(voices)
		slices.Sort(others)
		if !slices.Equal(voices, others) {
			return fmt.Sprintf("%s hears %v, should hear %v", a.name, voices, others)
		}
		return ""
	})
}

// agree waits until every app shows the same call, each in its own words.
func agree(t *testing.T, channel string, apps []*app, want func(of *app) person, screen *app) {
	t.Helper()
	for _, a := range apps {
		expected := view{People: map[string]person{}, Started: true, Owner: apps[0].api.UserID, Host: apps[0].api.UserID}
		for _, o := range apps {
			expected.People[a.key(o)] = want(o)
		}
		if screen != nil {
			expected.Screen = a.key(screen)
		}
		eventually(t, settleWithin, func() string {
			if got := a.shows(t, channel); !assert.ObjectsAreEqual(expected, got) {
				return fmt.Sprintf("%s shows %+v, not %+v", a.name, got, expected)
			}
			return ""
		})
		assert.Equal(t, expected, a.loads(t, channel), "%s, started only now", a.name)
	}
}

// Clients of all generations in one call: each follows it by its own rules, and all hear and see each other.
func TestAllGenerationsInOneCall(t *testing.T) {
	channel := room(t)
	var apps []*app
	for i, g := range generations {
		a := &app{generation: g, id: uint32(i + 1), api: newcomer(t, channel)}
		var err error
		a.main, err = a.api.Dial(within(t, settleWithin), nil)
		require.NoError(t, err)
		t.Cleanup(a.main.Close)
		apps = append(apps, a)
	}
	for _, a := range apps {
		a.join(t, channel)
	}
	agree(t, channel, apps, func(*app) person { return person{} }, nil)

	web, today := apps[0], apps[len(apps)-1]
	require.NoError(t, web.call.Socket.SendRaw(false, []byte(`{"action":"custom_com.mattermost.calls_voice_on","seq":50}`)))
	require.NoError(t, today.call.Socket.SendRaw(false,
		[]byte(`{"action":"custom_com.mattermost.calls_metric","seq":51,"data":{"metric_name":"client_ice_candidate_pair","data":"{\"state\":\"succeeded\"}"}}`)))
	for _, a := range apps {
		require.NoError(t, a.call.Unmute(within(t, settleWithin), client.Voice{}), "%s", a.name)
		a.chats(t)
	}
	today.call.Send(wire.RaiseHand{})
	agree(t, channel, apps, func(o *app) person { return person{Unmuted: true, Hand: o == today} }, nil)
	for _, a := range apps {
		for _, o := range apps {
			if a != o {
				eventually(t, settleWithin, func() string {
					return fewer(fmt.Sprintf("packets of %s at %s", o.name, a.name), a.call.Received(o.id, client.Audio).Counts.Received, 30)
				})
			}
		}
	}

	for _, a := range apps {
		a.knowsVoices(t, apps)
	}

	require.NoError(t, web.call.Share(within(t, settleWithin), client.Picture{}))
	agree(t, channel, apps, func(o *app) person { return person{Unmuted: true, Hand: o == today} }, web)
	for _, a := range apps[1:] {
		eventually(t, settleWithin, func() string {
			return fewer("packets of the screen at "+a.name, a.call.Received(web.id, client.Screen).Counts.Received, 40)
		})
	}
	require.NoError(t, web.call.Unshare(within(t, settleWithin)))
	today.call.Send(wire.UnraiseHand{})
	apps[3].call.Mute()
	agree(t, channel, apps, func(o *app) person { return person{Unmuted: o != apps[3]} }, nil)

	for len(apps) > 1 {
		last := apps[len(apps)-1]
		assert.NoError(t, last.call.Err(), last.name)
		if last.crossing == client.Breaks || last.locks {
			assert.Zero(t, last.call.Collisions(), "%s would have died of it", last.name)
		}
		for _, e := range last.call.Socket.Events() {
			assert.NotEqual(t, "error", e.Name, "%s hangs up at any error", last.name)
		}
		if last.noLeave {
			last.call.Drop()
		} else {
			require.NoError(t, last.call.Leave())
		}
		apps = apps[:len(apps)-1]
		agree(t, channel, apps, func(o *app) person { return person{Unmuted: o.name != "mobile 2.0"} }, nil)
	}
	require.NoError(t, web.call.Leave())
	eventually(t, settleWithin, func() string {
		if left := web.shows(t, channel).People; len(left) > 0 {
			return fmt.Sprint("still in: ", left)
		}
		return ""
	})
	assert.NotContains(t, names(callEvents(web.main, channel)), "call_end", "a call that ends because all have left has no such event")
}
