package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/track"
	"calls/guard"
	"calls/media"
	"calls/wire"
)

type guardFailure = guard.Failure

var (
	offerSDP  = wire.SDP{Type: "offer", SDP: "v=0"}
	answerSDP = wire.SDP{Type: "answer", SDP: "v=0"}
	voice     = media.Stream{MID: "1", Kind: media.Audio, StreamID: "mic", TrackID: "t"}
	screen    = media.Stream{MID: "2", Kind: media.Video, StreamID: "scr", TrackID: "v"}
)

func TestJoinIsAcknowledgedFirst(t *testing.T) {
	r := newRoom(t)
	assert.Equal(t, []string{"joined"}, r.client.take())
	r.Tell(r.pid, offerSDP)
	assert.Equal(t, []string{"answer: answer 1"}, r.client.take())
}

func TestSlotsAreOfferedOnceTheChannelIsOpen(t *testing.T) {
	r := newRoom(t)
	r.client.take()
	r.Tell(r.pid, Subscribe{Track: "b/voice/0", Kind: media.Audio, PID: r.parent.PID()})
	assert.Empty(t, r.client.take(), "no offer of ours before the data channel is open")
	r.event(media.ChannelOpen{Label: "calls-dc"})
	assert.Empty(t, r.client.take(), "nor at that very moment, at which the client may go on")
	r.quiet()
	assert.Equal(t, []string{"offer: offer 1 with 4 slots"}, r.client.take())
	r.parent.Expect()
	r.Tell(r.pid, answerSDP)
	lent := kittest.Take[track.Subscribe](r.parent)
	assert.Equal(t, Slot(r.peer.slots[0]), lent.Slot)
	assert.Empty(t, r.client.take())

	for i := range 3 {
		r.Tell(r.pid, Subscribe{Track: track.ID(rune('c' + i)), Kind: media.Audio, PID: r.parent.PID()})
		kittest.Take[track.Subscribe](r.parent)
	}
	assert.Empty(t, r.client.take(), "the pool covers four voices without a negotiation")
	r.Tell(r.pid, Subscribe{Track: "f/voice/0", Kind: media.Audio, PID: r.parent.PID()})
	assert.Equal(t, []string{"offer: offer 2 with 8 slots"}, r.client.take(), "then it doubles")
}

func TestSlotIsFreeWhenItsTrackEnds(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, Subscribe{Track: "b", Kind: media.Audio, PID: r.parent.PID()})
	first := kittest.Take[track.Subscribe](r.parent)
	r.Tell(r.pid, Unsubscribe{Track: "b"})
	r.Tell(r.pid, Subscribe{Track: "c", Kind: media.Audio, PID: r.parent.PID()})
	assert.Equal(t, first.Slot, kittest.Take[track.Subscribe](r.parent).Slot)
}

func TestTrackAtANewAddressGetsItsSlotAgain(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, Subscribe{Track: "b", Kind: media.Audio, PID: r.parent.PID()})
	first := kittest.Take[track.Subscribe](r.parent)
	r.Tell(r.pid, Subscribe{Track: "b", Kind: media.Audio, PID: r.parent.PID()})
	assert.Equal(t, first.Slot, kittest.Take[track.Subscribe](r.parent).Slot)
}

func TestVideoSlotComesAndGoesWithTheScreen(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: r.parent.PID()})
	assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
	r.answer()
	assert.Equal(t, media.Video, kittest.Take[track.Subscribe](r.parent).Slot.(Slot).Kind())
	r.Tell(r.pid, Unsubscribe{Track: "b/screen/1"})
	assert.Equal(t, []string{"offer: offer 3 with 4 slots"}, r.client.take())
}

// Clients that may die of an offer of ours are made none for a line that is only to go: it goes with the next.
func TestVideoSlotGoesWithTheNextOfferForFragileClients(t *testing.T) {
	for name, label := range map[string]string{"web of 2022": strings.Repeat("0123456789", 4), "mobile to 2.0": strings.Repeat("0123456789", 2)} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.connectAs(label)
			r.Tell(r.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: r.parent.PID()})
			assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
			r.answer()
			r.Tell(r.pid, Unsubscribe{Track: "b/screen/1"})
			assert.Empty(t, r.client.take())
			r.Tell(r.pid, Subscribe{Track: "c/screen/1", Kind: media.Video, PID: r.parent.PID()})
			assert.Equal(t, []string{"offer: offer 3 with 5 slots"}, r.client.take(), "one is gone, one has come")
		})
	}
}

