package actors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
)

// model is what the tree should be like: plain values without actors, messages or time of its own.
type model struct {
	now       time.Time
	limits    map[kit.Kind]kit.Limits
	most      int
	noScreens bool
	calls     map[call.ChannelID]*modelCall
	failures  map[string][]time.Time // by actor
	pending   map[string]time.Time   // by actor: when it comes back
	ends      map[session.ID]map[session.EndReason]bool
}

// modelCall is a call that is on.
type modelCall struct {
	host     session.UserID
	hostSure bool // false when several left at once, so that it depends on who went first
	people   []*modelPerson
	screen   session.ID
	crowd    map[session.UserID]time.Time // users whose sessions were given up
}

// modelPerson is somebody who is in.
type modelPerson struct {
	id      session.ID
	user    session.UserID
	unmuted bool
	hand    bool
	raised  time.Time // when the client asked
}

func newModel(now time.Time) *model {
	m := &model{
		now: now, limits: map[kit.Kind]kit.Limits{}, calls: map[call.ChannelID]*modelCall{}, failures: map[string][]time.Time{}, pending: map[string]time.Time{},
		ends: map[session.ID]map[session.EndReason]bool{},
	}
	for _, k := range []kit.Kind{kit.Door, kit.Poller, kit.Call, kit.Roster, kit.Outbox, kit.Session, kit.Track} {
		m.limits[k] = kit.DefaultLimits(k)
	}
	return m
}

func (m *model) find(id session.ID) (call.ChannelID, *modelCall, *modelPerson) {
	for ch, c := range m.calls {
		for _, p := range c.people {
			if p.id == id {
				return ch, c, p
			}
		}
	}
	return "", nil, nil
}

// join lets somebody in; false when the call is full.
func (m *model) join(ch call.ChannelID, id session.ID, user session.UserID) bool {
	c := m.calls[ch]
	if c == nil {
		c = &modelCall{host: user, hostSure: true, crowd: map[session.UserID]time.Time{}}
		m.calls[ch] = c
	}
	if m.most > 0 && len(c.people) >= m.most {
		return false
	}
	c.people = append(c.people, &modelPerson{id: id, user: user})
	return true
}

// leave takes somebody out. sure is false when others leave at the same time.
func (m *model) leave(id session.ID, sure bool, reasons ...session.EndReason) {
	ch, c, p := m.find(id)
	if p == nil {
		return
	}
	m.ended(id, reasons...)
	c.people = slices.DeleteFunc(c.people, func(o *modelPerson) bool { return o == p })
	if c.screen == id {
		c.screen = ""
	}
	if len(c.people) == 0 {
		m.over(ch)
		return
	}
	gone := !slices.ContainsFunc(c.people, func(o *modelPerson) bool { return o.user == p.user })
	if gone && (c.host == p.user || !c.hostSure) {
		c.host = c.people[0].user
	}
	c.hostSure = c.hostSure && sure
}

func (m *model) ended(id session.ID, reasons ...session.EndReason) {
	if m.ends[id] == nil {
		m.ends[id] = map[session.EndReason]bool{}
	}
	for _, r := range reasons {
		m.ends[id][r] = true
	}
}

// over ends a call, with everybody in it.
func (m *model) over(ch call.ChannelID, reasons ...session.EndReason) {
	for _, p := range m.calls[ch].people {
		m.ended(p.id, reasons...)
	}
	delete(m.calls, ch)
	m.forget("call:" + string(ch) + "#")
}

// forget drops what is known of failures of the actors below a name.
func (m *model) forget(name string) {
	below := func(id string) bool { return strings.Contains(id, name) }
	maps.DeleteFunc(m.failures, func(id string, _ []time.Time) bool { return below(id) })
	maps.DeleteFunc(m.pending, func(id string, _ time.Time) bool { return below(id) })
}

