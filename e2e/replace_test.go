package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	_ "github.com/lib/pq" // the host's database, to write what the upstream plugin would have left there
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
)

// Our plugin has the id of the upstream one and so takes its place and its stored state. These tests play both changes: upstream's state is written by hand as
// plugin 0.7 stored it, one JSON object for each channel under the channel's id.

const pluginID = "com.mattermost.calls"

// upstream is what upstream's plugin reads and writes of a channel.
type upstream struct {
	NodeID  string        `json:"node_id"`
	Enabled bool          `json:"enabled"`
	Call    *upstreamCall `json:"call"`
}

type upstreamCall struct {
	ID              string                    `json:"id"`
	CreateAt        int64                     `json:"create_at"`
	EndAt           int64                     `json:"end_at"`
	Users           map[string]map[string]any `json:"users"`
	Sessions        map[string]struct{}       `json:"sessions"`
	OwnerID         string                    `json:"owner_id"`
	ThreadID        string                    `json:"thread_id"`
	ScreenSharingID string                    `json:"screen_sharing_id"`
	ScreenStreamID  string                    `json:"screen_stream_id"`
	Stats           map[string]int            `json:"stats"`
	RTCDHost        string                    `json:"rtcd_host"`
}

// kv is the plugin's stored state, reached behind the server's back. A running plugin may cache what it reads, and the server does.
type kv struct {
	t  *testing.T
	db *sql.DB
}

func openKV(t *testing.T) kv {
	t.Helper()
	host(t) // there must be one
	var r struct {
		Postgres string `json:"postgres"`
	}
	text, err := os.ReadFile(os.Getenv("CALLS_HOST_JSON"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	db, err := sql.Open("postgres", r.Postgres)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return kv{t, db}
}

func (k kv) set(key string, value any) {
	k.t.Helper()
	text, err := json.Marshal(value)
	require.NoError(k.t, err)
	_, err = k.db.ExecContext(within(k.t, settleWithin),
		"INSERT INTO pluginkeyvaluestore (pluginid, pkey, pvalue, expireat) VALUES ($1, $2, $3, 0) ON CONFLICT (pluginid, pkey) DO UPDATE SET pvalue = $3", pluginID, key, text)
	require.NoError(k.t, err)
}

// get is a channel's state as upstream's plugin would read it; nil when there is none.
func (k kv) get(key string) *upstream {
	k.t.Helper()
	var text []byte
	err := k.db.QueryRowContext(within(k.t, settleWithin), "SELECT pvalue FROM pluginkeyvaluestore WHERE pluginid = $1 AND pkey = $2", pluginID, key).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	require.NoError(k.t, err)
	var u upstream
	require.NoError(k.t, json.Unmarshal(text, &u))
	return &u
}

// switchPlugin disables or enables the plugin, as replacing it does.
func switchPlugin(t *testing.T, to string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, user(t, "sysadmin").Do(ctx, http.MethodPost, "/api/v4/plugins/"+pluginID+"/"+to, nil, nil))
	if to == "enable" {
		eventually(t, time.Minute, func() string {
			if err := user(t, "sysadmin").Calls(within(t, settleWithin), "/version", nil); err != nil {
				return err.Error()
			}
			return ""
		})
	}
}

func TestUpstreamIsReplacedInPlace(t *testing.T) {
	store, alice := openKV(t), user(t, "alice")
	on, off, called := room(t), room(t), room(t)
	start := time.Now().Add(-time.Hour).UnixMilli()

	switchPlugin(t, "disable")
	t.Cleanup(func() { switchPlugin(t, "enable") }) // also when this test fails half-way: others follow
	var post struct{ ID string }
	require.NoError(t, alice.Do(within(t, settleWithin), http.MethodPost, "/api/v4/posts", map[string]any{
		"channel_id": called, "message": "alice started a call", "type": "custom_calls", "props": map[string]any{"start_at": start},
	}, &post))
	store.set(on, upstream{Enabled: true})
	store.set(off, upstream{Enabled: false})
	store.set(called, upstream{NodeID: "node", Enabled: true, Call: &upstreamCall{
		ID: "callaaaaaaaaaaaaaaaaaaaa01", CreateAt: start, OwnerID: alice.UserID, ThreadID: post.ID, Stats: map[string]int{"participants": 2},
		Users:    map[string]map[string]any{alice.UserID: {"unmuted": true, "raised_hand": 0}},
		Sessions: map[string]struct{}{"connaaaaaaaaaaaaaaaaaaaa01": {}},
	}})
	store.set("rtcd_config", map[string]string{"client_id": "of upstream", "auth_key": "secret", "url": "ws://127.0.0.1:1"})
	switchPlugin(t, "enable")

	for channel, want := range map[string]bool{on: true, off: false, called: true} {
		var got struct{ Enabled *bool }
		require.NoError(t, alice.Calls(within(t, settleWithin), "/"+channel+"?mobilev2=true", &got))
		require.NotNil(t, got.Enabled, "the choice is kept")
		assert.Equal(t, want, *got.Enabled, "the choice is kept")
	}
	eventually(t, settleWithin, func() string {
		var p struct{ Props map[string]any }
		require.NoError(t, alice.Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+post.ID, nil, &p))
		if p.Props["end_at"] == nil {
			return "the post of upstream's call is open"
		}
		return ""
	})
	eventually(t, settleWithin, func() string {
		if s := store.get(called); s == nil || s.Call != nil {
			return fmt.Sprintf("upstream's call is still stored: %+v", s)
		}
		return ""
	})
	var state struct{ Call any }
	require.NoError(t, alice.Calls(within(t, settleWithin), "/"+called, &state))
	assert.Nil(t, state.Call, "nobody is told of a call that nobody can join")
	bob := join(t, "bob", called, client.Config{ID: 1})
	require.NoError(t, bob.Leave())
}

func TestUpstreamComesBack(t *testing.T) {
	store, admin := openKV(t), user(t, "sysadmin")
	on, off, called := room(t), room(t), room(t)
	choose := func(channel string, enabled bool) {
		require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/plugins/"+pluginID+"/"+channel, map[string]bool{"enabled": enabled}, nil))
	}
	choose(on, true)
	choose(off, false)
	choose(called, true)
	alice, bob := join(t, "alice", called, client.Config{ID: 1}), join(t, "bob", called, client.Config{ID: 2})
	started := data(t, await(t, alice, "call_start"))

	switchPlugin(t, "disable")
	t.Cleanup(func() { switchPlugin(t, "enable") })
	for name, c := range map[string]*mattermost.Call{"alice": alice, "bob": bob} {
		await(t, c, "call_end")
		t.Log(name, "was told of the end")
	}
	for channel, want := range map[string]bool{on: true, off: false, called: true} {
		s := store.get(channel)
		require.NotNil(t, s, "upstream finds the choice")
		assert.Equal(t, want, s.Enabled)
		assert.Nil(t, s.Call, "upstream finds no call that nobody holds")
	}
	var p struct{ Props map[string]any }
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodGet, fmt.Sprint("/api/v4/posts/", started["post_id"]), nil, &p))
	assert.NotNil(t, p.Props["end_at"], "the post is closed")
}
