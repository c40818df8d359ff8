package e2e

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// cast is everybody that the rules tell apart, around one private channel.
func cast(t *testing.T, channel string) map[string]*mattermost.API {
	t.Helper()
	r, admin := host(t), user(t, "sysadmin")
	do := func(method, path string, body any) {
		t.Helper()
		require.NoError(t, admin.Do(within(t, settleWithin), method, "/api/v4"+path, body, nil))
	}
	people := map[string]*mattermost.API{
		"anonymous": mattermost.Anonymous(r.URL), "outsider": newcomer(t), "member": newcomer(t, channel), "removed": newcomer(t, channel),
		"deactivated": newcomer(t, channel), "of another team": newcomer(t), "channel admin": newcomer(t, channel), "bot": bot(t, channel), "system admin": admin,
		"guest": guest(t, channel), "guest elsewhere": guest(t, room(t)),
	}
	do(http.MethodDelete, "/channels/"+channel+"/members/"+people["removed"].UserID, nil)
	do(http.MethodDelete, "/teams/"+r.Team.ID+"/members/"+people["of another team"].UserID, nil)
	do(http.MethodPut, "/channels/"+channel+"/members/"+people["channel admin"].UserID+"/schemeRoles", map[string]bool{"scheme_admin": true, "scheme_user": true})
	do(http.MethodPut, "/users/"+people["deactivated"].UserID+"/active", map[string]bool{"active": false})
	return people
}

// guest is a guest account, a member of one channel. The server makes guests, and logs them in, only with a licence; so this one logs in as a user, and is made a
// guest in the database by what the server would write there.
func guest(t *testing.T, channel string) *mattermost.API {
	t.Helper()
	api := newcomer(t, channel)
	db, err := sql.Open("postgres", host(t).Postgres)
	require.NoError(t, err)
	defer db.Close()
	for _, change := range []string{
		"UPDATE users SET roles = 'system_guest' WHERE id = $1",
		"UPDATE teammembers SET schemeguest = true, schemeuser = false WHERE userid = $1",
		"UPDATE channelmembers SET schemeguest = true, schemeuser = false WHERE userid = $1",
		`UPDATE sessions SET roles = 'system_guest', props = props || '{"is_guest": "true"}' WHERE userid = $1`,
		"DELETE FROM channelmembers WHERE userid = $1 AND channelid IN (SELECT id FROM channels WHERE name IN ('town-square', 'off-topic'))",
	} {
		_, err := db.ExecContext(within(t, settleWithin), change, api.UserID)
		require.NoError(t, err, change)
	}
	admin := user(t, "sysadmin")
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/caches/invalidate", nil, nil))
	var known struct{ Roles string }
	require.NoError(t, api.Do(within(t, settleWithin), http.MethodGet, "/api/v4/users/me", nil, &known))
	require.Equal(t, "system_guest", known.Roles)
	assert.Equal(t, http.StatusForbidden, mattermost.Code(api.Do(within(t, settleWithin), http.MethodGet, "/api/v4/teams/"+host(t).Team.ID+"/channels", nil, nil)),
		"who is a guest to the server may not list a team's channels, as a member may")
	return api
}

// bot is a bot with a token, a member of the channels.
func bot(t *testing.T, channels ...string) *mattermost.API {
	t.Helper()
	r, admin := host(t), user(t, "sysadmin")
	var made struct {
		UserID string `json:"user_id"`
	}
	var token struct{ Token string }
	for _, step := range []struct {
		method, path string
		body, answer any
	}{
		{http.MethodPut, "/config/patch", map[string]any{"ServiceSettings": map[string]bool{"EnableBotAccountCreation": true, "EnableUserAccessTokens": true}}, nil},
		{http.MethodPost, "/bots", map[string]string{"username": "e2e" + strings.ToLower(rand.Text()[:12])}, &made},
	} {
		require.NoError(t, admin.Do(within(t, settleWithin), step.method, "/api/v4"+step.path, step.body, step.answer))
	}
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/users/"+made.UserID+"/tokens", map[string]string{"description": "e2e"}, &token))
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/teams/"+r.Team.ID+"/members", map[string]string{"team_id": r.Team.ID, "user_id": made.UserID}, nil))
	for _, ch := range channels {
		require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels/"+ch+"/members", map[string]string{"user_id": made.UserID}, nil))
	}
	api := mattermost.Anonymous(r.URL)
	api.Token, api.UserID = token.Token, made.UserID
	return api
}

