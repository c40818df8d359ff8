package actors_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/actors/track"
	"calls/bench/client"
	"calls/media"
	"calls/wire"
)

var glares = flag.Int("glare", 8, "how often each generation of clients and the server are brought to offer at once, over real connections")

// Two offers that meet, over real connections: somebody unmutes or shares in the moment in which the server has to offer a screen. What the session decides is
// tested in its own package, in all orders that there are; here pion and the media server have their say, and what counts in the end is that packets flow.

// generation is how clients of one kind negotiate.
type generation struct {
	name string
	cfg  client.Config
	// hinted: the server learns of each offer before it is made, and must not come in between. The others survive it when it does.
	hinted bool
	// blind: such clients may also offer without a word.
	blind bool
}

var generationsOfGlare = [...]generation{
	{name: "with rollback", blind: true},
	{name: "with the lock", cfg: client.Config{Locks: true, Crossing: client.OffersOnRequest}, blind: true},
	{name: "simple-peer", cfg: client.Config{Label: strings.Repeat("0123456789", 4), Crossing: client.OffersOnRequest}},
	{name: "mobile to 2.0", cfg: client.Config{Label: strings.Repeat("0123456789", 2), Crossing: client.Breaks}, hinted: true},
}

// arena is a call with one who listens, where attempts are made, and the screen of another call, which the server is made to offer.
type arena struct {
	*world
	channel  string
	listener *participant
	sharer   *participant
	screen   *actor.PID
	rng      *rand.Rand
	*tally
}

// tally is what was tried with clients of a generation.
type tally struct{ attempts, met atomic.Int64 }

func TestOffersThatMeetOverRealConnections(t *testing.T) {
	arenas := min(8, max(1, *glares/8))
	// One media loop, so that a screen can be lent across calls; and nothing is given up on a machine that is busy with other tests.
	w := newWorldOf(t, actors.Config{MediaShards: 1, Supervision: actors.Supervision{Stuck: 20 * time.Second}})
	defer w.close()
	sharer := w.enter(1_000_000, "chan0000000000000000screens", client.Config{Reports: true})
	defer func() { _ = sharer.Close() }()
	require.NoError(t, sharer.Share(patience(t), client.Picture{Packets: 2, Size: 300}))
	screens := w.engine.Find(kit.Track, string(sharer.id))
	require.Len(t, screens, 1)
	var tallies [len(generationsOfGlare)]tally
	t.Run("all", func(t *testing.T) {
		for i, g := range generationsOfGlare {
			for n := range arenas {
				t.Run(fmt.Sprint(g.name, " ", n), func(t *testing.T) {
					t.Parallel()
					a := arena{world: &world{t, w.host, w.engine}, channel: fmt.Sprintf("chan%022d", i*arenas+n), sharer: sharer, screen: screens[0],
						rng: rand.New(rand.NewPCG(uint64(i), uint64(n))), tally: &tallies[i]}
					a.listener = a.enter(1_000_001+i*arenas+n, a.channel, client.Config{Reports: true})
					defer func() { _ = a.listener.Close() }()
					for k := n; k < *glares; k += arenas {
						a.attempt(t, g, 1+k+i**glares)
					}
				})
			}
		}
	})
	for i, g := range generationsOfGlare {
		t.Logf("%s: %d attempts, in %d of which the two offers met", g.name, tallies[i].attempts.Load(), tallies[i].met.Load())
	}
}

