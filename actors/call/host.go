package call

import (
	"slices"
	"time"

	"calls/actors/session"
)

// What a host may do to others, as pure rules of the roster.

// users is everybody in the call, each once.
func (v View) users() (all []session.UserID) {
	for _, p := range v.People {
		if !slices.Contains(all, p.User) {
			all = append(all, p.User)
		}
	}
	return all
}

// notice wraps what is told and changes nothing: it carries the version that is there.
func (v View) notice(b Body) Event { return Event{Channel: v.Channel, Call: v.Call, V: v.V, Body: b} }

// react shows a reaction of somebody who is in.
func (v View) react(id session.ID, e session.Emoji, now time.Time) []Event {
	i := v.find(id)
	if i < 0 {
		return nil
	}
	return []Event{v.notice(Reacted{User: v.People[i].User, Session: id, Emoji: e, At: now, To: v.users()})}
}

// host lets a host, or an admin, act. It says what happened and whose sessions are to heed it; nothing, when the one who asked may not or nothing is to be done.
func (v View) host(m Host) (next View, events []Event, to []session.ID) {
	if m.By != v.Host && !m.Admin {
		return v, nil, nil
	}
	if m.Act == MakeHost {
		next, events = v.makeHost(m.User)
		return next, events, nil
	}
	for _, p := range v.People {
		if !v.concerns(m, p) {
			continue
		}
		h := Hosted{Act: m.Act, Host: m.By, User: p.User, Session: p.Session, To: []session.UserID{p.User}}
		switch m.Act {
		case MuteOthers:
			h.Act = Mute
		case Remove:
			h.To = v.users()
		}
		events, to = append(events, v.notice(h)), append(to, p.Session)
	}
	if m.Act == LowerHand && len(to) > 0 { // hands live here and nowhere else
		var down []Event
		v, down = v.hand(m.Session, time.Time{})
		return v, append(events, down...), nil
	}
	return v, events, to
}

// concerns says whether an act has anything to do with somebody.
func (v View) concerns(m Host, p Person) bool {
	if m.Act == MuteOthers {
		return p.Unmuted && p.User != m.By
	}
	if p.Session != m.Session {
		return false
	}
	switch m.Act {
	case Mute:
		return p.Unmuted
	case ScreenOff:
		return v.ScreenSession == p.Session
	case LowerHand:
		return !p.Hand.IsZero()
	case Remove:
		return p.User != m.By // hosts that want to go leave
	}
	return false
}

// makeHost hands the role of host to somebody who is in.
func (v View) makeHost(user session.UserID) (View, []Event) {
	if user == v.Host || !v.has(user) {
		return v, nil
	}
	v.Host = user
	return v.next(HostChanged{Host: user})
}
