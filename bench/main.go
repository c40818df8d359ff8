// Command bench measures how much the engine carries, what that costs, and what failures cost, beside other forwarders and the limit of the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
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
	"calls/bench/sfu/calls"
	"calls/bench/sfu/limit"
	"calls/bench/sfu/plain"
)

const usage = `go run ./bench COMMAND [-h]

  forward   CPU, loss, delay and memory per forwarded packet, ours and others'
  faults    what crashes of actors cost: packets, numbers, time, memory
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
	case "faults":
		return faults.Command(ctx, args[1:], env.Addr, root, os.Stdout, os.Stderr)
	case "quick":
		return forward.Quick(ctx, env, os.Stdout, os.Stderr)
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
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
		return calls.Serve(addr)
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
