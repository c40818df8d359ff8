package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls"
	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/admin"
	"calls/plugin/config"
	"calls/plugin/notify"
	"calls/plugin/store"
	"calls/wire"
)

const (
	chanID = "chan0000000000000000000001"
	postID = "post0000000000000000000001"
	userA  = "usera000000000000000000001"
	connA  = "conna000000000000000000001"
)

// host is the part of the host's API that the plugin uses; anything else it calls panics.
type host struct {
	plugin.API

	mu         sync.Mutex
	version    string
	settings   string
	kv         map[string][]byte
	posts      map[string]*model.Post
	down       bool
	archivedAt int64
	lines      chan string
	told       []string
	messages   []string // that admins got
}

func newHost() *host {
	return &host{version: "10.3.0", settings: `{"udpserverport":8443}`, kv: map[string][]byte{}, posts: map[string]*model.Post{}, lines: make(chan string, 100)}
}

func (h *host) fault() *model.AppError {
	if h.down {
		return model.NewAppError("host", "down", nil, "", http.StatusInternalServerError)
	}
	return nil
}

func (h *host) PublishWebSocketEvent(name string, payload map[string]any, _ *model.WebsocketBroadcast) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, fmt.Sprint(name, " ", payload["reason"]))
}

func (h *host) GetServerVersion() string { return h.version }

func (h *host) HasPermissionTo(user string, _ *model.Permission) bool { return user == "admin" }

func (h *host) set(change func()) { h.mu.Lock(); defer h.mu.Unlock(); change() }

func (h *host) LoadPluginConfiguration(to any) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.settings == "" {
		return errors.New("no settings")
	}
	return json.Unmarshal([]byte(h.settings), to)
}
func (h *host) KVGet(k string) ([]byte, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kv[k], h.fault()
}
func (h *host) KVList(page, _ int) (keys []string, err *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for k := range h.kv {
		keys = append(keys, k)
	}
	return keys, h.fault()
}
func (h *host) KVSetWithOptions(k string, v []byte, o model.PluginKVSetOptions) (bool, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if string(h.kv[k]) != string(o.OldValue) {
		return false, nil
	}
	if h.kv[k] = v; v == nil {
		delete(h.kv, k)
	}
	return true, h.fault()
}
func (h *host) GetPost(id string) (*model.Post, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.posts[id] == nil {
		return nil, model.NewAppError("host", "none", nil, "", http.StatusNotFound)
	}
	return h.posts[id].Clone(), h.fault()
}
func (h *host) UpdatePost(p *model.Post) (*model.Post, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.archivedAt != 0 {
		return nil, model.NewAppError("host", "archived", nil, "", http.StatusBadRequest)
	}
	h.posts[p.Id] = p
	return p, h.fault()
}
func (h *host) GetBots(*model.BotGetOptions) ([]*model.Bot, *model.AppError) { return nil, nil }
func (h *host) CreateBot(b *model.Bot) (*model.Bot, *model.AppError) {
	return &model.Bot{UserId: "bot", Username: b.Username}, nil
}
func (h *host) GetUsers(*model.UserGetOptions) ([]*model.User, *model.AppError) {
	return []*model.User{{Id: "admin", Username: "admin"}}, nil
}
func (h *host) GetDirectChannel(a, b string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: a + "-" + b}, nil
}
func (h *host) CreatePost(p *model.Post) (*model.Post, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = append(h.messages, p.ChannelId+": "+p.Message)
	return &model.Post{Id: postID}, nil
}
func (h *host) UploadFile(data []byte, _, name string) (*model.FileInfo, *model.AppError) {
	return &model.FileInfo{Id: name, Size: int64(len(data))}, nil
}

