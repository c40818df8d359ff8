package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const pluginID = "com.mattermost.calls"

// buildBundle is `make dist` for this machine alone, which does nothing when nothing changed.
func (h *host) buildBundle(ctx context.Context) error {
	release, err := h.lockTools()
	if err != nil {
		return err
	}
	defer release()
	cmd := exec.Command(filepath.Join(h.opt.root, "scripts", "dist"), "here")
	cmd.Dir = h.opt.root
	cmd.Env = cleanEnv(fmt.Sprintf("QUICK=%t", h.opt.watch))
	log := h.path("logs", "bundle.log")
	if err := runLogged(ctx, cmd, log); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the plugin could not be built: put right what `make dist` says (%s), which ends:\n%s", log, lastLines(log, 15))
	}
	bundle, err := h.bundle()
	if err != nil {
		return err
	}
	h.steps.say("%s", filepath.Base(bundle))
	return nil
}

func (h *host) bundle() (string, error) {
	text, err := os.ReadFile(filepath.Join(h.opt.root, "plugin.json"))
	if err != nil {
		return "", err
	}
	var manifest struct{ ID, Version string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", fmt.Errorf("plugin.json cannot be read: %w", err)
	}
	h.rec.Plugin = manifest.Version
	return filepath.Join(h.opt.root, "dist", fmt.Sprintf("%s-%s-%s-%s.tar.gz", manifest.ID, manifest.Version, runtime.GOOS, runtime.GOARCH)), nil
}

// installPlugin does what an admin does in the System Console: settings, upload, enable. A bundle that is there already is not uploaded again.
func (h *host) installPlugin(ctx context.Context) error {
	admin, err := login(ctx, h.url(), people[0], password)
	if err != nil {
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
	known, _ := os.ReadFile(h.path("installed"))
	fresh := string(known) != mark
	changed, err := h.configurePlugin(ctx, admin, fresh)
	if err != nil {
		return fmt.Errorf("the plugin's settings could not be made: %w", err)
	}
	if fresh {
		if err := admin.upload(ctx, bundle); err != nil {
			return fmt.Errorf("the server did not take the bundle %s: %w", bundle, err)
		}
		if err := os.WriteFile(h.path("installed"), []byte(mark), 0o644); err != nil {
			return err
		}
	}
	if err := h.enablePlugin(ctx, admin); err != nil {
		return err
	}
	h.steps.say("%s running%s%s", h.rec.Plugin, map[bool]string{true: ", installed"}[fresh], map[bool]string{true: ", new settings"}[changed])
	return nil
}

func fileSum(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// configurePlugin makes the settings that depend on this machine; the others are a person's to change and stay.
// A port takes effect only when the plugin starts, so a running one is stopped first.
func (h *host) configurePlugin(ctx context.Context, admin *rest, stop bool) (changed bool, err error) {
	var config struct {
		PluginSettings struct {
			Plugins map[string]map[string]any
		}
	}
	if err := admin.do(ctx, http.MethodGet, "/config", nil, &config); err != nil {
		return false, err
	}
	is := config.PluginSettings.Plugins[pluginID]
	// The server keeps keys in lower case.
	want := map[string]any{"udpserverport": float64(h.opt.udpPort), "tcpserverport": float64(h.opt.udpPort), "icehostoverride": h.media}
	if is == nil {
		want["defaultenabled"] = true    // calls in every channel, without asking an admin first
		want["iceserversconfigs"] = "[]" // nobody asks a STUN server outside
	}
	merged := maps.Clone(is)
	if merged == nil {
		merged = map[string]any{}
	}
	for k, v := range want {
		changed = changed || merged[k] != v
		merged[k] = v
	}
	if stop || changed {
		if err := admin.do(ctx, http.MethodPost, "/plugins/"+pluginID+"/disable", nil, nil); err != nil && status(err) != http.StatusNotFound {
			return changed, err
		}
	}
	if !changed {
		return false, nil
	}
	patch := map[string]any{"PluginSettings": map[string]any{"Plugins": map[string]any{pluginID: merged}}}
	return true, admin.do(ctx, http.MethodPut, "/config/patch", patch, nil)
}

// enablePlugin switches the plugin on and waits until it runs.
func (h *host) enablePlugin(ctx context.Context, admin *rest) error {
	if err := admin.do(ctx, http.MethodPost, "/plugins/"+pluginID+"/enable", nil, nil); err != nil {
		return fmt.Errorf("the plugin does not start: %w; its log in %s ends:\n%s", err, h.path("logs", "mattermost.log"), h.pluginLog(8))
	}
	return h.awaitPlugin(ctx, admin)
}

// awaitPlugin waits until the plugin runs.
func (h *host) awaitPlugin(ctx context.Context, admin *rest) error {
	deadline := time.After(30 * time.Second)
	for {
		state, reason, err := pluginState(ctx, admin)
		switch {
		case err != nil:
			return err
		case state == pluginRunning:
			return nil
		case state == pluginFailed || state == pluginGaveUp:
			return fmt.Errorf("the plugin does not run: %s; its log in %s ends:\n%s", reason, h.path("logs", "mattermost.log"), h.pluginLog(8))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("the plugin did not start within 30 s; its log in %s ends:\n%s", h.path("logs", "mattermost.log"), h.pluginLog(8))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// States of a plugin as the server numbers them.
const (
	pluginRunning = 2
	pluginFailed  = 3
	pluginGaveUp  = 4
)

func pluginState(ctx context.Context, admin *rest) (state int, reason string, err error) {
	var all []struct {
		ID    string `json:"plugin_id"`
		State int    `json:"state"`
		Error string `json:"error"`
	}
	if err := admin.do(ctx, http.MethodGet, "/plugins/statuses", nil, &all); err != nil {
		return 0, "", err
	}
	for _, p := range all {
		if p.ID == pluginID {
			return p.State, p.Error, nil
		}
	}
	return 0, "", fmt.Errorf("the server does not list the plugin %s after its installation", pluginID)
}

// pluginLog is the end of what the server wrote about the plugin.
func (h *host) pluginLog(n int) string {
	var about []string
	for line := range strings.SplitSeq(lastLines(h.path("logs", "mattermost.log"), 200), "\n") {
		if strings.Contains(line, pluginID) {
			about = append(about, line)
		}
	}
	return strings.Join(about[max(0, len(about)-n):], "\n")
}
