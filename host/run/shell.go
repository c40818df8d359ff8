package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildShell builds the page that stands in for the Mattermost web app, where the server brings none of its own.
func (h *host) buildShell(ctx context.Context) error {
	if h.server.client != "" {
		h.steps.say("not needed, the release has the real one")
		return nil
	}
	release, err := h.lockTools()
	if err != nil {
		return err
	}
	defer release()
	cmd := exec.Command(filepath.Join(h.opt.root, "scripts", "shell"))
	cmd.Dir = h.opt.root
	cmd.Env = cleanEnv()
	log := h.path("logs", "shell.log")
	if err := runLogged(ctx, cmd, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the stand-in page could not be built: put right what scripts/shell says (%s), which ends:\n%s", log, lastLines(log, 15))
	}
	return nil
}

// layShell puts the stand-in where the server looks for its web client. The server reads a manifest.json there too, which says nothing here.
func (h *host) layShell(into string) error {
	if err := os.RemoveAll(filepath.Join(into, "shell")); err != nil {
		return err
	}
	from := filepath.Join(h.opt.root, "host", "shell", "dist")
	if err := os.CopyFS(filepath.Join(into, "shell"), os.DirFS(filepath.Join(from, "shell"))); err != nil {
		return err
	}
	page, err := os.ReadFile(filepath.Join(from, "root.html"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(into, "root.html"), page, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, "manifest.json"), []byte("{}\n"), 0o644)
}