// hears waits until admins got so many messages, and gives the last.
func (h *host) hears(t *testing.T, n int) (last string) {
	t.Helper()
	require.Eventually(t, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.messages) == n && n > 0 {
			last = h.messages[n-1]
		}
		return len(h.messages) == n
	}, 10*time.Second, 5*time.Millisecond)
	return last
}
func (h *host) HasPermissionToChannel(string, string, *model.Permission) bool {
	panic("the host's answer made no sense")
}
func (h *host) GetConfig() *model.Config               { return &model.Config{} }
func (h *host) RegisterCommand(c *model.Command) error { return nil }
func (h *host) GetUser(id string) (*model.User, *model.AppError) {
	return &model.User{Id: id, Username: "someone"}, nil
}
func (h *host) GetChannel(id string) (*model.Channel, *model.AppError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &model.Channel{Id: id, DeleteAt: h.archivedAt}, h.fault()
}
func (h *host) archived(ch call.ChannelID) (bool, error) {
	c, appErr := h.GetChannel(string(ch))
	if appErr != nil {
		return false, appErr
	}
	return c.DeleteAt != 0, nil
}
func (h *host) LogDebug(string, ...any)        {}
func (h *host) LogInfo(msg string, kv ...any)  { h.lines <- fmt.Sprint(msg, " ", kv) }
func (h *host) LogWarn(msg string, kv ...any)  { h.lines <- fmt.Sprint(msg, " ", kv) }
func (h *host) LogError(msg string, kv ...any) { h.lines <- fmt.Sprint(msg, " ", kv) }

// says waits for a line in the log.
func (h *host) says(t *testing.T, want string) {
	t.Helper()
	var seen []string
	for {
		select {
		case l := <-h.lines:
			if seen = append(seen, l); strings.Contains(l, want) {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("nobody logged %q, but %q", want, seen)
		}
	}
}

// fakeEngine notes what it is asked.
type fakeEngine struct {
	admin.Engine // of which only InspectVersion is asked
	cfg          actors.Config
	ports        actors.Ports
	refuse       error

	views []call.View

	mu     sync.Mutex
	got    []string
	closed bool
	panics bool
}

func (e *fakeEngine) InspectVersion() uint64 { return 7 }

func (e *fakeEngine) note(s string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.panics {
		panic("a bug")
	}
	e.got = append(e.got, s)
}
func (e *fakeEngine) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	got := e.got
	e.got = nil
	return got
}
func (e *fakeEngine) Enter(v actors.Visitor, m wire.Join) {
	e.note(fmt.Sprint("join ", v.Conn, " ", v.User, " ", m.ChannelID))
}
func (e *fakeEngine) Return(v actors.Visitor, m wire.Reconnect) {
	e.note(fmt.Sprint("back ", v.Conn, " ", m.OriginalConnID))
}
func (e *fakeEngine) Remove(ch call.ChannelID, u session.UserID, r session.EndReason) {
	e.note(fmt.Sprint("remove ", u, " from ", ch, " ", r))
}
func (e *fakeEngine) Recheck(u session.UserID) { e.note(fmt.Sprint("recheck ", u)) }
func (e *fakeEngine) Host(ch call.ChannelID, act call.Host) {
	e.note(fmt.Sprint("host ", ch, " ", act.Act))
}
func (e *fakeEngine) Signal(_ session.ConnID, _ session.UserID, m wire.Message) {
	e.note(fmt.Sprintf("%T", m))
}
func (e *fakeEngine) Connected(c session.ConnID, u session.UserID) {
	e.note(fmt.Sprint("connected ", c, " ", u))
}
func (e *fakeEngine) Disconnected(c session.ConnID, u session.UserID) {
	e.note(fmt.Sprint("disconnected ", c, " ", u))
}
func (e *fakeEngine) Expel(session.ConnID, session.UserID, session.EndReason) {}
func (e *fakeEngine) Call(call.ChannelID) (call.View, bool)                   { return call.View{}, false }
func (e *fakeEngine) Calls() []call.View                                      { return e.views }
func (e *fakeEngine) End(call.ChannelID, session.EndReason)                   {}
func (e *fakeEngine) Configure(c actors.Config) error                         { e.cfg = c; return nil }
func (e *fakeEngine) Close(context.Context) error                             { e.closed = true; return nil }

// activate starts a plugin on a host, with a fake engine.
func activate(t *testing.T, h plugin.API) (*Plugin, *fakeEngine) {
	t.Helper()
	p, e := newPlugin(), &fakeEngine{}
	p.getenv = func(string) string { return "" }
	p.newEngine = func(c actors.Config, ports actors.Ports) (engine, error) {
		e.cfg, e.ports = c, ports
		return e, e.refuse
	}
	p.SetAPI(h)
	require.NoError(t, p.OnConfigurationChange())
	require.NoError(t, p.OnActivate())
	t.Cleanup(func() { _ = p.OnDeactivate() })
	return p, e
}

