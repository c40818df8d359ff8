package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/guard"
)

// pollEvery is how often the host is asked what it does not tell.
const pollEvery = 4 * time.Second

type (
	pollTick struct{}
	polled   struct {
		archived []call.ChannelID
		out      []putOut
		tick     bool // this was the regular round, not a look at one user
	}
	putOut struct {
		channel call.ChannelID
		call.Expel
	}
)

// poller asks the host what no hook tells, or not every host: which channel was archived while its call runs, who was removed, deactivated or logged out.
type poller struct {
	engine *Engine
	timers kit.Timers
}

// Receive asks at every tick, on a guarded goroutine, and waits for the answer before it sets the next tick.
func (p *poller) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.next(ctx)
	case *actor.Restarting, *actor.Stopping:
		p.timers.Stop()
	case pollTick:
		p.ask(ctx, "")
	case recheck:
		p.ask(ctx, m.user)
	case polled:
		for _, ch := range m.archived {
			ctx.Send(ctx.Parent(), endCall{ch, session.CallEnded})
		}
		for _, o := range m.out {
			ctx.Send(ctx.Parent(), forCall{o.channel, o.Expel})
		}
		if m.tick {
			p.next(ctx)
		}
	}
}

func (p *poller) next(ctx actor.Context) {
	p.timers.Set(p.engine.clock, ctx, "poll", pollEvery, pollTick{})
}

// ask looks at every call and everybody in it, or at one user alone.
func (p *poller) ask(ctx actor.Context, only session.UserID) {
	self, root, views := ctx.Self(), ctx.ActorSystem().Root, p.engine.Calls()
	p.engine.base.spawn("poller", func() {
		m := polled{tick: only == ""}
		for _, v := range views {
			if only == "" && p.archived(v.Channel) {
				m.archived = append(m.archived, v.Channel)
				continue
			}
			m.out = append(m.out, p.out(v, only)...)
		}
		root.Send(self, m)
	}, func(f guard.Failure) {
		p.engine.failed(f)
		root.Send(self, polled{tick: only == ""})
	})
}

func (p *poller) archived(ch call.ChannelID) bool {
	archived, err := p.engine.ports.Directory.Archived(ch)
	if err != nil {
		p.engine.log.Warn("could not ask whether a channel is archived", "channel", ch, "err", err)
	}
	return archived
}

// out is who of a call may not stay.
func (p *poller) out(v call.View, only session.UserID) (out []putOut) {
	if p.engine.ports.Residents == nil {
		return nil
	}
	for _, person := range v.People {
		if only != "" && person.User != only {
			continue
		}
		reason, err := p.engine.ports.Residents.MayStay(person.User, v.Channel, p.engine.registry.auth(person.Session))
		if err != nil {
			p.engine.log.Warn("could not ask whether somebody may stay in a call", "user", person.User, "channel", v.Channel, "err", err)
			continue
		}
		if reason != "" {
			out = append(out, putOut{v.Channel, call.Expel{User: person.User, Session: person.Session, Reason: reason}})
		}
	}
	return out
}
