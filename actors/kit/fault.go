package kit

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Effect is what an injected fault does.
type Effect string

// The effects. None takes an injected fault back and lets go of who it stalls.
const (
	Panic Effect = "" // the zero value
	Stall Effect = "stall"
	Slow  Effect = "slow"
	Drop  Effect = "drop"
	None  Effect = "none"
)

// Packet is the On of a fault that strikes packets instead of messages.
const Packet = "packet"

// Fault is a failure on purpose, by which supervision is tested and shown. Sent to an actor as a message it makes any kind panic; through Board.Inject it waits
// in the actor's mailbox for messages of a type.
type Fault struct {
	Reason string        // for people
	Do     Effect        // what happens
	On     string        // type of the message, as "session.Muted" or "*actor.Stopping"; empty: any but the actor's own life; Packet: packets
	Count  int           // how many messages it strikes; 0: one, and every one for Slow
	For    time.Duration // how long a Stall lasts, 0: until it is taken back; how much longer a message takes under Slow
}

func (f Fault) String() string { return "injected fault: " + f.Reason }

// Validate says what is wrong with a fault.
func (f Fault) Validate() error {
	switch {
	case f.Do != Panic && f.Do != Stall && f.Do != Slow && f.Do != Drop && f.Do != None:
		return fmt.Errorf("there is no fault %q", string(f.Do))
	case f.Count < 0, f.For < 0:
		return fmt.Errorf("count and duration of a fault must not be negative")
	case f.Do == Slow && f.For == 0:
		return fmt.Errorf("how slow? a fault of this kind needs a duration")
	}
	return nil
}

// affliction is a fault in a mailbox.
type affliction struct {
	Fault
	clock Clock
	left  atomic.Int64 // strikes to come
	once  sync.Once
	over  chan struct{} // closed when it is taken back
}

func newAffliction(f Fault, clock Clock) *affliction {
	a := &affliction{Fault: f, clock: clock, over: make(chan struct{})}
	switch {
	case f.Count > 0:
		a.left.Store(int64(f.Count))
	case f.Do == Slow:
		a.left.Store(1 << 60)
	default:
		a.left.Store(1)
	}
	return a
}

func (a *affliction) release() { a.once.Do(func() { close(a.over) }) }

// meant says whether a message is of the kind that the fault waits for.
func (a *affliction) meant(message any) bool {
	if a.On != "" {
		return fmt.Sprintf("%T", message) == a.On
	}
	switch message.(type) {
	case *actor.Started, *actor.Restarting, *actor.Stopping, *actor.Stopped, *actor.Terminated, Replace:
		return false
	}
	return true
}

// strike counts; deliver is false when the message is to be forgotten, spent when it was the last time.
func (a *affliction) strike() (deliver, spent bool) {
	left := a.left.Add(-1)
	if left < 0 {
		return true, true
	}
	return a.Do != Drop, left == 0
}

// suffer is the part of a strike that takes time, or the actor's life.
func (a *affliction) suffer() {
	switch a.Do {
	case Panic:
		panic(a.Fault)
	case Stall, Slow:
		woken := make(chan struct{})
		if a.For > 0 {
			defer a.clock.AfterFunc(a.For, func() { close(woken) }).Stop()
		}
		select {
		case <-woken:
		case <-a.over:
		}
	}
}

// afflict lets an injected fault loose on a message; false: the message is to be forgotten.
func (m *Mailbox) afflict(a *affliction, message any) (deliver bool) {
	if !a.meant(message) {
		return true
	}
	deliver, spent := a.strike()
	if spent {
		m.fault.CompareAndSwap(a, nil)
	}
	if deliver {
		a.suffer()
	}
	return deliver
}

// packetFault is afflict for a packet. It is called with mu held and returns with it, also when it panics.
func (m *Mailbox) packetFault() (deliver bool) {
	a := m.medFault
	deliver, spent := a.strike()
	if spent {
		m.medFault = nil
	}
	if deliver {
		m.mu.Unlock()
		defer m.mu.Lock()
		a.suffer()
	}
	return deliver
}

// inject arms a fault in place of any other, or takes back what there is.
func (m *Mailbox) inject(f Fault) {
	packets := strings.EqualFold(f.On, Packet)
	a := newAffliction(f, m.clock)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, old := range m.injected { // one that struck for the last time may hold the actor and be armed no more
		old.release()
	}
	m.injected, m.medFault = nil, nil
	m.fault.Store(nil)
	switch {
	case f.Do == None:
		return
	case packets:
		m.medFault = a
	default:
		m.fault.Store(a)
	}
	m.injected = []*affliction{a}
}
