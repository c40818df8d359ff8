package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a child in a process group of its own, so that Ctrl-C in a terminal reaches only us and we stop things in order.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// startProcess starts cmd with its output in the file log (empty: as cmd says). The kernel stops it when we are killed hard.
func startProcess(name string, cmd *exec.Cmd, log string) (*process, error) {
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is read from ProcessState
		close(p.done)
	}()
	return p, nil
}

// stop asks with sig, waits, and then kills the whole group: Mattermost's plugins are in it and ignore an interrupt.
func (p *process) stop(sig syscall.Signal, patience time.Duration) {
	group := p.cmd.Process.Pid
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(group, sig)
		select {
		case <-p.done:
		case <-time.After(patience):
			fmt.Fprintf(os.Stderr, "%s did not stop within %s and is killed\n", p.name, patience)
		}
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	<-p.done
}

// died says that the process ended by itself, with the last it had to say.
func (p *process) died() error {
	return fmt.Errorf("%s has ended by itself (%s); the end of its log %s:\n%s", p.name, p.cmd.ProcessState, p.log, lastLines(p.log, 12))
}

// runLogged runs a tool to its end, output into the file log, and stops it when ctx ends.
func runLogged(ctx context.Context, cmd *exec.Cmd, log string) error {
	p, err := startProcess(cmd.Path, cmd, log)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		p.stop(syscall.SIGTERM, 5*time.Second)
		return ctx.Err()
	case <-p.done:
	}
	if !cmd.ProcessState.Success() {
		return errors.New(cmd.ProcessState.String())
	}
	return nil
}

// lastLines is the end of a text file, indented, for the end of an error.
func lastLines(path string, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 16 << 10
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		const width = 400 // of a server's log line the rest is ids
		lines[i] = "  " + line[:min(len(line), width)]
	}
	return strings.Join(lines, "\n")
}

// takeData makes the data directory ours alone: one host at a time, and nothing left of one that was killed.
func (h *host) takeData(context.Context) error {
	if err := os.MkdirAll(h.path("logs"), 0o755); err != nil {
		return fmt.Errorf("the data directory cannot be made (%w): choose another with DATA=", err)
	}
	// The kernel shows the working directories of processes without symlinks; ours are compared with them.
	if real, err := filepath.EvalSymlinks(h.opt.data); err == nil {
		h.opt.data = real
	}
	lock, err := os.OpenFile(h.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("the data directory cannot be used (%w): choose another with DATA=", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s is in use by another `make run`: stop that one, or choose another directory with DATA=", h.opt.data)
	}
	h.lock = lock
	if n := killLeftovers(h.opt.data); n > 0 {
		h.steps.say("%s, ended %d processes of a host that was killed", h.opt.data, n)
	} else {
		h.steps.say("%s", h.opt.data)
	}
	if h.opt.fresh {
		return h.wipe()
	}
	return nil
}

// wipe empties the data directory of what a host writes there, and of nothing else.
func (h *host) wipe() error {
	if target, err := os.Readlink(h.path("postgres")); err == nil {
		_ = os.RemoveAll(target)
	}
	for _, name := range []string{"postgres", "mattermost", "logs", "host.json", "installed"} {
		if err := os.RemoveAll(h.path(name)); err != nil {
			return err
		}
	}
	return os.MkdirAll(h.path("logs"), 0o755)
}

// killLeftovers ends the processes of an earlier host in this data directory. We hold the lock, so whatever still works there belongs to nobody.
// They are told by where they work together with what they are: a person's shell in that directory is left alone.
func killLeftovers(data string) int {
	n := 0
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		cwd, err := os.Readlink(filepath.Join(dir, "cwd"))
		if err != nil || pid == os.Getpid() || !within(cwd, data) && !within(cwd, postgresElsewhere(data)) {
			continue
		}
		exe, _ := os.Readlink(filepath.Join(dir, "exe"))
		exe = strings.TrimSuffix(exe, " (deleted)")
		if base := filepath.Base(exe); base != "postgres" && base != "mattermost" && !within(exe, data) {
			continue
		}
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			n++
			waitGone(dir)
		}
	}
	return n
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// waitGone waits until a killed process has given its files and ports back: gone, or a zombie that its parent has not fetched yet.
func waitGone(dir string) {
	for range 100 {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
