package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// configure changes settings of the plugin until the test ends, and waits until they are in force.
func configure(t *testing.T, values map[string]any, inForce func(c wire.ClientConfig) bool) {
	t.Helper()
	admin := user(t, "sysadmin")
	var cfg map[string]any
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodGet, "/api/v4/config", nil, &cfg))
	settings, _ := cfg["PluginSettings"].(map[string]any)["Plugins"].(map[string]any)[wire.PluginID].(map[string]any)
	before := map[string]any{}
	for key := range values {
		before[key] = settings[strings.ToLower(key)] // nil, which stands for the default, when it was not set
	}
	t.Cleanup(func() { setSupervision(t, before) })
	setSupervision(t, values)
	eventually(t, settleWithin, func() string {
		var c wire.ClientConfig
		err := patiently(t, func() error { return user(t, "sysadmin").Calls(within(t, settleWithin), "/config", &c) })
		require.NoError(t, err)
		if !inForce(c) {
			return fmt.Sprintf("the settings %v are not in force", values)
		}
		return ""
	})
}

// problems is what an admin sees of what is wrong with a setting.
func problems(t *testing.T, setting string) (list []fields) {
	t.Helper()
	var seen struct{ Problems []fields }
	require.NoError(t, user(t, "sysadmin").Calls(within(t, settleWithin), "/admin/settings", &seen))
	return slices.DeleteFunc(seen.Problems, func(f fields) bool { return f["setting"] != setting })
}

// messages is what the plugin's bot has written to the system admin that has some text in it.
func messages(t *testing.T, text string) (list []string) {
	t.Helper()
	admin := user(t, "sysadmin")
	var bot, channel struct{ ID string }
	err := admin.Do(within(t, settleWithin), http.MethodGet, "/api/v4/users/username/calls", nil, &bot)
	if mattermost.Code(err) == http.StatusNotFound {
		return nil // there has been nothing to say yet
	}
	require.NoError(t, err)
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels/direct", []string{bot.ID, admin.UserID}, &channel))
	var posts struct {
		Posts map[string]struct{ Message string }
	}
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodGet, "/api/v4/channels/"+channel.ID+"/posts?per_page=200", nil, &posts))
	for _, p := range posts.Posts {
		if strings.Contains(p.Message, text) {
			list = append(list, p.Message)
		}
	}
	return list
}

// A setting that makes no sense changes nothing and is told to the admin: on the admin page, and once in a message.
func TestAWrongSettingIsToldAndTheLastGoodOneStays(t *testing.T) {
	most := 100 + int(time.Now().UnixNano()%5000) // a number of this run's own, so that messages of former ones are not taken for its
	wrong := "most-" + strconv.Itoa(most)
	configure(t, map[string]any{"MaxCallParticipants": most, "DefaultEnabled": true}, func(c wire.ClientConfig) bool { return c.MaxCallParticipants == most })
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	assert.Empty(t, problems(t, "MaxCallParticipants"))

	configure(t, map[string]any{"MaxCallParticipants": wrong, "EnableRinging": true}, func(c wire.ClientConfig) bool { return c.EnableRinging })
	var c wire.ClientConfig
	require.NoError(t, alice.API.Calls(within(t, settleWithin), "/config", &c))
	assert.Equal(t, most, c.MaxCallParticipants, "the last good one stays, and what is right beside it counts")
	assert.Equal(t, []fields{{"setting": "MaxCallParticipants", "value": wrong, "problem": "must be a whole number between 0 and 10000", "wrong": true}}, problems(t, "MaxCallParticipants"))
	eventually(t, settleWithin, func() string { return fewer("messages to the admin", len(messages(t, wrong)), 1) })
	assert.Contains(t, messages(t, wrong)[0], "* **MaxCallParticipants** = `"+wrong+"`: must be a whole number between 0 and 10000")

	configure(t, map[string]any{"EnableRinging": false}, func(c wire.ClientConfig) bool { return !c.EnableRinging })
	configure(t, map[string]any{"MaxCallParticipants": most}, func(c wire.ClientConfig) bool { return len(problems(t, "MaxCallParticipants")) == 0 })
	assert.Len(t, messages(t, wrong), 1, "once for a change, however often the settings are saved")
	bob := join(t, "bob", channel, client.Config{ID: 2})
	awaitWho(t, alice, "user_joined", bob)
	require.NoError(t, alice.Err())
}

func TestNoMoreThanTheMostMayJoin(t *testing.T) {
	configure(t, map[string]any{"MaxCallParticipants": 1}, func(c wire.ClientConfig) bool { return c.MaxCallParticipants == 1 })
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	_, err := user(t, "bob").Join(within(t, settleWithin), wire.Join{ChannelID: channel}, client.Config{ID: 2})
	var refused *mattermost.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "call_full", refused.Code)
	require.NoError(t, alice.Leave())
}

func TestCallsThatAreOffByDefault(t *testing.T) {
	configure(t, map[string]any{"DefaultEnabled": false, "AllowEnableCalls": false},
		func(c wire.ClientConfig) bool { return !c.DefaultEnabled && !c.AllowEnableCalls })
	channel := room(t)
	enable := map[string]bool{"enabled": true}
	_, err := user(t, "alice").Join(within(t, settleWithin), wire.Join{ChannelID: channel}, client.Config{ID: 1})
	var refused *mattermost.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "calls_disabled", refused.Code)
	direct := host(t).Channels.Direct.ID
	assert.Equal(t, http.StatusForbidden, post(t, user(t, "alice"), "/"+direct, enable), "nobody but system admins, where the settings say so")
	assert.Equal(t, http.StatusOK, post(t, user(t, "sysadmin"), "/"+channel, enable))
	alice := join(t, "alice", channel, client.Config{ID: 1})
	require.NoError(t, alice.Leave())
}

