package forward

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"calls/bench/load"
	"calls/bench/machine"
)

// LargestRun is the line of one load: what another forwarder carries at most without losing a packet, and what we make of as much and of twice as much.
type LargestRun struct {
	Than   string  `json:"than"`   // whose largest load it is about
	Family string  `json:"family"` // of workloads
	Times  float64 `json:"times"`  // how much of that load; 0: tried on the way to it
	Run
}

// How often a load is tried before it counts as too much: an accident of a busy machine is not the forwarder's, and a call that did not come about says nothing
// of what it would have carried.
const (
	largestLosses   = 2
	largestFailures = 3
)

// Largest is `bench largest`.
func Largest(ctx context.Context, args []string, env Env, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("largest", flag.ContinueOnError)
	families := f.String("family", "all,mix", "what grows: all who talk to each other, s1x with people before one screen, mix with those before a screen and two talkers")
	than := f.String("than", "rtcd", "whose largest load is looked for")
	most := f.Int("most", 400, "people in the call at which the search ends")
	size := f.Int("size", 0, "the size that the other is known to carry: leaves the search out")
	seconds := f.Int("seconds", 6, "how long each measurement is")
	asJSON := f.Bool("json", false, "lines of JSON instead of text")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || *most < 2 || *size < 0 || *seconds < 1 {
		return fmt.Errorf("largest takes no arguments, and at least two people and one second")
	}
	l := largest{o: Options{Env: env, Length: time.Duration(*seconds) * time.Second}, than: *than, size: *size, progress: stderr}
	facts := machine.Look(env.Root)
	l.tell = func(r LargestRun) error {
		r.Facts = facts
		if *asJSON {
			return json.NewEncoder(stdout).Encode(r)
		}
		if r.Times > 0 {
			_, err := fmt.Fprintf(stdout, "%-8s %-8s at %.1f times what %s carries: %s\n", r.Workload, r.Target, r.Times, r.Than, r.summary())
			return err
		}
		return nil
	}
	for _, family := range strings.Split(*families, ",") {
		if _, err := load.ParseWorkload(family + "2"); err != nil {
			return fmt.Errorf("family %q: all, s1x or mix", family)
		}
		if err := l.family(ctx, family, *most); err != nil {
			return err
		}
	}
	return nil
}

type largest struct {
	o        Options
	than     string
	size     int // known; 0: not
	progress io.Writer
	tell     func(LargestRun) error
}

// family looks for the largest load of the other, and tries ours and the limit at once and twice that.
func (l *largest) family(ctx context.Context, family string, most int) (err error) {
	size := l.size
	if size == 0 {
		size, err = largestSize(most, func(n int) (bool, error) {
			run, err := l.try(ctx, l.than, family, n, 0)
			return carried(run), err
		})
	}
	if err != nil || size == 0 {
		return err
	}
	rate := rateOf(family, size)
	twice := size
	for r := rate; r > 0 && r < 2*rate; r = rateOf(family, twice) {
		twice++
	}
	for _, n := range []int{size, twice} {
		for _, target := range []string{"calls", "limit"} {
			times := math.Round(100*float64(rateOf(family, n))/float64(rate)) / 100
			if _, err := l.try(ctx, target, family, n, times); err != nil {
				return err
			}
		}
	}
	return nil
}

func sized(family string, n int) (load.Workload, error) {
	return load.ParseWorkload(fmt.Sprintf("%s%d", family, n))
}

// rateOf is 0 for a size beyond what can be asked for.
func rateOf(family string, n int) int {
	w, _ := sized(family, n)
	return w.Rate()
}

// carried says whether everything came.
func carried(r Run) bool { return r.Error == "" && r.Settled && r.Forwarded >= r.Expected }

// try measures one load, again if it was not carried. The last run decides.
func (l *largest) try(ctx context.Context, target, family string, n int, times float64) (run Run, err error) {
	t, err := find(target)
	if err != nil {
		return run, err
	}
	w, err := sized(family, n)
	if err != nil {
		return run, err
	}
	for losses, failures := 0, 0; losses < largestLosses && failures < largestFailures; {
		fmt.Fprintf(l.progress, "%-8s %-8s ", w.Name, t.name)
		var started bool
		run, started = l.o.one(ctx, t, w, losses+failures+1)
		fmt.Fprintln(l.progress, run.summary())
		if !started {
			return run, fmt.Errorf("%s: %s", t.name, run.Error)
		}
		if err := l.tell(LargestRun{l.than, family, times, run}); err != nil || ctx.Err() != nil {
			return run, firstOf(err, ctx.Err())
		}
		switch {
		case carried(run):
			return run, nil
		case run.Error != "":
			failures++
		default:
			losses++
		}
	}
	return run, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// largestSize doubles the size until it is too much, and then halves the distance between what is carried and what is not until that is a tenth. 0: not even two
// people are.
func largestSize(most int, fits func(n int) (bool, error)) (int, error) {
	low, high := 1, most+1
	for try := min(10, most); high-low > max(low/10, 1); {
		ok, err := fits(try)
		if err != nil {
			return 0, err
		}
		if ok {
			low = try
		} else {
			high = try
		}
		if try = (low + high) / 2; high > most {
			try = min(2*low, most)
		}
	}
	if low == 1 {
		return 0, nil
	}
	return low, nil
}
