// Command run starts a real Mattermost server with the Calls plugin on this machine, ready to call from, and keeps it running until Ctrl-C.
//
// It is `make run` and, with -exec, the stage of `make e2e`: PostgreSQL, the plugin bundle, Mattermost, people and channels, in that order.
// Whatever it started it also stops, and what a killed predecessor left in the same data directory it cleans up first.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Children ask the kernel to end them with the thread that started them (Pdeathsig), so that thread must be the one that lives as long as the process.
func init() { runtime.LockOSThread() }

// options are what a person can choose.
type options struct {
	root    string // the repository
	data    string // DATA: everything of this host: database, uploads, logs
	port    int    // PORT: pages; 0 picks a free one
	udpPort int    // UDP_PORT: media; 0 picks a free one
	fresh   bool   // begin with an empty data directory
	prepare bool   // get and build what takes long, and start nothing
	watch   bool   // put changes into a running host instead of starting one
	exec    string // a command to run instead of waiting for Ctrl-C

	host       string // HOST: the version of Mattermost to build
	mattermost string // MATTERMOST: the folder of an unpacked release to take instead
	unpacked   server // what was found there
}

// exitCode is the failure of the -exec command: it said itself what went wrong.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("the command ended with code %d", int(e)) }

func main() {
	opt, err := parse()
	if err == nil {
		stopWithMake()
		err = start(opt)
	}
	var code exitCode
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.As(err, &code):
		os.Exit(int(code))
	default:
		fmt.Fprintf(os.Stderr, "\nmake run: %s\n", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var opt options
	flag.StringVar(&opt.root, "root", "../..", "the repository")
	flag.BoolVar(&opt.fresh, "fresh", false, "begin with an empty data directory")
	flag.BoolVar(&opt.prepare, "prepare", false, "only get PostgreSQL and build the server, for a start that comes later")
	flag.BoolVar(&opt.watch, "watch", false, "put each change of the source into the host that runs in the same data directory")
	flag.StringVar(&opt.exec, "exec", "", "run this shell command when ready, with CALLS_HOST_JSON in its environment, then stop everything and end with its exit code")
	flag.StringVar(&opt.host, "host", "", "the version of Mattermost to build and start")
	flag.StringVar(&opt.mattermost, "mattermost", "", "the folder of an unpacked Mattermost release to start instead")
	flag.Parse()
	if err := opt.chooseServer(); err != nil {
		return opt, err
	}
	var err error
	if opt.root, err = filepath.Abs(opt.root); err != nil {
		return opt, err
	}
	if opt.port, err = portFromEnv("PORT", 8065); err != nil {
		return opt, err
	}
	if opt.udpPort, err = portFromEnv("UDP_PORT", 8443); err != nil {
		return opt, err
	}
	// The plugin's own setting allows no other: ports above are handed out by the kernel to anybody.
	if p := opt.udpPort; p != 0 && (p < 1024 || p > 49151) {
		return opt, fmt.Errorf("UDP_PORT=%d cannot be used: choose one from 1024 to 49151", p)
	}
	opt.data = os.Getenv("DATA")
	if opt.data == "" {
		opt.data = opt.usualData()
	}
	if !filepath.IsAbs(opt.data) {
		opt.data = filepath.Join(opt.root, opt.data)
	}
	return opt, nil
}

// chooseServer takes HOST or MATTERMOST, of which neither needs to be given.
func (o *options) chooseServer() (err error) {
	switch {
	case o.mattermost != "" && o.host != "":
		return errors.New("HOST and MATTERMOST cannot both be given: one names a server to build, the other a server that is there")
	case o.mattermost != "":
		// Not every shell reads MATTERMOST=~/mattermost as bash does.
		if below, ok := strings.CutPrefix(o.mattermost, "~/"); ok {
			o.mattermost = filepath.Join(os.Getenv("HOME"), below)
		}
		if o.mattermost, err = filepath.Abs(o.mattermost); err != nil {
			return err
		}
		o.unpacked, err = unpackedRelease(o.mattermost)
		return err
	case o.host == "":
		o.host = usualHost
	}
	return checkHost(o.host)
}

// usualData is a directory for each server: a database that a new one has migrated is of no use to an older one.
func (o *options) usualData() string {
	switch {
	case o.mattermost != "":
		return ".run/release-" + o.unpacked.version
	case o.host != usualHost:
		return ".run/dev-" + o.host
	}
	return ".run/dev"
}

func portFromEnv(name string, usual int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return usual, nil
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return 0, fmt.Errorf("%s=%s is no port: give a number, for example %s=%d", name, text, name, usual+1)
	}
	return port, nil
}

