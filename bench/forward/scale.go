package forward

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"calls/bench/load"
	"calls/bench/machine"
)

// ScaleRun is the line of one size.
type ScaleRun struct {
	Calls  int `json:"calls"`
	People int `json:"people"` // in each
	Run
}

// largestP99 and largestLimit bound what counts as carried, and the search.
const (
	largestP99   = 20 * time.Millisecond
	largestLimit = 1500
)

// talkTo is one call in which two talk, or several of two people.
func talkTo(calls, people int) load.Workload {
	return load.Workload{Name: fmt.Sprintf("%dc%d", calls, people), Calls: calls, People: people, Voices: 2}
}

// Scale is `bench scale`: how cost and memory grow with one call's people, and with the number of calls.
func Scale(ctx context.Context, args []string, env Env, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	seconds := f.Int("seconds", 6, "how long each measurement is")
	most := f.Int("most", 1000, "leave out what needs more people")
	search := f.Bool("search", true, "look for the largest call that is carried")
	asJSON := f.Bool("json", false, "lines of JSON instead of a table")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || *seconds < 1 || *most < 2 {
		return errors.New("scale takes no arguments, and at least two people and one second")
	}
	ours, err := find("calls")
	if err != nil {
		return err
	}
	o := Options{Env: env, Length: time.Duration(*seconds) * time.Second}
	facts := machine.Look(env.Root)
	var all []ScaleRun
	measure := func(w load.Workload) (Run, error) {
		fmt.Fprintf(stderr, "%4d × %-5d ", w.Calls, w.People)
		run, _ := o.one(ctx, ours, w, 1)
		run.Facts = facts
		fmt.Fprintln(stderr, run.summary())
		all = append(all, ScaleRun{w.Calls, w.People, run})
		if err := ctx.Err(); err != nil || !*asJSON {
			return run, err
		}
		return run, json.NewEncoder(stdout).Encode(all[len(all)-1])
	}
	for _, size := range [][2]int{{1, 2}, {1, 10}, {1, 50}, {1, 200}, {1, 500}, {1, 1000}, {10, 2}, {100, 2}, {500, 2}} {
		if size[0]*size[1] > *most {
			continue
		}
		if _, err := measure(talkTo(size[0], size[1])); err != nil {
			return err
		}
	}
	if *search {
		largest, err := largestCall(min(*most, largestLimit), measure)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "the largest call in which two talk and nothing is lost or later than %s (p99): %d people\n", largestP99, largest)
	}
	if !*asJSON {
		printScale(stdout, all)
	}
	return nil
}

// largestCall halves the distance between a call that is carried and one that is not, until that is a tenth. It is 0 when not even two people are.
func largestCall(most int, measure func(load.Workload) (Run, error)) (int, error) {
	low, high := 1, most+1
	for try := most; high-low > max(low/10, 1); try = (low + high) / 2 {
		run, err := measure(talkTo(1, try))
		if err != nil {
			return 0, err
		}
		if run.Error == "" && run.Forwarded >= run.Expected && run.P99 <= float64(largestP99.Microseconds()) {
			low = try
		} else {
			high = try
		}
	}
	if low == 1 {
		return 0, nil
	}
	return low, nil
}

func printScale(out io.Writer, all []ScaleRun) {
	fmt.Fprintf(out, "%8s %8s %12s %10s %8s %8s %8s %12s\n", "calls", "people", "packets/s", "µs/packet", "loss %", "p50 ms", "p99 ms", "KiB/person")
	for _, r := range all {
		if r.Error != "" {
			fmt.Fprintf(out, "%8d %8d not measured: %s\n", r.Calls, r.People, r.Error)
			continue
		}
		fmt.Fprintf(out, "%8d %8d %12.0f %10.1f %8.2f %8.2f %8.2f %12.0f\n", r.Calls, r.People, r.PacketsPerSec, r.CPUPerPacket, r.Loss, r.P50/1000, r.P99/1000,
			r.RSS*1024/float64(r.Calls*r.People))
	}
}

