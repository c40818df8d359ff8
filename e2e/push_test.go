package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
)

// pushes is a server for push notifications, as the makers of phones run them, with what came.
type pushes struct {
	mu  sync.Mutex
	got []fields
}

func (p *pushes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var f fields
	if r.URL.Path == "/api/v1/send_push" && json.NewDecoder(r.Body).Decode(&f) == nil {
		p.mu.Lock()
		p.got = append(p.got, f)
		p.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprint(w, `{"status":"OK"}`)
}

// to is the messages that came for a phone. The host puts the platform before its id, and clears badges with messages of another type.
func (p *pushes) to(phone string) (list []fields) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.got), func(f fields) bool { return f["device_id"] != phone || f["type"] != "message" })
}

func listenForPushes(t *testing.T) *pushes {
	t.Helper()
	p := &pushes{}
	l, err := net.Listen("tcp", host(t).Push)
	require.NoError(t, err)
	s := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return p
}

// givePhone makes the login of somebody one of a phone, as the app does, and has the host tell it of everything ("all") or of what is for its user ("mention").
func givePhone(t *testing.T, who *mattermost.API, phone, about string) {
	t.Helper()
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodPut, "/api/v4/users/sessions/device", map[string]string{"device_id": "android_rn:" + phone}, nil))
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodPut, "/api/v4/users/me/patch",
		map[string]any{"notify_props": map[string]string{"push": about, "push_status": "online", "desktop": "mention", "email": "false", "channel": "true", "first_name": "false", "mention_keys": ""}}, nil))
}

// The post of a call is an ordinary one to the host, which tells phones of it by its own rules: of a direct message always, of a channel when their user wants to
// hear of everything there, and never those who are not to be disturbed.
func TestPhonesAreToldOfACall(t *testing.T) {
	served := listenForPushes(t)
	channel, caller, called := direct(t)
	phone := "phone-of-" + called.UserID
	givePhone(t, called, phone, "mention")
	var name struct{ Username string }
	require.NoError(t, caller.Do(within(t, settleWithin), http.MethodGet, "/api/v4/users/me", nil, &name))

	call := joinAs(t, caller, channel, client.Config{ID: 1})
	eventually(t, settleWithin, func() string { return fewer("push notifications", len(served.to(phone)), 1) })
	told := served.to(phone)[0]
	assert.Equal(t, channel, told["channel_id"])
	assert.Contains(t, told["message"], name.Username+" started a call")
	assert.Equal(t, data(t, await(t, call, "call_start"))["post_id"], told["post_id"], "it leads to the call")
	require.NoError(t, call.Leave())

	setStatus(t, called, "dnd")
	quiet := joinAs(t, caller, channel, client.Config{ID: 1})
	await(t, quiet, "call_start")
	require.NoError(t, quiet.Leave())
	setStatus(t, called, "online")
	last := joinAs(t, caller, channel, client.Config{ID: 1}) // what comes of it comes after what could have come of the one before
	eventually(t, settleWithin, func() string { return fewer("push notifications", len(served.to(phone)), 2) })
	assert.Len(t, served.to(phone), 2)
	assert.Equal(t, data(t, await(t, last, "call_start"))["post_id"], served.to(phone)[1]["post_id"], "none while their user was not to be disturbed")
	require.NoError(t, last.Leave())
}

// A phone whose app is closed rings by a notification that says that it is of a call. Hosts before 9.0 have none for plugins; there the post's own has to do.
func TestPhonesWithTheAppClosedRing(t *testing.T) {
	ringingOn(t)
	served := listenForPushes(t)
	channel, caller, called := direct(t)
	phone := "phone-of-" + called.UserID
	givePhone(t, called, phone, "mention")
	rings := func() (list []fields) {
		for _, f := range served.to(phone) {
			if f["sub_type"] == "calls" {
				list = append(list, f)
			}
		}
		return list
	}
	var posts []any
	for _, status := range []string{"dnd", "offline"} {
		setStatus(t, called, status)
		call := joinAs(t, caller, channel, client.Config{ID: 1})
		posts = append(posts, data(t, await(t, call, "call_start"))["post_id"])
		if status == "offline" {
			eventually(t, settleWithin, func() string { return fewer("push notifications of the post", len(served.to(phone))-len(rings()), 1) })
		}
		require.NoError(t, call.Leave())
	}
	if strings.HasPrefix(host(t).Server, "6.") {
		assert.Empty(t, rings())
		return
	}
	eventually(t, settleWithin, func() string { return fewer("rings of the phone", len(rings()), 1) })
	require.Len(t, rings(), 1, "none while its user was not to be disturbed")
	ring := rings()[0]
	assert.Equal(t, channel, ring["channel_id"])
	assert.Equal(t, posts[1], ring["post_id"])
	assert.Equal(t, caller.UserID, ring["sender_id"])
	assert.Contains(t, ring["message"], " is calling you")
}

func TestPhonesAreToldOfACallInAChannelThatTheirUserFollows(t *testing.T) {
	served := listenForPushes(t)
	channel := room(t)
	all, some := newcomer(t, channel), newcomer(t, channel)
	givePhone(t, all, "phone-of-"+all.UserID, "all")
	givePhone(t, some, "phone-of-"+some.UserID, "mention")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	eventually(t, settleWithin, func() string { return fewer("push notifications", len(served.to("phone-of-"+all.UserID)), 1) })
	assert.Contains(t, served.to("phone-of-" + all.UserID)[0]["message"], " started a call")
	require.NoError(t, alice.Leave())
	assert.Empty(t, served.to("phone-of-"+some.UserID))
}
