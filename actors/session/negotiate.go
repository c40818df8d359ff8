package session

import (
	"encoding/json"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/media"
	"calls/wire"
)

const (
	answerWindow = 10 * time.Second // how long an offer of ours waits for its answer
	hintWindow   = 2 * time.Second  // how long our offers wait for one that the client has announced
	quietWindow  = 350 * time.Millisecond
)

// quietWindow is how long our offers wait after the client's last step: its data channel has opened, or an offer of its own was answered. Programs and people go on
// at just that moment, with unmute or a share, and a client that cannot take its offer back dies when ours is on its way to it. A client that knows of the lock ends
// the wait by an unlock.

// negotiation is where a session stands with its client. pion cannot roll back, so while an offer of ours is pending a client's offer is
// discarded, and ours are held back whenever the client is about to offer (protocol 7.7).
type negotiation struct {
	offers int    // offers made, the generation of answerExpired
	latest string // the last of them
	lost   bool   // an offer of the client met ours, and the client will not make it again by itself

	simplePeer bool      // the client is the web client of 2022
	fragile    bool      // an offer of ours that comes while the client makes one may end its call
	hints      int       // hints taken, the generation of hintExpired
	hinted     time.Time // until when ours wait for an offer that the client has announced or may make now; zero: they need not
	hushed     bool      // hinted is by quiet: nothing was announced
	dirty      bool      // slots were added or dropped since the last offer
}

// description takes an offer or an answer. One that cannot be used is dropped in silence: a client whose connection is fed a doubtful answer dies of it.
func (s *session) description(ctx actor.Context, m wire.SDP) {
	switch m.Type {
	case "offer":
		s.offered(ctx, m.SDP)
	case "answer":
		s.answered(ctx, m.SDP)
	}
}

func (s *session) offered(ctx actor.Context, sdp string) {
	if s.peer.OfferPending() {
		s.ports.Log.Debug("discarding an offer that met ours", "session", s.ID)
		s.lost = s.simplePeer
		return
	}
	answer, err := s.peer.HandleOffer(sdp)
	if err != nil {
		s.ports.Log.Warn("a client's offer cannot be used", "session", s.ID, "err", err)
		return
	}
	s.say("answer", func() error { return s.ports.Signaller.Description(s.Addr, "answer", answer) })
	s.dropHint()
	s.quiet(ctx)
	s.refresh(ctx)
	s.settle(ctx)
}

func (s *session) answered(ctx actor.Context, sdp string) {
	if !s.peer.OfferPending() {
		return
	}
	if err := s.peer.HandleAnswer(sdp); err != nil {
		s.ports.Log.Warn("a client's answer cannot be used", "session", s.ID, "err", err)
		return
	}
	s.refresh(ctx)
	s.askAgain(ctx)
	s.settle(ctx)
}

// askAgain asks a client whose offer met ours, and which does not make it again by itself, to do so. Ours wait for it.
func (s *session) askAgain(ctx actor.Context) {
	r, able := s.ports.Signaller.(Renegotiator)
	if !s.lost || !able {
		return
	}
	s.lost = false
	s.hint(ctx)
	s.say("request for an offer", func() error { return r.Renegotiate(s.Addr) })
}

// isSimplePeer knows the web client of 2022 by the label of its data channel: 40 hexadecimal digits.
func isSimplePeer(label string) bool {
	if len(label) != 40 {
		return false
	}
	for _, c := range []byte(label) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// offer makes one offer of all that has changed, if this is a moment for it; else the next settle tries again.
func (s *session) offer(ctx actor.Context) {
	if !s.dirty || !s.open || !s.hinted.IsZero() || s.locked() || s.peer.OfferPending() {
		return
	}
	sdp, err := s.peer.MakeOffer()
	if err != nil {
		s.ports.Log.Error("no offer could be made", "session", s.ID, "err", err)
		return
	}
	s.dirty = false
	s.offers++
	s.latest = sdp
	s.awaitAnswer(ctx)
	s.tellLines(true)
	s.say("offer", func() error { return s.ports.Signaller.Description(s.Addr, "offer", sdp) })
}

// awaitAnswer gives the client time to answer an offer of ours, if there is one.
func (s *session) awaitAnswer(ctx actor.Context) {
	if s.peer.OfferPending() {
		s.timers.Set(s.ports.Clock, ctx, "answer", answerWindow, answerExpired{s.offers})
	}
}

// answerExpired gives up a client that does not answer: nothing can be negotiated with it any more. One whose socket is closed cannot answer, and has its time
// when it is back.
func (s *session) answerExpired(ctx actor.Context, m answerExpired) {
	if m.offer == s.offers && s.peer.OfferPending() && s.signs.lost.IsZero() {
		s.end(ctx, ICEFailed)
	}
}

// hint holds our offers back: the client has said what it is going to offer for.
func (s *session) hint(ctx actor.Context) {
	s.hold(ctx, hintWindow)
	s.hushed = false
}

func (s *session) quiet(ctx actor.Context) { s.hushed = s.hold(ctx, quietWindow) || s.hushed }

// endQuiet lets our offers go, unless the client has announced one of its own.
func (s *session) endQuiet(ctx actor.Context) {
	if s.hushed && !s.hinted.IsZero() {
		s.dropHint()
		s.offer(ctx)
	}
}

// hold has our offers wait for a while, or longer if they wait for longer already, and says whether they wait for that.
func (s *session) hold(ctx actor.Context, d time.Duration) bool {
	until := s.ports.Clock.Now().Add(d)
	if !until.After(s.hinted) {
		return false
	}
	s.hints++
	s.hinted = until
	s.awaitOffer(ctx)
	return true
}

// awaitOffer gives the client time to make the offer that it has announced, if it has.
func (s *session) awaitOffer(ctx actor.Context) {
	if !s.hinted.IsZero() {
		s.timers.Set(s.ports.Clock, ctx, "hint", s.hinted.Sub(s.ports.Clock.Now()), hintExpired{s.hints})
	}
}

func (s *session) dropHint() { s.hinted, s.hushed = time.Time{}, false }

func (s *session) hintExpired(ctx actor.Context, m hintExpired) {
	if m.hint != s.hints || s.hinted.IsZero() {
		return
	}
	s.dropHint()
	s.offer(ctx)
}

// candidate takes a candidate of the client's; the end-of-candidates mark is empty and means nothing here.
func (s *session) candidate(m wire.ICE) {
	if m.Candidate == "" {
		return
	}
	err := s.peer.AddCandidate(media.Candidate{
		Candidate: m.Candidate, SDPMid: m.SDPMid, SDPMLineIndex: m.SDPMLineIndex, UsernameFragment: m.UsernameFragment,
	})
	s.report("candidate of the client", err)
}

// sendCandidate trickles a candidate of ours.
func (s *session) sendCandidate(c media.Candidate) {
	text, err := json.Marshal(c)
	if err != nil {
		s.report("candidate", err)
		return
	}
	s.say("candidate", func() error { return s.ports.Signaller.Candidate(s.Addr, string(text)) })
}
