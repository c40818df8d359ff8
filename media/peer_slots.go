package media

import (
	"fmt"
	"slices"

	"github.com/pion/webrtc/v3"
)

// Transceivers for slots are made when an offer is, not earlier: pion would give one that no description has named yet to the next audio line that a client
// offers, and the client's microphone line would become a slot.

// AddSlot adds a stream towards the client; it can be used once an offer made after this was answered (Slot.Ready).
func (p *Peer) AddSlot(kind Kind) (*Slot, error) {
	if p.closed.Load() {
		return nil, ErrClosed
	}
	if kind != Audio && kind != Video {
		return nil, fmt.Errorf("slot of unknown kind %d", kind)
	}
	if len(p.adding)+len(p.offered)+len(p.dropping)+len(p.leaving)+len(p.idle) >= maxSlots && !p.hasIdle(kind) {
		return nil, fmt.Errorf("slots: %w", ErrTooMany)
	}
	s := newSlot(p.link, kind, newLocalTrack(kind))
	p.adding = append(p.adding, s)
	return s, nil
}

// DropSlot takes a stream away with the next offer; its m-line is used again by the next AddSlot of the kind.
func (p *Peer) DropSlot(s *Slot) error {
	if i := slices.Index(p.adding, s); i >= 0 {
		p.adding = slices.Delete(p.adding, i, i+1)
		return nil
	}
	i := slices.Index(p.offered, s)
	if i < 0 {
		return fmt.Errorf("dropping a slot that %s does not have", p.cfg.Name)
	}
	p.offered = slices.Delete(p.offered, i, i+1)
	p.dropping = append(p.dropping, s)
	s.ready.Store(false)
	p.link.sh.Schedule(s.shut)
	return nil
}

func (p *Peer) hasIdle(kind Kind) bool {
	return slices.ContainsFunc(p.idle, func(t *webrtc.RTPTransceiver) bool { return t.Kind() == (&localTrack{kind: kind}).Kind() })
}

func (p *Peer) applyDrops() error {
	for len(p.dropping) > 0 {
		s := p.dropping[0]
		if err := p.pc.RemoveTrack(s.sender); err != nil {
			return err
		}
		// Its m-line is free once the client has agreed: a line whose stream changes within one round tells no browser that the track is another.
		p.leaving = append(p.leaving, s.transceiver)
		p.dropping = p.dropping[1:]
	}
	return nil
}

func (p *Peer) applyAdditions() error {
	for len(p.adding) > 0 {
		s := p.adding[0]
		if err := p.connect(s); err != nil {
			return err
		}
		p.offered = append(p.offered, s)
		p.adding = p.adding[1:]
	}
	return nil
}

// connect gives a slot an m-line: one that is free, or a new one.
func (p *Peer) connect(s *Slot) (err error) {
	i := slices.IndexFunc(p.idle, func(t *webrtc.RTPTransceiver) bool { return t.Kind() == s.track.Kind() })
	if i < 0 {
		s.transceiver, err = p.pc.AddTransceiverFromTrack(s.track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return err
		}
		s.sender = s.transceiver.Sender()
		return p.claim(s)
	}
	if s.sender, err = p.api.NewRTPSender(s.track, p.pc.SCTP().Transport()); err != nil {
		return err
	}
	s.transceiver = p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	if err := s.transceiver.SetSender(s.sender, s.track); err != nil {
		return err
	}
	return p.claim(s)
}

// claim refuses an SSRC that this client has had before: under the same keys it would start the same row of nonces again.
func (p *Peer) claim(s *Slot) error {
	ssrc := s.sender.GetParameters().Encodings[0].SSRC
	if p.ssrcs[ssrc] {
		return fmt.Errorf("SSRC %d came up twice", ssrc)
	}
	p.ssrcs[ssrc] = true
	return nil
}

// acceptSlots opens the slots that the client's answer agrees to, with the payload type that it names.
func (p *Peer) acceptSlots(d *description) {
	for _, s := range p.offered {
		line := d.line(s.MID())
		if s.accepted || line == nil || line.rejected || !line.receives || len(line.types) == 0 {
			continue
		}
		s.accepted = true
		s.ready.Store(true) // at once, for whoever lends the slot next: a track's Bind comes to the loop behind open
		ssrc, pt := uint32(s.sender.GetParameters().Encodings[0].SSRC), line.types[0]
		p.link.sh.Schedule(func() { s.open(ssrc, pt) })
	}
}
