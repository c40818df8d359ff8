package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// usualHost is the server that `make run` starts unless HOST says another: near what people run.
const usualHost = "10.3.0"

// builds are the servers that can be built, by version.
var builds = map[string]build{
	"10.3.0": {
		pins:    "host/mm10",
		module:  "github.com/mattermost/mattermost/server/v8",
		command: "github.com/mattermost/mattermost/server/v8/cmd/mattermost",
	},
	// The oldest that the plugin supports.
	"6.6.1": {
		pins:    "host/mm6",
		module:  "github.com/mattermost/mattermost-server/v6",
		command: "github.com/mattermost/mattermost-server/v6/cmd/mattermost",
	},
}

// build is a Mattermost server that is built from its Go module.
type build struct {
	pins    string // folder with its go.mod
	module  string
	command string
}

// server is a Mattermost server ready to be started.
type server struct {
	version string
	binary  string
	folders string // where serverFolders are
	client  string // the web client's folder; empty: our stand-in
}

// serverFolders are what a server reads at run time besides its binary.
var serverFolders = []string{"i18n", "templates", "fonts"}

// checkHost refuses a version that there is no recipe for.
func checkHost(version string) error {
	if _, ok := builds[version]; ok {
		return nil
	}
	return fmt.Errorf("HOST=%s cannot be built: choose one of %s, or give an unpacked release of it with MATTERMOST=DIR",
		version, strings.Join(slices.Sorted(maps.Keys(builds)), ", "))
}

// cache is the folder of the built server. Its name changes with all that goes into the build, so an old one is never taken for a new one.
func (b build) cache(root, version string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, b.pins, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	sum.Write([]byte(runtime.Version()))
	return filepath.Join(root, ".tools", "mattermost-"+version+"-"+hex.EncodeToString(sum.Sum(nil)[:6])), nil
}

// buildMattermost gives the unpacked release if there is one, and else builds the server unless an earlier start did.
func (h *host) buildMattermost(ctx context.Context) error {
	if h.opt.mattermost != "" {
		h.server = h.opt.unpacked
		h.steps.say("%s, from %s", h.server.version, h.opt.mattermost)
		return nil
	}
	version, b := h.opt.host, builds[h.opt.host]
	cache, err := b.cache(h.opt.root, version)
	if err != nil {
		return err
	}
	h.server = server{version: version, binary: filepath.Join(cache, "mattermost"), folders: cache}
	release, err := h.lockTools()
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Stat(cache); err == nil {
		h.steps.say("%s, built before", version)
		return nil
	}
	h.steps.line("Mattermost %s is built once from its Go module, which takes one to five minutes", version)
	aside := cache + ".new"
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if err := h.compile(ctx, version, b, aside); err != nil {
		return err
	}
	h.steps.say("%s", version)
	return os.Rename(aside, cache)
}

func (h *host) compile(ctx context.Context, version string, b build, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log := h.path("logs", "mattermost-build.log")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "mattermost"), b.command)
	build.Dir = filepath.Join(h.opt.root, b.pins)
	build.Env = cleanEnv("CGO_ENABLED=0", "GOWORK=off")
	if err := runLogged(ctx, build, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("Mattermost %s could not be built: see %s, which ends:\n%s", version, log, lastLines(log, 6))
	}
	where := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", b.module)
	where.Dir, where.Env = build.Dir, build.Env
	out, err := where.Output()
	if err != nil {
		return fmt.Errorf("the module %s is not in the module cache: %w", b.module, err)
	}
	for _, name := range serverFolders {
		// A copy, since the module cache may be cleaned while the built server stays.
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(strings.TrimSpace(string(out)), name))); err != nil {
			return err
		}
	}
	return nil
}

// lockTools keeps two starts in one tree from building the same things at once.
func (h *host) lockTools() (release func(), err error) {
	dir := filepath.Join(h.opt.root, ".tools")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		h.steps.line("another start in this tree is building, waiting for it")
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			return nil, err
		}
	}
	return func() { f.Close() }, nil
}