// Where screens may not be shared nobody shares, whatever client they have; and a share ends when that is switched off.
func TestScreensMayNotBeShared(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	carol := join(t, "carol", channel, client.Config{ID: 3})
	require.NoError(t, alice.Share(within(t, settleWithin), client.Picture{}))
	awaitWho(t, carol, "user_screen_on", alice)
	seen := func(from uint32) uint64 { return carol.Received(from, client.Screen).Counts.Received }
	eventually(t, settleWithin, func() string { return fewer("packets of alice's screen", seen(1), 5) })

	configure(t, map[string]any{"AllowScreenSharing": false}, func(c wire.ClientConfig) bool { return !c.AllowScreenSharing })
	awaitWho(t, carol, "user_screen_off", alice)
	require.NoError(t, bob.Share(within(t, settleWithin), client.Picture{})) // as a client does that has not read the settings
	assert.Equal(t, "", data(t, await(t, bob, "screen_refused"))["holder_id"])
	mark := bob.Sent(client.Screen)
	eventually(t, settleWithin, func() string { return fewer("packets of bob's screen sent", bob.Sent(client.Screen), mark+20) })
	bob.Send(wire.RaiseHand{})
	awaitWho(t, carol, "user_raise_hand", bob)
	for _, e := range callEvents(carol.Socket, channel) {
		if e.Name == "user_screen_on" {
			assert.Equal(t, alice.Socket.ConnID, data(t, e)["session_id"], "bob does not share")
		}
	}
	assert.Zero(t, seen(2), "and nobody sees his screen")
}

func TestCredentialsForTURN(t *testing.T) {
	turn := `[{"urls":["turn:turn.example.com:3478"]},{"urls":["turns:other.example.com"],"username":"u","credentials":"c"}]`
	configure(t, map[string]any{"ICEServersConfigs": turn, "TURNStaticAuthSecret": "hush", "TURNCredentialsExpirationMinutes": 30},
		func(c wire.ClientConfig) bool { return c.NeedsTURNCredentials })
	var c wire.ClientConfig
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/config", &c))
	assert.Equal(t, []wire.ICEServer{{URLs: []string{"turns:other.example.com"}, Username: "u", Credential: "c"}}, c.ICEServersConfigs)
	var got []wire.ICEServer
	require.NoError(t, user(t, "bob").Calls(within(t, settleWithin), "/turn-credentials", &got))
	require.Len(t, got, 1)
	assert.Equal(t, []string{"turn:turn.example.com:3478"}, got[0].URLs)
	expiry, name, _ := strings.Cut(got[0].Username, ":")
	assert.Equal(t, "bob", name)
	at, err := strconv.ParseInt(expiry, 10, 64)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(30*time.Minute), time.Unix(at, 0), time.Minute)
	mac := hmac.New(sha1.New, []byte("hush"))
	mac.Write([]byte(got[0].Username))
	assert.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), got[0].Credential)
}

// someonesPort is a port that is taken and that the setting allows: those which the kernel hands out by itself may lie above.
func someonesPort(t *testing.T) (net.PacketConn, int) {
	t.Helper()
	for port := 20000; port < 32768; port++ {
		if c, err := net.ListenPacket("udp4", fmt.Sprintf("0.0.0.0:%d", port)); err == nil {
			return c, port
		}
	}
	t.Fatal("all ports from 20000 on are taken")
	return nil, 0
}

// A port that somebody else has does not keep the plugin from starting: it takes the nearest that is free and says so. And a value that was wrong before the start
// has the last good one in its place, which the plugin remembers.
func TestThePluginStartsWithWrongSettings(t *testing.T) {
	taken, port := someonesPort(t)
	defer taken.Close()
	most := 100 + int(time.Now().UnixNano()%5000)
	t.Cleanup(func() { // after the settings have been put back
		switchPlugin(t, "disable")
		switchPlugin(t, "enable")
	})
	configure(t, map[string]any{"UDPServerPort": port, "MaxCallParticipants": most}, func(c wire.ClientConfig) bool { return c.MaxCallParticipants == most })
	require.Len(t, problems(t, "UDPServerPort"), 1)
	assert.Contains(t, problems(t, "UDPServerPort")[0]["problem"], "counts from the next start")
	configure(t, map[string]any{"MaxCallParticipants": -most}, func(wire.ClientConfig) bool { return len(problems(t, "MaxCallParticipants")) == 1 })

	switchPlugin(t, "disable")
	switchPlugin(t, "enable")
	found := problems(t, "UDPServerPort")
	require.Len(t, found, 1)
	assert.Equal(t, true, found[0]["wrong"])
	assert.Regexp(t, "cannot be had .*address already in use.*; media goes over .* until the plugin is started again with a better one", found[0]["problem"])
	var c wire.ClientConfig
	require.NoError(t, user(t, "alice").Calls(within(t, settleWithin), "/config", &c))
	assert.Equal(t, most, c.MaxCallParticipants, "the last good one, of before the start")
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1}) // connects, by whatever port it is
	require.NoError(t, alice.Leave())
}
