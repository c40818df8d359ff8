// Package settings holds what the admin has set. It reads it from the host, remembers the last that was good, and tells what is wrong where admins look: in the
// log, on the admin page and in a message.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/guard"
	"calls/plugin/config"
)

// Keys in the plugin's key-value store. No channel has such an id.
const (
	goodKey = "settings_good" // the settings that were right when they were last seen
	toldKey = "settings_told" // what admins were last told about them
)

// Host is the part of the host that keeps settings and carries messages.
type Host interface {
	LoadPluginConfiguration(to any) error
	KVGet(key string) ([]byte, *model.AppError)
	KVSetWithOptions(key string, value []byte, options model.PluginKVSetOptions) (bool, *model.AppError)
	Messenger
}

// Problem is something about the settings that an admin should know.
type Problem struct {
	Setting string `json:"setting"` // its key, or the environment variable that it came from
	Value   string `json:"value,omitempty"`
	Problem string `json:"problem"`
	Wrong   bool   `json:"wrong"` // something was not heeded; else it is a mere remark
}

func (p Problem) String() string {
	return (&config.Error{Setting: p.Setting, Value: p.Value, Problem: p.Problem}).Error()
}

// Keeper is the settings of a plugin, from its process's first moment to its last.
type Keeper struct {
	host    Host
	getenv  func(string) string
	current atomic.Pointer[config.Config]
	log     atomic.Pointer[slog.Logger]

	mu       sync.Mutex
	loaded   bool      // at least once
	typed    []Problem // of what was typed
	met      []Problem // of what the settings met with in the world
	reported []Problem // what the log has

	serial *guard.Serial // what may wait for the host's database
}

// New makes a Keeper that holds the defaults until Load.
func New(getenv func(string) string) *Keeper {
	k := &Keeper{getenv: getenv}
	c := config.Default()
	k.current.Store(&c)
	k.log.Store(slog.New(slog.DiscardHandler))
	k.serial = guard.NewSerial("settings", func(f guard.Failure) {
		k.log.Load().Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack))
	})
	return k
}

// Config is the settings in force. Nobody changes them.
func (k *Keeper) Config() *config.Config { return k.current.Load() }

// Problems is what admins should know, what is wrong first.
func (k *Keeper) Problems() []Problem {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.problems()
}

func (k *Keeper) problems() []Problem {
	all := slices.Concat(k.typed, k.met)
	slices.SortStableFunc(all, func(a, b Problem) int {
		switch {
		case a.Wrong == b.Wrong:
			return 0
		case a.Wrong:
			return -1
		}
		return 1
	})
	return all
}

// Load reads the settings. When the host gives none at all the last ones stay.
func (k *Keeper) Load(host Host, log *slog.Logger) config.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.host = host
	k.log.Store(log)
	last := *k.current.Load()
	var stored map[string]json.RawMessage
	if err := host.LoadPluginConfiguration(&stored); err != nil || stored == nil {
		log.Error("the settings could not be read, the last ones stay", "err", err)
		return last
	}
	if !k.loaded {
		last = k.recall(last, log)
	}
	k.loaded = true
	c, errs := config.Load(stored, k.getenv, last)
	k.current.Store(&c)
	k.typed = nil
	for _, err := range errs {
		k.typed = append(k.typed, problem(err, true))
	}
	for _, r := range c.Remarks() {
		k.typed = append(k.typed, problem(&r, false))
	}
	k.later(func() error { return remember(host, stored) })
	return c
}

func problem(err error, wrong bool) Problem {
	var e *config.Error
	if errors.As(err, &e) {
		return Problem{Setting: e.Setting, Value: e.Value, Problem: e.Problem, Wrong: wrong}
	}
	return Problem{Problem: err.Error(), Wrong: wrong}
}

// recall is the last good settings of a former life of the plugin.
func (k *Keeper) recall(last config.Config, log *slog.Logger) config.Config {
	_, good, err := readGood(k.host)
	if err != nil {
		log.Warn("the last good settings cannot be read, the defaults stand for them", "err", err)
		return last
	}
	c, errs := config.Load(good, func(string) string { return "" }, last)
	for _, err := range errs {
		log.Warn("a remembered setting is good no more", "err", err) // by the rules of another version
	}
	return c
}

func readGood(host Host) (raw []byte, good map[string]json.RawMessage, err error) {
	raw, appErr := host.KVGet(goodKey)
	if appErr != nil {
		return nil, nil, fmt.Errorf("reading the remembered settings: %w", appErr)
	}
	if len(raw) > 0 && json.Unmarshal(raw, &good) != nil {
		good = nil // damaged: as if there were none
	}
	return raw, good, nil
}

// remember stores what is good of the settings, for the plugin's next life. It runs behind everybody's back, and so touches nothing of the Keeper's.
func remember(host Host, stored map[string]json.RawMessage) error {
	old, before, err := readGood(host)
	if err != nil {
		return err
	}
	value, err := json.Marshal(config.Good(stored, before))
	if err != nil || bytes.Equal(value, old) {
		return err
	}
	// Another node may be faster: it has read the same settings.
	if _, appErr := host.KVSetWithOptions(goodKey, value, model.PluginKVSetOptions{Atomic: true, OldValue: old}); appErr != nil {
		return fmt.Errorf("remembering the settings: %w", appErr)
	}
	return nil
}

// Met notes what came of the settings when they were put to use, instead of what was noted of that before.
func (k *Keeper) Met(found []Problem) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.met = slices.Clone(found)
}

// Report writes into the log what has changed since the last report, and tells admins what is wrong, once for each change. It returns at once.
func (k *Keeper) Report(log *slog.Logger) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.problems()
	for _, p := range now {
		if slices.Contains(k.reported, p) {
			continue
		}
		if p.Wrong {
			log.Error("a setting is wrong and was not heeded", "err", p.String())
		} else {
			log.Warn("a remark on the settings", "remark", p.String())
		}
	}
	k.reported = now
	var wrong []Problem
	for _, p := range now {
		if p.Wrong {
			wrong = append(wrong, p)
		}
	}
	if host := k.host; host != nil {
		k.later(func() error { return tell(host, wrong) })
	}
}

// later does what may wait for the host's database, behind everybody's back.
func (k *Keeper) later(job func() error) {
	k.serial.Do(func() {
		if err := job(); err != nil {
			k.log.Load().Warn("admins could not be told of their settings, or the good ones not remembered", "err", err)
		}
	})
}
