package command

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
)

// world is a host and its calls: alice owns and hosts the call of "on", bob is in, carol (who is German) is not, root is a system admin; eve may not read.
type world struct {
	did  []string
	down bool
}

func fault(code int) *model.AppError { return model.NewAppError("host", "no", nil, "", code) }

func (w *world) HasPermissionTo(u string, _ *model.Permission) bool { return u == "root" }
func (w *world) HasPermissionToChannel(u, _ string, _ *model.Permission) bool {
	return u != "eve"
}
func (w *world) GetUser(id string) (*model.User, *model.AppError) {
	if w.down {
		return nil, fault(http.StatusInternalServerError)
	}
	return &model.User{Id: id, Locale: map[string]string{"carol": "de"}[id]}, nil
}
func (w *world) GetUserByUsername(name string) (*model.User, *model.AppError) {
	if name == "nobody" {
		return nil, fault(http.StatusNotFound)
	}
	return &model.User{Id: name}, nil
}
func (w *world) GetTeam(id string) (*model.Team, *model.AppError) {
	switch id {
	case "team":
		return &model.Team{Name: "core"}, nil
	case "down":
		return nil, fault(http.StatusInternalServerError)
	}
	return nil, fault(http.StatusNotFound)
}
func (w *world) GetTeamsForUser(user string) ([]*model.Team, *model.AppError) {
	if user == "carol" {
		return nil, nil
	}
	return []*model.Team{{Name: "first"}, {Name: "second"}}, nil
}
func (w *world) GetConfig() *model.Config {
	site := "https://chat.example.com/"
	return &model.Config{ServiceSettings: model.ServiceSettings{SiteURL: &site}}
}
func (w *world) Call(ch call.ChannelID) (call.View, bool) {
	if ch != "on" {
		return call.View{}, false
	}
	return call.View{Owner: "alice", Host: "alice", StartAt: time.Unix(100, 0), Most: 3, ScreenSession: "b", People: []call.Person{
		{User: "alice", Session: "a", Unmuted: true}, {User: "bob", Session: "b", Hand: time.Unix(1, 0)}, {User: "bob", Session: "b2"}}}, true
}
func (w *world) End(ch call.ChannelID, r session.EndReason) {
	w.did = append(w.did, fmt.Sprint("end ", ch, " ", r))
}
func (w *world) Remove(_ call.ChannelID, u session.UserID, r session.EndReason) {
	w.did = append(w.did, fmt.Sprint("remove ", u, " ", r))
}
func (w *world) Host(_ call.ChannelID, h call.Host) {
	w.did = append(w.did, fmt.Sprintf("%s %s by %s %v", h.Act, h.User, h.By, h.Admin))
}

