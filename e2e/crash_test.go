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

// backWithin is how long the host may take to notice a dead plugin (every 30 s it looks) and to start it again.
const backWithin = 60 * time.Second

// pluginProcess is the process of the plugin: a child of the host's server that runs our executable.
func pluginProcess(t *testing.T) int {
	t.Helper()
	server := host(t).PIDs.Mattermost
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

	var closed struct {
		Message string
		Props   map[string]any
	}
	require.NoError(t, user(t, "bob").Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+post, nil, &closed))
	assert.Equal(t, "Call ended", closed.Message)
	assert.NotNil(t, closed.Props["end_at"])

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
