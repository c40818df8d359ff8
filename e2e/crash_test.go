package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// backWithin is how long the host may take to notice a dead plugin (every 30 s it looks) and to start it again, on a busy machine.
const backWithin = 2 * time.Minute

// pluginProcess is the process of the plugin: a child of the host's server that runs our executable.
func pluginProcess(t *testing.T) int {
	t.Helper()
	host(t) // there must be one
	server := serverPID(t)
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range entries {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if parent, _ := strconv.Atoi(fields[1]); parent != server {
			continue
		}
		if exe, _ := os.Readlink(filepath.Join(filepath.Dir(path), "exe")); strings.Contains(exe, wire.PluginID) {
			return pid
		}
	}
	t.Fatal("the plugin's process was not found")
	return 0
}

// requireClosed demands that the post of a call says that it has ended.
func requireClosed(t *testing.T, post string) {
	t.Helper()
	var closed struct {
		Message string
		Props   map[string]any
	}
	require.NoError(t, user(t, "bob").Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+post, nil, &closed))
	require.Equal(t, "Call ended", closed.Message)
	require.NotNil(t, closed.Props["end_at"])
}

// TestTheWholePluginCrashes kills the plugin in the middle of a call. The host starts it again; the old call's post is closed, everybody is told, and the channel
// takes a new call. The host gives a plugin up at its third crash in an hour, so that there is one such test.
func TestTheWholePluginCrashes(t *testing.T) {
	channel := room(t)
	alice, bob := join(t, "alice", channel, client.Config{ID: 1}), join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	start := data(t, await(t, alice, "call_start"))
	post := start["post_id"].(string)
	eventually(t, settleWithin, func() string { return fewer("packets", bob.Received(1, client.Audio).Counts.Received, 20) })

	require.NoError(t, syscall.Kill(pluginProcess(t), syscall.SIGKILL))
	end, err := bob.Socket.Await(within(t, backWithin), "call_end", func(e mattermost.Event) bool { return e.Name == "call_end" && e.ChannelID == channel })
	require.NoError(t, err)
	var told map[string]any
	require.NoError(t, json.Unmarshal(end.Data, &told))
	assert.Equal(t, "crashed", told["reason"])

	requireClosed(t, post)

	alice.Drop()
	bob.Drop()
	alice, bob = join(t, "alice", channel, client.Config{ID: 3}), join(t, "bob", channel, client.Config{ID: 4})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	eventually(t, settleWithin, func() string {
		return fewer(fmt.Sprintf("packets of alice in the new call (%v)", bob.Err()), bob.Received(3, client.Audio).Counts.Received, 50)
	})
	again := data(t, await(t, alice, "call_start"))
	assert.NotEqual(t, start["id"], again["id"])
}

// restartWithin is how long a server may take to be up again after it was killed.
const restartWithin = 3 * time.Minute

// TestTheServerIsKilled kills the server itself, and its plugin with nobody to tell it. The next server finds the call in the records: no ghost of it can be seen or
// joined, its post is closed, and the channel takes a new call.
func TestTheServerIsKilled(t *testing.T) {
	channel := room(t)
	alice, bob := join(t, "alice", channel, client.Config{ID: 1}), join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	start := data(t, await(t, alice, "call_start"))
	post := start["post_id"].(string)
	eventually(t, settleWithin, func() string { return fewer("packets", bob.Received(1, client.Audio).Counts.Received, 20) })
	require.NotNil(t, stored(t, channel)["call"], "or there would be nothing to clear up")

	server, plugin := serverPID(t), pluginProcess(t)
	require.NoError(t, syscall.Kill(server, syscall.SIGKILL))
	eventually(t, restartWithin, func() string {
		if serverPID(t) == server {
			return "the server is not up again" // the runner writes its record when the plugin runs, too
		}
		return ""
	})
	assert.NotEqual(t, plugin, pluginProcess(t), "a plugin of the new server's own")
	_, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(plugin), "exe")) // one that has ended has none, whether anybody has fetched it or not
	require.ErrorIs(t, err, os.ErrNotExist, "or the new one could not have the ports")

	var seen wire.Channel
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/"+channel, &seen))
	assert.Nil(t, seen.Call, "a ghost")
	requireClosed(t, post)

	alice.Drop()
	bob.Drop()
	watcher := watch(t, "carol")
	alice, bob = join(t, "alice", channel, client.Config{ID: 3}), join(t, "bob", channel, client.Config{ID: 4})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	eventually(t, settleWithin, func() string {
		return fewer(fmt.Sprintf("packets of alice in the new call (%v)", bob.Err()), bob.Received(3, client.Audio).Counts.Received, 50)
	})
	again := data(t, await(t, alice, "call_start"))
	assert.NotEqual(t, start["id"], again["id"])
	awaitSession(t, watcher, "user_joined", bob)
}
