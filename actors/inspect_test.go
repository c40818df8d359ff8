package actors_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/kit"
	"calls/wire"
)

// talking is a call of two people who hear each other.
func talking(t *testing.T) (w *world, a, b *participant) {
	w = newWorld(t)
	people := w.talkers(2)
	return w, people[0], people[1]
}

// done ends a call in which everybody heard all that was said.
func (w *world) done(people ...*participant) {
	w.t.Helper()
	nothingLost(w.t, people, nil)
	hangUp(w.t, people)
	w.close()
}

// of lists the actors of a kind.
func of(in actors.Inspection, kind kit.Kind) (found []actors.Actor) {
	for _, a := range in.Actors {
		if a.Kind == kind.String() {
			found = append(found, a)
		}
	}
	return found
}

func TestInspectShowsTheTree(t *testing.T) {
	w, a, b := talking(t)
	in := w.engine.Inspect()
	for kind, n := range map[kit.Kind]int{kit.Root: 1, kit.Door: 1, kit.Poller: 1, kit.Call: 1, kit.Roster: 1, kit.Outbox: 1, kit.Session: 2, kit.Track: 2} {
		assert.Len(t, of(in, kind), n, kind.String())
		assert.Equal(t, n, in.Kinds[kind.String()].Actors, kind.String())
	}
	seen := map[string]bool{"": true}
	for _, x := range in.Actors {
		assert.True(t, seen[x.Parent], "the parent of %s stands before it", x.ID)
		seen[x.ID] = true
		assert.NotEmpty(t, x.Name)
		assert.NotEmpty(t, x.Details)
		assert.NotZero(t, x.BornAt)
	}
	s, track := of(in, kit.Session)[0], of(in, kit.Track)[0]
	assert.Equal(t, string(a.user), s.Name)
	assert.Equal(t, string(a.user), s.User)
	assert.Equal(t, string(a.id), s.Session)
	assert.Equal(t, channel, s.Channel)
	assert.Equal(t, "voice", track.Name)
	assert.Equal(t, string(a.id), track.Session)
	assert.Positive(t, track.Media.Processed)
	assert.Zero(t, track.Media.Dropped)
	for _, x := range in.Incidents { // on a busy machine a message may take long
		assert.Equal(t, kit.Reported, x.What, "%+v", x)
	}
	eventually(t, longEnough, func() string { // and that be over, which is something new
		in = w.engine.Inspect()
		everybodyHears(t, []*participant{a, b}, 50) // a voice that is detected meanwhile is no reason for a new version either
		version, counts := w.engine.Counts()
		if in.Version != version {
			return "talk changes more than counters"
		}
		require.Len(t, counts, len(in.Actors))
		i := slices.IndexFunc(in.Actors, func(x actors.Actor) bool { return x.ID == track.ID })
		assert.Greater(t, counts[i].Media.Processed, in.Actors[i].Media.Processed)
		return ""
	})

	text, err := json.Marshal(in)
	require.NoError(t, err)
	var again actors.Inspection
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, in, again)
	metrics, err := json.Marshal(w.engine.Metrics())
	require.NoError(t, err)
	for _, id := range []string{string(a.id), string(a.user), channel} {
		assert.NotContains(t, string(metrics), id)
	}
	w.done(a, b)
}

// TestStalledActors has one actor of each kind hang for good in the middle of a call. Nobody loses a packet by it, and what the actor was sent is done by the
// one that replaces it.
func TestStalledActors(t *testing.T) {
	for name, c := range map[string]struct {
		kind kit.Kind
		on   string // the message it hangs in
	}{
		"session": {kit.Session, "wire.UnraiseHand"},
		"roster":  {kit.Roster, "session.HandMoved"},
		"outbox":  {kit.Outbox, "call.news"},
		"call":    {kit.Call, "session.HandMoved"},
	} {
		t.Run(name, func(t *testing.T) {
			before := lookForTraces()
			w, a, b := talking(t)
			tell(t, a, wire.RaiseHand{})
			eventually(t, longEnough, hands(w, 1))
			victim := of(w.engine.Inspect(), c.kind)[0]
			require.NoError(t, w.engine.Inject(victim.ID, actors.Fault{Reason: "test", Do: "stall", On: c.on}))
			tell(t, a, wire.UnraiseHand{}) // hangs, or makes it hang
			stuck := func() string {
				for _, x := range w.engine.Inspect().Incidents {
					if x.What == kit.Reported && x.Actor == victim.ID && x.During == c.on && len(x.Stack) > 0 {
						return ""
					}
				}
				return "the actor is not reported as stuck"
			}
			eventually(t, longEnough, stuck)
			tell(t, a, wire.RaiseHand{})
			tell(t, a, wire.UnraiseHand{})
			tell(t, a, wire.RaiseHand{})
			eventually(t, longEnough, func() string {
				in := w.engine.Inspect()
				if in.Kinds[c.kind.String()].Quarantined != 1 || in.Kinds[c.kind.String()].Haunting != 1 {
					return fmt.Sprintf("the actor is not quarantined: %+v", in.Kinds[c.kind.String()])
				}
				return ""
			})
			eventually(t, longEnough, func() string {
				if v, _ := w.engine.Call(channel); len(v.People) != 2 || v.People[0].Hand.IsZero() {
					return "the last hand is not up"
				}
				return ""
			})
			everybodyHears(t, []*participant{a, b}, 50)
			assert.Zero(t, w.host.bodies("Left"))
			assert.Contains(t, victim.ID, of(w.engine.Inspect(), c.kind)[0].Parent)

			require.NoError(t, w.engine.Inject(victim.ID, actors.Fault{Do: "none"}))
			eventually(t, longEnough, func() string {
				if w.engine.Metrics()[c.kind.String()].Haunting > 0 {
					return "the goroutine has not come back"
				}
				return ""
			})
			tell(t, b, wire.RaiseHand{})
			eventually(t, longEnough, func() string {
				if v, _ := w.engine.Call(channel); v.People[1].Hand.IsZero() {
					return "the call does not go on"
				}
				return ""
			})
			versions(t, w)
			w.done(a, b)
			before.gone(t)
		})
	}
}

