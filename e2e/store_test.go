package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the host's database
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// awayFor is beyond every patience that a client has; the minute of the tests on a clock of their own is the same to the plugin.
const awayFor = 15 * time.Second

// database is the processes of the host's database: the first, and all that it has started.
func database(t *testing.T) (pids []int) {
	t.Helper()
	first := host(t).PIDs.Postgres
	pids = append(pids, first)
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if parent, _ := strconv.Atoi(fields[1]); parent == first {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	require.Greater(t, len(pids), 1, "the database has no process but its first")
	return pids
}

// stored is the record of a channel in the plugin's key-value store.
func stored(t *testing.T, channel string) (record fields) {
	t.Helper()
	db, err := sql.Open("postgres", host(t).Postgres)
	require.NoError(t, err)
	defer db.Close()
	var raw []byte
	err = db.QueryRowContext(within(t, settleWithin), "SELECT pvalue FROM pluginkeyvaluestore WHERE pluginid = $1 AND pkey = $2", wire.PluginID, channel).Scan(&raw)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &record))
	return record
}

// While the host's database hangs, calls go on, mutes and hands included; whoever wants to join is told that it cannot be; and the record is right soon after.
func TestTheDatabaseHangsDuringACall(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	// Carol's socket is open before, and has heard of the channel: an old host (6.6) asks its database about the memberships of a socket's user before it passes the
	// first event of a channel, and keeps everybody else's events back meanwhile.
	waiting := watch(t, "carol")
	bob := join(t, "bob", channel, client.Config{ID: 2})
	awaitSession(t, waiting, "user_joined", bob)
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	eventually(t, settleWithin, func() string { return fewer("packets heard", bob.Received(1, client.Audio).Counts.Received, 20) })

	pids := database(t)
	signal := func(s syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, s) // one that has ended meanwhile needs none
		}
	}
	t.Cleanup(func() { signal(syscall.SIGCONT) })
	signal(syscall.SIGSTOP)
	began := time.Now()

	bob.Send(wire.RaiseHand{})
	awaitWho(t, alice, "user_raise_hand", bob)
	alice.Send(wire.Mute{})
	awaitWho(t, bob, "user_muted", alice)
	alice.Send(wire.Unmute{})
	eventually(t, settleWithin, func() string {
		again := slices.DeleteFunc(names(callEvents(bob.Socket, channel)), func(name string) bool { return name != "user_unmuted" })
		return fewer("times alice is heard to unmute", len(again), 2)
	})
	require.NoError(t, bob.Share(within(t, settleWithin), client.Picture{Packets: 2, Size: 300}))
	eventually(t, settleWithin, func() string {
		return fewer("packets of the screen, for which server and clients had to negotiate", alice.Received(2, client.Screen).Counts.Received, 5)
	})
	assert.Less(t, time.Since(began), awayFor, "events and negotiations do not wait for the store")
	require.NoError(t, waiting.Send(wire.Join{ChannelID: channel}))
	e, err := waiting.Await(within(t, settleWithin), "refusal", func(e mattermost.Event) bool { return e.Name == "error" || e.Name == "join" })
	require.NoError(t, err)
	assert.Equal(t, "error", e.Name)
	assert.Contains(t, []any{"timeout", "fault"}, data(t, e)["code"])
	assert.NotEmpty(t, data(t, e)["data"])
	heard := bob.Received(1, client.Audio).Counts.Received
	eventually(t, awayFor+settleWithin, func() string {
		if time.Since(began) < awayFor {
			return "the database is away"
		}
		return fewer("packets heard meanwhile", bob.Received(1, client.Audio).Counts.Received, heard+100)
	})

	signal(syscall.SIGCONT)
	eventually(t, settleWithin, func() string { // in five seconds, which is tested on a clock that no busy machine holds up
		call, _ := stored(t, channel)["call"].(map[string]any)
		if call == nil {
			return "no call is stored"
		}
		sessions, _ := call["sessions"].(map[string]any)
		hers, _ := sessions[alice.Socket.ConnID].(map[string]any)
		his, _ := sessions[bob.Socket.ConnID].(map[string]any)
		if hand, _ := his["raised_hand"].(float64); len(sessions) != 2 || hers["unmuted"] != true || hand == 0 {
			return fmt.Sprintf("stored is %v", call)
		}
		return ""
	})
	require.NoError(t, alice.Leave())
	require.NoError(t, bob.Leave())
	eventually(t, settleWithin, func() string {
		db, err := sql.Open("postgres", host(t).Postgres)
		require.NoError(t, err)
		defer db.Close()
		var n int
		require.NoError(t, db.QueryRowContext(within(t, settleWithin), "SELECT count(*) FROM pluginkeyvaluestore WHERE pluginid = $1 AND pkey = $2", wire.PluginID, channel).Scan(&n))
		if n != 0 {
			return "a call that is over is still stored"
		}
		return ""
	})
}
