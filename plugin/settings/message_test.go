package settings

import (
	"net/http"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
)

// post is a host that carries messages: to two admins and a bot that is one, too.
type post struct {
	bots  []*model.Bot
	made  int
	lost  map[string]bool // whose messages do not arrive
	wrote map[string]string
}

func (p *post) GetBots(*model.BotGetOptions) ([]*model.Bot, *model.AppError) {
	return p.bots, nil
}
func (p *post) CreateBot(b *model.Bot) (*model.Bot, *model.AppError) {
	p.made++
	p.bots = append(p.bots, &model.Bot{UserId: "fresh", Username: b.Username})
	return p.bots[len(p.bots)-1], nil
}
func (p *post) GetUsers(o *model.UserGetOptions) ([]*model.User, *model.AppError) {
	if o.Role != model.SystemAdminRoleId || !o.Active {
		return nil, no()
	}
	return []*model.User{{Id: "anna", Locale: "de"}, {Id: "rob", IsBot: true}, {Id: "ben"}, nil}, nil
}
func (p *post) GetDirectChannel(bot, admin string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: bot + " to " + admin}, nil
}
func (p *post) CreatePost(m *model.Post) (*model.Post, *model.AppError) {
	if p.lost[m.ChannelId] {
		return nil, no()
	}
	p.wrote[m.ChannelId] = m.Message
	return &model.Post{Id: "post"}, nil
}
func (p *post) UploadFile([]byte, string, string) (*model.FileInfo, *model.AppError) {
	return nil, no()
}
func (p *post) GetConfig() *model.Config {
	site := "https://chat.example.com/"
	return &model.Config{ServiceSettings: model.ServiceSettings{SiteURL: &site}}
}

func no() *model.AppError {
	return model.NewAppError("host", "no", nil, "", http.StatusInternalServerError)
}

func TestEveryAdminIsToldInTheirLanguage(t *testing.T) {
	p := &post{wrote: map[string]string{}}
	assert.NoError(t, message(p, []Problem{{Setting: "UDPServerPort", Value: "`70`\n\x00", Problem: "must be between 80 and 49151"}}))
	const rest = "\n\n* **UDPServerPort** = `'70' \\0`: must be between 80 and 49151\n\n"
	assert.Equal(t, map[string]string{
		"fresh to anna": "Einige Einstellungen von Calls gelten nicht. Wo nichts anderes steht, gilt an ihrer Stelle, was zuvor richtig war:" + rest +
			"Ändern lassen sie sich in der [Systemkonsole](https://chat.example.com/admin_console/plugins/plugin_com.mattermost.calls). " +
			"[Diese Seite](https://chat.example.com/plugins/com.mattermost.calls/admin/) zeigt, ob alles stimmt.",
		"fresh to ben": "Some settings of Calls are not in force. Where nothing else is said, what was good before stands in their place:" + rest +
			"Change them in the [System Console](https://chat.example.com/admin_console/plugins/plugin_com.mattermost.calls). " +
			"[This page](https://chat.example.com/plugins/com.mattermost.calls/admin/) shows whether all is well.",
	}, p.wrote)
	assert.Equal(t, 1, p.made)
}

func TestTheBotThatIsThere(t *testing.T) {
	p := &post{wrote: map[string]string{}, lost: map[string]bool{"old to anna": true},
		bots: []*model.Bot{{UserId: "other", Username: "another"}, {UserId: "old", Username: "calls"}}}
	assert.NoError(t, message(p, []Problem{{Setting: "x"}}), "one of two was reached")
	assert.Len(t, p.wrote, 1)
	assert.Zero(t, p.made)
	p.lost["old to ben"] = true
	assert.Error(t, message(p, []Problem{{Setting: "x"}}), "nobody was")

	p.bots[1].DeleteAt, p.lost, p.wrote = 1, nil, map[string]string{}
	assert.NoError(t, message(p, []Problem{{Setting: "x"}}))
	assert.Empty(t, p.wrote, "an admin has switched the bot off")
	assert.Zero(t, p.made)
}
