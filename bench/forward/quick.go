package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// allocTests are those of the media path that count allocations.
const allocTests = "Alloc"

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
		if r.Target != "calls" {
			continue
		}
		if r.Error != "" {
			err = errors.Join(err, fmt.Errorf("%s was not measured: %s", r.Workload, r.Error))
		}
		if r.Forwarded < r.Expected {
			err = errors.Join(err, fmt.Errorf("%s: %d of %d packets came", r.Workload, r.Forwarded, r.Expected))
		}
	}
	return err
}
