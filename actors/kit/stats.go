package kit

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

// LaneStats count one lane of a mailbox. At any moment Posted = Processed + Dropped + Depth, whatever panicked in between.
type LaneStats struct {
	Depth     int    // waiting now
	HighWater int    // most that ever waited
	Posted    uint64 // ever put in
	Processed uint64 // taken out and given to the actor, those it failed on included
	Dropped   uint64 // never given to the actor: pushed out of a full ring, or left over when the actor had stopped
}

func (l *LaneStats) put(depth int) {
	l.Posted++
	l.HighWater = max(l.HighWater, depth)
}

// Stats are a mailbox's counters at one moment.
type Stats struct {
	System, Control, Media LaneStats

	Failed       uint64         // invocations that ended by a panic or by runtime.Goexit
	Last         *guard.Failure // the latest of them; nil when there was none
	LastAt       time.Time
	RunningSince time.Time // start of the invocation that is running now; zero when there is none
	Suspended    bool      // after a failure, until the restart
	Closed       bool      // the actor has stopped for good
}

// Stats reads the counters. It never waits for the actor.
func (m *Mailbox) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats()
}

// stats is called with mu held.
func (m *Mailbox) stats() Stats {
	s := Stats{System: m.sysStats, Control: m.ctlStats, Media: m.medStats, Failed: m.failed, Suspended: m.suspended, Closed: m.closed}
	s.System.Depth, s.Control.Depth, s.Media.Depth = m.sys.n, m.ctl.n, m.med.n
	s.RunningSince = m.RunningSince()
	s.Last, s.LastAt = m.last, m.lastAt
	return s
}

// RunningSince is when the invocation that is running now began; zero when none is. It takes no lock: a watchdog may ask as often as it likes.
func (m *Mailbox) RunningSince() time.Time {
	ns := m.since.Load()
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Waiting is the number of control messages that wait, for the actor or for its replacement.
func (m *Mailbox) Waiting() int {
	m.mu.Lock()
	n, h := m.ctl.n, m.heir
	m.mu.Unlock()
	if h != nil {
		n = h.waiting()
	}
	return n
}

// State is what an actor is doing, in a word.
type State string

// The states. An actor that is quarantined or has stopped is not there any more.
const (
	Idle      State = "idle"
	Busy      State = "busy"      // handles a message, or messages wait
	IsStuck   State = "stuck"     // has handled one message for longer than anybody should
	Suspended State = "suspended" // has failed and waits for its restart
	Ending    State = "stopping"  // waits for those below it
)

// Info is what can be known of an actor without asking it.
type Info struct {
	ID, Parent string // addresses
	Kind       Kind
	Key        string // the id in its name
	Generation uint64
	Label      string // for people

	Born, Began time.Time // the actor, and its present instance
	Restarts    uint64
	State       State
	Wait        time.Duration // Suspended: until the restart
	Running     time.Duration // of the message that is being handled
	Message     string        // its type
	Report      *Stuck        // by the watchdog, on this message
	Recent      int           // failures within the window of its limits
	Stats
}

// info reads everything at once. It never waits for the actor.
func (m *Mailbox) info(now time.Time) Info {
	m.mu.Lock()
	i := Info{ID: m.self.Id, Kind: m.kind(), Born: m.born, Began: m.began, Restarts: m.restarts(), Stats: m.stats()}
	if m.parent != nil {
		i.Parent = m.parent.Id
	}
	stopping, ready, resume := m.stopping, m.ready(), m.resumeAt
	if m.current != nil {
		i.Message = fmt.Sprintf("%T", actor.UnwrapEnvelopeMessage(m.current))
	}
	m.mu.Unlock()
	i.Key, i.Generation = keyOf(i.ID)
	if m.spec != nil {
		i.Label = m.spec.Label
	}
	if r := m.report.Load(); r != nil && r.since == i.RunningSince.UnixNano() {
		i.Report = r
	}
	if !i.RunningSince.IsZero() {
		i.Running = max(0, now.Sub(i.RunningSince))
	}
	switch {
	case i.Running >= StuckAfter:
		i.State = IsStuck
	case i.Stats.Suspended:
		i.State, i.Wait = Suspended, max(0, resume.Sub(now))
	case stopping:
		i.State = Ending
	case ready || !i.RunningSince.IsZero():
		i.State = Busy
	default:
		i.State = Idle
	}
	return i
}

// counted is Stats and the restarts, which belong together in sums.
func (m *Mailbox) counted() (s Stats, restarts uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats(), m.restarts()
}

// restarts is called with mu held.
func (m *Mailbox) restarts() uint64 {
	return max(m.instances, 1) - 1
}

// begin notes a new instance.
func (m *Mailbox) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.instances++
	m.began, m.resumeAt = m.clock.Now(), time.Time{}
	m.noteBoard()
}

// resumes notes when a restart is due.
func (m *Mailbox) resumes(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resumeAt = at
	m.noteBoard()
}
