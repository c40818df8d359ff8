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

// keyOf reads id and generation from the name of an actor, as far as it was made by Name.
func keyOf(id string) (key string, generation uint64) {
	_, rest, _ := strings.Cut(id[strings.LastIndexByte(id, '/')+1:], ":")
	key, number, _ := strings.Cut(rest, "#")
	generation, _ = strconv.ParseUint(number, 10, 64)
	if plain, err := url.PathUnescape(key); err == nil {
		key = plain
	}
	return key, generation
}

// lineage is what an actor and those that replace it have in common: the name without the generation.
func lineage(pid *actor.PID) string {
	if i := strings.LastIndexByte(pid.Id, '#'); i > strings.LastIndexByte(pid.Id, '/') {
		return pid.Id[:i]
	}
	return pid.Id
}
