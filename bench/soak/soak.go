// Package soak looks for what grows: people come and go, talk, share, lose their sockets, and actors crash, for as long as one likes. After each round everybody has
// left, and of what there is then there must be no more in the second half of the rounds than in the first.
package soak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"calls/actors"
	"calls/bench/client"
	"calls/bench/sfu/calls"
)

const (
	stepWait  = time.Minute            // for one thing that somebody does, on a machine however busy
	restWait  = time.Minute            // for what ends a little later
	restCalm  = 6 * time.Second        // in which nothing more ends: longer than any wait of the engine's for somebody who does not go by himself
	lookEvery = 100 * time.Millisecond // while waiting
	heapSlack = 0.05                   // by how much the heap may differ between two rounds
	heapGrain = 512 << 10              // and at least by so many bytes: it is small
)

// Options are what the command line says.
type Options struct {
	Rounds int
	Length time.Duration // of a round
	Every  time.Duration // between two things that happen
	Calls  int
	People int // in all calls together, at most
	Seed   uint64
	Heap   string // folder for a profile of the heap after each round; empty: none
	Addr   netip.Addr
}

// Parse reads the command line.
func Parse(args []string, addr netip.Addr) (Options, error) {
	o := Options{Addr: addr}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.IntVar(&o.Rounds, "rounds", 10, "how many rounds; the second half is compared with the first")
	f.DurationVar(&o.Length, "length", time.Minute, "how long a round is")
	f.DurationVar(&o.Every, "every", 150*time.Millisecond, "between two things that happen")
	f.IntVar(&o.Calls, "calls", 2, "how many calls there may be")
	f.IntVar(&o.People, "people", 10, "how many people there may be in all calls together")
	f.Uint64Var(&o.Seed, "seed", 1, "of what happens")
	f.StringVar(&o.Heap, "heap", "", "folder for a profile of the heap after each round")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.Rounds < 2 || o.Length <= 0 || o.Every <= 0 || o.Calls < 1 || o.People < 2 {
		return o, errors.New("soak: at least two rounds of some length, some time between two things, one call and two people")
	}
	return o, nil
}

// Sample is what there is when everybody has left.
type Sample struct {
	Goroutines  int
	Descriptors int
	Actors      int
	Heap        uint64 // bytes, after two collections
	Done        map[string]int
}

// Grown says what there is more of than there was earlier.
func Grown(before, after Sample) error {
	var errs []error
	for what, n := range map[string][2]int{
		"goroutines": {before.Goroutines, after.Goroutines}, "descriptors": {before.Descriptors, after.Descriptors}, "actors": {before.Actors, after.Actors},
	} {
		if n[1] > n[0] {
			errs = append(errs, fmt.Errorf("%d %s, began with %d", n[1], what, n[0]))
		}
	}
	if after.Heap > before.Heap+max(heapGrain, uint64(float64(before.Heap)*heapSlack)) {
		errs = append(errs, fmt.Errorf("heap of %d KiB, began with %d", after.Heap>>10, before.Heap>>10))
	}
	return errors.Join(errs...)
}

// director has things happen.
type director struct {
	o      Options
	host   *calls.Host
	chance *rand.Rand
	made   uint32
	people []*person
	done   map[string]int
}

// Run runs all rounds and gives a sample of each.
func Run(ctx context.Context, o Options, out func(round int, s Sample)) (samples []Sample, err error) {
	unlimited := actors.Limits{MaxRestarts: 1 << 30, Window: time.Minute, BackoffMin: time.Millisecond, BackoffMax: time.Millisecond}
	host, err := calls.New(actors.Config{
		Listen: netip.AddrPortFrom(o.Addr, 0), Advertise: []netip.Addr{o.Addr},
		Supervision: actors.Supervision{Track: unlimited, Session: unlimited, Call: unlimited, Roster: unlimited, Outbox: unlimited},
	}, nil)
	if err != nil {
		return nil, err
	}
	d := &director{o: o, host: host, chance: rand.New(rand.NewPCG(o.Seed, 0))}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepWait)
		defer cancel()
		err = errors.Join(err, host.Engine.Close(closing))
	}()
	for n := range o.Rounds {
		s, err := d.round(ctx)
		if err != nil {
			return samples, fmt.Errorf("round %d: %w", n+1, err)
		}
		samples = append(samples, s)
		out(n+1, s)
		if err := o.profile(n + 1); err != nil {
			return samples, err
		}
	}
	return samples, nil
}

// round is one, with the sample at its end.
func (d *director) round(ctx context.Context) (Sample, error) {
	d.done = map[string]int{}
	tick := time.NewTicker(d.o.Every)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < d.o.Length; {
		select {
		case <-ctx.Done():
			return Sample{}, ctx.Err()
		case <-tick.C:
		}
		if err := d.step(ctx); err != nil {
			return Sample{}, err
		}
	}
	for len(d.people) > 0 {
		if err := d.leave(d.people[0]); err != nil {
			return Sample{}, err
		}
	}
	d.rest()
	if left := d.host.Engine.Calls(); len(left) > 0 {
		return Sample{}, fmt.Errorf("%d calls are on, with nobody in them", len(left))
	}
	return d.look(), nil
}

