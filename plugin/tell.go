package main

import (
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/api"
	"calls/plugin/bot"
	"calls/plugin/i18n"
	"calls/plugin/notify"
	"calls/plugin/ringing"
)

const (
	localeWindow = 500 * time.Millisecond // for how long the host may look up a language, before English has to do
	maxLookups   = 16                     // languages that are looked up at once; more people read English
)

// localeOf is the language of a user, as far as the host says in time: what is told in it is also that the host's database is away.
func localeOf(host plugin.API, window time.Duration) func(session.UserID) string {
	under := make(chan struct{}, maxLookups)
	return func(user session.UserID) string {
		select {
		case under <- struct{}{}:
		default:
			return i18n.Fallback
		}
		found := make(chan string, 1) // whoever finds it late waits for nobody
		guard.Go("language of a user", func() {
			defer func() { <-under }()
			if u, appErr := host.GetUser(string(user)); appErr == nil && u != nil {
				found <- u.Locale
			} else {
				found <- i18n.Fallback
			}
		}, func(guard.Failure) { found <- i18n.Fallback })
		late := time.NewTimer(window)
		defer late.Stop()
		select {
		case locale := <-found:
			return locale
		case <-late.C:
			return i18n.Fallback
		}
	}
}

// serverLocale is the language of what is for everybody.
func serverLocale(host plugin.API) string {
	if c := host.GetConfig(); c != nil && c.LocalizationSettings.DefaultServerLocale != nil {
		return *c.LocalizationSettings.DefaultServerLocale
	}
	return i18n.Fallback
}

// mail brings files to people, from the plugin's bot.
type mail struct {
	host   plugin.API
	locale func(session.UserID) string
}

func (m mail) File(user, filename string, data []byte) (postID string, err error) {
	return bot.File(m.host, user, i18n.T(m.locale(session.UserID(user)), "logs.yours"), filename, data)
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
