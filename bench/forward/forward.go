package forward

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"calls/bench/load"
	"calls/bench/machine"
	"calls/bench/signal"
)

// Run is the line of one run.
type Run struct {
	Target          string   `json:"target"`
	Workload        string   `json:"workload"`
	Rep             int      `json:"rep"`
	CPUPerPacket    float64  `json:"cpu_us_per_packet"`
	UserPerPacket   float64  `json:"user_us"`
	SysPerPacket    float64  `json:"sys_us"`
	Loss            float64  `json:"loss_pct"`
	P50             float64  `json:"p50_us"`
	P99             float64  `json:"p99_us"`
	P999            float64  `json:"p999_us"`
	RSS             float64  `json:"rss_mib"`
	Forwarded       uint64   `json:"forwarded"`
	Expected        uint64   `json:"expected"`
	Padding         uint64   `json:"padding,omitempty"`
	Dropped         uint64   `json:"kernel_dropped,omitempty"` // datagrams of the whole machine that found a socket's buffer full
	Seconds         float64  `json:"seconds"`
	PacketsPerSec   float64  `json:"forwarded_per_second"`
	AllocsPerPacket *float64 `json:"allocs_per_packet,omitempty"` // of ours only
	Segmented       float64  `json:"segmented_pct,omitempty"`     // of ours only: datagrams that left in messages which the kernel cut up (UDP_SEGMENT)
	ReadBuffer      int      `json:"read_buffer,omitempty"`       // of ours only: bytes that the kernel granted the media socket
	WriteBuffer     int      `json:"write_buffer,omitempty"`      // likewise
	Settled         bool     `json:"settled"`                     // the full rate was reached before the measurement
	Load            float64  `json:"machine_load"`                // the machine's average of runnable threads in the minute before: other people's work disturbs
	Error           string   `json:"error,omitempty"`
	machine.Facts
}

// Options are what the command line says.
type Options struct {
	Workloads []load.Workload
	targets   []target
	Reps      int
	Length    time.Duration
	JSON      bool
	Profile   string // folder for CPU profiles of ours; empty: none
	Env       Env
}

// Parse reads the command line.
func Parse(args []string, env Env) (Options, error) {
	o := Options{Env: env}
	f := flag.NewFlagSet("forward", flag.ContinueOnError)
	workloads := f.String("workload", "a1x50,a10x10,a20x20,s1x50,mix100,mix200", "what is forwarded: these, or NxM for N talkers and M listeners")
	names := f.String("target", "calls,plain,rtcd,livekit,janus,limit,limit-gso", "who forwards it")
	f.IntVar(&o.Reps, "reps", 3, "how often each is measured, in turn")
	seconds := f.Int("seconds", 6, "how long each measurement is")
	f.BoolVar(&o.JSON, "json", false, "one line of JSON for each run; the table goes to standard error")
	f.StringVar(&o.Profile, "profile", "", "folder for profiles of our engine, of processor time and of memory")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 || o.Reps < 1 || *seconds < 1 {
		return o, fmt.Errorf("forward takes no arguments, and at least one repetition of one second")
	}
	o.Length = time.Duration(*seconds) * time.Second
	for _, name := range strings.Split(*workloads, ",") {
		w, err := load.ParseWorkload(name)
		if err != nil {
			return o, err
		}
		o.Workloads = append(o.Workloads, w)
	}
	for _, name := range strings.Split(*names, ",") {
		t, err := find(name)
		if err != nil {
			return o, err
		}
		o.targets = append(o.targets, t)
	}
	return o, nil
}

