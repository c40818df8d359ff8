package faults

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"calls/actors"
	"calls/bench/load"
	"calls/bench/machine"
	"calls/bench/sfu/calls"
)

const (
	crashEvery = 100 * time.Millisecond
	calmDown   = 2 * time.Second
	warmUp     = time.Second
	pause      = 500 * time.Millisecond
	settleWait = time.Minute // for what ends, or comes, a little later on a busy machine
	heapSlack  = 0.05
	heapJudged = 20 // seconds: a shorter run is ruled by caches that still grow to their size
)

// Line is what crashing actors of one kind did.
type Line struct {
	Kind        string  `json:"kind"`
	Failures    uint64  `json:"failures"`
	LostOthers  int64   `json:"lost_others"`  // packets, of streams that neither start nor end at the victim
	LostVictims int64   `json:"lost_victims"` // packets, of those that do
	SeqBreaks   uint64  `json:"seq_breaks"`   // sequence numbers given twice, or gaps
	Dropped     uint64  `json:"kernel_drops"` // datagrams that the kernel threw away because the machine had no time for those before
	ResumeP50   float64 `json:"resume_p50_ms"`
	ResumeP99   float64 `json:"resume_p99_ms"`
	ResumeMax   float64 `json:"resume_max_ms"`
	Resumes     int     `json:"resumes"` // that these are taken from
	GapP99      float64 `json:"gap_p99_ms"`
	GapMax      float64 `json:"gap_max_ms"`

	GoroutinesBefore  int    `json:"goroutines_before"`
	GoroutinesAfter   int    `json:"goroutines_after"`
	DescriptorsBefore int    `json:"descriptors_before"`
	DescriptorsAfter  int    `json:"descriptors_after"`
	HeapBefore        uint64 `json:"heap_before"` // bytes after two collections, without the buffers of the clients
	HeapAfter         uint64 `json:"heap_after"`

	Asked   uint64  `json:"crashes_asked"`
	Backoff float64 `json:"backoff_ms"`
	Seconds float64 `json:"seconds"`
	Seed    uint64  `json:"seed"`
	Load    float64 `json:"machine_load"`
	machine.Facts
}

// Wrong is what a line says that must not be; timing is left out, for it depends on what else the machine does.
func (l Line) Wrong() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(l.Kind+": "+format, args...))
		}
	}
	wrong(l.Failures != l.Asked, "%d crashes were asked for, %d came", l.Asked, l.Failures)
	wrong(l.Resumes == 0, "nothing went on after a crash")
	forgiven := int64(l.Dropped) * (perCall - 1) // one datagram is for so many listeners at most
	wrong(l.LostOthers < 0 || l.LostOthers > forgiven, "those who were not hit lost %d packets; %d datagrams were dropped by the kernel", l.LostOthers, l.Dropped)
	wrong(l.LostVictims < 0 || l.LostVictims > forgiven, "those who were hit lost %d packets; %d datagrams were dropped by the kernel", l.LostVictims, l.Dropped)
	wrong(l.SeqBreaks > uint64(forgiven), "%d sequence numbers came twice or were left out", l.SeqBreaks)
	wrong(l.GoroutinesAfter > l.GoroutinesBefore, "%d goroutines, began with %d", l.GoroutinesAfter, l.GoroutinesBefore)
	wrong(l.DescriptorsAfter > l.DescriptorsBefore, "%d descriptors, began with %d", l.DescriptorsAfter, l.DescriptorsBefore)
	wrong(l.Seconds >= heapJudged && float64(l.HeapAfter) > float64(l.HeapBefore)*(1+heapSlack), "heap of %d KiB, began with %d", l.HeapAfter>>10, l.HeapBefore>>10)
	return errors.Join(errs...)
}

// Late says whether a track came back later than it should: after more than the gap that anybody sees plus two milliseconds.
func (l Line) Late() bool { return l.Kind == "track" && l.ResumeP99 > l.GapP99+2 }

// Options are what the command line says.
type Options struct {
	Kinds   []string
	Length  time.Duration
	Backoff time.Duration
	JSON    bool
	Seed    uint64
	Calls   int
	Addr    netip.Addr
	Root    string
}

