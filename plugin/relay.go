package main

import (
	"sync"

	"calls/plugin/config"
	"calls/plugin/settings"
)

// relayState is how it goes with the addresses at TURN servers, of whatever session.
type relayState struct {
	telling sync.Mutex // one after another, so that what was true last is told last
	mu      sync.Mutex
	err     error
}

// set notes the latest and says whether that is a change from well to ill or back.
func (r *relayState) set(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := (err == nil) != (r.err == nil)
	if changed {
		r.err = err
	}
	return changed
}

// problems is a remark, for calls go on without.
func (r *relayState) problems() []settings.Problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		return nil
	}
	return []settings.Problem{{Setting: "ServerSideTURN", Problem: "no TURN server gives the media server an address; clients are told of its others alone: " + r.err.Error()}}
}

// relayed is told how it went with an address. Admins hear of it once, not with every session.
func (s *service) relayed(err error) {
	if s.relay.set(err) {
		s.met(*s.settings.Config())
	}
}

// met tells what came of the settings.
func (s *service) met(now config.Config) {
	s.relay.telling.Lock()
	defer s.relay.telling.Unlock()
	s.settings.Met(append(append(pending(s.begun, now), s.found...), s.relay.problems()...))
	s.settings.Report(s.log)
}
