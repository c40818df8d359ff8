package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

func TestVersionNeedsNoSessionAndLiesWhereOldAndNewPhonesAgree(t *testing.T) {
	r := host(t)
	var v wire.Version
	require.NoError(t, mattermost.Anonymous(r.URL).Calls(within(t, settleWithin), "/version", &v))
	assert.Equal(t, r.Plugin, v.Version)
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
