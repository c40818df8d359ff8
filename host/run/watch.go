package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// watched are the parts of the repository of which the bundle is made.
var watched = []string{"go.mod", "manifest.go", "plugin.json", "actors", "guard", "media", "plugin", "third_party", "wire", "webapp"}

// look is how often they are looked at. Polling finds changes on every file system, also on one shared with another machine.
const look = 300 * time.Millisecond

// watch builds the plugin anew after each change and puts it into the host that runs in the same data directory, until Ctrl-C.
func watch(ctx context.Context, opt options) error {
	h := &host{opt: opt, steps: newSteps()}
	if err := h.readRecord(); err != nil {
		return err
	}
	seen, err := state(opt.root)
	if err != nil {
		return err
	}
	fmt.Printf("watching for changes, to put them into the host at %s; Ctrl-C ends this, not the host\n", h.rec.URL)
	for {
		if err := h.reload(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// The next change may put it right.
			fmt.Fprintf(os.Stderr, "%s\n", err)
		}
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(look):
			}
			now, err := state(opt.root)
			if err != nil {
				return err
			}
			if now != seen {
				seen = now
				break
			}
		}
	}
}

// reload builds the bundle and installs it, both only when there is something new.
func (h *host) reload(ctx context.Context) error {
	// The host may have been started anew on other ports.
	if err := h.readRecord(); err != nil {
		return err
	}
	if err := h.steps.do(ctx, "Plugin bundle", h.buildBundle); err != nil {
		return err
	}
	bundle, err := h.bundle()
	if err != nil {
		return err
	}
	mark, err := fileSum(bundle)
	if err != nil {
		return err
	}
	if known, _ := os.ReadFile(h.path("installed")); string(known) == mark {
		return nil
	}
	return h.steps.do(ctx, "Plugin", h.installPlugin)
}

// readRecord takes over from host.json what a running host is.
func (h *host) readRecord() error {
	text, err := os.ReadFile(h.path("host.json"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("no host runs in %s: start one with `make run` in another terminal, or name its directory with DATA=", h.opt.data)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &h.rec); err != nil {
		return fmt.Errorf("%s cannot be read: %w", h.path("host.json"), err)
	}
	if _, err := fmt.Sscanf(h.rec.URL, "http://localhost:%d", &h.opt.port); err != nil {
		return fmt.Errorf("%s has no address of this machine: %s", h.path("host.json"), h.rec.URL)
	}
	address, port, _ := strings.Cut(h.rec.MediaAddr, ":")
	if _, err := fmt.Sscanf(port, "%d", &h.opt.udpPort); err != nil {
		return fmt.Errorf("%s has no port for media: %s", h.path("host.json"), h.rec.MediaAddr)
	}
	h.media = address
	return nil
}

// state is a number that changes when a watched file is written, made, renamed or removed.
func state(root string) (sum uint64, err error) {
	for _, part := range watched {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				if errors.Is(err, os.ErrNotExist) {
					return nil // removed while we looked: the next look tells
				}
				return err
			}
			if e.IsDir() {
				if name := e.Name(); name == "node_modules" || name == "dist" || name == "testdata" {
					return fs.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(path, "_test.go") {
				return nil
			}
			info, err := e.Info()
			if err != nil {
				return nil //nolint:nilerr // removed while we looked: the next look tells
			}
			const prime = 1099511628211 // of FNV
			for _, b := range []byte(path) {
				sum = (sum ^ uint64(b)) * prime
			}
			sum = (sum ^ uint64(info.ModTime().UnixNano())) * prime
			sum = (sum ^ uint64(info.Size())) * prime
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}
