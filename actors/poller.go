package actors

import (
	"slices"
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
		tick     bool       // this was the regular round, not a look at one user
		back     session.ID // the session that had come back, if this was about one
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
	parts  int                 // of the regular round, that are still being asked about
	backs  map[session.ID]bool // sessions that have come back, which are being asked about: one question a session, however often it comes back meanwhile
}

// Receive asks at every tick, on guarded goroutines, and waits for all answers before it sets the next tick.
func (p *poller) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.next(ctx)
	case *actor.Restarting, *actor.Stopping:
		p.timers.Stop()
	case pollTick:
		p.round(ctx)
	case recheck:
		p.recheck(ctx, m)
	case polled:
		p.answered(ctx, m)
	}
}

func (p *poller) next(ctx actor.Context) {
	p.timers.Set(p.engine.clock, ctx, "poll", pollEvery, pollTick{})
}

// look is one question: about somebody in a call, or, without a person, about the channel.
type look struct {
	channel call.ChannelID
	person  *call.Person
	back    bool // they have come back: to that it takes more than to stay
}

// looks lists the questions about every call and everybody in it, or about one user alone.
func looks(views []call.View, only session.UserID) (list []look) {
	for _, v := range views {
		if only == "" {
			list = append(list, look{channel: v.Channel})
		}
		for i, person := range v.People {
			if only == "" || person.User == only {
				list = append(list, look{channel: v.Channel, person: &v.People[i]})
			}
		}
	}
	return list
}

// recheck asks about one user, or about one session of theirs that has come back.
func (p *poller) recheck(ctx actor.Context, m recheck) {
	list := looks(p.engine.Calls(), m.user)
	if m.back == "" {
		p.ask(ctx, polled{}, list)
		return
	}
	list = slices.DeleteFunc(list, func(l look) bool { return l.person.Session != m.back })
	if len(list) == 0 || p.backs[m.back] {
		return
	}
	list[0].back = true
	if p.backs == nil {
		p.backs = map[session.ID]bool{}
	}
	p.backs[m.back] = true
	p.ask(ctx, polled{back: m.back}, list)
}

// pollWidth is how many questions are asked at once: one after another would take too long for the people of a large server.
const pollWidth = 8

// round asks about everything.
func (p *poller) round(ctx actor.Context) {
	all := looks(p.engine.Calls(), "")
	if len(all) == 0 {
		p.next(ctx)
		return
	}
	for part := range slices.Chunk(all, (len(all)+pollWidth-1)/pollWidth) {
		p.parts++
		p.ask(ctx, polled{tick: true}, part)
	}
}

func (p *poller) answered(ctx actor.Context, m polled) {
	delete(p.backs, m.back)
	for _, ch := range m.archived {
		ctx.Send(ctx.Parent(), endCall{ch, session.CallEnded})
	}
	for _, o := range m.out {
		ctx.Send(ctx.Parent(), forCall{o.channel, o.Expel})
	}
	if !m.tick {
		return
	}
	if p.parts--; p.parts <= 0 {
		p.parts = 0
		p.next(ctx)
	}
}

// ask puts questions to the host, one after another, and has the answer filled in.
func (p *poller) ask(ctx actor.Context, answer polled, list []look) {
	self, root := ctx.Self(), ctx.ActorSystem().Root
	p.engine.base.spawn("poller", func() {
		m := answer
		for _, l := range list {
			if l.person == nil {
				if p.archived(l.channel) {
					m.archived = append(m.archived, l.channel)
				}
				continue
			}
			if reason := p.reason(l); reason != "" {
				m.out = append(m.out, putOut{l.channel, call.Expel{User: l.person.User, Session: l.person.Session, Reason: reason}})
			}
		}
		root.Send(self, m)
	}, func(f guard.Failure) {
		p.engine.failed(f)
		root.Send(self, answer)
	})
}

func (p *poller) archived(ch call.ChannelID) bool {
	archived, err := p.engine.ports.Directory.Archived(ch)
	if err != nil {
		p.engine.log.Warn("could not ask whether a channel is archived", "channel", ch, "err", err)
	}
	return archived
}

// reason is why somebody may not stay, empty when they may or the host cannot say.
func (p *poller) reason(l look) session.EndReason {
	if p.engine.ports.Residents == nil {
		return ""
	}
	may := p.engine.ports.Residents.MayStay
	if l.back {
		may = p.engine.ports.Residents.MayReturn
	}
	reason, err := may(l.person.User, l.channel, p.engine.registry.auth(l.person.Session))
	if err != nil {
		p.engine.log.Warn("could not ask whether somebody may stay in a call", "user", l.person.User, "channel", l.channel, "err", err)
		return ""
	}
	return reason
}
