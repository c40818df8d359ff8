package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// release is a Mattermost server that is built from its Go module.
type release struct {
	version string
	pins    string // folder with its go.mod
	module  string
	command string
}

var mattermost10 = release{
	version: "10.3.0",
	pins:    "host/mm10",
	module:  "github.com/mattermost/mattermost/server/v8",
	command: "github.com/mattermost/mattermost/server/v8/cmd/mattermost",
}

// cache is the folder of the built server. Its name changes with all that goes into the build, so an old one is never taken for a new one.
func (r release) cache(root string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, r.pins, name))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	sum.Write([]byte(runtime.Version()))
	return filepath.Join(root, ".tools", "mattermost-"+r.version+"-"+hex.EncodeToString(sum.Sum(nil)[:6])), nil
}

// serverFolders are what a server reads at run time besides its binary.
var serverFolders = []string{"i18n", "templates", "fonts"}

// buildMattermost builds the server unless an earlier start did.
func (h *host) buildMattermost(ctx context.Context) error {
	r := mattermost10
	cache, err := r.cache(h.opt.root)
	if err != nil {
		return err
	}
	release, err := h.lockTools()
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Stat(cache); err == nil {
		h.steps.say("%s, built before", r.version)
		return nil
	}
	h.steps.line("Mattermost %s is built once from its Go module, which takes one to five minutes", r.version)
	aside := cache + ".new"
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if err := h.compile(ctx, r, aside); err != nil {
		return err
	}
	h.steps.say("%s", r.version)
	return os.Rename(aside, cache)
}

