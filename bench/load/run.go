package load

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"calls/bench/client"
)

const (
	joinsAtOnce  = 8
	publishLimit = 20 * time.Second
	samples      = 4                      // people of a run whose packets are decrypted
	settleSlice  = time.Second            // in which the rate must be right before a run is measured
	settleLimit  = 15 * time.Second       // a forwarder that gets there no sooner is measured as it is
	quiet        = 400 * time.Millisecond // without a packet: all have come
	drainLimit   = 10 * time.Second
)

// Server is a forwarder under test, and where its people live.
type Server struct {
	Signalling string // its address
	Addr       netip.Addr
	Raw        bool // it is the limit
	// CPU reads the processor time that the forwarder used so far.
	CPU func() (user, sys time.Duration, err error)
	// Before and After are called around what is measured; either may be nil.
	Before, After func() error
}

// Result is what a run measured.
type Result struct {
	Seconds   float64
	Expected  uint64 // packets that should have been forwarded
	Forwarded uint64 // packets that came
	Padded    uint64 // beside them: padding of the forwarder's own
	User, Sys time.Duration
	Delays    client.Histogram
	Settled   bool // the rate was right before the run began
}

// Loss is the share of packets that did not come, 0 to 1.
func (r Result) Loss() float64 {
	if r.Expected == 0 || r.Forwarded >= r.Expected {
		return 0
	}
	return 1 - float64(r.Forwarded)/float64(r.Expected)
}

// participant is a person, or what stands for one at the limit.
type participant interface {
	join(ctx context.Context, server, call string) error
	publish(ctx context.Context) error
	sends() bool
	pause()
	resume()
	sent() uint64
	received() (packets, padded uint64)
	delays() client.Histogram // of samples
	negotiations() int
	close()
}

// crowd is the people of a run.
type crowd struct {
	hub    *Hub
	people []participant
	w      Workload
}

// add makes the next participant.
func (c *crowd) add(srv Server) (participant, error) {
	i := len(c.people)
	// The last people of the first call are samples: they listen where anybody only listens.
	sampled := i < c.w.People && i >= c.w.People-samples
	r := c.w.role(i % c.w.People)
	var p participant
	if srv.Raw {
		raw, err := newRawPerson(c.hub, srv.Addr, uint32(i+1), r, sampled)
		if err != nil {
			return nil, err
		}
		p = raw
	} else {
		p = newPerson(c.hub, srv.Addr, uint32(i+1), r, sampled)
	}
	c.people = append(c.people, p)
	return p, nil
}

// gather lets everybody in: those who send first, for a forwarder may have nothing to offer to others before.
func gather(ctx context.Context, srv Server, w Workload) (*crowd, error) {
	h, err := NewHub()
	if err != nil {
		return nil, err
	}
	c := &crowd{hub: h, w: w}
	var senders, listeners []func() error
	for i := range w.Calls * w.People {
		p, err := c.add(srv)
		if err != nil {
			c.disperse()
			return nil, err
		}
		join := func() error { return p.join(ctx, srv.Signalling, callName(i/w.People)) }
		if p.sends() {
			senders = append(senders, join)
		} else {
			listeners = append(listeners, join)
		}
	}
	err = atOnce(senders)
	for _, p := range c.people {
		if err == nil {
			err = publish(ctx, p)
		}
	}
	if err == nil {
		err = atOnce(listeners)
	}
	if err != nil {
		c.disperse()
		return nil, err
	}
	return c, nil
}

// publish gives a forwarder that does not answer less time than the whole run has.
func publish(ctx context.Context, p participant) error {
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	return p.publish(ctx)
}

// atOnce runs jobs, some at a time, and returns the first failure.
func atOnce(jobs []func() error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var first error
	slots := make(chan struct{}, joinsAtOnce)
	for _, job := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := job()
			mu.Lock()
			defer mu.Unlock()
			if first == nil {
				first = err
			}
		})
		mu.Lock()
		stop := first != nil
		mu.Unlock()
		if stop {
			break
		}
	}
	wg.Wait()
	return first
}

func (c *crowd) disperse() {
	var wg sync.WaitGroup
	for _, p := range c.people {
		wg.Go(p.close)
	}
	wg.Wait()
	c.hub.Close()
}

func (c *crowd) counts() (sent, received, padded uint64) {
	for _, p := range c.people {
		sent += p.sent()
		r, d := p.received()
		received, padded = received+r, padded+d
	}
	return sent, received, padded
}

// settle waits until packets come at the rate they should.
func (c *crowd) settle(ctx context.Context) bool {
	for deadline := time.Now().Add(settleLimit); time.Now().Before(deadline) && ctx.Err() == nil; {
		_, before, _ := c.counts()
		began := time.Now()
		time.Sleep(settleSlice)
		_, after, _ := c.counts()
		if float64(after-before) >= 0.97*float64(c.w.Rate())*time.Since(began).Seconds() {
			return true
		}
	}
	return false
}

// drain waits until nothing more comes: what a busy machine still has on its way is late, not lost.
func (c *crowd) drain(ctx context.Context) {
	_, last, _ := c.counts()
	for deadline := time.Now().Add(drainLimit); time.Now().Before(deadline) && ctx.Err() == nil; {
		time.Sleep(quiet)
		_, now, _ := c.counts()
		if now == last {
			return
		}
		last = now
	}
}

// Run lets a crowd in and measures for so long. The senders pause before and after, so that every packet sent in between is either received or lost.
func Run(ctx context.Context, srv Server, w Workload, length time.Duration) (Result, error) {
	c, err := gather(ctx, srv, w)
	if err != nil {
		return Result{}, err
	}
	defer c.disperse()
	r := Result{Settled: c.settle(ctx)}
	c.all(participant.pause)
	c.drain(ctx)
	if srv.Before != nil {
		if err := srv.Before(); err != nil {
			return r, err
		}
	}
	delays := c.delays()
	sent0, received0, padded0 := c.counts()
	user0, sys0, err := srv.CPU()
	if err != nil {
		return r, err
	}
	began := time.Now()
	c.all(participant.resume)
	select {
	case <-time.After(length):
	case <-ctx.Done():
		return r, ctx.Err()
	}
	c.all(participant.pause)
	r.Seconds = time.Since(began).Seconds()
	c.drain(ctx)
	user1, sys1, err := srv.CPU()
	if err != nil {
		return r, err
	}
	sent1, received1, padded1 := c.counts()
	r.User, r.Sys = user1-user0, sys1-sys0
	r.Expected = (sent1 - sent0) * uint64(w.People-1)
	r.Forwarded, r.Padded = received1-received0, padded1-padded0
	after := c.delays()
	r.Delays = after.Since(&delays)
	if srv.After != nil {
		err = srv.After()
	}
	return r, err
}

// all tells everybody, at the same time: pausing one waits for its sender.
func (c *crowd) all(do func(participant)) {
	var wg sync.WaitGroup
	for _, p := range c.people {
		if p.sends() {
			wg.Go(func() { do(p) })
		}
	}
	wg.Wait()
}

func (c *crowd) delays() (sum client.Histogram) {
	for _, p := range c.people {
		d := p.delays()
		sum.Merge(&d)
	}
	return sum
}

func callName(n int) string { return fmt.Sprintf("call%022d", n) }
