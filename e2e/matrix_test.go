package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
	"go.yaml.in/yaml/v3"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// Whatever is answered at all is asked by everybody in TestWhoMayDoWhat.
func TestEveryRequestIsAskedByEverybody(t *testing.T) {
	channel := strings.Repeat("c", wire.IDLength)
	asked := []string{"POST /calls/{channel_id}/end", "POST /calls/{channel_id}/host/end"} // the last that is done there
	for _, e := range endpoints(channel, "session") {
		path, _, _ := strings.Cut(e.path, "?")
		asked = append(asked, e.method+" "+strings.ReplaceAll(path, channel, "{channel_id}"))
	}
	text, err := os.ReadFile("../docs/openapi.yaml")
	require.NoError(t, err)
	var doc struct{ Paths map[string]map[string]any }
	require.NoError(t, yaml.Unmarshal(text, &doc))
	assert.NotEmpty(t, doc.Paths)
	for path, item := range doc.Paths {
		for method := range item {
			if method != "parameters" {
				assert.Contains(t, asked, strings.ToUpper(method)+" "+path)
			}
		}
	}
}

// stolen is the data of an action that names somebody else's connection and session by every name there has ever been.
func stolen(channel, conn string, more map[string]any) map[string]any {
	d := map[string]any{"channelID": channel, "channel_id": channel, "connID": conn, "conn_id": conn, "originalConnID": conn, "prevConnID": conn, "sessionID": conn, "session_id": conn}
	for k, v := range more {
		d[k] = v
	}
	return d
}

// actions is every action there is but join and call_state, which need no session, as frames that name somebody else's connection.
func actions(t *testing.T, channel, conn string) map[string][]byte {
	t.Helper()
	frames := map[string][]byte{}
	for name, more := range map[string]map[string]any{
		"leave": nil, "reconnect": nil, "mute": nil, "unmute": nil, "voice_on": nil, "voice_off": nil, "raise_hand": nil, "unraise_hand": nil, "screen_off": nil,
		"screen_on":  {"data": `{"screenStreamID":"s"}`},
		"ice":        {"data": `{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}`},
		"react":      {"data": `{"name":"smile","unified":"1f604"}`},
		"metric":     {"metric_name": "client_ice_candidate_pair", "data": `{"state":"succeeded"}`},
		"video_on":   {"data": `{"videoStreamID":"v"}`},
		"video_off":  nil,
		"caption":    {"text": "lies"},
		"no_such_as": nil,
	} {
		frame, err := json.Marshal(map[string]any{"action": wire.Prefix + name, "seq": 2, "data": stolen(channel, conn, more)})
		require.NoError(t, err)
		frames[name] = frame
	}
	description := deflated(t, `{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"}`)
	frame, err := msgpack.Marshal(map[string]any{"action": wire.Prefix + "sdp", "seq": 2, "data": stolen(channel, conn, map[string]any{"data": description})})
	require.NoError(t, err)
	frames["sdp"] = frame
	return frames
}

// Everybody sends every action in the name of somebody else's connection, and not one of them is honoured.
func TestNobodyActsForSomebodyElse(t *testing.T) {
	channel := privateRoom(t)
	people := cast(t, channel)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := joinAs(t, newcomer(t, channel), channel, client.Config{ID: 2})
	awaitWho(t, alice, "user_joined", bob)
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	awaitWho(t, bob, "user_unmuted", alice)
	heard := func() uint64 { return bob.Received(1, client.Audio).Counts.Received }
	eventually(t, settleWithin, func() string { return fewer("packets of alice", heard(), 20) })
	alike := func(e mattermost.Event) bool { return e.Name != "user_voice_on" && e.Name != "user_voice_off" } // she may speak or not
	before := len(slices.DeleteFunc(callEvents(bob.Socket, channel), func(e mattermost.Event) bool { return !alike(e) }))

	for name, api := range people {
		if name == "anonymous" || name == "deactivated" {
			continue // have no socket: TestWhoMayDoWhat
		}
		socket, err := api.Dial(within(t, settleWithin), nil)
		require.NoError(t, err, name)
		for action, frame := range actions(t, channel, alice.Socket.ConnID) {
			require.NoError(t, socket.SendRaw(action == "sdp", frame), "%s by %s", action, name)
		}
		// The host handles a socket's messages one after another: when the answer to the last is there, the others are done with.
		require.NoError(t, socket.Send(wire.Join{ChannelID: "no channel"}))
		_, err = socket.Await(within(t, settleWithin), "refusal of a senseless join", func(e mattermost.Event) bool {
			return e.Name == "error" && data(t, e)["code"] != "disconnected"
		})
		require.NoError(t, err, name)
		socket.Close()
	}
	bob.Send(wire.RaiseHand{})
	awaitWho(t, alice, "user_raise_hand", bob)
	awaitWho(t, bob, "user_raise_hand", bob)
	told := slices.DeleteFunc(callEvents(bob.Socket, channel), func(e mattermost.Event) bool { return !alike(e) })
	assert.Equal(t, []string{"user_raise_hand"}, names(told[before:]), "nothing has happened but what bob did")
	mark := heard()
	eventually(t, settleWithin, func() string { return fewer("packets of alice after that", heard(), mark+50) })
	assert.NoError(t, alice.Err())
	assert.NoError(t, bob.Err())
}

