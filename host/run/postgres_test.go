package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestSymlinksOfThePackageAreMadeInsideIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "native")
	if err := os.MkdirAll(filepath.Join(dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := linkLibraries(dir); err != nil {
		t.Errorf("a package that lists no symlinks: %v", err)
	}
	write(t, filepath.Join(dir, "lib", "libpq.so.5.15"), "library", 0o644)
	list := filepath.Join(dir, "pg-symlinks.json")
	write(t, list, `[{"source":"native/lib/libpq.so.5.15","target":"native/lib/libpq.so.5"}]`, 0o644)
	for range 2 { // the second time they are there
		if err := linkLibraries(dir); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "lib", "libpq.so.5")); err != nil || string(text) != "library" {
		t.Errorf("the symlink shows %q, %v", text, err)
	}
	for _, bad := range []string{`[{"source":"native/lib/libpq.so.5.15","target":"native/../../evil"}]`, `{`} {
		write(t, list, bad, 0o644)
		if err := linkLibraries(dir); err == nil {
			t.Errorf("%s was followed", bad)
		}
	}
}

func TestADatabaseThatStartsIsWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	answers := make(chan string)
	go func() {
		for answer := range answers {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 256))
			_, _ = c.Write([]byte(answer))
			_ = c.Close()
		}
	}()
	for _, c := range []struct {
		answer string
		want   bool
	}{{"", false}, {"E the database system is starting up", false}, {"R authentication", true}} {
		answers <- c.answer
		if got := takesConnections(port); got != c.want {
			t.Errorf("after %q: %v", c.answer, got)
		}
	}
	close(answers)
	_ = l.Close()
	if takesConnections(port) {
		t.Error("nobody listens, but it takes connections")
	}
}
