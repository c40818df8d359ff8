package session

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// Ports is what a session uses of the world.
type Ports struct {
	Signaller Signaller
	NewPeer   func(media.PeerConfig) (Peer, error)
	Loop      func(ID) actor.Dispatcher // the shard's loop, which runs the session's tracks
	Dispatch  actor.Dispatcher          // runs the session itself; nil: goroutines
	Serial    func(name string) Serial  // runs what may block, in order and on no mailbox's time
	Clock     kit.Clock
	Policies  *kit.Policies
	LaneDepth func() int // packets a track's lane holds
	Log       *slog.Logger
}

// Serial is a queue of jobs that run one after another on guarded goroutines: a guard.Serial.
type Serial interface{ Do(job func()) }

// Spec is what outlives a session's actor: the connection, the slots and tracks on it, and what was agreed with the client. A restart takes it over as it is,
// so that no connection is closed and nothing is offered anew. Only an end closes the connection.
type Spec struct {
	ID   ID
	User UserID
	Addr Address

	ports Ports
	out   Serial // the client's own messages, in order
	peer  Peer
	ended EndReason

	conn    ConnID // the connection the client is heard on now
	signs   signs
	open    bool // the data channel is open: from now on we may offer
	unmuted bool
	screen  struct {
		stream string // announced MediaStream id; empty: not sharing
		held   bool   // the call granted it
	}

	negotiation
	wants  []*want
	leases []*lease
	tracks []*published
	dead   map[string]bool // streams that will not be forwarded any more, by streamKey
	serial int             // tracks made so far
}

// New is the spec of a session that is about to join.
func New(id ID, user UserID, channel string, ports Ports) *Spec {
	return &Spec{
		ID: id, User: user, conn: ConnID(id), ports: ports, dead: map[string]bool{},
		Addr:  Address{User: user, Session: id, Channel: channel},
		out:   ports.Serial("publish to session " + string(id)),
		signs: signs{joined: ports.Clock.Now()},
	}
}

// Ending is the reason for which the session ends, empty while it lives.
func (s *Spec) Ending() EndReason { return s.ended }

// MarkEnded notes why a session is about to be stopped by its call. Without it a stop is a pause: the connection stays open for the next instance.
func (s *Spec) MarkEnded(reason EndReason) {
	if s.ended != "" {
		return
	}
	s.ended = reason
	for _, t := range s.tracks {
		t.spec.End()
	}
}

// Close closes the connection. The session's own stop does so at an end; its call does for one that was stopped without.
func (s *Spec) Close() {
	if p := s.peer; p != nil {
		s.out.Do(func() { s.report("close", p.Close()) })
	}
}

// Props are the session's actor and the supervision of its tracks.
func (s *Spec) Props(box *kit.Mailbox) *actor.Props {
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: s.ports.Policies, Clock: s.ports.Clock, Log: s.ports.Log})
	return kit.Spec{Kind: kit.Session, Mailbox: box, Dispatcher: s.ports.Dispatch, Strategy: strategy, New: func() actor.Actor { return &session{Spec: s} }}.Props()
}

// session is one incarnation.
type session struct {
	*Spec
	timers kit.Timers
}

// Receive handles one message of the client, the connection, the call or a track.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		s.timers.Stop()
	case *actor.Stopped:
		s.stop()
	case *actor.Terminated:
		s.trackGone(ctx, m.Who)
	case wire.Message:
		s.client(ctx, m)
	case media.Event:
		s.connection(ctx, m)
	case track.Voice:
		ctx.Send(ctx.Parent(), Spoke{s.ID, m.On})
	case track.Subscribed, track.Unsubscribed:
		// The ledger of slots is kept by intention: a slot is lent from the moment it is offered to a track, and free when that track is gone.
	case Subscribe:
		s.subscribe(ctx, m)
	case Unsubscribe:
		s.unsubscribe(ctx, m.Track)
	case GrantScreen:
		s.granted(ctx)
	case RefuseScreen:
		s.refused(ctx, m.Holder)
	case SocketLost:
		s.socketLost(m.Conn)
	case SocketBack:
		s.conn, s.signs.lost = m.Conn, time.Time{}
	case End:
		s.end(ctx, m.Reason)
	case answerExpired:
		s.answerExpired(ctx, m)
	case hintExpired:
		s.hintExpired(ctx, m)
	case livenessTick:
		s.tick(ctx)
	default:
		s.ports.Log.Warn("session got a message it does not know", "session", s.ID, "type", fmt.Sprintf("%T", m))
	}
}

