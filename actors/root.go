package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/guard"
	"calls/wire"
)

// What the engine tells the root.
type (
	endCall struct {
		channel call.ChannelID
		reason  session.EndReason
	}
	endAll  struct{ reason session.EndReason }
	woundUp struct{} // a call that was brought down has been cleaned up after
	forCall struct { // a command for a channel's call, if one is on
		channel call.ChannelID
		msg     any // call.Host or call.Expel
	}
	recheck struct { // something about this user has changed at the host
		user session.UserID
		back session.ID // this session of theirs has come back; empty: look at all of them
	}
)

// running is one call under the root.
type running struct {
	spec *call.Spec
	pid  *actor.PID
}

// root holds the calls. It has no supervisor that could bring it back, so it does next to nothing.
type root struct {
	engine  *Engine
	calls   map[call.ChannelID]*running
	door    *actor.PID
	poller  *actor.PID
	gen     uint64
	closing session.EndReason
	winding int // calls that were brought down and are being cleaned up after
}

// Receive spawns, routes and watches.
func (r *root) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.start(ctx)
	case knock:
		ctx.Send(r.door, m)
	case admitted:
		if r.engine.registry.let(m.join.Session, m.ticket) { // else its client has gone while the host was asked
			r.join(ctx, m.channel, m.join)
		}
	case forCall:
		if c := r.calls[m.channel]; c != nil {
			ctx.Send(c.pid, m.msg)
		}
	case recheck:
		ctx.Send(r.poller, m)
	case endCall:
		if c := r.calls[m.channel]; c != nil {
			ctx.Send(c.pid, call.End{Reason: m.reason})
		}
	case endAll:
		r.closing = m.reason
		for _, c := range r.calls {
			ctx.Send(c.pid, call.End{Reason: m.reason})
		}
		r.closed()
	case woundUp:
		r.winding--
		r.closed()
	case kit.Replace:
		r.replace(ctx, m)
	case *actor.Terminated:
		r.gone(ctx, m.Who)
	}
}

// giveUp follows a call that fails too often, before it is stopped.
func (r *root) giveUp(child *actor.PID, _ kit.Kind, _ guard.Failure) {
	for _, c := range r.calls {
		if c.pid.Equal(child) {
			c.spec.GiveUp()
		}
	}
}

func (r *root) start(ctx actor.Context) {
	r.door, r.poller = r.spawnDoor(ctx), r.spawnPoller(ctx)
}

func (r *root) spawnDoor(ctx actor.Context) *actor.PID {
	return r.spawn(ctx, kit.Door, r.engine.door.opener(r.engine))
}

func (r *root) spawnPoller(ctx actor.Context) *actor.PID {
	return r.spawn(ctx, kit.Poller, func() actor.Actor { return &poller{engine: r.engine} })
}

func (r *root) spawn(ctx actor.Context, kind kit.Kind, make func() actor.Actor) *actor.PID {
	r.gen++
	spec := kit.Spec{Kind: kind, Dispatcher: r.engine.base.dispatch, Board: r.engine.board, OnLost: r.engine.lost, New: make}
	pid, err := ctx.SpawnNamed(spec.Props(), kit.Name(kind, "", r.gen))
	if err != nil {
		r.engine.log.Error("an actor of the root did not start", "kind", kind.String(), "err", err)
	}
	return pid
}

// replace follows the quarantine of a child.
func (r *root) replace(ctx actor.Context, m kit.Replace) {
	switch {
	case m.Who.Equal(r.door):
		r.door = r.spawnDoor(ctx)
		m.By(r.door)
	case m.Who.Equal(r.poller):
		r.poller = r.spawnPoller(ctx)
		m.By(r.poller)
	}
	for ch, c := range r.calls {
		if !c.pid.Equal(m.Who) {
			continue
		}
		r.gen++
		pid, err := ctx.SpawnNamed(c.spec.Props(), kit.Name(kit.Call, string(ch), r.gen))
		if err != nil {
			r.engine.log.Error("a call could not be replaced", "channel", ch, "err", err)
			c.spec.GiveUp()
			r.gone(ctx, m.Who)
			return
		}
		c.pid = pid
		m.By(pid)
		return
	}
}

// join hands somebody who may join to the channel's call, which is begun if there is none.
func (r *root) join(ctx actor.Context, ch call.ChannelID, j call.Join) {
	if r.closing != "" {
		r.turnAway(ch, j, string(session.Shutdown), goingDown)
		return
	}
	c := r.calls[ch]
	if c == nil {
		r.gen++
		spec := call.New(ch, call.ID(r.engine.newID()), j, r.engine.callPorts())
		pid, err := ctx.SpawnNamed(spec.Props(), kit.Name(kit.Call, string(ch), r.gen))
		if err != nil {
			r.engine.log.Error("a call did not start", "channel", ch, "err", err)
			r.turnAway(ch, j, wire.CodeFault, keptOut)
			return
		}
		c = &running{spec: spec, pid: pid}
		r.calls[ch] = c
		r.engine.calls.Store(ch, spec)
	}
	c.spec.Expect(j)
	ctx.Send(c.pid, j)
}

// turnAway tells somebody who was let in that there is no call to join after all.
func (r *root) turnAway(ch call.ChannelID, j call.Join, code, message string) {
	r.engine.registry.Forget(j.Session)
	r.engine.refuse(session.Address{User: j.User, Session: j.Session, Channel: string(ch)}, code, message)
}

// gone follows the end of a call: its channel is free again, and those who came too late for it begin the next.
func (r *root) gone(ctx actor.Context, who *actor.PID) {
	for ch, c := range r.calls {
		if !c.pid.Equal(who) {
			continue
		}
		delete(r.calls, ch)
		r.engine.calls.Delete(ch)
		if !c.spec.Done() {
			r.winding++
			self, root := ctx.Self(), ctx.ActorSystem().Root
			c.spec.Abandon(func() { root.Send(self, woundUp{}) })
		}
		for _, j := range c.spec.Expected() {
			r.join(ctx, ch, j)
		}
		break
	}
	r.closed()
}

// closed tells Close that the last call is over.
func (r *root) closed() {
	if r.closing != "" && len(r.calls) == 0 && r.winding == 0 {
		r.engine.allOver()
	}
}
