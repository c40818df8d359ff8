package session

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// says lets the client say something on its data channel, and takes what it was answered.
func (r *room) says(m wire.ChannelMessage) (answers []wire.ChannelReply) {
	data, text := wire.EncodeChannel(m)
	r.event(media.ChannelMessage{Text: text, Data: data})
	return r.answered()
}

func (r *room) answered() (answers []wire.ChannelReply) {
	for _, data := range r.peer.sent {
		a, err := wire.DecodeReply([]byte(data), data == "pong")
		require.NoError(r.t, err)
		answers = append(answers, a)
	}
	r.peer.sent = nil
	return answers
}

// sharing has somebody share a screen, for which the client needs an offer of ours.
func (r *room) sharing() {
	r.Tell(r.pid, Subscribe{Track: "b/screen/1", From: "b", Content: track.KindScreen, Kind: media.Video, PID: r.parent.PID()})
}

var granted, refused = []wire.ChannelReply{wire.LockReply{Granted: true}}, []wire.ChannelReply{wire.LockReply{Granted: false}}

func TestPingsAreAnsweredInTheirForm(t *testing.T) {
	r := newRoom(t)
	r.connect()
	assert.Equal(t, []wire.ChannelReply{wire.Pong{}}, r.says(wire.Ping{}))
	assert.Equal(t, []wire.ChannelReply{wire.Pong{Text: true}}, r.says(wire.Ping{Text: true}))
}

func TestWhatIsNotKnownOnTheDataChannelIsIgnored(t *testing.T) {
	r := newRoom(t)
	r.connect()
	for _, m := range []media.ChannelMessage{
		{}, {Text: true, Data: []byte("hello")}, {Data: []byte{3, 0xc4, 1, 0}}, {Data: []byte{0xa1}}, {Data: []byte{0xcd, 1}}, {Data: []byte{200, 200, 200}},
		{Data: []byte{4}}, {Data: []byte{10, 0x80}}, {Data: make([]byte, 1<<16)},
	} {
		r.event(m)
	}
	for _, what := range []wire.Measure{wire.Loss, wire.RoundTrip, wire.Jitter} {
		assert.Empty(t, r.says(wire.Measured{What: what, Value: 0.1}))
	}
	assert.Empty(t, r.answered())
	assert.Empty(t, r.client.take())
	assert.Empty(t, r.spec.Ending())
}

func TestAFloodOnTheDataChannelIsCutOff(t *testing.T) {
	r := newRoom(t)
	r.connect()
	data, _ := wire.EncodeChannel(wire.Ping{})
	for range 10 * wire.ChannelBurst {
		r.peer.onEvent(media.ChannelMessage{Data: data})
	}
	r.Run()
	assert.LessOrEqual(t, len(r.answered()), wire.ChannelBurst)
	r.Advance(time.Second)
	assert.Len(t, r.says(wire.Ping{}), 1, "who calms down is heard again")
}

func TestLock(t *testing.T) {
	t.Run("is granted to one at a time", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		assert.Equal(t, granted, r.says(wire.Lock{}))
		assert.Equal(t, refused, r.says(wire.Lock{}))
		assert.Empty(t, r.says(wire.Unlock{}))
		assert.Equal(t, granted, r.says(wire.Lock{}))
	})
	t.Run("is ours from our offer to its answer", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.sharing()
		require.True(t, r.peer.pending)
		assert.Equal(t, refused, r.says(wire.Lock{}))
		assert.Empty(t, r.says(wire.Unlock{}), "who does not have it cannot give it back")
		assert.Equal(t, refused, r.says(wire.Lock{}))
		r.answer()
		assert.Equal(t, granted, r.says(wire.Lock{}))
	})
	t.Run("holds our offer until the client gives it back", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.says(wire.Lock{})
		r.sharing()
		assert.Empty(t, r.client.take())
		r.Tell(r.pid, offerSDP)
		assert.Equal(t, []string{"answer: answer 1"}, r.client.take())
		r.says(wire.Unlock{})
		r.quiet()
		assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
	})
	t.Run("lapses", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.says(wire.Lock{})
		r.sharing()
		r.Advance(lockWindow - time.Millisecond)
		assert.Empty(t, r.client.take())
		assert.Equal(t, refused, r.says(wire.Lock{}), "asking again does not prolong it")
		r.Advance(2 * time.Millisecond)
		assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
		r.answer()
		assert.Equal(t, granted, r.says(wire.Lock{}))
		r.Advance(lockWindow - time.Millisecond)
		assert.Equal(t, refused, r.says(wire.Lock{}), "the lapse of the one before does not end it")
	})
	t.Run("and the hint go together", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.Tell(r.pid, wire.Unmute{}) // told before the lock is asked for
		r.sharing()
		assert.Equal(t, granted, r.says(wire.Lock{}))
		r.Advance(hintWindow + time.Second)
		assert.Empty(t, r.client.take(), "the lock lasts longer than the hint")
		r.Tell(r.pid, offerSDP)
		r.says(wire.Unlock{})
		assert.Equal(t, []string{"answer: answer 1"}, r.client.take())
		r.quiet()
		assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
	})
	t.Run("outlives a restart, and lapses in time", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		r.says(wire.Lock{})
		r.Tell(r.pid, kit.Fault{Reason: "test"})
		r.Advance(time.Second)
		r.sharing()
		assert.Equal(t, refused, r.says(wire.Lock{}))
		r.Advance(lockWindow - 2*time.Second)
		assert.Empty(t, r.client.take())
		r.Advance(time.Second)
		assert.Equal(t, []string{"offer: offer 2 with 5 slots"}, r.client.take())
	})
}