func TestGlare(t *testing.T) {
	t.Run("an offer that meets ours is discarded, the answer is taken", func(t *testing.T) {
		r := newRoom(t)
		r.event(media.ChannelOpen{})
		r.quiet()
		r.client.take()
		require.True(t, r.peer.pending)
		r.Tell(r.pid, offerSDP)
		assert.Empty(t, r.client.take())
		r.Tell(r.pid, answerSDP)
		assert.False(t, r.peer.pending)
	})
	t.Run("whoever goes on as soon as it is connected, or answered, meets no offer of ours", func(t *testing.T) {
		r := newRoom(t)
		r.event(media.Connected{})
		r.client.take()
		r.Tell(r.pid, Subscribe{Track: "b/voice/0", Kind: media.Audio, PID: r.parent.PID()})
		r.event(media.ChannelOpen{})
		for i, next := range []wire.Message{wire.Unmute{}, wire.ScreenOn{ScreenStreamID: "scr"}} {
			r.Advance(quietWindow - time.Millisecond)
			r.Tell(r.pid, next)
			r.Tell(r.pid, offerSDP)
			assert.Equal(t, []string{fmt.Sprint("answer: answer ", i+1)}, r.client.take())
		}
		r.quiet()
		assert.Equal(t, []string{"offer: offer 1 with 4 slots"}, r.client.take())
	})
	t.Run("whoever knows of the lock says that it goes on with nothing, and has ours at once", func(t *testing.T) {
		r := newRoom(t)
		r.event(media.ChannelOpen{Label: currentLabel})
		r.client.take()
		r.says(wire.Unlock{})
		assert.Equal(t, []string{"offer: offer 1 with 4 slots"}, r.client.take())
		r.answer()
		r.client.take()
		r.Tell(r.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: r.parent.PID()})
		assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
		r.answer()
		r.Tell(r.pid, wire.Unmute{})
		r.Tell(r.pid, Unsubscribe{Track: "b/screen/1"})
		r.says(wire.Unlock{})
		assert.Empty(t, r.client.take(), "what was announced is waited for all the same")
		r.Tell(r.pid, offerSDP)
		r.says(wire.Unlock{})
		assert.Equal(t, []string{"answer: answer 1", "offer: offer 3 with 4 slots"}, r.client.take())
	})
	t.Run("an answer to nothing is ignored", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.Tell(r.pid, answerSDP)
		r.Tell(r.pid, wire.SDP{Type: "rollback"})
		assert.Empty(t, r.client.take())
		assert.Empty(t, r.spec.Ending())
	})
	for name, hint := range map[string]wire.Message{"unmute": wire.Unmute{}, "screen_on": wire.ScreenOn{ScreenStreamID: "scr"}} {
		t.Run(name+" holds our offer until the client's came", func(t *testing.T) {
			r := newRoom(t)
			r.connect()
			r.Tell(r.pid, hint)
			r.Tell(r.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: r.parent.PID()})
			assert.Empty(t, r.client.take())
			r.Tell(r.pid, offerSDP)
			assert.Equal(t, []string{"answer: answer 1"}, r.client.take())
			r.quiet()
			assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
		})
		t.Run(name+" holds our offer for two seconds at most", func(t *testing.T) {
			r := newRoom(t)
			r.connect()
			r.Tell(r.pid, hint)
			r.Tell(r.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: r.parent.PID()})
			r.Advance(hintWindow - time.Millisecond)
			assert.Empty(t, r.client.take())
			r.Advance(2 * time.Millisecond)
			assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
		})
	}
	t.Run("a client that does not answer is given up", func(t *testing.T) {
		r := newRoom(t)
		r.event(media.Connected{})
		r.event(media.ChannelOpen{})
		r.Advance(answerWindow + time.Second)
		assert.Equal(t, ICEFailed, r.spec.Ending())
		assert.Contains(t, r.client.take(), "refused: ice_failed")
		assert.Equal(t, 1, r.peer.closed)
	})
	t.Run("a doubtful description is met by silence", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.peer.failing = errors.New("nonsense")
		r.Tell(r.pid, offerSDP)
		assert.Empty(t, r.client.take())
		assert.Empty(t, r.spec.Ending())
	})
}

