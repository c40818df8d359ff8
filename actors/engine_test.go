package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/bench/client"
	"calls/wire"
)

const channel = "chan0000000000000000000001"

// host is a Mattermost server of a few maps: everybody may join, everything is written down.
type host struct {
	mu      sync.Mutex
	clients map[session.ID]*participant
	events  []call.Event
	posts   int
	closed  int
	records map[call.ChannelID]call.View
	refused []string
	refuse  error // what MayJoin answers
}

func (h *host) MayJoin(session.UserID, call.ChannelID) (actors.Entrant, error) {
	return actors.Entrant{Member: true}, h.refuse
}
func (h *host) Archived(call.ChannelID) (bool, error) { return false, nil }

func (h *host) Create(call.View) (call.Post, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posts++
	id := fmt.Sprintf("post%d", h.posts)
	return call.Post{ID: id, Thread: id}, nil
}

func (h *host) Close(call.View, time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed++
	return nil
}

func (h *host) Save(v call.View) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[v.Channel] = v
	return nil
}

func (h *host) Clear(ch call.ChannelID, _ call.ID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.records, ch)
	return nil
}

func (h *host) Publish(e call.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	return nil
}

func (h *host) client(to session.Address) *participant {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clients[to.Session]
}

func (h *host) Joined(to session.Address) error {
	if p := h.client(to); p != nil {
		close(p.joined)
	}
	return nil
}

func (h *host) Description(to session.Address, kind, sdp string) error {
	if p := h.client(to); p != nil {
		p.note("server's " + kind)
		p.HandleSignal(kind, sdp)
	}
	return nil
}

func (h *host) Renegotiate(to session.Address) error {
	if p := h.client(to); p != nil {
		p.Renegotiate()
	}
	return nil
}

func (h *host) Candidate(to session.Address, candidate string) error {
	if p := h.client(to); p != nil {
		p.HandleCandidate(candidate)
	}
	return nil
}

func (h *host) Refused(to session.Address, code, _ string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, string(to.Session)+" "+code)
	return nil
}

func (h *host) ScreenRefused(to session.Address, holder session.UserID) error {
	return h.Refused(to, "screen of "+string(holder), "")
}

// bodies counts the events of a kind.
func (h *host) bodies(kind string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if fmt.Sprintf("%T", e.Body) == "call."+kind {
			n++
		}
	}
	return n
}

// world is an engine with real media, and people in it.
type world struct {
	t      testing.TB
	host   *host
	engine *actors.Engine
}

// ownAddress is an address of this machine that every client can reach.
func ownAddress() netip.Addr {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			ip, _ := netip.AddrFromSlice(n.IP.To4())
			return ip
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func newWorld(t testing.TB) *world { return newWorldOf(t, actors.Config{}) }

func newWorldOf(t testing.TB, cfg actors.Config) *world {
	h := &host{clients: map[session.ID]*participant{}, records: map[call.ChannelID]call.View{}}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	cfg.Listen, cfg.Advertise = netip.MustParseAddrPort("0.0.0.0:0"), []netip.Addr{ownAddress()}
	e, err := actors.New(cfg, actors.Ports{Directory: h, Posts: h, Store: h, Publisher: h, Signaller: h, Log: log})
	require.NoError(t, err)
	w := &world{t: t, host: h, engine: e}
	return w
}

func (w *world) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(w.t, w.engine.Close(ctx))
}

// participant is a client whose signalling is the engine itself.
type participant struct {
	*client.Client
	w      *world
	id     session.ID
	user   session.UserID
	origin uint32
	joined chan struct{}
	via    atomic.Pointer[func(wire.Message)] // takes what the client sends to the engine; nil: deliver

	mu    sync.Mutex
	heard []string // what went over the wire, in order
}

func (p *participant) Send(msg wire.Message) error {
	if via := p.via.Load(); via != nil {
		(*via)(msg)
	} else {
		p.deliver(msg)
	}
	return nil
}

