package kittest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
)

// Probe is an actor that writes down what it is told. All its instances write into the same Probe.
type Probe struct {
	t testing.TB

	// Do is called with every message after it was written down, the actor's life included; it may panic. Set it before the actor starts.
	Do func(ctx actor.Context)

	mu       sync.Mutex
	pid      *actor.PID
	messages []any
	life     []string
}

// NewProbe makes a probe that fails t.
func NewProbe(t testing.TB) *Probe { return &Probe{t: t} }

// Actor makes an instance, as the New of a kit.Spec wants it.
func (p *Probe) Actor() actor.Actor { return actor.ReceiveFunc(p.receive) }

func (p *Probe) receive(ctx actor.Context) {
	p.note(ctx)
	if p.Do != nil {
		p.Do(ctx)
	}
}

func (p *Probe) note(ctx actor.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = ctx.Self()
	switch m := ctx.Message().(type) {
	case *actor.Started, *actor.Restarting, *actor.Stopping, *actor.Stopped, *actor.Terminated:
		p.life = append(p.life, strings.TrimPrefix(fmt.Sprintf("%T", m), "*actor."))
	case *kit.Media: // packets are for Do to take
	default:
		p.messages = append(p.messages, m)
	}
}

// PID is where the probe was last seen; nil before it started.
func (p *Probe) PID() *actor.PID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Expect fails the test unless exactly these messages have come since the last Expect, in this order. Without any it expects silence.
func (p *Probe) Expect(want ...any) {
	p.t.Helper()
	p.mu.Lock()
	got := p.messages
	p.messages = nil
	p.mu.Unlock()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		p.t.Fatalf("wrong messages\n  came:     %s\n  expected: %s", list(got), list(want))
	}
}

// Messages are all messages since the last Expect.
func (p *Probe) Messages() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]any(nil), p.messages...)
}

// ExpectLife fails the test unless exactly this has happened to the probe since the last ExpectLife: "Started", "Restarting", "Stopping", "Stopped", and
// "Terminated" for a child or another that it watched.
func (p *Probe) ExpectLife(want ...string) {
	p.t.Helper()
	p.mu.Lock()
	got := p.life
	p.life = nil
	p.mu.Unlock()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		p.t.Fatalf("wrong life\n  happened: %s\n  expected: %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

// Take takes the probe's next message, which must be a T; the messages behind it stay.
func Take[T any](p *Probe) T {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var want T
	if len(p.messages) == 0 {
		p.t.Fatalf("no message came, expected a %T", want)
	}
	got, ok := p.messages[0].(T)
	if !ok {
		p.t.Fatalf("a %T came first, expected a %T: %+v", p.messages[0], want, p.messages[0])
	}
	p.messages = p.messages[1:]
	return got
}

func list(messages []any) string {
	if len(messages) == 0 {
		return "nothing"
	}
	words := make([]string, len(messages))
	for i, m := range messages {
		words[i] = fmt.Sprintf("%T%+v", m, m)
	}
	return strings.Join(words, ", ")
}
