package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/kit/kittest"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// generation is how clients of one kind behave when the server's offer meets their own.
type generation int

const (
	rollsBack  generation = iota // RTCPeer, web 0.8 and mobile 2.1 on: takes the server's offer, then makes its own again
	locks                        // the same, later: asks for the lock first, and so makes no offer again
	simplePeer                   // web of 2022: the browser takes the server's offer and drops its own, which is made again only on request
	rigid                        // mobile to 2.0: cannot take an offer while its own is out, and dies of it
)

// labels of the data channel, by which the server knows them.
var labels = map[generation]string{
	rollsBack: currentLabel, locks: currentLabel, simplePeer: strings.Repeat("0123456789", 4), rigid: strings.Repeat("0123456789", 2),
}

// clientPeer is a client's end of the negotiation: the states of a browser's connection, as far as they matter here.
type clientPeer struct {
	kind     generation
	hint     wire.Message // told before the offer; nil: nothing is
	stream   media.Stream // what the offer is for
	offering bool         // have-local-offer
	wants    bool         // an offer is to be made
	locked   bool         // it has the lock
	done     bool         // its offer was answered
	dead     string       // why the connection was destroyed
	up       []any        // on their way to the server
	down     []string
	said     []wire.ChannelMessage // on their way to the server on the data channel
	held     bool                  // the server knows of the announced offer and has not seen it yet
	lent     bool                  // the server has given the lock away
	breach   bool                  // the server offered all the same
}

// publish announces an offer, which is made a moment later.
func (c *clientPeer) publish() {
	if c.hint != nil {
		c.up = append(c.up, c.hint)
	}
	c.wants = true
	if c.kind == locks {
		c.said = append(c.said, wire.Lock{})
	}
}

// mayOffer says whether the offer that is wanted can be made now.
func (c *clientPeer) mayOffer() bool {
	return c.wants && !c.offering && c.dead == "" && (c.kind != locks || c.locked)
}

func (c *clientPeer) makeOffer() {
	if c.mayOffer() {
		c.wants, c.offering = false, true
		c.up = append(c.up, offerSDP)
	}
}

// hear takes one message of the server.
func (c *clientPeer) hear(msg string) {
	switch {
	case strings.HasPrefix(msg, "offer"):
		if c.offering {
			switch c.kind {
			case rigid:
				c.dead = "an offer came while its own was out"
				return
			case rollsBack:
				c.wants = true
			}
			c.offering = false
		}
		c.up = append(c.up, answerSDP)
	case strings.HasPrefix(msg, "answer"):
		if !c.offering {
			c.dead = "an answer came to no offer"
			return
		}
		c.offering, c.done = false, true
		if c.kind == locks {
			c.locked = false
			c.said = append(c.said, wire.Unlock{})
		}
	case msg == "renegotiate":
		c.wants = c.wants || c.kind == simplePeer
	}
}

// collision is one attempt to make the two offers meet.
type collision struct {
	*room
	c   *clientPeer
	rng *rand.Rand
}

// toServer delivers the client's next message and takes what the server says to it.
func (x *collision) toServer() {
	msg := x.c.up[0]
	x.c.up = x.c.up[1:]
	switch msg {
	case x.c.hint:
		x.c.held = true
	case offerSDP:
		x.c.held = false
		if !x.peer.pending {
			x.peer.streams = []media.Stream{x.c.stream}
		}
	}
	x.Tell(x.pid, msg)
	x.listen()
}

// channelToServer delivers what the client says next on its data channel. A refused one asks for the lock again.
func (x *collision) channelToServer() {
	msg := x.c.said[0]
	x.c.said = x.c.said[1:]
	x.c.lent = x.c.lent && msg != wire.Unlock{}
	for _, answer := range x.says(msg) {
		x.c.lent = answer.(wire.LockReply).Granted
		x.c.locked = x.c.lent
		if !x.c.lent {
			x.c.said = append(x.c.said, wire.Lock{})
		}
	}
	x.listen()
}

func (x *collision) listen() {
	for _, msg := range x.client.take() {
		x.c.breach = x.c.breach || ((x.c.held || x.c.lent) && strings.HasPrefix(msg, "offer"))
		x.c.down = append(x.c.down, msg)
	}
}

func (x *collision) toClient() {
	msg := x.c.down[0]
	x.c.down = x.c.down[1:]
	x.c.hear(msg)
}

