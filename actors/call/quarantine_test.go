package call

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

// revoke quarantines an actor, as the watchdog does with one that hangs. Here nothing hangs: what a goroutine does that comes back is the kit's to test.
func (s *stage) revoke(pid *actor.PID) {
	box := s.spec.ports.Session.Board.Mailbox(pid.Id)
	require.NotNil(s.T, box, pid.Id)
	require.True(s.T, box.Revoke())
}

// latest is the address of the only actor of a kind.
func (s *stage) latest(kind kit.Kind) *actor.PID {
	_, actors, _ := s.spec.ports.Session.Board.Snapshot()
	var found []string
	for _, a := range actors {
		if a.Kind == kind {
			found = append(found, a.ID)
		}
	}
	require.Len(s.T, found, 1)
	return actor.NewPID(s.pid.Address, found[0])
}

func TestQuarantineIsContained(t *testing.T) {
	for name, c := range map[string]struct {
		victim func(s *stage) *actor.PID
		times  int
		ends   bool
		alice  bool // is in afterwards
	}{
		"roster is replaced":     {func(s *stage) *actor.PID { return s.latest(kit.Roster) }, 1, false, true},
		"outbox is replaced":     {func(s *stage) *actor.PID { return s.latest(kit.Outbox) }, 1, false, true},
		"session is replaced":    {func(s *stage) *actor.PID { return s.reg.pids["a"] }, 1, false, true},
		"call is replaced":       {func(s *stage) *actor.PID { return s.latest(kit.Call) }, 1, false, true},
		"session over its limit": {func(s *stage) *actor.PID { return s.reg.pids["a"] }, kit.DefaultLimits(kit.Session).Max + 1, false, false},
		"roster over its limit":  {func(s *stage) *actor.PID { return s.latest(kit.Roster) }, kit.DefaultLimits(kit.Roster).Max + 1, true, false},
		"outbox over its limit":  {func(s *stage) *actor.PID { return s.latest(kit.Outbox) }, kit.DefaultLimits(kit.Outbox).Max + 1, true, false},
		"call over its limit":    {func(s *stage) *actor.PID { return s.latest(kit.Call) }, kit.DefaultLimits(kit.Call).Max + 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, joinOf("alice", "a"))
			s.Tell(s.pid, joinOf("bob", "b"))
			s.connect("a")
			s.connect("b")
			for range c.times {
				s.revoke(c.victim(s))
				s.Advance(time.Second)
			}
			require.Equal(t, c.ends, s.ended)
			if c.ends {
				assert.False(t, s.spec.Done())
				s.spec.Abandon(func() {})
				assert.Contains(t, s.host.log, "close post")
				assert.Positive(t, s.peers["a"].closed)
				assert.Empty(t, s.reg.pids)
				_, left, _ := s.spec.ports.Session.Board.Snapshot()
				assert.Empty(t, left, "nobody is left behind")
				return
			}
			assert.Equal(t, c.alice, s.spec.View().find("a") >= 0)
			assert.Equal(t, c.alice, s.peers["a"].closed == 0, "the connection is closed at an end only")
			assert.Zero(t, s.peers["b"].closed)
			s.host.log = nil
			s.Tell(s.reg.pids["b"], wire.RaiseHand{})
			assert.Len(t, s.host.told(), 1, "and the call goes on")
			if c.alice {
				s.Tell(s.reg.pids["a"], wire.RaiseHand{})
				assert.Len(t, s.host.told(), 1)
			}
		})
	}
}

func TestNothingSentToAQuarantinedActorIsLost(t *testing.T) {
	for name, kind := range map[string]kit.Kind{"roster": kit.Roster, "outbox": kit.Outbox} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, joinOf("alice", "a"))
			s.host.log = nil
			s.revoke(s.latest(kind))
			s.Tell(s.reg.pids["a"], wire.Unmute{})
			s.Tell(s.reg.pids["a"], wire.RaiseHand{})
			s.Tell(s.pid, joinOf("bob", "b"))
			s.Advance(time.Second)
			assert.Equal(t, []string{"3 Muted", "4 Hand", "5 Joined b post=post"}, s.host.told())
		})
	}
	t.Run("session", func(t *testing.T) {
		s := newStage(t, joinOf("alice", "a"))
		s.connect("a")
		s.host.log = nil
		at := s.reg.pids["a"]
		s.revoke(at)
		s.Tell(at, wire.Unmute{})
		s.Tell(at, wire.RaiseHand{})
		s.peers["a"].onEvent(media.ChannelMessage{Text: true, Data: []byte("ping")})
		s.Advance(time.Second)
		assert.Equal(t, []string{"3 Muted", "4 Hand"}, s.host.told())
		assert.NotEqual(t, at, s.reg.pids["a"])
	})
}

func TestCallThatLostItsOnlyJoinEnds(t *testing.T) {
	s := newStage(t, joinOf("alice", "a"))
	s.Tell(s.reg.pids["a"], wire.Leave{})
	s.Advance(saveEvery)
	require.True(t, s.ended)

	empty := newStageOf(t, &fakeHost{failing: map[string]int{}}, joinOf("alice", "a"))
	require.NoError(t, empty.spec.ports.Session.Board.Inject(empty.pid.Id, kit.Fault{Reason: "test", On: "call.Join"}))
	empty.Tell(empty.pid, joinOf("alice", "a"))
	assert.Equal(t, []string{"a fault"}, empty.refused)
	assert.Contains(t, empty.reg.forgot, session.ID("a"))
	assert.Empty(t, empty.spec.Expected())
	empty.Advance(grace + time.Second)
	assert.True(t, empty.ended)
	assert.True(t, empty.spec.Done())
	assert.Empty(t, empty.host.told(), "nobody has heard of it")
}
