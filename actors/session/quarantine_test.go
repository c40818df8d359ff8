package session

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// replaces has a room's parent replace who it is asked to.
func (r *room) replaces() {
	gen := uint64(1)
	born := r.parent.Do
	r.parent.Do = func(ctx actor.Context) {
		born(ctx)
		if m, ok := ctx.Message().(kit.Replace); ok {
			gen++
			r.pid, _ = ctx.SpawnNamed(r.spec.Props(kit.NewMailbox(kit.MailboxOptions{})), kit.Name(kit.Session, "a", gen))
			m.By(r.pid)
		}
	}
}

func (r *room) revoke(pid *actor.PID) {
	box := r.spec.ports.Board.Mailbox(pid.Id)
	require.NotNil(r.t, box)
	require.True(r.t, box.Revoke())
}

// said is what the parent was told by sessions, without what the kit asked of it.
func (r *room) said() (messages []any) {
	for _, m := range r.parent.Messages() {
		if _, asked := m.(kit.Replace); !asked {
			messages = append(messages, m)
		}
	}
	return messages
}

func TestQuarantinedTrackIsReplaced(t *testing.T) {
	r, p, src := publishing(t)
	slot := &fakeSlot{}
	r.Tell(p.PID, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	kittest.Take[track.Subscribed](r.parent)
	r.packet(src, &media.Packet{Level: -1})
	r.revoke(p.PID)
	src.packets = append(src.packets, &media.Packet{Level: -1}) // came while nobody was there
	r.Advance(time.Second)
	again := kittest.Take[Published](r.parent)
	assert.Equal(t, p.Track, again.Track)
	assert.NotEqual(t, p.PID, again.PID)
	r.packet(src, &media.Packet{Level: -1})
	assert.Len(t, slot.sent, 3, "the slot is still lent, and nothing was lost or sent twice")

	for range kit.DefaultLimits(kit.Track).Max {
		r.revoke(r.spec.saved.tracks[0].pid)
		r.Advance(time.Second)
	}
	r.packet(src, &media.Packet{Level: -1})
	assert.Len(t, slot.sent, 4, "over the limit the session restarts, and its track with it")
	assert.Zero(t, r.peer.closed)
}

func TestQuarantinedSessionKeepsConnectionTracksAndSlots(t *testing.T) {
	r, p, src := publishing(t)
	r.replaces()
	slot := &fakeSlot{}
	r.Tell(p.PID, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	kittest.Take[track.Subscribed](r.parent)
	old := r.pid
	r.revoke(old)
	r.event(media.ChannelMessage{Text: true, Data: []byte("lost")}) // to nobody
	src.packets = append(src.packets, &media.Packet{Level: -1})
	r.Advance(time.Second)
	assert.NotEqual(t, old, r.pid)
	assert.Zero(t, r.peer.closed)
	assert.Empty(t, r.client.take(), "the client notices nothing")
	r.packet(src, &media.Packet{Level: -1})
	assert.Len(t, slot.sent, 2)
	r.event(media.ChannelMessage{Text: true, Data: []byte("ping")})
	assert.Equal(t, []string{"pong"}, r.peer.sent)
	r.Tell(old, wire.Leave{})
	assert.Equal(t, 1, r.peer.closed)
	assert.True(t, src.closed)
}

// hangingPeer is a connection that hangs over an offer.
type hangingPeer struct {
	*fakePeer
	hanging, release chan struct{}
}

func (p *hangingPeer) HandleOffer(sdp string) (string, error) {
	close(p.hanging)
	<-p.release
	return p.fakePeer.HandleOffer(sdp)
}

// TestSessionThatHangsInItsConnection is about the worst of ghosts: one that comes back out of the connection which its successor has now.
func TestSessionThatHangsInItsConnection(t *testing.T) {
	r := newRoom(t)
	r.replaces()
	r.Stop(r.pid)
	r.client.take()
	peer := &hangingPeer{r.peer, make(chan struct{}), make(chan struct{})}
	r.spec.line.peer = peer
	r.spec.ports.Dispatch = nil // from now on on goroutines
	r.parent.Do = spawnOnce(r, r.parent.Do)
	r.Tell(r.parent.PID(), "spawn")
	until := func(done func() bool) {
		t.Helper()
		require.Eventually(t, func() bool { r.Run(); return done() }, time.Minute, time.Millisecond)
	}
	r.Tell(r.pid, offerSDP)
	<-peer.hanging
	ghost := r.spec.ports.Board.Mailbox(r.pid.Id)
	old := r.pid
	require.True(t, ghost.Revoke())
	r.Advance(time.Second)
	require.NotEqual(t, old, r.pid)
	r.Tell(old, wire.Unmute{})
	assert.Empty(t, r.spec.Ending(), "who looks at the session waits for nobody")
	close(peer.release)
	until(func() bool { return len(r.said()) > 0 && r.said()[len(r.said())-1] == Muted{"conn-a", false} })
	until(func() bool { return ghost.Stats().RunningSince.IsZero() })
	until(func() (saved bool) { // which is done a moment after it was told
		r.spec.fence.Look(func() { saved = r.spec.saved.unmuted })
		return saved
	})
	assert.Empty(t, r.client.take(), "the answer of the one that was replaced goes to nobody")
	assert.Zero(t, ghost.Stats().Failed)
	r.System.Root.Stop(r.pid)
	until(func() bool { return !r.Alive(r.pid) })
}

// spawnOnce has the parent spawn the session anew when it is told to.
func spawnOnce(r *room, do func(actor.Context)) func(actor.Context) {
	return func(ctx actor.Context) {
		do(ctx)
		if ctx.Message() == "spawn" {
			r.pid, _ = ctx.SpawnNamed(r.spec.Props(kit.NewMailbox(kit.MailboxOptions{})), kit.Name(kit.Session, "a", 100))
		}
	}
}
