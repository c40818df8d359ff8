package actors

import (
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
)

// Find lists the addresses of the actors of a kind whose name contains text.
func (e *Engine) Find(kind kit.Kind, text string) (found []*actor.PID) {
	for _, bucket := range e.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for id := range bucket.Items() {
			pid := actor.NewPID(e.system.Address(), id)
			if kit.KindOf(pid) == kind && strings.Contains(id, text) {
				found = append(found, pid)
			}
		}
	}
	return found
}

// Tell sends a message to an actor.
func (e *Engine) Tell(pid *actor.PID, msg any) { e.system.Root.Send(pid, msg) }