// publishing is a session whose client has an open microphone.
func publishing(t *testing.T) (*room, Published, *fakeSource) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, wire.Unmute{})
	r.parent.Expect(Muted{"conn-a", false})
	r.peer.streams = []media.Stream{voice}
	r.Tell(r.pid, offerSDP)
	r.client.take()
	p := kittest.Take[Published](r.parent)
	return r, p, r.spec.saved.tracks[0].spec.Source.(*fakeSource)
}

func TestVoiceIsPublishedAndGated(t *testing.T) {
	r, p, src := publishing(t)
	assert.Equal(t, track.ID("conn-a/voice/0"), p.Track)
	slot := &fakeSlot{}
	r.Tell(p.PID, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	kittest.Take[track.Subscribed](r.parent)
	r.packet(src, &media.Packet{Seq: 1, Level: -1})
	assert.Len(t, slot.sent, 1)

	r.Tell(r.pid, wire.Mute{})
	r.parent.Expect(Muted{"conn-a", true})
	r.packet(src, &media.Packet{Seq: 2, Level: -1})
	assert.Len(t, slot.sent, 1, "muted means that nothing leaves")

	r.peer.streams = nil
	r.Tell(r.pid, offerSDP)
	r.parent.Expect(Unpublished{"conn-a", p.Track})
	assert.True(t, src.closed)
	assert.Nil(t, slot.bound)
}

func TestSecondVoiceTrackIsGatedToo(t *testing.T) {
	r, _, _ := publishing(t)
	second := voice
	second.MID = "7"
	r.Tell(r.pid, wire.Mute{})
	r.peer.streams = []media.Stream{voice, second}
	r.Tell(r.pid, offerSDP)
	require.Len(t, r.spec.saved.tracks, 2)
	slot := &fakeSlot{}
	r.Tell(r.spec.saved.tracks[1].pid, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	r.packet(r.spec.saved.tracks[1].spec.Source.(*fakeSource), &media.Packet{Level: -1})
	assert.Empty(t, slot.sent)
}

func TestScreen(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.peer.streams = []media.Stream{screen}
	r.Tell(r.pid, offerSDP)
	assert.Empty(t, r.spec.saved.tracks, "a video that nobody announced is not received")
	r.Tell(r.pid, wire.ScreenOn{ScreenStreamID: "scr"})
	r.parent.Expect(ScreenAsked{"conn-a", "scr", 1})
	require.Len(t, r.spec.saved.tracks, 1)
	r.Tell(r.pid, GrantScreen{Ask: 1})
	assert.Equal(t, media.Video, kittest.Take[Published](r.parent).Kind)

	r.Tell(r.pid, wire.ScreenOff{})
	assert.ElementsMatch(t, []any{ScreenDone{"conn-a"}, Unpublished{"conn-a", "conn-a/screen/0"}}, r.parent.Messages())
	r.Tell(r.pid, offerSDP)
	assert.Empty(t, r.spec.saved.tracks, "a client that keeps its old m-line does not share again by it")
}

func TestScreenRefused(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, wire.ScreenOn{ScreenStreamID: "scr"})
	r.peer.streams = []media.Stream{screen}
	r.Tell(r.pid, offerSDP)
	r.client.take()
	r.Tell(r.pid, RefuseScreen{Holder: "bob", Ask: 1})
	assert.Equal(t, []string{"screen refused: bob"}, r.client.take())
	assert.Empty(t, r.spec.saved.tracks)
	r.parent.Expect(ScreenAsked{"conn-a", "scr", 1})
}

func TestRestartKeepsConnectionTracksAndSlots(t *testing.T) {
	r, p, src := publishing(t)
	slot := &fakeSlot{}
	r.Tell(p.PID, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	kittest.Take[track.Subscribed](r.parent)

	r.Tell(r.pid, kit.Fault{Reason: "test"})
	r.Advance(time.Second)

	again := kittest.Take[Published](r.parent)
	assert.Equal(t, p.Track, again.Track)
	assert.NotEqual(t, p.PID, again.PID, "the track runs at a new address")
	assert.Zero(t, r.peer.closed)
	assert.Equal(t, 1, r.peer.offers, "nothing is offered anew")
	assert.Empty(t, r.client.take(), "and the client notices nothing")
	r.packet(src, &media.Packet{Level: -1})
	assert.Len(t, slot.sent, 1, "the slot is still lent")
	r.Tell(r.pid, wire.Leave{})
	r.parent.Expect(Muted{"conn-a", false}, Ended{"conn-a", Left}, Unpublished{"conn-a", p.Track})
	assert.Equal(t, 1, r.peer.closed)
}

func TestTrackOverItsLimitRestartsTheSession(t *testing.T) {
	r, p, _ := publishing(t)
	limit := kit.DefaultLimits(kit.Track).Max
	for range limit {
		r.Tell(p.PID, kit.Fault{Reason: "test"})
		r.Advance(time.Second)
	}
	r.parent.Expect()
	r.Tell(p.PID, kit.Fault{Reason: "once too often"})
	r.Advance(time.Second)
	again := kittest.Take[Published](r.parent)
	assert.NotEqual(t, p.PID, again.PID)
	assert.Zero(t, r.peer.closed)
}

func TestSessionOverItsLimitEndsCrashed(t *testing.T) {
	r, _, src := publishing(t)
	for range kit.DefaultLimits(kit.Session).Max + 1 {
		r.Tell(r.pid, kit.Fault{Reason: "test"})
		r.Advance(2 * time.Second)
	}
	assert.Equal(t, Crashed, r.spec.Ending())
	assert.False(t, r.Alive(r.pid))
	assert.Equal(t, 1, r.peer.closed)
	assert.True(t, src.closed)
}

func TestConnectionClosedByTheClientEndsTheSession(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.event(media.Closed{Reason: "close notify"})
	r.parent.Expect(Ended{"conn-a", Left})
	assert.False(t, r.Alive(r.pid))
}

func TestLateNoticeOfAnOldSocketMeansNothing(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Tell(r.pid, SocketBack{Conn: "conn-b"})
	r.Tell(r.pid, SocketLost{Conn: "conn-a"})
	r.peer.heard = r.Clock.Now().Add(time.Hour)
	r.Advance(SocketWindow * 2)
	assert.Empty(t, r.spec.Ending())
	r.Tell(r.pid, SocketLost{Conn: "conn-b"})
	r.Advance(SocketWindow + time.Second)
	assert.Equal(t, Disconnected, r.spec.Ending())
}

func TestVerdict(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(0, 0).Add(time.Duration(s * float64(time.Second))) }
	for name, c := range map[string]struct {
		signs  signs
		now    float64
		reason EndReason
		over   bool
	}{
		"not connected yet":               {signs{joined: at(0)}, 14.9, "", false},
		"never connected":                 {signs{joined: at(0)}, 15, ICEFailed, true},
		"open and heard":                  {signs{connected: true, heard: at(100)}, 129.9, "", false},
		"open and silent":                 {signs{connected: true, heard: at(100)}, 130, ICEFailed, true},
		"closed, media alive":             {signs{connected: true, heard: at(129), lost: at(100)}, 129.9, "", false},
		"closed too long":                 {signs{connected: true, heard: at(130), lost: at(100)}, 130, Disconnected, true},
		"closed and silent":               {signs{connected: true, heard: at(99), lost: at(100)}, 114.9, "", false},
		"closed and silent too long":      {signs{connected: true, heard: at(99), lost: at(100)}, 115, Disconnected, true},
		"silent long before it closed":    {signs{connected: true, heard: at(80), lost: at(100)}, 114.9, "", false},
		"closed long, silent only lately": {signs{connected: true, heard: at(110), lost: at(100)}, 124.9, "", false},
		"closed long, silent long enough": {signs{connected: true, heard: at(110), lost: at(100)}, 125, Disconnected, true},
	} {
		t.Run(name, func(t *testing.T) {
			reason, over := c.signs.verdict(at(c.now))
			assert.Equal(t, c.over, over)
			if over {
				assert.Equal(t, c.reason, reason)
			}
		})
	}
}

// A refusal may be there before the offer that it is about.
func TestSoundOfARefusedScreenIsNoVoice(t *testing.T) {
	r := newRoom(t)
	r.connect()
	sound := media.Stream{MID: "3", Kind: media.Audio, StreamID: "scr", TrackID: "s"}
	r.Tell(r.pid, wire.ScreenOn{ScreenStreamID: "scr"})
	r.Tell(r.pid, RefuseScreen{Holder: "bob", Ask: 1})
	r.peer.streams = []media.Stream{screen, sound}
	r.Tell(r.pid, offerSDP)
	assert.Empty(t, r.spec.saved.tracks, "neither picture nor sound")
}

func TestLateAnswerAboutAScreenMeansNothing(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.peer.streams = []media.Stream{screen}
	r.Tell(r.pid, wire.ScreenOn{ScreenStreamID: "old"})
	r.Tell(r.pid, wire.ScreenOff{})
	r.Tell(r.pid, GrantScreen{Ask: 1})
	r.Tell(r.pid, wire.ScreenOn{ScreenStreamID: "scr"})
	r.Tell(r.pid, RefuseScreen{Holder: "bob", Ask: 1})
	r.parent.Expect(ScreenAsked{"conn-a", "old", 1}, ScreenDone{"conn-a"}, ScreenAsked{"conn-a", "scr", 2})
	r.Tell(r.pid, GrantScreen{Ask: 2})
	assert.Equal(t, media.Video, kittest.Take[Published](r.parent).Kind, "only the answer to the last question opens it")
}

// A mute that was said to an incarnation of the track which is no more must hold for the next: what is muted must never leave the server.
func TestMuteReachesTheNextIncarnationOfATrack(t *testing.T) {
	r, p, src := publishing(t)
	for range kit.DefaultLimits(kit.Track).Max {
		r.Tell(p.PID, kit.Fault{Reason: "test"})
		r.Advance(time.Second)
	}
	slot := &fakeSlot{}
	r.Tell(p.PID, track.Subscribe{Receiver: "b", Slot: slot, ReplyTo: r.parent.PID()})
	r.System.Root.Send(r.pid, wire.Mute{})
	r.System.Root.Send(p.PID, kit.Fault{Reason: "once too often: the session is restarted, and the gate's message lost with the track"})
	r.Run()
	r.Advance(time.Second)
	r.packet(src, &media.Packet{Level: -1})
	assert.Empty(t, slot.sent)
}

// What a connection reports while its session is being replaced from above is for the next instance.
func TestReportsWaitForTheNextInstance(t *testing.T) {
	r := newRoom(t)
	r.connect()
	r.Stop(r.pid)
	assert.Zero(t, r.peer.closed, "stopped without an end: a pause")
	r.peer.onEvent(media.ChannelMessage{Text: true, Data: []byte("ping")})
	r.peer.onEvent(media.Closed{Reason: "close notify"})
	r.Spawn(kit.Spec{Kind: kit.Call, New: func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				_, _ = ctx.SpawnNamed(r.spec.Props(kit.NewMailbox(kit.MailboxOptions{})), kit.Name(kit.Session, "a", 2))
			}
		})
	}}, "again")
	assert.Equal(t, Left, r.spec.Ending())
	assert.Equal(t, 1, r.peer.closed)
	assert.Empty(t, r.peer.sent, "a ping is not kept")
	r.peer.onEvent(media.Closed{}) // and who is gone hears nothing
	r.Run()
}

