package kit_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
)

// What comes to an actor that is being stopped waits for its successor, in order; also what came before the stop was handled.
func TestKeptMessagesGoToTheSuccessor(t *testing.T) {
	w := kittest.New(t)
	first := kittest.NewProbe(t)
	box := kit.NewMailbox(kit.MailboxOptions{Keep: true})
	pid := w.Spawn(kit.Spec{Kind: kit.Session, Mailbox: box, New: first.Actor}, "a")
	w.System.Root.Send(pid, "one")
	w.System.Root.Stop(pid) // overtakes
	w.System.Root.Send(pid, "two")
	w.Run()
	first.Expect()
	assert.Zero(t, w.System.DeadLetters())

	second := kittest.NewProbe(t)
	w.Spawn(kit.Spec{Kind: kit.Session, Mailbox: kit.NewMailbox(kit.MailboxOptions{After: box}), New: second.Actor}, "a")
	second.Expect("one", "two")
	assert.Zero(t, box.Stats().Control.Depth)
	third := kit.NewMailbox(kit.MailboxOptions{After: box})
	assert.Zero(t, third.Waiting(), "and to one only")
}

// An actor that waits for its children to stop handles nothing more: what it would start, nobody would stop.
func TestNothingIsHandledBetweenStopAndEnd(t *testing.T) {
	w := kittest.New(t)
	var child *actor.PID
	parent := kittest.NewProbe(t)
	hold := make(chan func(), 1) // the child's dispatcher hands its mailbox over here and runs nothing by itself
	parent.Do = func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started:
			child, _ = ctx.SpawnNamed(kit.Spec{Kind: kit.Track, Dispatcher: manual(hold), New: kittest.NewProbe(t).Actor}.Props(), kit.Name(kit.Track, "v", 1))
		case string:
			panic("it must not be handled")
		}
	}
	pid := w.Spawn(kit.Spec{Kind: kit.Session, New: parent.Actor}, "a")
	(<-hold)() // the child has started
	w.Stop(pid)
	w.Tell(pid, "late")
	parent.Expect()
	parent.ExpectLife("Started", "Stopping")
	(<-hold)() // it stops
	w.Run()
	parent.ExpectLife("Terminated", "Stopped")
	assert.False(t, w.Alive(child))
}

type manual chan func()

func (m manual) Schedule(fn func()) { m <- fn }
func (m manual) Throughput() int    { return 300 }
