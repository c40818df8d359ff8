package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/bot"
	"calls/plugin/config"
	"calls/wire"
)

const (
	open    = "chan0000000000000000000001" // alice is its admin, bob a member
	private = "chan0000000000000000000002" // alice alone
	direct  = "chan0000000000000000000003" // alice and bob
	old     = "chan0000000000000000000004" // archived
	nowhere = "chan0000000000000000000009"

	alice    = "usera000000000000000000001"
	bob      = "userb000000000000000000001"
	lead     = "userl000000000000000000001" // admin of the team, member of open
	root     = "userr000000000000000000001" // system admin, member of nothing
	stranger = "userx000000000000000000001"
)

// world is a host with the people and channels above, a store, and calls.
type world struct {
	members           map[string][]string
	choices           map[call.ChannelID]bool
	calls             map[call.ChannelID]call.View
	ended             []string
	hosted, dismissed []string
	told              []string
	cfg               config.Config
	broken, botOff    bool
	files             []string
}

func newWorld() *world {
	return &world{
		members: map[string][]string{open: {alice, bob, lead}, private: {alice}, direct: {alice, bob}, old: {alice}},
		choices: map[call.ChannelID]bool{},
		calls:   map[call.ChannelID]call.View{},
		cfg:     config.Default(),
	}
}

func (w *world) HasPermissionTo(u string, p *model.Permission) bool {
	return u == root && p.Id == model.PermissionManageSystem.Id
}
func (w *world) HasPermissionToTeam(u, team string, p *model.Permission) bool {
	return u == lead && team == "team" && p.Id == model.PermissionManageTeam.Id
}
func (w *world) HasPermissionToChannel(u, ch string, _ *model.Permission) bool {
	_, err := w.GetChannelMember(ch, u)
	return err == nil || u == root
}
func (w *world) GetUser(id string) (*model.User, *model.AppError) {
	if w.broken {
		return nil, model.NewAppError("", "down", nil, "", http.StatusInternalServerError)
	}
	return &model.User{Id: id, Username: "name-of-" + id[:5]}, nil
}
func (w *world) Host(ch call.ChannelID, act call.Host) {
	w.hosted = append(w.hosted, fmt.Sprintf("%s %s by %s admin %v: %s%s", ch, act.Act, act.By, act.Admin, act.Session, act.User))
}
func (w *world) Dismiss(user session.UserID, ch call.ChannelID, id call.ID) {
	w.dismissed = append(w.dismissed, fmt.Sprint(user, " ", id))
}
func (w *world) Dismissed(user session.UserID, id call.ID) bool {
	return slices.Contains(w.dismissed, fmt.Sprint(user, " ", id))
}
func (w *world) GetChannel(id string) (*model.Channel, *model.AppError) {
	if w.broken {
		return nil, model.NewAppError("", "down", nil, "", http.StatusInternalServerError)
	}
	switch id {
	case open, private:
		return &model.Channel{Id: id, TeamId: "team", Type: model.ChannelTypeOpen}, nil
	case direct:
		return &model.Channel{Id: id, Type: model.ChannelTypeDirect}, nil
	case old:
		return &model.Channel{Id: id, TeamId: "team", Type: model.ChannelTypeOpen, DeleteAt: 1}, nil
	}
	return nil, model.NewAppError("", "none", nil, "", http.StatusNotFound)
}
func (w *world) GetChannelMember(ch, u string) (*model.ChannelMember, *model.AppError) {
	for _, m := range w.members[ch] {
		if m == u {
			return &model.ChannelMember{ChannelId: ch, UserId: u, SchemeAdmin: u == alice}, nil
		}
	}
	return nil, model.NewAppError("", "none", nil, "", http.StatusNotFound)
}
func (w *world) Call(ch call.ChannelID) (call.View, bool) { v, ok := w.calls[ch]; return v, ok }
func (w *world) Calls() []call.View {
	var all []call.View
	for _, v := range w.calls {
		all = append(all, v)
	}
	return all
}
func (w *world) End(ch call.ChannelID, reason session.EndReason) {
	w.ended = append(w.ended, fmt.Sprint(ch, " ", reason))
}
func (w *world) Choice(ch call.ChannelID) (*bool, error) {
	if w.broken {
		return nil, errors.New("secret of the database")
	}
	if c, ok := w.choices[ch]; ok {
		return &c, nil
	}
	return nil, nil
}
func (w *world) Choices() map[call.ChannelID]bool { return w.choices }
func (w *world) SetChoice(ch call.ChannelID, on bool) error {
	if w.broken {
		return errors.New("secret of the database")
	}
	w.choices[ch] = on
	return nil
}
func (w *world) ChannelChoice(ch call.ChannelID, on bool) error {
	w.told = append(w.told, fmt.Sprint(ch, " ", on))
	return nil
}