// heldBack is a dispatcher that runs nothing until it is told.
type heldBack []func()

func (h *heldBack) Schedule(fn func()) { *h = append(*h, fn) }
func (h *heldBack) Throughput() int    { return 300 }

func (h *heldBack) run() {
	for len(*h) > 0 {
		fn := (*h)[0]
		*h = (*h)[1:]
		fn()
	}
}

// A stream that is back before its old track has gone, just when its session is restarted, gets its track all the same.
func TestStreamThatComesBackWhileItsTrackEndsAndTheSessionRestarts(t *testing.T) {
	r := newRoom(t)
	loop := &heldBack{}
	r.spec.ports.Loop = func(ID) actor.Dispatcher { return loop }
	r.connect()
	r.peer.streams = []media.Stream{voice}
	r.Tell(r.pid, offerSDP)
	loop.run()
	r.Run()
	first := kittest.Take[Published](r.parent)
	r.peer.streams = nil
	r.Tell(r.pid, offerSDP) // the track is told to stop, and does not yet
	r.peer.streams = []media.Stream{voice}
	r.Tell(r.pid, offerSDP)
	r.Tell(r.pid, kit.Fault{Reason: "test"})
	r.Advance(time.Second)
	loop.run()
	r.Run()
	loop.run()
	r.Run()
	var again *Published
	for _, m := range r.parent.Messages() {
		if p, ok := m.(Published); ok {
			again = &p
		}
	}
	require.NotNil(t, again)
	assert.NotEqual(t, first.Track, again.Track)
	assert.True(t, r.Alive(again.PID))
}