// patience is longer than anything takes on a busy machine.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// attempt has a client come, and the two offers made, in one of the orders that there are.
func (a *arena) attempt(t *testing.T, g generation, n int) {
	g.cfg.Reports = true // a sign of life, which those that only listen would not give
	p := a.enter(n, a.channel, g.cfg)
	defer func() { _ = p.Close() }()
	defer a.engine.Tell(a.screen, track.Forget{Receiver: string(p.id)})
	publish, kind := func() error { return p.Unmute(patience(t), client.Voice{}) }, client.Audio
	if a.rng.IntN(2) == 0 {
		publish, kind = func() error { return p.Share(patience(t), client.Picture{Packets: 2, Size: 300}) }, client.Screen
	}
	order := a.order(g)
	if order != "at the first offer" {
		eventually(t, time.Minute, func() string {
			if !slices.Contains(p.wire(), "client's answer") {
				return "the client has not answered the first offer"
			}
			return ""
		})
	}
	about := fmt.Sprintf("attempt %d, %s, %s", n, kind, order)
	require.NoError(t, a.collide(p, order, publish), "%s: %v", about, p.wire())
	a.flows(t, p, kind, about)
	assert.NoError(t, p.Err(), about)
	select {
	case <-p.Lost():
		assert.Fail(t, "dropped", about)
	default:
	}
	if g.hinted || g.cfg.Locks || order == "hint, server" {
		assert.Zero(t, p.Collisions(), "%s: %v", about, p.wire())
	}
	if order == "hint, server" {
		assert.Empty(t, betweenHintAndOffer(p.wire()), "%s: %v", about, p.wire())
	}
	a.attempts.Add(1)
	a.met.Add(int64(p.Collisions()))
	require.NoError(t, p.Leave())
	eventually(t, time.Minute, func() string {
		if v, _ := a.engine.Call(call.ChannelID(a.channel)); len(v.People) > 1 || v.ScreenSession != "" {
			return "the client is still in" // and the next could not share
		}
		return ""
	})
}

// order chooses who comes first. For those that die of a crossing it is the hint: what crosses it on the wire no server could have held back.
func (a *arena) order(g generation) string {
	orders := []string{"hint, server"}
	if !g.hinted {
		orders = append(orders, "server, hint", "at once", "at the first offer")
	}
	if g.blind {
		orders = append(orders, "without a hint")
	}
	return orders[a.rng.IntN(len(orders))]
}

// collide has both offers made, and returns when the client's is answered.
func (a *arena) collide(p *participant, order string, publish func() error) error {
	pid := a.engine.Find(kit.Session, string(p.id))[0]
	offer := func() {
		a.engine.Tell(pid, session.Subscribe{Track: "the other call's screen", From: a.sharer.id, Content: track.KindScreen, Kind: media.Video, PID: a.screen})
	}
	switch order {
	case "hint, server":
		p.through(func(msg wire.Message) {
			p.deliver(msg)
			if isHint(msg) {
				offer()
			}
		})
	case "without a hint":
		var held wire.Message
		p.through(func(msg wire.Message) {
			if isHint(msg) {
				held = msg
				return
			}
			if sdp, is := msg.(wire.SDP); is && sdp.Type == "offer" && held != nil {
				offer()
				p.deliver(msg)
				p.deliver(held)
				held = nil
				return
			}
			p.deliver(msg)
		})
	case "server, hint":
		offer()
	default:
		var both sync.WaitGroup
		both.Go(offer)
		defer both.Wait()
	}
	return publish()
}

func (p *participant) through(via func(wire.Message)) { p.via.Store(&via) }

func isHint(msg wire.Message) bool {
	switch msg.(type) {
	case wire.Unmute, wire.ScreenOn:
		return true
	}
	return false
}

// flows waits until both tracks arrive where they are to.
func (a *arena) flows(t *testing.T, p *participant, kind client.Kind, about string) {
	const enough = 5
	eventually(t, time.Minute, func() string {
		if got := p.Received(a.sharer.origin, client.Screen).Counts.Received; got < enough {
			return fmt.Sprintf("%s: %d packets of the screen came to the client: %v", about, got, p.wire())
		}
		if got := a.listener.Received(p.origin, kind).Counts.Received; got < enough {
			wire := a.listener.wire()
			return fmt.Sprintf("%s: %d packets of %d that the client sent came to the listener: %v, whose error is %v, and whose last words were %v", about, got, p.Sent(kind),
				p.wire(), a.listener.Err(), wire[max(0, len(wire)-6):])
		}
		return ""
	})
}

// betweenHintAndOffer is what the server offered while it knew of an offer of the client's that had not come.
func betweenHintAndOffer(wire []string) (offers []string) {
	hinted := false
	for _, what := range wire {
		switch what {
		case "wire.Unmute", "wire.ScreenOn":
			hinted = true
		case "client's offer":
			hinted = false
		case "server's offer":
			if hinted {
				offers = append(offers, what)
			}
		}
	}
	return offers
}