// JoinRun is the line of one storm.
type JoinRun struct {
	Target       string  `json:"target"`
	Rep          int     `json:"rep"`
	Joins        int     `json:"joins"`
	Failed       int     `json:"failed"`
	P50          float64 `json:"connected_p50_ms"`
	P99          float64 `json:"connected_p99_ms"`
	CPUPerJoin   float64 `json:"cpu_ms_per_join"`
	Negotiations float64 `json:"negotiations_per_join"`
	Expected     uint64  `json:"others_expected"` // packets for those who were in the call before
	Lost         uint64  `json:"others_lost"`     // of them
	OthersP50    float64 `json:"others_p50_us"`   // delay of the rest
	OthersP99    float64 `json:"others_p99_us"`
	Dropped      uint64  `json:"kernel_dropped,omitempty"` // datagrams of the whole machine that found a socket's buffer full
	Error        string  `json:"error,omitempty"`
	Load         float64 `json:"machine_load"`
	machine.Facts
}

// mostJoins is what a storm may have.
const mostJoins = 2000

// Join is `bench join`: what many joins at once cost.
func Join(ctx context.Context, args []string, env Env, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("join", flag.ContinueOnError)
	joins := f.Int("joins", 200, "how many people join at the same moment")
	reps := f.Int("reps", 3, "how often")
	name := f.String("target", "calls", "whom they join: calls, plain or rtcd, which connect people at once")
	asJSON := f.Bool("json", false, "lines of JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || *joins < 1 || *joins > mostJoins || *reps < 1 {
		return fmt.Errorf("join takes no arguments, at least one repetition, and 1 to %d joins", mostJoins)
	}
	t, err := find(*name)
	if err != nil {
		return err
	}
	facts := machine.Look(env.Root)
	for rep := 1; rep <= *reps; rep++ {
		run := storm(ctx, t, env, *joins)
		run.Rep, run.Facts = rep, facts
		switch {
		case *asJSON:
			err = json.NewEncoder(stdout).Encode(run)
		case run.Error != "":
			fmt.Fprintf(stdout, "%s: not measured: %s\n", run.Target, run.Error)
		default:
			fmt.Fprintf(stdout, "%s: %d joins, %d failed, connected after %.0f ms (p50), %.0f ms (p99), %.2f ms of processor time and %.1f descriptions each; "+
				"of %d packets to those in the call before %d were lost, delay %.2f ms (p50), %.2f ms (p99)\n",
				run.Target, run.Joins, run.Failed, run.P50, run.P99, run.CPUPerJoin, run.Negotiations, run.Expected, run.Lost, run.OthersP50/1000, run.OthersP99/1000)
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func storm(ctx context.Context, t target, env Env, joins int) JoinRun {
	run := JoinRun{Target: t.name, Joins: joins, Load: machine.Load()}
	r, err := t.start(ctx, env)
	if err != nil {
		run.Error = err.Error()
		return run
	}
	defer r.stop()
	dropped := machine.Dropped()
	stormCtx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s, err := load.RunStorm(stormCtx, r.server, joins)
	if err != nil {
		run.Error = err.Error()
		return run
	}
	run.Failed, run.Dropped = s.Failed, machine.Dropped()-dropped
	run.Expected, run.Lost = s.Expected, s.Lost()
	run.OthersP50, run.OthersP99 = float64(s.Delays.Quantile(0.5).Microseconds()), float64(s.Delays.Quantile(0.99).Microseconds())
	if s.First != nil {
		run.Error = s.First.Error()
	}
	run.P50, run.P99 = s.Quantile(0.5).Seconds()*1000, s.Quantile(0.99).Seconds()*1000
	run.CPUPerJoin = s.CPU.Seconds() * 1000 / float64(joins)
	run.Negotiations = float64(s.Negotiations) / float64(joins)
	return run
}