// start is the only way in: for a new session, and for one whose actor was restarted. The second finds its connection and its tracks in the spec.
func (s *session) start(ctx actor.Context) {
	if s.ended != "" {
		ctx.Stop(ctx.Self())
		return
	}
	if s.peer == nil {
		self, root := ctx.Self(), ctx.ActorSystem().Root
		p, err := s.ports.NewPeer(media.PeerConfig{Name: string(s.ID), OnEvent: func(e media.Event) { root.Send(self, e) }})
		if err != nil {
			s.ports.Log.Error("no connection for a session", "session", s.ID, "err", err)
			s.end(ctx, Crashed)
			return
		}
		s.peer = p
		s.out.Do(func() { s.report("join", s.ports.Signaller.Joined(s.Addr)) })
	}
	for _, t := range s.tracks {
		s.spawn(ctx, t)
	}
	if s.peer.OfferPending() {
		s.timers.Set(s.ports.Clock, ctx, "answer", answerWindow, answerExpired{s.offers})
	}
	s.dropHint()
	s.timers.Set(s.ports.Clock, ctx, "tick", tickEvery, livenessTick{})
	s.settle(ctx)
}

// stop closes the connection, if this is an end. It happens behind what is still to be told to the client, and on no mailbox's time.
func (s *session) stop() {
	if s.ended != "" {
		s.Close()
	}
}

// end is the session's own decision to be over.
func (s *session) end(ctx actor.Context, reason EndReason) {
	if s.ended != "" {
		return
	}
	s.MarkEnded(reason)
	if text, tell := farewell[reason]; tell {
		s.out.Do(func() { s.report("error", s.ports.Signaller.Refused(s.Addr, string(reason), text)) })
	}
	ctx.Send(ctx.Parent(), Ended{s.ID, reason})
	ctx.Stop(ctx.Self())
}

// farewell is what a client is told that did not ask to go. Those that left, and those whose call ended, know.
var farewell = map[EndReason]string{
	Kicked:             "You were removed from the call.",
	ICEFailed:          "The connection for sound and screen was lost, or could not be made.",
	Replaced:           "You joined this call from somewhere else.",
	Crashed:            "A fault on the server ended your part of the call. Please join again.",
	RemovedFromChannel: "You are no longer a member of this channel.",
	SessionRevoked:     "You were logged out.",
	RateLimited:        "Too many messages came from your client.",
	Disconnected:       "You were away for too long. Please join again.",
}

// client handles what the client sent on its socket.
func (s *session) client(ctx actor.Context, m wire.Message) {
	switch m := m.(type) {
	case wire.SDP:
		s.description(ctx, m)
	case wire.ICE:
		s.candidate(m)
	case wire.Mute:
		s.setMuted(ctx, true)
	case wire.Unmute:
		s.setMuted(ctx, false)
	case wire.ScreenOn:
		s.share(ctx, m.ScreenStreamID)
	case wire.ScreenOff:
		s.unshare(ctx)
	case wire.RaiseHand:
		ctx.Send(ctx.Parent(), HandMoved{s.ID, true})
	case wire.UnraiseHand:
		ctx.Send(ctx.Parent(), HandMoved{s.ID, false})
	case wire.Leave:
		s.end(ctx, Left)
	}
}

// connection handles what became of the connection.
func (s *session) connection(ctx actor.Context, e media.Event) {
	switch e := e.(type) {
	case media.Connected:
		s.signs.connected, s.signs.heard = true, s.ports.Clock.Now()
	case media.ChannelOpen:
		s.open = true
		s.settle(ctx)
	case media.ChannelMessage:
		if reply, text := pong(e); reply != nil {
			s.report("pong", s.peer.SendChannel(reply, text))
		}
	case media.LocalCandidate:
		s.sendCandidate(e.Candidate)
	case media.Closed:
		s.end(ctx, Left)
	}
}

// tick looks for signs of life once a second.
func (s *session) tick(ctx actor.Context) {
	if heard := s.peer.LastHeard(); heard.After(s.signs.heard) {
		s.signs.heard = heard
	}
	if reason, over := s.signs.verdict(s.ports.Clock.Now()); over {
		s.end(ctx, reason)
		return
	}
	s.timers.Set(s.ports.Clock, ctx, "tick", tickEvery, livenessTick{})
}

// socketLost notes that the client cannot be heard; a notice about a socket that has been replaced since is late and means nothing.
func (s *session) socketLost(conn ConnID) {
	if conn == s.conn && s.signs.lost.IsZero() {
		s.signs.lost = s.ports.Clock.Now()
	}
}

// setMuted closes or opens the microphone at the server. The first unmute announces an offer, for which ours must wait.
func (s *session) setMuted(ctx actor.Context, on bool) {
	s.unmuted = !on
	for _, t := range s.tracks {
		if t.spec.Kind == track.KindVoice {
			ctx.Send(t.pid, track.Gate{Open: s.unmuted})
		}
	}
	ctx.Send(ctx.Parent(), Muted{s.ID, on})
	if !on && !s.publishes(track.KindVoice) {
		s.hint(ctx)
	}
}

// report logs what could not be told to the client. The client's own time-outs take it from there.
func (s *Spec) report(what string, err error) {
	if err != nil {
		s.ports.Log.Warn("a session's message failed", "what", what, "session", s.ID, "err", err)
	}
}
