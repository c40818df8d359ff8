// Package forward measures what forwarding costs: our engine, other forwarders and the limit of the machine, one after another under the same load.
package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"calls/bench/load"
	"calls/bench/process"
	"calls/bench/signal"
)

// A target is a forwarder that can be started.
type target struct {
	name string
	what string // for the report
	// start runs it. server is filled but for CPU.
	start func(context.Context, Env) (*running, error)
}

// Env is where targets run.
type Env struct {
	Addr netip.Addr // of this machine, for media
	Root string     // of the repository
}

// running is a forwarder at work.
type running struct {
	main    *process.Process   // whose time and memory count
	helpers []*process.Process // bridges
	server  load.Server
	own     *signal.Conn // to ask for Stats; nil: not one of ours
	cleanup func()
}

func (r *running) stop() {
	if r.own != nil {
		_ = r.own.Close()
	}
	for _, p := range r.helpers {
		p.Stop()
	}
	r.main.Stop()
	if r.cleanup != nil {
		r.cleanup()
	}
}

// stats asks one of ours.
func (r *running) stats() (*signal.ServerStats, error) {
	if err := r.own.Send(signal.Message{Type: signal.Stats}); err != nil {
		return nil, err
	}
	m, err := r.own.Receive()
	if err != nil {
		return nil, err
	}
	if m.Stats == nil {
		return nil, fmt.Errorf("no statistics: %s", m.Text)
	}
	return m.Stats, nil
}

// targets are all there are, in the order of the tables.
var targets = []target{
	{"calls", "this project's engine", func(_ context.Context, env Env) (*running, error) { return own(env, "calls") }},
	{"calls-2", "the same with two sockets on its port, each with its loop", func(_ context.Context, env Env) (*running, error) { return own(env, "calls-2") }},
	{"plain", "pion v3 as anybody would use it", func(_ context.Context, env Env) (*running, error) { return own(env, "plain") }},
	{"rtcd", "Mattermost rtcd 1.2.6", startRTCD},
	{"livekit", "LiveKit 1.8.4", startLiveKit},
	{"janus", "Janus from Debian", startJanus},
	{"limit", "seal and send, nothing else", func(_ context.Context, env Env) (*running, error) { return own(env, "limit") }},
	{"limit-gso", "the limit with UDP GSO", func(_ context.Context, env Env) (*running, error) { return own(env, "limit-gso") }},
}

func find(name string) (target, error) {
	var names []string
	for _, t := range targets {
		if t.name == name {
			return t, nil
		}
		names = append(names, t.name)
	}
	return target{}, fmt.Errorf("target %q: one of %s", name, strings.Join(names, ", "))
}

// own starts one of the forwarders that are part of this program.
func own(env Env, name string) (*running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, addr, err := process.Start(exec.Command(self, "serve", name, env.Addr.String()))
	if err != nil {
		return nil, err
	}
	r := &running{main: p, server: load.Server{Signalling: addr, Addr: env.Addr, Raw: strings.HasPrefix(name, "limit"), CPU: p.CPU}}
	if strings.HasPrefix(name, "calls") {
		r.own, err = signal.Dial(addr)
	}
	if err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// build makes a program of a nested module, once, and returns its path.
func build(ctx context.Context, env Env, module, pkg, name string) (string, error) {
	out := filepath.Join(env.Root, ".tools", "bench", name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	cmd.Dir = filepath.Join(env.Root, "bench", "peers", module)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, lastLines(string(text), 5))
	}
	return out, nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// freePort finds a port that nobody listens on, TCP and UDP, on all addresses.
func freePort() (int, error) {
	for range 20 {
		l, err := net.Listen("tcp4", ":0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", port))
		_ = l.Close()
		if err == nil {
			_ = u.Close()
			return port, nil
		}
	}
	return 0, errors.New("no free port was found")
}

// listening waits until something accepts connections.
func listening(ctx context.Context, addr string, p *process.Process) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if !p.Alive() {
			return fmt.Errorf("it ended: %s", lastLines(p.Said(), 5))
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("it does not listen on %s: %w", addr, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
