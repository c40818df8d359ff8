package main

import (
	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/api"
	"calls/plugin/i18n"
	"calls/plugin/notify"
	"calls/plugin/ringing"
)

// localeOf is the language of a user, as far as the host says.
func localeOf(host plugin.API) func(session.UserID) string {
	return func(user session.UserID) string {
		u, appErr := host.GetUser(string(user))
		if appErr != nil || u == nil {
			return i18n.Fallback
		}
		return u.Locale
	}
}

// serverLocale is the language of what is for everybody.
func serverLocale(host plugin.API) string {
	if c := host.GetConfig(); c != nil && c.LocalizationSettings.DefaultServerLocale != nil {
		return *c.LocalizationSettings.DefaultServerLocale
	}
	return i18n.Fallback
}

// publisher tells clients of an event, and then those who care for rings.
type publisher struct {
	*notify.Events
	ringing *ringing.Ringing
}

func (p publisher) Publish(e call.Event) error {
	err := p.Events.Publish(e)
	p.ringing.Heard(e)
	return err
}

// teller answers clients that have no session.
type teller struct {
	*notify.Events
	host  plugin.API
	calls api.Calls
}

// TellState tells only those who may read the channel, and says nothing when no call is on.
func (t teller) TellState(user session.UserID, channel string) error {
	if !t.host.HasPermissionToChannel(string(user), channel, model.PermissionReadChannel) {
		return nil
	}
	if v, on := t.calls.Call(call.ChannelID(channel)); on {
		return t.State(user, v)
	}
	return nil
}
