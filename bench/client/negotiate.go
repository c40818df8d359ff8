package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pion/webrtc/v3"

	"calls/wire"
)

// maxCandidates bounds the candidates kept until the first description came.
const maxCandidates = 64

// negotiation is where the exchange of descriptions stands.
type negotiation struct {
	offer      *webrtc.SessionDescription // ours, sent and unanswered
	applied    bool                       // the offer is the local description already
	asked      []chan error               // who waits for an offer yet to be made
	offered    []chan error               // who waits for the answer to offer
	shelved    []chan error               // whose offer was taken back, until the server asks for it
	candidates []webrtc.ICECandidateInit  // came before the first remote description
	lines      int                        // m-lines of our own so far
	answers    int                        // taken so far
}

// HandleSignal takes a session description of the server's; kind is "offer" or "answer". It returns at once; descriptions are handled in the order they came.
func (c *Client) HandleSignal(kind, sdp string) {
	c.serial.Do(func() {
		var err error
		switch kind {
		case "offer":
			err = c.handleOffer(sdp)
		case "answer":
			err = c.handleAnswer(sdp)
		default:
			err = fmt.Errorf("description of unknown type %.20q", kind)
		}
		if err != nil {
			c.fail(err)
		}
	})
}

// HandleCandidate takes a candidate of the server's, the JSON of an RTCIceCandidateInit. It returns at once.
func (c *Client) HandleCandidate(candidate string) {
	if c.cfg.NoTrickle {
		return
	}
	c.serial.Do(func() {
		var init webrtc.ICECandidateInit
		if err := json.Unmarshal([]byte(candidate), &init); err != nil {
			c.fail(fmt.Errorf("read candidate: %w", err))
			return
		}
		if init.Candidate == "" || len(c.neg.candidates) >= maxCandidates {
			return
		}
		c.neg.candidates = append(c.neg.candidates, init)
		c.addCandidates()
	})
}

// Renegotiate is the server's request for an offer. A client whose own is out, or which has nothing to offer, need not heed it.
func (c *Client) Renegotiate() {
	c.serial.Do(func() {
		c.neg.asked, c.neg.shelved = append(c.neg.asked, c.neg.shelved...), nil
		c.makeOffer()
	})
}

// inSerial runs fn in its turn.
func (c *Client) inSerial(fn func() error) error {
	done := make(chan error, 1)
	c.serial.Do(func() { done <- fn() })
	select {
	case err := <-done:
		return err
	case <-c.closed:
		return ErrClosed
	}
}

// negotiate runs prepare, offers what it changed and returns when the answer is in force.
func (c *Client) negotiate(ctx context.Context, prepare func() error) error {
	done := make(chan error, 1)
	c.serial.Do(func() {
		if err := prepare(); err != nil {
			done <- err
			return
		}
		c.wantOffer(done)
	})
	select {
	case err := <-done:
		return err
	case <-c.closed:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("no answer to an offer: %w", ctx.Err())
	}
}

// wantOffer has an offer made as soon as none is pending; done is told of its fate.
func (c *Client) wantOffer(done chan error) {
	c.neg.asked = append(c.neg.asked, done)
	c.makeOffer()
}

func (c *Client) makeOffer() {
	n := &c.neg
	if n.offer != nil || len(n.asked) == 0 {
		return
	}
	first := c.pc.CurrentLocalDescription() == nil
	offer, err := c.pc.CreateOffer(nil)
	if err == nil && first {
		err = c.pc.SetLocalDescription(offer)
	}
	n.offered, n.asked, n.shelved = append(n.asked, n.shelved...), nil, nil // an offer is of everything
	if err != nil {
		c.settle(fmt.Errorf("make offer: %w", err))
		return
	}
	n.offer, n.applied = &offer, first
	c.send(wire.SDP{Type: "offer", SDP: offer.SDP})
}

// settle ends the pending offer.
func (c *Client) settle(err error) {
	for _, done := range c.neg.offered {
		done <- err
	}
	c.neg.offered, c.neg.offer, c.neg.applied = nil, nil, false
}

func (c *Client) handleAnswer(sdp string) error {
	n := &c.neg
	if n.offer == nil {
		return errors.New("an answer came while no offer was pending")
	}
	var err error
	if !n.applied {
		err = c.pc.SetLocalDescription(*n.offer)
	}
	if err == nil {
		err = c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
	}
	c.settle(err)
	if err != nil {
		return fmt.Errorf("take answer: %w", err)
	}
	if c.cfg.Locks && n.answers > 0 {
		if err := c.Say(wire.Unlock{}); err != nil {
			return fmt.Errorf("give the lock back: %w", err)
		}
	}
	n.answers++
	c.addCandidates()
	c.makeOffer()
	return nil
}

func (c *Client) handleOffer(sdp string) error {
	n := &c.neg
	if n.offer != nil {
		if n.applied {
			return errors.New("the server offered before it had answered the first offer")
		}
		if err := c.cross(); err != nil {
			return err
		}
	}
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return fmt.Errorf("take offer: %w", err)
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err == nil {
		err = c.pc.SetLocalDescription(answer)
	}
	if err != nil {
		return fmt.Errorf("make answer: %w", err)
	}
	c.send(wire.SDP{Type: "answer", SDP: answer.SDP})
	c.addCandidates()
	c.makeOffer()
	return nil
}

// cross follows the server's offer that came while one of our own was out.
func (c *Client) cross() error {
	c.collisions.Add(1)
	n := &c.neg
	switch c.cfg.Crossing {
	case Breaks:
		c.over()
		return errors.New("the server's offer came while one of our own was out, which this client does not survive")
	case OffersOnRequest:
		n.shelved = append(n.shelved, n.offered...)
	case OffersAgain:
		n.asked = append(n.offered, n.asked...)
	}
	n.offered, n.offer = nil, nil
	return nil
}

// addCandidates hands pion what came too early for it.
func (c *Client) addCandidates() {
	if c.pc.RemoteDescription() == nil {
		return
	}
	for _, init := range c.neg.candidates {
		if err := c.pc.AddICECandidate(init); err != nil {
			c.fail(fmt.Errorf("add candidate: %w", err))
		}
	}
	c.neg.candidates = nil
}

// candidate trickles a candidate of ours. It goes through serial so as not to overtake the offer it belongs to.
func (c *Client) candidate(found *webrtc.ICECandidate) {
	if found == nil {
		return
	}
	init := found.ToJSON()
	c.serial.Do(func() {
		c.send(wire.ICE{
			Candidate: init.Candidate, SDPMid: init.SDPMid, SDPMLineIndex: init.SDPMLineIndex, UsernameFragment: init.UsernameFragment,
		})
	})
}
