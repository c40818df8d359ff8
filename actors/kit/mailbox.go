// Package kit is what our actors are made of: a mailbox in which packets and control messages cannot harm each other, a supervision strategy with one table
// of limits, a guard that keeps a stop from being lost, names, timers. It knows protoactor-go and nothing of calls.
package kit

import (
	"context"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

// MailboxOptions say how a mailbox is made. The zero value makes one without a media lane.
type MailboxOptions struct {
	MediaCapacity int                 // packets that may wait; 0: none, every Offer is dropped
	Clock         Clock               // nil: the machine's
	OnFailure     func(guard.Failure) // told of every failed invocation, on the actor's goroutine; it must not block nor panic

	// Keep leaves the control messages that wait when the actor has stopped where they are, for the mailbox of a successor that is made After this one.
	// It is for actors that are stopped and started again from above. Without it they go to the dead letters.
	Keep  bool
	After *Mailbox
}

// Mailbox is the mailbox of one actor. It has three lanes, served in this order:
//
//   - system: the life of the actor, and of those it watches
//   - control: the messages of our own, never dropped, without bound: who can be flooded from outside is limited at the source
//   - media: ring indices of packets; when it is full, the oldest is dropped
//
// A PoisonPill comes last, when all lanes are empty. Nothing is handled before the actor has started or while it waits for a restart, and nothing is lost
// then but the oldest packets. Once the actor is told to stop, nothing more of control and media is handled: it could start what nobody would stop.
// What is left when it has stopped waits for a successor (see Keep) or goes to the dead letters, so that whoever waits for an answer learns it at once.
//
// Control and system messages are run by the Dispatcher. Packets are run by whoever offers them (see Offer and Run, which make it a media.Lane).
type Mailbox struct {
	clock     Clock
	onFailure func(guard.Failure)
	dispatch  func()       // m.process, made once because a method value costs an allocation each time
	media     *Media       // the one message that stands for all packets
	since     atomic.Int64 // Unix nanoseconds at which the running invocation began; 0: none is running
	revoked   atomic.Bool  // the actor was quarantined: a goroutine may still be in it, and must not be listened to
	report    atomic.Pointer[Stuck]

	spec   *Spec           // what the actor was made by; nil: by hand
	board  *Board          // nil: nobody looks
	labels context.Context // by which a watchdog finds the goroutine; nil: it does not look for this one

	mu         sync.Mutex
	inv        actor.MessageInvoker
	dispatcher actor.Dispatcher
	system     *actor.ActorSystem // nil outside an actor system
	self       *actor.PID
	parent     *actor.PID
	entry      actor.Process // what the registry holds for us while the actor lives
	heir       *heir         // what the registry holds since the actor was quarantined
	heirs      []*heir       // old addresses that lead here

	sys, ctl  queue
	med       ring
	poison    any // the PoisonPill, once there is one
	budget    int // messages that this turn may still handle before it lets others run
	started   bool
	scheduled bool // process is queued in the dispatcher
	running   bool // a goroutine is in loop
	suspended bool
	stopping  bool // a Stop was handed over: a Restart after it would raise a dead actor
	keep      bool
	closed    bool
	current   any  // the message that is being handled
	haunting  bool // the actor was quarantined and its goroutine is not back yet

	sysStats, ctlStats, medStats LaneStats // Depth is filled in by Stats

	failed uint64
	last   *guard.Failure
	lastAt time.Time

	born, began time.Time // of the actor, and of its present instance
	instances   uint64
	resumeAt    time.Time // when the restart is due that it waits for
	place       uint64    // in the order of birth

	fault    atomic.Pointer[affliction] // injected, for messages
	medFault *affliction                // injected, for packets
	injected []*affliction              // all that may be holding the actor
}

var _ actor.Mailbox = (*Mailbox)(nil)

// NewMailbox makes the mailbox of one actor.
func NewMailbox(o MailboxOptions) *Mailbox {
	m := &Mailbox{clock: o.Clock, onFailure: o.OnFailure, med: ring{capacity: max(0, o.MediaCapacity)}}
	if m.clock == nil {
		m.clock = RealClock{}
	}
	m.dispatch, m.keep = m.process, o.Keep
	m.media = &Media{box: m}
	if o.After != nil {
		for _, message := range o.After.leftover() {
			m.ctl.push(message)
			m.ctlStats.put(m.ctl.n)
		}
	}
	return m
}

// leftover takes what was kept for a successor.
func (m *Mailbox) leftover() (messages []any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.closed && m.keep && m.ctl.n > 0 {
		message, _ := m.ctl.pop()
		m.ctlStats.Dropped++
		messages = append(messages, message)
	}
	return messages
}

// RegisterHandlers is called by protoactor once, after messages may have come already: the actor's name is known before.
func (m *Mailbox) RegisterHandlers(inv actor.MessageInvoker, d actor.Dispatcher) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inv, m.dispatcher = inv, d
	if owner, ok := inv.(interface {
		Self() *actor.PID
		Parent() *actor.PID
		ActorSystem() *actor.ActorSystem
	}); ok {
		m.self, m.parent, m.system = owner.Self(), owner.Parent(), owner.ActorSystem()
		m.entry, _ = m.system.ProcessRegistry.GetLocal(m.self.Id)
		m.born = m.clock.Now()
		m.joinBoard()
	}
}

