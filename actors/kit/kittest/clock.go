// Package kittest lets actors be tested without a single sleep: time that moves when the test says so, a dispatcher that runs when the test says so, and actors
// that write down what they were told.
package kittest

import (
	"slices"
	"sync"
	"time"

	"calls/actors/kit"
)

// Clock is a kit.Clock that stands still until Advance.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer // in the order in which they were set
}

type timer struct {
	clock *Clock
	at    time.Time
	fn    func()
}

var _ kit.Clock = (*Clock)(nil)

// NewClock makes a clock that shows noon of a day in the past.
func NewClock() *Clock {
	return &Clock{now: time.Date(2024, time.May, 17, 12, 0, 0, 0, time.UTC)}
}

// Now is the virtual time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc has Advance call f.
func (c *Clock) AfterFunc(d time.Duration, f func()) kit.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{clock: c, at: c.now.Add(max(0, d)), fn: f}
	c.timers = append(c.timers, t)
	return t
}

// Stop cancels the timer.
func (t *timer) Stop() bool { return t.clock.remove(t) }

func (c *Clock) remove(t *timer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.timers, t)
	if i < 0 {
		return false
	}
	c.timers = slices.Delete(c.timers, i, i+1)
	return true
}

// Advance moves time on by d and calls the functions of all timers that are due on the way, each at its time, on the calling goroutine.
// Timers set meanwhile count too, so work that a function causes elsewhere must be done by then: World.Advance sees to that.
func (c *Clock) Advance(d time.Duration) { c.advance(d, func() {}) }

// advance calls settle whenever something may have changed.
func (c *Clock) advance(d time.Duration, settle func()) {
	settle()
	end := c.Now().Add(d)
	for {
		fn := c.due(end)
		if fn == nil {
			break
		}
		fn()
		settle()
	}
	c.mu.Lock()
	c.now = end
	c.mu.Unlock()
	settle()
}

// due takes the earliest timer that is due until end and sets the time to its.
func (c *Clock) due(end time.Time) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := -1
	for i, t := range c.timers {
		if !t.at.After(end) && (first < 0 || t.at.Before(c.timers[first].at)) {
			first = i
		}
	}
	if first < 0 {
		return nil
	}
	t := c.timers[first]
	c.timers = slices.Delete(c.timers, first, first+1)
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t.fn
}

// Pending is the number of timers that are set: zero when everything was cancelled.
func (c *Clock) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// Next is how long it is to the next timer; ok is false when none is set.
func (c *Clock) Next() (d time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.timers {
		if left := t.at.Sub(c.now); !ok || left < d {
			d, ok = left, true
		}
	}
	return d, ok
}
