package kit

import (
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"calls/guard"
)

// Spec says how an actor is made. What must outlive an instance of it is owned by whoever makes the Spec and captured by New.
type Spec struct {
	Kind Kind
	// New makes an instance. It is called when the actor starts and at every restart, on the actor's own goroutine: if it panics, that is a failure like others.
	New        func() actor.Actor
	Strategy   *Strategy           // judges its children, nobody else's; nil: it has none (a child would be judged by the default limits)
	Mailbox    *Mailbox            // nil: one without a media lane. A Spec with a mailbox can be spawned once
	Dispatcher actor.Dispatcher    // nil: goroutines
	OnPanic    func(guard.Failure) // told of panics that cannot be judged by the parent any more, because the actor is on its way out; nil: nobody
}

// Props is what protoactor spawns.
func (s Spec) Props() *actor.Props {
	if s.Strategy == nil {
		s.Strategy = NewStrategy(StrategyOptions{})
	}
	if s.Dispatcher == nil {
		s.Dispatcher = goroutines{}
	}
	return actor.PropsFromProducer(
		func() actor.Actor { return &guarded{spec: &s} },
		actor.WithSupervisor(s.Strategy),
		actor.WithDispatcher(s.Dispatcher),
		actor.WithMailbox(s.mailboxes()),
	)
}

func (s Spec) mailboxes() actor.MailboxProducer {
	if s.Mailbox == nil {
		return func() actor.Mailbox { return NewMailbox(MailboxOptions{}) }
	}
	var taken atomic.Bool
	return func() actor.Mailbox {
		if taken.Swap(true) {
			panic(fmt.Sprintf("kit: a %s was spawned twice with the same mailbox", s.Kind))
		}
		return s.Mailbox
	}
}

// guarded stands between protoactor and an instance. protoactor loses a stop when the actor panics in Stopping, and a panic in Stopped leaves a parent that can
// neither stop nor restart; so an instance on its way out cannot fail any more. The same holds for the root, above which nobody could judge.
type guarded struct {
	spec    *Spec
	inner   actor.Actor // nil before Started, and when New failed
	closing bool        // Restarting or Stopping has come
}

// Receive hands a message to the instance.
func (g *guarded) Receive(ctx actor.Context) {
	fault := false
	switch msg := ctx.Message().(type) {
	case *Media: // nothing else may cost a packet time
	case *actor.Started:
		g.spec.Strategy.open()
		g.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		g.closing = true
		g.spec.Strategy.shut()
	case *actor.Terminated:
		g.spec.Strategy.Forget(msg.Who)
	case Fault:
		fault = true
	}
	switch {
	case g.inner == nil:
	case g.closing || g.spec.Kind == Root:
		g.contain(ctx, g.inner.Receive)
	case fault:
		panic(ctx.Message())
	default:
		g.inner.Receive(ctx)
	}
}

func (g *guarded) start(ctx actor.Context) {
	if g.spec.Kind == Root {
		g.contain(ctx, func(actor.Context) { g.inner = g.spec.New() })
		return
	}
	g.inner = g.spec.New()
}

// contain runs fn and lets no panic out.
func (g *guarded) contain(ctx actor.Context, fn func(actor.Context)) {
	guard.Run(fmt.Sprintf("%s handling %T", ctx.Self().Id, ctx.Message()), func() { fn(ctx) }, func(f guard.Failure) {
		ctx.Logger().Error("panic was contained", "failure", f.Error(), "stack", string(f.Stack))
		if g.spec.OnPanic != nil {
			g.spec.OnPanic(f)
		}
	})
}

// goroutines is the dispatcher of actors that have no other: a goroutine for each burst of messages.
type goroutines struct{}

func (goroutines) Schedule(fn func()) { guard.Go("mailbox", fn, nil) }
func (goroutines) Throughput() int    { return 300 }
