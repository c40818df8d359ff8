package main

import (
	"net/http/httptest"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/session"
	"calls/plugin/notify"
	"calls/wire"
)

func TestAnOldHostIsGivenThePostAsItWas(t *testing.T) {
	h := newHost()
	h.version = "6.6.1"
	p, _ := activate(t, h)
	ours := &model.Post{Id: postID, Type: notify.PostType, UserId: userA, Message: "alice started a call", Props: model.StringInterface{"start_at": 1}}
	edited := ours.Clone()
	edited.Message = "Join here instead"
	taken, refusal := p.MessageWillBeUpdated(nil, edited, ours)
	require.NotNil(t, taken, "it would let the change through")
	assert.Equal(t, ours.Message, taken.Message)
	assert.NotEmpty(t, refusal)
	for version, refuses := range map[string]bool{"6.6.1": false, "7.8.15": false, "9.11.0": false, "10.0.0": true, "11.2.1": true, "": false} {
		assert.Equal(t, refuses, refusesUpdates(version), version)
	}
}

// loginHost knows one login that is good, and lets everybody into every channel.
type loginHost struct{ *host }

func (loginHost) GetSession(id string) (*model.Session, *model.AppError) {
	if id != "good" {
		return nil, model.NewAppError("host", "none", nil, "", 404)
	}
	return &model.Session{}, nil
}

func (loginHost) HasPermissionToChannel(string, string, *model.Permission) bool { return true }

func TestALoginIsKnownByTheRequestsMadeUnderIt(t *testing.T) {
	p, e := activate(t, loginHost{newHost()})
	stays := func() session.EndReason {
		t.Helper()
		reason, err := e.ports.Residents.MayStay(userA, chanID, "")
		require.NoError(t, err)
		return reason
	}
	request := func(login string) {
		r := httptest.NewRequest("GET", "/version", nil)
		r.Header.Set("Mattermost-User-Id", userA)
		p.ServeHTTP(&plugin.Context{SessionId: login}, httptest.NewRecorder(), r)
	}
	join := func(login string) {
		p.WebSocketMessageHasBeenPosted(connA, userA, &model.WebSocketRequest{Session: model.Session{Id: login}, Action: wire.Prefix + "join", Data: map[string]any{"channelID": chanID}})
	}
	request("over")
	assert.Equal(t, session.SessionRevoked, stays())
	join("")
	assert.Empty(t, stays(), "what was over when somebody joined is not the login they joined under")
	request("over")
	request("good")
	assert.Empty(t, stays())
	request("over")
	join("named")
	assert.Empty(t, stays(), "a host that names them is asked about what it names, and nothing else")
}