func (w *world) File(user, name string, data []byte) (string, error) {
	switch {
	case w.broken:
		return "", errors.New("secret of the database")
	case w.botOff:
		return "", bot.ErrOff
	}
	w.files = append(w.files, fmt.Sprintf("%s %s %d", user, name, len(data)))
	return "post0000000000000000000001", nil
}

func (w *world) server() *server {
	return newServer(Deps{Host: w, Calls: w, Choices: w, Announcer: w, Ringer: w, Mail: w, Overrides: func() map[string]string { return map[string]string{"UDPServerPort": "9000"} }, Config: func() config.Config { return w.cfg },
		Version: wire.Version{Version: "0.22.0", Build: "beb4612"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func ask(h http.Handler, user, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if user != "" {
		r.Header.Set(userHeader, user)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func (w *world) ask(user, method, target, body string) *httptest.ResponseRecorder {
	return ask(w.server().handler(), user, method, target, body)
}

func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../wire/testdata/" + name + ".json")
	require.NoError(t, err)
	return string(b)
}

// running is the call of the golden files, in the open channel.
func running() call.View {
	return call.View{
		Channel: open, Call: "call0000000000000000000001", V: 7, StartAt: time.UnixMilli(1659712345678), Owner: alice, Host: alice,
		Post:       call.Post{ID: "post0000000000000000000001", Thread: "post0000000000000000000001"},
		ScreenUser: bob, ScreenSession: "connb000000000000000000001",
		People: []call.Person{{User: alice, Session: "conna000000000000000000001"},
			{User: bob, Session: "connb000000000000000000001", Unmuted: true, Voice: true, Hand: time.UnixMilli(1659712400000)}},
	}
}

func TestVersionNeedsNoSession(t *testing.T) {
	w := newWorld()
	for _, target := range []string{"/version", "/version/", "/version?x=1"} {
		rec := w.ask("", "GET", target, "")
		assert.Equal(t, http.StatusOK, rec.Code)
		assert.JSONEq(t, golden(t, "http_version"), rec.Body.String())
		assert.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	}
}

func TestEverythingElseNeedsASession(t *testing.T) {
	w := newWorld()
	for _, c := range []string{"GET /config", "GET /channels", "GET /" + open, "POST /" + open, "POST /calls/" + open + "/end", "GET /x", "GET /", "DELETE /" + open, "PUT /a/b/c"} {
		method, target, _ := strings.Cut(c, " ")
		rec := w.ask("", method, target, `{"enabled":true}`)
		assert.Contains(t, []int{http.StatusUnauthorized, http.StatusMethodNotAllowed}, rec.Code, c)
		if rec.Code == http.StatusUnauthorized {
			assert.Equal(t, "Unauthorized\n", rec.Body.String())
		}
	}
	assert.Empty(t, w.choices)
}

func TestPathsThatNameNothing(t *testing.T) {
	w := newWorld()
	for _, c := range []string{"GET /", "GET /x", "GET /handler", "GET /" + open + "x", "GET /" + strings.ToUpper(open), "GET /metrics", "GET /calls/" + open, "GET //version",
		"GET /./config", "GET /a/../config", "POST /version", "POST /calls/x/end", "POST /calls/..%2f..%2fconfig/end"} {
		method, target, _ := strings.Cut(c, " ")
		rec := w.ask(root, method, target, "")
		assert.Equal(t, http.StatusNotFound, rec.Code, c)
		assert.Contains(t, rec.Header().Get("Content-Type"), "text/plain", c)
	}
}

func TestNoGetChangesAnything(t *testing.T) {
	w := newWorld()
	w.calls[open] = running()
	rec := w.ask(alice, "GET", "/calls/"+open+"/end", "")
	assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, rec.Code)
	w.ask(alice, "GET", "/"+open+"?enabled=false", `{"enabled":false}`)
	assert.Empty(t, w.ended)
	assert.Empty(t, w.choices)
}

func TestConfig(t *testing.T) {
	w := newWorld()
	w.cfg.MaxCallParticipants = 8
	w.cfg.ICEServers = []wire.ICEServer{{URLs: []string{"stun:stun.example.com:3478"}}, {URLs: []string{"turn:without.example.com"}},
		{URLs: []string{"turn:turn.example.com:3478"}, Username: "alice", Credential: "secret"}}
	rec := w.ask(bob, "GET", "/config", "")
	assert.Equal(t, http.StatusOK, rec.Code)
	assert.JSONEq(t, golden(t, "http_config"), rec.Body.String())

	w.cfg = config.Default()
	assert.Contains(t, w.ask(bob, "GET", "/config", "").Body.String(), `"ICEServersConfigs":[]`)
}

func TestChannel(t *testing.T) {
	w := newWorld()
	w.calls[open] = running()
	w.choices[open] = true
	rec := w.ask(bob, "GET", "/"+open, "")
	assert.Equal(t, http.StatusOK, rec.Code)
	assert.JSONEq(t, golden(t, "http_channel"), rec.Body.String())

	rec = w.ask(stranger, "GET", "/"+open, "")
	assert.Equal(t, http.StatusForbidden, rec.Code)
	assert.Equal(t, "Forbidden\n", rec.Body.String())
	assert.Equal(t, http.StatusForbidden, w.ask(bob, "GET", "/"+private, "").Code)
	assert.Equal(t, http.StatusForbidden, w.ask(bob, "GET", "/"+nowhere, "").Code)

	empty := running()
	empty.People, empty.ScreenUser, empty.ScreenSession = nil, "", ""
	w.calls[open] = empty
	w.choices[open] = false
	assert.JSONEq(t, golden(t, "http_channel_empty_call"), w.ask(bob, "GET", "/"+open, "").Body.String())
}

func TestEnabledHasThreeValues(t *testing.T) {
	for _, c := range []struct {
		choice    string
		defaultOn bool
		query     string
		want      string
	}{
		{"none", true, "", `{"channel_id":"` + open + `","enabled":true}`},
		{"none", false, "", `{"channel_id":"` + open + `","enabled":false}`},
		{"none", true, "?mobilev2=true", golden(t, "http_channel_no_choice")},
		{"none", false, "?mobilev2=true", golden(t, "http_channel_no_choice")},
		{"none", true, "?mobilev2=false&x=y", `{"channel_id":"` + open + `","enabled":true}`},
		{"no", true, "", `{"channel_id":"` + open + `","enabled":false}`},
		{"no", true, "?mobilev2=true", `{"channel_id":"` + open + `","enabled":false}`},
		{"yes", false, "?mobilev2=true", `{"channel_id":"` + open + `","enabled":true}`},
	} {
		w := newWorld()
		w.cfg.DefaultEnabled = c.defaultOn
		if c.choice != "none" {
			w.choices[open] = c.choice == "yes"
		}
		assert.JSONEq(t, c.want, w.ask(bob, "GET", "/"+open+c.query, "").Body.String(), "%+v", c)
	}
}

func TestChannels(t *testing.T) {
	w := newWorld()
	assert.Equal(t, "[]", w.ask(bob, "GET", "/channels", "").Body.String(), "never null")

	w.choices[private], w.choices[direct] = true, false
	w.calls[open] = running()
	list := func(user, query string) map[string]wire.Channel {
		rec := w.ask(user, "GET", "/channels"+query, "")
		require.Equal(t, http.StatusOK, rec.Code)
		var all []wire.Channel
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &all))
		byID := map[string]wire.Channel{}
		for _, c := range all {
			byID[c.ChannelID] = c
		}
		assert.Len(t, byID, len(all))
		return byID
	}
	got := list(bob, "")
	assert.Len(t, got, 2, "not the private one")
	assert.True(t, *got[open].Enabled)
	assert.Equal(t, []string{alice, bob}, got[open].Call.Users)
	assert.False(t, *got[direct].Enabled)
	assert.Nil(t, got[direct].Call)
	assert.Len(t, list(alice, ""), 3)
	assert.Len(t, list(root, ""), 3)
	assert.Empty(t, list(stranger, ""))
	assert.Nil(t, list(bob, "?mobilev2=true")[open].Enabled)
}

func TestSetEnabled(t *testing.T) {
	for _, c := range []struct {
		name, user, channel string
		allow               bool
		want                int
	}{
		{"its admin", alice, open, true, 200},
		{"a member", bob, open, true, 403},
		{"the team's admin", lead, open, true, 200},
		{"the team's admin, not a member", lead, private, true, 403},
		{"a system admin, not a member", root, private, true, 200},
		{"a stranger", stranger, open, true, 403},
		{"in a direct message", bob, direct, true, 200},
		{"a stranger in a direct message", stranger, direct, true, 403},
		{"an archived channel", alice, old, true, 403},
		{"an archived channel, system admin", root, old, true, 403},
		{"no channel", alice, nowhere, true, 403},
		{"no channel, system admin", root, nowhere, true, 403},
		{"its admin, not allowed", alice, open, false, 403},
		{"in a direct message, not allowed", bob, direct, false, 403},
		{"a system admin, not allowed", root, open, false, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.cfg.AllowEnableCalls = c.allow
			rec := w.ask(c.user, "POST", "/"+c.channel, `{"enabled":false,"unknown":1}`)
			assert.Equal(t, c.want, rec.Code)
			assert.Equal(t, "application/json", rec.Header().Get("Content-Type"))
			if c.want == 200 {
				assert.JSONEq(t, `{"channel_id":"`+c.channel+`","enabled":false}`, rec.Body.String())
				assert.Equal(t, map[call.ChannelID]bool{call.ChannelID(c.channel): false}, w.choices)
				assert.Equal(t, []string{c.channel + " false"}, w.told)
				return
			}
			assert.Contains(t, rec.Body.String(), `"status_code":403`)
			assert.Empty(t, w.choices)
			assert.Empty(t, w.told)
		})
	}
}

func TestBadBodies(t *testing.T) {
	w := newWorld()
	for body, code := range map[string]int{
		"":                   400,
		"{":                  400,
		"[]":                 400,
		`{}`:                 400,
		`{"enabled":null}`:   400,
		`{"enabled":"true"}`: 400,
		`{"x":"` + strings.Repeat("a", wire.MaxBody) + `","enabled":true}`: 413,
	} {
		rec := w.ask(alice, "POST", "/"+open, body)
		assert.Equal(t, code, rec.Code, "%.40s", body)
		assert.Contains(t, rec.Body.String(), fmt.Sprintf(`"status_code":%d`, code))
	}
	assert.Empty(t, w.choices)
}

func TestEndCall(t *testing.T) {
	view := running()
	view.Host = bob
	for _, c := range []struct {
		name, user, channel string
		want                int
		says                string
	}{
		{"its owner", alice, open, 200, "success"},
		{"its host", bob, open, 200, "success"},
		{"a system admin", root, open, 200, "success"},
		{"a member", lead, open, 403, "no permissions to end the call"},
		{"a stranger", stranger, open, 403, "no permissions to end the call"},
		{"a stranger where there is none", stranger, private, 403, "no permissions to end the call"},
		{"where there is none", alice, private, 400, "no call ongoing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.calls[open] = view
			rec := w.ask(c.user, "POST", "/calls/"+c.channel+"/end", "")
			assert.Equal(t, c.want, rec.Code)
			assert.JSONEq(t, fmt.Sprintf(`{"message":%q,"status_code":%d}`, c.says, c.want), rec.Body.String())
			if c.want == 200 {
				assert.Equal(t, []string{open + " call_ended"}, w.ended)
			} else {
				assert.Empty(t, w.ended)
			}
		})
	}
}

