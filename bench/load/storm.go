package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"calls/bench/client"
	"calls/guard"
)

// Storm is what many joins at once cost.
type Storm struct {
	Connected    []time.Duration // from the request until media can flow and the data channel is open, in order
	Failed       int
	First        error         // why the first of them failed
	CPU          time.Duration // of the forwarder, until the last had connected
	Negotiations int           // descriptions that the forwarder sent to those who joined

	// Of the people who were in the call before: what was sent to them and what came, from before the storm until it was all over, and how late it came until the
	// last had connected.
	Expected, Came uint64
	Delays         client.Histogram
}

// Quantile is the time that the share q of those who connected took at most.
func (s Storm) Quantile(q float64) time.Duration {
	if len(s.Connected) == 0 {
		return 0
	}
	return s.Connected[min(int(q*float64(len(s.Connected))), len(s.Connected)-1)]
}

// Lost is how many packets did not come to those who were in the call before.
func (s Storm) Lost() uint64 { return s.Expected - min(s.Came, s.Expected) }

// RunStorm has one person talk to a few, and then n people join the same call at the same moment.
func RunStorm(ctx context.Context, srv Server, n int) (s Storm, err error) {
	c, err := gather(ctx, srv, Workload{Calls: 1, People: 1 + samples, Voices: 1})
	if err != nil {
		return s, err
	}
	defer c.disperse()
	before := &crowd{hub: c.hub, people: slices.Clone(c.people), w: c.w}
	if !before.settle(ctx) {
		return s, errors.Join(errors.New("those in the call do not hear each other"), ctx.Err())
	}
	before.all(participant.pause)
	before.drain(ctx)
	delays := before.delays()
	sent, came, _ := before.counts()
	before.all(participant.resume)
	c.w.People += n
	s, err = c.storm(ctx, srv, n, func() client.Histogram {
		after := before.delays()
		return after.Since(&delays)
	})
	before.all(participant.pause)
	before.drain(ctx)
	sentAfter, cameAfter, _ := before.counts()
	s.Expected, s.Came = (sentAfter-sent)*samples, cameAfter-came
	return s, err
}

// storm lets n more people in. delays are asked for when the last has connected.
func (c *crowd) storm(ctx context.Context, srv Server, n int, delays func() client.Histogram) (s Storm, err error) {
	var joins []participant
	for range n {
		p, err := c.add(srv)
		if err != nil {
			return s, err
		}
		joins = append(joins, p)
	}
	user0, sys0, err := srv.CPU()
	if err != nil {
		return s, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range joins {
		wg.Add(1)
		guard.Go("join", func() {
			defer wg.Done()
			began := time.Now()
			err := p.join(ctx, srv.Signalling, callName(0))
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.Failed++
				if s.First == nil {
					s.First = err
				}
				return
			}
			s.Connected = append(s.Connected, took)
		}, nil)
	}
	wg.Wait()
	user1, sys1, err := srv.CPU()
	s.CPU, s.Delays = user1+sys1-user0-sys0, delays()
	slices.Sort(s.Connected)
	c.settle(ctx) // the last offers come after the connections
	for _, p := range joins {
		s.Negotiations += p.negotiations()
	}
	if len(s.Connected) == 0 {
		err = errors.Join(err, s.First)
	}
	return s, err
}