func get(p *Plugin, user, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	if user != "" {
		r.Header.Set("Mattermost-User-Id", user)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(nil, w, r)
	return w
}

func TestPluginIsSmall(t *testing.T) {
	own := reflect.TypeFor[*Plugin]().NumMethod() - reflect.TypeFor[*plugin.MattermostPlugin]().NumMethod()
	assert.Equal(t, 12, own, "hooks: what is more belongs into a package of its own")
}

func TestHooksReachTheEngine(t *testing.T) {
	p, e := activate(t, newHost())
	p.OnWebSocketConnect(connA, userA)
	p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Action: wire.Prefix + "join", Data: map[string]any{"channelID": chanID}})
	p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Action: wire.Prefix + "mute"})
	p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Action: "ping"})
	p.WebSocketMessageHasBeenPosted(connA, userA, nil)
	p.OnWebSocketDisconnect(connA, userA)
	assert.Equal(t, []string{"connected " + connA + " " + userA, "join " + connA + " " + userA + " " + chanID, "wire.Mute", "disconnected " + connA + " " + userA}, e.take())

	w := get(p, "", "/version")
	assert.Equal(t, http.StatusOK, w.Code)
	var v wire.Version
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &v))
	assert.Equal(t, calls.ClientVersion(), v.Version)
	assert.NotEmpty(t, v.Build)
}

func TestWhoLeavesTheChannelOrTeamIsOut(t *testing.T) {
	p, e := activate(t, newHost())
	p.UserHasLeftChannel(nil, &model.ChannelMember{ChannelId: chanID, UserId: userA}, nil)
	p.UserHasLeftTeam(nil, &model.TeamMember{TeamId: "team", UserId: userA}, nil)
	p.UserHasLeftChannel(nil, nil, nil)
	p.UserHasLeftTeam(nil, nil, nil)
	assert.Equal(t, []string{"remove " + userA + " from " + chanID + " removed_from_channel", "recheck " + userA}, e.take())
}

func TestSwitchedOffByTheEnvironment(t *testing.T) {
	p := newPlugin()
	p.getenv = func(k string) string { return map[string]string{"MM_CALLS_DISABLE": "true"}[k] }
	p.SetAPI(newHost())
	assert.ErrorContains(t, p.OnActivate(), "MM_CALLS_DISABLE")
}

func TestPortsAreFilled(t *testing.T) {
	_, e := activate(t, newHost())
	v := reflect.ValueOf(e.ports)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "Clock" { // the machine's
			assert.False(t, v.Field(i).IsNil(), name)
		}
	}
}

func TestAPanicInAHookGoesNoFurther(t *testing.T) {
	h := newHost()
	p, e := activate(t, h)
	e.panics = true
	p.OnWebSocketConnect(connA, userA)
	p.OnWebSocketDisconnect(connA, userA)
	p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Action: wire.Prefix + "mute"})
	h.says(t, "OnWebSocketConnect: a bug")
	h.says(t, "WebSocketMessageHasBeenPosted: a bug")
	w := get(p, userA, "/"+chanID)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "sense")
	h.says(t, "the host's answer made no sense")
	e.panics = false
	assert.Equal(t, http.StatusOK, get(p, userA, "/config").Code)

	p.newEngine = func(actors.Config, actors.Ports) (engine, error) { panic("a bug") }
	require.NoError(t, p.OnDeactivate())
	assert.ErrorContains(t, p.OnActivate(), "see the log")
}

func TestWithoutAnEngine(t *testing.T) {
	h := newHost()
	p := newPlugin()
	assert.Equal(t, http.StatusServiceUnavailable, get(p, userA, "/config").Code)
	p.OnWebSocketConnect(connA, userA)
	p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Action: wire.Prefix + "mute"})
	require.NoError(t, p.OnDeactivate())

	p.SetAPI(h)
	p.newEngine = func(actors.Config, actors.Ports) (engine, error) { return nil, errors.New("address already in use") }
	assert.EqualError(t, p.OnActivate(), "calls cannot start: address already in use")
	assert.Nil(t, p.running.Load())
}

func TestDeactivationClosesTheEngine(t *testing.T) {
	p, e := activate(t, newHost())
	require.NoError(t, p.OnDeactivate())
	assert.True(t, e.closed)
	p.OnWebSocketConnect(connA, userA)
	assert.Empty(t, e.take())
	require.NoError(t, p.OnDeactivate(), "twice does no harm")
}