// Start lets the mailbox run. Before it, everything is queued.
func (m *Mailbox) Start() {
	m.mu.Lock()
	m.started = true
	m.wake()
}

// PostUserMessage queues a control message, or the PoisonPill. Of a batch every message is queued, the batch itself is not.
func (m *Mailbox) PostUserMessage(message any) {
	body := actor.UnwrapEnvelopeMessage(message)
	if batch, ok := body.(actor.MessageBatch); ok {
		for _, each := range batch.GetMessages() {
			m.PostUserMessage(each)
		}
		return
	}
	m.mu.Lock()
	if m.closed {
		m.late(message)
		return
	}
	if _, ok := body.(*actor.PoisonPill); ok {
		m.poison = body
	} else {
		m.ctl.push(message)
		m.ctlStats.put(m.ctl.n)
	}
	m.wake()
}

// late is where a message goes that raced the actor's end. It is called with mu held and releases it.
func (m *Mailbox) late(message any) {
	h := m.heir
	m.ctlStats.Posted++
	m.ctlStats.Dropped++
	m.mu.Unlock()
	if h != nil {
		h.SendUserMessage(m.self, message)
		return
	}
	m.deadLetter(message)
}

// PostSystemMessage queues a message of the actor system.
func (m *Mailbox) PostSystemMessage(message any) {
	if in, ok := message.(inherit); ok {
		m.inherit(in.heirs)
		return
	}
	m.mu.Lock()
	if m.revoked.Load() {
		m.mu.Unlock()
		m.refuse(message)
		return
	}
	m.sys.push(message)
	m.sysStats.put(m.sys.n)
	m.wake()
}

// Offer queues a packet and does not run it; see Run. When the lane is full, the oldest packet is dropped.
func (m *Mailbox) Offer(index uint64) {
	m.mu.Lock()
	lost := true
	if !m.closed {
		lost = m.med.push(index)
	}
	if lost {
		m.medStats.Dropped++
	}
	m.medStats.put(m.med.n)
	m.mu.Unlock()
}

// Run handles everything that is queued, on the calling goroutine; it does nothing when the mailbox is running already, here or elsewhere.
func (m *Mailbox) Run() {
	m.mu.Lock()
	if m.running || !m.started || m.revoked.Load() {
		m.mu.Unlock()
		return
	}
	m.running = true
	m.loop()
}

