package media

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/webrtc/v3"

	"calls/guard"
)

const (
	gatherWait    = 200 * time.Millisecond // for host candidates; they take less than one
	maxCandidates = 100                    // that a client may name in its life
	maxSlots      = 256                    // streams towards one client
)

var (
	// ErrOfferPending: an offer of ours waits for its answer, so this one cannot be taken; pion has no way back.
	ErrOfferPending = errors.New("media: an offer of the server waits for its answer")
	// ErrNoOfferPending: there is nothing to answer.
	ErrNoOfferPending = errors.New("media: no offer waits for an answer")
	// ErrNoOfferYet: the client makes the first offer.
	ErrNoOfferYet = errors.New("media: the client has made no offer yet")
	// ErrTooMany: a limit on what one client may have is reached.
	ErrTooMany = errors.New("media: too many for one client")
)

// Peer is the server's end of one client's connection. Its methods are called by one session actor at a time.
type Peer struct {
	server *Server
	link   *link
	cfg    PeerConfig
	api    *webrtc.API
	pc     *webrtc.PeerConnection

	closed   atomic.Bool
	ended    sync.Once // the Closed event
	channel  atomic.Pointer[webrtc.DataChannel]
	channels atomic.Int32
	local    atomic.Pointer[candidateContext]
	relay    *relay // nil: no TURN server of our own

	remote     *description // the client's last one
	early      []webrtc.ICECandidateInit
	candidates int

	adding   []*Slot // with the next offer
	offered  []*Slot // in an offer or accepted, not dropped
	dropping []*Slot // with the next offer
	leaving  []*webrtc.RTPTransceiver
	idle     []*webrtc.RTPTransceiver // m-lines that can be used again
	ssrcs    map[webrtc.SSRC]bool     // ever used towards this client
}

// candidateContext is what a candidate of ours is told to belong to.
type candidateContext struct{ mid, ufrag string }

// NewPeer makes the server's end of one client's connection.
func (s *Server) NewPeer(cfg PeerConfig) (*Peer, error) {
	certificate, err := s.dtlsCertificate()
	if err != nil {
		return nil, err
	}
	sh := s.assign(cfg.group())
	lk := newLink(sh, cfg.Name, newProfiles())
	p := &Peer{server: s, cfg: cfg, link: lk, ssrcs: map[webrtc.SSRC]bool{}}
	p.openRelay()
	if err := p.connection(certificate); err != nil {
		p.relay.close()
		s.release(cfg.group())
		return nil, err
	}
	p.listen()
	if err := s.enter(p); err != nil {
		_ = p.pc.Close()
		p.relay.close()
		s.release(cfg.group())
		return nil, err
	}
	sh.Schedule(func() { sh.table.add(lk) })
	return p, nil
}

func (p *Peer) connection(certificate webrtc.Certificate) (err error) {
	if p.api, err = newAPI(p.server, p.link); err != nil {
		return err
	}
	p.pc, err = p.api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{certificate}})
	return err
}

// Shard is where the peer's streams are forwarded, for its whole life: its tracks are to be run by this loop.
func (p *Peer) Shard() *Shard { return p.link.sh }

