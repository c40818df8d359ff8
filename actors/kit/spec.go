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
	Mailbox    *Mailbox            // nil: one without a media lane
	Dispatcher actor.Dispatcher    // nil: goroutines
	OnPanic    func(guard.Failure) // told of panics that cannot be judged by the parent any more, because the actor is on its way out; nil: nobody

	Board *Board // where the actor can be looked at; nil: nowhere, and no Watchdog looks after it
	Label string // its name for people

	// OnRevoke is told that the actor, or one above it, is about to be taken away because it hangs. It runs on a goroutine that must not be held up.
	OnRevoke func()
	// OnLost is told of a message that failed or hangs, and that nobody is going to handle to its end. It must not block.
	OnLost func(message any)
}

// Props is what protoactor spawns, once.
func (s Spec) Props() *actor.Props {
	if s.Strategy == nil {
		s.Strategy = NewStrategy(StrategyOptions{})
	}
	if s.Dispatcher == nil {
		s.Dispatcher = goroutines{}
	}
	if s.Mailbox == nil {
		s.Mailbox = NewMailbox(MailboxOptions{Clock: s.clock()})
	}
	s.Strategy.board.Store(s.Board)
	s.Mailbox.spec, s.Mailbox.board = &s, s.Board
	var taken atomic.Bool
	return actor.PropsFromProducer(
		func() actor.Actor { return &guarded{spec: &s, box: s.Mailbox} },
		actor.WithSupervisor(s.Strategy),
		actor.WithDispatcher(s.Dispatcher),
		actor.WithMailbox(func() actor.Mailbox {
			if taken.Swap(true) {
				panic(fmt.Sprintf("kit: a %s was spawned twice with the same mailbox", s.Kind))
			}
			return s.Mailbox
		}),
	)
}

func (s Spec) clock() Clock {
	if s.Board == nil {
		return nil
	}
	return s.Board.clock
}

// guarded stands between protoactor and an instance. protoactor loses a stop when the actor panics in Stopping, and a panic in Stopped leaves a parent that can
// neither stop nor restart; so an instance on its way out cannot fail any more. The same holds for the root, above which nobody could judge.
type guarded struct {
	spec    *Spec
	box     *Mailbox
	ctx     *fenced     // what the instance sees of its context
	inner   actor.Actor // nil before Started, and when New failed
	closing bool        // Restarting or Stopping has come
}

// Receive hands a message to the instance.
func (g *guarded) Receive(ctx actor.Context) {
	if g.ctx == nil {
		g.ctx = &fenced{ctx, g.box}
	}
	if _, packets := ctx.Message().(*Media); !packets {
		g.message(ctx)
		return
	}
	switch { // nothing else may cost a packet time
	case g.inner == nil:
	case g.unsupervised():
		g.contain(ctx, g.inner.Receive)
	default:
		g.inner.Receive(g.ctx)
	}
}

func (g *guarded) message(ctx actor.Context) {
	if g.box.revoked.Load() { // the library goes on with what it was about, for an actor that is no more
		return
	}
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		g.spec.Strategy.open()
		g.box.begin()
		g.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		g.closing = true
		g.spec.Strategy.shut()
	case *actor.Terminated:
		if g.bereft(ctx, msg) {
			return
		}
	case Replace:
		if !g.spec.Strategy.take(msg.heir) {
			return // asked for by an instance that is no more
		}
		defer msg.heir.endUnlessSucceeded()
	}
	switch {
	case g.inner == nil:
	case g.unsupervised():
		g.contain(ctx, g.deliver)
	default:
		g.deliver(g.ctx)
	}
}

// unsupervised says whether nobody would judge a failure.
func (g *guarded) unsupervised() bool { return g.closing || g.spec.Kind == Root }

// deliver lets the instance have the message, after the faults that somebody has asked for.
func (g *guarded) deliver(ctx actor.Context) {
	message := ctx.Message()
	if a := g.box.fault.Load(); a != nil {
		if !g.box.afflict(a, message) {
			return
		}
		g.ctx.check() // it may have been a long time
	}
	if f, ok := message.(Fault); ok && !g.unsupervised() {
		panic(f)
	}
	g.inner.Receive(g.ctx)
}

// bereft follows the end of a child. Of one that was quarantined it is judged what comes next; handled means that the instance is to hear of that later.
func (g *guarded) bereft(ctx actor.Context, msg *actor.Terminated) (handled bool) {
	h := heirOf(ctx.ActorSystem(), msg.Who)
	if msg.Why != taken || h == nil {
		g.spec.Strategy.Forget(msg.Who)
		return false
	}
	switch g.spec.Strategy.judge(ctx, h) {
	case replaced:
		return true
	case escalated:
		panic(h.why)
	}
	return false
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
	guard.Run(fmt.Sprintf("%s handling %T", ctx.Self().Id, ctx.Message()), func() { fn(g.ctx) }, func(f guard.Failure) {
		if g.box.revoked.Load() {
			return
		}
		ctx.Logger().Error("panic was contained", "failure", f.Error(), "stack", string(f.Stack))
		if g.spec.Kind == Root {
			g.box.lose(ctx.Message())
		}
		if g.spec.OnPanic != nil {
			g.spec.OnPanic(f)
		}
	})
}

// goroutines is the dispatcher of actors that have no other: a goroutine for each burst of messages.
type goroutines struct{}

func (goroutines) Schedule(fn func()) { guard.Go("mailbox", fn, nil) }
func (goroutines) Throughput() int    { return 300 }
