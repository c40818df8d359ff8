// Package actors is the engine: one actor system that holds every call, its sessions and its tracks under supervision.
// The plugin sees the Engine and its ports, nothing below.
package actors

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/guard"
	"calls/media"
	"calls/media/turn"
	"calls/wire"
)

// Engine holds all calls of this node.
type Engine struct {
	ports    Ports
	log      *slog.Logger
	clock    kit.Clock
	config   atomic.Pointer[Config]
	policies *kit.Policies

	base     base
	system   *kit.System
	board    *kit.Board
	watchdog *kit.Watchdog
	media    *media.Server // closed with the engine
	registry *registry
	root     *actor.PID
	calls    sync.Map // call.ChannelID → *call.Spec, for those who only look
	door     doorState
	clients  session.Serial // refusals, to clients without a session
	over     chan struct{}  // closed when the last call is over, once Close has begun
	overOnce sync.Once
	closing  atomic.Bool
}

// New opens the media socket and starts the root of the actor tree.
func New(cfg Config, ports Ports) (*Engine, error) {
	e, err := prepare(cfg, ports)
	if err != nil {
		return nil, err
	}
	e.media, err = media.Listen(media.Config{
		Listen: cfg.Listen, ListenTCP: cfg.ListenTCP, Advertise: cfg.Advertise, AdvertisePort: cfg.AdvertisePort, Shards: cfg.MediaShards, Stuck: e.stuckLimit, Log: e.log, OnPanic: e.failed,
		Relays: ports.relays(), OnRelay: ports.OnRelay,
	})
	if err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	if err = e.begin(productBase(e.media)); err != nil {
		_ = e.media.Close()
		return nil, err
	}
	e.watchdog = kit.NewWatchdog(kit.WatchdogOptions{Board: e.board, Clock: e.clock, Log: e.log, Limit: e.stuckLimit})
	e.watchdog.Start()
	return e, nil
}

// relays is Relays in the words of the media server.
func (p *Ports) relays() func(name string) []turn.Server {
	if p.Relays == nil {
		return nil
	}
	return func(name string) (list []turn.Server) {
		for _, r := range p.Relays(name) {
			list = append(list, turn.Server(r))
		}
		return list
	}
}

// prepare checks what the engine is given.
func prepare(cfg Config, ports Ports) (*Engine, error) {
	if ports.Log == nil {
		ports.Log = slog.New(slog.DiscardHandler)
	}
	if ports.Clock == nil {
		ports.Clock = kit.RealClock{}
	}
	e := &Engine{ports: ports, log: ports.Log, clock: ports.Clock, policies: kit.NewPolicies(), over: make(chan struct{})}
	if err := e.configure(cfg); err != nil {
		return nil, err
	}
	return e, nil
}

// begin starts the tree.
func (e *Engine) begin(b base) error {
	e.base = b
	e.clients = b.serial("refusals", e.failed)
	e.system, e.board = kit.NewSystem(e.log), kit.NewBoard(e.clock)
	e.registry = newRegistry(e.system.Root, e.inboxLimit)
	tree := &root{engine: e, calls: map[call.ChannelID]*running{}}
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: e.policies, Clock: e.clock, Log: e.log, OnGiveUp: tree.giveUp})
	spec := kit.Spec{Kind: kit.Root, Dispatcher: b.dispatch, Strategy: strategy, Board: e.board, OnLost: e.lost, New: func() actor.Actor { return tree }}
	var err error
	if e.root, err = e.system.Root.SpawnNamed(spec.Props(), kit.Name(kit.Root, "", 1)); err != nil {
		return fmt.Errorf("root actor: %w", err)
	}
	return nil
}

// What clients are told for reading.
const (
	goingDown = "The server is going down for a moment. Please try again."
	keptOut   = "A fault on the server kept you out. Please try again."
)

// Visitor is who is behind a message, as the host says.
type Visitor struct {
	Conn session.ConnID
	User session.UserID
	Auth string // the login session of the host that the connection was opened under; empty: the host does not say
}

// Join lets a client into the call of a channel, beginning it when there is none. It returns at once; the answer is the Signaller's Joined or Refused.
func (e *Engine) Join(conn session.ConnID, user session.UserID, req wire.Join) {
	e.Enter(Visitor{Conn: conn, User: user}, req)
}

