package bot

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/wire"
)

// host notes what the bot sends. What is named in broken fails, what is named in empty answers with nothing.
type host struct {
	bots          []*model.Bot
	broken, empty string
	made          int
	posts         []string
	files         []string
}

func (h *host) answers(what string) *model.AppError {
	if h.broken == what {
		return model.NewAppError("host", "no", nil, "", http.StatusInternalServerError)
	}
	return nil
}
func (h *host) GetBots(o *model.BotGetOptions) ([]*model.Bot, *model.AppError) {
	if o.OwnerId != wire.PluginID || !o.IncludeDeleted {
		panic("not the bots of the plugin")
	}
	return h.bots, h.answers("bots")
}
func (h *host) CreateBot(b *model.Bot) (*model.Bot, *model.AppError) {
	h.made++
	if h.empty == "bot" {
		return nil, nil
	}
	return &model.Bot{UserId: "fresh", Username: b.Username}, h.answers("bot")
}
func (h *host) GetDirectChannel(bot, user string) (*model.Channel, *model.AppError) {
	if h.empty == "channel" {
		return nil, nil
	}
	return &model.Channel{Id: bot + " to " + user}, h.answers("channel")
}
func (h *host) CreatePost(p *model.Post) (*model.Post, *model.AppError) {
	if h.empty == "post" {
		return nil, nil
	}
	h.posts = append(h.posts, fmt.Sprint(p.UserId, " in ", p.ChannelId, ": ", p.Message, " ", p.FileIds))
	return &model.Post{Id: "post"}, h.answers("post")
}
func (h *host) UploadFile(data []byte, channel, name string) (*model.FileInfo, *model.AppError) {
	if h.empty == "file" {
		return nil, nil
	}
	h.files = append(h.files, channel+": "+name+": "+string(data))
	return &model.FileInfo{Id: "file"}, h.answers("file")
}

func TestAMessageAndAFile(t *testing.T) {
	h := &host{bots: []*model.Bot{nil, {UserId: "other", Username: "another"}}}
	require.NoError(t, Write(h, "anna", "hello"))
	assert.Equal(t, 1, h.made)
	h.bots = append(h.bots, &model.Bot{UserId: "old", Username: name})
	id, err := File(h, "ben", "yours", "a.txt", []byte("text"))
	require.NoError(t, err)
	assert.Equal(t, "post", id)
	assert.Equal(t, 1, h.made, "the one that is there")
	assert.Equal(t, []string{"fresh in fresh to anna: hello []", "old in old to ben: yours [file]"}, h.posts)
	assert.Equal(t, []string{"old to ben: a.txt: text"}, h.files)

	h.bots[2].DeleteAt = 1
	assert.ErrorIs(t, Write(h, "anna", "hello"), ErrOff)
	assert.Equal(t, 1, h.made, "an admin has switched it off, so there is no other")
}

func TestAHostThatDoesNotCarryIt(t *testing.T) {
	for _, what := range []string{"bots", "bot", "channel", "file", "post"} {
		_, err := File(&host{broken: what}, "ben", "yours", "a.txt", nil)
		assert.Error(t, err, what)
		if what != "bots" {
			_, err = File(&host{empty: what}, "ben", "yours", "a.txt", nil)
			assert.Error(t, err, what)
		}
	}
}
