package main

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ended runs a shell script to its end, and sends it a signal (0: none) when it has said that it is there.
func ended(t *testing.T, script string, sig syscall.Signal) *process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	there, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := startProcess("script", cmd, "")
	if err != nil {
		t.Fatal(err)
	}
	if sig != 0 {
		if _, err := there.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		p.stop(syscall.SIGKILL, 0)
		t.Fatal("the script did not end")
	}
	return p
}

func TestOnlyAServerThatWasKilledIsStartedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		sig    syscall.Signal
		want   bool
	}{
		"killed":              {"echo; exec sleep 60", syscall.SIGKILL, true},
		"asked to end":        {"echo; exec sleep 60", syscall.SIGTERM, false},
		"ended with an error": {"exit 1", 0, false},
		"ended well":          {"exit 0", 0, false},
	} {
		if got := killed(ended(t, c.script, c.sig)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAHostWhoseServerGivesUpSaysWhy(t *testing.T) {
	h := &host{steps: newSteps(), mm: ended(t, "exit 3", 0), pg: &process{done: make(chan struct{})}}
	if err := h.watchOver(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
	finished := make(chan struct{})
	close(finished)
	h.mm = &process{done: make(chan struct{})}
	if err := h.watchOver(context.Background(), finished); err != nil {
		t.Errorf("a command that has ended is a failure: %v", err)
	}
}