func (p *participant) deliver(msg wire.Message) {
	what := fmt.Sprintf("%T", msg)
	if sdp, is := msg.(wire.SDP); is {
		what = "client's " + sdp.Type
	}
	p.note(what)
	p.w.engine.Signal(session.ConnID(p.id), p.user, msg)
}

func (p *participant) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, what)
}

// wire is what went over the wire so far.
func (p *participant) wire() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard)
}

// join brings somebody into the call and waits until media can flow.
func (w *world) join(n int) *participant {
	w.t.Helper()
	return w.enter(n, channel, client.Config{Reports: true})
}

// enter brings a client of some kind into a channel's call.
func (w *world) enter(n int, ch string, cfg client.Config) *participant {
	w.t.Helper()
	p := &participant{
		w: w, id: session.ID(fmt.Sprintf("conn%022d", n)), user: session.UserID(fmt.Sprintf("user%022d", n)), origin: uint32(n), joined: make(chan struct{}),
	}
	var err error
	cfg.ID, cfg.Signalling, cfg.Loopback = p.origin, p, ownAddress().IsLoopback()
	p.Client, err = client.New(cfg)
	require.NoError(w.t, err)
	w.host.mu.Lock()
	w.host.clients[p.id] = p
	w.host.mu.Unlock()
	w.engine.Connected(session.ConnID(p.id), p.user)
	w.engine.Join(session.ConnID(p.id), p.user, wire.Join{ChannelID: ch})
	select {
	case <-p.joined:
	case <-time.After(5 * time.Second):
		w.t.Fatalf("participant %d was not let in", n)
	}
	require.NoError(w.t, p.Start())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(w.t, p.WaitConnected(ctx), "participant %d", n)
	return p
}

func (p *participant) unmute() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(p.w.t, p.Unmute(ctx, client.Voice{}), "participant %d", p.origin)
}

