package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChangesOfTheSourceAreSeen(t *testing.T) {
	root := t.TempDir()
	for _, part := range watched {
		write(t, filepath.Join(root, part), "", 0o644)
	}
	for _, dir := range []string{"media", "webapp"} {
		if err := os.Remove(filepath.Join(root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "media"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "webapp", "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	before, err := state(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func() error
		want   bool
	}{
		{"nothing", func() error { return nil }, false},
		{"a new file", func() error { return os.WriteFile(filepath.Join(root, "media", "a.go"), []byte("a"), 0o644) }, true},
		{"another length", func() error { return os.WriteFile(filepath.Join(root, "media", "a.go"), []byte("ab"), 0o644) }, true},
		{"another name", func() error {
			return os.Rename(filepath.Join(root, "media", "a.go"), filepath.Join(root, "media", "b.go"))
		}, true},
		{"gone", func() error { return os.Remove(filepath.Join(root, "media", "b.go")) }, true},
		{"a test", func() error { return os.WriteFile(filepath.Join(root, "media", "a_test.go"), []byte("a"), 0o644) }, false},
		{"a package of npm", func() error {
			return os.WriteFile(filepath.Join(root, "webapp", "node_modules", "x.js"), []byte("a"), 0o644)
		}, false},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		now, err := state(root)
		if err != nil {
			t.Fatal(err)
		}
		if (now != before) != c.want {
			t.Errorf("%s: seen is %v", c.name, now != before)
		}
		before = now
	}
}

func TestWatchNeedsARunningHost(t *testing.T) {
	h := &host{opt: options{data: t.TempDir()}}
	if err := h.readRecord(); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("no host: %v", err)
	}
	write(t, h.path("host.json"), `{"url":"http://localhost:20001","mediaAddr":"192.0.2.1:20002"}`, 0o600)
	if err := h.readRecord(); err != nil || h.url() != "http://localhost:20001" || h.opt.udpPort != 20002 || h.media != "192.0.2.1" {
		t.Errorf("got %s, %s:%d, %v", h.url(), h.media, h.opt.udpPort, err)
	}
	for _, bad := range []string{"{", `{"url":"http://example.com"}`, `{"url":"http://localhost:20001","mediaAddr":"x"}`} {
		write(t, h.path("host.json"), bad, 0o600)
		if err := h.readRecord(); err == nil {
			t.Errorf("%s is taken for a host", bad)
		}
	}
}
