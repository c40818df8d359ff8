package call

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"calls/actors/session"
)

var noon = time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC)

// step is one change of a roster, and what it must say about it.
type step struct {
	name string
	do   func(View) (View, []Event)
	want []Body
}

func in(user session.UserID, id session.ID) func(View) (View, []Event) {
	return func(v View) (View, []Event) { return v.join(user, id, true, noon) }
}

func out(id session.ID) func(View) (View, []Event) {
	return func(v View) (View, []Event) { return v.leave(id, session.Left) }
}

func share(id session.ID) func(View) (View, []Event) {
	return func(v View) (View, []Event) { v, e, _ := v.screenOn(id, "stream"); return v, e }
}

func mute(id session.ID, on bool) func(View) (View, []Event) {
	return func(v View) (View, []Event) { return v.mute(id, on) }
}

func voice(id session.ID, on bool) func(View) (View, []Event) {
	return func(v View) (View, []Event) { return v.voice(id, on) }
}

func hand(id session.ID, at time.Time) func(View) (View, []Event) {
	return func(v View) (View, []Event) { return v.hand(id, at) }
}

func TestRoster(t *testing.T) {
	joined := func(user session.UserID, id session.ID) Body { return Joined{User: user, Session: id, Member: true} }
	left := func(user session.UserID, id session.ID, last bool) Body {
		return Left{User: user, Session: id, Last: last, Reason: session.Left}
	}
	for name, steps := range map[string][]step{
		"joining twice says nothing twice": {
			{"a", in("alice", "a"), []Body{joined("alice", "a")}},
			{"again", in("alice", "a"), nil},
		},
		"mute and voice": {
			{"a", in("alice", "a"), []Body{joined("alice", "a")}},
			{"muted cannot speak", voice("a", true), nil},
			{"unmute", mute("a", false), []Body{Muted{"alice", "a", false}}},
			{"unmute again", mute("a", false), nil},
			{"speaks", voice("a", true), []Body{Voice{"alice", "a", true}}},
			{"mute ends the voice, after the mute", mute("a", true), []Body{Muted{"alice", "a", true}, Voice{"alice", "a", false}}},
			{"nobody", mute("x", true), nil},
		},
		"hands keep their place": {
			{"a", in("alice", "a"), []Body{joined("alice", "a")}},
			{"up", hand("a", noon), []Body{Hand{"alice", "a", noon}}},
			{"up again", hand("a", noon.Add(time.Second)), nil},
			{"down", hand("a", time.Time{}), []Body{Hand{"alice", "a", time.Time{}}}},
			{"down again", hand("a", time.Time{}), nil},
		},
		"one screen": {
			{"a", in("alice", "a"), []Body{joined("alice", "a")}},
			{"b", in("bob", "b"), []Body{joined("bob", "b")}},
			{"a shares", share("a"), []Body{Screen{"alice", "a", true}}},
			{"b may not", share("b"), nil},
			{"b cannot end it", func(v View) (View, []Event) { return v.screenOff("b") }, nil},
			{"a leaves: screen first, then herself, then her role", out("a"), []Body{Screen{"alice", "a", false}, left("alice", "a", true), HostChanged{"bob"}}},
			{"b may now", share("b"), []Body{Screen{"bob", "b", true}}},
		},
		"several sessions of one user": {
			{"a", in("alice", "a1"), []Body{joined("alice", "a1")}},
			{"a again", in("alice", "a2"), []Body{joined("alice", "a2")}},
			{"b", in("bob", "b"), []Body{joined("bob", "b")}},
			{"one goes, she stays host", out("a1"), []Body{left("alice", "a1", false)}},
			{"the other goes", out("a2"), []Body{left("alice", "a2", true), HostChanged{"bob"}}},
			{"gone already", out("a2"), nil},
			{"the last", out("b"), []Body{left("bob", "b", true)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := begin("chan", "call", "alice", "", "", noon)
			v, _ = v.started()
			for _, s := range steps {
				before := v.V
				var events []Event
				v, events = s.do(v)
				var got []Body
				for i, e := range events {
					assert.Equal(t, before+uint64(i)+1, e.V, s.name+": versions grow by one an event")
					b := e.Body
					if j, ok := b.(Joined); ok { // the state that comes with it is tested below
						j.State = View{}
						b = j
					}
					got = append(got, b)
				}
				assert.Equal(t, s.want, got, s.name)
				assert.Equal(t, before+uint64(len(events)), v.V, s.name)
			}
		})
	}
}

func TestRosterIsAValue(t *testing.T) {
	v := begin("chan", "call", "alice", "", "", noon)
	v, _ = v.join("alice", "a", true, noon)
	old := v
	v, _ = v.mute("a", false)
	v, _ = v.join("bob", "b", true, noon)
	_, _ = v.leave("a", session.Left)
	assert.False(t, old.People[0].Unmuted, "a later change must not reach an earlier view")
	assert.Len(t, old.People, 1)
}

func TestJoinedCarriesTheState(t *testing.T) {
	v := begin("chan", "call", "alice", "title", "", noon)
	v, _ = v.started()
	v, events := v.join("alice", "a", true, noon)
	state := events[0].Body.(Joined).State
	assert.Equal(t, v, state)
	assert.Equal(t, events[0].V, state.V)
	assert.Equal(t, session.UserID("alice"), state.Host)
}