func tell(t *testing.T, p *participant, m wire.Message) {
	t.Helper()
	require.NoError(t, p.Send(m))
}

func hands(w *world, n int) func() string {
	return func() string {
		if got := w.host.bodies("Hand"); got != n {
			return fmt.Sprintf("hands were told %d times, not %d", got, n)
		}
		return ""
	}
}

// versions checks that events were told in order, each once.
func versions(t *testing.T, w *world) {
	t.Helper()
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	for i, e := range w.host.events {
		require.Equal(t, uint64(i+1), e.V, "%T", e.Body)
	}
}

func TestLimitOfStuckActorsChangesWhileOneHangs(t *testing.T) {
	w, a, b := talking(t)
	configure := func(limit time.Duration) {
		require.NoError(t, w.engine.Configure(actors.Config{Listen: netip.MustParseAddrPort("0.0.0.0:0"), Supervision: actors.Supervision{Stuck: limit}}))
	}
	configure(time.Hour)
	victim := of(w.engine.Inspect(), kit.Roster)[0]
	require.NoError(t, w.engine.Inject(victim.ID, actors.Fault{Do: "stall", On: "session.HandMoved"}))
	tell(t, a, wire.RaiseHand{})
	eventually(t, longEnough, func() string {
		x := of(w.engine.Inspect(), kit.Roster)[0]
		if x.RunningMS < 400 || x.State != "stuck" || len(x.Stack) == 0 || !strings.Contains(x.Details, "session.HandMoved") {
			return fmt.Sprintf("the roster does not show that it hangs: %+v", x)
		}
		return ""
	})
	assert.Equal(t, victim.ID, of(w.engine.Inspect(), kit.Roster)[0].ID)
	configure(100 * time.Millisecond)
	eventually(t, longEnough, func() string {
		if x := of(w.engine.Inspect(), kit.Roster); len(x) != 1 || x[0].ID == victim.ID {
			return "the roster is not replaced"
		}
		return ""
	})
	w.done(a, b) // which takes the fault back
}

func TestActionsOfAdmins(t *testing.T) {
	w, a, b := talking(t)
	for _, kind := range []kit.Kind{kit.Track, kit.Session, kit.Roster, kit.Outbox, kit.Call, kit.Door, kit.Poller} {
		before := w.engine.Metrics()[kind.String()]
		require.NoError(t, w.engine.RestartActor(of(w.engine.Inspect(), kind)[0].ID))
		eventually(t, longEnough, func() string {
			if now := w.engine.Metrics()[kind.String()]; now.Restarts == before.Restarts || now.Failures != before.Failures {
				return fmt.Sprintf("%s: %+v", kind, now)
			}
			return ""
		})
		everybodyHears(t, []*participant{a, b}, 10)
	}
	nothingLost(t, []*participant{a, b}, nil)
	require.Error(t, w.engine.RestartActor("nobody"))
	require.Error(t, w.engine.RestartActor(of(w.engine.Inspect(), kit.Root)[0].ID))
	require.ErrorContains(t, w.engine.Inject(of(w.engine.Inspect(), kit.Door)[0].ID, actors.Fault{Do: "explode"}), "no fault")
	require.ErrorContains(t, w.engine.Inject(of(w.engine.Inspect(), kit.Door)[0].ID, actors.Fault{Do: "stall", ForMS: 1 << 40}), "hour")

	poison := of(w.engine.Inspect(), kit.Track)[0]
	require.NoError(t, w.engine.Inject(poison.ID, actors.Fault{Reason: "poison packet", On: kit.Packet}))
	eventually(t, longEnough, func() string {
		x := of(w.engine.Inspect(), kit.Track)[0]
		if x.Last == nil || x.Last.During != "*kit.Media" || !strings.Contains(x.Last.Reason, "poison packet") || x.Recent != 1 {
			return fmt.Sprintf("the track has not failed: %+v", x)
		}
		return ""
	})

	require.Error(t, w.engine.EndSession("nobody"))
	require.NoError(t, w.engine.EndSession(string(b.id)))
	eventually(t, longEnough, func() string {
		if v, _ := w.engine.Call(channel); len(v.People) != 1 {
			return "the session has not ended"
		}
		return ""
	})
	require.Error(t, w.engine.EndCall("elsewhere"))
	require.NoError(t, w.engine.EndCall(channel))
	require.NoError(t, a.Leave()) // as a client does that is told
	eventually(t, longEnough, func() string {
		if len(w.engine.Calls()) > 0 {
			return "the call has not ended"
		}
		return ""
	})
	_, _ = a.Close(), b.Close()
	w.close()
}