func TestOwnerWhoLeftTheChannel(t *testing.T) {
	w := newWorld()
	w.calls[open] = running()
	w.members[open] = []string{bob}
	assert.Equal(t, http.StatusForbidden, w.ask(alice, "POST", "/calls/"+open+"/end", "").Code)
	assert.Empty(t, w.ended)
}

func TestFaultsStayInTheLog(t *testing.T) {
	w := newWorld()
	w.broken = true
	for _, c := range []string{"GET /" + open, "POST /" + open} {
		method, target, _ := strings.Cut(c, " ")
		rec := w.ask(alice, method, target, `{"enabled":true}`)
		assert.Equal(t, http.StatusInternalServerError, rec.Code)
		assert.JSONEq(t, `{"message":"internal error","status_code":500}`, rec.Body.String())
	}
}

func TestRateIsPerUser(t *testing.T) {
	w := newWorld()
	s := w.server()
	clock := time.Unix(1000, 0)
	s.now = func() time.Time { return clock }
	h := s.handler()
	count := func(user string, n int) (ok int) {
		for range n {
			rec := ask(h, user, "GET", "/config", "")
			if rec.Code == http.StatusOK {
				ok++
				continue
			}
			assert.Equal(t, http.StatusTooManyRequests, rec.Code)
			assert.JSONEq(t, golden(t, "http_status"), rec.Body.String())
		}
		return ok
	}
	assert.Equal(t, wire.HTTPBurst, count(alice, 100))
	assert.Equal(t, wire.HTTPBurst, count(bob, 100))
	clock = clock.Add(time.Second)
	assert.Equal(t, wire.HTTPRate, count(alice, 100))
	for range 100 {
		assert.Equal(t, http.StatusOK, ask(h, "", "GET", "/version", "").Code)
	}
	for i := range maxUsers + 10 {
		ask(h, fmt.Sprint("user", i), "GET", "/config", "")
	}
	assert.Equal(t, maxUsers, s.limits.Len())
}

