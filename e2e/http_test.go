package e2e

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls"
	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

func TestVersionNeedsNoSessionAndLiesWhereOldAndNewPhonesAgree(t *testing.T) {
	r := host(t)
	var v wire.Version
	require.NoError(t, mattermost.Anonymous(r.URL).Calls(within(t, settleWithin), "/version", &v))
	assert.Equal(t, calls.ClientVersion(), v.Version)
	parts := regexp.MustCompile(`^(\d+)\.(\d+)\.(\d+)$`).FindStringSubmatch(v.Version)
	require.NotNil(t, parts, "%q is no version", v.Version)
	major, err := strconv.Atoi(parts[1])
	require.NoError(t, err)
	minor, err := strconv.Atoi(parts[2])
	require.NoError(t, err)
	number := 1000*major + minor
	assert.True(t, 21 <= number && number < 1007, "%s is not in [0.21.0, 1.7.0)", v.Version)
	var keys map[string]any
	require.NoError(t, mattermost.Anonymous(r.URL).Calls(within(t, settleWithin), "/version", &keys))
	assert.NotContains(t, keys, "rtcd_version")
}

func TestEverythingElseNeedsASession(t *testing.T) {
	r := host(t)
	nobody := mattermost.Anonymous(r.URL)
	for _, path := range []string{"/config", "/channels", "/" + r.Channels.Public.ID} {
		assert.Equal(t, http.StatusUnauthorized, mattermost.Code(nobody.Calls(within(t, settleWithin), path, nil)), path)
	}
	assert.Equal(t, http.StatusNotFound, mattermost.Code(user(t, "alice").Calls(within(t, settleWithin), "/no/such/thing", nil)))
}

func TestConfigHasTheKeysOfAllGenerations(t *testing.T) {
	var got map[string]any
	require.NoError(t, user(t, "alice").Calls(within(t, settleWithin), "/config?mobilev2=true", &got))
	for key, want := range map[string]any{
		"DefaultEnabled": true, "NeedsTURNCredentials": false, "sku_short_name": "starter", "AllowScreenSharing": true, "EnableRecordings": false,
		"EnableAV1": false, "EnableSimulcast": false, "EnableDCSignaling": false, "EnableTranscriptions": false, "EnableLiveCaptions": false,
		"GroupCallsAllowed": true,
	} {
		assert.Equal(t, want, got[key], key)
	}
	for _, key := range []string{"ICEServers", "ICEServersConfigs", "AllowEnableCalls", "MaxCallParticipants", "EnableRinging", "HostControlsAllowed", "MaxRecordingDuration"} {
		assert.Contains(t, got, key)
	}
	assert.IsType(t, []any{}, got["ICEServersConfigs"])
}

func TestChannelsShowTheCallInBothFamilies(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	await(t, alice, "user_joined")
	bob := user(t, "bob")

	var one wire.Channel
	require.NoError(t, bob.Calls(within(t, settleWithin), "/"+channel, &one))
	require.NotNil(t, one.Call)
	requireAlone(t, *one.Call, alice)
	require.NotNil(t, one.Enabled)
	assert.True(t, *one.Enabled)

	var all []wire.Channel
	require.NoError(t, bob.Calls(within(t, settleWithin), "/channels", &all))
	i := slices.IndexFunc(all, func(c wire.Channel) bool { return c.ChannelID == channel })
	require.GreaterOrEqual(t, i, 0, "the channel is not in the list")
	require.NotNil(t, all[i].Call)
	requireAlone(t, *all[i].Call, alice)

	require.NoError(t, alice.Leave())
	eventually(t, settleWithin, func() string {
		one = wire.Channel{}
		require.NoError(t, bob.Calls(within(t, settleWithin), "/"+channel, &one))
		if one.Call != nil {
			return "the call is still on"
		}
		return ""
	})
	assert.Equal(t, channel, one.ChannelID)
}

func TestAChannelNobodyMadeAChoiceFor(t *testing.T) {
	channel, alice := room(t), user(t, "alice")
	var old, current map[string]any
	require.NoError(t, alice.Calls(within(t, settleWithin), "/"+channel, &old))
	assert.Equal(t, map[string]any{"channel_id": channel, "enabled": true}, old, "old phones take a missing choice for a no")
	require.NoError(t, alice.Calls(within(t, settleWithin), "/"+channel+"?mobilev2=true", &current))
	assert.Equal(t, map[string]any{"channel_id": channel}, current)
}

