package call

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

// endings are what may end a session, by the reasons that docs/lifecycles.md names. Each is done to alice, who speaks, while bob listens.
var endings = map[session.EndReason][]func(*stage){
	session.Left: {
		func(s *stage) { s.Tell(s.reg.pids["a"], wire.Leave{}) },
		func(s *stage) { s.peers["a"].onEvent(media.Closed{}); s.Run() },
	},
	session.ICEFailed: {func(s *stage) { s.silence("b", session.MediaWindow) }},
	session.Disconnected: {func(s *stage) {
		s.Tell(s.reg.pids["a"], session.SocketLost{Conn: "a"})
		s.silence("b", session.SilentWindow)
	}},
	session.Crashed:            {func(s *stage) { s.crashSession("a") }},
	session.Kicked:             {sentAway(session.Kicked)},
	session.RemovedFromChannel: {sentAway(session.RemovedFromChannel)},
	session.Forbidden:          {sentAway(session.Forbidden)},
	session.SessionRevoked:     {sentAway(session.SessionRevoked)},
	session.RateLimited:        {sentAway(session.RateLimited)},
	session.CallEnded:          {func(s *stage) { s.Tell(s.pid, End{session.CallEnded}); s.Advance(grace) }},
	session.Shutdown:           {func(s *stage) { s.Tell(s.pid, End{session.Shutdown}) }},
}

func sentAway(reason session.EndReason) func(*stage) {
	return func(s *stage) { s.Tell(s.reg.pids["a"], session.End{Reason: reason}) }
}

// silence lets time pass in which only this session is heard.
func (s *stage) silence(heard string, d time.Duration) {
	for range int(d/time.Second) + 1 {
		s.peers[heard].heard = s.Clock.Now()
		s.Advance(time.Second)
	}
}

func (s *stage) crashSession(id session.ID) {
	for range kit.DefaultLimits(kit.Session).Max + 1 {
		s.Tell(s.reg.pids[id], kit.Fault{Reason: "test"})
		s.Advance(time.Second)
	}
}

// speak has a session publish its voice, and gives what the server receives it with.
func (s *stage) speak(id session.ID) {
	s.Tell(s.reg.pids[id], wire.Unmute{})
	s.peers[string(id)].streams = []media.Stream{{MID: "1", Kind: media.Audio, StreamID: "mic"}}
	s.Tell(s.reg.pids[id], wire.SDP{Type: "offer"})
}

// TestLifecycles walks the page: every reason it names has a way to it here, every way leads to that reason, and what must follow follows exactly once.
func TestLifecycles(t *testing.T) {
	page, err := os.ReadFile("../../docs/lifecycles.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "## A session ends")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "What follows")
	var named []session.EndReason
	for _, row := range regexp.MustCompile("(?m)^\\|[^|]*\\|[^|]*\\| `([a-z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		named = append(named, session.EndReason(row[1]))
	}
	require.GreaterOrEqual(t, len(named), 10, "the table of the page was not understood")
	for reason := range endings {
		assert.Contains(t, named, reason, "the page does not name it")
	}
	for _, reason := range named {
		ways := endings[reason]
		assert.NotEmpty(t, ways, "nothing here leads to %s", reason)
		for _, way := range ways {
			t.Run(string(reason), func(t *testing.T) { walk(t, reason, way) })
		}
	}
}

func walk(t *testing.T, reason session.EndReason, way func(*stage)) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.pid, joinOf("bob", "b"))
	s.connect("a")
	s.connect("b")
	s.speak("a")
	require.Len(t, s.spec.saved.tracks, 1)
	s.host.log = nil
	way(s)

	told := s.host.told()
	lefts := slices.DeleteFunc(slices.Clone(told), func(e string) bool { return !strings.Contains(e, "Left a ") })
	require.Len(t, lefts, 1, "told: %v", told)
	assert.True(t, strings.HasSuffix(lefts[0], " "+string(reason)), lefts[0])
	assert.Equal(t, 1, s.peers["a"].closed, "her connection is closed once")
	assert.NotContains(t, s.reg.pids, session.ID("a"))
	assert.Negative(t, s.spec.View().find("a"))
	assert.Empty(t, s.spec.saved.tracks, "nobody is offered her voice any more")

	wholeCall := reason == session.CallEnded || reason == session.Shutdown
	assert.Equal(t, wholeCall, s.ended)
	if wholeCall {
		assert.Equal(t, 1, s.peers["b"].closed)
		return
	}
	assert.Zero(t, s.peers["b"].closed, "bob is none the worse")
	s.Tell(s.reg.pids["b"], wire.RaiseHand{})
	assert.Len(t, s.host.told(), 1)
}