func TestNewSettings(t *testing.T) {
	h := newHost()
	h.settings = `{"udpserverport":9000,"maxcallparticipants":5,"allowscreensharing":false,"udpserveraddress":"127.0.0.1"}`
	p, e := activate(t, h)
	want := actors.Config{Listen: netip.MustParseAddrPort("127.0.0.1:9000"), ListenTCP: netip.MustParseAddrPort("127.0.0.1:8443"), Advertise: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, MaxParticipants: 5, NoScreens: true, Supervision: actors.DefaultSupervision()}
	assert.Equal(t, want, e.cfg)

	h.set(func() {
		h.settings = `{"udpserverport":70,"maxcallparticipants":6,"allowscreensharing":false,"udpserveraddress":"127.0.0.1"}`
	})
	require.NoError(t, p.OnConfigurationChange())
	h.says(t, "UDPServerPort is 70: must be between 80 and 49151")
	want.MaxParticipants = 6
	assert.Equal(t, want, e.cfg, "the last good port stays")

	h.set(func() { h.settings = "" })
	require.NoError(t, p.OnConfigurationChange())
	h.says(t, "the last ones stay")
	assert.Equal(t, want, e.cfg)

	h.set(func() { h.settings = `{}` })
	require.NoError(t, p.OnConfigurationChange())
	h.says(t, "counts from the next start")
	assert.Equal(t, actors.Config{Listen: netip.MustParseAddrPort("0.0.0.0:8443"), ListenTCP: netip.MustParseAddrPort("0.0.0.0:8443"), Supervision: actors.DefaultSupervision()}, e.cfg)
}

func TestAdvertised(t *testing.T) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	names := map[string][]netip.Addr{"calls.example.com": {netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("192.0.2.2")}}
	lookup := func(_ context.Context, network, name string) ([]netip.Addr, error) {
		require.Equal(t, "ip4", network)
		if a := names[name]; a != nil {
			return a, nil
		}
		return nil, errors.New("no such host")
	}
	for override, want := range map[string][]netip.Addr{
		"":                    nil,
		"192.0.2.9":           {netip.MustParseAddr("192.0.2.9")},
		"calls.example.com":   {netip.MustParseAddr("192.0.2.1")},
		"nowhere.example.com": nil,
		"192.0.2.9 nowhere.example.com calls.example.com 192.0.2.1": {netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1")},
	} {
		assert.Equal(t, want, advertised(config.Config{ICEHostOverride: strings.Fields(override)}, lookup, quiet), override)
	}
}

// cutOff is what a crash during a call leaves behind.
func (h *host) cutOff() {
	h.kv[chanID] = []byte(`{"schema":1,"epoch":5,"enabled":false,"call":{"id":"one","create_at":500,"post_id":"` + postID + `","thread_id":"` + postID + `","participants":["` + userA + `"]}}`)
	h.posts[postID] = &model.Post{Id: postID, Type: notify.PostType, Message: "alice started a call", Props: model.StringInterface{"start_at": 500}}
}

func TestACallThatWasCutOffIsClosed(t *testing.T) {
	h := newHost()
	h.cutOff()
	activate(t, h)
	assert.Equal(t, "Call ended", h.posts[postID].Message)
	assert.Contains(t, h.posts[postID].Props, "end_at")
	assert.JSONEq(t, `{"schema":1,"epoch":5,"enabled":false}`, string(h.kv[chanID]), "the channel's choice stays")
}

func TestRepairWaitsForTheHost(t *testing.T) {
	h := newHost()
	h.cutOff()
	h.down = true
	p, _ := activate(t, h)
	for range 2 { // at the start, and from then on behind the plugin's back
		h.says(t, "cannot be read, trying again")
	}
	assert.Equal(t, http.StatusOK, get(p, "", "/version").Code, "meanwhile the plugin runs")
	require.NoError(t, p.OnDeactivate()) // from here on it is done by hand

	records := store.New(h, p.log.Load())
	r := &repair{store: records, posts: notify.NewPosts(h, records, p.log.Load()), events: notify.NewEvents(h), archived: h.archived, log: p.log.Load()}
	assert.False(t, r.try())
	h.set(func() { h.down = false })
	assert.True(t, r.try())
	assert.Equal(t, "Call ended", h.posts[postID].Message)
	assert.Equal(t, []string{"call_end crashed"}, h.told, "who still sits in the call learns that it is over")
}