func TestPeopleAreOfferedToThoseWhoMayKnow(t *testing.T) {
	w := newWorld()
	view := running()
	view.People = append(view.People, call.Person{User: bob, Session: "connb000000000000000000002"}) // from two devices
	w.calls[open] = view
	ask := func(user, query string) string {
		return w.ask(user, "GET", "/autocomplete/people"+query, "").Body.String()
	}
	in := "?channel_id=" + open + "&user_input=x"
	assert.JSONEq(t, `[{"Item":"@name-of-usera","Hint":"","HelpText":""},{"Item":"@name-of-userb","Hint":"","HelpText":""}]`, ask(lead, in))
	assert.Equal(t, "[]", ask(stranger, in))
	assert.Equal(t, "[]", ask(alice, "?channel_id="+private))
	assert.Equal(t, "[]", ask(alice, ""))
	w.broken = true
	assert.Equal(t, "[]", ask(alice, in), "no names, no list")
}

func TestWhatIsNotHereIsRefusedPlainly(t *testing.T) {
	w := newWorld()
	for target, c := range map[string]struct {
		user string
		code int
		says string
	}{
		"/cloud-notify-admins":                    {alice, 400, `{"error":"not a cloud server"}`},
		"/telemetry/track":                        {alice, 200, `{"message":"nothing is collected here","status_code":200}`},
		"/calls/" + open + "/recording/start":     {alice, 403, `{"message":"there are no recordings here","status_code":403}`},
		"/calls/" + private + "/recording/start":  {bob, 403, `{"message":"no permissions to perform this action","status_code":403}`},
		"/calls/" + open + "/recording/stop?x=yz": {alice, 403, `{"message":"there are no recordings here","status_code":403}`},
	} {
		rec := w.ask(c.user, "POST", target, `{"event":`)
		assert.Equal(t, c.code, rec.Code, target)
		assert.JSONEq(t, c.says, rec.Body.String(), target)
		assert.Equal(t, "application/json", rec.Header().Get("Content-Type"))
		assert.Equal(t, http.StatusUnauthorized, w.ask("", "POST", target, "").Code, target)
	}
	for _, target := range []string{"/calls/" + open + "/recording/pause", "/bot/uploads", "/standalone/widget.html", "/calls/x/recording/start"} {
		assert.Equal(t, http.StatusNotFound, w.ask(alice, "POST", target, "").Code, target)
		assert.Equal(t, http.StatusNotFound, w.ask(alice, "GET", target, "").Code, target)
	}
}

