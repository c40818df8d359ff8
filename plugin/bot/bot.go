// Package bot lets the plugin write to a person in its own name.
package bot

import (
	"errors"
	"fmt"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/wire"
)

// name is what the bot is called. Upstream's plugin, which has our id, calls its bot so, too.
const name = "calls"

// ErrOff says that an admin has switched the bot off: it is to say nothing.
var ErrOff = errors.New("the bot of Calls is switched off")

// Host is the part of the host that carries what a bot says.
type Host interface {
	GetBots(options *model.BotGetOptions) ([]*model.Bot, *model.AppError)
	CreateBot(bot *model.Bot) (*model.Bot, *model.AppError)
	GetDirectChannel(userID1, userID2 string) (*model.Channel, *model.AppError)
	CreatePost(post *model.Post) (*model.Post, *model.AppError)
	UploadFile(data []byte, channelID, filename string) (*model.FileInfo, *model.AppError)
}

// Write sends a message to somebody.
func Write(host Host, user, message string) error {
	bot, channel, err := meet(host, user)
	if err == nil {
		_, err = post(host, &model.Post{UserId: bot, ChannelId: channel, Message: message})
	}
	return err
}

// File sends a file to somebody, and gives the id of the post that it hangs on.
func File(host Host, user, message, filename string, data []byte) (postID string, err error) {
	bot, channel, err := meet(host, user)
	if err != nil {
		return "", err
	}
	info, appErr := host.UploadFile(data, channel, filename)
	switch {
	case appErr != nil:
		return "", fmt.Errorf("uploading a file: %w", appErr)
	case info == nil:
		return "", errors.New("uploading a file: the host made none")
	}
	return post(host, &model.Post{UserId: bot, ChannelId: channel, Message: message, FileIds: model.StringArray{info.Id}})
}

func post(host Host, p *model.Post) (id string, err error) {
	made, appErr := host.CreatePost(p)
	switch {
	case appErr != nil:
		return "", fmt.Errorf("a message of the bot's: %w", appErr)
	case made == nil || made.Id == "":
		return "", errors.New("a message of the bot's: the host made none") // so the plugin API says that its connection broke
	}
	return made.Id, nil
}

// meet is the bot and its direct channel with somebody.
func meet(host Host, user string) (bot, channel string, err error) {
	if bot, err = id(host); err != nil {
		return "", "", err
	}
	ch, appErr := host.GetDirectChannel(bot, user)
	switch {
	case appErr != nil:
		return "", "", fmt.Errorf("a direct channel with %s: %w", user, appErr)
	case ch == nil:
		return "", "", fmt.Errorf("a direct channel with %s: the host gave none", user)
	}
	return bot, ch.Id, nil
}

// id is the bot's, which is made when there is none.
func id(host Host) (string, error) {
	bots, appErr := host.GetBots(&model.BotGetOptions{OwnerId: wire.PluginID, IncludeDeleted: true, PerPage: 50})
	if appErr != nil {
		return "", fmt.Errorf("looking up the bot: %w", appErr)
	}
	for _, b := range bots {
		switch {
		case b == nil || b.Username != name:
		case b.DeleteAt != 0:
			return "", ErrOff
		default:
			return b.UserId, nil
		}
	}
	made, appErr := host.CreateBot(&model.Bot{Username: name, DisplayName: "Calls", Description: "Tells admins what is wrong with the settings of Calls, and keeps the logs that people ask for."})
	switch {
	case appErr != nil:
		return "", fmt.Errorf("making the bot: %w", appErr)
	case made == nil:
		return "", errors.New("making the bot: the host made none")
	}
	return made.UserId, nil
}