// UserMessageCount is the number of messages and packets that wait.
func (m *Mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.ctl.n + m.med.n
	if m.poison != nil {
		n++
	}
	return n
}

// wake has the dispatcher run the mailbox, if there is something to do and nobody at it. It is called with mu held and releases it.
func (m *Mailbox) wake() {
	need := m.started && !m.running && !m.scheduled && m.ready()
	if need {
		m.scheduled = true
	}
	m.mu.Unlock()
	if need {
		m.dispatcher.Schedule(m.dispatch)
	}
}

func (m *Mailbox) ready() bool {
	if m.revoked.Load() {
		return false
	}
	return m.sys.n > 0 || !m.suspended && !m.stopping && (m.ctl.n > 0 || m.med.n > 0 || m.poison != nil)
}

// process is what the dispatcher runs.
func (m *Mailbox) process() {
	m.mu.Lock()
	m.scheduled = false
	if m.running || m.revoked.Load() {
		m.mu.Unlock()
		return
	}
	m.running = true
	if m.labels != nil {
		pprof.SetGoroutineLabels(m.labels)
		defer pprof.SetGoroutineLabels(context.Background())
	}
	m.loop()
}

// loop hands messages over until there are none, or until others must have their turn. It is called with mu held and running set; it releases both.
func (m *Mailbox) loop() {
	m.budget = m.dispatcher.Throughput()
	if m.budget <= 0 {
		m.budget = 300
	}
	for m.ready() {
		if m.budget <= 0 {
			break
		}
		m.budget--
		m.one()
	}
	m.rest()
}

// rest ends a turn: it lets go of the mailbox and has it scheduled again if something is left. It is called with mu held and releases it.
func (m *Mailbox) rest() {
	m.running, m.current = false, nil
	m.since.Store(0)
	if m.haunting {
		m.haunting = false
		m.board.back(m)
	}
	m.wake()
}

// one takes the first message of the first lane that has one and hands it over. It is called with mu held and returns with it.
func (m *Mailbox) one() {
	if msg, ok := m.sys.pop(); ok {
		m.sysStats.Processed++
		m.systemMessage(msg)
		return
	}
	if msg, ok := m.ctl.pop(); ok {
		m.ctlStats.Processed++
		m.current = msg
		m.mu.Unlock()
		m.invoke(msg, m.inv.InvokeUserMessage)
		m.mu.Lock()
		return
	}
	if m.med.n > 0 {
		m.packets()
		return
	}
	pill := m.poison
	m.poison, m.current = nil, pill
	m.mu.Unlock()
	m.invoke(pill, m.inv.InvokeUserMessage)
	m.mu.Lock()
}

// systemMessage is called with mu held and returns with it.
func (m *Mailbox) systemMessage(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox:
		m.suspended = true
		m.noteBoard()
		return
	case *actor.ResumeMailbox:
		m.suspended = false
		m.noteBoard()
		return
	case *actor.Stop:
		m.stopping = true
	case *actor.Restart:
		if m.stopping {
			return // it raced a stop: the actor would come to life without a name, and nobody could stop it ever again
		}
	}
	m.current = msg
	m.mu.Unlock()
	m.invoke(msg, m.inv.InvokeSystemMessage)
	m.mu.Lock()
	if m.stopping && !m.closed && m.gone() {
		m.close()
	}
}

// packets hands the media message over, whose receiver takes one packet after another. It is called with mu held and returns with it.
func (m *Mailbox) packets() {
	before, failures := m.medStats.Processed, m.failed
	m.media.open = true
	m.current = m.media
	m.budget++ // packets are counted one by one
	m.mu.Unlock()
	m.invoke(m.media, m.inv.InvokeUserMessage)
	m.mu.Lock()
	m.media.open = false
	ignored := m.medStats.Processed == before && m.failed == failures && m.sys.n == 0 && m.ctl.n == 0
	if ignored { // an actor that takes no packets would keep us here for ever
		m.medStats.Dropped += uint64(m.med.clear())
	}
}