// rest waits until all that comes to its end has done so: until for some time nothing has become less.
func (d *director) rest() {
	least, since := 1<<30, time.Now()
	for deadline := time.Now().Add(restWait); time.Now().Before(deadline) && time.Since(since) < restCalm; {
		if now := runtime.NumGoroutine() + len(d.host.Engine.Inspect().Actors) + len(d.host.Engine.Calls()); now < least {
			least, since = now, time.Now()
		}
		time.Sleep(lookEvery)
	}
}

// profile writes down who holds what.
func (o Options) profile(round int) error {
	if o.Heap == "" {
		return nil
	}
	f, err := os.Create(filepath.Join(o.Heap, fmt.Sprintf("round-%d.heap", round)))
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

func (d *director) look() Sample {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	entries, _ := os.ReadDir("/proc/self/fd")
	return Sample{
		Goroutines: runtime.NumGoroutine(), Descriptors: len(entries), Actors: len(d.host.Engine.Inspect().Actors), Heap: m.HeapAlloc, Done: d.done,
	}
}

// deeds are what may happen, as often as they stand here.
var deeds = []string{"join", "join", "join", "leave", "vanish", "reconnect", "reconnect", "talk", "talk", "talk", "share", "share", "hand", "crash"}

// step has something happen.
func (d *director) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepWait)
	defer cancel()
	what := deeds[d.chance.IntN(len(deeds))]
	if len(d.people) < 2 {
		what = "join"
	}
	var err error
	switch p := d.somebody(); what {
	case "join":
		if len(d.people) >= d.o.People {
			return nil
		}
		err = d.join(ctx)
	case "leave":
		err = d.leave(p)
	case "vanish":
		err = p.Close()
		d.forget(p)
	case "reconnect":
		p.reconnect()
	case "talk":
		err = p.talk(ctx)
	case "share":
		err = d.share(ctx, p)
	case "hand":
		p.Client.Send(p.Hand())
	case "crash":
		d.crash()
	}
	d.done[what]++
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (d *director) somebody() *person {
	if len(d.people) == 0 {
		return nil
	}
	return d.people[d.chance.IntN(len(d.people))]
}

func (d *director) join(ctx context.Context) error {
	d.made++
	p, err := enter(ctx, d.host, d.o.Addr, d.made, fmt.Sprintf("chan%022d", d.chance.IntN(d.o.Calls)))
	if err == nil {
		d.people = append(d.people, p)
	}
	return err
}

func (d *director) leave(p *person) error {
	err := p.Leave()
	d.forget(p)
	return err
}

// forget is for one who has gone, one way or another.
func (d *director) forget(p *person) {
	p.gone()
	d.people = slices.DeleteFunc(d.people, func(o *person) bool { return o == p })
}

// share has somebody share a screen, or cease to. Where somebody else shares, nothing happens.
func (d *director) share(ctx context.Context, p *person) error {
	if p.sharing {
		p.sharing = false
		return p.Unshare(ctx)
	}
	if slices.ContainsFunc(d.people, func(o *person) bool { return o.Channel == p.Channel && o.sharing }) {
		return nil
	}
	p.sharing = true
	return p.Share(ctx, client.Picture{})
}

// crash has some actor fail, of those whose failures calls live with.
func (d *director) crash() {
	var all []actors.Actor
	for _, a := range d.host.Engine.Inspect().Actors {
		if slices.Contains([]string{"call", "roster", "outbox", "session", "track"}, a.Kind) {
			all = append(all, a)
		}
	}
	if len(all) > 0 {
		_ = d.host.Engine.CrashActor(all[d.chance.IntN(len(all))].ID, "soak") // it may have ended just now
	}
}

// Command is `bench soak`.
func Command(ctx context.Context, args []string, addr netip.Addr, stdout io.Writer) error {
	o, err := Parse(args, addr)
	if err != nil {
		return err
	}
	samples, err := Run(ctx, o, func(round int, s Sample) {
		fmt.Fprintf(stdout, "round %2d: goroutines %d, descriptors %d, actors %d, heap %d KiB; %v\n", round, s.Goroutines, s.Descriptors, s.Actors, s.Heap>>10, s.Done)
	})
	if err != nil {
		return err
	}
	half := len(samples) / 2
	return Grown(Least(samples[:half]), Least(samples[half:]))
}

// Least is the least that there was of each in some samples: what is kept for later by the one or other cache comes and goes, what leaks does not.
func Least(samples []Sample) Sample {
	least := samples[0]
	for _, s := range samples[1:] {
		least.Goroutines, least.Descriptors = min(least.Goroutines, s.Goroutines), min(least.Descriptors, s.Descriptors)
		least.Actors, least.Heap = min(least.Actors, s.Actors), min(least.Heap, s.Heap)
	}
	return least
}
