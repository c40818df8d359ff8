// Package guest is a person of a load in the engine's own process: a client whose signalling is calls of functions.
package guest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"calls/actors/session"
	"calls/bench/client"
	"calls/bench/sfu/calls"
	"calls/wire"
)

// Guest is one participant from the join to the end. Whoever comes again is another one.
type Guest struct {
	*client.Client
	Host    *calls.Host
	ID      session.ID
	User    session.UserID
	Channel string

	joined  chan struct{}
	raised  bool
	mu      sync.Mutex
	refused string
}

// New makes a guest, who is nowhere yet.
func New(host *calls.Host, id session.ID, user session.UserID, channel string) *Guest {
	return &Guest{Host: host, ID: id, User: user, Channel: channel, joined: make(chan struct{})}
}

// Enter joins the call and waits until media can flow.
func (g *Guest) Enter(ctx context.Context, cfg client.Config) (err error) {
	if g.Client, err = client.New(cfg); err != nil {
		return err
	}
	g.Host.Enter(g.ID, g.User, g.Channel, g)
	select {
	case <-g.joined:
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		return errors.Join(fmt.Errorf("%s was not let in: %s", g.ID, g.refused), ctx.Err())
	}
	if err = g.Start(); err == nil {
		err = g.WaitConnected(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", g.ID, err)
	}
	return nil
}

// Hand is the message that raises or lowers the hand, in turn. It goes through the session, its call, the roster and the outbox.
func (g *Guest) Hand() wire.Message {
	g.raised = !g.raised
	if g.raised {
		return wire.RaiseHand{}
	}
	return wire.UnraiseHand{}
}

// What the host tells the guest.

func (g *Guest) Joined()                      { close(g.joined) }
func (g *Guest) Description(kind, sdp string) { g.HandleSignal(kind, sdp) }
func (g *Guest) Candidate(candidate string)   { g.HandleCandidate(candidate) }
func (g *Guest) Refused(code, message string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = code + ": " + message
}