// share lets somebody else's screen appear, for which the server has to offer.
func (x *collision) share() {
	x.Tell(x.pid, Subscribe{Track: "b/screen/1", Kind: media.Video, PID: x.parent.PID()})
	x.listen()
}

// run lets things happen in an order that chance decides, each direction's messages in theirs, until nothing is left to happen.
func (x *collision) run(todo []func()) {
	for {
		var next []func()
		if len(x.c.up) > 0 {
			next = append(next, x.toServer)
		}
		if len(x.c.down) > 0 && x.c.dead == "" {
			next = append(next, x.toClient)
		}
		if len(x.c.said) > 0 {
			next = append(next, x.channelToServer)
		}
		if x.c.mayOffer() {
			next = append(next, x.c.makeOffer)
		}
		if len(todo) > 0 {
			next = append(next, func() {
				do := todo[0]
				todo = todo[1:]
				do()
			})
		}
		if len(next) == 0 {
			return
		}
		next[x.rng.IntN(len(next))]()
	}
}

func newCollision(t *testing.T, w *kittest.World, kind generation, seed uint64) *collision {
	x := &collision{room: newRoomIn(t, w), c: &clientPeer{kind: kind}, rng: rand.New(rand.NewPCG(seed, uint64(kind)))}
	cases := []clientPeer{{hint: wire.Unmute{}, stream: voice}, {hint: wire.ScreenOn{ScreenStreamID: screen.StreamID}, stream: screen}}
	if kind == rollsBack || kind == locks {
		cases = append(cases, clientPeer{stream: voice}) // an offer that nothing announces
	}
	of := cases[x.rng.IntN(len(cases))]
	x.c.hint, x.c.stream = of.hint, of.stream
	x.event(media.Connected{})
	x.event(media.ChannelOpen{Label: labels[kind]})
	x.quiet()
	x.answer()
	x.client.take()
	x.parent.Expect()
	return x
}

// attempts is how often each kind of client and the server are brought to offer at once.
const attempts = 1000

// The server has a track to add in the same moment as the client's unmute, share or offer: whatever comes first, nobody's connection dies and both tracks are there
// in the end. A client with the lock is never met at all.
func TestOffersThatMeetKillNobody(t *testing.T) {
	for kind, name := range map[generation]string{rollsBack: "with rollback", locks: "with the lock", simplePeer: "simple-peer"} {
		t.Run(name, func(t *testing.T) {
			w := kittest.New(t)
			for seed := range uint64(attempts) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					x := newCollision(t, w, kind, seed)
					defer w.Stop(x.top)
					x.run(shuffled(x.rng, x.c.publish, x.share))
					x.Advance(hintWindow + time.Second)
					x.listen()
					x.run(nil)
					x.ends(t)
					assert.Equal(t, 2, x.peer.offers, "there was something to meet")
				})
			}
		})
	}
}

// A client that cannot take an offer while its own is out is safe from the moment at which the server knows that one is coming.
func TestNoOfferBetweenHintAndOffer(t *testing.T) {
	for kind, name := range map[generation]string{rigid: "mobile to 2.0", simplePeer: "simple-peer"} {
		t.Run(name, func(t *testing.T) {
			w := kittest.New(t)
			for seed := range uint64(attempts) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					x := newCollision(t, w, kind, seed)
					defer w.Stop(x.top)
					x.c.publish()
					x.toServer()
					x.run([]func(){x.share})
					x.quiet()
					x.listen()
					x.run(nil)
					x.ends(t)
				})
			}
		})
	}
}

// ends checks how it must end.
func (x *collision) ends(t *testing.T) {
	t.Helper()
	require.Empty(t, x.c.dead)
	require.Empty(t, x.spec.Ending())
	require.False(t, x.c.breach, "an offer of the server's between the hint, or the lock, and the offer it is for")
	assert.True(t, x.c.done, "the client's track is negotiated")
	assert.NotEmpty(t, x.spec.saved.tracks, "and published")
	assert.True(t, x.received("b/screen/1"), "and the server's")
}

func shuffled(rng *rand.Rand, todo ...func()) []func() {
	rng.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
	return todo
}

// received says whether the session has lent a slot that is ready to a track.
func (r *room) received(id track.ID) bool {
	for _, l := range r.spec.saved.leases {
		if l.to == id && l.slot.Ready() {
			return true
		}
	}
	return false
}
