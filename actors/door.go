package actors

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/guard"
	"calls/wire"
)

const (
	doorWidth = 16              // questions to the host at once
	doorQueue = 1000            // joins that may wait for their turn
	doorLimit = 3 * time.Second // the longest a client waits for the host's answer
)

// Between the engine, the door and the root.
type (
	knock struct { // somebody asks to join
		channel call.ChannelID
		join    call.Join
		ticket  uint64
	}
	answered struct { // the host has said whether they may
		no      int
		entrant Entrant
		err     error
	}
	doorExpired struct{ no int }
	admitted    struct { // they may
		channel call.ChannelID
		join    call.Join
		ticket  uint64
	}
)

// doorState is what outlives the door's actor.
type doorState struct {
	fence kit.Fence
	saved waiting // behind the fence: as the last message left it
}

// waiting is what a door remembers from one message to the next. An instance works on a copy of its own.
type waiting struct {
	asked map[int]knock // questions under way
	queue []knock       // grows at the end and shrinks at the front, and is never changed in place
	no    int
}

// clone is a copy that shares nothing which could change.
func (w waiting) clone() waiting {
	asked := make(map[int]knock, len(w.asked))
	maps.Copy(asked, w.asked)
	w.asked, w.queue = asked, slices.Clip(w.queue)
	return w
}

// door lets people in. It asks the host, which may be slow, on guarded goroutines, so that nobody waits behind anybody for longer than the limit.
type door struct {
	waiting
	state  *doorState
	pass   *kit.Pass
	engine *Engine
	timers kit.Timers
}

// opener makes the instances of one incarnation of the door.
func (s *doorState) opener(e *Engine) func() actor.Actor {
	gate := s.fence.Gate()
	return func() actor.Actor {
		d := &door{state: s, engine: e}
		d.pass = gate.Enter(func() { d.waiting = s.saved.clone() })
		return d
	}
}

// save hands what this instance knows to its successor.
func (d *door) save() {
	d.pass.Try(func() { d.state.saved = d.clone() })
}

// Receive takes a knock, or an answer to one, and saves what came of it, also of a message that brings the actor down.
func (d *door) Receive(ctx actor.Context) {
	defer d.save()
	switch m := ctx.Message().(type) {
	case *actor.Restarting, *actor.Stopping:
		d.timers.Stop()
	case *actor.Started:
		d.open(ctx)
	case knock:
		if len(d.queue) >= doorQueue {
			d.refuse(m, &wire.Error{Code: "busy", Message: "The server is busy. Please try again in a moment."})
			return
		}
		d.queue = append(d.queue, m)
		d.open(ctx)
	case answered:
		d.answered(ctx, m)
	case doorExpired:
		if k, ok := d.take(m.no); ok {
			d.refuse(k, &wire.Error{Code: "timeout", Message: "The server took too long to answer. Please try again."})
			d.open(ctx)
		}
	}
}

// open asks the host about those who wait, as many at once as the door is wide.
func (d *door) open(ctx actor.Context) {
	for len(d.queue) > 0 && len(d.asked) < doorWidth {
		k := d.queue[0]
		d.queue = d.queue[1:]
		d.no++
		d.asked[d.no] = k
		d.ask(ctx, d.no, k)
	}
}

func (d *door) ask(ctx actor.Context, no int, k knock) {
	kit.After(d.engine.clock, ctx, doorLimit, doorExpired{no})
	self, root, directory := ctx.Self(), ctx.ActorSystem().Root, d.engine.ports.Directory
	d.engine.base.spawn("door", func() {
		entrant, err := directory.MayJoin(k.join.User, k.channel)
		root.Send(self, answered{no, entrant, err})
	}, func(f guard.Failure) { root.Send(self, answered{no: no, err: f}) })
}

// take ends a question; ok is false when it is over already, by the limit or by a late answer.
func (d *door) take(no int) (k knock, ok bool) {
	k, ok = d.asked[no]
	delete(d.asked, no)
	return k, ok
}

func (d *door) answered(ctx actor.Context, m answered) {
	k, ok := d.take(m.no)
	if !ok {
		return
	}
	if m.err != nil {
		d.refuse(k, m.err)
	} else {
		k.join.Member = m.entrant.Member
		ctx.Send(ctx.Parent(), admitted(k))
	}
	d.open(ctx)
}

// refuse tells a client why it may not join. Faults are logged; their texts are nobody's business.
func (d *door) refuse(k knock, err error) {
	var public *wire.Error
	if !errors.As(err, &public) {
		d.engine.log.Error("could not ask whether somebody may join", "user", k.join.User, "channel", k.channel, "err", err)
		public = &wire.Error{Code: "fault", Message: "The server could not check whether you may join. Please try again."}
	}
	d.pass.Do(func() { d.engine.registry.refused(k.join.Session, k.ticket) })
	d.engine.refuse(session.Address{User: k.join.User, Session: k.join.Session, Channel: string(k.channel)}, public.Code, public.Message)
}

// lost follows a message to the door or the root that nobody handles to its end: who knocked must not wait for ever.
func (e *Engine) lost(message any) {
	var k knock
	switch m := message.(type) {
	case knock:
		k = m
	case admitted:
		k = knock(m)
	default:
		return
	}
	e.registry.refused(k.join.Session, k.ticket)
	e.refuse(session.Address{User: k.join.User, Session: k.join.Session, Channel: string(k.channel)}, wire.CodeFault, keptOut)
}
