package kit

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Limits say how often actors of a kind may be restarted.
type Limits struct {
	Max        int           // restarts allowed within Window; the failure after that is one too many
	Window     time.Duration // how long a failure counts
	BackoffMin time.Duration // wait before the first restart; it doubles with every failure in the window
	BackoffMax time.Duration // longest wait
}

// Validate says what is wrong with the limits, in words that an admin can use.
func (l Limits) Validate() error {
	switch {
	case l.Max < 0:
		return errors.New("the number of restarts must not be negative")
	case l.Window <= 0:
		return errors.New("the window must be longer than zero")
	case l.BackoffMin < 0:
		return errors.New("the first back-off must not be negative")
	case l.BackoffMax < l.BackoffMin:
		return errors.New("the longest back-off must not be shorter than the first")
	}
	return nil
}

// Consequence is what happens to an actor that fails more often than its limits allow.
type Consequence uint8

const (
	// Stop ends that actor alone. Its parent is told through OnGiveUp first, and decides what that means for itself.
	Stop Consequence = iota
	// Escalate makes the parent fail in its turn, so that the parent is restarted, and all its children with it.
	Escalate
	// Persist goes on restarting with the longest back-off: for the few that nothing works without.
	Persist
)

// table is the one place where it stands who may fail how often, and what comes after that. The limits are defaults, which an admin can change; the
// consequences are not for choice. A track's first restart comes after a millisecond: less than the time between two packets.
var table = [kinds]struct {
	limits Limits
	over   Consequence
}{
	Other: {Limits{Max: 3, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Stop},

	// The root has no row that could be reached: nobody supervises it, so whatever panics in it is caught by its guard.
	Root: {Limits{Max: 3, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Persist},

	// Without a door nobody can join any call, without a poller nobody is ever removed.
	Door:   {Limits{Max: 5, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: 2 * time.Second}, Persist},
	Poller: {Limits{Max: 5, Window: time.Minute, BackoffMin: 100 * time.Millisecond, BackoffMax: 4 * time.Second}, Persist},

	// The parent of a roster or an outbox is its call, which then ends itself; the parent of a call is the root, which then closes the call's books.
	Call:   {Limits{Max: 3, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Stop},
	Roster: {Limits{Max: 5, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Stop},
	Outbox: {Limits{Max: 5, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Stop},

	// One participant never ends another's call.
	Session: {Limits{Max: 3, Window: time.Minute, BackoffMin: 10 * time.Millisecond, BackoffMax: time.Second}, Stop},

	Track: {Limits{Max: 5, Window: 10 * time.Second, BackoffMin: time.Millisecond, BackoffMax: 200 * time.Millisecond}, Escalate},
}

// Over is what happens to an actor of this kind that is over its limits.
func (k Kind) Over() Consequence {
	if int(k) >= kinds {
		k = Other
	}
	return table[k].over
}

// DefaultLimits are the limits of a kind until somebody sets others.
func DefaultLimits(k Kind) Limits {
	if int(k) >= kinds {
		k = Other
	}
	return table[k].limits
}

// Policies hold the limits in force. They may be changed at any time: the next failure is judged by the new ones.
type Policies struct {
	// Jitter is the chance in back-offs, in [0, 1); nil: random. Set it before anything runs.
	Jitter func() float64

	rows [kinds]atomic.Pointer[Limits]
}

// NewPolicies makes policies with the limits of the table.
func NewPolicies() *Policies {
	p := &Policies{}
	for k := range p.rows {
		l := table[k].limits
		p.rows[k].Store(&l)
	}
	return p
}

// Get reads the limits in force for a kind.
func (p *Policies) Get(k Kind) Limits {
	if int(k) >= kinds {
		k = Other
	}
	return *p.rows[k].Load()
}

// Set changes the limits of a kind; limits that make no sense are refused and change nothing.
func (p *Policies) Set(k Kind, l Limits) error {
	if int(k) >= kinds {
		return fmt.Errorf("there is no kind of actor with number %d", k)
	}
	if err := l.Validate(); err != nil {
		return fmt.Errorf("limits of %s: %w", k, err)
	}
	p.rows[k].Store(&l)
	return nil
}
