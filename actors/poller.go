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
	}
)

// poller asks the host what no hook tells. For now that is one thing: which channel was archived while its call runs.
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
		p.ask(ctx)
	case polled:
		for _, ch := range m.archived {
			ctx.Send(ctx.Parent(), endCall{ch, session.CallEnded})
		}
		p.next(ctx)
	}
}

func (p *poller) next(ctx actor.Context) {
	p.timers.Set(p.engine.clock, ctx, "poll", pollEvery, pollTick{})
}

func (p *poller) ask(ctx actor.Context) {
	self, root, directory, log := ctx.Self(), ctx.ActorSystem().Root, p.engine.ports.Directory, p.engine.log
	views := p.engine.Calls()
	p.engine.base.spawn("poller", func() {
		var m polled
		for _, v := range views {
			archived, err := directory.Archived(v.Channel)
			if err != nil {
				log.Warn("could not ask whether a channel is archived", "channel", v.Channel, "err", err)
			}
			if archived {
				m.archived = append(m.archived, v.Channel)
			}
		}
		root.Send(self, m)
	}, func(guard.Failure) { root.Send(self, polled{}) })
}
