package actors_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/kit"
	"calls/bench/client"
)

// TestTrackThatHangs has one track hang, over a packet and over a message, in a call where everybody talks. The loop that it hangs in runs the tracks of all
// the others too, yet they lose nothing, and the track itself goes on under a successor.
func TestTrackThatHangs(t *testing.T) {
	for name, on := range map[string]string{"over a packet": kit.Packet, "over a message": "track.Gate"} {
		t.Run(name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), descriptors()
			w := newWorld(t)
			var people []*participant
			for n := 1; n <= 5; n++ {
				people = append(people, w.join(n))
			}
			for _, p := range people {
				p.unmute()
			}
			everybodyHears(t, people, 20)
			victim := people[2]
			pids := w.engine.Find(kit.Track, string(victim.id))
			require.Len(t, pids, 1)
			require.NoError(t, w.engine.Inject(pids[0].Id, actors.Fault{Do: "stall", On: on}))
			if on != kit.Packet {
				victim.unmute() // a message that changes nothing
			}
			eventually(t, 5*time.Second, func() string {
				now := w.engine.Find(kit.Track, string(victim.id))
				for _, pid := range now {
					if pid.Id != pids[0].Id {
						return ""
					}
				}
				return fmt.Sprintf("%s has no successor: %v", pids[0].Id, now)
			})
			everybodyHears(t, people, 30)
			for _, p := range people {
				for _, o := range people {
					if p == o {
						continue
					}
					got := p.Received(o.origin, client.Audio)
					assert.Zero(t, got.Counts.Repeated, "%d of %d", p.origin, o.origin)
					assert.Zero(t, got.Counts.Lost(), "%d of %d (victim is %d)", p.origin, o.origin, victim.origin)
				}
				for _, s := range p.Streams() {
					assert.Zero(t, s.Seq.Repeated, "no sequence number twice")
				}
			}
			var replaced uint64
			for _, l := range w.engine.MediaLoops() {
				replaced += l.Quarantines
			}
			assert.Equal(t, uint64(1), replaced, "loops that hung and were replaced")
			assert.Zero(t, w.host.bodies("Left"), "nobody was thrown out")
			for _, p := range people {
				require.NoError(t, p.Leave())
				_ = p.Close()
			}
			eventually(t, 5*time.Second, func() string {
				if len(w.engine.Calls()) > 0 || w.host.bodies("Left") < len(people) {
					return "the call has not ended"
				}
				return ""
			})
			w.close() // the goroutine that hangs is let go by it, and finds every door shut
			eventually(t, 10*time.Second, func() string {
				if g, f := runtime.NumGoroutine(), descriptors(); g > goroutines || f > files {
					return fmt.Sprintf("%d goroutines and %d descriptors, began with %d and %d\n%s", g, f, goroutines, files, stacks())
				}
				return ""
			})
		})
	}
}
