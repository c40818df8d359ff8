package e2e

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/guard"
	"calls/wire"
)

var glares = flag.Int("glare", 3, "how often each generation that no offer of the server's may meet is about to offer while the server has something to offer, too")

// heldFor is for how long the server holds its offers back when a client has announced one, less what a busy machine may take to see it.
const heldFor = 1500 * time.Millisecond

// settled is after how long a client that has just come is offered what there is, hint or not.
const settled = 500 * time.Millisecond

// meeting is one attempt: somebody announces an offer and makes it a little later, and meanwhile somebody else begins to share, or to talk, for which the server has
// to offer to the first.
type meeting struct {
	t        *testing.T
	channel  string
	listener *mattermost.Call
	hinted   *mattermost.Call
	other    *mattermost.Call
	provoke  func() error
	pause    time.Duration // from when the server knows of the announced offer until it comes; negative: until the server has its own to make

	provoked chan error
	from     int  // the place among the client's events of the one by which it knows that the server has heard the hint
	late     bool // the offer came so late that the server need not have waited for it
}

// Clients that cannot take an offer while one of their own is out say what they are going to offer for, and from then on the server offers nothing until that offer has
// come. Here it is read off the wire: the frames of the client's own socket, with a server that has something to offer at that very moment.
func TestNoOfferComesBetweenAHintAndItsOffer(t *testing.T) {
	for _, g := range generations {
		if g.label == "" {
			continue // takes its offer back, or asks for the lock
		}
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			channel := room(t)
			listener := join(t, "carol", channel, client.Config{ID: 1, Reports: true}) // reports are the only sign of life that one who listens gives
			rng := rand.New(rand.NewPCG(1, uint64(len(g.name))))
			var counted int
			for n := range *glares {
				if meet(t, g, channel, listener, n, rng) {
					counted++
				}
			}
			t.Logf("%d of %d attempts were in time", counted, *glares)
			assert.Positive(t, counted, "the machine was too slow each time")
			require.NoError(t, listener.Leave())
		})
	}
}

func meet(t *testing.T, g generation, channel string, listener *mattermost.Call, n int, rng *rand.Rand) (inTime bool) {
	t.Helper()
	first, second := uint32(2*n+2), uint32(2*n+3)
	m := &meeting{t: t, channel: channel, listener: listener, provoked: make(chan error, 1),
		hinted: join(t, "alice", channel, client.Config{ID: first, Label: g.label, NoTrickle: g.noTrickle, Crossing: g.crossing}),
		other:  join(t, "bob", channel, client.Config{ID: second})}
	if n%2 == 1 {
		m.pause = -1
	} else {
		m.pause = time.Duration(rng.IntN(100)) * time.Millisecond
	}
	picture := client.Picture{Packets: 2, Size: 300}
	publish, mine, theirs := func() error { return m.hinted.Unmute(within(t, settleWithin), client.Voice{}) }, client.Audio, client.Screen
	m.provoke = func() error { return m.other.Share(within(t, settleWithin), picture) }
	if rng.IntN(2) == 0 {
		publish, mine, theirs = func() error { return m.hinted.Share(within(t, settleWithin), picture) }, client.Screen, client.Audio
		m.provoke = func() error { return m.other.Unmute(within(t, settleWithin), client.Voice{}) }
	}
	about := fmt.Sprintf("attempt %d: its %s meets the other's %s after %s", n, mine, theirs, m.pause)
	time.Sleep(settled) // or the server would hold its offers back because the client has only just come
	m.hinted.Socket.Through(func(msg wire.Message, send func() error) error { return m.sends(msg, send, theirs, second) })
	err := publish()
	if m.late {
		m.hinted.Drop()
		m.other.Drop()
		m.awaitEnd()
		return false
	}
	require.NoError(t, err, about)
	require.NoError(t, <-m.provoked, about)
	eventually(t, settleWithin, func() string {
		return fewer(about+": packets of the other", m.hinted.Received(second, theirs).Counts.Received, 5) +
			fewer(about+": packets heard of it", listener.Received(first, mine).Counts.Received, 5)
	})
	require.NoError(t, m.hinted.Err(), about)
	assert.Zero(t, m.hinted.Collisions(), about)
	assert.NotContains(t, m.untilAnswered(), "offer", about)
	for _, c := range []*mattermost.Call{m.hinted, m.other} {
		require.NoError(t, c.Leave())
	}
	m.awaitEnd()
	return true
}

// awaitEnd waits until both are out: the next could not share before.
func (m *meeting) awaitEnd() {
	m.t.Helper()
	awaitWho(m.t, m.listener, "user_left", m.hinted)
	awaitWho(m.t, m.listener, "user_left", m.other)
}

// sends lets a message go, and when it was the hint, has the other begin, and waits before the client goes on.
func (m *meeting) sends(msg wire.Message, send func() error, theirs client.Kind, other uint32) error {
	hint := ""
	switch msg.(type) {
	case wire.Unmute:
		hint = "user_unmuted"
	case wire.ScreenOn:
		hint = "user_screen_on"
	}
	if err := send(); err != nil || hint == "" {
		return err
	}
	began := time.Now()
	heard := func(e mattermost.Event) bool { return e.Name == hint && m.isOf(e) }
	if _, err := m.hinted.Socket.Await(within(m.t, settleWithin), hint, heard); err != nil {
		return err
	}
	m.from = slices.IndexFunc(m.hinted.Socket.Events(), heard)
	guard.Go("the other", func() { m.provoked <- m.provoke() }, func(guard.Failure) { m.provoked <- errors.New("the other has failed") })
	if m.pause >= 0 {
		time.Sleep(m.pause)
	}
	for m.pause < 0 && time.Since(began) < heldFor && m.listener.Received(other, theirs).Counts.Received == 0 {
		time.Sleep(time.Millisecond)
	}
	m.late = time.Since(began) >= heldFor
	return nil
}

func (m *meeting) isOf(e mattermost.Event) bool {
	var f fields
	return json.Unmarshal(e.Data, &f) == nil && f["session_id"] == m.hinted.Socket.ConnID
}

// untilAnswered is the descriptions that came from when the server had heard the hint to its answer to the offer that was announced.
func (m *meeting) untilAnswered() (kinds []string) {
	m.t.Helper()
	for _, e := range m.hinted.Socket.Events()[m.from:] {
		if e.Name != "signal" {
			continue
		}
		f := data(m.t, e)
		if f["connID"] != m.hinted.Socket.ConnID {
			continue // for another session of the same user, in another attempt
		}
		var inner struct{ Type string }
		text, _ := f["data"].(string)
		require.NoError(m.t, json.Unmarshal([]byte(text), &inner))
		kinds = append(kinds, inner.Type)
		if inner.Type == "answer" {
			return kinds
		}
	}
	require.Fail(m.t, "no answer", "%v", slices.Compact(kinds))
	return nil
}
