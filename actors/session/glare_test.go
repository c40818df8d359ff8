package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// generation is how clients of one kind behave when the server's offer meets their own.
type generation int

const (
	rollsBack  generation = iota // RTCPeer, web 0.8 and mobile 2.1 on: takes the server's offer, then makes its own again
	simplePeer                   // web of 2022: the browser takes the server's offer and drops its own, which is made again only on request
	rigid                        // mobile to 2.0: cannot take an offer while its own is out, and dies of it
)

// labels of the data channel, by which the server knows them.
var labels = map[generation]string{rollsBack: "calls-dc", simplePeer: strings.Repeat("0123456789", 4), rigid: strings.Repeat("0123456789", 2)}

// clientPeer is a client's end of the negotiation: the states of a browser's connection, as far as they matter here.
type clientPeer struct {
	kind     generation
	offering bool   // have-local-offer
	wants    bool   // an offer is to be made
	done     bool   // its offer was answered
	dead     string // why the connection was destroyed
	up       []any  // on their way to the server
	down     []string
	held     bool // the server knows of the announced offer and has not seen it yet
	breach   bool // the server offered all the same
}

// unmute announces an offer, which is made a moment later.
func (c *clientPeer) unmute() {
	c.up = append(c.up, wire.Unmute{})
	c.wants = true
}

func (c *clientPeer) makeOffer() {
	if c.wants && !c.offering && c.dead == "" {
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
	case wire.Unmute{}:
		x.c.held = true
	case offerSDP:
		x.c.held = false
		if !x.peer.pending {
			x.peer.streams = []media.Stream{voice}
		}
	}
	x.Tell(x.pid, msg)
	x.listen()
}

func (x *collision) listen() {
	for _, msg := range x.client.take() {
		x.c.breach = x.c.breach || (x.c.held && strings.HasPrefix(msg, "offer"))
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
		if x.c.wants && !x.c.offering && x.c.dead == "" {
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

func newCollision(t *testing.T, kind generation, seed uint64) *collision {
	x := &collision{room: newRoom(t), c: &clientPeer{kind: kind}, rng: rand.New(rand.NewPCG(seed, uint64(kind)))}
	x.event(media.Connected{})
	x.event(media.ChannelOpen{Label: labels[kind]})
	x.answer()
	x.client.take()
	x.parent.Expect()
	return x
}

// attempts is how often each kind of client and the server are brought to offer at once.
const attempts = 1000

// The server has a track to add in the same moment as the client's unmute: whatever comes first, nobody's connection dies and both tracks are there in the end.
func TestOffersThatMeetKillNobody(t *testing.T) {
	for kind, name := range map[generation]string{rollsBack: "with rollback", simplePeer: "simple-peer"} {
		t.Run(name, func(t *testing.T) {
			met := 0
			for seed := range uint64(attempts) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					x := newCollision(t, kind, seed)
					x.run(shuffled(x.rng, x.c.unmute, x.share))
					x.Advance(hintWindow + time.Second)
					x.listen()
					x.run(nil)
					require.Empty(t, x.c.dead)
					require.Empty(t, x.spec.Ending())
					require.False(t, x.c.breach, "an offer of the server's between the hint and the offer it announced")
					assert.True(t, x.c.done, "the client's track is negotiated")
					assert.True(t, x.received("b/screen/1"), "and the server's")
					if x.peer.answers > 0 && x.peer.offers > 1 {
						met++
					}
				})
			}
			assert.Equal(t, attempts, met)
		})
	}
}

// A client that cannot take an offer while its own is out is safe from the moment at which the server knows that one is coming.
func TestNoOfferBetweenHintAndOffer(t *testing.T) {
	for seed := range uint64(attempts) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			x := newCollision(t, rigid, seed)
			x.c.unmute()
			x.toServer()
			x.run([]func(){x.share})
			require.Empty(t, x.c.dead)
			require.False(t, x.c.breach)
			assert.True(t, x.c.done)
			assert.True(t, x.received("b/screen/1"))
		})
	}
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
