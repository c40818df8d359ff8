package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/shape"
	"calls/wire"
)

// channels lists the channels that made a choice or have a call, as far as the caller may read them.
func (s *server) channels(w http.ResponseWriter, r *http.Request, user string) {
	choices := s.Choices.Choices()
	views := map[call.ChannelID]call.View{}
	ids := make([]call.ChannelID, 0, len(choices))
	for ch := range choices {
		ids = append(ids, ch)
	}
	for _, v := range s.Calls.Calls() {
		views[v.Channel] = v
		if _, chose := choices[v.Channel]; !chose {
			ids = append(ids, v.Channel)
		}
	}
	slices.Sort(ids)
	list := []wire.Channel{} // never nil: it becomes JSON
	for _, ch := range ids {
		if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
			continue
		}
		var choice *bool
		if c, chose := choices[ch]; chose {
			choice = &c
		}
		v, on := views[ch]
		list = append(list, s.describe(r, user, ch, choice, v, on))
	}
	s.json(w, http.StatusOK, list)
}

// getChannel describes one channel.
func (s *server) getChannel(w http.ResponseWriter, r *http.Request, user string, ch call.ChannelID) {
	if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	choice, err := s.Choices.Choice(ch)
	if err != nil {
		s.fault(w, err)
		return
	}
	v, on := s.Calls.Call(ch)
	s.json(w, http.StatusOK, s.describe(r, user, ch, choice, v, on))
}

// describe leaves enabled out for newer clients when the channel made no choice; older ones take a missing one for a no.
func (s *server) describe(r *http.Request, user string, ch call.ChannelID, choice *bool, v call.View, on bool) wire.Channel {
	c := wire.Channel{ChannelID: string(ch), Enabled: choice}
	if choice == nil && r.URL.Query().Get("mobilev2") != "true" {
		d := s.Config().DefaultEnabled
		c.Enabled = &d
	}
	if on {
		described := shape.Call(v)
		if s.Ringer.Dismissed(session.UserID(user), v.Call) {
			described.DismissedNotification = map[string]bool{user: true}
		}
		c.Call = &described
	}
	return c
}

// setEnabled switches calls on or off in a channel. A running call goes on.
func (s *server) setEnabled(w http.ResponseWriter, r *http.Request, user string, ch call.ChannelID) {
	allowed, err := s.maySetEnabled(user, ch)
	if err != nil {
		s.fault(w, err)
		return
	}
	if !allowed {
		s.status(w, http.StatusForbidden, "no permissions to switch calls on or off in this channel")
		return
	}
	var body wire.SetEnabled
	code, err := readBody(w, r, &body)
	if err == nil && body.Enabled == nil {
		code, err = http.StatusBadRequest, fmt.Errorf("enabled must be true or false")
	}
	if err != nil {
		s.status(w, code, err.Error())
		return
	}
	if err := s.Choices.SetChoice(ch, *body.Enabled); err != nil {
		s.fault(w, err)
		return
	}
	if err := s.Announcer.ChannelChoice(ch, *body.Enabled); err != nil {
		s.Log.Warn("a channel could not be told of its choice", "channel", ch, "err", err)
	}
	s.json(w, http.StatusOK, wire.Channel{ChannelID: string(ch), Enabled: body.Enabled})
}

// maySetEnabled: system admins always; others only where the settings allow it and they are members, in a channel as its or its team's admin, in a direct
// or group message as anybody who may post.
func (s *server) maySetEnabled(user string, ch call.ChannelID) (bool, error) {
	admin := s.Host.HasPermissionTo(user, model.PermissionManageSystem)
	if !admin && !s.Config().AllowEnableCalls {
		return false, nil
	}
	c, appErr := s.Host.GetChannel(string(ch))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return false, nil
	case appErr != nil:
		return false, fmt.Errorf("looking up channel %s: %w", ch, appErr)
	case c == nil || c.DeleteAt != 0:
		return false, nil
	case admin:
		return true, nil
	}
	member, appErr := s.Host.GetChannelMember(string(ch), user)
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return false, nil
	case appErr != nil:
		return false, fmt.Errorf("looking up the membership of user %s in channel %s: %w", user, ch, appErr)
	case member == nil:
		return false, nil
	case c.Type == model.ChannelTypeDirect || c.Type == model.ChannelTypeGroup:
		return s.Host.HasPermissionToChannel(user, string(ch), model.PermissionCreatePost), nil
	}
	return member.SchemeAdmin || s.Host.HasPermissionToTeam(user, c.TeamId, model.PermissionManageTeam), nil
}
