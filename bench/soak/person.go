package soak

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"calls/actors/session"
	"calls/bench/client"
	"calls/bench/guest"
	"calls/bench/sfu/calls"
	"calls/wire"
)

// person is one participant from the join to the end. Whoever comes again is another person.
type person struct {
	*guest.Guest

	mu     sync.Mutex
	conn   session.ConnID // under which it speaks now
	socket int            // connections it has had

	talking, muted, sharing bool // the director's
}

// enter joins a call and waits until media can flow.
func enter(ctx context.Context, host *calls.Host, addr netip.Addr, n uint32, channel string) (*person, error) {
	id := session.ID(fmt.Sprintf("soak%022d", n))
	p := &person{Guest: guest.New(host, id, session.UserID(fmt.Sprintf("user%022d", n%5)), channel), conn: session.ConnID(id)}
	return p, p.Enter(ctx, client.Config{ID: n, Signalling: p, Reports: true, Loopback: addr.IsLoopback()})
}

// Send hands the client's messages to the engine.
func (p *person) Send(msg wire.Message) error {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	p.Host.Engine.Signal(conn, p.User, msg)
	return nil
}

// reconnect loses the socket and comes back on another one.
func (p *person) reconnect() {
	p.mu.Lock()
	old := p.conn
	p.socket++
	p.conn = session.ConnID(fmt.Sprintf("%s-%d", p.ID, p.socket))
	now := p.conn
	p.mu.Unlock()
	e := p.Host.Engine
	e.Disconnected(old, p.User)
	e.Connected(now, p.User)
	e.Signal(now, p.User, wire.Reconnect{ChannelID: p.Channel, OriginalConnID: string(p.ID), PrevConnID: string(old)})
}

// gone tells the host that the last socket is closed.
func (p *person) gone() {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	p.Host.Gone(p.ID, p.User)
	p.Host.Engine.Disconnected(conn, p.User)
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