// Enter is Join of somebody whose login session is known, which is watched from then on.
func (e *Engine) Enter(v Visitor, req wire.Join) {
	id, ch := session.ID(v.Conn), call.ChannelID(req.ChannelID)
	to := session.Address{User: v.User, Session: id, Channel: req.ChannelID}
	if e.closing.Load() {
		e.refuse(to, string(session.Shutdown), goingDown)
		return
	}
	ticket, ok := e.registry.open(v, ch)
	if !ok {
		e.refuse(to, wire.ErrConnected.Code, wire.ErrConnected.Message)
		return
	}
	e.system.Root.Send(e.root, knock{ch, call.Join{Session: id, User: v.User, Title: req.Title, Thread: req.ThreadID}, ticket})
}

// Signal hands a client's message to its session: wire.SDP, ICE, Mute, Unmute, ScreenOn, ScreenOff, RaiseHand, UnraiseHand, React, Leave, Reconnect.
// Messages of a connection are handled in order; those without a session, or of another user, are dropped. It returns at once.
func (e *Engine) Signal(conn session.ConnID, user session.UserID, msg wire.Message) {
	if m, ok := msg.(wire.Reconnect); ok {
		e.Return(Visitor{Conn: conn, User: user}, m)
		return
	}
	s := e.registry.find(conn, user)
	if s == nil {
		return
	}
	if _, leaves := msg.(wire.Leave); leaves && e.registry.withdraw(s) {
		return
	}
	e.registry.send(s, msg)
}

// Return moves a session to the connection that its client is back on. One that was given up meanwhile is told so. Whether its user may come back is asked behind it:
// what the client says next must find its session, however slow the host is.
func (e *Engine) Return(v Visitor, m wire.Reconnect) {
	id := session.ID(m.OriginalConnID)
	s := e.registry.move(id, v, call.ChannelID(m.ChannelID))
	if s == nil {
		e.refuse(session.Address{User: v.User, Session: id, Channel: m.ChannelID}, string(session.Disconnected), "You were away for too long. Please join again.")
		return
	}
	e.registry.send(s, session.SocketBack{Conn: v.Conn})
	e.system.Root.Send(e.root, recheck{user: v.User, back: id})
}

// Connected reports a socket that the host opened. The host's notices come in any order, so sockets are counted.
func (e *Engine) Connected(conn session.ConnID, user session.UserID) {
	e.registry.socket(conn, 1)
	if s := e.registry.find(conn, user); s != nil {
		e.registry.send(s, session.SocketOpen{Conn: conn})
	}
}

// Disconnected reports a socket that the host closed.
func (e *Engine) Disconnected(conn session.ConnID, user session.UserID) {
	if e.registry.socket(conn, -1) {
		return
	}
	if s := e.registry.find(conn, user); s != nil && !e.registry.withdraw(s) {
		e.registry.send(s, session.SocketLost{Conn: conn})
	}
}

// Host lets a host, or an admin, do something in a channel's call. It returns at once and does nothing when there is no call, or when they may not.
func (e *Engine) Host(ch call.ChannelID, act call.Host) { e.system.Root.Send(e.root, forCall{ch, act}) }

// Remove ends a user's sessions in the call of a channel.
func (e *Engine) Remove(ch call.ChannelID, user session.UserID, reason session.EndReason) {
	e.system.Root.Send(e.root, forCall{ch, call.Expel{User: user, Reason: reason}})
}

// Recheck asks the host at once whether a user may stay where they are, rather than at the next turn.
func (e *Engine) Recheck(user session.UserID) { e.system.Root.Send(e.root, recheck{user: user}) }

// Expel ends the session that a connection speaks for.
func (e *Engine) Expel(conn session.ConnID, user session.UserID, reason session.EndReason) {
	if s := e.registry.find(conn, user); s != nil {
		e.registry.send(s, session.End{Reason: reason})
	}
}

// End ends the call of a channel for everyone. It returns at once and does nothing when there is none.
func (e *Engine) End(ch call.ChannelID, reason session.EndReason) {
	e.system.Root.Send(e.root, endCall{ch, reason})
}

// Call is the state of a channel's call; ok is false when none is on, or when it was ended and waits for the last to go. It reads a snapshot and never waits.
func (e *Engine) Call(ch call.ChannelID) (v call.View, ok bool) {
	spec, ok := e.calls.Load(ch)
	if !ok {
		return call.View{}, false
	}
	v = spec.(*call.Spec).View()
	return v, isOn(v)
}

func isOn(v call.View) bool { return len(v.People) > 0 && !v.Over }

