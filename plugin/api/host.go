package api

import (
	"errors"
	"net/http"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

// hostActs is what a host may do to others, by the last part of the path.
var hostActs = map[string]call.Act{
	"make": call.MakeHost, "mute": call.Mute, "mute-others": call.MuteOthers, "screen-off": call.ScreenOff, "lower-hand": call.LowerHand, "remove": call.Remove,
}

// host does something in the host's name. Who may not see the channel does not learn whether there is a call.
func (s *server) host(act call.Act) func(http.ResponseWriter, *http.Request, string, call.ChannelID) {
	return func(w http.ResponseWriter, r *http.Request, user string, ch call.ChannelID) {
		const refused = "no permissions to perform this action"
		if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
			s.status(w, http.StatusForbidden, refused)
			return
		}
		v, ok := s.Calls.Call(ch)
		if !ok {
			s.status(w, http.StatusBadRequest, "no call ongoing")
			return
		}
		cmd := call.Host{Act: act, By: session.UserID(user), Admin: s.Host.HasPermissionTo(user, model.PermissionManageSystem)}
		if cmd.By != v.Host && !cmd.Admin {
			s.status(w, http.StatusForbidden, refused)
			return
		}
		if code, err := target(w, r, v, &cmd); err != nil {
			s.status(w, code, err.Error())
			return
		}
		s.Calls.Host(ch, cmd)
		s.status(w, http.StatusOK, "success")
	}
}

// target reads whom an act is about and says what is wrong with it.
func target(w http.ResponseWriter, r *http.Request, v call.View, cmd *call.Host) (code int, err error) {
	switch cmd.Act {
	case call.MuteOthers:
		return http.StatusOK, nil
	case call.MakeHost:
		var body wire.NewHost
		if code, err = readBody(w, r, &body); err != nil {
			return code, err
		}
		cmd.User = session.UserID(body.NewHostID)
		for _, p := range v.People {
			if p.User == cmd.User {
				return http.StatusOK, nil
			}
		}
		return http.StatusBadRequest, errors.New("the new host is not in the call")
	}
	var body wire.SessionTarget
	if code, err = readBody(w, r, &body); err != nil {
		return code, err
	}
	cmd.Session = session.ID(body.SessionID)
	for _, p := range v.People {
		if p.Session != cmd.Session {
			continue
		}
		if cmd.Act == call.Remove && p.User == cmd.By {
			return http.StatusBadRequest, errors.New("hosts cannot remove themselves: leave the call instead")
		}
		return http.StatusOK, nil
	}
	return http.StatusBadRequest, errors.New("the session is not in the call")
}
