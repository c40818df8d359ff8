package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/config"
	"calls/wire"
)

const (
	sessA = "conna000000000000000000001"
	sessB = "connb000000000000000000001"
)

// hostedCall is a call that alice hosts and bob is in, too.
func hostedCall() call.View {
	v := running()
	v.Host, v.ScreenUser, v.ScreenSession = alice, "", ""
	v.People = []call.Person{{User: alice, Session: sessA}, {User: bob, Session: sessB}}
	return v
}

func TestHostControls(t *testing.T) {
	sessionOf := func(id string) string { return fmt.Sprintf(`{"session_id":%q}`, id) }
	for _, c := range []struct {
		name, user, path, body string
		want                   int
		does                   string
	}{
		{"host mutes", alice, "mute", sessionOf(sessB), 200, "mute by " + alice + " admin false: " + sessB},
		{"admin mutes", root, "mute", sessionOf(sessB), 200, "mute by " + root + " admin true: " + sessB},
		{"host mutes the others", alice, "mute-others", "", 200, "mute_others by " + alice + " admin false: "},
		{"host stops the screen", alice, "screen-off", sessionOf(sessB), 200, "screen_off by " + alice + " admin false: " + sessB},
		{"host lowers a hand", alice, "lower-hand", sessionOf(sessB), 200, "lower_hand by " + alice + " admin false: " + sessB},
		{"host removes", alice, "remove", sessionOf(sessB), 200, "remove by " + alice + " admin false: " + sessB},
		{"host hands over", alice, "make", `{"new_host_id":"` + bob + `"}`, 200, "make by " + alice + " admin false: " + bob},
		{"host hands over to somebody who is not in", alice, "make", `{"new_host_id":"` + lead + `"}`, 400, ""},
		{"host hands over to nobody", alice, "make", `{}`, 400, ""},
		{"host removes itself", alice, "remove", sessionOf(sessA), 400, ""},
		{"host mutes who is not in", alice, "mute", sessionOf("x"), 400, ""},
		{"host mutes without JSON", alice, "mute", "mute", 400, ""},
		{"a participant", bob, "mute", sessionOf(sessA), 403, ""},
		{"a member who is not in", lead, "mute-others", "", 403, ""},
		{"a stranger", stranger, "mute-others", "", 403, ""},
		{"unknown act", alice, "promote", "", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.calls[open] = hostedCall()
			rec := w.ask(c.user, "POST", "/calls/"+open+"/host/"+c.path, c.body)
			assert.Equal(t, c.want, rec.Code, rec.Body)
			if c.does == "" {
				assert.Empty(t, w.hosted)
			} else {
				assert.Equal(t, []string{open + " " + c.does}, w.hosted)
			}
		})
	}
	w := newWorld()
	assert.Equal(t, http.StatusBadRequest, w.ask(alice, "POST", "/calls/"+open+"/host/mute-others", "").Code, "no call")
	assert.Equal(t, http.StatusForbidden, w.ask(stranger, "POST", "/calls/"+open+"/host/mute-others", "").Code, "who may not read does not learn that there is none")
	w.calls[open] = hostedCall()
	assert.Equal(t, http.StatusOK, w.ask(alice, "POST", "/calls/"+open+"/host/end", "").Code)
	assert.Len(t, w.ended, 1)
}

func TestActive(t *testing.T) {
	w := newWorld()
	assert.JSONEq(t, `{"active":false}`, w.ask(bob, "GET", "/calls/"+open+"/active", "").Body.String())
	w.calls[open] = running()
	assert.JSONEq(t, golden(t, "http_active"), w.ask(bob, "GET", "/calls/"+open+"/active", "").Body.String())
	assert.Equal(t, http.StatusForbidden, w.ask(stranger, "GET", "/calls/"+open+"/active", "").Code)
}

func TestDismiss(t *testing.T) {
	w := newWorld()
	assert.Equal(t, http.StatusBadRequest, w.ask(bob, "POST", "/calls/"+open+"/dismiss-notification", "").Code)
	w.calls[open] = running()
	assert.Equal(t, http.StatusForbidden, w.ask(stranger, "POST", "/calls/"+open+"/dismiss-notification", "").Code)
	assert.NotContains(t, w.ask(bob, "GET", "/"+open, "").Body.String(), "dismissed_notification")
	assert.Equal(t, http.StatusOK, w.ask(bob, "POST", "/calls/"+open+"/dismiss-notification", "").Code)
	assert.Contains(t, w.ask(bob, "GET", "/"+open, "").Body.String(), `"dismissed_notification":{"`+bob+`":true}`)
	assert.NotContains(t, w.ask(alice, "GET", "/"+open, "").Body.String(), "dismissed_notification", "it is nobody else's business")
}

func TestTURNCredentials(t *testing.T) {
	w := newWorld()
	assert.Equal(t, http.StatusForbidden, w.ask(bob, "GET", "/turn-credentials", "").Code)
	w.cfg.TURNSecret = "secret"
	assert.Equal(t, http.StatusForbidden, w.ask(bob, "GET", "/turn-credentials", "").Code, "no server needs any")
	w.cfg.ICEServers = []wire.ICEServer{{URLs: []string{"turn:turn.example.com:3478"}}, {URLs: []string{"stun:stun.example.com"}}}
	assert.Contains(t, w.ask(bob, "GET", "/config", "").Body.String(), `"NeedsTURNCredentials":true`)
	w.cfg.TURNMinutes = 60
	s := w.server()
	s.now = func() time.Time { return time.Unix(1659795145, 0) }
	rec := ask(s.handler(), bob, "GET", "/turn-credentials", "")
	require.Equal(t, http.StatusOK, rec.Code)
	// The credential is what openssl makes of it: printf 1659798745:name-of-userb | openssl dgst -sha1 -hmac secret -binary | base64
	assert.JSONEq(t, `[{"urls":["turn:turn.example.com:3478"],"username":"1659798745:name-of-userb","credential":"t+8NKucsBi5uqjCuVyZSz3ZJZ3Q="}]`, rec.Body.String())
	w.broken = true
	assert.Equal(t, http.StatusInternalServerError, w.ask(bob, "GET", "/turn-credentials", "").Code)
}

func TestAdminsAlone(t *testing.T) {
	w := newWorld()
	w.calls[open], w.calls[private] = hostedCall(), call.View{Channel: private, ScreenSession: "s", People: []call.Person{{User: alice}, {User: "c"}, {User: session.UserID("d")}}}
	w.choices = map[call.ChannelID]bool{open: true, direct: true, private: false}
	for _, path := range []string{"/stats", "/env"} {
		for _, user := range []string{alice, bob, lead, stranger} {
			assert.Equal(t, http.StatusForbidden, w.ask(user, "GET", path, "").Code)
		}
	}
	assert.JSONEq(t, golden(t, "http_stats"), w.ask(root, "GET", "/stats", "").Body.String())
	assert.JSONEq(t, `{"UDPServerPort":"9000"}`, w.ask(root, "GET", "/env", "").Body.String())
}

func TestConfigTellsWhatIsThere(t *testing.T) {
	w := newWorld()
	w.cfg = config.Default()
	w.cfg.EnableRinging, w.cfg.OldICEServers = true, []string{"stun:a.example.com", "stun:b.example.com"}
	body := w.ask(bob, "GET", "/config", "").Body.String()
	assert.Contains(t, body, `"EnableRinging":true`)
	assert.Contains(t, body, `"ICEServers":["stun:a.example.com","stun:b.example.com"]`)
	assert.Contains(t, body, `"ICEServersConfigs":[{"urls":["stun:a.example.com","stun:b.example.com"]}]`)
}
