package session

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"golang.org/x/time/rate"

	"calls/actors/kit"
	"calls/media"
	"calls/wire"
)

// reports is where a connection reports to. It lives as long as the connection and leads to the instance of the session that is there now; what is reported
// while its call is replacing it waits.
type reports struct {
	clock kit.Clock
	said  *rate.Limiter // what a client may say on its data channel

	mu   sync.Mutex
	root *actor.RootContext
	to   *actor.PID
	held []media.Event
	over bool
}

// bind leads to an instance, and hands over what waits.
func (r *reports) bind(ctx actor.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.root, r.to = ctx.ActorSystem().Root, ctx.Self()
	for _, e := range r.held {
		r.root.Send(r.to, e)
	}
	r.held = nil
}

// hold keeps what comes for the next instance, if there is to be one.
func (r *reports) hold(next bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to, r.over = nil, !next
}

// tell hands over an event. Any goroutine. What a client says on its data channel is bounded, and not kept: nobody may fill memory by it, and pings are lost on
// networks too.
func (r *reports) tell(e media.Event) {
	m, said := e.(media.ChannelMessage)
	if said && (len(m.Data) > wire.MaxChannelMessage || !r.said.AllowN(r.clock.Now(), 1)) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to != nil {
		r.root.Send(r.to, e)
		return
	}
	if !said && !r.over {
		r.held = append(r.held, e)
	}
}
