// Package phones rings people's phones when their app is closed: by a push notification that says that it is of a call, which the app makes a ring of.
package phones

import (
	"errors"
	"log/slog"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/i18n"
)

// Host is the part of the host that knows names and rules.
type Host interface {
	GetUser(id string) (*model.User, *model.AppError)
	GetConfig() *model.Config
}

// Incoming is a call that has just begun.
type Incoming struct {
	Channel *model.Channel // a direct or group message
	Post    call.Post
	Caller  session.UserID
}

// Callee is somebody whom a call is for, and how they are.
type Callee struct {
	Member model.ChannelMember
	Status string
}

// Phones rings phones.
type Phones struct {
	host   Host
	line   line
	log    *slog.Logger
	serial *guard.Serial // a host that takes its time holds nobody up
}

// New makes a Phones for a host that the plugin reaches by api.
func New(host Host, api any, log *slog.Logger) *Phones {
	failed := func(f guard.Failure) { log.Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack)) }
	return &Phones{host: host, line: line{client: clientOf(api)}, log: log, serial: guard.NewSerial("phones", failed)}
}

// Ring rings the phones of those who want that. It returns at once.
func (p *Phones) Ring(c Incoming, callees []Callee) {
	p.serial.Do(func() { p.ring(c, callees) })
}

func (p *Phones) ring(c Incoming, callees []Callee) {
	if !p.line.there() {
		return
	}
	cfg := p.host.GetConfig()
	if cfg == nil || !isOn(cfg.EmailSettings.SendPushNotifications) {
		return
	}
	caller, appErr := p.host.GetUser(string(c.Caller))
	if appErr != nil || caller == nil {
		p.log.Warn("no phone rings: the caller is not known", "user", c.Caller, "err", appErr)
		return
	}
	for _, callee := range callees {
		u, appErr := p.host.GetUser(callee.Member.UserId)
		if appErr != nil || u == nil || !wants(u, callee) {
			continue
		}
		switch err := p.line.push(about(c, caller, u.Locale, contents(cfg)), u.Id); {
		case errors.Is(err, errNoLine):
			p.log.Info("phones with the app closed do not ring: this server offers plugins no push notifications (Mattermost does since 9.0)")
			return
		case err != nil:
			p.log.Warn("a phone could not be rung", "user", u.Id, "err", err)
		}
	}
}

// isOn reads a setting. One that is off arrives as missing: the plugin API carries no pointers to false.
func isOn(setting *bool) bool { return setting != nil && *setting }

func contents(cfg *model.Config) string {
	if c := cfg.EmailSettings.PushNotificationContents; c != nil {
		return *c
	}
	return model.GenericNoChannelNotification
}

// wants says whether somebody wants to be rung on a phone: by what they have chosen for push notifications, for those of this conversation, and for how they are now.
func wants(u *model.User, c Callee) bool {
	muted := c.Member.NotifyProps[model.MarkUnreadNotifyProp] == model.ChannelMarkUnreadMention
	if u.IsBot || u.DeleteAt != 0 || u.NotifyProps[model.PushNotifyProp] == model.UserNotifyNone || c.Member.NotifyProps[model.PushNotifyProp] == model.ChannelNotifyNone || muted {
		return false
	}
	switch c.Status {
	case model.StatusDnd, model.StatusOutOfOffice:
		return false
	case model.StatusAway:
		return u.NotifyProps[model.PushStatusNotifyProp] != model.StatusOffline
	case model.StatusOnline:
		when := u.NotifyProps[model.PushStatusNotifyProp]
		return when == "" || when == model.StatusOnline
	}
	return true
}

// about is what a phone is told, in its user's language and no more than the server lets out of the house.
func about(c Incoming, caller *model.User, locale, contents string) *notification {
	n := &notification{
		Version: model.PushMessageV2, Type: model.PushTypeMessage, SubType: subTypeCalls, ContentAvailable: 1,
		PostId: c.Post.ID, ChannelId: c.Channel.Id, TeamId: c.Channel.TeamId,
	}
	if c.Post.Thread != c.Post.ID {
		n.RootId = c.Post.Thread
	}
	if contents == model.IdLoadedNotification { // what it is about the phone asks the server
		n.IsIdLoaded, n.Message = true, i18n.T(locale, "push.hidden")
		return n
	}
	n.SenderId, n.SenderName = caller.Id, caller.Username
	n.Message = i18n.T(locale, "push.rings", "name", caller.Username)
	switch {
	case c.Channel.Type == model.ChannelTypeDirect:
		n.ChannelName = caller.Username
	case contents != model.GenericNoChannelNotification:
		n.ChannelName = c.Channel.DisplayName
	}
	return n
}