// Everybody gives every command: each gets the answer that is theirs, and nobody from outside learns anything.
func TestWhoMayCommandWhat(t *testing.T) {
	channel := privateRoom(t)
	people := cast(t, channel)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	const forbidden = "^Error: you have no permission to do this here$"
	link := "https?://[^ ]+/channels/" + channel + `\?join_call=true$`
	for _, c := range []struct{ text, says, admin string }{ // what members are told, and the system admin if it is something else
		{"/call", "^Error: Invalid number of arguments provided$", ""},
		{"/call dance", "^Error: Invalid subcommand: dance$", ""},
		{"/call start", "^Error: A call is already ongoing in the channel.$", ""},
		{"/call START a call", "^Error: A call is already ongoing in the channel.$", ""},
		{"/call join", "^Join the call here: " + link, ""},
		{"/call link", "^Call link: " + link, ""},
		{"/call leave", "^Error: you are not in the call of this channel$", ""},
		{"/call stats", "^People in the call: 1. ", ""},
		{"/call stats " + strings.Repeat("%", 2000), "^Error: what your client sent cannot be read$", ""},
		{"/call logs", "^Error: your client has logged nothing.", ""},
		{"/call host", forbidden, "^Error: Invalid number of arguments provided$"},
		{"/call host @no.such.user", forbidden, "^Error: there is no user @no.such.user$"},
		{"/call host @dave", forbidden, "^Error: @dave is not in the call$"},
		{"/call host @alice", forbidden, "^@alice is the host of the call now.$"},
		{"/call end", forbidden, "^The call is ending.$"},
	} {
		for name, api := range people {
			says := c.says
			if name == "system admin" {
				if c.text == "/call end" {
					continue // below: it ends the call
				}
				if c.admin != "" {
					says = c.admin
				}
			}
			var answer struct{ Text string }
			err := api.Do(within(t, settleWithin), http.MethodPost, "/api/v4/commands/execute",
				map[string]string{"channel_id": channel, "team_id": host(t).Team.ID, "command": c.text}, &answer)
			if !slices.Contains(members, name) {
				assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, mattermost.Code(err), "%s by %s", c.text, name)
				assert.Empty(t, answer.Text)
				continue
			}
			if assert.NoError(t, err, "%s by %s", c.text, name) {
				assert.Regexp(t, regexp.MustCompile(says), answer.Text, "%s by %s", c.text, name)
			}
		}
	}
	require.Equal(t, []string{"call_start"}, slices.DeleteFunc(names(callEvents(alice.Socket, channel)), func(name string) bool {
		return slices.Contains([]string{"join", "signal", "user_connected", "user_joined", "call_state"}, name)
	}), "none of it has changed anything")
	var answer struct{ Text string }
	require.NoError(t, people["system admin"].Do(within(t, settleWithin), http.MethodPost, "/api/v4/commands/execute",
		map[string]string{"channel_id": channel, "team_id": host(t).Team.ID, "command": "/call end"}, &answer))
	assert.Equal(t, "The call is ending.", answer.Text)
	await(t, alice, "call_end")
}

// What is typed behind /call is completed, and behind /call host by the names of those in the call.
func TestCommandsAreCompleted(t *testing.T) {
	channel := privateRoom(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	await(t, alice, "user_joined")
	complete := func(who *mattermost.API, input string) (list []string) {
		var found []struct{ Suggestion string }
		path := "/api/v4/teams/" + host(t).Team.ID + "/commands/autocomplete_suggestions?user_input=" + strings.ReplaceAll(input, " ", "%20") + "&channel_id=" + channel
		require.NoError(t, who.Do(within(t, settleWithin), http.MethodGet, path, nil, &found))
		for _, f := range found {
			list = append(list, f.Suggestion)
		}
		return list
	}
	assert.ElementsMatch(t, []string{"start", "join", "leave", "end", "link", "stats", "host", "logs"}, complete(alice.API, "call "))
	assert.ElementsMatch(t, []string{"stats", "start"}, complete(alice.API, "call st"))
	assert.Equal(t, []string{"@alice"}, complete(alice.API, "call host "))
	assert.Equal(t, []string{"@alice"}, complete(alice.API, "call host @al"))
	assert.Empty(t, complete(alice.API, "call host @bo"))
	assert.Empty(t, complete(user(t, "dave"), "call host "), "who may not read the channel learns nobody's name")
}

// Everybody is answered in their own language.
func TestAnswersInTheUsersLanguage(t *testing.T) {
	channel := room(t)
	for locale, says := range map[string]string{"en": "Error: no call is on in this channel", "de": "Fehler: in diesem Kanal läuft kein Anruf", "fr": "Erreur : aucun appel n'est en cours dans ce canal"} {
		who := newcomer(t, channel)
		require.NoError(t, who.Do(within(t, settleWithin), http.MethodPut, "/api/v4/users/me/patch", map[string]string{"locale": locale}, nil))
		var answer struct{ Text string }
		require.NoError(t, who.Do(within(t, settleWithin), http.MethodPost, "/api/v4/commands/execute",
			map[string]string{"channel_id": channel, "team_id": host(t).Team.ID, "command": "/call end"}, &answer))
		assert.Equal(t, says, answer.Text)
	}
}