// guarded runs a piece of negotiation: pion panicking over a description is an error like any other.
func (p *Peer) guarded(what string, fn func() error) (err error) {
	if p.closed.Load() {
		return ErrClosed
	}
	name := what + " of " + p.cfg.Name
	if !guard.Run(name, func() { err = fn() }, p.server.panicked) {
		return fmt.Errorf("%s failed", name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// HandleOffer takes a client's offer and gives the answer, host candidates included. It fails without harm while an offer of ours is pending.
func (p *Peer) HandleOffer(sdp string) (answer string, err error) {
	if p.OfferPending() {
		return "", ErrOfferPending
	}
	d, err := readDescription(sdp)
	if err != nil {
		return "", err
	}
	if p.remote == nil && d.passive { // later descriptions cannot change the role
		return "", errors.New("offer that makes the server the DTLS client, it has to be the other way round")
	}
	err = p.guarded("offer", func() error {
		if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: d.text}); err != nil {
			return err
		}
		description, err := p.pc.CreateAnswer(nil)
		if err != nil {
			return err
		}
		p.local.Store(&candidateContext{mid: d.firstMID})
		gathered := webrtc.GatheringCompletePromise(p.pc)
		if err := p.pc.SetLocalDescription(description); err != nil {
			return err
		}
		timer := time.NewTimer(gatherWait)
		defer timer.Stop()
		select {
		case <-gathered:
		case <-timer.C:
		}
		answer = p.describe(p.pc.LocalDescription().SDP)
		return p.agreed(&d, answer)
	})
	return answer, err
}

// agreed tells the loop what a finished negotiation said, and takes in the candidates that came early.
func (p *Peer) agreed(d *description, ours string) error {
	c, ok := localCredential(ours)
	if !ok {
		return errors.New("our own description has no ICE credentials")
	}
	p.local.Store(&candidateContext{mid: d.firstMID, ufrag: c.ufrag})
	d.heed(ours)
	p.remote = d
	p.relay.allow(offered(d.text)...)
	p.relay.tell(true)
	lk, lines := p.link, d.sending()
	lk.sh.Schedule(func() {
		if !lk.closed {
			lk.sh.table.admit(lk, c)
			lk.setLines(lines)
		}
	})
	early := p.early
	p.early = nil
	for _, init := range early {
		_ = p.pc.AddICECandidate(init) // one that pion cannot use is no reason to refuse the offer
	}
	return nil
}

// MakeOffer makes and applies an offer of ours, with every slot added or dropped since the last one.
func (p *Peer) MakeOffer() (offer string, err error) {
	if p.remote == nil {
		return "", ErrNoOfferYet
	}
	if p.OfferPending() {
		return "", ErrOfferPending
	}
	err = p.guarded("own offer", func() error {
		if err := p.applyDrops(); err != nil {
			return err
		}
		if err := p.applyAdditions(); err != nil {
			return err
		}
		description, err := p.pc.CreateOffer(nil)
		if err != nil {
			return err
		}
		if err := p.pc.SetLocalDescription(description); err != nil {
			return err
		}
		for _, s := range p.offered {
			mid := s.transceiver.Mid()
			s.mid.Store(&mid)
		}
		offer = p.remote.withBrowsersNumbers(p.describe(p.pc.LocalDescription().SDP))
		return nil
	})
	return offer, err
}

// HandleAnswer takes the client's answer to the pending offer.
func (p *Peer) HandleAnswer(sdp string) error {
	if !p.OfferPending() {
		return ErrNoOfferPending
	}
	d, err := readDescription(sdp)
	if err != nil {
		return err
	}
	return p.guarded("answer", func() error {
		if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: d.text}); err != nil {
			return err
		}
		p.idle = append(p.idle, p.leaving...)
		p.leaving = nil
		p.acceptSlots(&d)
		return p.agreed(&d, p.pc.LocalDescription().SDP)
	})
}

// OfferPending says whether an offer of ours waits for its answer.
func (p *Peer) OfferPending() bool {
	return p.pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer
}

// AddCandidate takes a client's candidate; those before the first offer are kept until it came.
func (p *Peer) AddCandidate(c Candidate) error {
	if p.closed.Load() {
		return ErrClosed
	}
	if p.candidates++; p.candidates > maxCandidates {
		return fmt.Errorf("candidates: %w", ErrTooMany)
	}
	p.relay.allow(c.Candidate)
	init := webrtc.ICECandidateInit{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex, UsernameFragment: c.UsernameFragment}
	if p.remote == nil {
		p.early = append(p.early, init)
		return nil
	}
	return p.guarded("candidate", func() error { return p.pc.AddICECandidate(init) })
}

// Streams lists what the client sends according to its last description.
func (p *Peer) Streams() (streams []Stream) {
	if p.remote == nil {
		return nil
	}
	for _, line := range p.remote.sending() {
		if line.stream.StreamID != "" {
			streams = append(streams, line.stream)
		}
	}
	return streams
}

// Source starts receiving a stream of the client. Packets arrive once a Lane is attached.
func (p *Peer) Source(st Stream) (*Source, error) {
	if p.closed.Load() {
		return nil, ErrClosed
	}
	if p.remote == nil || p.remote.line(st.MID) == nil || p.remote.line(st.MID).stream.Kind != st.Kind {
		return nil, fmt.Errorf("the client has no %s m-line with the mid %.40q", st.Kind, st.MID)
	}
	src := newSource(p.link, st, p.server.cfg.RingPackets)
	p.link.sh.Schedule(src.open)
	return src, nil
}

// LastHeard is when the last authenticated STUN, SRTP or SRTCP packet, or message on the data channel, of the client came; zero before the first.
func (p *Peer) LastHeard() time.Time {
	if ns := p.link.heard.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Close ends the connection and gives everything back. It may be called twice.
func (p *Peer) Close() (err error) {
	if !p.closed.CompareAndSwap(false, true) {
		return nil
	}
	p.server.forget(p)
	p.relay.close()
	lk := p.link
	lk.sh.Schedule(func() {
		lk.sh.table.remove(lk)
		for _, r := range lk.known {
			if r.conn != nil {
				r.conn.close()
			}
		}
		for _, s := range lk.slots {
			s.shut()
		}
		for _, src := range lk.sources {
			src.closed, src.lane = true, nil
		}
		lk.keys = srtpKeys{}
	})
	guard.Run("closing "+p.cfg.Name, func() { err = p.pc.Close() }, p.server.panicked)
	if errors.Is(err, dtls.ErrConnClosed) { // the client was first
		return nil
	}
	return err
}
