package kit

import (
	"cmp"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

const mostIncidents = 100 // that a board remembers

// What can befall an actor.
const (
	Failed      = "failed"      // a message ended by a panic or a Goexit
	Reported    = "stuck"       // a message takes suspiciously long
	Quarantined = "quarantined" // it took too long
)

// Board knows the actors that are alive, for people who want to look. Whoever looks waits for no actor: a stuck one shows up like any other.
type Board struct {
	clock   Clock
	version atomic.Uint64

	mu        sync.Mutex
	places    uint64
	live      map[string]*Mailbox
	listed    []*Mailbox // in the order of birth; nil: somebody came or went
	watched   []*Mailbox // those of them that no shard looks after
	haunted   map[*Mailbox]struct{}
	past      [kinds]Totals // of the actors that are gone
	incidents []Incident    // oldest first
}

// NewBoard makes an empty board. The mailboxes of actors on it show its time unless they have a clock of their own; nil: the machine's.
func NewBoard(clock Clock) *Board {
	if clock == nil {
		clock = RealClock{}
	}
	return &Board{clock: clock, live: map[string]*Mailbox{}, haunted: map[*Mailbox]struct{}{}}
}

// Totals are the sums over all actors of a kind, the dead included; all but Alive, Waiting and Haunting only ever grow.
type Totals struct {
	Alive       int
	Waiting     int // messages and packets
	Born        uint64
	Restarts    uint64
	Failures    uint64
	Stuck       uint64 // reports
	Quarantined uint64
	Haunting    int // quarantined, and their goroutines have not come back
	Messages    LaneStats
	Packets     LaneStats
}

func (t *Totals) add(s Stats, restarts uint64) {
	t.Restarts += restarts
	t.Failures += s.Failed
	for _, lane := range []LaneStats{s.System, s.Control} {
		sum(&t.Messages, lane)
	}
	sum(&t.Packets, s.Media)
}

func sum(to *LaneStats, l LaneStats) {
	to.Depth += l.Depth
	to.HighWater = max(to.HighWater, l.HighWater)
	to.Posted += l.Posted
	to.Processed += l.Processed
	to.Dropped += l.Dropped
}

// Incident is something that befell an actor.
type Incident struct {
	At     time.Time
	ID     string
	Kind   Kind
	What   string // Failed, Reported or Quarantined
	During string // type of the message
	Reason string
	Frames []string // of ours
}

// Version grows with everything that happens but the counters: births, ends, failures, restarts, reports.
func (b *Board) Version() uint64 { return b.version.Load() }

// Snapshot is what stands on the board: all actors in the order of their birth, so that a parent comes before its children, and what happened lately.
// Nothing in it changes any more.
func (b *Board) Snapshot() (version uint64, actors []Info, incidents []Incident) {
	version = b.version.Load() // what happens from now on makes this snapshot old
	b.mu.Lock()
	boxes, incidents := b.list(), slices.Clone(b.incidents)
	b.mu.Unlock()
	now := b.clock.Now()
	actors = make([]Info, len(boxes))
	judges := make(map[string]*Strategy, len(boxes))
	for i, m := range boxes {
		actors[i] = m.info(now)
		judges[m.self.Id] = m.spec.Strategy
		if s := judges[actors[i].Parent]; s != nil {
			actors[i].Recent = s.recent(m.self)
		}
	}
	return version, actors, incidents
}

// Counters are the counters of all actors, in the order of Snapshot's as long as the version is the same.
func (b *Board) Counters() (version uint64, stats []Stats) {
	version = b.version.Load()
	b.mu.Lock()
	boxes := b.list()
	b.mu.Unlock()
	stats = make([]Stats, len(boxes))
	for i, m := range boxes {
		stats[i] = m.Stats()
	}
	return version, stats
}

// Totals are the sums by kind.
func (b *Board) Totals() map[Kind]Totals {
	b.mu.Lock()
	boxes, past := b.list(), b.past
	for m := range b.haunted {
		past[m.kind()].Haunting++
	}
	b.mu.Unlock()
	for _, m := range boxes {
		s, restarts := m.counted()
		t := &past[m.kind()]
		t.Alive++
		t.Waiting += s.Control.Depth + s.Media.Depth
		t.add(s, restarts)
	}
	all := make(map[Kind]Totals, kinds)
	for k, t := range past {
		if t.Born > 0 {
			all[Kind(k)] = t
		}
	}
	return all
}

// list is called with mu held. The list itself is never changed, only replaced.
func (b *Board) list() []*Mailbox {
	if b.listed == nil {
		b.listed = make([]*Mailbox, 0, len(b.live))
		for _, m := range b.live {
			b.listed = append(b.listed, m)
		}
		slices.SortFunc(b.listed, func(x, y *Mailbox) int { return cmp.Compare(x.place, y.place) })
	}
	return b.listed
}

// below are the actors under one of this id.
func (b *Board) below(id string) (found []*Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.list() {
		if strings.HasPrefix(m.self.Id, id+"/") {
			found = append(found, m)
		}
	}
	return found
}

// find knows the living, and those who haunt: somebody may want to let them go.
func (b *Board) find(id string) *Mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.live[id]; m != nil {
		return m
	}
	for m := range b.haunted {
		if m.self.Id == id {
			return m
		}
	}
	return nil
}