// Measure runs everything, the targets in turn within each repetition, so that what else the machine does meets all of them. Each run is told to out as it ends.
func Measure(ctx context.Context, o Options, progress io.Writer, out func(Run) error) error {
	facts := machine.Look(o.Env.Root)
	missing := map[string]bool{}
	total, n := o.Reps*len(o.Workloads)*len(o.targets), 0
	for rep := 1; rep <= o.Reps; rep++ {
		for _, w := range o.Workloads {
			for _, t := range o.targets {
				n++
				if missing[t.name] {
					continue
				}
				fmt.Fprintf(progress, "%3d/%d  %-8s %-10s ", n, total, w.Name, t.name)
				run, started := o.one(ctx, t, w, rep)
				missing[t.name] = !started
				fmt.Fprintln(progress, run.summary())
				if run.Error != "" && started && ctx.Err() == nil { // an accident of one connection says nothing about forwarding
					fmt.Fprintf(progress, "%*s once more: ", 26, "")
					run, _ = o.one(ctx, t, w, rep)
					fmt.Fprintln(progress, run.summary())
				}
				run.Facts = facts
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := out(run); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// one is a single run; started is false when the target could not be had at all.
func (o Options) one(ctx context.Context, t target, w load.Workload, rep int) (run Run, started bool) {
	run = Run{Target: t.name, Workload: w.Name, Rep: rep, Load: machine.Load()}
	r, err := t.start(ctx, o.Env)
	if err != nil {
		run.Error = err.Error()
		return run, false
	}
	defer r.stop()
	var before, after *signal.ServerStats
	r.server.Before = func() (err error) {
		run.Dropped = machine.Dropped()
		if r.own == nil {
			return nil
		}
		if before, err = r.stats(); err == nil && o.Profile != "" {
			file := filepath.Join(o.Profile, fmt.Sprintf("%s-%s-%d.prof", t.name, w.Name, rep))
			err = r.own.Send(signal.Message{Type: signal.Profile, Text: file, Seconds: int(o.Length.Seconds())})
		}
		return err
	}
	r.server.After = func() (err error) {
		run.Dropped = machine.Dropped() - run.Dropped
		run.RSS = r.main.RSS()
		if r.own != nil {
			after, err = r.stats()
		}
		return err
	}
	runCtx, cancel := context.WithTimeout(ctx, o.Length+90*time.Second)
	defer cancel()
	res, err := load.Run(runCtx, r.server, w, o.Length)
	if err != nil {
		run.Error = fmt.Sprintf("%v\n%s", err, lastLines(r.main.Said(), 3))
		return run, true
	}
	run.fill(res)
	run.own(before, after)
	return run, true
}

// own takes in what a forwarder of ours said of itself before and after.
func (run *Run) own(before, after *signal.ServerStats) {
	if before == nil || after == nil {
		return
	}
	run.ReadBuffer, run.WriteBuffer = after.ReadBuffer, after.WriteBuffer
	if run.Forwarded > 0 {
		per := float64(after.Mallocs-before.Mallocs) / float64(run.Forwarded)
		run.AllocsPerPacket = &per
	}
	if sent := after.Sent - before.Sent; sent > 0 {
		run.Segmented = 100 * float64(after.Segmented-before.Segmented) / float64(sent)
	}
}

func (run *Run) fill(res load.Result) {
	run.Seconds, run.Settled = res.Seconds, res.Settled
	run.Forwarded, run.Expected, run.Padding = res.Forwarded, res.Expected, res.Padded
	run.Loss = 100 * res.Loss()
	run.PacketsPerSec = float64(res.Forwarded) / res.Seconds
	us := func(d time.Duration) float64 { return float64(d.Microseconds()) }
	run.P50, run.P99, run.P999 = us(res.Delays.Quantile(0.5)), us(res.Delays.Quantile(0.99)), us(res.Delays.Quantile(0.999))
	if n := float64(res.Forwarded); n > 0 {
		run.UserPerPacket, run.SysPerPacket = us(res.User)/n, us(res.Sys)/n
		run.CPUPerPacket = run.UserPerPacket + run.SysPerPacket
	}
}

func (run Run) summary() string {
	if run.Error != "" {
		return "not measured: " + run.Error
	}
	s := fmt.Sprintf("%5.1f µs a packet, %.0f packets/s, loss %.2f %%, delay p50 %.2f ms p99 %.2f ms, %.0f MiB",
		run.CPUPerPacket, run.PacketsPerSec, run.Loss, run.P50/1000, run.P99/1000, run.RSS)
	if !run.Settled {
		s += " (never reached the full rate)"
	}
	return s
}

// Command is `bench forward`.
func Command(ctx context.Context, args []string, env Env, stdout, stderr io.Writer) error {
	o, err := Parse(args, env)
	if err != nil {
		return err
	}
	var runs []Run
	err = Measure(ctx, o, stderr, func(r Run) error {
		runs = append(runs, r)
		if o.JSON {
			return json.NewEncoder(stdout).Encode(r)
		}
		return nil
	})
	if len(runs) > 0 {
		table := stdout
		if o.JSON {
			table = stderr
		}
		fmt.Fprint(table, Table(runs))
	}
	return err
}
