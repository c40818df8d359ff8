package session

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// lockWindow is for how long a client may keep the lock.
const lockWindow = 5 * time.Second

// The data channel (protocol 7.6). There is one lock for each session: whoever has it may negotiate. We have it from our offer until the answer; a client that knows
// of it asks before it adds or removes a track, is refused meanwhile, and asks again. While it has the lock, our offers wait.

// channel is what was agreed with the client on its data channel.
type channel struct {
	maps     bool      // the client knows what a media map is
	told     string    // the last map that it was sent; empty: none
	due      bool      // it is about to be told
	locks    int       // locks granted, the generation of lockExpired
	unlockAt time.Time // when the client's lock lapses; zero: it does not have it
}

// channelOpen learns from the label which clients know media maps. Those before had channels of other labels and read nothing.
func (s *session) channelOpen(label string) {
	s.maps, s.told = label == currentLabel, ""
}

// currentLabel is the label of the data channel of every client since web 0.8 and mobile 2.1.
const currentLabel = "calls-dc"

// channelSaid takes one message. What is malformed, or not known, is ignored; so is what a client has measured: the server measures for itself.
func (s *session) channelSaid(ctx actor.Context, e media.ChannelMessage) {
	m, err := wire.DecodeChannel(e.Data, e.Text)
	if err != nil {
		return
	}
	switch m := m.(type) {
	case wire.Ping:
		s.maps = s.maps && !m.Text // the first that had the label spoke in text alone
		s.reply("pong", wire.Pong(m))
	case wire.Lock:
		s.lockAsked(ctx)
	case wire.Unlock:
		s.unlock(ctx)
	}
}

func (s *session) reply(what string, r wire.ChannelReply) {
	s.report(what, s.peer.SendChannel(wire.EncodeReply(r)))
}

func (c *channel) locked() bool { return !c.unlockAt.IsZero() }

// lockAsked gives the client the lock, unless an offer of ours is under way, or it has the lock already: it may be doing two things at once.
func (s *session) lockAsked(ctx actor.Context) {
	free := !s.locked() && !s.peer.OfferPending()
	if free {
		s.locks++
		s.unlockAt = s.ports.Clock.Now().Add(lockWindow)
		s.awaitUnlock(ctx)
	}
	s.reply("answer about the lock", wire.LockReply{Granted: free})
}

// awaitUnlock lets the client's lock lapse in time, if it has it.
func (s *session) awaitUnlock(ctx actor.Context) {
	if s.locked() {
		s.timers.Set(s.ports.Clock, ctx, "lock", s.unlockAt.Sub(s.ports.Clock.Now()), lockExpired{s.locks})
	}
}

func (s *session) lockExpired(ctx actor.Context, m lockExpired) {
	if m.lock == s.locks {
		s.unlock(ctx)
	}
}

// unlock takes the lock back. Clients send an unlock after every answer of ours past the first, whether they have the lock or not.
// An unlock without a lock says no less: this client is about to do nothing, and would take its offer back if it met ours. So it has the call at once.
func (s *session) unlock(ctx actor.Context) {
	if !s.locked() {
		s.endQuiet(ctx)
		return
	}
	s.unlockAt = time.Time{}
	s.timers.Cancel("lock")
	s.offer(ctx)
}

// linesChanged has the client told whose media its lines carry, once for all that waits in the mailbox already: when somebody joins a large call that is many tracks.
func (s *session) linesChanged(ctx actor.Context) {
	if s.maps && !s.due {
		s.due = true
		ctx.Send(ctx.Self(), tellLines{})
	}
}

// tellLines tells the client whose media its lines carry, if it does not know yet, or always. What cannot be sent is sent with the next tick.
func (s *session) tellLines(always bool) {
	s.due = false
	if !s.maps {
		return
	}
	data, _ := wire.EncodeReply(s.lines())
	if !always && s.told == string(data) {
		return
	}
	s.told = string(data)
	if err := s.peer.SendChannel(data, false); err != nil {
		s.told = ""
		s.report("media map", err)
	}
}

// lines says whose media each line carries: of those that are lent, and of those in our offer that settle will lend once the client has agreed.
func (s *session) lines() wire.MediaMap {
	lent := make(map[track.ID]int, len(s.leases))
	for i, l := range s.leases {
		lent[l.to] = i
	}
	m := wire.MediaMap{}
	var next [2]int // of each kind, the first lease that may be free
	for _, w := range s.wants {
		i, ok := lent[w.id]
		if !ok {
			i = s.freeFrom(next[w.kind], w.kind)
			next[w.kind] = i + 1
		}
		if i < len(s.leases) && s.leases[i].slot.MID() != "" {
			m[s.leases[i].slot.MID()] = wire.MediaLine{Type: string(w.content), SenderID: string(w.from)}
		}
	}
	return m
}

// freeFrom is the first lease from i on that is lent to nobody, the number of leases when there is none.
func (s *session) freeFrom(i int, kind media.Kind) int {
	for i < len(s.leases) && (s.leases[i].to != "" || s.leases[i].slot.Kind() != kind) {
		i++
	}
	return i
}
