package session

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"golang.org/x/time/rate"

	"calls/actors/kit"
	"calls/actors/track"
	"calls/media"
	"calls/wire"
)

// Ports is what a session uses of the world.
type Ports struct {
	Signaller Signaller
	NewPeer   func(media.PeerConfig) (Peer, error)
	Loop      func(ID) actor.Dispatcher // runs the tracks of a session whose connection has no loop of its own
	Dispatch  actor.Dispatcher          // runs the session itself; nil: goroutines
	Serial    func(name string) Serial  // runs what may block, in order and on no mailbox's time
	Clock     kit.Clock
	Policies  *kit.Policies
	LaneDepth func() int // packets a track's lane holds
	Board     *kit.Board // where the session and its tracks can be looked at; nil: nowhere
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

	ports   Ports
	out     Serial // the client's own messages, in order
	line    line
	reports reports

	fence kit.Fence
	ended EndReason // behind the fence
	saved state     // behind the fence: as the last message left it
}

// state is what a session remembers from one message to the next. An instance works on a copy of its own, so that one which hung and was replaced, and comes
// back, changes nothing any more.
type state struct {
	conn    ConnID // the connection the client is heard on now
	signs   signs
	kickAt  time.Time // when it ends as kicked; zero: it does not
	open    bool      // the data channel is open: from now on we may offer
	unmuted bool
	screen  struct {
		stream string   // announced MediaStream id; empty: not sharing
		held   bool     // the call granted it
		past   []string // streams of screens before
		ask    int      // questions asked for it
	}

	negotiation
	channel
	wants  []want
	leases []lease
	tracks []published
	dead   map[string]bool // streams that will not be forwarded any more, by streamKey
	serial int             // tracks made so far
}

// clone is a copy that shares nothing which could change.
func (st state) clone() state {
	st.wants, st.leases, st.tracks, st.dead = slices.Clone(st.wants), slices.Clone(st.leases), slices.Clone(st.tracks), maps.Clone(st.dead)
	return st
}

// New is the spec of a session that is about to join.
func New(id ID, user UserID, channel string, ports Ports) *Spec {
	return &Spec{
		ID: id, User: user, ports: ports,
		Addr:    Address{User: user, Session: id, Channel: channel},
		out:     ports.Serial("publish to session " + string(id)),
		saved:   state{conn: ConnID(id), dead: map[string]bool{}, signs: signs{joined: ports.Clock.Now()}},
		reports: reports{clock: ports.Clock, said: rate.NewLimiter(wire.ChannelRate, wire.ChannelBurst)},
	}
}

// Ending is the reason for which the session ends, empty while it lives.
func (s *Spec) Ending() (reason EndReason) {
	s.fence.Look(func() { reason = s.ended })
	return reason
}

// MarkEnded notes why a session is about to be stopped by its call. Without it a stop is a pause: the connection stays open for the next instance.
func (s *Spec) MarkEnded(reason EndReason) {
	s.fence.Look(func() { s.ended = cmp.Or(s.ended, reason) })
}

// Close closes the connection. The session's own stop does so at an end; its call does for one that could not. It may be called again.
func (s *Spec) Close() {
	if s.line.end() {
		s.out.Do(func() { s.report("close", s.line.close()) })
	}
}

// Props are the session's actor and the supervision of its tracks.
func (s *Spec) Props(box *kit.Mailbox) *actor.Props {
	strategy := kit.NewStrategy(kit.StrategyOptions{Policies: s.ports.Policies, Clock: s.ports.Clock, Log: s.ports.Log})
	gate := s.fence.Gate()
	return kit.Spec{
		Kind: kit.Session, Mailbox: box, Dispatcher: s.ports.Dispatch, Strategy: strategy, Board: s.ports.Board, Label: string(s.User), OnRevoke: func() { s.reports.hold(true) },
		New: func() actor.Actor {
			n := &session{Spec: s}
			n.pass = gate.Enter(func() { n.state = s.saved.clone() })
			return n
		},
	}.Props()
}

