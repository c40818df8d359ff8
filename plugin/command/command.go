// Package command answers the slash command /call. Clients do most of it themselves and never send it; whoever has no such client gets a plain answer.
package command

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/i18n"
	"calls/wire"
)

const trigger = "call"

// Host is the part of the host that commands ask.
type Host interface {
	HasPermissionTo(userID string, permission *model.Permission) bool
	HasPermissionToChannel(userID, channelID string, permission *model.Permission) bool
	GetUser(id string) (*model.User, *model.AppError)
	GetUserByUsername(name string) (*model.User, *model.AppError)
	GetTeam(id string) (*model.Team, *model.AppError)
	GetTeamsForUser(userID string) ([]*model.Team, *model.AppError)
	GetConfig() *model.Config
}

// Calls is the running calls. None of its methods blocks.
type Calls interface {
	Call(ch call.ChannelID) (v call.View, ok bool)
	End(ch call.ChannelID, reason session.EndReason)
	Remove(ch call.ChannelID, user session.UserID, reason session.EndReason)
	Host(ch call.ChannelID, act call.Host)
}

// Commands answers /call.
type Commands struct {
	host  Host
	calls Calls
	log   *slog.Logger
	now   func() time.Time
}

// New makes a Commands.
func New(host Host, calls Calls, log *slog.Logger) *Commands {
	return &Commands{host: host, calls: calls, log: log, now: time.Now}
}

// subcommands is what there is, in the order that it is offered in.
var subcommands = []struct {
	name string
	run  func(*Commands, *request) (string, error)
}{
	{"start", (*Commands).start}, {"join", (*Commands).join}, {"leave", (*Commands).leave}, {"end", (*Commands).end},
	{"link", (*Commands).link}, {"stats", (*Commands).stats}, {"host", (*Commands).makeHost}, {"logs", (*Commands).logs},
}

// Definition is what the host registers: the command and how it is completed, in one language for everybody.
func Definition(locale string) *model.Command {
	t := func(key string) string { return i18n.T(locale, "command."+key) }
	root := model.NewAutocompleteData(trigger, "[command]", t("help"))
	for _, s := range subcommands {
		sub := model.NewAutocompleteData(s.name, "", t(s.name+".help"))
		switch s.name {
		case "start":
			sub.AddTextArgument(t("start.title"), t("start.hint"), "")
		case "host":
			sub.AddDynamicListArgument(t("host.user"), "plugins/"+wire.PluginID+"/autocomplete/people", true)
		}
		root.AddCommand(sub)
	}
	return &model.Command{
		Trigger: trigger, DisplayName: "Call", Description: t("help"), AutoComplete: true, AutoCompleteDesc: t("help"), AutoCompleteHint: "[command]", AutocompleteData: root,
	}
}

// request is one command, and who gave it where.
type request struct {
	user    *model.User
	channel call.ChannelID
	team    string
	siteURL string
	rest    string // behind the subcommand
}

func (r *request) t(key string, pairs ...string) string {
	return i18n.T(r.user.Locale, "command."+key, pairs...)
}

// refusal is an error for the user's eyes.
type refusal string

func (r refusal) Error() string { return string(r) }

func (r *request) refuse(key string, pairs ...string) error { return refusal(r.t(key, pairs...)) }

// Execute answers a command, to the one who gave it alone.
func (c *Commands) Execute(args *model.CommandArgs) *model.CommandResponse {
	r := &request{user: &model.User{}, channel: call.ChannelID(args.ChannelId), team: args.TeamId, siteURL: args.SiteURL}
	text, err := c.answer(r, args)
	if err != nil {
		var public refusal
		if !errors.As(err, &public) {
			c.log.Error("a command failed", "user", args.UserId, "channel", args.ChannelId, "err", err)
			err = r.refuse("failed")
		}
		text = r.t("error", "reason", err.Error())
	}
	return &model.CommandResponse{ResponseType: model.CommandResponseTypeEphemeral, Text: text}
}

func (c *Commands) answer(r *request, args *model.CommandArgs) (string, error) {
	user, appErr := c.host.GetUser(args.UserId)
	switch {
	case appErr != nil:
		return "", appErr
	case user == nil:
		return "", errors.New("the host gave no user")
	}
	r.user = user
	words := strings.Fields(args.Command)
	if len(words) < 2 || !strings.EqualFold(words[0], "/"+trigger) {
		return "", r.refuse("arguments")
	}
	if !c.host.HasPermissionToChannel(args.UserId, args.ChannelId, model.PermissionReadChannel) {
		return "", r.refuse("forbidden")
	}
	_, rest, _ := strings.Cut(args.Command, words[0])
	_, rest, _ = strings.Cut(rest, words[1])
	r.rest = strings.TrimSpace(rest)
	name := strings.ToLower(words[1]) // phones begin words with a capital
	for _, s := range subcommands {
		if s.name == name {
			return s.run(c, r)
		}
	}
	return "", r.refuse("unknown", "name", clip(words[1], 40))
}
