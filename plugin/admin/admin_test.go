package admin

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"

	"calls/actors"
	"calls/actors/call"
	"calls/plugin/settings"
)

type fakeHost struct{ developer bool }

func (fakeHost) HasPermissionTo(user string, p *model.Permission) bool {
	return user == "admin" && p.Id == model.PermissionManageSystem.Id
}

func (h fakeHost) GetConfig() *model.Config {
	c := &model.Config{}
	c.ServiceSettings.EnableDeveloper = &h.developer
	return c
}

type fakeEngine struct {
	done  []string
	fails error
}

func (e *fakeEngine) Inspect() actors.Inspection {
	return actors.Inspection{Version: 7, Actors: []actors.Actor{{ID: "nonhost/root", Kind: "root"}}}
}
func (e *fakeEngine) InspectVersion() uint64              { return 7 }
func (e *fakeEngine) Counts() (uint64, []actors.Counters) { return 7, []actors.Counters{{Failures: 3}} }
func (e *fakeEngine) DeadLetters() uint64                 { return 2 }
func (e *fakeEngine) RestartActor(id string) error        { return e.note("restart " + id) }
func (e *fakeEngine) EndSession(id string) error          { return e.note("session " + id) }
func (e *fakeEngine) EndCall(ch call.ChannelID) error     { return e.note("call " + string(ch)) }
func (e *fakeEngine) Inject(id string, f actors.Fault) error {
	return e.note("inject " + f.Do + " " + id)
}
func (e *fakeEngine) Metrics() map[string]actors.Metrics {
	return map[string]actors.Metrics{"track": {Actors: 4, PacketsDropped: 9}, "call": {Actors: 1}}
}
func (e *fakeEngine) MediaLoops() []actors.MediaLoop {
	return []actors.MediaLoop{{DatagramsOut: 5}, {DatagramsOut: 6, Unsegmented: 1}}
}
func (e *fakeEngine) note(what string) error { e.done = append(e.done, what); return e.fails }

type fakeSettings struct{}

func (fakeSettings) Problems() []settings.Problem {
	return []settings.Problem{{Setting: "UDPServerPort", Value: "70", Problem: "must be between 80 and 49151", Wrong: true}}
}