// share claims the screen; false when it is not to be.
func (m *model) share(id session.ID) bool {
	_, c, _ := m.find(id)
	if m.noScreens || (c.screen != "" && c.screen != id) {
		return false
	}
	c.screen = id
	return true
}

// verdict is what a failure leads to.
type verdict struct {
	channel  call.ChannelID
	session  session.ID // the session that ends for it
	callOver bool
}

// plain says that nothing but restarts comes of it.
func (v verdict) plain() bool { return v.session == "" && !v.callOver }

// foresee says what a failure would lead to, and changes nothing.
func (m *model) foresee(id string) verdict {
	copied := *m
	copied.failures, copied.pending = maps.Clone(m.failures), maps.Clone(m.pending)
	for k, l := range copied.failures {
		copied.failures[k] = slices.Clone(l)
	}
	ch := channelOf(id)
	if c := m.calls[ch]; c != nil {
		twin := *c
		twin.crowd = maps.Clone(c.crowd)
		copied.calls = map[call.ChannelID]*modelCall{ch: &twin}
	}
	return copied.fail(id)
}

// fail judges the failure of an actor.
func (m *model) fail(id string) verdict {
	v := verdict{channel: channelOf(id)}
	kind := kindOf(id)
	l := m.limits[kind]
	recent := append(m.failures[id], m.now)
	for m.now.Sub(recent[0]) >= l.Window || len(recent) > l.Max+1 {
		recent = recent[1:]
	}
	m.failures[id] = recent
	if len(recent) <= l.Max || kind.Over() == kit.Persist {
		if m.pending[id].IsZero() {
			m.pending[id] = m.now.Add(wait(l, len(recent)))
		}
		return v
	}
	delete(m.failures, id)
	delete(m.pending, id)
	switch kind {
	case kit.Track:
		return m.fail(id[:strings.LastIndexByte(id, '/')])
	case kit.Session:
		v.session = sessionOf(id)
		v.callOver = m.crowded(v.channel, v.session)
	default:
		v.callOver = true
	}
	return v
}

// crowded says whether sessions of too many users have been given up.
func (m *model) crowded(ch call.ChannelID, id session.ID) bool {
	_, c, p := m.find(id)
	if p == nil {
		return false
	}
	window := m.limits[kit.Call].Window
	maps.DeleteFunc(c.crowd, func(_ session.UserID, at time.Time) bool { return m.now.Sub(at) >= window })
	c.crowd[p.user] = m.now
	return len(c.crowd) >= 3
}

func wait(l kit.Limits, n int) time.Duration {
	d := l.BackoffMin
	for ; n > 1; n-- {
		d = min(2*d, l.BackoffMax)
	}
	return min(d, l.BackoffMax)
}

// advance moves time on; who waited out its back-off comes back, and what was known of those below it is forgotten.
func (m *model) advance(d time.Duration) {
	end := m.now.Add(d)
	for {
		id, at := m.first()
		if id == "" || at.After(end) {
			break
		}
		m.now = at
		delete(m.pending, id)
		m.forget(id + "/")
	}
	m.now = end
}

// first is the actor that comes back next.
func (m *model) first() (id string, at time.Time) {
	for i, t := range m.pending {
		if id == "" || t.Before(at) || (t.Equal(at) && i < id) {
			id, at = i, t
		}
	}
	return id, at
}

func kindOf(id string) kit.Kind {
	name, _, _ := strings.Cut(short(id), ":")
	for k := kit.Root; k <= kit.Track; k++ {
		if k.String() == name {
			return k
		}
	}
	return kit.Other
}

// segment is the id of the actor of a kind on the way to an actor.
func segment(id, kind string) string {
	for _, name := range strings.Split(id, "/") {
		if rest, ok := strings.CutPrefix(name, kind+":"); ok {
			text, _, _ := strings.Cut(rest, "#")
			return text
		}
	}
	return ""
}

func channelOf(id string) call.ChannelID { return call.ChannelID(segment(id, "call")) }
func sessionOf(id string) session.ID     { return session.ID(segment(id, "session")) }
