package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// Nobody makes a post of a call or changes one, by whatever way there is into the server: people, admins, bots, webhooks.
func TestThereIsNoWayRoundToForgeThePostOfACall(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	postID, _ := data(t, await(t, alice, "call_start"))["post_id"].(string)
	robot, admin := bot(t, channel), user(t, "sysadmin")
	ask := func(who *mattermost.API, method, path string, body any) int {
		t.Helper()
		var answer json.RawMessage
		return mattermost.Code(who.Do(within(t, settleWithin), method, path, body, &answer))
	}
	read := func() (p fields) {
		t.Helper()
		require.NoError(t, alice.API.Do(within(t, settleWithin), http.MethodGet, "/api/v4/posts/"+postID, nil, &p))
		return fields{"message": p["message"], "type": p["type"], "props": withoutFalse(p["props"])}
	}
	ours := read()

	forged := map[string]any{"channel_id": channel, "message": "join my call", "type": "custom_calls", "props": map[string]any{"start_at": 1, "title": "Free money"}}
	for name, who := range map[string]*mattermost.API{"alice": alice.API, "a bot": robot, "a system admin": admin} {
		assert.Equal(t, http.StatusBadRequest, ask(who, http.MethodPost, "/api/v4/posts", forged), "made by %s", name)
	}
	var hook struct{ ID string }
	require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPost, "/api/v4/hooks/incoming", map[string]string{"channel_id": channel}, &hook))
	for kind, want := range map[string]bool{"custom_others": true, "custom_calls": false} {
		err := mattermost.Anonymous(host(t).URL).Do(within(t, settleWithin), http.MethodPost, "/hooks/"+hook.ID, map[string]any{"text": "join my call", "type": kind, "props": map[string]any{"start_at": 1}}, nil)
		assert.Equal(t, want, err == nil, "a post of type %s by a webhook: %v", kind, err)
	}

	for name, who := range map[string]*mattermost.API{"alice": alice.API, "a bot": robot, "a system admin": admin} {
		for what, change := range map[string]map[string]any{
			"the message":       {"message": "Join here instead"},
			"a prop":            {"message": ours["message"], "props": map[string]any{"end_at": 1, "start_at": 2, "title": "Free money"}},
			"no props":          {"message": ours["message"], "props": map[string]any{}},
			"the type":          {"message": ours["message"], "type": "custom_other", "props": ours["props"]},
			"the type of props": {"message": ours["message"], "props": map[string]any{"start_at": "soon", "participants": 7, "attachments": nil}},
		} {
			change["id"] = postID
			ask(who, http.MethodPut, "/api/v4/posts/"+postID, change)
			assert.Equal(t, ours, read(), "%s put by %s", what, name)
			delete(change, "id")
			ask(who, http.MethodPut, "/api/v4/posts/"+postID+"/patch", change)
			assert.Equal(t, ours, read(), "%s patched by %s", what, name)
		}
	}
	var plain struct{ ID string }
	require.NoError(t, alice.API.Do(within(t, settleWithin), http.MethodPost, "/api/v4/posts", map[string]any{"channel_id": channel, "message": "hello"}, &plain))
	ask(alice.API, http.MethodPut, "/api/v4/posts/"+plain.ID, map[string]any{"id": plain.ID, "message": "hello", "type": "custom_calls", "props": map[string]any{"start_at": 1}})
	var all struct {
		Posts map[string]struct{ Type, ID string }
	}
	require.NoError(t, alice.API.Do(within(t, settleWithin), http.MethodGet, "/api/v4/channels/"+channel+"/posts", nil, &all))
	for id, p := range all.Posts {
		assert.Equal(t, id == postID, p.Type == "custom_calls", "post %s is of type %q", id, p.Type)
	}
	require.NoError(t, alice.Leave())
}

// withoutFalse leaves out the properties that hosts without a refusal (before 9.2) keep from an attempt, as false, which clients take for absent.
func withoutFalse(props any) any {
	p, _ := props.(map[string]any)
	for key, v := range p {
		if v == false {
			delete(p, key)
		}
	}
	return p
}

// The post names its author as the server lets people be named.
func TestTheNameInThePostOfACall(t *testing.T) {
	admin := user(t, "sysadmin")
	show := func(full bool) {
		t.Helper()
		require.NoError(t, admin.Do(within(t, settleWithin), http.MethodPut, "/api/v4/config/patch", map[string]any{"PrivacySettings": map[string]bool{"ShowFullName": full}}, nil))
	}
	t.Cleanup(func() { show(true) })
	channel := room(t)
	who := newcomer(t, channel)
	var me struct{ Username string }
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodPut, "/api/v4/users/me/patch", map[string]string{"first_name": "Ada", "last_name": "Lovelace"}, &me))
	for full, name := range map[bool]string{true: "Ada Lovelace", false: me.Username} {
		show(full)
		call := joinAs(t, who, channel, client.Config{ID: 1})
		var p struct {
			Message string
			Props   fields
		}
		require.NoError(t, who.Do(within(t, settleWithin), http.MethodGet, fmt.Sprint("/api/v4/posts/", data(t, await(t, call, "call_start"))["post_id"]), nil, &p))
		assert.Equal(t, name+" started a call", p.Message, "full names are shown: %v", full)
		if !full {
			text, err := json.Marshal(p)
			require.NoError(t, err)
			assert.NotContains(t, string(text), "Lovelace")
		}
		require.NoError(t, call.Leave())
	}
}

// What a channel chooses is told to its members and to nobody else, and a call that is on goes on.
func TestAChannelChoosesInMidCall(t *testing.T) {
	channel := privateRoom(t)
	stranger := watch(t, "dave")
	alice := join(t, "alice", channel, client.Config{ID: 1})
	choose := func(on bool) {
		t.Helper()
		var answer wire.Channel
		require.NoError(t, user(t, "sysadmin").Do(within(t, settleWithin), http.MethodPost, "/plugins/"+wire.PluginID+"/"+channel, map[string]bool{"enabled": on}, &answer))
		assert.Equal(t, wire.Channel{ChannelID: channel, Enabled: &on}, answer, "phones want to hear what they asked for")
	}
	choose(false)
	assert.Equal(t, channel, await(t, alice, "channel_disable_voice").ChannelID)
	_, err := newcomer(t, channel).Join(within(t, settleWithin), wire.Join{ChannelID: channel}, client.Config{ID: 2})
	var refused *mattermost.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, mattermost.RefusedError{Code: "calls_disabled", Text: "calls are not enabled"}, *refused)
	alice.Send(wire.RaiseHand{})
	awaitWho(t, alice, "user_raise_hand", alice)
	choose(true)
	await(t, alice, "channel_enable_voice")
	require.NoError(t, alice.Err())
	require.NoError(t, alice.Leave())
	assert.False(t, slices.ContainsFunc(stranger.Events(), func(e mattermost.Event) bool {
		return strings.HasPrefix(e.Name, "channel_") && !e.Foreign && e.ChannelID == channel
	}))
}