func TestRequests(t *testing.T) {
	for name, c := range map[string]struct {
		user, method, path, body string
		developer                bool
		fails                    error
		code                     int
		says                     string
		does                     string
	}{
		"nobody":                 {"", "GET", "/admin/actors", "", false, nil, 401, "log in", ""},
		"somebody":               {"alice", "GET", "/admin/actors", "", false, nil, 403, "system admins", ""},
		"somebody restarts":      {"alice", "POST", "/admin/restart", `{"id":"x"}`, false, nil, 403, "system admins", ""},
		"metrics of nobody":      {"", "GET", "/metrics", "", false, nil, 401, "log in", ""},
		"the page":               {"admin", "GET", "/admin/", "", false, nil, 200, "actors.js", ""},
		"its script":             {"admin", "GET", "/admin/actors.js", "", false, nil, 200, "poll", ""},
		"its style":              {"admin", "GET", "/admin/actors.css", "", false, nil, 200, "table", ""},
		"the tree":               {"admin", "GET", "/admin/actors", "", false, nil, 200, `"version":7`, ""},
		"an older tree":          {"admin", "GET", "/admin/actors?v=6", "", false, nil, 200, `"version":7`, ""},
		"the same tree":          {"admin", "GET", "/admin/actors?v=7", "", false, nil, 304, "", ""},
		"not a version":          {"admin", "GET", "/admin/actors?v=x", "", false, nil, 400, "version", ""},
		"counts":                 {"admin", "GET", "/admin/counts", "", false, nil, 200, `"failures":3`, ""},
		"settings of somebody":   {"alice", "GET", "/admin/settings", "", false, nil, 403, "system admins", ""},
		"settings":               {"admin", "GET", "/admin/settings", "", false, nil, 200, `"setting":"UDPServerPort","value":"70","problem":"must be between 80 and 49151","wrong":true`, ""},
		"profiles of nobody":     {"", "GET", "/debug/pprof/", "", false, nil, 401, "log in", ""},
		"profiles of somebody":   {"alice", "GET", "/debug/pprof/heap", "", false, nil, 403, "system admins", ""},
		"profiles":               {"admin", "GET", "/debug/pprof/", "", false, nil, 200, "goroutine", ""},
		"goroutines":             {"admin", "GET", "/debug/pprof/goroutine?debug=1", "", false, nil, 200, "goroutine profile", ""},
		"a profile without end":  {"admin", "GET", "/debug/pprof/profile?seconds=9999", "", false, nil, 400, "between 0 and 60", ""},
		"no such profile":        {"admin", "GET", "/debug/pprof/nothing", "", false, nil, 404, "", ""},
		"profiles by POST":       {"admin", "POST", "/debug/pprof/profile", "", false, nil, 405, "", ""},
		"metrics":                {"admin", "GET", "/metrics", "", false, nil, 200, "mattermost_plugin_calls_actors{kind=\"track\"} 4\n", ""},
		"metrics of the process": {"admin", "GET", "/metrics", "", false, nil, 200, "\n# TYPE go_goroutines gauge\ngo_goroutines ", ""},
		"processor time":         {"admin", "GET", "/metrics", "", false, nil, 200, "\nprocess_cpu_seconds_total ", ""},
		"metrics of the loops":   {"admin", "GET", "/metrics", "", false, nil, 200, "mattermost_plugin_calls_media_datagrams_sent_total{loop=\"1\"} 6\n", ""},
		"restart":                {"admin", "POST", "/admin/restart", `{"id":"x"}`, false, nil, 200, "done", "restart x"},
		"end a session":          {"admin", "POST", "/admin/end-session", `{"id":"s"}`, false, nil, 200, "done", "session s"},
		"end a call":             {"admin", "POST", "/admin/end-call", `{"id":"c"}`, false, nil, 200, "done", "call c"},
		"what is not there":      {"admin", "POST", "/admin/restart", `{"id":"x"}`, false, errors.New("there is no actor"), 404, "there is no actor", "restart x"},
		"no id":                  {"admin", "POST", "/admin/restart", `{}`, false, nil, 400, "name an id", ""},
		"no JSON":                {"admin", "POST", "/admin/restart", `id=x`, false, nil, 400, "JSON", ""},
		"too long":               {"admin", "POST", "/admin/restart", `{"id":"` + strings.Repeat("x", maxBody) + `"}`, false, nil, 400, "JSON", ""},
		"a GET changes nothing":  {"admin", "GET", "/admin/restart", "", false, nil, 405, "", ""},
		"fault in production":    {"admin", "POST", "/admin/fault", `{"id":"x","fault":{"do":"panic"}}`, false, nil, 403, "developer mode", ""},
		"fault":                  {"admin", "POST", "/admin/fault", `{"id":"x","fault":{"do":"panic"}}`, true, nil, 200, "done", "inject panic x"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &fakeEngine{fails: c.fails}
			h := New(fakeHost{c.developer}, e, fakeSettings{}, slog.New(slog.DiscardHandler))
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			r.Header.Set("Mattermost-User-Id", c.user)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body, _ := io.ReadAll(w.Body)
			assert.Equal(t, c.code, w.Code, string(body))
			assert.Contains(t, string(body), c.says)
			if c.does == "" {
				assert.Empty(t, e.done)
			} else {
				assert.Equal(t, []string{c.does}, e.done)
			}
			if w.Code == http.StatusOK && c.path == "/admin/" {
				assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
			}
		})
	}
}

func TestMetricsCarryNoIDs(t *testing.T) {
	var b strings.Builder
	write(&b, map[string]actors.Metrics{"session": {Actors: 1}}, 0)
	for _, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		assert.Regexp(t, `^mattermost_plugin_calls_[a-z_]+(\{kind="[a-z]+"\})? [0-9]+$`, line)
	}
}
