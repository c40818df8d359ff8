// Package track is the actor of one forwarded track: it takes the packets of one published source and fans them out to the slots lent to it.
// It runs on the loop of its media shard and nowhere else.
package track

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/media"
)

// ID names a track for its whole life: session/kind/n.
type ID string

// Kind says what a track carries.
type Kind string

// The kinds of track.
const (
	KindVoice       Kind = "voice"
	KindScreen      Kind = "screen"
	KindScreenAudio Kind = "screen-audio"
)

// Spec is what outlives a track's actor: a restart of the actor takes it over as it is.
type Spec struct {
	ID     ID
	Kind   Kind
	Source Source
	Log    *slog.Logger
	Now    func() time.Time

	ended atomic.Bool
	next  atomic.Uint64 // ring index behind the last packet taken
	fence kit.Fence
	saved state // behind the fence: as the last message left it
}

// state is what a track remembers from one message to the next. An instance has a copy of its own. Its list is replaced and never changed in place.
type state struct {
	attached *kit.Mailbox // the mailbox that the source offers packets to
	open     bool         // packets are forwarded: the microphone is open, the screen is granted
	subs     []subscription
	voice    detector
}

// Source is what a track needs of a media.Source.
type Source interface {
	Attach(lane media.Lane, from uint64)
	Packet(index uint64) *media.Packet
	Close()
}

// Slot is what a track needs of a receiver's media.Slot.
type Slot interface {
	Bind(src Source)
	Send(p *media.Packet)
	Unbind()
}

// New is a track's spec with its gate open or closed.
func New(id ID, kind Kind, src Source, open bool, log *slog.Logger) *Spec {
	return &Spec{ID: id, Kind: kind, Source: src, Log: log, Now: time.Now, saved: state{open: open}}
}

// End marks the track as over, before its actor is stopped: what stops without it comes back, and keeps its slots meanwhile.
func (s *Spec) End() { s.ended.Store(true) }

// Ended says whether the track is over.
func (s *Spec) Ended() bool { return s.ended.Load() }

// Props are one incarnation of the track, with the mailbox that its packets come to, run by the loop of its shard.
func (s *Spec) Props(lane *kit.Mailbox, loop actor.Dispatcher, board *kit.Board) *actor.Props {
	gate := s.fence.Gate()
	if shard, watched := loop.(interface {
		For(lane media.Lane) *media.Dispatcher
	}); watched {
		loop = shard.For(lane)
	}
	return kit.Spec{
		Kind: kit.Track, Mailbox: lane, Dispatcher: loop, Board: board, Label: string(s.Kind),
		New: func() actor.Actor {
			t := &track{Spec: s, lane: lane}
			t.pass = gate.Enter(func() { t.state = s.saved })
			return t
		},
		// Whoever is inside the fence is out from here on, before another loop gets hold of what the track shares with the shard.
		OnRevoke: func() { s.fence.Gate() },
	}.Props()
}

// track is one instance. Everything that the shard knows too, the source and the slots, is touched behind the fence only: an instance that hung and was
// quarantined would meet the shard's fresh loop there.
type track struct {
	*Spec
	state
	lane *kit.Mailbox
	pass *kit.Pass
}

// Receive handles a batch of packets or one control message. The order of the cases is the order of frequency.
func (t *track) Receive(ctx actor.Context) {
	if m, packets := ctx.Message().(*kit.Media); packets {
		t.forward(ctx, m)
		return
	}
	t.control(ctx)
	t.save()
}

// save hands what this instance knows to its successor. What it has learned when a message brings it down is saved in Restarting.
func (t *track) save() { t.pass.Do(func() { t.saved = t.state }) }

func (t *track) control(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case Gate:
		t.gate(ctx, m.Open)
	case Subscribe:
		t.subscribe(m)
		ctx.Send(m.ReplyTo, Subscribed{Track: t.ID, Slot: m.Slot})
	case Unsubscribe:
		t.unsubscribe(m.Slot)
		ctx.Send(m.ReplyTo, Unsubscribed{Track: t.ID, Slot: m.Slot})
	case Forget:
		t.forget(m.Receiver)
	case Keep:
		t.drop(func(s subscription) bool { return !slices.Contains(m.Receivers, s.receiver) })
	case *actor.Started:
		t.start()
	case *actor.Stopped:
		t.release()
	}
}

// start takes up where the last incarnation left off. A restart keeps its mailbox, and what waits in it; one that was stopped from above, or quarantined, has a
// new mailbox, and takes what came meanwhile from the ring.
func (t *track) start() {
	if t.attached == t.lane {
		return
	}
	t.attached = t.lane
	t.pass.Do(func() { t.Source.Attach(t.lane, t.next.Load()) })
}

// forward sends every waiting packet to every slot. A packet is off the lane before it is handled: if it brings the actor down, it alone is lost.
func (t *track) forward(ctx actor.Context, batch *kit.Media) {
	for i, ok := batch.Next(); ok; i, ok = batch.Next() {
		level := int8(-1)
		t.pass.Do(func() { level = t.fanOut(i) })
		if t.Kind == KindVoice && level >= 0 && t.voice.add(level, t.Now()) {
			t.save()
			ctx.Send(ctx.Parent(), Voice{Track: t.ID, On: t.voice.on})
		}
	}
}

// fanOut sends one packet and gives its audio level; -1: it has none, or was not sent.
func (t *track) fanOut(i uint64) (level int8) {
	missed := i > t.next.Load()
	t.next.Store(i + 1)
	p := t.Source.Packet(i)
	if !t.open {
		return -1
	}
	if (missed || p == nil) && t.Kind == KindScreen {
		t.rebind()
	}
	if p == nil {
		return -1
	}
	for _, s := range t.subs {
		s.slot.Send(p)
	}
	return p.Level
}

// gate opens or closes the track. What was held back was never a part of what the receivers hear: an opened track binds its slots anew, which numbers what comes
// next behind what was sent last.
func (t *track) gate(ctx actor.Context, open bool) {
	if open && !t.open {
		t.pass.Do(t.rebind)
	}
	t.open = open
	if !open && t.voice.reset() {
		ctx.Send(ctx.Parent(), Voice{Track: t.ID, On: false})
	}
}

// rebind has every slot begin anew with the source: what comes next is numbered behind what was sent last, and of a picture nothing comes before a key frame,
// which the publisher is asked for. So a lane that ran over, or a ring that did, costs a picture no more than the time to the next key frame: what could be sent
// of it before would be torn, and the receivers would ask in vain for what they miss.
func (t *track) rebind() {
	for _, s := range t.subs {
		s.slot.Bind(t.Source)
	}
}
