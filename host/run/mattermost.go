package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// layout makes the server's working directory.
func (h *host) layout() error {
	for _, name := range []string{"config", "data", "plugins"} {
		if err := os.MkdirAll(h.path("mattermost", name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range serverFolders {
		link := h.path("mattermost", name)
		_ = os.Remove(link)
		if err := os.Symlink(filepath.Join(h.server.folders, name), link); err != nil {
			return err
		}
	}
	return h.layClient()
}

// layClient puts the web client where the server looks for it: a copy, since the server writes into that folder.
func (h *host) layClient() error {
	into := h.path("mattermost", "client")
	mark := h.path("mattermost", "client.from")
	from := h.server.client + " " + h.server.version
	if known, _ := os.ReadFile(mark); string(known) != from {
		if err := os.RemoveAll(into); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(into, "plugins"), 0o755); err != nil {
		return err
	}
	if h.server.client == "" {
		if err := h.layShell(into); err != nil {
			return err
		}
	} else if _, err := os.Stat(filepath.Join(into, "root.html")); err != nil {
		if err := copyRelease(into, h.server.client); err != nil {
			return fmt.Errorf("the web client could not be copied from %s: %w", h.server.client, err)
		}
	}
	return os.WriteFile(mark, []byte(from), 0o644)
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
		"MM_EMAILSETTINGS_SENDPUSHNOTIFICATIONS=true", // to nobody, unless a test listens there and gives somebody a phone
		fmt.Sprintf("MM_EMAILSETTINGS_PUSHNOTIFICATIONSERVER=http://127.0.0.1:%d", h.pushPort),
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
	if err := h.layout(); err != nil {
		return err
	}
	cmd := exec.Command(h.server.binary)
	cmd.Dir = h.path("mattermost")
	cmd.Env = cleanEnv(h.settings()...)
	var err error
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