// session is one instance.
type session struct {
	*Spec
	state
	pass   *kit.Pass
	peer   Peer // the connection, as this instance may use it
	timers kit.Timers

	leaving bool // this instance is on its way out: what stops now is not replaced by it
}

// Receive handles one message of the client, the connection, the call or a track, and saves what came of it, also of one that brings the actor down.
func (s *session) Receive(ctx actor.Context) {
	defer s.save()
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Restarting:
		s.leave()
	case *actor.Stopping:
		s.leave()
		s.reports.hold(s.Ending() == "")
	case *actor.Stopped:
		s.stop()
	case *actor.Terminated:
		s.trackGone(ctx, m.Who)
	case kit.Replace:
		s.replaceTrack(ctx, m)
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
		s.granted(ctx, m)
	case RefuseScreen:
		s.refused(ctx, m)
	case SocketLost:
		s.socketLost(m.Conn)
	case SocketOpen:
		if m.Conn == s.conn && !s.signs.lost.IsZero() {
			s.socketBack(ctx, m.Conn)
		}
	case SocketBack:
		s.socketBack(ctx, m.Conn)
	case CloseMicrophone:
		if s.unmuted {
			s.setMuted(ctx, true)
		}
	case StopSharing:
		s.unshare(ctx)
	case Dismiss:
		s.kickAt = s.ports.Clock.Now().Add(kickWindow)
	case End:
		s.end(ctx, m.Reason)
	case answerExpired:
		s.answerExpired(ctx, m)
	case hintExpired:
		s.hintExpired(ctx, m)
	case lockExpired:
		s.lockExpired(ctx, m)
	case tellLines:
		s.tellLines(false)
	case livenessTick:
		s.tick(ctx)
	default:
		s.ports.Log.Warn("session got a message it does not know", "session", s.ID, "type", fmt.Sprintf("%T", m))
	}
}

// save hands what this instance knows to its successor.
func (s *session) save() {
	s.pass.Try(func() { s.saved = s.clone() })
}

// say queues something for the client, behind everything said before and on no mailbox's time.
func (s *session) say(what string, fn func() error) {
	s.pass.Do(func() { s.out.Do(func() { s.report(what, fn()) }) })
}

// start is the only way in: for a new session, and for one whose actor was restarted or replaced. The second finds its connection and its tracks in the spec.
func (s *session) start(ctx actor.Context) {
	if s.Ending() != "" {
		ctx.Stop(ctx.Self())
		return
	}
	again, err := s.connect(ctx)
	if err != nil {
		s.ports.Log.Error("no connection for a session", "session", s.ID, "err", err)
		s.end(ctx, Crashed)
		return
	}
	for i := range s.tracks {
		s.spawn(ctx, &s.tracks[i])
	}
	s.awaitAnswer(ctx)
	s.awaitOffer(ctx)
	s.awaitUnlock(ctx)
	s.timers.Set(s.ports.Clock, ctx, "tick", tickEvery, livenessTick{})
	if again {
		ctx.Send(ctx.Parent(), Muted{s.ID, !s.unmuted}) // the message that brought the last instance down may have been told by halves
	}
	s.due = false
	s.refresh(ctx) // a stream may have come or gone while nobody could start or end its track
	s.settle(ctx)
}

// connect makes the connection of a new session, and takes that of an old one over.
func (s *session) connect(ctx actor.Context) (again bool, err error) {
	again, err = s.line.open(func() (Peer, error) {
		return s.ports.NewPeer(media.PeerConfig{Name: string(s.ID), Group: s.Addr.Channel, OnEvent: s.reports.tell})
	})
	if err != nil {
		return again, err
	}
	s.peer = s.line.by(s.pass)
	s.reports.bind(ctx)
	if !again {
		s.say("join", func() error { return s.ports.Signaller.Joined(s.Addr) })
	}
	return again, nil
}

// leave is the beginning of the end of this instance. If it is that of the session too, its tracks learn that they do not come back.
func (s *session) leave() {
	s.leaving = true
	s.timers.Stop()
	if s.Ending() == "" {
		return
	}
	for _, t := range s.tracks {
		t.spec.End()
	}
}

