// Package process starts a forwarder under test as a process of its own, reads from /proc what it uses, and stops it.
package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"calls/bench/signal"
)

const (
	readyWait = 20 * time.Second
	stopWait  = 5 * time.Second
	tailSize  = 4096 // of what a process says, kept for the case that it dies
	// clockTick is the unit of /proc/PID/stat: USER_HZ is 100 on every architecture that Go runs on.
	clockTick = 10 * time.Millisecond
)

// Process is one that runs.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *tail
	ready chan string
	ended chan struct{}
	err   error
}

// Start runs a command that keeps to signal.Serve's ways, and returns once it has said where it listens. Its other output is kept for error messages.
func Start(cmd *exec.Cmd) (p *Process, addr string, err error) {
	p, err = StartPlain(cmd)
	if err != nil {
		return nil, "", err
	}
	select {
	case addr := <-p.ready:
		return p, addr, nil
	case <-p.ended:
		err = fmt.Errorf("%s ended at once: %w\n%s", cmd.Path, p.err, p.out)
	case <-time.After(readyWait):
		err = fmt.Errorf("%s was not ready after %s\n%s", cmd.Path, readyWait, p.out)
	}
	p.Stop()
	return nil, "", err
}

// StartPlain runs any command.
func StartPlain(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, out: &tail{}, ready: make(chan string, 1), ended: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, p.out
	// Killed with the bench, whatever becomes of it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	go p.watch(read)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		_ = write.Close()
		close(p.ended)
	}()
	return p, nil
}

func (p *Process) watch(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), signal.ReadyPrefix); ok {
			p.ready <- addr
			continue
		}
		_, _ = p.out.Write(append(lines.Bytes(), '\n'))
	}
	_, _ = io.Copy(io.Discard, out) // a line too long for the scanner
}

// Said is the end of what the process printed.
func (p *Process) Said() string { return p.out.String() }

// Alive says whether it still runs.
func (p *Process) Alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Stop ends it: politely first.
func (p *Process) Stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopWait):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// CPU is the processor time it used so far.
func (p *Process) CPU() (user, sys time.Duration, err error) {
	if !p.Alive() {
		return 0, 0, fmt.Errorf("%s has ended: %w\n%s", p.cmd.Path, p.err, p.out)
	}
	return CPU(p.cmd.Process.Pid)
}

// RSS is the memory it has in use, in MiB.
func (p *Process) RSS() float64 { return RSS(p.cmd.Process.Pid) }

// CPU is the processor time that a process used so far.
func CPU(pid int) (user, sys time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The name in brackets may hold anything; the fields behind it begin with the third.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, 0, errors.New("/proc/PID/stat is not as expected")
	}
	ticks := func(s string) time.Duration {
		n, parseErr := strconv.ParseInt(s, 10, 64)
		err = errors.Join(err, parseErr)
		return time.Duration(n) * clockTick
	}
	return ticks(fields[11]), ticks(fields[12]), err
}

// RSS is the memory that a process has in use, in MiB; 0 when it has ended.
func RSS(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// tail keeps the end of what is written.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if cut := len(t.buf) - tailSize; cut > 0 {
		t.buf = append(t.buf[:0], t.buf[cut:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