// Parse reads the command line.
func Parse(args []string, addr netip.Addr, root string) (Options, error) {
	o := Options{Addr: addr, Root: root}
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	seconds := f.Int("seconds", 60, "how long actors of each kind are crashed, ten a second")
	f.IntVar(&o.Calls, "calls", 10, "how many calls")
	kinds := f.String("kind", "", "call, roster, outbox, session, track; several with commas; empty: all")
	f.DurationVar(&o.Backoff, "backoff", time.Millisecond, "wait before each restart")
	f.BoolVar(&o.JSON, "json", false, "one line of JSON for each kind instead of a table")
	f.Uint64Var(&o.Seed, "seed", 1, "of the choice of victims")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var ok bool
	if o.Kinds, ok = kindsOf(*kinds); !ok || f.NArg() > 0 || *seconds < 1 || o.Calls < 1 || o.Backoff < 0 {
		return o, errors.New("faults: kinds are call, roster, outbox, session and track; at least one second and one call; no back-off below zero")
	}
	o.Length = time.Duration(*seconds) * time.Second
	return o, nil
}

// limits are so high that no number of crashes has a consequence.
func limits(backoff time.Duration) actors.Limits {
	return actors.Limits{MaxRestarts: 1 << 30, Window: time.Minute, BackoffMin: backoff, BackoffMax: backoff}
}

// Measure crashes actors of one kind after the other, in the same calls.
func Measure(ctx context.Context, o Options, progress io.Writer, out func(Line) error) (err error) {
	runtime.MemProfileRate = sampleRate
	l := limits(o.Backoff)
	host, err := calls.New(actors.Config{
		Listen: netip.AddrPortFrom(o.Addr, 0), Advertise: []netip.Addr{o.Addr},
		Supervision: actors.Supervision{Track: l, Session: l, Call: l, Roster: l, Outbox: l},
	}, nil)
	if err != nil {
		return err
	}
	hub, err := load.NewHub()
	if err != nil {
		return err
	}
	w := &world{host: host, hub: hub}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinWait)
		defer cancel()
		err = errors.Join(err, w.close(closing))
	}()
	fmt.Fprintf(progress, "%d calls of %d tracks with %d receivers each ...\n", o.Calls, perCall*perPerson, perCall-1)
	if err := w.fill(ctx, o.Addr, o.Calls); err != nil {
		return err
	}
	// Once unmeasured: maps and pools grow to their size.
	for _, kind := range o.Kinds {
		if _, err := w.crash(ctx, Options{Length: warmUp, Seed: o.Seed}, kind); err != nil {
			return err
		}
	}
	facts := machine.Look(o.Root)
	for _, kind := range o.Kinds {
		fmt.Fprintf(progress, "%-8s ", kind)
		line, err := w.crash(ctx, o, kind)
		if err != nil {
			return err
		}
		line.Facts = facts
		fmt.Fprintf(progress, "%d failures, lost by others %d, by those hit %d, broken numbers %d, back after %.1f ms (p99 %.1f), gaps elsewhere p99 %.1f ms\n",
			line.Failures, line.LostOthers, line.LostVictims, line.SeqBreaks, line.ResumeP50, line.ResumeP99, line.GapP99)
		if err := out(line); err != nil {
			return err
		}
	}
	return nil
}