func TestMediaMap(t *testing.T) {
	voice := func(from ID) wire.MediaLine { return wire.MediaLine{Type: "voice", SenderID: string(from)} }
	speak := func(r *room, from ID) {
		r.System.Root.Send(r.pid, Subscribe{Track: track.ID(from + "/voice/0"), From: from, Content: track.KindVoice, Kind: media.Audio, PID: r.parent.PID()})
	}
	take := func(r *room) []wire.MediaMap {
		r.Run()
		told := r.peer.maps
		r.peer.maps = nil
		return told
	}
	t.Run("comes before each offer, with what the offer will bring", func(t *testing.T) {
		r := newRoom(t)
		speak(r, "b")
		r.event(media.ChannelOpen{Label: "calls-dc"})
		take(r)
		r.quiet()
		assert.Equal(t, []wire.MediaMap{{"1": voice("b")}}, take(r))
		assert.Contains(t, r.client.take(), "offer: offer 1 with 4 slots")
		r.answer()
		assert.Empty(t, take(r), "what was told stays true")
		r.sharing()
		want := wire.MediaMap{"1": voice("b"), "5": {Type: "screen", SenderID: "b"}}
		assert.Equal(t, []wire.MediaMap{want}, take(r))
		r.answer()
		assert.Empty(t, take(r))
		r.Tell(r.pid, Unsubscribe{Track: "b/screen/1"})
		assert.Equal(t, wire.MediaMap{"1": voice("b")}, r.peer.maps[len(r.peer.maps)-1])
	})
	t.Run("follows a line from one to another, without an offer", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		take(r)
		speak(r, "b")
		assert.Equal(t, []wire.MediaMap{{"1": voice("b")}}, take(r))
		r.Tell(r.pid, Unsubscribe{Track: "b/voice/0"})
		assert.Equal(t, []wire.MediaMap{{}}, take(r))
		speak(r, "c")
		assert.Equal(t, []wire.MediaMap{{"1": voice("c")}}, take(r))
		assert.Empty(t, r.client.take())
	})
	t.Run("is told once of many who come together", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		take(r)
		for _, from := range []ID{"b", "c", "d", "e"} {
			speak(r, from)
		}
		assert.Equal(t, []wire.MediaMap{{"1": voice("b"), "2": voice("c"), "3": voice("d"), "4": voice("e")}}, take(r))
	})
	t.Run("is not for clients that do not know it", func(t *testing.T) {
		for _, label := range labels {
			r := newRoom(t)
			r.event(media.ChannelOpen{Label: label})
			r.quiet()
			if label == currentLabel {
				r.says(wire.Ping{Text: true}) // the first with this label, which speak in text alone
				take(r)
			}
			r.answer()
			speak(r, "b")
			assert.Empty(t, take(r), label)
		}
	})
	t.Run("is told later when it could not be sent", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		take(r)
		r.peer.full = errors.New("full")
		speak(r, "b")
		assert.Empty(t, take(r))
		r.peer.full = nil
		r.Advance(tickEvery)
		assert.Equal(t, []wire.MediaMap{{"1": voice("b")}}, take(r))
		r.Advance(10 * tickEvery)
		assert.Empty(t, take(r))
	})
	t.Run("goes on after a restart", func(t *testing.T) {
		r := newRoom(t)
		r.connect()
		speak(r, "b")
		take(r)
		r.Tell(r.pid, kit.Fault{Reason: "test"})
		r.Advance(time.Second)
		assert.Empty(t, take(r), "nothing has changed")
		speak(r, "c")
		assert.Equal(t, []wire.MediaMap{{"1": voice("b"), "2": voice("c")}}, take(r))
	})
}

// Whatever comes and goes, what the client was told last is what its lines carry.
func TestMediaMapIsTrue(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			x := newCollision(t, kittest.New(t), rollsBack, seed)
			for range 60 {
				from := ID(rune('b' + x.rng.IntN(8)))
				id := track.ID(from + "/voice/0")
				switch x.rng.IntN(4) {
				case 0, 1:
					x.System.Root.Send(x.pid, Subscribe{Track: id, From: from, Content: track.KindVoice, Kind: media.Audio, PID: x.parent.PID()})
				case 2:
					x.System.Root.Send(x.pid, Unsubscribe{Track: id})
				case 3:
					x.Run()
					x.answer()
				}
			}
			x.Run()
			x.answer()
			x.answer()
			lent := wire.MediaMap{}
			for _, l := range x.spec.saved.leases {
				if l.to != "" {
					lent[l.slot.MID()] = wire.MediaLine{Type: "voice", SenderID: string(l.to[0])}
				}
			}
			require.NotEmpty(t, x.peer.maps)
			assert.Equal(t, lent, x.peer.maps[len(x.peer.maps)-1])
		})
	}
}
