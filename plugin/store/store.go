// Package store keeps what must outlive the plugin in the host's key-value store: a record a channel, with the channel's own choice and its running call.
package store

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/wire"
)

const (
	perPage  = 100
	attempts = 10                   // at one change; who loses them all is told, and tries again later
	pause    = 5 * time.Millisecond // between two: a replica of the database may lag behind what was just written
)

// KV is the host's key-value store.
type KV interface {
	KVGet(key string) ([]byte, *model.AppError)
	KVSetWithOptions(key string, value []byte, options model.PluginKVSetOptions) (bool, *model.AppError)
	KVList(page, perPage int) ([]string, *model.AppError)
}

// Store implements call.Store. All its methods may block on the host, except Choices.
type Store struct {
	kv   KV
	log  *slog.Logger
	now  func() time.Time
	wait func(time.Duration)

	mu      sync.Mutex
	choices map[call.ChannelID]bool // a copy of what is stored, so that listing channels asks the host nothing
}

// New makes a Store that knows no choices before Load.
func New(kv KV, log *slog.Logger) *Store {
	return &Store{kv: kv, log: log, now: time.Now, wait: time.Sleep, choices: map[call.ChannelID]bool{}}
}

// Save writes the call into the channel's record and leaves the channel's choice alone. An older state than the stored one of the same call is not written.
func (s *Store) Save(v call.View) error {
	return s.change(v.Channel, func(r *record) bool {
		switch {
		case r.Call == nil || r.Call.ID != v.Call:
			// By the clock, so that it grows even when the record was removed in between.
			r.Epoch = max(r.Epoch+1, s.now().UnixMilli())
		case r.Call.V > v.V:
			return false
		}
		r.Call = save(v)
		return true
	})
}

// Clear removes the call of this id from the channel's record; another call's is left alone.
func (s *Store) Clear(ch call.ChannelID, id call.ID) error {
	return s.change(ch, func(r *record) bool {
		if r.Call == nil || r.Call.ID != id {
			return false
		}
		r.Call = nil
		return true
	})
}

// SetChoice stores that calls are allowed, or not, in the channel.
func (s *Store) SetChoice(ch call.ChannelID, enabled bool) error {
	err := s.change(ch, func(r *record) bool {
		if r.Enabled != nil && *r.Enabled == enabled {
			return false
		}
		r.Enabled = &enabled
		return true
	})
	if err == nil {
		s.mu.Lock()
		s.choices[ch] = enabled
		s.mu.Unlock()
	}
	return err
}

// Choice is the channel's own choice as it is stored, nil when it made none.
func (s *Store) Choice(ch call.ChannelID) (*bool, error) {
	_, r, err := s.read(string(ch))
	return r.Enabled, err
}

// Choices is every channel that made a choice. It does not ask the host.
func (s *Store) Choices() map[call.ChannelID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.choices)
}

// Load reads every record. It gives the calls found in them: nobody is in those any more, so they are to be closed.
func (s *Store) Load() (leftover []call.View, err error) {
	choices := map[call.ChannelID]bool{}
	for page := 0; ; page++ {
		keys, appErr := s.kv.KVList(page, perPage)
		if appErr != nil {
			return nil, fmt.Errorf("listing stored channels: %w", appErr)
		}
		for _, key := range keys {
			if !wire.ValidID(key) {
				continue // not a channel
			}
			_, r, err := s.read(key)
			if err != nil {
				return nil, err
			}
			if r.Enabled != nil {
				choices[call.ChannelID(key)] = *r.Enabled
			}
			if r.Call != nil {
				leftover = append(leftover, r.Call.view(call.ChannelID(key)))
			}
		}
		if len(keys) < perPage {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch, enabled := range s.choices {
		choices[ch] = enabled // chosen while we were reading
	}
	s.choices = choices
	return leftover, nil
}

// read gives the stored bytes too: they are what a write compares with. A record that cannot be understood counts as none, else its channel could never
// call again.
func (s *Store) read(key string) ([]byte, record, error) {
	raw, appErr := s.kv.KVGet(key)
	if appErr != nil {
		return nil, record{}, fmt.Errorf("reading the record of channel %s: %w", key, appErr)
	}
	r, err := decode(raw)
	if err != nil {
		s.log.Warn("the record of a channel is damaged and counts as empty", "channel", key, "err", err)
	}
	return raw, r, nil
}

// change reads a record, lets edit change it and writes it if nobody else did in between; else it begins again. Edit says whether there is something to write.
func (s *Store) change(ch call.ChannelID, edit func(*record) bool) error {
	key := string(ch)
	if !wire.ValidID(key) {
		return fmt.Errorf("%q is not a channel's id", key)
	}
	for i := range attempts {
		if i > 0 {
			s.wait(pause)
		}
		old, r, err := s.read(key)
		if err != nil {
			return err
		}
		if !edit(&r) {
			return nil
		}
		value, err := r.encode()
		if err != nil {
			return fmt.Errorf("writing the record of channel %s: %w", key, err)
		}
		if value == nil && old == nil {
			return nil
		}
		done, appErr := s.kv.KVSetWithOptions(key, value, model.PluginKVSetOptions{Atomic: true, OldValue: old})
		if appErr != nil {
			return fmt.Errorf("writing the record of channel %s: %w", key, appErr)
		}
		if done {
			return nil
		}
	}
	return fmt.Errorf("writing the record of channel %s: somebody else was faster %d times", key, attempts)
}