func (w *world) run(user, channel, text string) string {
	c := New(w, w, slog.New(slog.DiscardHandler))
	c.now = func() time.Time { return time.Unix(175, 0) }
	r := c.Execute(&model.CommandArgs{UserId: user, ChannelId: channel, TeamId: "team", Command: text})
	if r.ResponseType != model.CommandResponseTypeEphemeral {
		panic("not for the user alone")
	}
	return r.Text
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestCommands(t *testing.T) {
	const link = "https://chat.example.com/core/channels/"
	for _, c := range []struct{ user, channel, text, says, does string }{
		{"alice", "on", "/call", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "/call dance", "Error: Invalid subcommand: dance", ""},
		{"alice", "on", "/call start", "Error: A call is already ongoing in the channel.", ""},
		{"alice", "off", "/call start Weekly planning", "Start the call here: " + link + "off?join_call=true", ""},
		{"carol", "on", "/call join", "Hier trittst du dem Anruf bei: " + link + "on?join_call=true", ""},
		{"carol", "on", "/call link", "Link zum Anruf: " + link + "on?join_call=true", ""},
		{"alice", "off", "/call   link  ", "Call link: " + link + "off?join_call=true", ""},
		{"bob", "on", "/call leave", "You have left the call.", "remove bob left"},
		{"carol", "on", "/call leave", "Fehler: du bist nicht im Anruf dieses Kanals", ""},
		{"alice", "on", "/call end", "The call is ending.", "end on call_ended"},
		{"root", "on", "/call end", "The call is ending.", "end on call_ended"},
		{"bob", "on", "/call end", "Error: you have no permission to do this here", ""},
		{"alice", "off", "/call end", "Error: no call is on in this channel", ""},
		{"alice", "on", "/call host @Bob", "@Bob is the host of the call now.", "make bob by alice false"},
		{"root", "on", "/call host bob", "@bob is the host of the call now.", "make bob by root true"},
		{"alice", "on", "/call host @carol", "Error: @carol is not in the call", ""},
		{"alice", "on", "/call host @nobody", "Error: there is no user @nobody", ""},
		{"alice", "on", "/call host", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "/call host bob alice", "Error: Invalid number of arguments provided", ""},
		{"bob", "on", "/call host bob", "Error: you have no permission to do this here", ""},
		{"alice", "off", "/call host bob", "Error: no call is on in this channel", ""},
		{"alice", "on", "/call stats", "People in the call: 2. Connections: 3, at most 3 at once. Unmuted: 1. Hands raised: 1. Screen shared: yes. It has been on for 1m15s.", ""},
		{"alice", "off", "/call stats", "Error: no call is on in this channel", ""},
		{"alice", "off", `/call stats "{\"rtt\":1}"`, fence + "json\n{\"rtt\":1}\n" + fence, ""},
		{"alice", "off", `/call stats "{"rtt":1}"`, fence + "json\n{\"rtt\":1}\n" + fence, ""},
		{"alice", "off", "/call stats " + encoded(`{"rtt":1}`), fence + "json\n{\"rtt\":1}\n" + fence, ""},
		{"alice", "off", "/call stats " + encoded("no json"), "Error: what your client sent cannot be read", ""},
		{"alice", "off", "/call stats %", "Error: what your client sent cannot be read", ""},
		{"alice", "off", "/call logs", "Error: your client has logged nothing. The logs of a call are kept by the client you are in the call with", ""},
		{"alice", "off", "/call logs " + encoded("a\n"+fence+"b"), fence + "\na\n` ` `b\n" + fence, ""},
		{"alice", "off", "/call logs " + encoded("\xff"), "Error: what your client sent cannot be read", ""},
		{"alice", "on", "/CALL Stats", "People in the call: 2. Connections: 3, at most 3 at once. Unmuted: 1. Hands raised: 1. Screen shared: yes. It has been on for 1m15s.", ""},
		{"alice", "on", "/call\u00a0host\t@BOB\n", "@BOB is the host of the call now.", "make bob by alice false"},
		{"alice", "on", "/call host @bob\n@carol", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "/call host @", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "/call " + strings.Repeat("ä", 3000), "Error: Invalid subcommand: " + strings.Repeat("ä", 20) + "…", ""},
		{"alice", "on", "/call l link", "Error: Invalid subcommand: l", ""},
		{"alice", "on", "call end", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "", "Error: Invalid number of arguments provided", ""},
		{"alice", "on", "/call end now", "The call is ending.", "end on call_ended"},
		{"eve", "on", "/call end", "Error: you have no permission to do this here", ""},
		{"eve", "on", "/call link", "Error: you have no permission to do this here", ""},
	} {
		t.Run(c.user+" "+c.text, func(t *testing.T) {
			w := &world{}
			assert.Equal(t, c.says, w.run(c.user, c.channel, c.text))
			assert.Equal(t, c.does, strings.Join(w.did, ", "))
		})
	}
	for team, says := range map[string]string{
		"": "Call link: https://chat.example.com/first/channels/on?join_call=true", "gone": "Call link: https://chat.example.com/first/channels/on?join_call=true",
		"down": "Error: the server could not do it. Please try again",
	} {
		r := New(&world{}, &world{}, slog.New(slog.DiscardHandler)).Execute(&model.CommandArgs{UserId: "alice", ChannelId: "on", TeamId: team, Command: "/call link"})
		assert.Equal(t, says, r.Text, "a client that says of no team: %q", team)
	}
	r := New(&world{}, &world{}, slog.New(slog.DiscardHandler)).Execute(&model.CommandArgs{UserId: "carol", ChannelId: "on", Command: "/call link"})
	assert.Equal(t, "Fehler: du bist in keinem Team, und ein Link zu einem Kanal führt über eines", r.Text)
	assert.Equal(t, "Error: the server could not do it. Please try again", (&world{down: true}).run("alice", "on", "/call end"))
	long := (&world{}).run("alice", "off", "/call logs "+encoded(strings.Repeat("ä", maxReply)))
	assert.Less(t, len(long), maxReply+20)
	assert.True(t, strings.HasSuffix(long, "ä…\n"+fence))
}

func TestDefinition(t *testing.T) {
	for _, locale := range []string{"en", "de", "fr"} {
		d := Definition(locale)
		require.NoError(t, d.AutocompleteData.IsValid())
		var names []string
		for _, s := range d.AutocompleteData.SubCommands {
			names = append(names, s.Trigger)
			assert.NotContains(t, s.HelpText, "command.", "%s in %s", s.Trigger, locale)
		}
		assert.Equal(t, []string{"start", "join", "leave", "end", "link", "stats", "host", "logs"}, names)
	}
}
