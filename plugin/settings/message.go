package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/plugin/i18n"
	"calls/wire"
)

const (
	botName    = "calls" // upstream's plugin, which has our id, calls its bot so, too
	mostAdmins = 25      // that are told; a server with more has others to pass it on
)

// Messenger is the part of the host that carries a message to an admin.
type Messenger interface {
	GetBots(options *model.BotGetOptions) ([]*model.Bot, *model.AppError)
	CreateBot(bot *model.Bot) (*model.Bot, *model.AppError)
	GetUsers(options *model.UserGetOptions) ([]*model.User, *model.AppError)
	GetDirectChannel(userID1, userID2 string) (*model.Channel, *model.AppError)
	CreatePost(post *model.Post) (*model.Post, *model.AppError)
	GetConfig() *model.Config
}

// tell sends admins a message about what is wrong, unless they were told the same before. The note of what was told is written first, and only one node of several
// can write it: so nobody is told twice.
func tell(host Host, wrong []Problem) error {
	var lines []string
	for _, p := range wrong {
		lines = append(lines, p.String())
	}
	note := []byte(strings.Join(lines, "\n"))
	told, appErr := host.KVGet(toldKey)
	if appErr != nil {
		return fmt.Errorf("reading what admins were told: %w", appErr)
	}
	if bytes.Equal(note, told) {
		return nil
	}
	first, err := swap(host, told, note)
	if err != nil || !first || len(wrong) == 0 {
		return err
	}
	if err := message(host, wrong); err != nil {
		_, undone := swap(host, note, told) // to be tried again
		return errors.Join(err, undone)
	}
	return nil
}

// swap replaces the note of what was told. An empty one is none.
func swap(host Host, from, to []byte) (done bool, err error) {
	opt := model.PluginKVSetOptions{Atomic: true}
	if len(from) > 0 {
		opt.OldValue = from
	}
	if len(to) == 0 {
		to = nil
	}
	done, appErr := host.KVSetWithOptions(toldKey, to, opt)
	if appErr != nil {
		return false, fmt.Errorf("noting what admins were told: %w", appErr)
	}
	return done, nil
}

// message writes to every system admin. It fails when not one could be reached.
func message(host Messenger, wrong []Problem) error {
	bot, err := botID(host)
	if err != nil || bot == "" {
		return err
	}
	admins, appErr := host.GetUsers(&model.UserGetOptions{Role: model.SystemAdminRoleId, Active: true, PerPage: mostAdmins})
	if appErr != nil {
		return fmt.Errorf("looking up the system admins: %w", appErr)
	}
	var failed error
	reached := 0
	for _, a := range admins {
		if a == nil || a.IsBot {
			continue
		}
		if err := write(host, bot, a, wrong); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		reached++
	}
	if reached > 0 {
		return nil
	}
	return failed
}

func write(host Messenger, bot string, admin *model.User, wrong []Problem) error {
	ch, appErr := host.GetDirectChannel(bot, admin.Id)
	switch {
	case appErr != nil:
		return fmt.Errorf("a direct channel with %s: %w", admin.Username, appErr)
	case ch == nil:
		return fmt.Errorf("a direct channel with %s: the host gave none", admin.Username)
	}
	post := &model.Post{UserId: bot, ChannelId: ch.Id, Message: text(admin.Locale, siteURL(host), wrong)}
	if _, appErr := host.CreatePost(post); appErr != nil {
		return fmt.Errorf("a message to %s: %w", admin.Username, appErr)
	}
	return nil
}

// text is the message in the admin's language; what is wrong stands in it in the language of the System Console's own help for these settings.
func text(locale, site string, wrong []Problem) string {
	lines := []string{i18n.T(locale, "settings.wrong"), ""}
	for _, p := range wrong {
		value := ""
		if p.Value != "" {
			value = " = `" + strings.NewReplacer("`", "'", "\n", " ").Replace(p.Value) + "`"
		}
		lines = append(lines, "* **"+p.Setting+"**"+value+": "+p.Problem)
	}
	return strings.Join(append(lines, "", i18n.T(locale, "settings.where",
		"console", site+"/admin_console/plugins/plugin_"+wire.PluginID, "page", site+"/plugins/"+wire.PluginID+"/admin/")), "\n")
}

func siteURL(host Messenger) string {
	if c := host.GetConfig(); c != nil && c.ServiceSettings.SiteURL != nil {
		return strings.TrimRight(*c.ServiceSettings.SiteURL, "/")
	}
	return ""
}

// botID is the plugin's bot, made when there is none. One that an admin has switched off is to say nothing.
func botID(host Messenger) (string, error) {
	bots, appErr := host.GetBots(&model.BotGetOptions{OwnerId: wire.PluginID, IncludeDeleted: true, PerPage: 50})
	if appErr != nil {
		return "", fmt.Errorf("looking up the plugin's bot: %w", appErr)
	}
	for _, b := range bots {
		switch {
		case b == nil || b.Username != botName:
		case b.DeleteAt != 0:
			return "", nil
		default:
			return b.UserId, nil
		}
	}
	made, appErr := host.CreateBot(&model.Bot{Username: botName, DisplayName: "Calls", Description: "Tells system admins what is wrong with the settings of Calls."})
	switch {
	case appErr != nil:
		return "", fmt.Errorf("making the plugin's bot: %w", appErr)
	case made == nil:
		return "", errors.New("making the plugin's bot: the host made none")
	}
	return made.UserId, nil
}