// stop closes the connection, if this is an end. It happens behind what is still to be told to the client, and on no mailbox's time.
func (s *session) stop() {
	if s.Ending() != "" {
		s.Close()
	}
}

// end is the session's own decision to be over.
func (s *session) end(ctx actor.Context, reason EndReason) {
	if s.Ending() != "" {
		return
	}
	s.MarkEnded(reason)
	if text, tell := farewell[reason]; tell {
		s.say("error", func() error { return s.ports.Signaller.Refused(s.Addr, string(reason), text) })
	}
	ctx.Send(ctx.Parent(), Ended{s.ID, reason})
	ctx.Stop(ctx.Self())
}

// Farewell is what a client reads whose session ends for a reason; empty for those that know.
func Farewell(reason EndReason) string { return farewell[reason] }

// farewell is what a client is told that did not ask to go. Those that left, and those whose call ended, know.
var farewell = map[EndReason]string{
	Kicked:             "You were removed from the call.",
	ICEFailed:          "The connection for sound and screen was lost, or could not be made.",
	Replaced:           "You joined this call from somewhere else.",
	Crashed:            "A fault on the server ended your part of the call. Please join again.",
	RemovedFromChannel: "You are no longer a member of this channel.",
	Forbidden:          "forbidden", // in the words of one who may not join
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
	case wire.React:
		ctx.Send(ctx.Parent(), Reacted{s.ID, Emoji(m.Emoji)})
	case wire.Leave:
		s.end(ctx, s.departure())
	}
}

// connection handles what became of the connection.
func (s *session) connection(ctx actor.Context, e media.Event) {
	switch e := e.(type) {
	case media.Connected:
		s.signs.connected, s.signs.heard = true, s.ports.Clock.Now()
	case media.ChannelOpen:
		s.open, s.simplePeer, s.fragile = true, isSimplePeer(e.Label), e.Label != currentLabel
		s.channelOpen(e.Label)
		s.quiet(ctx)
		s.settle(ctx)
	case media.ChannelMessage:
		s.channelSaid(ctx, e)
	case media.LocalCandidate:
		s.sendCandidate(e.Candidate)
	case media.Closed:
		s.end(ctx, s.departure())
	}
}

// departure is the reason of one who goes: who was sent away and heeds it was kicked all the same.
func (s *session) departure() EndReason {
	if s.kickAt.IsZero() {
		return Left
	}
	return Kicked
}

// tick looks for signs of life once a second.
func (s *session) tick(ctx actor.Context) {
	if heard := s.peer.LastHeard(); heard.After(s.signs.heard) {
		s.signs.heard = heard
	}
	now := s.ports.Clock.Now()
	reason, over := s.signs.verdict(now)
	if !s.kickAt.IsZero() && !now.Before(s.kickAt) {
		reason, over = Kicked, true
	}
	if over {
		s.end(ctx, reason)
		return
	}
	if s.told == "" {
		s.tellLines(false) // once more: the last time it could not be sent
	}
	s.timers.Set(s.ports.Clock, ctx, "tick", tickEvery, livenessTick{})
}

// socketLost notes that the client cannot be heard; a notice about a socket that has been replaced since is late and means nothing.
func (s *session) socketLost(conn ConnID) {
	if conn == s.conn && s.signs.lost.IsZero() {
		s.signs.lost = s.ports.Clock.Now()
	}
}

// socketBack notes that the client can be heard again. Under another id the host has not kept for it what it missed: an offer that waits is told again.
func (s *session) socketBack(ctx actor.Context, conn ConnID) {
	moved := conn != s.conn
	s.conn, s.signs.lost = conn, time.Time{}
	if !s.peer.OfferPending() {
		return
	}
	s.awaitAnswer(ctx)
	if sdp := s.latest; moved {
		s.say("offer", func() error { return s.ports.Signaller.Description(s.Addr, "offer", sdp) })
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
