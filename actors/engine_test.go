package actors_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/session"
	"calls/bench/client"
	"calls/wire"
)

func TestTwoPeopleTalk(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	people := w.talkers(2)
	a, b := people[0], people[1]
	everybodyHears(t, people, 30)
	nothingLost(t, people, nil)

	a.Mute()
	eventually(t, longEnough, func() string {
		if w.host.bodies("Muted") < 3 {
			return "the mute was not told"
		}
		return ""
	})
	require.NoError(t, a.Leave())
	require.NoError(t, b.Leave())
	eventually(t, longEnough, func() string {
		if w.host.bodies("Left") < 2 || len(w.engine.Calls()) > 0 || w.host.closed == 0 {
			return "the call has not ended"
		}
		return ""
	})
	versions(t, w)
	w.host.mu.Lock()
	defer w.host.mu.Unlock()
	assert.Equal(t, 1, w.host.posts)
	assert.Empty(t, w.host.records)
}

// Stock clients put their microphone on one of the lines that the server offers ahead, which then carries a voice each way. More of them than lines, so that the
// server offers anew after that.
func TestMicrophonesOnLinesOfTheServers(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	var people []*participant
	for n := 1; n <= 7; n++ {
		p := w.enter(n, channel, client.Config{Reports: true, AddTrack: true})
		defer func() { _ = p.Close() }()
		people = append(people, p)
	}
	for _, p := range people {
		eventually(t, longEnough, func() string {
			if !slices.Contains(p.wire(), "client's answer") {
				return "there is no line of the server's yet"
			}
			return ""
		})
		p.unmute()
	}
	everybodyHears(t, people, 30)
	for _, p := range people {
		require.NoError(t, p.Err())
		for _, o := range people {
			got := p.Received(o.origin, client.Audio)
			assert.Zero(t, got.Counts.Repeated)
			assert.Zero(t, got.Switches)
		}
	}
	people[0].Mute()
	require.NoError(t, people[1].Leave())
	everybodyHears(t, people[2:], 30)
	people[0].unmute()
	everybodyHears(t, append(people[2:], people[0]), 30)
}

func TestMutedMeansThatNothingLeaves(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	a, b := w.join(1), w.join(2)
	defer func() { _, _ = a.Close(), b.Close() }()
	a.unmute()
	heard := func() uint64 { return b.Received(1, client.Audio).Counts.Received }
	eventually(t, longEnough, func() string {
		if heard() < 20 {
			return fmt.Sprintf("heard %d packets", heard())
		}
		return ""
	})
	require.NoError(t, a.Send(wire.Mute{})) // the client goes on sending: the server alone must hold it back
	eventually(t, longEnough, func() string {
		if w.host.bodies("Muted") < 2 {
			return "the mute was not told"
		}
		return ""
	})
	eventually(t, longEnough, func() string { // what was on its way may still come
		before, sent := heard(), a.Sent(client.Audio)
		eventually(t, longEnough, func() string {
			if a.Sent(client.Audio) < sent+50 {
				return "the client does not send"
			}
			return ""
		})
		if more := heard() - before; more > 0 {
			return fmt.Sprintf("%d packets of one who is muted were heard", more)
		}
		return ""
	})
}

func TestScreenReachesAllOthers(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	var people []*participant
	for n := 1; n <= 4; n++ {
		people = append(people, w.join(n))
	}
	defer func() {
		for _, p := range people {
			_ = p.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
	defer cancel()
	share := func(sharer *participant, round uint64) {
		require.NoError(t, sharer.Share(ctx, client.Picture{}))
		eventually(t, longEnough, func() string {
			for _, p := range people {
				if p == sharer {
					continue
				}
				var whole uint64
				for _, s := range p.Streams() {
					if s.Kind == client.Screen {
						whole += s.Frames.Complete
						if s.Packets > 0 && !s.Frames.FromKey {
							t.Errorf("participant %d got a screen that did not begin with a key frame", p.origin)
						}
					}
				}
				if whole < 15*round {
					return fmt.Sprintf("participant %d has %d whole frames", p.origin, whole)
				}
			}
			return ""
		})
		require.NoError(t, sharer.Unshare(ctx))
		eventually(t, longEnough, func() string {
			if v, _ := w.engine.Call(channel); v.ScreenSession != "" {
				return "the screen is still held"
			}
			return ""
		})
	}
	share(people[0], 1)
	share(people[0], 2) // the second share must be seen too
}

// TestPanicInOneTrack is what the project is for: of ten people who talk, one's track fails again and again, and nobody loses a packet.
func TestPanicInOneTrack(t *testing.T) {
	for name, kind := range map[string]kit.Kind{"track": kit.Track, "session": kit.Session, "roster": kit.Roster, "outbox": kit.Outbox, "call": kit.Call} {
		t.Run(name, func(t *testing.T) {
			before := lookForTraces()
			w := newWorld(t)
			people := w.talkers(10)
			victim := people[3]
			text := map[kit.Kind]string{kit.Track: string(victim.id), kit.Session: string(victim.id)}[kind]
			for n := range 3 {
				pids := w.engine.Find(kind, text)
				require.Len(t, pids, 1)
				w.engine.Tell(pids[0], kit.Fault{Reason: t.Name()})
				eventually(t, longEnough, func() string {
					if now := w.engine.Metrics()[kind.String()]; now.Failures != uint64(n+1) || now.Restarts != uint64(n+1) {
						return fmt.Sprintf("it has not come back for the %dth time: %+v", n+1, now)
					}
					return ""
				})
				everybodyHears(t, people, 20) // the victim's stream goes on
			}
			nothingLost(t, people, victim)
			eventually(t, longEnough, func() string {
				if n := w.host.bodies("Joined"); n != 10 {
					return fmt.Sprintf("%d joins were told", n)
				}
				return ""
			})
			assert.Zero(t, w.host.bodies("Left"), "nobody was thrown out")
			hangUp(t, people)
			w.close()
			before.gone(t)
		})
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	w.host.refuse = &wire.Error{Code: "forbidden", Message: "forbidden"}
	w.engine.Join("conn-x", "user-x", wire.Join{ChannelID: channel})
	eventually(t, longEnough, func() string {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		if len(w.host.refused) != 1 || w.host.refused[0] != "conn-x forbidden" {
			return fmt.Sprint("refusals: ", w.host.refused)
		}
		return ""
	})
	w.engine.Signal("conn-x", "user-x", wire.Reconnect{ChannelID: channel, OriginalConnID: "conn-x", PrevConnID: "conn-x"})
	eventually(t, longEnough, func() string {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		if len(w.host.refused) != 2 || w.host.refused[1] != "conn-x disconnected" {
			return fmt.Sprint("refusals: ", w.host.refused)
		}
		return ""
	})
}

func TestSessionsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	a := w.join(1)
	defer func() { _ = a.Close() }()
	w.engine.Signal(session.ConnID(a.id), "somebody-else", wire.Leave{})
	w.engine.Signal("other-conn", "somebody-else", wire.Reconnect{ChannelID: channel, OriginalConnID: string(a.id), PrevConnID: string(a.id)})
	w.engine.Signal("other-conn", "somebody-else", wire.RaiseHand{})
	require.NoError(t, a.Send(wire.RaiseHand{}))
	eventually(t, longEnough, func() string {
		if w.host.bodies("Hand") != 1 {
			return "one hand should be up"
		}
		return ""
	})
	v, ok := w.engine.Call(channel)
	require.True(t, ok)
	assert.Len(t, v.People, 1)
}
