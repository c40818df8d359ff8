// Command bench measures how much the engine carries, what that costs, and what failures cost, beside other forwarders and the limit of the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"calls/bench/faults"
	"calls/bench/forward"
	"calls/bench/machine"
	"calls/bench/report"
	"calls/bench/sfu/calls"
	"calls/bench/sfu/limit"
	"calls/bench/sfu/plain"
	"calls/bench/soak"
)

const usage = `go run ./bench COMMAND [-h]

  forward   CPU, loss, delay and memory per forwarded packet, ours and others'
  scale     how cost and memory grow with people and calls; the largest call that is carried
  largest   the largest load that another forwarder carries without loss, and ours at once and twice that
  join      what many joins at once cost
  faults    what crashes of actors cost: packets, numbers, time, memory
  soak      whether anything grows while people come and go: goroutines, descriptors, actors, heap
  report    bench/results: the page and the plots from the lines there
  all       forward, scale, largest, join and faults into bench/results, then report: an hour
  quick     a short form of it without the others; fails when our engine loses a packet or allocates for one
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "help" {
		fmt.Print(usage)
		return nil
	}
	if args[0] == "serve" {
		return serve(args[1:])
	}
	root, err := repository()
	if err != nil {
		return err
	}
	env := forward.Env{Addr: machine.Address(), Root: root}
	switch args[0] {
	case "forward":
		return forward.Command(ctx, args[1:], env, os.Stdout, os.Stderr)
	case "report", "all":
		if len(args) > 1 {
			return fmt.Errorf("%s takes no arguments", args[0])
		}
		if args[0] == "report" {
			return report.Command(root, os.Stdout)
		}
		return all(ctx, env)
	case "scale":
		return forward.Scale(ctx, args[1:], env, os.Stdout, os.Stderr)
	case "largest":
		return forward.Largest(ctx, args[1:], env, os.Stdout, os.Stderr)
	case "join":
		return forward.Join(ctx, args[1:], env, os.Stdout, os.Stderr)
	case "faults":
		return faults.Command(ctx, args[1:], env.Addr, root, os.Stdout, os.Stderr)
	case "soak":
		return soak.Command(ctx, args[1:], env.Addr, os.Stdout)
	case "quick":
		return forward.Quick(ctx, args[1:], env, os.Stdout, os.Stderr)
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

// all measures everything into the results. What was measured before stays until a part has been measured anew from beginning to end.
func all(ctx context.Context, env forward.Env) error {
	dir := filepath.Join(env.Root, "bench", "results")
	var failed error
	for _, part := range []struct {
		file string
		run  func(io.Writer) error
	}{
		{report.ForwardFile, func(w io.Writer) error { return forward.Command(ctx, []string{"-json"}, env, w, os.Stderr) }},
		{report.ScaleFile, func(w io.Writer) error { return forward.Scale(ctx, []string{"-json"}, env, w, os.Stderr) }},
		{report.LargestFile, func(w io.Writer) error { return forward.Largest(ctx, []string{"-json"}, env, w, os.Stderr) }},
		{report.JoinFile, func(w io.Writer) error {
			return errors.Join(forward.Join(ctx, []string{"-json"}, env, w, os.Stderr), forward.Join(ctx, []string{"-json", "-target", "rtcd"}, env, w, os.Stderr))
		}},
		{report.FaultsFile, func(w io.Writer) error {
			return errors.Join(faults.Command(ctx, []string{"-json"}, env.Addr, env.Root, w, os.Stderr),
				faults.Command(ctx, []string{"-json", "-backoff", "10ms"}, env.Addr, env.Root, w, os.Stderr))
		}},
	} {
		f, err := os.CreateTemp(dir, part.file+".*")
		if err != nil {
			return err
		}
		if err := errors.Join(part.run(f), f.Chmod(0o644), f.Close()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", part.file, err)) // the rest can still be measured
		}
		if ctx.Err() != nil {
			return errors.Join(failed, os.Remove(f.Name()))
		}
		if err := os.Rename(f.Name(), filepath.Join(dir, part.file)); err != nil {
			return err
		}
	}
	return errors.Join(failed, report.Command(env.Root, os.Stdout))
}

// serve is a forwarder of ours in a process of its own: it is started by the other commands.
func serve(args []string) error {
	if len(args) != 2 {
		return errors.New("serve NAME ADDRESS is for the bench itself")
	}
	addr, err := netip.ParseAddr(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "calls":
		return calls.Serve(addr, 0)
	case "calls-2":
		return calls.Serve(addr, 2)
	case "plain":
		return plain.Serve(addr.IsLoopback())
	case "limit":
		return limit.Serve(addr, false)
	case "limit-gso":
		return limit.Serve(addr, true)
	}
	return fmt.Errorf("no forwarder %q", args[0])
}

// repository is the folder of the main module.
func repository() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("the bench must run inside the repository: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