// crash crashes actors of a kind for the whole length, and counts.
func (w *world) crash(ctx context.Context, o Options, kind string) (Line, error) {
	line := Line{Kind: kind, Backoff: o.Backoff.Seconds() * 1000, Seed: o.Seed, Load: machine.Load()}
	b := newBooks(w)
	breaks0, repeats0 := w.numbering()
	line.GoroutinesBefore, line.DescriptorsBefore, line.HeapBefore = runtime.NumGoroutine(), descriptors(), w.heap()
	failed0, dropped0 := w.host.Engine.Metrics()[kind].Failures, machine.DroppedHere()
	packet, event := b.packet, b.event
	w.seen.Store(&packet)
	w.event.Store(&event)
	defer w.seen.Store(nil)
	defer w.event.Store(nil)
	began := time.Now()
	chance := rand.New(rand.NewPCG(o.Seed, uint64(len(kind))))
	tick := time.NewTicker(crashEvery)
	defer tick.Stop()
	for time.Since(began) < o.Length {
		select {
		case <-ctx.Done():
			return line, ctx.Err()
		case <-tick.C:
		}
		b.look(time.Now())
		if w.strike(b, kind, chance) {
			line.Asked++
		}
	}
	line.Seconds = time.Since(began).Seconds()
	await(func() bool { return w.host.Engine.Metrics()[kind].Failures-failed0 >= line.Asked })
	time.Sleep(calmDown)
	b.look(time.Now())
	breaks1, repeats1 := w.numbering()
	line.Failures = w.host.Engine.Metrics()[kind].Failures - failed0
	line.LostOthers, line.LostVictims = int64(b.lostOthers), int64(b.lostHit) // sums of differences
	line.Dropped = machine.DroppedHere() - dropped0
	line.SeqBreaks = breaks1 - breaks0 + repeats1 - repeats0
	b.mu.Lock()
	line.ResumeP50, line.ResumeP99, line.ResumeMax = b.resumes.quantile(0.5), b.resumes.quantile(0.99), b.resumes.most.Seconds()*1000
	line.Resumes = b.resumes.n
	line.GapP99, line.GapMax = b.gaps.quantile(0.99), b.gaps.most.Seconds()*1000
	b.mu.Unlock()
	await(func() bool {
		return runtime.NumGoroutine() <= line.GoroutinesBefore && descriptors() <= line.DescriptorsBefore
	})
	line.GoroutinesAfter, line.DescriptorsAfter, line.HeapAfter = runtime.NumGoroutine(), descriptors(), w.heap()
	return line, nil
}

// await gives what is to be true the time that a busy machine takes.
func await(so func() bool) {
	for deadline := time.Now().Add(settleWait); !so() && time.Now().Before(deadline); {
		time.Sleep(crashEvery)
	}
}

// strike crashes one actor of a kind, chosen at random, and says whether there was one.
func (w *world) strike(b *books, kind string, chance *rand.Rand) bool {
	var all []actors.Actor
	for _, a := range w.host.Engine.Inspect().Actors {
		if a.Kind == kind && a.State != "suspended" {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return false
	}
	victim := all[chance.IntN(len(all))]
	now := time.Now()
	packets := kind == "track" || kind == "session"
	b.crash(b.victims(victim), packets, now)
	if !packets {
		b.mu.Lock()
		if _, waits := b.waiting[victim.Channel]; !waits {
			b.waiting[victim.Channel] = now
		}
		b.mu.Unlock()
	}
	if w.host.Engine.CrashActor(victim.ID, "bench") != nil {
		return false
	}
	if !packets {
		p := w.someoneIn(victim.Channel, chance)
		_ = p.Send(p.Hand())
	}
	return true
}

func (w *world) someoneIn(channel string, chance *rand.Rand) *person {
	for {
		if p := w.people[chance.IntN(len(w.people))]; p.Channel == channel {
			return p
		}
	}
}

func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// Command is `bench faults`.
func Command(ctx context.Context, args []string, addr netip.Addr, root string, stdout, stderr io.Writer) error {
	o, err := Parse(args, addr, root)
	if err != nil {
		return err
	}
	var lines []Line
	err = Measure(ctx, o, stderr, func(l Line) error {
		lines = append(lines, l)
		if o.JSON {
			return json.NewEncoder(stdout).Encode(l)
		}
		return nil
	})
	if !o.JSON {
		printTable(stdout, lines)
	}
	for _, l := range lines {
		err = errors.Join(err, l.Wrong())
		if l.Late() {
			fmt.Fprintf(stderr, "note: tracks were back after %.1f ms (p99), more than 2 ms over the gaps of the others (%.1f ms)\n", l.ResumeP99, l.GapP99)
		}
	}
	return err
}

func printTable(out io.Writer, lines []Line) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "crashed\tfailures\tlost by others\tby those hit\tbroken numbers\tback after ms p50\tp99\tmax\tgap elsewhere p99\tgoroutines\tdescriptors\theap KiB\t")
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%d → %d\t%d → %d\t%d → %d\t\n", l.Kind, l.Failures, l.LostOthers, l.LostVictims, l.SeqBreaks,
			l.ResumeP50, l.ResumeP99, l.ResumeMax, l.GapP99, l.GoroutinesBefore, l.GoroutinesAfter, l.DescriptorsBefore, l.DescriptorsAfter, l.HeapBefore>>10, l.HeapAfter>>10)
	}
	_ = t.Flush()
}
