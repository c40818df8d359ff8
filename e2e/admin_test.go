package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// tree is what an admin sees of the actors.
func tree(t *testing.T) actors.Inspection {
	t.Helper()
	var in actors.Inspection
	require.NoError(t, user(t, "sysadmin").Calls(within(t, settleWithin), "/admin/actors", &in))
	return in
}

// find is the one actor of a kind that belongs to a session (or, without one, to a channel's call).
func find(t *testing.T, channel, session, kind string) actors.Actor {
	t.Helper()
	var found []actors.Actor
	for _, a := range tree(t).Actors {
		if a.Kind == kind && a.Channel == channel && (session == "" || a.Session == session) {
			found = append(found, a)
		}
	}
	require.Len(t, found, 1, "%s of %q in %s", kind, session, channel)
	return found[0]
}

// hurt injects a panic into an actor, as an admin may in developer mode: at the next packet of a track, at the next message of any other.
func hurt(t *testing.T, a actors.Actor) {
	t.Helper()
	fault := actors.Fault{Do: "panic", Reason: t.Name()}
	if a.Kind == "track" {
		fault.On = "packet"
	}
	body := map[string]any{"id": a.ID, "fault": fault}
	require.NoError(t, user(t, "sysadmin").Do(within(t, settleWithin), http.MethodPost, "/plugins/"+wire.PluginID+"/admin/fault", body, nil))
}

func TestAdminPagesAreForAdmins(t *testing.T) {
	r := host(t)
	for _, path := range []string{"/admin/", "/admin/actors", "/admin/counts", "/metrics"} {
		err := mattermost.Anonymous(r.URL).Calls(within(t, settleWithin), path, nil)
		assert.Equal(t, http.StatusUnauthorized, mattermost.Code(err), path)
		err = user(t, "alice").Calls(within(t, settleWithin), path, nil)
		assert.Equal(t, http.StatusForbidden, mattermost.Code(err), path)
		assert.NoError(t, user(t, "sysadmin").Calls(within(t, settleWithin), path, nil), path)
	}
	eventually(t, settleWithin, func() string { // the call of the test before may still be coming to its end
		err := user(t, "sysadmin").Calls(within(t, settleWithin), fmt.Sprint("/admin/actors?v=", tree(t).Version), nil)
		if code := mattermost.Code(err); code != http.StatusNotModified {
			return fmt.Sprintf("nothing has changed since, and the answer is %d", code)
		}
		return ""
	})
}

// TestFaultsAreSeenAndCostNobodyElse breaks a track and a session of a call of ten on the real server, and watches it as an admin would.
func TestFaultsAreSeenAndCostNobodyElse(t *testing.T) {
	channel, before := room(t), dropped(t)
	calls := make([]*mattermost.Call, 10)
	for i := range calls {
		calls[i] = join(t, everybody[i%len(everybody)], channel, client.Config{ID: uint32(i + 1)})
	}
	for _, call := range calls {
		require.NoError(t, call.Unmute(within(t, settleWithin), client.Voice{}))
	}
	heard := func(n uint64) {
		var had [10][10]uint64
		eachPair(calls, func(from, to int) { had[from][to] = calls[to].Received(uint32(from+1), client.Audio).Counts.Received })
		eachPair(calls, func(from, to int) {
			eventually(t, settleWithin, func() string {
				return fewer(fmt.Sprintf("packets of %d at %d", from+1, to+1), calls[to].Received(uint32(from+1), client.Audio).Counts.Received, had[from][to]+n)
			})
		})
	}
	heard(20)
	for _, victim := range []struct {
		kind    string
		session string
	}{{"track", sessionOf(calls[3])}, {"session", sessionOf(calls[6])}} {
		hurt(t, find(t, channel, victim.session, victim.kind))
		eventually(t, settleWithin, func() string {
			return fewer("restarts of the "+victim.kind, find(t, channel, victim.session, victim.kind).Restarts, 1)
		})
		heard(20)
	}
	last := find(t, channel, sessionOf(calls[3]), "track").Last
	require.NotNil(t, last)
	assert.Contains(t, last.Reason, t.Name())
	picture(t)
	for _, call := range calls {
		call.Pause(client.Audio)
	}
	eachPair(calls, func(from, to int) {
		if from == 3 {
			requireLostOnly(t, calls[from], calls[to], uint32(from+1), 1+forgiven(t, before))
			return
		}
		requireAllHeard(t, calls[from], calls[to], uint32(from+1), client.Audio, before)
	})
	for i, call := range calls {
		assert.NoError(t, call.Err(), "client %d", i+1)
	}
}

