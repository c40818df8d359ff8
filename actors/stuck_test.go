package actors_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/kit"
)

// TestTrackThatHangs has one track hang, over a packet and over a message, in a call where everybody talks. The loop that it hangs in runs the tracks of all
// the others too, yet they lose nothing, and the track itself goes on under a successor.
func TestTrackThatHangs(t *testing.T) {
	for name, on := range map[string]string{"over a packet": kit.Packet, "over a message": "track.Gate"} {
		t.Run(name, func(t *testing.T) {
			before := lookForTraces()
			w := newWorld(t)
			people := w.talkers(5)
			victim := people[2]
			pids := w.engine.Find(kit.Track, string(victim.id))
			require.Len(t, pids, 1)
			require.NoError(t, w.engine.Inject(pids[0].Id, actors.Fault{Do: "stall", On: on}))
			if on != kit.Packet {
				victim.unmute() // a message that changes nothing
			}
			eventually(t, longEnough, func() string {
				now := w.engine.Find(kit.Track, string(victim.id))
				for _, pid := range now {
					if pid.Id != pids[0].Id {
						return ""
					}
				}
				return fmt.Sprintf("%s has no successor: %v", pids[0].Id, now)
			})
			everybodyHears(t, people, 30)
			nothingLost(t, people, victim)
			var replaced uint64
			for _, l := range w.engine.MediaLoops() {
				replaced += l.Quarantines
			}
			assert.Equal(t, uint64(1), replaced, "loops that hung and were replaced")
			assert.Zero(t, w.host.bodies("Left"), "nobody was thrown out")
			hangUp(t, people)
			eventually(t, longEnough, func() string {
				if len(w.engine.Calls()) > 0 || w.host.bodies("Left") < len(people) {
					return "the call has not ended"
				}
				return ""
			})
			w.close() // the goroutine that hangs is let go by it, and finds every door shut
			before.gone(t)
		})
	}
}
