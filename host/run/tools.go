package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// checkTools names what is missing before anything long begins, and gets PostgreSQL where it can.
func (h *host) checkTools(ctx context.Context) error {
	for tool, get := range map[string]string{
		"go":   "install Go 1.26 or newer (go.dev/dl)",
		"node": "install Node.js 20.19 or newer (nodejs.org)",
		"npm":  "install npm (it comes with Node.js)",
		"make": "install make (Debian: apt-get install make)",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s was not found: %s and start again", tool, get)
		}
	}
	if postgresBin() == "" {
		if err := h.getPostgres(ctx); err != nil {
			return err
		}
	}
	h.steps.say("PostgreSQL from %s", postgresBin())
	return nil
}

// getPostgres installs Debian's PostgreSQL, which our own server needs the programs of.
func (h *host) getPostgres(ctx context.Context) error {
	h.steps.line("PostgreSQL is missing, getting it")
	cmd := exec.Command(filepath.Join(h.opt.root, "scripts", "need"), "postgres")
	log := h.path("logs", "tools.log")
	if err := runLogged(ctx, cmd, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("PostgreSQL was not found and could not be installed: install its server programs (Debian: apt-get install postgresql) and start again; %s says:\n%s",
			log, lastLines(log, 3))
	}
	if postgresBin() == "" {
		return fmt.Errorf("PostgreSQL was installed but initdb is neither in PATH nor in /usr/lib/postgresql: put its folder into PATH and start again")
	}
	return nil
}

// postgresBin is the folder of PostgreSQL's server programs; Debian keeps them out of PATH, one folder a version.
func postgresBin() string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Slice(found, func(i, j int) bool { return versionOf(found[i]) > versionOf(found[j]) })
	for _, dir := range found {
		if complete(dir) {
			return dir
		}
	}
	return ""
}

func versionOf(bin string) int {
	var v int
	_, _ = fmt.Sscanf(filepath.Base(filepath.Dir(bin)), "%d", &v)
	return v
}

func complete(dir string) bool {
	for _, program := range []string{"initdb", "postgres", "pg_isready"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return false
		}
	}
	return true
}

// cleanEnv is our environment without what would change the tools' or the server's ways: make's own variables and Mattermost settings.
func cleanEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "MM_"), strings.HasPrefix(name, "PG"), strings.HasPrefix(name, "MAKE"), name == "MFLAGS", name == "PORT":
		default:
			env = append(env, kv)
		}
	}
	return append(env, more...)
}
