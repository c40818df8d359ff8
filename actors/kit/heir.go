package kit

import (
	"fmt"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

const (
	mostHeld  = 1000 // messages kept for an actor that is being replaced
	mostHeirs = 8    // old addresses of one actor that still lead to it
)

// taken is the reason in the Terminated of a quarantined actor, by which the kit tells it from a stop. The library knows small numbers only.
const taken actor.TerminatedReason = 100

// Replace asks a parent, made by a Spec, for a new actor in place of a child that was quarantined. Who has stopped without a Terminated. The parent spawns the
// replacement under a name of the next generation and says By whom; until then messages to Who are kept, afterwards they go to the replacement.
// A child that is not replaced, because it was quarantined or failed too often, ends as others do: with OnGiveUp, and with a Terminated.
type Replace struct {
	Who  *actor.PID
	heir *heir
}

// By names the replacement.
func (r Replace) By(pid *actor.PID) { r.heir.succeed(pid) }

// heir is the process that stands in the registry under the address of a quarantined actor. It keeps what comes until there is a replacement, and leads to
// that afterwards for as long as it lives. So control messages are not lost, and nobody who holds the old address needs to be told.
type heir struct {
	system *actor.ActorSystem
	self   *actor.PID
	why    guard.Failure

	mu    sync.Mutex
	held  []any
	stop  bool // somebody wants the actor stopped
	to    *actor.PID
	ended bool
	older []*heir // of earlier quarantines, which lead here
}

// heirOf finds who stands in for an actor; nil: nobody does.
func heirOf(system *actor.ActorSystem, pid *actor.PID) *heir {
	p, _ := system.ProcessRegistry.GetLocal(pid.Id)
	h, _ := p.(*heir)
	return h
}

// SendUserMessage keeps a message or hands it on.
func (h *heir) SendUserMessage(_ *actor.PID, message any) {
	h.mu.Lock()
	if h.to == nil && !h.ended && len(h.held) < mostHeld {
		h.held = append(h.held, message)
		h.mu.Unlock()
		return
	}
	to := h.to
	h.mu.Unlock()
	if to == nil {
		h.system.DeadLetter.SendUserMessage(h.self, message)
		return
	}
	h.system.Root.Send(to, message)
}

// SendSystemMessage answers who wants to watch. Everything else was meant for the actor that is no more.
func (h *heir) SendSystemMessage(_ *actor.PID, message any) {
	switch m := message.(type) {
	case *actor.Watch:
		tellSystem(h.system, m.Watcher, &actor.Terminated{Who: h.self})
	case inherit: // the replacement was quarantined before it knew
		h.adopt(m.heirs)
	}
}

func (h *heir) adopt(heirs []*heir) {
	h.mu.Lock()
	to, ended := h.to, h.ended
	if to == nil && !ended {
		h.older = append(h.older, heirs...)
	}
	h.mu.Unlock()
	switch {
	case to != nil:
		bequeath(h.system, to, heirs)
	case ended:
		endAll(heirs)
	}
}

// Stop stops the replacement.
func (h *heir) Stop(*actor.PID) {
	h.mu.Lock()
	to := h.to
	h.stop = true
	h.mu.Unlock()
	if to != nil {
		h.system.Root.Stop(to)
	}
}

func (h *heir) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

// succeed hands everything over to the replacement, in order, and ties the life of the old addresses to its. An address that leads back here, as one of a
// replacement under the old name would, is no replacement.
func (h *heir) succeed(to *actor.PID) {
	if to == nil || leadsTo(h.system, to, h) {
		h.end()
		return
	}
	h.mu.Lock()
	if h.ended || h.to != nil {
		h.mu.Unlock()
		return
	}
	for _, message := range h.held {
		h.system.Root.Send(to, message)
	}
	h.held, h.to = nil, to
	all := append(h.older, h)
	h.older = nil
	stop := h.stop
	h.mu.Unlock()
	bequeath(h.system, to, all)
	if stop {
		h.system.Root.Stop(to)
	}
}

func (h *heir) endUnlessSucceeded() {
	h.mu.Lock()
	succeeded := h.to != nil
	h.mu.Unlock()
	if !succeeded {
		h.end()
	}
}

// end gives the address up. What was kept finds nobody.
func (h *heir) end() {
	h.mu.Lock()
	if h.ended {
		h.mu.Unlock()
		return
	}
	h.ended, h.to = true, nil
	held, older := h.held, h.older
	h.held, h.older = nil, nil
	h.mu.Unlock()
	if heirOf(h.system, h.self) == h {
		h.system.ProcessRegistry.Remove(h.self)
	}
	for _, message := range held {
		h.system.DeadLetter.SendUserMessage(h.self, message)
	}
	endAll(older)
}

// leadsTo follows an address and says whether it comes to an heir.
func leadsTo(system *actor.ActorSystem, pid *actor.PID, h *heir) bool {
	for pid != nil {
		next := heirOf(system, pid)
		if next == nil || next == h {
			return next == h
		}
		next.mu.Lock()
		pid = next.to
		next.mu.Unlock()
	}
	return false
}

func endAll(heirs []*heir) {
	for _, h := range heirs {
		h.end()
	}
}

// bequeath ties heirs to the life of an actor.
func bequeath(system *actor.ActorSystem, to *actor.PID, heirs []*heir) {
	p, ok := system.ProcessRegistry.Get(to)
	if !ok {
		endAll(heirs)
		return
	}
	p.SendSystemMessage(to, inherit{heirs})
}

// inherit tells a mailbox which old addresses lead to it. They end with it.
type inherit struct{ heirs []*heir }

// inherit is called without mu.
func (m *Mailbox) inherit(heirs []*heir) {
	m.mu.Lock()
	late := m.closed
	if !late {
		m.heirs = append(m.heirs, heirs...)
		if over := len(m.heirs) - mostHeirs; over > 0 {
			heirs, m.heirs = m.heirs[:over:over], append([]*heir(nil), m.heirs[over:]...)
		} else {
			heirs = nil
		}
	}
	m.mu.Unlock()
	endAll(heirs)
}

func tellSystem(system *actor.ActorSystem, pid *actor.PID, message any) {
	p, _ := system.ProcessRegistry.Get(pid)
	p.SendSystemMessage(pid, message)
}

// Revoke takes a hanging actor away from its goroutine, which cannot be ended: its mailbox is closed, its address leads to whoever replaces it, what is below
// it goes with it, and its parent judges the case like a failure and is asked to Replace it, or told of its end. When the goroutine comes back, it finds its
// context dead and every Fence shut. It is false when the actor has stopped already. Any goroutine may call it; it waits for none.
//
// Those that watch the actor, other than its parent, are not told.
func (m *Mailbox) Revoke() bool {
	return m.revoke(guard.Failure{Name: m.name(), Reason: errQuarantined})
}

func (m *Mailbox) revoke(why guard.Failure) bool {
	m.foretell()
	reason, ok := m.shut(&why)
	if !ok {
		return false
	}
	if m.board != nil {
		for _, b := range m.board.below(m.self.Id) {
			b.foretell()
			b.shut(nil)
		}
	}
	if m.parent != nil {
		tellSystem(m.system, m.parent, &actor.Terminated{Who: m.self, Why: reason})
	}
	return true
}

// foretell runs the hook of whoever made the actor.
func (m *Mailbox) foretell() {
	if m.spec != nil && m.spec.OnRevoke != nil {
		guard.Run("hook of a quarantine", m.spec.OnRevoke, m.spec.OnPanic)
	}
}

// shut closes the mailbox of an actor that may be running. With a reason it leaves an heir behind, if there is somebody to replace the actor.
func (m *Mailbox) shut(why *guard.Failure) (reason actor.TerminatedReason, ok bool) {
	m.mu.Lock()
	if m.closed || m.system == nil {
		m.mu.Unlock()
		return 0, false
	}
	m.revoked.Store(true)
	m.closed = true
	if why != nil && !m.stopping && m.parentLives() {
		m.heir = &heir{system: m.system, self: m.self, why: *why, older: m.heirs}
		m.heirs, reason = nil, taken
	}
	system, control := m.sys.takeAll(), []any(nil)
	if m.heir != nil || !m.keep { // what is kept waits in the mailbox for a successor
		control = m.ctl.takeAll()
	}
	if m.poison != nil {
		control = append(control, m.poison)
	}
	m.poison = nil
	m.medStats.Dropped += uint64(m.med.clear())
	if m.heir == nil {
		m.ctlStats.Dropped += uint64(len(control))
	}
	lost, running := m.current, m.running
	m.leaveBoard(running, why)
	h, heirs := m.heir, m.heirs
	m.heirs = nil
	if h != nil {
		h.held = control
	}
	m.mu.Unlock()

	m.giveUpAddress(h)
	endAll(heirs)
	if h == nil {
		for _, message := range control {
			m.deadLetter(message)
		}
	}
	for _, message := range system {
		m.refuse(message)
	}
	if m.spec != nil {
		m.spec.Strategy.shut()
	}
	if running {
		m.lose(lost)
	}
	return reason, true
}

// parentLives says whether there is somebody who could replace the actor.
func (m *Mailbox) parentLives() bool {
	if m.parent == nil {
		return false
	}
	p, ok := m.system.ProcessRegistry.GetLocal(m.parent.Id)
	_, actual := p.(*actor.ActorProcess)
	return ok && actual
}

// giveUpAddress puts the heir, or nobody, in the actor's place in the registry, and has everybody who has looked it up look again.
func (m *Mailbox) giveUpAddress(h *heir) {
	if m.gone() {
		return
	}
	if h == nil {
		m.system.ProcessRegistry.Remove(m.self)
		return
	}
	m.system.ProcessRegistry.LocalPIDs.GetBucket(m.self.Id).Set(m.self.Id, h)
	m.entry.Stop(m.self) // marks what others have cached as dead; the stop itself comes to a closed mailbox
}

// refuse answers a system message that finds the actor taken away.
func (m *Mailbox) refuse(message any) {
	switch msg := message.(type) {
	case *actor.Watch:
		tellSystem(m.system, msg.Watcher, &actor.Terminated{Who: m.self})
	case *actor.Terminated: // of a child, whose heir would wait for ever
		if h := heirOf(m.system, msg.Who); h != nil {
			h.end()
		}
	case inherit:
		endAll(msg.heirs)
	}
}

// lose tells whoever made the actor of a message that nobody will handle to its end.
func (m *Mailbox) lose(message any) {
	if m.spec == nil || m.spec.OnLost == nil || message == nil {
		return
	}
	body := actor.UnwrapEnvelopeMessage(message)
	guard.Run(fmt.Sprintf("hook of a lost %T", body), func() { m.spec.OnLost(body) }, m.spec.OnPanic)
}
