package command

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
)

func (c *Commands) start(r *request) (string, error) {
	if _, on := c.calls.Call(r.channel); on {
		return "", r.refuse("ongoing")
	}
	return c.linked(r, "start")
}

func (c *Commands) join(r *request) (string, error) { return c.linked(r, "join") }

func (c *Commands) link(r *request) (string, error) { return c.linked(r, "link") }

// linked answers with the link that starts or joins the call, whichever is to be done.
func (c *Commands) linked(r *request, key string) (string, error) {
	team, err := c.team(r)
	if err != nil {
		return "", err
	}
	site := r.siteURL
	if cfg := c.host.GetConfig(); cfg != nil && cfg.ServiceSettings.SiteURL != nil && *cfg.ServiceSettings.SiteURL != "" {
		site = *cfg.ServiceSettings.SiteURL
	}
	return r.t(key, "link", fmt.Sprintf("%s/%s/channels/%s?join_call=true", strings.TrimRight(site, "/"), team, r.channel)), nil
}

// team is the name of the team by which a link leads to the channel: the one the user is in or, where a client does not say, as in a direct message, any of theirs.
func (c *Commands) team(r *request) (string, error) {
	if r.team != "" {
		team, appErr := c.host.GetTeam(r.team)
		switch {
		case appErr == nil && team != nil:
			return team.Name, nil
		case appErr != nil && appErr.StatusCode >= http.StatusInternalServerError:
			return "", fmt.Errorf("looking up team %s: %w", r.team, appErr)
		}
	}
	teams, appErr := c.host.GetTeamsForUser(r.user.Id)
	switch {
	case appErr != nil:
		return "", fmt.Errorf("looking up a user's teams: %w", appErr)
	case len(teams) == 0:
		return "", r.refuse("noTeam")
	}
	return teams[0].Name, nil
}

func (c *Commands) leave(r *request) (string, error) {
	user := session.UserID(r.user.Id)
	v, _ := c.calls.Call(r.channel)
	if !in(v, user) {
		return "", r.refuse("notIn")
	}
	c.calls.Remove(r.channel, user, session.Left)
	return r.t("left"), nil
}

func in(v call.View, user session.UserID) bool {
	return slices.ContainsFunc(v.People, func(p call.Person) bool { return p.User == user })
}

func (c *Commands) end(r *request) (string, error) {
	v, on := c.calls.Call(r.channel)
	if !on {
		return "", r.refuse("none")
	}
	if user := session.UserID(r.user.Id); user != v.Owner && user != v.Host && !c.admin(r) {
		return "", r.refuse("forbidden")
	}
	c.calls.End(r.channel, session.CallEnded)
	return r.t("ended"), nil
}

func (c *Commands) admin(r *request) bool {
	return c.host.HasPermissionTo(r.user.Id, model.PermissionManageSystem)
}

func (c *Commands) makeHost(r *request) (string, error) {
	v, on := c.calls.Call(r.channel)
	if !on {
		return "", r.refuse("none")
	}
	by, admin := session.UserID(r.user.Id), c.admin(r)
	if by != v.Host && !admin {
		return "", r.refuse("forbidden")
	}
	name := strings.TrimPrefix(r.rest, "@")
	if name == "" || strings.ContainsAny(name, " \t\n") {
		return "", r.refuse("arguments")
	}
	shown := "@" + clip(name, 64)
	user, appErr := c.host.GetUserByUsername(strings.ToLower(name))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return "", r.refuse("noUser", "name", shown)
	case appErr != nil:
		return "", fmt.Errorf("looking up a user by name: %w", appErr)
	case user == nil || !in(v, session.UserID(user.Id)):
		return "", r.refuse("hostNotIn", "name", shown)
	}
	c.calls.Host(r.channel, call.Host{Act: call.MakeHost, By: by, Admin: admin, User: session.UserID(user.Id)})
	return r.t("hosted", "name", shown), nil
}

// stats shows what the client measured, which it hands over with the command, or else what the server knows.
func (c *Commands) stats(r *request) (string, error) {
	if r.rest != "" {
		return r.block("json")
	}
	v, on := c.calls.Call(r.channel)
	if !on {
		return "", r.refuse("none")
	}
	var unmuted, hands int
	people := map[session.UserID]bool{}
	for _, p := range v.People {
		people[p.User] = true
		if p.Unmuted {
			unmuted++
		}
		if !p.Hand.IsZero() {
			hands++
		}
	}
	screen := r.t("no")
	if v.ScreenSession != "" {
		screen = r.t("yes")
	}
	n := strconv.Itoa
	return r.t("stats", "people", n(len(people)), "sessions", n(len(v.People)), "most", n(v.Most), "unmuted", n(unmuted), "hands", n(hands), "screen", screen,
		"duration", c.now().Sub(v.StartAt).Round(time.Second).String()), nil
}

func (c *Commands) logs(r *request) (string, error) {
	if r.rest == "" {
		return "", r.refuse("noLogs")
	}
	return r.block("")
}