// stopWithMake has the kernel stop us when the `make` above us, or its script, is killed hard: else the host would go on without anybody to stop it.
func stopWithMake() {
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid()))
	if err == nil && (string(comm) == "make\n" || string(comm) == "both\n") { // both is scripts/both, between us and make
		const prSetPdeathsig = 1
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetPdeathsig, uintptr(syscall.SIGTERM), 0)
	}
}

// start brings everything up, waits, and takes everything down.
func start(opt options) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	if opt.watch {
		return watch(ctx, opt)
	}
	h := &host{opt: opt, steps: newSteps()}
	defer h.stop()
	if opt.prepare {
		return h.prepare(ctx)
	}
	if err := h.up(ctx); err != nil {
		return err
	}
	if opt.exec != "" {
		return h.runCommand(ctx)
	}
	h.printUseful()
	fmt.Printf("ready %s\n", h.url())
	return h.watchOver(ctx, nil)
}

// host is one running Mattermost with what it needs.
type host struct {
	opt      options
	steps    *steps
	lock     *os.File
	server   server
	dsn      string
	media    string // the address in the plugin's ICE candidates
	pushPort int    // where the server sends push notifications: nobody listens there but tests
	pg       *process
	mm       *process
	rec      record
}

func (h *host) url() string             { return fmt.Sprintf("http://localhost:%d", h.opt.port) }
func (h *host) path(p ...string) string { return filepath.Join(append([]string{h.opt.data}, p...)...) }

// step is a part of the way to ready.
type step struct {
	name string
	fn   func(context.Context) error
}

// prepare takes the steps that take long on a bare machine and concern no data.
func (h *host) prepare(ctx context.Context) error {
	return h.take(ctx, step{"Data directory", h.takeData}, step{"Tools", h.checkTools}, step{"Mattermost build", h.buildMattermost})
}

// take takes steps one after another.
func (h *host) take(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if err := h.steps.do(ctx, s.name, s.fn); err != nil {
			return err
		}
	}
	return nil
}

// up is the whole way to ready.
func (h *host) up(ctx context.Context) error {
	err := h.take(ctx, []step{
		{"Data directory", h.takeData},
		{"Ports", h.takePorts},
		{"Tools", h.checkTools},
		{"Database", h.startPostgres},
		{"Plugin bundle", h.buildBundle},
		{"Stand-in page", h.buildShell},
		{"Mattermost build", h.buildMattermost},
		{"Mattermost start", h.startMattermost},
		{"People and channels", h.seed},
		{"Plugin", h.installPlugin},
	}...)
	if err != nil {
		return err
	}
	return h.writeRecord()
}

// stop takes down what up brought up, the last first.
func (h *host) stop() {
	if h.pg == nil && h.mm == nil {
		return
	}
	begin := time.Now()
	fmt.Fprintln(os.Stderr, "stopping ...")
	_ = os.Remove(h.path("host.json"))
	if h.mm != nil {
		h.mm.stop(syscall.SIGTERM, 20*time.Second)
	}
	if h.pg != nil {
		h.pg.stop(syscall.SIGINT, 10*time.Second) // SIGINT: without waiting for clients
	}
	fmt.Fprintf(os.Stderr, "stopped (%.1f s)\n", time.Since(begin).Seconds())
}

// runCommand runs the -exec command against the host and hands on its exit code.
func (h *host) runCommand(ctx context.Context) error {
	cmd := exec.Command("/bin/sh", "-c", h.opt.exec)
	cmd.Dir = h.opt.root
	cmd.Env = append(os.Environ(), "CALLS_HOST_JSON="+h.path("host.json"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	p, err := startProcess("the command", cmd, "")
	if err != nil {
		return err
	}
	defer p.stop(syscall.SIGTERM, 5*time.Second)
	if err := h.watchOver(ctx, p.done); err != nil {
		return err
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return exitCode(max(code, 1)) // -1: ended by a signal
	}
	return nil
}