// picture has a browser take the picture of the admin page for the README, when asked for by CALLS_ADMIN_PICTURE.
func picture(t *testing.T) {
	t.Helper()
	file := os.Getenv("CALLS_ADMIN_PICTURE")
	if file == "" {
		return
	}
	out, err := exec.Command("node", "browser/admin-picture.mjs", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// setSupervision changes settings of the plugin through the host's own configuration API, as the System Console does.
func setSupervision(t *testing.T, values map[string]any) {
	t.Helper()
	admin := user(t, "sysadmin")
	var cfg map[string]any
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodGet, "/api/v4/config", nil, &cfg))
	plugins := cfg["PluginSettings"].(map[string]any)["Plugins"].(map[string]any)
	settings, _ := plugins[wire.PluginID].(map[string]any)
	if settings == nil {
		settings = map[string]any{}
	}
	for k, v := range values {
		settings[strings.ToLower(k)] = v
	}
	plugins[wire.PluginID] = settings
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPut, "/api/v4/config", cfg, nil))
}

// TestLimitsChangeInTheMiddleOfACall: with no restart allowed, the next failure of a track climbs to its session at once; nothing is restarted for the change itself.
func TestLimitsChangeInTheMiddleOfACall(t *testing.T) {
	channel, drops := room(t), dropped(t)
	alice, bob := join(t, "alice", channel, client.Config{ID: 1}), join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	require.NoError(t, bob.Unmute(within(t, settleWithin), client.Voice{}))
	heard := func(at *mattermost.Call, from uint32, n uint64) {
		had := at.Received(from, client.Audio).Counts.Received
		eventually(t, settleWithin, func() string { return fewer("packets", at.Received(from, client.Audio).Counts.Received, had+n) })
	}
	heard(bob, 1, 20)
	before := find(t, channel, sessionOf(alice), "session")
	hurt(t, find(t, channel, sessionOf(alice), "track"))
	eventually(t, settleWithin, func() string {
		return fewer("restarts of the track", find(t, channel, sessionOf(alice), "track").Restarts, 1)
	})
	assert.Zero(t, find(t, channel, sessionOf(alice), "session").Restarts, "by the limits of before, the track alone is restarted")

	t.Cleanup(func() { setSupervision(t, map[string]any{"SupervisorTrackMaxRestarts": 5}) })
	setSupervision(t, map[string]any{"SupervisorTrackMaxRestarts": 0})
	eventually(t, settleWithin, func() string {
		if got := find(t, channel, sessionOf(alice), "track").MaxRestarts; got != 0 {
			return fmt.Sprintf("the track may still be restarted %d times", got)
		}
		return ""
	})
	session := find(t, channel, sessionOf(alice), "session")
	assert.Equal(t, before.BornAt, session.BornAt, "nothing was restarted for the change")
	assert.Zero(t, session.Restarts)

	hurt(t, find(t, channel, sessionOf(alice), "track"))
	eventually(t, settleWithin, func() string {
		return fewer("restarts of the session", find(t, channel, sessionOf(alice), "session").Restarts, 1)
	})
	heard(bob, 1, 50)
	heard(alice, 2, 50)
	for _, c := range []*mattermost.Call{alice, bob} {
		c.Pause(client.Audio)
	}
	requireLostOnly(t, alice, bob, 1, 2+forgiven(t, drops))
	requireAllHeard(t, bob, alice, 2, client.Audio, drops)
	assert.NoError(t, alice.Err())
}

// requireLostOnly demands that of a stream whose track failed on packets, nothing but those is missing.
func requireLostOnly(t *testing.T, from, to *mattermost.Call, origin uint32, poison uint64) {
	t.Helper()
	last := from.Sent(client.Audio) - 1
	eventually(t, settleWithin, func() string {
		return fewer(fmt.Sprintf("is the last packet of %d that came", origin), to.Received(origin, client.Audio).Counts.Last+poison, last)
	})
	o := to.Received(origin, client.Audio)
	assert.LessOrEqual(t, o.Counts.Lost(), poison, "of %d, nothing but the packets that its track failed on is lost", origin)
	assert.Zero(t, o.Counts.Repeated+o.Counts.Late)
	assert.Zero(t, o.Switches, "%d was moved to another stream", origin)
}

// sessionOf is the id of a client's session: that of the socket that joined.
func sessionOf(c *mattermost.Call) string { return c.Socket.ConnID }