// eventually waits for a condition, which says what is still missing.
func eventually(t testing.TB, within time.Duration, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		m := missing()
		if m == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", within, m)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// everybodyHears waits until each of the people receives at least n packets more of every other one, counted from before.
func everybodyHears(t testing.TB, people []*participant, n uint64) {
	t.Helper()
	type pair struct{ at, from uint32 }
	before := map[pair]uint64{}
	for _, p := range people {
		for _, o := range people {
			before[pair{p.origin, o.origin}] = p.Received(o.origin, client.Audio).Counts.Received
		}
	}
	eventually(t, 20*time.Second, func() string {
		for _, p := range people {
			for _, o := range people {
				got := p.Received(o.origin, client.Audio).Counts.Received - before[pair{p.origin, o.origin}]
				if p != o && got < n {
					return fmt.Sprintf("%d heard %d packets of %d, wanted %d", p.origin, got, o.origin, n)
				}
			}
		}
		return ""
	})
}

func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func TestTwoPeopleTalk(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	a, b := w.join(1), w.join(2)
	a.unmute()
	b.unmute()
	everybodyHears(t, []*participant{a, b}, 50)
	assert.Zero(t, b.Received(1, client.Audio).Counts.Lost())

	a.Mute()
	eventually(t, 2*time.Second, func() string {
		if w.host.bodies("Muted") < 3 {
			return "the mute was not told"
		}
		return ""
	})
	require.NoError(t, a.Leave())
	require.NoError(t, b.Leave())
	eventually(t, 5*time.Second, func() string {
		if w.host.bodies("Left") < 2 || len(w.engine.Calls()) > 0 || w.host.closed == 0 {
			return "the call has not ended"
		}
		return ""
	})
	assert.Equal(t, 1, w.host.posts)
	assert.Empty(t, w.host.records)
	for i, e := range w.host.events {
		assert.Equal(t, uint64(i+1), e.V, "every event has the next version")
	}
	_ = a.Close()
	_ = b.Close()
}

// Stock clients put their microphone on one of the lines that the server offers ahead, which then carries a voice each way. More of them than lines, so that the
// server offers anew after that.
func TestMicrophonesOnLinesOfTheServers(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	var people []*participant
	for n := 1; n <= 7; n++ {
		p := w.enter(n, channel, client.Config{Reports: true, AddTrack: true})
		defer func() { _ = p.Close() }()
		people = append(people, p)
	}
	for _, p := range people {
		eventually(t, 20*time.Second, func() string {
			if !slices.Contains(p.wire(), "client's answer") {
				return "there is no line of the server's yet"
			}
			return ""
		})
		p.unmute()
	}
	everybodyHears(t, people, 30)
	for _, p := range people {
		require.NoError(t, p.Err())
		for _, o := range people {
			got := p.Received(o.origin, client.Audio)
			assert.Zero(t, got.Counts.Repeated)
			assert.Zero(t, got.Switches)
		}
	}
	people[0].Mute()
	require.NoError(t, people[1].Leave())
	everybodyHears(t, people[2:], 30)
	people[0].unmute()
	everybodyHears(t, append(people[2:], people[0]), 30)
}

func TestMutedMeansThatNothingLeaves(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	a, b := w.join(1), w.join(2)
	defer func() { _, _ = a.Close(), b.Close() }()
	a.unmute()
	everybodyHears2(t, b, a, 20)
	require.NoError(t, a.Send(wire.Mute{})) // the client goes on sending: the server alone must hold it back
	eventually(t, 2*time.Second, func() string {
		if w.host.bodies("Muted") < 2 {
			return "the mute was not told"
		}
		return ""
	})
	before := b.Received(1, client.Audio).Counts.Received
	sent := a.Sent(client.Audio)
	eventually(t, 5*time.Second, func() string {
		if a.Sent(client.Audio) < sent+50 {
			return "the client does not send"
		}
		return ""
	})
	assert.LessOrEqual(t, b.Received(1, client.Audio).Counts.Received, before+1, "at most what was on its way when the mute was told")
}

func everybodyHears2(t *testing.T, at, from *participant, n uint64) {
	t.Helper()
	eventually(t, 10*time.Second, func() string {
		if got := at.Received(from.origin, client.Audio).Counts.Received; got < n {
			return fmt.Sprintf("heard %d packets, wanted %d", got, n)
		}
		return ""
	})
}

func TestScreenReachesAllOthers(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	var people []*participant
	for n := 1; n <= 4; n++ {
		people = append(people, w.join(n))
	}
	defer func() {
		for _, p := range people {
			_ = p.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	share := func(sharer *participant, round uint64) {
		require.NoError(t, sharer.Share(ctx, client.Picture{}))
		eventually(t, 10*time.Second, func() string {
			for _, p := range people {
				if p == sharer {
					continue
				}
				var whole uint64
				for _, s := range p.Streams() {
					if s.Kind == client.Screen {
						whole += s.Frames.Complete
						if s.Packets > 0 && !s.Frames.FromKey {
							t.Errorf("participant %d got a screen that did not begin with a key frame", p.origin)
						}
					}
				}
				if whole < 15*round {
					return fmt.Sprintf("participant %d has %d whole frames", p.origin, whole)
				}
			}
			return ""
		})
		require.NoError(t, sharer.Unshare(ctx))
		eventually(t, 5*time.Second, func() string {
			if v, _ := w.engine.Call(channel); v.ScreenSession != "" {
				return "the screen is still held"
			}
			return ""
		})
	}
	share(people[0], 1)
	share(people[0], 2) // the second share must be seen too
}

// TestPanicInOneTrack is what the project is for: of ten people who talk, one's track fails again and again, and nobody else loses a packet.
func TestPanicInOneTrack(t *testing.T) {
	for name, kind := range map[string]kit.Kind{"track": kit.Track, "session": kit.Session, "roster": kit.Roster, "outbox": kit.Outbox, "call": kit.Call} {
		t.Run(name, func(t *testing.T) {
			goroutines, files := runtime.NumGoroutine(), descriptors()
			w := newWorld(t)
			var people []*participant
			for n := 1; n <= 10; n++ {
				people = append(people, w.join(n))
			}
			for _, p := range people {
				p.unmute()
			}
			everybodyHears(t, people, 20)
			victim := people[3]
			text := map[kit.Kind]string{kit.Track: string(victim.id), kit.Session: string(victim.id)}[kind]
			for range 3 {
				pids := w.engine.Find(kind, text)
				require.Len(t, pids, 1)
				w.engine.Tell(pids[0], kit.Fault{Reason: t.Name()})
				everybodyHears(t, people, 20) // the victim's stream goes on
			}
			for _, p := range people {
				for _, o := range people {
					if p == o {
						continue
					}
					got := p.Received(o.origin, client.Audio)
					assert.Zero(t, got.Counts.Repeated, "%d of %d", p.origin, o.origin)
					assert.Zero(t, got.Switches, "%d hears %d under the same SSRC", p.origin, o.origin)
					assert.Zero(t, got.Counts.Lost(), "%d of %d (victim is %d)", p.origin, o.origin, victim.origin)
				}
				for _, s := range p.Streams() {
					if s.Packets > 0 {
						assert.Zero(t, s.Seq.Repeated, "no sequence number twice")
						assert.Zero(t, s.Seq.Breaks, "no gap")
					}
				}
			}
			assert.Equal(t, 10, w.host.bodies("Joined"))
			assert.Zero(t, w.host.bodies("Left"), "nobody was thrown out")
			for _, p := range people {
				require.NoError(t, p.Leave())
				_ = p.Close()
			}
			w.close()
			eventually(t, 10*time.Second, func() string {
				if g, f := runtime.NumGoroutine(), descriptors(); g > goroutines || f > files {
					return fmt.Sprintf("%d goroutines and %d descriptors, began with %d and %d\n%s", g, f, goroutines, files, stacks())
				}
				return ""
			})
		})
	}
}

// stacks shows what still runs.
func stacks() string {
	buf := make([]byte, 1<<20)
	text := string(buf[:runtime.Stack(buf, true)])
	if len(text) > 6000 {
		text = text[:6000]
	}
	return strings.TrimSpace(text)
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	w.host.refuse = &wire.Error{Code: "forbidden", Message: "forbidden"}
	w.engine.Join("conn-x", "user-x", wire.Join{ChannelID: channel})
	eventually(t, 2*time.Second, func() string {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		if len(w.host.refused) != 1 || w.host.refused[0] != "conn-x forbidden" {
			return fmt.Sprint("refusals: ", w.host.refused)
		}
		return ""
	})
	w.engine.Signal("conn-x", "user-x", wire.Reconnect{ChannelID: channel, OriginalConnID: "conn-x", PrevConnID: "conn-x"})
	eventually(t, 2*time.Second, func() string {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		if len(w.host.refused) != 2 || w.host.refused[1] != "conn-x disconnected" {
			return fmt.Sprint("refusals: ", w.host.refused)
		}
		return ""
	})
}

func TestSessionsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	defer w.close()
	a := w.join(1)
	defer func() { _ = a.Close() }()
	w.engine.Signal(session.ConnID(a.id), "somebody-else", wire.Leave{})
	w.engine.Signal("other-conn", "somebody-else", wire.Reconnect{ChannelID: channel, OriginalConnID: string(a.id), PrevConnID: string(a.id)})
	w.engine.Signal("other-conn", "somebody-else", wire.RaiseHand{})
	require.NoError(t, a.Send(wire.RaiseHand{}))
	eventually(t, 2*time.Second, func() string {
		if w.host.bodies("Hand") != 1 {
			return "one hand should be up"
		}
		return ""
	})
	v, ok := w.engine.Call(channel)
	require.True(t, ok)
	assert.Len(t, v.People, 1)
}
