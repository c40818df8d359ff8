// Package faults measures what a failure costs: ten calls are kept talking while actors are crashed at random, and every packet that goes missing, comes twice or
// comes late is counted, at those who were hit and at all the others.
package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v2"

	"calls/actors/call"
	"calls/actors/session"
	"calls/bench/client"
	"calls/bench/guest"
	"calls/bench/load"
	"calls/bench/sfu/calls"
	"calls/guard"
	"calls/wire"
)

const (
	perCall   = 5 // people; each sends two voices to the four others: ten tracks with four receivers
	perPerson = 2
	joinWait  = time.Minute
)

// person is one participant, whose client is in the same process as the engine.
type person struct {
	*guest.Guest
	hub     *load.Hub
	addr    netip.Addr
	origin  uint32
	sockets []*load.Socket

	mu    sync.Mutex
	flows map[uint32]*flow // what comes, by SSRC
}

// flow is one incoming stream.
type flow struct {
	last    time.Time // arrival of the latest packet
	hit     time.Time // when what it goes through was crashed; zero: nothing is awaited
	tainted time.Time // gaps that end before then are no measure of undisturbed ones
}

func newPerson(host *calls.Host, hub *load.Hub, addr netip.Addr, n int) *person {
	id, user, channel := fmt.Sprintf("sess%022d", n), fmt.Sprintf("user%022d", n), fmt.Sprintf("chan%022d", n/perCall)
	return &person{
		Guest: guest.New(host, session.ID(id), session.UserID(user), channel), hub: hub, addr: addr, origin: uint32(n + 1), flows: map[uint32]*flow{},
	}
}

// join lets the person in, and has it send both voices.
func (p *person) join(ctx context.Context, seen func(*person, uint32, time.Time)) error {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	err := p.Enter(ctx, client.Config{ID: p.origin, Signalling: p, Reports: true, Loopback: p.addr.IsLoopback(), Arrival: p.arrival,
		Listen: func(at *net.UDPAddr) (transport.UDPConn, error) { return p.listen(at, seen) }})
	if err != nil {
		return err
	}
	if err := p.Unmute(ctx, client.Voice{}); err != nil {
		return fmt.Errorf("person %d: %w", p.origin, err)
	}
	if err := p.SpeakTwice(ctx, client.Voice{}); err != nil {
		return fmt.Errorf("person %d: %w", p.origin, err)
	}
	return nil
}

func (p *person) listen(at *net.UDPAddr, seen func(*person, uint32, time.Time)) (transport.UDPConn, error) {
	if ip, ok := netip.AddrFromSlice(at.IP.To4()); !ok || ip != p.addr {
		return nil, net.InvalidAddrError("not the bench's address")
	}
	s, err := p.hub.Open(p.addr, load.Use{Sampled: true, Tap: func(b []byte, when time.Time) { seen(p, binary.BigEndian.Uint32(b[8:]), when) }})
	if err != nil {
		return nil, err
	}
	p.sockets = append(p.sockets, s)
	return s, nil
}

func (p *person) arrival(ssrc uint32, seq uint16) time.Time {
	for _, s := range p.sockets {
		if at := s.Arrival(ssrc, seq); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// Send hands the client's messages to the engine.
func (p *person) Send(msg wire.Message) error {
	p.Host.Engine.Signal(session.ConnID(p.ID), p.User, msg)
	return nil
}

// origins are those under which the person sends.
func (p *person) origins() [perPerson]uint32 {
	return [perPerson]uint32{p.origin, p.origin | client.ExtraOrigin}
}

// world is the engine and everybody in it.
type world struct {
	host   *calls.Host
	hub    *load.Hub
	people []*person
	seen   atomic.Pointer[func(*person, uint32, time.Time)]
	event  atomic.Pointer[func(call.Event)]
}

// fill lets everybody in, one after another: a storm of joins is another measurement.
func (w *world) fill(ctx context.Context, addr netip.Addr, calls int) error {
	seen := func(p *person, ssrc uint32, at time.Time) {
		if f := w.seen.Load(); f != nil {
			(*f)(p, ssrc, at)
		}
	}
	w.host.OnEvent = func(e call.Event) {
		if f := w.event.Load(); f != nil {
			(*f)(e)
		}
	}
	for n := range calls * perCall {
		p := newPerson(w.host, w.hub, addr, n)
		w.people = append(w.people, p)
		if err := p.join(ctx, seen); err != nil {
			return err
		}
	}
	deadline := time.Now().Add(joinWait)
	for {
		missing := w.missing()
		if missing == "" {
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return errors.New(missing)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// missing says who does not hear whom.
func (w *world) missing() string {
	for _, p := range w.people {
		for _, o := range w.people {
			for _, origin := range o.origins() {
				if p != o && p.Channel == o.Channel && p.Received(origin, client.Audio).Counts.Received < 20 {
					return fmt.Sprintf("person %d does not hear person %d", p.origin, o.origin)
				}
			}
		}
	}
	return ""
}

func (w *world) close(ctx context.Context) error {
	var wg sync.WaitGroup
	var lost []error
	var mu sync.Mutex
	for _, p := range w.people {
		if p.Client == nil {
			continue
		}
		wg.Add(1)
		guard.Go("leave", func() {
			defer wg.Done()
			err := p.Leave()
			mu.Lock()
			defer mu.Unlock()
			lost = append(lost, err)
		}, nil)
	}
	wg.Wait()
	err := w.host.Engine.Close(ctx)
	w.hub.Close()
	return errors.Join(append(lost, err)...)
}