func TestLogsGoToTheirUser(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		code int
		says string
		sent string
	}{
		"logs":                {`{"logs":"a line","filename":"call_logs.txt","team_id":"x"}`, 200, `{"post_id":"post0000000000000000000001"}`, alice + " call_logs.txt 6"},
		"a name of markup":    {`{"logs":"x","filename":"../<b>ä.txt"}`, 200, `post_id`, alice + " .._" + "_b__.txt 1"},
		"a long name":         {`{"logs":"x","filename":"` + strings.Repeat("n", 300) + `"}`, 200, `post_id`, alice + " " + strings.Repeat("n", maxFilename) + " 1"},
		"no name":             {`{"logs":"x","filename":"../.."}`, 400, noFilename, ""},
		"no logs":             {`{"filename":"a.txt"}`, 400, "no logs", ""},
		"no JSON":             {`logs=x`, 400, "JSON", ""},
		"logs that are a lot": {`{"filename":"a.txt","logs":"` + strings.Repeat("x", 1<<20) + `"}`, 200, "post_id", alice + " a.txt 1048576"},
		"too many":            {`{"filename":"a.txt","logs":"` + strings.Repeat("x", maxLogs) + `"}`, 413, "too large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			rec := w.ask(alice, "POST", "/logs/upload", c.body)
			assert.Equal(t, c.code, rec.Code)
			assert.Contains(t, rec.Body.String(), c.says)
			assert.Equal(t, c.sent, strings.Join(w.files, ", "))
		})
	}
	w := newWorld()
	w.botOff = true
	rec := w.ask(alice, "POST", "/logs/upload", `{"logs":"x","filename":"a"}`)
	assert.JSONEq(t, `{"message":"the bot of Calls is switched off","status_code":403}`, rec.Body.String())

	s := newWorld().server()
	s.now = func() time.Time { return time.Unix(1000, 0) }
	codes := []int{}
	for range fileBurst + 1 {
		codes = append(codes, ask(s.handler(), alice, "POST", "/logs/upload", `{"logs":"x","filename":"a"}`).Code)
	}
	assert.Equal(t, []int{200, 200, 200, 429}, codes)
	assert.Equal(t, 200, ask(s.handler(), bob, "POST", "/logs/upload", `{"logs":"x","filename":"a"}`).Code)
}

func TestWhatChangesSomethingIsWrittenDown(t *testing.T) {
	var log strings.Builder
	w := newWorld()
	s := w.server()
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := s.handler()
	ask(h, bob, "GET", "/config", "")
	assert.Empty(t, log.String())
	ask(h, bob, "POST", "/"+open, `{"enabled":true}`)
	ask(h, alice, "POST", "/"+open, `{"enabled":true}`)
	assert.Contains(t, log.String(), "user="+bob+" method=POST path=/"+open+" code=403")
	assert.Contains(t, log.String(), "user="+alice+" method=POST path=/"+open+" code=200")
}