func TestAPostInAnArchivedChannelIsClosedWhenTheChannelIsBack(t *testing.T) {
	h, log := newHost(), slog.New(slog.DiscardHandler)
	h.cutOff()
	h.archivedAt = 1
	records := store.New(h, log)
	r := &repair{store: records, posts: notify.NewPosts(h, records, log), events: notify.NewEvents(h), archived: h.archived, log: log}
	assert.True(t, r.try())
	assert.NotContains(t, string(h.kv[chanID]), "one", "the record is free for the next call")
	r.settle()
	assert.NotContains(t, h.posts[postID].Props, "end_at", "the host would not have it")
	debts, err := records.Debts()
	require.NoError(t, err)
	require.Len(t, debts, 1)

	h.set(func() { h.archivedAt = 0 })
	r.settle()
	assert.Equal(t, debts[0].EndAt.UnixMilli(), h.posts[postID].Props["end_at"], "it ended when it ended")
	debts, err = records.Debts()
	require.NoError(t, err)
	assert.Empty(t, debts)
	assert.NotContains(t, h.kv, "posts_to_close")
}

func TestForgeryAndCommandsThroughTheHooks(t *testing.T) {
	h := newHost()
	p, _ := activate(t, h)
	forged := &model.Post{Type: notify.PostType, UserId: userA, Message: "join my call"}
	_, refusal := p.MessageWillBePosted(nil, forged)
	assert.NotEmpty(t, refusal)
	_, refusal = p.MessageWillBePosted(nil, &model.Post{Message: "hello"})
	assert.Empty(t, refusal)

	plain, edited := &model.Post{Message: "hello"}, &model.Post{Message: "hello there"}
	taken, refusal := p.MessageWillBeUpdated(nil, edited, plain)
	assert.Same(t, edited, taken, "the host takes nothing for a no")
	assert.Empty(t, refusal)
	taken, refusal = p.MessageWillBeUpdated(nil, edited, forged)
	assert.Nil(t, taken)
	assert.NotEmpty(t, refusal)

	answer, appErr := p.ExecuteCommand(nil, &model.CommandArgs{UserId: userA, ChannelId: chanID, Command: "/call"})
	require.Nil(t, appErr)
	assert.Equal(t, "Error: Invalid number of arguments provided", answer.Text)

	require.NoError(t, p.OnDeactivate())
	taken, _ = p.MessageWillBeUpdated(nil, edited, plain)
	assert.Same(t, edited, taken, "a plugin that is down is in nobody's way")
}

func TestPublicAddress(t *testing.T) {
	own := func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil }
	public := netip.MustParseAddr("192.0.2.7")
	ask := func(ctx context.Context, server string) (netip.Addr, error) {
		switch server {
		case "dead:3478":
			<-ctx.Done()
			return netip.Addr{}, ctx.Err()
		case "inside:3478":
			return netip.MustParseAddr("10.0.0.1"), nil
		case "broken:3478":
			panic("a bug")
		}
		return public, nil
	}
	log := slog.New(slog.DiscardHandler)
	addrs, err := withPublic([]string{"dead:3478", "broken:3478", "good:3478"}, own, ask, log)
	assert.NoError(t, err)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.0.0.1"), public}, addrs)
	addrs, err = withPublic([]string{"inside:3478"}, own, ask, log)
	assert.NoError(t, err)
	assert.Nil(t, addrs, "what media finds by itself")
	_, err = withPublic([]string{"broken:3478"}, own, ask, log)
	assert.ErrorContains(t, err, "a bug")
	began := time.Now()
	_, err = withPublic([]string{"dead:3478"}, own, ask, log)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "a dead server")
	assert.Less(t, time.Since(began), 20*stunWindow, "it would never answer")
}

func TestAdminPagesAreForAdmins(t *testing.T) {
	p, _ := activate(t, newHost())
	for user, code := range map[string]int{"": http.StatusUnauthorized, "alice": http.StatusForbidden, "admin": http.StatusNotModified} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/admin/actors?v=7", nil)
		r.Header.Set("Mattermost-User-Id", user)
		p.ServeHTTP(nil, w, r)
		assert.Equal(t, code, w.Code, user)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(nil, w, httptest.NewRequest(http.MethodGet, "/admin", nil))
	assert.Equal(t, http.StatusFound, w.Code, "as it is typed")
	assert.Equal(t, "admin/", w.Header().Get("Location"))
}
