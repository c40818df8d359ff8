package kittest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
)

// World is an actor system in which nothing moves by itself.
type World struct {
	T      testing.TB
	System *kit.System
	Clock  *Clock
	Pump   *Pump
	Log    *slog.Logger // shows in the test's output

	names uint64
}

// New makes a world for one test.
func New(t testing.TB) *World {
	log := slog.New(slog.NewTextHandler(output{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	return &World{T: t, System: kit.NewSystem(log), Clock: NewClock(), Pump: &Pump{}, Log: log}
}

// Spawn starts an actor without a parent on the world's pump and runs it until all is quiet.
func (w *World) Spawn(spec kit.Spec, id string) *actor.PID {
	w.T.Helper()
	if spec.Dispatcher == nil {
		spec.Dispatcher = w.Pump
	}
	w.names++
	pid, err := w.System.Root.SpawnNamed(spec.Props(), kit.Name(spec.Kind, id, w.names))
	if err != nil {
		w.T.Fatalf("spawn %s: %v", id, err)
	}
	w.Run()
	return pid
}

// Probe spawns a probe that stands for an actor of this kind.
func (w *World) Probe(kind kit.Kind, id string) *Probe {
	w.T.Helper()
	p := NewProbe(w.T)
	w.Spawn(kit.Spec{Kind: kind, New: p.Actor}, id)
	return p
}

// Tell sends a message and runs everything that it causes.
func (w *World) Tell(pid *actor.PID, message any) {
	w.System.Root.Send(pid, message)
	w.Run()
}

// Ask sends a message on behalf of a probe, which gets the answer, and runs everything that it causes.
func (w *World) Ask(from *Probe, pid *actor.PID, message any) {
	w.System.Root.RequestWithCustomSender(pid, message, from.PID())
	w.Run()
}

// Stop stops an actor, its children first.
func (w *World) Stop(pid *actor.PID) {
	w.System.Root.Stop(pid)
	w.Run()
}

// Run lets all actors do what they have to.
func (w *World) Run() { w.Pump.Run() }

// Advance moves time on by d, timer by timer, and lets all actors do what they have to after each.
func (w *World) Advance(d time.Duration) { w.Clock.advance(d, w.Pump.Run) }

// Alive says whether an actor is there.
func (w *World) Alive(pid *actor.PID) bool {
	_, ok := w.System.ProcessRegistry.GetLocal(pid.Id)
	return ok
}

// output writes log lines into a test's output.
type output struct{ t testing.TB }

func (o output) Write(line []byte) (int, error) {
	o.t.Helper()
	o.t.Log(strings.TrimRight(string(line), "\n"))
	return len(line), nil
}