// Calls is the state of all calls, in no order.
func (e *Engine) Calls() []call.View {
	var all []call.View
	e.calls.Range(func(_, spec any) bool {
		if v := spec.(*call.Spec).View(); isOn(v) {
			all = append(all, v)
		}
		return true
	})
	return all
}

// Configure replaces the configuration: limits at once, the socket's address at the next New. Limits that make no sense are refused, and the old ones stay.
func (e *Engine) Configure(cfg Config) error { return e.configure(cfg) }

func (e *Engine) configure(cfg Config) error {
	rows := map[kit.Kind]kit.Limits{
		kit.Track: cfg.Supervision.Track.policy(kit.Track), kit.Session: cfg.Supervision.Session.policy(kit.Session), kit.Call: cfg.Supervision.Call.policy(kit.Call),
		kit.Roster: cfg.Supervision.Roster.policy(kit.Roster), kit.Outbox: cfg.Supervision.Outbox.policy(kit.Outbox),
	}
	for kind, l := range rows {
		if err := l.Validate(); err != nil {
			return fmt.Errorf("limits of %s: %w", kind, err)
		}
	}
	for kind, l := range rows {
		if err := e.policies.Set(kind, l); err != nil {
			return err
		}
	}
	e.config.Store(&cfg)
	return nil
}

// laneDepth and inboxLimit read the configuration as it is now.
func (e *Engine) laneDepth() int {
	return cmp.Or(e.config.Load().Supervision.LaneDepth, DefaultLaneDepth)
}
func (e *Engine) inboxLimit() int {
	return cmp.Or(e.config.Load().Supervision.InboxLimit, DefaultInboxLimit)
}

func (e *Engine) stuckLimit() time.Duration {
	return cmp.Or(e.config.Load().Supervision.Stuck, DefaultStuck)
}

// MediaAddr is the address of the media socket.
func (e *Engine) MediaAddr() netip.AddrPort { return e.media.Addr() }

// Close ends every call with reason shutdown, posts and records included, from the leaves up, and closes the socket. It gives up when ctx is done.
func (e *Engine) Close(ctx context.Context) error {
	if e.closing.Swap(true) {
		return nil
	}
	e.board.ReleaseAll() // nothing hangs on purpose any more
	e.system.Root.Send(e.root, endAll{session.Shutdown})
	select {
	case <-e.over:
	case <-ctx.Done():
		e.log.Error("calls were still on when time was up; their posts are closed at the next start", "calls", len(e.Calls()))
	}
	err := e.system.StopTree(ctx, e.root)
	if e.watchdog != nil {
		e.watchdog.Stop() // not before: an actor that hangs would hold the end up
	}
	if closed := e.media.Close(); err == nil {
		err = closed
	}
	return err
}

// callPorts is what a call gets of the world.
func (e *Engine) callPorts() call.Ports {
	return call.Ports{
		Session: session.Ports{
			Signaller: e.ports.Signaller, NewPeer: e.base.peer, Clock: e.clock, Policies: e.policies, Log: e.log, Dispatch: e.base.dispatch,
			Serial: func(name string) session.Serial { return e.base.serial(name, e.failed) },
			Loop:   e.base.loop, LaneDepth: e.laneDepth, Board: e.board,
		},
		Posts: e.ports.Posts, Store: e.ports.Store, Publisher: e.ports.Publisher, Registry: e.registry, Refuse: e.refuse,
		Policies: e.policies, Clock: e.clock, Log: e.log,
		Limits: func() call.Limits {
			cfg := e.config.Load()
			return call.Limits{MaxParticipants: cfg.MaxParticipants, NoScreens: cfg.NoScreens}
		},
	}
}

// refuse tells a client without a session why. It never blocks.
func (e *Engine) refuse(to session.Address, code, message string) {
	e.clients.Do(func() {
		if err := e.ports.Signaller.Refused(to, code, message); err != nil {
			e.log.Warn("a refusal could not be told", "session", to.Session, "err", err)
		}
	})
}

func (e *Engine) allOver() { e.overOnce.Do(func() { close(e.over) }) }

// failed logs what a guarded goroutine of the engine's own died of.
func (e *Engine) failed(f guard.Failure) {
	e.log.Error("a goroutine failed", "err", f, "stack", string(f.Stack))
}

// newID makes an id in the form of the host's: 26 characters of a lower-case base32.
func (e *Engine) newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
