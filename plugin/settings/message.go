package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/plugin/bot"
	"calls/plugin/i18n"
	"calls/wire"
)

// mostAdmins is how many are told; a server with more has others to pass it on.
const mostAdmins = 25

// Messenger is the part of the host that carries a message to an admin.
type Messenger interface {
	bot.Host
	GetUsers(options *model.UserGetOptions) ([]*model.User, *model.AppError)
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

// message writes to every system admin. It fails when not one could be reached, but not when the bot is to say nothing.
func message(host Messenger, wrong []Problem) error {
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
		err := bot.Write(host, a.Id, text(a.Locale, siteURL(host), wrong))
		if errors.Is(err, bot.ErrOff) {
			return nil
		}
		if err != nil {
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

// text is the message in the admin's language; what is wrong stands in it in the language of the System Console's own help for these settings.
func text(locale, site string, wrong []Problem) string {
	lines := []string{i18n.T(locale, "settings.wrong"), ""}
	for _, p := range wrong {
		value := ""
		if p.Value != "" {
			value = " = `" + strings.NewReplacer("`", "'", "\n", " ", "\x00", "\\0").Replace(p.Value) + "`"
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
