package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// oldest is the oldest Mattermost that the plugin runs on: min_server_version in plugin.json.
var oldest = [2]int{6, 6}

// unpackedRelease looks at a directory that should be a Mattermost release as its makers pack it, and says in words what it lacks.
func unpackedRelease(dir string) (server, error) {
	var s server
	no := func(format string, args ...any) (server, error) {
		return server{}, fmt.Errorf("MATTERMOST=%s cannot be used: %s", dir, fmt.Sprintf(format, args...))
	}
	info, err := os.Stat(dir)
	if err != nil {
		return no("%v", errors.Unwrap(err))
	}
	if !info.IsDir() {
		return no("it is a file: unpack the release and give the folder that holds bin and client")
	}
	s.binary, s.folders, s.client = filepath.Join(dir, "bin", "mattermost"), dir, filepath.Join(dir, "client")
	if inner := filepath.Join(dir, "mattermost"); !exists(s.binary) && exists(filepath.Join(inner, "bin", "mattermost")) {
		return no("the release is in its folder mattermost: give MATTERMOST=%s", inner)
	}
	for what, path := range map[string]string{"server": s.binary, "web client": filepath.Join(s.client, "root.html")} {
		if !exists(path) {
			return no("it has no %s (%s is missing): give the folder of an unpacked release", what, path)
		}
	}
	for _, name := range serverFolders {
		if !exists(filepath.Join(dir, name)) {
			return no("its folder %s is missing: unpack the release again", name)
		}
	}
	if s.version, err = serverVersion(s.binary); err != nil {
		return no("%v", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(s.version, "%d.%d", &major, &minor); err != nil {
		return no("its version %s cannot be read", s.version)
	}
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return no("it is Mattermost %s, and the plugin needs %d.%d or newer", s.version, oldest[0], oldest[1])
	}
	return s, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var versionLine = regexp.MustCompile(`(?m)^Version: ([0-9]+\.[0-9]+\.[0-9]+)`)

// serverVersion asks the server itself. It runs in an empty folder, since a server writes a configuration where it is.
func serverVersion(binary string) (string, error) {
	dir, err := os.MkdirTemp("", "calls-version-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "version")
	cmd.Dir, cmd.Env = dir, cleanEnv("MM_SQLSETTINGS_DATASOURCE=postgres://nobody@127.0.0.1:1/none")
	out, err := cmd.CombinedOutput()
	switch found := versionLine.FindSubmatch(out); {
	case found != nil:
		return string(found[1]), nil
	case errors.Is(err, syscall.ENOEXEC):
		return "", errors.New("its server is for another kind of machine")
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("its server may not be run: chmod +x %s", binary)
	case err != nil:
		return "", fmt.Errorf("its server does not tell its version: %w", err)
	}
	return "", fmt.Errorf("its server does not tell its version but %s", strconv.Quote(string(out[:min(len(out), 80)])))
}

// copyRelease copies the web client without the plugins that an earlier server may have unpacked there.
func copyRelease(into, from string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch target := filepath.Join(into, rel); {
		case rel == "plugins" && e.IsDir():
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(target, 0o755)
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, text, 0o644)
		}
	})
}
