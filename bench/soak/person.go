package soak

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"calls/actors/session"
	"calls/bench/client"
	"calls/bench/sfu/calls"
	"calls/wire"
)

// person is one participant from the join to the end. Whoever comes again is another person.
type person struct {
	*client.Client
	host    *calls.Host
	n       uint32
	id      session.ID
	channel string
	joined  chan struct{}

	mu      sync.Mutex
	conn    session.ConnID // under which it speaks now
	socket  int            // connections it has had
	refused string

	talking, muted, sharing, raised bool // the director's
}

func (p *person) user() session.UserID { return session.UserID(fmt.Sprintf("user%022d", p.n%5)) }

// enter joins a call and waits until media can flow.
func enter(ctx context.Context, host *calls.Host, addr netip.Addr, n uint32, channel string) (*person, error) {
	id := session.ID(fmt.Sprintf("soak%022d", n))
	p := &person{host: host, n: n, id: id, channel: channel, joined: make(chan struct{}), conn: session.ConnID(id)}
	var err error
	if p.Client, err = client.New(client.Config{ID: n, Signalling: p, Reports: true, Loopback: addr.IsLoopback()}); err != nil {
		return nil, err
	}
	host.Enter(p.id, p.user(), channel, p)
	select {
	case <-p.joined:
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		return p, fmt.Errorf("person %d was not let in: %s", n, p.refused)
	}
	if err := p.Start(); err != nil {
		return p, err
	}
	if err := p.WaitConnected(ctx); err != nil {
		return p, fmt.Errorf("person %d: %w", n, err)
	}
	return p, nil
}

// Send hands the client's messages to the engine.
func (p *person) Send(msg wire.Message) error {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	p.host.Engine.Signal(conn, p.user(), msg)
	return nil
}

// What the host tells the person.

func (p *person) Joined()                      { close(p.joined) }
func (p *person) Description(kind, sdp string) { p.HandleSignal(kind, sdp) }
func (p *person) Candidate(candidate string)   { p.HandleCandidate(candidate) }
func (p *person) Refused(code, message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = code + ": " + message
}

// reconnect loses the socket and comes back on another one.
func (p *person) reconnect() {
	p.mu.Lock()
	old := p.conn
	p.socket++
	p.conn = session.ConnID(fmt.Sprintf("%s-%d", p.id, p.socket))
	now := p.conn
	p.mu.Unlock()
	e := p.host.Engine
	e.Disconnected(old, p.user())
	e.Connected(now, p.user())
	e.Signal(now, p.user(), wire.Reconnect{ChannelID: p.channel, OriginalConnID: string(p.id), PrevConnID: string(old)})
}

// gone tells the host that the last socket is closed.
func (p *person) gone() {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	p.host.Gone(p.id, p.user())
	p.host.Engine.Disconnected(conn, p.user())
}

// talk opens or closes the microphone.
func (p *person) talk(ctx context.Context) error {
	if p.talking && !p.muted {
		p.Mute()
		p.muted = true
		return nil
	}
	p.talking, p.muted = true, false
	return p.Unmute(ctx, client.Voice{})
}

// hand raises or lowers the hand.
func (p *person) hand() {
	p.raised = !p.raised
	if p.raised {
		p.Client.Send(wire.RaiseHand{})
	} else {
		p.Client.Send(wire.UnraiseHand{})
	}
}
