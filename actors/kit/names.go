package kit

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
)

// Kind is what an actor is; the policy table has one row for each.
type Kind uint8

// The kinds of actor. Other is whatever has no row of its own, such as the probes of tests.
const (
	Other Kind = iota
	Root
	Door
	Poller
	Call
	Roster
	Outbox
	Session
	Track
	kinds int = iota
)

var kindNames = [kinds]string{"other", "root", "door", "poller", "call", "roster", "outbox", "session", "track"}

// String is the kind as it stands in names, logs and metrics.
func (k Kind) String() string {
	if int(k) >= kinds {
		return kindNames[Other]
	}
	return kindNames[k]
}

// Name makes the name of an actor below its parent, e.g. "track:voice-0#3".
// The generation is what tells an actor from an earlier one of the same id: a PID kept too long must not reach its successor.
// An id may hold anything, also what a client sent: the characters that mean something in a name are escaped.
func Name[S ~string](kind Kind, id S, generation uint64) string {
	return kind.String() + ":" + url.PathEscape(string(id)) + "#" + strconv.FormatUint(generation, 10)
}

// KindOf reads the kind from the name of an actor; Other when the name was not made by Name.
func KindOf(pid *actor.PID) Kind {
	if pid == nil {
		return Other
	}
	last := pid.Id[strings.LastIndexByte(pid.Id, '/')+1:]
	kind, _, ok := strings.Cut(last, ":")
	if !ok {
		return Other
	}
	for k, name := range kindNames {
		if name == kind {
			return Kind(k)
		}
	}
	return Other
}