// Mailbox is the mailbox of an actor that is alive; nil: there is none of this id.
func (b *Board) Mailbox(id string) *Mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live[id]
}

// PID is the address of an actor that is alive; nil: there is none of this id.
func (b *Board) PID(id string) *actor.PID {
	if m := b.Mailbox(id); m != nil {
		return m.self
	}
	return nil
}

// Restart restarts an actor, which is no failure and counts against no limit. One that hangs hears of it when it is back.
func (b *Board) Restart(id string) error {
	m := b.Mailbox(id)
	switch {
	case m == nil:
		return fmt.Errorf("there is no actor %q", id)
	case m.kind() == Root:
		return fmt.Errorf("the root holds everything and cannot be restarted")
	}
	m.PostSystemMessage(&actor.Restart{})
	return nil
}

// Inject arms a fault in an actor, in place of what was armed before. It is an error when there is no such actor or the fault makes no sense.
func (b *Board) Inject(id string, f Fault) error {
	if err := f.Validate(); err != nil {
		return err
	}
	m := b.find(id)
	if m == nil {
		return fmt.Errorf("there is no actor %q", id)
	}
	m.inject(f)
	return nil
}

// ReleaseAll takes every fault back, so that nothing hangs on purpose any more.
func (b *Board) ReleaseAll() {
	b.mu.Lock()
	all := slices.Clone(b.list())
	for m := range b.haunted {
		all = append(all, m)
	}
	b.mu.Unlock()
	for _, m := range all {
		m.inject(Fault{Do: None})
	}
}

func (b *Board) revoke(id string) {
	if m := b.Mailbox(id); m != nil {
		m.Revoke()
	}
}

func (b *Board) note(i Incident) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record(i)
}

// record is called with mu held.
func (b *Board) record(i Incident) {
	t := &b.past[min(int(i.Kind), kinds-1)]
	switch i.What {
	case Reported:
		t.Stuck++
	case Quarantined:
		t.Quarantined++
	}
	if len(b.incidents) == mostIncidents {
		b.incidents = slices.Delete(b.incidents, 0, 1)
	}
	b.incidents = append(b.incidents, i)
	b.version.Add(1)
}

// back is told that the goroutine of a quarantined actor has come back. It may be called with the mailbox's mu held.
func (b *Board) back(m *Mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.haunted, m)
	b.version.Add(1)
}

// The rest is called with the mailbox's mu held, which comes before the board's.

func (m *Mailbox) kind() Kind {
	if m.spec == nil || int(m.spec.Kind) >= kinds {
		return Other
	}
	return m.spec.Kind
}

func (m *Mailbox) joinBoard() {
	b := m.board
	if b == nil {
		return
	}
	if m.kind() != Track { // a shard watches over those
		m.labels = pprof.WithLabels(context.Background(), pprof.Labels(actorLabel, m.self.Id))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.places++
	m.place = b.places
	b.live[m.self.Id] = m
	b.listed, b.watched = nil, nil
	b.past[m.kind()].Born++
	b.version.Add(1)
}

// leaveBoard is for the end; why is not nil when it is a quarantine.
func (m *Mailbox) leaveBoard(running bool, why *guard.Failure) {
	b := m.board
	if b == nil {
		return
	}
	s := m.stats()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live[m.self.Id] == m {
		delete(b.live, m.self.Id)
		b.listed, b.watched = nil, nil
		b.past[m.kind()].add(s, m.restarts())
	}
	if m.revoked.Load() && running {
		m.haunting = true
		b.haunted[m] = struct{}{}
	}
	if why != nil {
		b.record(m.incident(Quarantined, *why))
	}
	b.version.Add(1)
}

func (m *Mailbox) noteBoard() {
	if m.board != nil {
		m.board.version.Add(1)
	}
}

func (m *Mailbox) noteFailure(f guard.Failure) {
	if m.board != nil {
		m.board.note(m.incident(Failed, f))
	}
}

func (m *Mailbox) incident(what string, f guard.Failure) Incident {
	during := ""
	if m.current != nil {
		during = fmt.Sprintf("%T", actor.UnwrapEnvelopeMessage(m.current))
	}
	return Incident{At: m.clock.Now(), ID: m.self.Id, Kind: m.kind(), What: what, During: during, Reason: fmt.Sprint(f.Reason), Frames: Frames(f.Stack)}
}
