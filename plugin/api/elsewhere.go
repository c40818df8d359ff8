package api

import (
	"net/http"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
)

// What other servers with calls answer and this one has nothing behind: clients that ask all the same get a plain no in the form that they expect.

// refusal is the form in which requests about the server's plan are refused.
type refusal struct {
	Error string `json:"error"`
}

// cloud refuses what only a server in Mattermost's cloud can do.
func (s *server) cloud(w http.ResponseWriter, _ *http.Request, _ string) {
	s.json(w, http.StatusBadRequest, refusal{"not a cloud server"})
}

// telemetry takes what clients report of their use and keeps nothing of it. They send it behind the user's back and would only repeat it after an error.
func (s *server) telemetry(w http.ResponseWriter, _ *http.Request, _ string) {
	s.status(w, http.StatusOK, "nothing is collected here")
}

// recording refuses recordings, after it has made sure that the one who asks may know of the channel at all.
func (s *server) recording(w http.ResponseWriter, _ *http.Request, user string, ch call.ChannelID) {
	message := "there are no recordings here"
	if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
		message = "no permissions to perform this action"
	}
	s.status(w, http.StatusForbidden, message)
}

// mostOffered is how many people are offered for a name that is typed.
const mostOffered = 50

// people lists those in a channel's call, to complete what is typed behind /call host. Who may not read the channel gets an empty list.
func (s *server) people(w http.ResponseWriter, r *http.Request, user string) {
	list := []model.AutocompleteListItem{} // never nil: it becomes JSON
	ch := r.URL.Query().Get("channel_id")
	v, on := s.Calls.Call(call.ChannelID(ch))
	if !on || !s.Host.HasPermissionToChannel(user, ch, model.PermissionReadChannel) {
		s.json(w, http.StatusOK, list)
		return
	}
	seen := map[session.UserID]bool{}
	for _, p := range v.People {
		if seen[p.User] || len(list) >= mostOffered {
			continue
		}
		seen[p.User] = true
		u, appErr := s.Host.GetUser(string(p.User))
		if appErr != nil || u == nil {
			continue // a name less to choose from
		}
		list = append(list, model.AutocompleteListItem{Item: "@" + u.Username, HelpText: u.Nickname})
	}
	s.json(w, http.StatusOK, list)
}
