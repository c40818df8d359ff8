package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
)

// watchOver returns when ended is closed, with an error when the host cannot go on until then. A server that was killed from outside is started again, as whatever
// keeps servers alive would do; one that ends by itself has a reason, which is told.
func (h *host) watchOver(ctx context.Context, ended <-chan struct{}) error {
	for {
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-h.pg.done:
			return h.pg.died()
		case <-h.mm.done:
			if !killed(h.mm) {
				return h.mm.died()
			}
			if err := h.restart(ctx); err != nil {
				return err
			}
		}
	}
}

// killed says whether somebody, or the kernel, ended a process without asking it.
func killed(p *process) bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// restart starts the server again where it was, and nothing else: it knows its plugins from its configuration, and what the killed one left running is not ours to
// clear up, as it would not be anybody's on a real machine.
func (h *host) restart(ctx context.Context) error {
	h.steps.line("Mattermost was killed and is started again")
	if err := os.Rename(h.mm.log, h.mm.log+".killed"); err != nil {
		return err
	}
	if err := h.steps.do(ctx, "Mattermost start", h.startMattermost); err != nil {
		return err
	}
	admin, err := login(ctx, h.url(), people[0], password)
	if err != nil {
		return fmt.Errorf("after the server's restart: %w", err)
	}
	if err := h.steps.do(ctx, "Plugin", func(ctx context.Context) error { return h.awaitPlugin(ctx, admin) }); err != nil {
		return err
	}
	return h.writeRecord()
}