// privateRoom is a private channel with alice in it.
func privateRoom(t *testing.T) string {
	t.Helper()
	r, admin := host(t), user(t, "sysadmin")
	var made struct{ ID string }
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels",
		map[string]string{"team_id": r.Team.ID, "name": "e2e-" + strings.ToLower(rand.Text()[:12]), "display_name": t.Name(), "type": "P"}, &made))
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels/"+made.ID+"/members", map[string]string{"user_id": r.Users["alice"].ID}, nil))
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodDelete, "/api/v4/channels/"+made.ID+"/members/"+r.Users["sysadmin"].ID, nil, nil),
		"the system admin is to be no member")
	return made.ID
}

// allowed says what each of the cast is answered: nobody without a session is more than that, and whoever is in no group named is answered otherwise.
type allowed struct {
	method, path string
	body         any
	yes          []string // answered with 200
	no           int      // what everybody else with a session is answered
}

var (
	members = []string{"member", "guest", "bot", "channel admin", "system admin"} // who may read the channel
	anybody = append([]string{"outsider", "removed", "of another team", "guest elsewhere"}, members...)
)

func endpoints(channel, session string) []allowed {
	target := wire.SessionTarget{SessionID: session}
	admins := []string{"system admin"}
	return []allowed{
		{http.MethodGet, "/version", nil, append([]string{"anonymous", "deactivated"}, anybody...), 0},
		{http.MethodGet, "/config", nil, anybody, 0},
		{http.MethodGet, "/channels", nil, anybody, 0},
		{http.MethodGet, "/" + channel, nil, members, 403},
		{http.MethodGet, "/calls/" + channel + "/active", nil, members, 403},
		{http.MethodPost, "/" + channel, map[string]bool{"enabled": true}, []string{"channel admin", "system admin"}, 403},
		{http.MethodPost, "/calls/" + channel + "/dismiss-notification", nil, members, 403},
		{http.MethodGet, "/turn-credentials", nil, nil, 403},
		{http.MethodGet, "/stats", nil, admins, 403},
		{http.MethodGet, "/env", nil, admins, 403},
		{http.MethodGet, "/metrics", nil, admins, 403},
		{http.MethodGet, "/admin/actors", nil, admins, 403},
		{http.MethodGet, "/admin/settings", nil, admins, 403},
		{http.MethodGet, "/debug/pprof/goroutine?debug=1", nil, admins, 403},
		{http.MethodGet, "/autocomplete/people?channel_id=" + channel, nil, anybody, 0},
		{http.MethodPost, "/cloud-notify-admins", nil, nil, 400},
		{http.MethodPost, "/telemetry/track", map[string]string{"event": "x"}, anybody, 0},
		{http.MethodPost, "/logs/upload", map[string]string{"logs": "a line", "filename": "a.txt"}, anybody, 0},
		{http.MethodPost, "/calls/" + channel + "/recording/start", nil, nil, 403},
		{http.MethodPost, "/calls/" + channel + "/recording/stop", nil, nil, 403},
		{http.MethodGet, "/no/such/thing", nil, nil, 404},
		{http.MethodPost, "/calls/" + channel + "/host/mute", target, admins, 403},
		{http.MethodPost, "/calls/" + channel + "/host/mute-others", nil, admins, 403},
		{http.MethodPost, "/calls/" + channel + "/host/screen-off", target, admins, 403},
		{http.MethodPost, "/calls/" + channel + "/host/lower-hand", target, admins, 403},
		{http.MethodPost, "/calls/" + channel + "/host/make", wire.NewHost{NewHostID: "x"}, nil, 403},
		{http.MethodPost, "/calls/" + channel + "/host/remove", wire.SessionTarget{SessionID: "x"}, nil, 403},
	}
}

// patiently asks again when the server says that it was asked too often: a test that asks for everything does.
func patiently(t *testing.T, ask func() error) (err error) {
	t.Helper()
	eventually(t, settleWithin, func() string {
		if err = ask(); mattermost.Code(err) == http.StatusTooManyRequests {
			return err.Error()
		}
		return ""
	})
	return err
}

