package forward

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"

	"calls/bench/load"
)

// allocTests are those of the media path that count allocations.
const allocTests = "Alloc"

// retries is how often a workload that lost packets is measured again.
const retries = 2

// Quick is the form for continuous integration: it prints what it measures, and asserts only what does not depend on how fast or how busy the machine is.
func Quick(ctx context.Context, args []string, env Env, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("quick", flag.ContinueOnError)
	targets := f.String("target", "calls,plain,limit,limit-gso", "what is measured; what is asserted concerns calls only")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.New("quick takes no arguments")
	}
	o, err := Parse([]string{"-workload", "a20x20,s1x50,mix100", "-target", *targets, "-reps", "1", "-seconds", "4"}, env)
	if err != nil {
		return err
	}
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", allocTests, "./media", "./actors/kit")
	test.Dir, test.Stdout, test.Stderr = env.Root, stderr, stderr
	if err := test.Run(); err != nil {
		return fmt.Errorf("allocations: %w", err)
	}
	var runs []Run
	if err := Measure(ctx, o, stderr, func(r Run) error { runs = append(runs, r); return nil }); err != nil {
		return err
	}
	fmt.Fprint(stdout, Table(runs))
	again := func(r Run) (Run, error) {
		w, err := load.ParseWorkload(r.Workload)
		if err != nil {
			return r, err
		}
		ours, err := find(r.Target)
		if err != nil {
			return r, err
		}
		next, _ := o.one(ctx, ours, w, r.Rep+1)
		fmt.Fprintf(stderr, "again    %-8s %-10s %s\n", w.Name, ours.name, next.summary())
		return next, ctx.Err()
	}
	for _, r := range runs {
		if r.Target == "calls" {
			err = errors.Join(err, lossless(r, stderr, again))
		}
	}
	return err
}

// lossless says whether our engine forwarded everything. What came short is measured again: an engine that loses does so each time. Datagrams that the kernel
// dropped because nobody read them in time are those of a machine that is short of time, and are told but not held against the engine.
func lossless(r Run, progress io.Writer, again func(Run) (Run, error)) (err error) {
	for try := 0; ; try++ {
		missing := r.missing()
		if missing == 0 && r.Error == "" {
			return nil
		}
		if try == retries {
			if r.Error == "" && missing <= r.Dropped {
				fmt.Fprintf(progress, "%s: the machine has no time: %d of %d packets are missing, and the kernel dropped %d that nobody read\n", r.Workload, missing, r.Expected, r.Dropped)
				return nil
			}
			return fmt.Errorf("%s: %d of %d packets came, %d times in a row some were missing, the kernel dropped %d. %s", r.Workload, r.Forwarded, r.Expected, try+1, r.Dropped, r.Error)
		}
		if r, err = again(r); err != nil {
			return err
		}
	}
}

// missing is how many packets did not come.
func (run Run) missing() uint64 {
	if run.Forwarded >= run.Expected {
		return 0
	}
	return run.Expected - run.Forwarded
}