func (h *host) compile(ctx context.Context, r release, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	log := h.path("logs", "mattermost-build.log")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "mattermost"), r.command)
	build.Dir = filepath.Join(h.opt.root, r.pins)
	build.Env = cleanEnv("CGO_ENABLED=0", "GOWORK=off")
	if err := runLogged(ctx, build, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("Mattermost %s could not be built: see %s, which ends:\n%s", r.version, log, lastLines(log, 6))
	}
	where := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", r.module)
	where.Dir, where.Env = build.Dir, build.Env
	out, err := where.Output()
	if err != nil {
		return fmt.Errorf("the module %s is not in the module cache: %w", r.module, err)
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

//go:embed client
var client embed.FS

// layout makes the server's working directory.
func (h *host) layout(cache string) error {
	for _, name := range []string{"config", "data", "plugins", "client/plugins"} {
		if err := os.MkdirAll(h.path("mattermost", name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range serverFolders {
		link := h.path("mattermost", name)
		_ = os.Remove(link)
		if err := os.Symlink(filepath.Join(cache, name), link); err != nil {
			return err
		}
	}
	for _, name := range []string{"root.html", "manifest.json"} {
		text, err := client.ReadFile("client/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(h.path("mattermost", "client", name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// settings are what the server is told by its environment: open for our people, closed to the outside, and silent towards the network.
func (h *host) settings() []string {
	return []string{
		"MM_SQLSETTINGS_DRIVERNAME=postgres",
		"MM_SQLSETTINGS_DATASOURCE=" + h.dsn,
		"MM_SQLSETTINGS_MAXOPENCONNS=80",
		// People here have a published password, so nobody but this machine gets in.
		fmt.Sprintf("MM_SERVICESETTINGS_LISTENADDRESS=127.0.0.1:%d", h.opt.port),
		"MM_SERVICESETTINGS_SITEURL=" + h.url(),
		"MM_SERVICESETTINGS_ENABLEDEVELOPER=true",
		"MM_SERVICESETTINGS_ENABLELOCALMODE=false",
		"MM_SERVICESETTINGS_ENABLESECURITYFIXALERT=false",
		"MM_SERVICESETTINGS_ENABLELINKPREVIEWS=false",
		"MM_SERVICESETTINGS_ENABLEONBOARDINGFLOW=false",
		"MM_SERVICESETTINGS_ENABLETUTORIAL=false",
		"MM_TEAMSETTINGS_ENABLEOPENSERVER=true",
		"MM_TEAMSETTINGS_ENABLEUSERCREATION=true",
		"MM_TEAMSETTINGS_MAXUSERSPERTEAM=2000",
		"MM_RATELIMITSETTINGS_ENABLE=false",
		// Clean-up and export jobs: nobody needs them here, and a server stopped soon after its start waits some 15 s for them.
		"MM_JOBSETTINGS_RUNJOBS=false",
		"MM_JOBSETTINGS_RUNSCHEDULER=false",
		"MM_PLUGINSETTINGS_ENABLE=true",
		"MM_PLUGINSETTINGS_ENABLEUPLOADS=true",
		"MM_PLUGINSETTINGS_AUTOMATICPREPACKAGEDPLUGINS=false",
		"MM_PLUGINSETTINGS_REQUIREPLUGINSIGNATURE=false",
		"MM_PLUGINSETTINGS_ENABLEMARKETPLACE=false",
		"MM_PLUGINSETTINGS_ENABLEREMOTEMARKETPLACE=false",
		"MM_ANNOUNCEMENTSETTINGS_ADMINNOTICESENABLED=false",
		"MM_ANNOUNCEMENTSETTINGS_USERNOTICESENABLED=false",
		"MM_EMAILSETTINGS_SENDEMAILNOTIFICATIONS=false",
		"MM_EMAILSETTINGS_SENDPUSHNOTIFICATIONS=false",
		"MM_LOGSETTINGS_ENABLEDIAGNOSTICS=false",
		"MM_LOGSETTINGS_ENABLESENTRY=false",
		"MM_LOGSETTINGS_CONSOLEJSON=false",
		"MM_LOGSETTINGS_CONSOLELEVEL=INFO",
		"MM_LOGSETTINGS_ENABLECOLOR=false",
		"MM_LOGSETTINGS_ENABLEFILE=true",
		"MM_LOGSETTINGS_FILELEVEL=DEBUG",
		"MM_LOGSETTINGS_FILEJSON=true",
		"MM_LOGSETTINGS_FILELOCATION=" + h.path("logs"),
	}
}

// startMattermost runs the server and waits until it answers, the first time after its migrations.
func (h *host) startMattermost(ctx context.Context) error {
	cache, err := mattermost10.cache(h.opt.root)
	if err != nil {
		return err
	}
	if err := h.layout(cache); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(cache, "mattermost"))
	cmd.Dir = h.path("mattermost")
	cmd.Env = cleanEnv(h.settings()...)
	if h.mm, err = startProcess("Mattermost", cmd, h.path("logs", "console.log")); err != nil {
		return err
	}
	deadline := time.After(3 * time.Minute)
	for !answers(ctx, h.url()) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-h.mm.done:
			return h.failedStart()
		case <-h.pg.done:
			return h.pg.died()
		case <-deadline:
			return fmt.Errorf("Mattermost did not answer at %s within 3 minutes; the end of its log %s:\n%s", h.url(), h.mm.log, lastLines(h.mm.log, 6))
		case <-time.After(100 * time.Millisecond):
		}
	}
	h.steps.say("log %s", h.mm.log)
	return nil
}

// failedStart says why the server did not come up. Its own word is one line that it hides between a query and a help text.
func (h *host) failedStart() error {
	text, err := os.ReadFile(h.mm.log)
	if err != nil {
		return h.mm.died()
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		reason, ok := strings.CutPrefix(line, "Error: ")
		switch {
		case !ok:
		case strings.Contains(reason, "migration"):
			return fmt.Errorf("Mattermost could not migrate its database (%s): remove %s, which loses what was made in it, or choose another directory with DATA=; all of its log is in %s",
				reason, h.opt.data, h.mm.log)
		default:
			return fmt.Errorf("Mattermost does not start: %s; all of its log is in %s", reason, h.mm.log)
		}
	}
	return h.mm.died()
}
