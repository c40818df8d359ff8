// Package e2e proves what people do with calls against a real server with the real plugin, over the network, as a client that is none of ours would.
package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/bench/machine"
	"calls/wire"
)

const (
	// joinWithin is how long a join may take here. The phones that people have hang up after a few seconds: TestAllGenerationsInOneCall does as they do.
	joinWithin = settleWithin
	// settleWithin is how long an event or the last packets may take. It is generous because the machine may be busy with other tests.
	settleWithin = time.Minute
	// tries is how often something is done again that took too long: a busy machine misses a moment, a slow server misses every one.
	tries = 3
	// talkFor is how long people talk in the tests of loss.
	talkFor = 10 * time.Second
)

// record is the file in which the runner describes its host.
type record struct {
	URL       string `json:"url"`
	MediaAddr string `json:"mediaAddr"`
	Server    string `json:"server"` // Mattermost's version
	Plugin    string `json:"plugin"`
	Users     map[string]struct {
		ID       string `json:"id"`
		Password string `json:"password"`
	} `json:"users"`
	Team     struct{ ID string } `json:"team"`
	Channels struct {
		Public, Private, Direct, Group struct{ ID string }
	} `json:"channels"`
	Postgres string                             `json:"postgres"`
	Push     string                             `json:"push"`
	PIDs     struct{ Mattermost, Postgres int } `json:"pids"`
}

func readRecord() (record, error) {
	var r record
	text, err := os.ReadFile(os.Getenv("CALLS_HOST_JSON"))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

var loadRecord = sync.OnceValues(readRecord)

// host is the running host. Without one the test is skipped, except in CI, where nothing may be skipped.
func host(t *testing.T) record {
	t.Helper()
	if os.Getenv("CALLS_HOST_JSON") == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("CALLS_HOST_JSON is not set: there is no host to test against")
		}
		t.Skip("needs a running host: use `make e2e`, or set CALLS_HOST_JSON to the host.json of `make run`")
	}
	r, err := loadRecord()
	require.NoError(t, err)
	return r
}

// serverPID is the server's process as it is now: a server that was killed is another one afterwards.
func serverPID(t *testing.T) int {
	t.Helper()
	r, err := readRecord()
	require.NoError(t, err)
	return r.PIDs.Mattermost
}

var logins sync.Map // name → func() (*mattermost.API, error)

// user is a seeded user, logged in once for all tests.
func user(t *testing.T, name string) *mattermost.API {
	t.Helper()
	r := host(t)
	seeded, ok := r.Users[name]
	require.True(t, ok, "the host has no user %s", name)
	login, _ := logins.LoadOrStore(name, sync.OnceValues(func() (*mattermost.API, error) {
		ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
		defer cancel()
		api, err := mattermost.Login(ctx, r.URL, name, seeded.Password)
		if err == nil {
			api.Waits = true // all tests ask out of the same person's budget
		}
		return api, err
	}))
	api, err := login.(func() (*mattermost.API, error))()
	require.NoError(t, err)
	return api
}

var everybody = []string{"sysadmin", "alice", "bob", "carol", "dave"}

// room is a new public channel with everybody in it, so that tests do not meet in one call.
func room(t *testing.T) string {
	t.Helper()
	r, admin := host(t), user(t, "sysadmin")
	name := "e2e-" + strings.ToLower(rand.Text()[:12])
	var channel struct{ ID string }
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels",
		map[string]string{"team_id": r.Team.ID, "name": name, "display_name": t.Name(), "type": "O"}, &channel))
	for _, name := range everybody[1:] {
		require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels/"+channel.ID+"/members",
			map[string]string{"user_id": r.Users[name].ID}, nil))
	}
	return channel.ID
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d) // not t.Context: cleanups need time, too
	t.Cleanup(cancel)
	return ctx
}

// join brings a user into a channel's call and waits until media can flow.
func join(t *testing.T, name, channel string, cfg client.Config) *mattermost.Call {
	t.Helper()
	api, ctx := user(t, name), within(t, joinWithin)
	call, err := api.Join(ctx, wire.Join{ChannelID: channel}, cfg)
	require.NoError(t, err, "%s joins", name)
	t.Cleanup(call.Drop)
	require.NoError(t, call.WaitConnected(ctx), "%s connects", name)
	return call
}

// eventually polls until unmet returns nothing, and fails with the last thing that it returned.
func eventually(t *testing.T, d time.Duration, unmet func() string) {
	t.Helper()
	deadline, tick := time.After(d), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for last := unmet(); last != ""; last = unmet() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "still: "+last)
		}
	}
}

func fewer[N int | uint64](what string, got, want N) string {
	if got >= want {
		return ""
	}
	return fmt.Sprintf("%d %s, not yet %d", got, what, want)
}

// busy is the streams on which packets came.
func busy(c *mattermost.Call) []client.Stream {
	var list []client.Stream
	for _, s := range c.Streams() {
		if s.Packets > 0 {
			list = append(list, s)
		}
	}
	return list
}

// dropped is how many datagrams the kernel has thrown away so far at the plugin's socket and at those of the clients that are there, because whoever reads them had no
// time.
func dropped(t *testing.T) uint64 {
	t.Helper()
	at, err := netip.ParseAddrPort(host(t).MediaAddr)
	require.NoError(t, err)
	return machine.DroppedHere(at.Port())
}

// forgiven is how many packets of a stream its listener may have lost since by no fault of the server.
func forgiven(t *testing.T, before uint64) uint64 {
	t.Helper()
	return max(dropped(t), before) - before
}