// Everybody times everything: nobody gets more than is theirs, and nobody who may not read the channel learns that there is a call.
func TestWhoMayDoWhat(t *testing.T) {
	channel := privateRoom(t)
	people := cast(t, channel)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	state := data(t, await(t, alice, "call_start"))

	for _, e := range endpoints(channel, alice.Socket.ConnID) {
		for name, api := range people {
			want := e.no
			switch {
			case slices.Contains(e.yes, name):
				want = http.StatusOK
			case name == "anonymous" || name == "deactivated":
				want = http.StatusUnauthorized
			case name == "system admin" && strings.Contains(e.path, "/host/"):
				want = http.StatusBadRequest // may, but for somebody who is not there
			}
			var answer json.RawMessage
			var into any
			if want == http.StatusOK && e.path != "/metrics" && !strings.HasPrefix(e.path, "/debug/") {
				into = &answer
			}
			err := patiently(t, func() error {
				return api.Do(within(t, settleWithin), e.method, "/plugins/"+wire.PluginID+e.path, e.body, into)
			})
			assert.Equal(t, want, mattermost.Code(err), "%s %s by %s: %v", e.method, e.path, name, err)
			if !slices.Contains(members, name) {
				assert.NotContains(t, string(answer), channel, "%s %s tells %s of the channel", e.method, e.path, name)
				assert.NotContains(t, string(answer), state["call_id"], "%s %s tells %s of the call", e.method, e.path, name)
			}
		}
	}
	mayEnter(t, channel, people)
	mayCommand(t, channel, people)
	for name, api := range people {
		want := http.StatusForbidden
		switch name {
		case "system admin":
			continue
		case "anonymous", "deactivated":
			want = http.StatusUnauthorized
		}
		assert.Equal(t, want, post(t, api, "/calls/"+channel+"/end", nil), "%s ends the call", name)
		assert.Equal(t, want, post(t, api, "/calls/"+channel+"/host/end", nil), "%s ends the call", name)
	}
	assert.Equal(t, http.StatusOK, post(t, people["system admin"], "/calls/"+channel+"/end", nil))
	await(t, alice, "call_end")
}

// mayEnter tries the actions that need no session, on a socket of everybody's own.
func mayEnter(t *testing.T, channel string, people map[string]*mattermost.API) {
	t.Helper()
	for name, api := range people {
		socket, err := api.Dial(within(t, settleWithin), nil)
		if name == "anonymous" || name == "deactivated" {
			assert.Error(t, err, "%s has a socket", name)
			continue
		}
		require.NoError(t, err, name)
		may := slices.Contains(members, name)
		require.NoError(t, socket.Send(wire.CallStateRequest{ChannelID: channel}))
		require.NoError(t, socket.Send(wire.Join{ChannelID: channel}))
		answer, err := socket.Await(within(t, settleWithin), "answer to a join", func(e mattermost.Event) bool { return e.Name == "join" || e.Name == "error" })
		require.NoError(t, err, name)
		want := "error"
		if may && name != "bot" {
			want = "join"
		}
		assert.Equal(t, want, answer.Name, "%s joins: %s", name, answer.Data)
		told := names(callEvents(socket, channel))
		if !may {
			assert.Equal(t, []string{"error"}, told, "%s is told of a call that is none of theirs", name)
		} else {
			eventually(t, settleWithin, func() string {
				if !slices.Contains(names(callEvents(socket, channel)), "call_state") {
					return name + " asked for the state and was not told"
				}
				return ""
			})
		}
		require.NoError(t, socket.Send(wire.Leave{}))
		socket.Close()
	}
}

// mayCommand tries the command that does most.
func mayCommand(t *testing.T, channel string, people map[string]*mattermost.API) {
	t.Helper()
	for name, api := range people {
		if name == "system admin" {
			continue // would end the call: below
		}
		var answer struct{ Text string }
		err := api.Do(within(t, settleWithin), http.MethodPost, "/api/v4/commands/execute",
			map[string]string{"channel_id": channel, "team_id": host(t).Team.ID, "command": "/call end"}, &answer)
		if err == nil {
			assert.Equal(t, "Error: you have no permission to do this here", answer.Text, name)
			continue
		}
		assert.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, mattermost.Code(err), name)
	}
}

// Nobody is told of a call in a channel that is none of theirs, from its beginning to its end.
func TestAPrivateCallIsToldToMembersAlone(t *testing.T) {
	channel := privateRoom(t)
	stranger := watch(t, "dave")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	alice.Send(wire.RaiseHand{})
	awaitWho(t, alice, "user_raise_hand", alice)
	require.NoError(t, alice.Leave())
	// An event of a channel of dave's own, later than all of the above, shows that nothing is still on its way.
	open := room(t)
	bob := join(t, "bob", open, client.Config{ID: 2})
	awaitSession(t, stranger, "user_joined", bob)
	assert.Empty(t, callEvents(stranger, channel))
}
