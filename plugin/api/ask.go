package api

import (
	"fmt"
	"net/http"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

// active says whether a call is on.
func (s *server) active(w http.ResponseWriter, _ *http.Request, user string, ch call.ChannelID) {
	if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	_, on := s.Calls.Call(ch)
	s.json(w, http.StatusOK, wire.Active{Active: on})
}

// dismiss stops the ringing of a call on all devices of a user.
func (s *server) dismiss(w http.ResponseWriter, _ *http.Request, user string, ch call.ChannelID) {
	if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
		s.status(w, http.StatusForbidden, "no permissions to perform this action")
		return
	}
	v, ok := s.Calls.Call(ch)
	if !ok {
		s.status(w, http.StatusBadRequest, "no call ongoing")
		return
	}
	s.Ringer.Dismiss(session.UserID(user), ch, v.Call)
	s.status(w, http.StatusOK, "success")
}

// turnCredentials gives what clients need for TURN servers that take no standing credentials.
func (s *server) turnCredentials(w http.ResponseWriter, _ *http.Request, user string) {
	c := s.Config()
	if !c.NeedsTURNCredentials() {
		http.Error(w, "no TURN server here needs credentials", http.StatusForbidden)
		return
	}
	u, appErr := s.Host.GetUser(user)
	if appErr != nil || u == nil {
		s.fault(w, fmt.Errorf("looking up user %s: %w", user, orNone(appErr)))
		return
	}
	s.json(w, http.StatusOK, c.TURNCredentials(u.Username, s.now()))
}

// orNone is an error even when the host gave neither an answer nor a reason.
func orNone(appErr *model.AppError) error {
	if appErr == nil {
		return fmt.Errorf("the host gave none")
	}
	return appErr
}

// admin lets only system admins pass.
func (s *server) admin(next func(http.ResponseWriter, *http.Request, string)) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, user string) {
		if !s.Host.HasPermissionTo(user, model.PermissionManageSystem) {
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		next(w, r, user)
	}
}

// stats counts what is on now.
func (s *server) stats(w http.ResponseWriter, _ *http.Request, _ string) {
	var n wire.Stats
	users := map[session.UserID]bool{}
	for _, v := range s.Calls.Calls() {
		n.Calls++
		n.Sessions += len(v.People)
		n.LargestCall = max(n.LargestCall, len(v.People))
		if v.ScreenSession != "" {
			n.Screens++
		}
		for _, p := range v.People {
			users[p.User] = true
		}
	}
	n.Users = len(users)
	for _, on := range s.Choices.Choices() {
		if on {
			n.ChannelsOn++
		} else {
			n.ChannelsOff++
		}
	}
	s.json(w, http.StatusOK, n)
}

// env tells admins which settings the environment decides, so that they do not wonder why the console's have no effect.
func (s *server) env(w http.ResponseWriter, _ *http.Request, _ string) {
	s.json(w, http.StatusOK, s.Overrides())
}
