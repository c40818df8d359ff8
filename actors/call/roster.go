package call

import (
	"slices"
	"time"

	"calls/actors/session"
)

// The roster is a pure value: every change makes a new View and says what happened. Nothing here blocks, fails or looks at a clock, so that a crash
// between two changes leaves the last View whole, and so that the rules can be tested by tables.

// begin is the state of a call before anybody is in.
func begin(ch ChannelID, id ID, owner session.UserID, title, thread string, now time.Time) View {
	return View{Channel: ch, Call: id, StartAt: now, Owner: owner, Host: owner, Title: title, Thread: thread}
}

// next wraps what happened in v into events and numbers them.
func (v View) next(bodies ...Body) (View, []Event) {
	events := make([]Event, 0, len(bodies))
	for _, b := range bodies {
		v.V++
		events = append(events, Event{Channel: v.Channel, Call: v.Call, V: v.V, Body: b})
	}
	return v, events
}

// find is the place of a session among the people, -1 when it is not in.
func (v View) find(id session.ID) int {
	return slices.IndexFunc(v.People, func(p Person) bool { return p.Session == id })
}

// has says whether the user has a session in the call.
func (v View) has(user session.UserID) bool {
	return slices.ContainsFunc(v.People, func(p Person) bool { return p.User == user })
}

// started makes the first event of a call.
func (v View) started() (View, []Event) {
	return v.next(Started{StartAt: v.StartAt, Owner: v.Owner, Host: v.Host})
}

// join lets a session in. A session that is in already changes nothing.
func (v View) join(user session.UserID, id session.ID, member bool, now time.Time) (View, []Event) {
	if v.find(id) >= 0 {
		return v, nil
	}
	v.People = append(slices.Clone(v.People), Person{User: user, Session: id, JoinedAt: now})
	if !slices.Contains(v.Took, user) {
		v.Took = append(slices.Clone(v.Took), user)
	}
	v.Most = max(v.Most, len(v.People))
	v, events := v.next(Joined{User: user, Session: id, Member: member})
	b := events[0].Body.(Joined)
	b.State = v
	events[0].Body = b
	return v, events
}

// leave takes a session out: first its screen, then itself, then the role of host moves to the earliest who is still in.
func (v View) leave(id session.ID, reason session.EndReason) (View, []Event) {
	i := v.find(id)
	if i < 0 {
		return v, nil
	}
	p := v.People[i]
	v, events := v.screenOff(id)
	v.People = slices.Delete(slices.Clone(v.People), i, i+1)
	last := !v.has(p.User)
	v, more := v.next(Left{User: p.User, Session: id, Last: last, Reason: reason})
	events = append(events, more...)
	if last && v.Host == p.User && len(v.People) > 0 {
		v.Host = v.People[0].User
		v, more = v.next(HostChanged{Host: v.Host})
		events = append(events, more...)
	}
	return v, events
}

// with changes one person by f and tells body about it; f says whether there was anything to change.
func (v View) with(id session.ID, f func(*Person) bool, body func(Person) Body) (View, []Event) {
	i := v.find(id)
	if i < 0 {
		return v, nil
	}
	p := v.People[i]
	if !f(&p) {
		return v, nil
	}
	v.People = slices.Clone(v.People)
	v.People[i] = p
	return v.next(body(p))
}

// mute closes or opens a microphone. Whoever is muted has ceased to speak.
func (v View) mute(id session.ID, on bool) (View, []Event) {
	v, events := v.with(id,
		func(p *Person) bool { changed := p.Unmuted == on; p.Unmuted = !on; return changed },
		func(p Person) Body { return Muted{User: p.User, Session: id, On: on} })
	if !on {
		return v, events
	}
	v, quiet := v.voice(id, false)
	return v, append(events, quiet...)
}

// voice notes that somebody began or ceased to speak; who is muted cannot begin.
func (v View) voice(id session.ID, on bool) (View, []Event) {
	return v.with(id,
		func(p *Person) bool { changed := p.Voice != on && (p.Unmuted || !on); p.Voice = on; return changed },
		func(p Person) Body { return Voice{User: p.User, Session: id, On: on} })
}

// hand raises a hand at a time, or lowers it at the zero time. A hand that is up keeps its place in the queue.
func (v View) hand(id session.ID, at time.Time) (View, []Event) {
	return v.with(id,
		func(p *Person) bool { changed := p.Hand.IsZero() != at.IsZero(); p.Hand = at; return changed },
		func(p Person) Body { return Hand{User: p.User, Session: id, At: at} })
}

// screenOn claims the call's one screen slot; ok is false when somebody else holds it.
func (v View) screenOn(id session.ID, stream string) (next View, events []Event, ok bool) {
	i := v.find(id)
	if i < 0 || (v.ScreenSession != "" && v.ScreenSession != id) {
		return v, nil, false
	}
	if v.ScreenSession == id {
		v.ScreenStream = stream
		return v, nil, true
	}
	v.ScreenSession, v.ScreenUser, v.ScreenStream = id, v.People[i].User, stream
	v, events = v.next(Screen{User: v.ScreenUser, Session: id, On: true})
	return v, events, true
}

// screenOff gives the screen slot back; from anybody but its holder it changes nothing.
func (v View) screenOff(id session.ID) (View, []Event) {
	if v.ScreenSession != id || id == "" {
		return v, nil
	}
	user := v.ScreenUser
	v.ScreenSession, v.ScreenUser, v.ScreenStream = "", "", ""
	return v.next(Screen{User: user, Session: id})
}

// ended makes the last event of a call.
func (v View) ended(forced bool, reason session.EndReason) (View, []Event) {
	v.Over = true
	return v.next(Ended{Forced: forced, Reason: reason})
}
