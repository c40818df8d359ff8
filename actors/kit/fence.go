package kit

import (
	"errors"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// errReplaced is what an instance dies of that wakes up after it was quarantined and reaches for something that is not its own any more.
var errReplaced = errors.New("this instance of the actor was replaced")

// errQuarantined is the failure of an actor that somebody else than the Watchdog took away.
var errQuarantined = errors.New("the actor was quarantined")

// Fence stands round what outlives the instances of one actor. One instance at a time is inside; when the next one enters, the one before is out, also if
// it hangs in a Receive somewhere and comes back later. What an instance keeps between two messages it keeps in a copy of its own, and puts it behind the fence
// when the message is done: so a successor finds the state of the last message that was finished, and nobody ever writes what another reads.
//
// The zero value is ready. Functions given to it run under its lock: they must be short, and must not come back to the same fence.
type Fence struct {
	mu    sync.Mutex
	gates int // built so far
	in    *Pass
}

// Gate is the way in for the instances of one incarnation of the actor: whoever makes a Spec builds one for it, and its New enters by it.
type Gate struct {
	fence *Fence
	no    int
}

// Pass is one instance's right to be inside.
type Pass struct{ fence *Fence }

// Gate builds the way in for a new incarnation. Who is inside is out, and nobody enters by an older gate any more.
func (f *Fence) Gate() *Gate {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gates++
	f.in = nil
	return &Gate{f, f.gates}
}

// Enter lets an instance in and everybody else out. take, which may be nil, is where it takes over what there is.
func (g *Gate) Enter(take func()) *Pass {
	f := g.fence
	f.mu.Lock()
	defer f.mu.Unlock()
	if g.no != f.gates {
		panic(errReplaced)
	}
	f.in = &Pass{f}
	if take != nil {
		take()
	}
	return f.in
}

// Look runs fn, for others than the actor.
func (f *Fence) Look(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

// Try runs fn, if the instance is still inside.
func (p *Pass) Try(fn func()) (ok bool) {
	p.fence.mu.Lock()
	defer p.fence.mu.Unlock()
	if p.fence.in != p {
		return false
	}
	fn()
	return true
}

// Do runs fn and ends the Receive of an instance that is not inside any more.
func (p *Pass) Do(fn func()) {
	if !p.Try(fn) {
		panic(errReplaced)
	}
}

// fenced is the context that an instance gets: whoever comes back from a quarantine can neither send nor spawn nor stop anything through it.
type fenced struct {
	actor.Context
	box *Mailbox
}

func (f *fenced) check() {
	if f.box.revoked.Load() {
		panic(errReplaced)
	}
}

// Send and its kin are refused after a quarantine.
func (f *fenced) Send(pid *actor.PID, message any) {
	f.check()
	f.Context.Send(pid, message)
}

func (f *fenced) Request(pid *actor.PID, message any) {
	f.check()
	f.Context.Request(pid, message)
}

func (f *fenced) RequestWithCustomSender(pid *actor.PID, message any, sender *actor.PID) {
	f.check()
	f.Context.RequestWithCustomSender(pid, message, sender)
}

func (f *fenced) Respond(response any) {
	f.check()
	f.Context.Respond(response)
}

func (f *fenced) Forward(pid *actor.PID) {
	f.check()
	f.Context.Forward(pid)
}

func (f *fenced) Stop(pid *actor.PID) {
	f.check()
	f.Context.Stop(pid)
}

func (f *fenced) Poison(pid *actor.PID) {
	f.check()
	f.Context.Poison(pid)
}

func (f *fenced) Watch(pid *actor.PID) {
	f.check()
	f.Context.Watch(pid)
}

// Spawn and its kin are refused after a quarantine; a child that came to life while it began has no parent and goes again.
func (f *fenced) Spawn(props *actor.Props) *actor.PID {
	f.check()
	pid := f.Context.Spawn(props)
	f.adopt(pid)
	return pid
}

func (f *fenced) SpawnPrefix(props *actor.Props, prefix string) *actor.PID {
	f.check()
	pid := f.Context.SpawnPrefix(props, prefix)
	f.adopt(pid)
	return pid
}

func (f *fenced) SpawnNamed(props *actor.Props, name string) (*actor.PID, error) {
	f.check()
	pid, err := f.Context.SpawnNamed(props, name)
	if err == nil {
		f.adopt(pid)
	}
	return pid, err
}

func (f *fenced) adopt(pid *actor.PID) {
	if !f.box.revoked.Load() {
		return
	}
	if b := f.box.board; b != nil {
		b.revoke(pid.Id)
	}
	f.Context.Stop(pid)
	panic(errReplaced)
}
