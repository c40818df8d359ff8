package call

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"calls/actors/session"
	"calls/wire"
)

// table is a call that ann hosts; ben is unmuted, shares and has a hand up, cat is unmuted with two sessions.
func table() View {
	return View{Channel: "ch", Call: "call", V: 7, Host: "ann", ScreenSession: "b", ScreenUser: "ben", People: []Person{
		{User: "ann", Session: "a", Unmuted: true}, {User: "ben", Session: "b", Unmuted: true, Hand: time.Unix(1, 0)},
		{User: "cat", Session: "c", Unmuted: true}, {User: "cat", Session: "d"},
	}}
}

func TestWhatAHostMayDo(t *testing.T) {
	for _, c := range []struct {
		name string
		act  Host
		told string
		to   []session.ID
	}{
		{"mute", Host{Act: Mute, By: "ann", Session: "b"}, "mute b to [ben] v7", []session.ID{"b"}},
		{"mute who is muted", Host{Act: Mute, By: "ann", Session: "d"}, "", nil},
		{"mute who is not in", Host{Act: Mute, By: "ann", Session: "x"}, "", nil},
		{"mute by somebody else", Host{Act: Mute, By: "ben", Session: "c"}, "", nil},
		{"mute by an admin", Host{Act: Mute, By: "root", Admin: true, Session: "c"}, "mute c to [cat] v7", []session.ID{"c"}},
		{"mute the others", Host{Act: MuteOthers, By: "ann"}, "mute b to [ben] v7, mute c to [cat] v7", []session.ID{"b", "c"}},
		{"screen", Host{Act: ScreenOff, By: "ann", Session: "b"}, "screen_off b to [ben] v7", []session.ID{"b"}},
		{"screen of one who does not share", Host{Act: ScreenOff, By: "ann", Session: "c"}, "", nil},
		{"hand", Host{Act: LowerHand, By: "ann", Session: "b"}, "lower_hand b to [ben] v7, hand of b down v8", nil},
		{"hand that is down", Host{Act: LowerHand, By: "ann", Session: "c"}, "", nil},
		{"remove", Host{Act: Remove, By: "ann", Session: "c"}, "remove c to [ann ben cat] v7", []session.ID{"c"}},
		{"remove oneself", Host{Act: Remove, By: "ann", Session: "a"}, "", nil},
		{"hand over", Host{Act: MakeHost, By: "ann", User: "ben"}, "host ben v8", nil},
		{"hand over to oneself", Host{Act: MakeHost, By: "ann", User: "ann"}, "", nil},
		{"hand over to somebody who is not in", Host{Act: MakeHost, By: "ann", User: "eve"}, "", nil},
		{"take over", Host{Act: MakeHost, By: "ben", User: "ben"}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			next, events, to := table().host(c.act)
			told := ""
			for _, e := range events {
				if told != "" {
					told += ", "
				}
				switch b := e.Body.(type) {
				case Hosted:
					told += fmt.Sprintf("%s %s to %v v%d", b.Act, b.Session, b.To, e.V)
					assert.Equal(t, c.act.By, b.Host)
				case Hand:
					assert.True(t, b.At.IsZero())
					told += fmt.Sprintf("hand of %s down v%d", b.Session, e.V)
				case HostChanged:
					told += fmt.Sprintf("host %s v%d", b.Host, e.V)
					assert.Equal(t, b.Host, next.Host)
				}
			}
			assert.Equal(t, c.told, told)
			assert.Equal(t, c.to, to)
		})
	}
}

func TestAHostActsThroughTheCall(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, joinOf("bob", "b"))
	s.connect("a")
	s.connect("b")
	s.Tell(s.reg.pids["b"], wire.Unmute{})
	s.Tell(s.reg.pids["b"], wire.React{Emoji: wire.Emoji{Name: "wave"}})
	s.Tell(s.reg.pids["b"], wire.ScreenOn{ScreenStreamID: "s"})
	s.host.log = nil
	s.Tell(s.pid, Host{Act: MuteOthers, By: "alice"})
	s.Tell(s.pid, Host{Act: ScreenOff, By: "alice", Session: "b"})
	s.Tell(s.pid, Host{Act: Remove, By: "bob", Session: "a"})
	v := s.spec.View()
	assert.Empty(t, v.ScreenSession)
	assert.False(t, v.People[1].Unmuted, "done, whatever the client does about it")
	s.Tell(s.pid, Host{Act: Remove, By: "alice", Session: "b"})
	assert.Len(t, s.spec.View().People, 2, "the client has a moment to go by itself")
	s.Advance(4 * time.Second)
	assert.Len(t, s.spec.View().People, 1)
	s.Tell(s.pid, Expel{User: "alice", Reason: session.RemovedFromChannel})
	s.Advance(saveEvery)
	assert.Equal(t, []string{"5 Hosted", "6 Muted", "6 Hosted", "7 Screen", "7 Hosted", "8 Left b kicked", "9 Left a removed_from_channel"}, s.host.told())
}

func TestAReactionChangesNothing(t *testing.T) {
	v, now := table(), time.Unix(5, 0)
	e := v.react("b", session.Emoji{Name: "wave"}, now)
	assert.Equal(t, []Event{{Channel: "ch", Call: "call", V: 7, Body: Reacted{User: "ben", Session: "b", Emoji: session.Emoji{Name: "wave"}, At: now, To: []session.UserID{"ann", "ben", "cat"}}}}, e)
	assert.Empty(t, v.react("x", session.Emoji{Name: "wave"}, now))
}
