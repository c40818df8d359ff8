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
	"calls/actors/session"
	"calls/bench/client"
	"calls/bench/machine"
	"calls/wire"
)

const channel = "chan0000000000000000000001"

// longEnough is how long anything may take that these tests wait for. On an idle machine nothing takes a twentieth of it.
const longEnough = time.Minute

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
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
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
	case <-time.After(longEnough):
		w.t.Fatalf("participant %d was not let in", n)
	}
	require.NoError(w.t, p.Start())
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
	defer cancel()
	require.NoError(w.t, p.WaitConnected(ctx), "participant %d", n)
	return p
}

func (p *participant) unmute() {
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
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
	eventually(t, longEnough, func() string {
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

// talkers is a call of n people who all talk and hear each other.
func (w *world) talkers(n int) (people []*participant) {
	w.t.Helper()
	for i := range n {
		people = append(people, w.join(i+1))
	}
	for _, p := range people {
		p.unmute()
	}
	everybodyHears(w.t, people, 20)
	return people
}

// nothingLost demands that everybody has heard all that was said, once and in one piece, whatever has failed meanwhile. victim is named when it is not so.
//
// The clients are in this process, and the sockets are the kernel's: when the machine has no time, it drops datagrams that nobody has read yet. What could come of
// that is not put down to the engine, one datagram for each listener at the most; the kernel counts them.
func nothingLost(t testing.TB, people []*participant, victim *participant) {
	t.Helper()
	var lost, gaps uint64
	for _, p := range people {
		for _, o := range people {
			if p == o {
				continue
			}
			got := p.Received(o.origin, client.Audio)
			assert.Zero(t, got.Counts.Repeated, "%d of %d", p.origin, o.origin)
			assert.Zero(t, got.Switches, "%d hears %d under the same SSRC", p.origin, o.origin)
			lost += got.Counts.Lost()
			if n := got.Counts.Lost(); n > 0 {
				t.Logf("%d has not heard %d packets of %d (victim is %v)", p.origin, n, o.origin, victim)
			}
		}
		for _, s := range p.Streams() {
			assert.Zero(t, s.Seq.Repeated, "no sequence number twice")
			gaps += s.Seq.Breaks
		}
	}
	dropped := machine.DroppedHere() // after the books were read: what is missing there has been dropped by now
	forgiven := dropped * uint64(len(people)-1)
	assert.LessOrEqual(t, lost, forgiven, "packets lost; the kernel had to drop %d", dropped)
	assert.LessOrEqual(t, gaps, forgiven, "gaps in the numbering; the kernel had to drop %d", dropped)
}

// String names a participant.
func (p *participant) String() string {
	if p == nil {
		return "nobody"
	}
	return fmt.Sprint(p.origin)
}

// hangUp has everybody leave.
func hangUp(t testing.TB, people []*participant) {
	t.Helper()
	for _, p := range people {
		require.NoError(t, p.Leave())
	}
}

// traces counts what a world could leave behind.
type traces struct{ goroutines, files int }

func lookForTraces() traces {
	entries, _ := os.ReadDir("/proc/self/fd")
	return traces{runtime.NumGoroutine(), len(entries)}
}

// gone waits until there is no more of anything than there was before.
func (before traces) gone(t testing.TB) {
	t.Helper()
	eventually(t, longEnough, func() string {
		if now := lookForTraces(); now.goroutines > before.goroutines || now.files > before.files {
			return fmt.Sprintf("%+v, began with %+v\n%s", now, before, stacks())
		}
		return ""
	})
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