func TestAChannelThatOneMayNotReadIsForbidden(t *testing.T) {
	r := host(t)
	err := user(t, "dave").Calls(within(t, settleWithin), "/"+r.Channels.Private.ID, nil)
	assert.Equal(t, http.StatusForbidden, mattermost.Code(err))
	var all []wire.Channel
	require.NoError(t, user(t, "dave").Calls(within(t, settleWithin), "/channels", &all))
	assert.False(t, slices.ContainsFunc(all, func(c wire.Channel) bool { return c.ChannelID == r.Channels.Private.ID }))
}

// Whom a direct or group message is between is their business: to system admins, too, the host says that they may not read it, as both 6.6 and 10.3 do.
func TestASystemAdminIsNotToldOfOthersGroupMessages(t *testing.T) {
	group, admin := host(t).Channels.Group.ID, user(t, "sysadmin")
	alice := join(t, "alice", group, client.Config{ID: 1})
	assert.Equal(t, http.StatusForbidden, mattermost.Code(admin.Calls(within(t, settleWithin), "/"+group, nil)))
	for who, sees := range map[*mattermost.API]bool{admin: false, user(t, "bob"): true, user(t, "dave"): false} {
		var all []wire.Channel
		require.NoError(t, who.Calls(within(t, settleWithin), "/channels", &all))
		assert.Equal(t, sees, slices.ContainsFunc(all, func(c wire.Channel) bool { return c.ChannelID == group && c.Call != nil }))
	}
	require.NoError(t, alice.Leave())
}

// What a client has written down goes to its user alone, as a file from the plugin's bot.
func TestLogsComeAsAFile(t *testing.T) {
	who := newcomer(t)
	var sent struct {
		PostID string `json:"post_id"`
	}
	lines := strings.Repeat("something happened\n", 20000)
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodPost, "/plugins/"+wire.PluginID+"/logs/upload",
		map[string]string{"logs": lines, "filename": "call logs.txt"}, &sent))
	var p struct {
		FileIDs  []string `json:"file_ids"`
		Metadata struct{ Files []struct{ Name string } }
	}
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+sent.PostID, nil, &p))
	require.Len(t, p.FileIDs, 1)
	var info struct {
		Name string
		Size int
	}
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodGet, "/api/v4/files/"+p.FileIDs[0]+"/info", nil, &info))
	assert.Equal(t, "call_logs.txt", info.Name)
	assert.Equal(t, len(lines), info.Size)
	err := newcomer(t).Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+sent.PostID, nil, nil)
	assert.Equal(t, http.StatusForbidden, mattermost.Code(err), "nobody else sees it")
}

// Who asks for too much is told so, in the form that the document promises, and is in nobody else's way.
func TestWhoAsksTooOften(t *testing.T) {
	eager, other := newcomer(t), newcomer(t)
	ask := func() (status int, kind, text string) {
		r, err := http.NewRequestWithContext(within(t, settleWithin), http.MethodGet, eager.URL+"/plugins/"+wire.PluginID+"/config", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+eager.Token)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(body)
	}
	eventually(t, settleWithin, func() string { // the machine may be so slow that the budget fills as fast as it is used
		var wait sync.WaitGroup
		var refused atomic.Bool
		for range 2 * wire.HTTPBurst {
			wait.Go(func() {
				if status, kind, text := ask(); status == http.StatusTooManyRequests {
					refused.Store(true)
					assert.Equal(t, "application/json", kind)
					assert.JSONEq(t, `{"message":"too many requests","status_code":429}`, text)
				}
			})
		}
		wait.Wait()
		if !refused.Load() {
			return "none of many requests at once was refused"
		}
		return ""
	})
	require.NoError(t, other.Calls(within(t, settleWithin), "/config", nil))
	eventually(t, settleWithin, func() string {
		if status, _, _ := ask(); status != http.StatusOK {
			return "refused for ever"
		}
		return ""
	})
}
