package actors

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
)

// Inspection is what can be seen of the engine at one moment, without asking any actor. The JSON shape is described in docs/admin-actors.md and only grows.
type Inspection struct {
	Version     uint64             `json:"version"` // grows with everything but the counters
	At          int64              `json:"at"`      // Unix milliseconds, as all times here
	Actors      []Actor            `json:"actors"`  // a parent comes before its children
	Kinds       map[string]Metrics `json:"kinds"`
	Incidents   []Incident         `json:"incidents"` // oldest first
	DeadLetters uint64             `json:"dead_letters"`
}

// Actor is one actor.
type Actor struct {
	ID         string `json:"id"`
	Parent     string `json:"parent,omitempty"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Generation uint64 `json:"generation"`
	Channel    string `json:"channel_id,omitempty"` // of the call it belongs to
	Session    string `json:"session_id,omitempty"` // that it belongs to
	User       string `json:"user_id,omitempty"`    // of a session

	State     string `json:"state"`   // idle, busy, stuck, suspended or stopping
	Details   string `json:"details"` // the same in a sentence
	BornAt    int64  `json:"born_at"`
	BeganAt   int64  `json:"began_at"` // its present instance
	Message   string `json:"message,omitempty"`
	RunningMS int64  `json:"running_ms,omitempty"` // on that message
	WaitMS    int64  `json:"wait_ms,omitempty"`    // until the restart

	Restarts    uint64   `json:"restarts"`
	Recent      int      `json:"recent_failures"` // that count towards the limit now
	MaxRestarts int      `json:"max_restarts"`
	WindowMS    int64    `json:"window_ms"`
	Last        *Failure `json:"last_failure,omitempty"`
	Stack       []string `json:"stack,omitempty"` // where it is stuck

	Counters
}

// Counters are what changes all the time.
type Counters struct {
	Failures uint64 `json:"failures"`
	System   Lane   `json:"system"`
	Control  Lane   `json:"control"`
	Media    Lane   `json:"media"` // of tracks; all others have none
}

// Lane is one lane of a mailbox.
type Lane struct {
	Depth     int    `json:"depth"`
	HighWater int    `json:"high_water"`
	Processed uint64 `json:"processed"`
	Dropped   uint64 `json:"dropped"`
}

// Failure is what an actor failed of.
type Failure struct {
	At     int64    `json:"at"`
	During string   `json:"during"`
	Reason string   `json:"reason"`
	Stack  []string `json:"stack"`
}

// Incident is something that befell an actor, which may be gone.
type Incident struct {
	At     int64    `json:"at"`
	Actor  string   `json:"actor"`
	Kind   string   `json:"kind"`
	What   string   `json:"what"` // failed, stuck or quarantined
	During string   `json:"during"`
	Reason string   `json:"reason"`
	Stack  []string `json:"stack"`
}

// Metrics are the sums over all actors of a kind, those that are gone included. No id is in them: they are fit for a monitoring system.
type Metrics struct {
	Actors           int    `json:"actors"`  // alive now
	Waiting          int    `json:"waiting"` // messages and packets now
	Haunting         int    `json:"haunting"`
	Started          uint64 `json:"started"`
	Restarts         uint64 `json:"restarts"`
	Failures         uint64 `json:"failures"`
	Stuck            uint64 `json:"stuck"` // messages that took too long
	Quarantined      uint64 `json:"quarantined"`
	Messages         uint64 `json:"messages"`
	MessagesDropped  uint64 `json:"messages_dropped"`
	Packets          uint64 `json:"packets"`
	PacketsDropped   uint64 `json:"packets_dropped"`
	ControlHighWater int    `json:"high_water"` // most messages that ever waited for one of them
}

// Inspect shows everything. It never waits for an actor.
func (e *Engine) Inspect() Inspection {
	version, infos, incidents := e.board.Snapshot()
	in := Inspection{
		Version: version, At: e.clock.Now().UnixMilli(), Actors: make([]Actor, len(infos)), Kinds: e.Metrics(),
		Incidents: make([]Incident, len(incidents)), DeadLetters: e.system.DeadLetters(),
	}
	for i, info := range infos {
		in.Actors[i] = e.actor(info)
	}
	for i, x := range incidents {
		in.Incidents[i] = Incident{x.At.UnixMilli(), x.ID, x.Kind.String(), x.What, x.During, x.Reason, lines(x.Frames)}
	}
	return in
}

// InspectVersion is the version that an Inspect would have now.
func (e *Engine) InspectVersion() uint64 { return e.board.Version() }

// Counts are the counters of all actors, in the order of the Inspection of this version.
func (e *Engine) Counts() (version uint64, counts []Counters) {
	version, stats := e.board.Counters()
	counts = make([]Counters, len(stats))
	for i, s := range stats {
		counts[i] = countersOf(s)
	}
	return version, counts
}

// Metrics are the sums by kind.
func (e *Engine) Metrics() map[string]Metrics {
	all := map[string]Metrics{}
	for kind, t := range e.board.Totals() {
		all[kind.String()] = Metrics{
			Actors: t.Alive, Waiting: t.Waiting, Haunting: t.Haunting, Started: t.Born, Restarts: t.Restarts, Failures: t.Failures, Stuck: t.Stuck,
			Quarantined: t.Quarantined, Messages: t.Messages.Processed, MessagesDropped: t.Messages.Dropped, Packets: t.Packets.Processed,
			PacketsDropped: t.Packets.Dropped, ControlHighWater: t.Messages.HighWater,
		}
	}
	return all
}

// DeadLetters is how many messages have found nobody.
func (e *Engine) DeadLetters() uint64 { return e.system.DeadLetters() }

func (e *Engine) actor(i kit.Info) Actor {
	limits := e.policies.Get(i.Kind)
	a := Actor{
		ID: i.ID, Parent: i.Parent, Kind: i.Kind.String(), Name: name(i), Generation: i.Generation, State: string(i.State), Details: details(i),
		BornAt: i.Born.UnixMilli(), BeganAt: i.Began.UnixMilli(), Message: i.Message, RunningMS: i.Running.Milliseconds(), WaitMS: i.Wait.Milliseconds(),
		Restarts: i.Restarts, Recent: i.Recent, MaxRestarts: limits.Max, WindowMS: limits.Window.Milliseconds(), Counters: countersOf(i.Stats),
	}
	a.Channel, a.Session = idWithin(i.ID, kit.Call), idWithin(i.ID, kit.Session)
	if i.Kind == kit.Session {
		a.User = i.Label
	}
	if i.Report != nil {
		a.Stack = kit.Frames(i.Report.Stack)
	}
	if f := i.Last; f != nil {
		_, during, _ := strings.Cut(f.Name, " handling ")
		a.Last = &Failure{i.LastAt.UnixMilli(), during, fmt.Sprint(f.Reason), lines(kit.Frames(f.Stack))}
	}
	return a
}

// name is an actor's name for people. An id that says nothing, as that of the only roster of a call, is left to the kind.
func name(i kit.Info) string {
	for _, n := range []string{i.Label, i.Key} {
		if n != "" {
			return n
		}
	}
	return i.Kind.String()
}

func details(i kit.Info) string {
	switch i.State {
	case kit.IsStuck:
		return fmt.Sprintf("has been handling %s for %d ms", i.Message, i.Running.Milliseconds())
	case kit.Suspended:
		return fmt.Sprintf("has failed and is restarted in %d ms", i.Wait.Milliseconds())
	case kit.Ending:
		return "is stopping"
	case kit.Busy:
		return fmt.Sprintf("is busy, %d waiting", i.Control.Depth+i.Media.Depth)
	}
	return "has nothing to do"
}

// idWithin reads the id of an actor of this kind from the address of one at or below it.
func idWithin(id string, kind kit.Kind) string {
	for _, name := range strings.Split(id, "/") {
		if rest, ok := strings.CutPrefix(name, kind.String()+":"); ok {
			escaped, _, _ := strings.Cut(rest, "#")
			plain, _ := url.PathUnescape(escaped)
			return plain
		}
	}
	return ""
}

func countersOf(s kit.Stats) Counters {
	return Counters{Failures: s.Failed, System: laneOf(s.System), Control: laneOf(s.Control), Media: laneOf(s.Media)}
}

func laneOf(l kit.LaneStats) Lane { return Lane{l.Depth, l.HighWater, l.Processed, l.Dropped} }

// lines is a list that is never null.
func lines(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// RestartActor restarts an actor and, as its restart always does, all below it. It counts against no limit.
func (e *Engine) RestartActor(id string) error { return e.board.Restart(id) }

// CrashActor makes an actor fail with its next message, as a bug would: unlike a restart that was asked for it counts against the limits.
func (e *Engine) CrashActor(id, reason string) error {
	pid := e.board.PID(id)
	if pid == nil {
		return fmt.Errorf("there is no actor %q", id)
	}
	e.system.Root.Send(pid, kit.Fault{Reason: reason})
	return nil
}

// EndSession ends the session of an actor's id, or of a session's own id.
func (e *Engine) EndSession(id string) error {
	_, infos, _ := e.board.Snapshot()
	for _, i := range infos {
		if i.Kind != kit.Session || (i.ID != id && i.Key != id) {
			continue
		}
		if pid := e.board.PID(i.ID); pid != nil { // it may have ended just now
			e.system.Root.Send(pid, session.End{Reason: session.Kicked})
			return nil
		}
	}
	return fmt.Errorf("there is no session %q", id)
}

// EndCall ends the call of a channel for everyone.
func (e *Engine) EndCall(ch call.ChannelID) error {
	if _, on := e.Call(ch); !on {
		return fmt.Errorf("there is no call in channel %q", ch)
	}
	e.End(ch, session.CallEnded)
	return nil
}

// Fault is a failure on purpose, in one actor.
type Fault struct {
	Reason string `json:"reason"`
	Do     string `json:"do"`     // panic, stall, slow, drop, or none to take it back
	On     string `json:"on"`     // type of the message it waits for, as Inspect shows it; "packet"; empty: any message
	Count  int    `json:"count"`  // how many it strikes; 0: one, and every one for slow
	ForMS  int64  `json:"for_ms"` // how long a stall lasts, 0: until it is taken back; how much longer a message takes under slow
}

// longestFault keeps a fault within reason.
const longestFault = time.Hour

// Inject arms a fault in an actor, for tests and for those who want to see what happens.
func (e *Engine) Inject(id string, f Fault) error {
	effect := kit.Effect(f.Do)
	if f.Do == "panic" {
		effect = kit.Panic
	}
	if f.ForMS > longestFault.Milliseconds() {
		return fmt.Errorf("a fault lasts an hour at most")
	}
	return e.board.Inject(id, kit.Fault{Reason: f.Reason, Do: effect, On: f.On, Count: f.Count, For: time.Duration(f.ForMS) * time.Millisecond})
}
