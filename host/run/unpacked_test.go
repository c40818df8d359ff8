package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeRelease lays out a release whose server is a script.
func fakeRelease(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append([]string{"bin", "client/plugins/other"}, serverFolders...) {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "bin", "mattermost"), "#!/bin/sh\n"+script, 0o755)
	write(t, filepath.Join(dir, "client", "root.html"), "<!doctype html>", 0o644)
	write(t, filepath.Join(dir, "client", "plugins", "other", "main.js"), "old", 0o644)
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestAnUnpackedReleaseIsTaken(t *testing.T) {
	dir := fakeRelease(t, `echo "some warning"; echo "Version: 9.11.2"; echo "Build Number: 1"`)
	s, err := unpackedRelease(dir)
	if err != nil || s.version != "9.11.2" || s.binary != filepath.Join(dir, "bin", "mattermost") || s.client != filepath.Join(dir, "client") {
		t.Fatalf("got %+v, %v", s, err)
	}
	h := &host{opt: options{data: t.TempDir()}, server: s}
	if err := os.MkdirAll(h.path("mattermost"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.layout(); err != nil {
		t.Fatal(err)
	}
	if !exists(h.path("mattermost", "client", "root.html")) || exists(h.path("mattermost", "client", "plugins", "other")) {
		t.Error("the client should be copied, and the plugins of an earlier server not")
	}
	write(t, h.path("mattermost", "client", "root.html"), "changed by the server", 0o644)
	h.server.version = "9.11.3"
	if err := h.layout(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(h.path("mattermost", "client", "root.html")); string(text) != "<!doctype html>" {
		t.Errorf("a new release's client should take the old one's place: %s", text)
	}
}

func TestWhatIsNoReleaseIsRefusedInWords(t *testing.T) {
	good := `echo "Version: 10.3.0"`
	remove := func(name string) string {
		dir := fakeRelease(t, good)
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	file := filepath.Join(t.TempDir(), "mattermost.tar.gz")
	write(t, file, "", 0o644)
	outer := t.TempDir()
	if err := os.Rename(fakeRelease(t, good), filepath.Join(outer, "mattermost")); err != nil {
		t.Fatal(err)
	}
	locked := fakeRelease(t, good)
	if err := os.Chmod(filepath.Join(locked, "bin", "mattermost"), 0o644); err != nil {
		t.Fatal(err)
	}
	foreign := fakeRelease(t, good)
	write(t, filepath.Join(foreign, "bin", "mattermost"), "\xcf\xfa\xed\xfe and the rest of a program for another system", 0o755)
	for dir, want := range map[string]string{
		filepath.Join(outer, "absent"):          "no such file",
		file:                                    "unpack the release",
		outer:                                   filepath.Join(outer, "mattermost"),
		remove("bin"):                           "no server",
		remove("client"):                        "no web client",
		remove("i18n"):                          "i18n is missing",
		locked:                                  "chmod +x",
		foreign:                                 "another kind of machine",
		fakeRelease(t, `echo "Version: 6.5.2"`): "needs 6.6 or newer",
		fakeRelease(t, `echo "hello"`):          `"hello\n"`,
		fakeRelease(t, `echo "broken" >&2; exit 3`): "does not tell its version",
	} {
		if _, err := unpackedRelease(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "MATTERMOST="+dir) {
			t.Errorf("%s: %v; want a word of %s", dir, err, want)
		}
	}
}

func TestOneChoosesOneServer(t *testing.T) {
	release := fakeRelease(t, `echo "Version: 9.11.2"`)
	t.Setenv("HOME", filepath.Dir(release))
	for _, c := range []struct {
		opt  options
		want string // in the error, or the usual data directory
	}{
		{options{}, ".run/dev"},
		{options{host: "10.3.0"}, ".run/dev"},
		{options{host: "6.6.1"}, ".run/dev-6.6.1"},
		{options{host: "6.7.0"}, "choose one of 10.3.0, 6.6.1"},
		{options{host: "6.6.1", mattermost: "."}, "cannot both be given"},
		{options{mattermost: release}, ".run/release-9.11.2"},
		{options{mattermost: "~/" + filepath.Base(release)}, ".run/release-9.11.2"},
	} {
		got := ""
		if err := c.opt.chooseServer(); err != nil {
			got = err.Error()
		} else {
			got = c.opt.usualData()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("HOST=%s MATTERMOST=%s: %s; want %s", c.opt.host, c.opt.mattermost, got, c.want)
		}
	}
}
