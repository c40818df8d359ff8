package session

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/track"
	"calls/media"
)

// Audio slots are offered ahead of need, so that most joins and first words need no negotiation; the pool doubles when it runs out.
// Video slots are made when a screen comes and dropped when it goes, for clients show any stream of video alone as the screen.
const (
	firstPool = 4
	mostSlots = 200 // m-lines that fit a client's compressed answer into the host's frame of 8 KiB
)

// want is a track that this session is to receive.
type want struct {
	id      track.ID
	from    ID
	content track.Kind
	kind    media.Kind
	pid     *actor.PID
}

// lease is a slot, and the track that it is lent to.
type lease struct {
	slot Slot
	to   track.ID // empty: free
}

// subscribe takes a track in, or learns where it is now. Telling a track twice does no harm; not telling it would leave the client deaf.
func (s *session) subscribe(ctx actor.Context, m Subscribe) {
	i := slices.IndexFunc(s.wants, func(w want) bool { return w.id == m.Track })
	if i < 0 {
		s.wants = append(s.wants, want{m.Track, m.From, m.Content, m.Kind, m.PID})
		s.settle(ctx)
		return
	}
	s.wants[i].pid = m.PID
	if l := s.leaseOf(m.Track); l != nil {
		s.lend(ctx, l, s.wants[i])
	}
}

// unsubscribe follows a track's end: the track has let its slots go before.
func (s *session) unsubscribe(ctx actor.Context, id track.ID) {
	s.wants = slices.DeleteFunc(s.wants, func(w want) bool { return w.id == id })
	if l := s.leaseOf(id); l != nil {
		l.to = ""
	}
	s.settle(ctx)
}

// settle lends free slots to tracks that wait, orders what is missing, drops what is not needed, and offers if anything of that needs an offer.
func (s *session) settle(ctx actor.Context) {
	if s.Ending() != "" || !s.open {
		return
	}
	var missing [2]int
	for _, w := range s.wants {
		if s.leaseOf(w.id) != nil {
			continue
		}
		if l := s.freeSlot(w.kind); l != nil {
			s.lend(ctx, l, w)
			continue
		}
		missing[w.kind]++
	}
	s.order(media.Audio, missing[media.Audio])
	s.order(media.Video, missing[media.Video])
	s.dropVideo(missing[media.Video])
	s.offer(ctx)
	s.linesChanged(ctx)
}

func (s *session) lend(ctx actor.Context, l *lease, w want) {
	l.to = w.id
	ctx.Send(w.pid, track.Subscribe{Receiver: string(s.ID), Slot: l.slot, ReplyTo: ctx.Self()})
}

func (s *session) leaseOf(id track.ID) *lease {
	i := slices.IndexFunc(s.leases, func(l lease) bool { return l.to == id })
	if i < 0 {
		return nil
	}
	return &s.leases[i]
}

func (s *session) freeSlot(kind media.Kind) *lease {
	i := slices.IndexFunc(s.leases, func(l lease) bool { return l.to == "" && l.slot.Kind() == kind && l.slot.Ready() })
	if i < 0 {
		return nil
	}
	return &s.leases[i]
}

// order adds slots until those under way cover what is missing.
func (s *session) order(kind media.Kind, missing int) {
	var all, coming int
	for _, l := range s.leases {
		if l.slot.Kind() != kind {
			continue
		}
		all++
		if !l.slot.Ready() {
			coming++
		}
	}
	add := missing - coming
	if kind == media.Audio {
		add = poolSize(all, add) - all
	}
	for range add {
		if len(s.leases) >= mostSlots {
			s.ports.Log.Warn("a session has as many streams as its client can take", "session", s.ID, "streams", len(s.leases))
			return
		}
		slot, err := s.peer.AddSlot(kind)
		if err != nil {
			s.ports.Log.Error("no slot could be added", "session", s.ID, "err", err)
			return
		}
		s.leases = append(s.leases, lease{slot: slot})
		s.dirty = true
	}
}

// poolSize is the number of audio slots to have when have are there and more are needed.
func poolSize(have, more int) int {
	size := max(have, firstPool)
	for size < have+more {
		size *= 2
	}
	return size
}

// dropVideo takes away the video slots that nobody sends on and nobody waits for. A fragile client is not made an offer for that alone: it knows by the event that
// the share is over, nothing comes on the line any more, and the line goes with the next offer.
func (s *session) dropVideo(missing int) {
	if missing > 0 {
		return
	}
	s.leases = slices.DeleteFunc(s.leases, func(l lease) bool {
		if l.to != "" || l.slot.Kind() != media.Video || !l.slot.Ready() {
			return false
		}
		s.report("drop of a slot", s.peer.DropSlot(l.slot))
		s.dirty = s.dirty || !s.fragile
		return true
	})
}