// invoke calls fn with msg. A panic, or a runtime.Goexit, is a failure of the actor, which its parent judges. It is called without mu.
func (m *Mailbox) invoke(msg any, fn func(any)) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if reason := recover(); reason != nil {
			if !m.revoked.Load() { // who was quarantined has been judged
				m.fail(msg, reason, debug.Stack())
			}
			return
		}
		// This goroutine is ending and nothing can hold it: the rest of the queue needs another.
		if !m.revoked.Load() {
			m.fail(msg, guard.ErrGoexit, nil)
		}
		m.mu.Lock()
		m.media.open = false
		m.rest()
	}()
	m.since.Store(m.clock.Now().UnixNano())
	fn(msg)
	returned = true
}

// fail counts a failure, suspends the mailbox and tells the parent.
func (m *Mailbox) fail(msg, reason any, stack []byte) {
	f := guard.Failure{Name: fmt.Sprintf("%s handling %T", m.name(), actor.UnwrapEnvelopeMessage(msg)), Reason: reason, Stack: stack}
	m.mu.Lock()
	m.failed++
	m.last, m.lastAt = &f, m.clock.Now()
	m.noteFailure(f)
	m.mu.Unlock()
	m.lose(msg)
	// Telling runs code of others (loggers, subscribers of the event stream), and we are outside every recover here.
	guard.Run("report of a failure", func() {
		if m.onFailure != nil {
			m.onFailure(f)
		}
	}, nil)
	guard.Run("escalation of a failure", func() { m.inv.EscalateFailure(f, msg) }, nil)
}

func (m *Mailbox) name() string {
	if m.self == nil {
		return "actor"
	}
	return m.self.Id
}

// gone says whether the actor has stopped for good: then the registry does not know us any more. protoactor has no other way to tell.
func (m *Mailbox) gone() bool {
	if m.system == nil {
		return false
	}
	p, ok := m.system.ProcessRegistry.GetLocal(m.self.Id)
	return !ok || p != m.entry
}

// close ends the mailbox of an actor that has stopped. It is called with mu held and returns with it.
func (m *Mailbox) close() {
	m.closed = true
	m.poison = nil
	m.medStats.Dropped += uint64(m.med.clear())
	var left []any
	if !m.keep {
		left = m.ctl.takeAll()
	}
	heirs := m.heirs
	m.heirs = nil
	m.ctlStats.Dropped += uint64(len(left))
	m.leaveBoard(false, nil)
	m.mu.Unlock()
	endAll(heirs)
	for _, msg := range left {
		m.deadLetter(msg)
	}
	m.mu.Lock()
}

func (m *Mailbox) deadLetter(msg any) {
	if m.system != nil {
		m.system.DeadLetter.SendUserMessage(m.self, msg)
	}
}

// Media is the message that an actor receives for any number of packets. It is valid during that Receive only.
type Media struct {
	box  *Mailbox
	open bool // a Receive for it is running; guarded by box.mu
}

// IgnoreDeadLetterLogging keeps packets out of logs.
func (*Media) IgnoreDeadLetterLogging() {}

// Next takes the next packet. It is false when there are no more, when a message waits that goes before packets, or when others must have their turn.
// The packet is taken before it is handled: if handling it panics, that packet is lost and the ones behind it are not.
func (md *Media) Next() (index uint64, ok bool) {
	md.box.mu.Lock()
	defer md.box.mu.Unlock()
	return md.next()
}

func (md *Media) next() (index uint64, ok bool) {
	m := md.box
	if !md.open || m.med.n == 0 || m.sys.n > 0 || m.ctl.n > 0 || m.budget <= 0 {
		return 0, false
	}
	m.budget--
	m.medStats.Processed++
	index = m.med.pop()
	if m.medFault != nil && !m.packetFault() {
		return md.next()
	}
	return index, true
}
