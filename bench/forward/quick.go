package forward

import (
	"context"
	"errors"
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
func Quick(ctx context.Context, env Env, stdout, stderr io.Writer) error {
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", allocTests, "./media")
	test.Dir, test.Stdout, test.Stderr = env.Root, stderr, stderr
	if err := test.Run(); err != nil {
		return fmt.Errorf("allocations: %w", err)
	}
	o, err := Parse([]string{"-workload", "a20x20,s1x50,mix100", "-target", "calls,plain,limit,limit-gso", "-reps", "1", "-seconds", "4"}, env)
	if err != nil {
		return err
	}
	var runs []Run
	if err := Measure(ctx, o, stderr, func(r Run) error { runs = append(runs, r); return nil }); err != nil {
		return err
	}
	fmt.Fprint(stdout, Table(runs))
	for _, r := range runs {
		if r.Target == "calls" {
			err = errors.Join(err, lossless(ctx, o, r, stderr))
		}
	}
	return err
}

// lossless says whether our engine forwarded everything. A machine that is short of time drops packets that nobody is to blame for, so what lost some is
// measured again: an engine that loses does so each time.
func lossless(ctx context.Context, o Options, r Run, progress io.Writer) error {
	for again := 0; r.Error != "" || r.Forwarded < r.Expected; again++ {
		if again == retries || ctx.Err() != nil {
			return fmt.Errorf("%s: %d of %d packets came, %d times in a row some were missing %s", r.Workload, r.Forwarded, r.Expected, again+1, r.Error)
		}
		w, err := load.ParseWorkload(r.Workload)
		if err != nil {
			return err
		}
		ours, err := find(r.Target)
		if err != nil {
			return err
		}
		r, _ = o.one(ctx, ours, w, again+2)
		fmt.Fprintf(progress, "again    %-8s %-10s %s\n", w.Name, ours.name, r.summary())
	}
	return nil
}
