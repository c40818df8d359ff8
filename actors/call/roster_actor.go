package call

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/session"
)

// rosterActor is the thin shell round the pure roster: it applies one change at a time to the last view, publishes the new one in an atomic pointer for those
// who only look, and hands what happened to the outbox. It keeps nothing of its own, so a restart loses nothing.
type rosterActor struct {
	*Spec
	pass *kit.Pass
	box  *actor.PID
}

func (s *Spec) rosterProps(box *actor.PID, mailbox *kit.Mailbox) *actor.Props {
	gate := s.rosterFence.Gate()
	return kit.Spec{Kind: kit.Roster, Mailbox: mailbox, Dispatcher: s.ports.Session.Dispatch, Board: s.ports.Session.Board, New: func() actor.Actor {
		return &rosterActor{s, gate.Enter(nil), box}
	}}.Props()
}

// Receive applies one change.
func (r *rosterActor) Receive(ctx actor.Context) {
	v := r.View()
	now := r.ports.Clock.Now()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		ctx.Send(r.box, news{}) // the last instance may have left something and not come to say so
	case Started:
		if v.V == 0 {
			r.apply(ctx)(v.started())
		}
	case enter:
		r.apply(ctx)(v.join(m.user, m.id, m.member, now))
	case leave:
		r.apply(ctx)(v.leave(m.id, m.reason))
	case session.Muted:
		r.apply(ctx)(v.mute(m.Session, m.On))
	case session.Spoke:
		r.apply(ctx)(v.voice(m.Session, m.On))
	case session.HandMoved:
		r.apply(ctx)(v.hand(m.Session, raisedAt(m.Up, now)))
	case session.ScreenAsked:
		next, events, ok := v.screenOn(m.Session, m.Stream)
		r.apply(ctx)(next, events)
		ctx.Send(ctx.Parent(), screenDecided{m.Session, ok, v.ScreenUser, m.Ask})
	case session.ScreenDone:
		r.apply(ctx)(v.screenOff(m.Session))
	case session.Reacted:
		r.apply(ctx)(v, v.react(m.Session, m.Emoji, now))
	case Host:
		next, events, to := v.host(m)
		r.apply(ctx)(next, events)
		if len(to) > 0 {
			ctx.Send(ctx.Parent(), hosted{m.Act, to})
		}
	case finish:
		r.apply(ctx)(v.ended(m.forced, m.reason))
	case posted:
		v.Post = m.post
		r.pass.Do(func() { r.view.Store(&v) })
	case flush:
		ctx.Send(r.box, m)
	}
}

// apply stores the new view and leaves the outbox what is to be told, both or neither. The queue is the call's, so that neither's restart loses an event. It is
// curried so that a roster's two results can be handed straight to it.
func (r *rosterActor) apply(ctx actor.Context) func(View, []Event) {
	return func(v View, events []Event) {
		r.pass.Do(func() {
			r.view.Store(&v)
			if len(events) > 0 {
				r.outbox.put(events, v)
			}
		})
		if len(events) > 0 {
			ctx.Send(r.box, news{})
		}
	}
}

func raisedAt(up bool, now time.Time) time.Time {
	if up {
		return now
	}
	return time.Time{}
}
