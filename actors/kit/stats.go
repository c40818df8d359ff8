package kit

import (
	"time"

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

// Waiting is the number of control messages that wait.
func (m *Mailbox) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ctl.n
}
