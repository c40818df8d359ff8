package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/pion/rtcp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"

	"calls/wire"
)

// Unmute opens the microphone. The first time it announces and negotiates a track, later ones only tell the server and go on sending.
func (c *Client) Unmute(ctx context.Context, v Voice) error {
	s := c.source(Audio)
	if s == nil {
		return c.publish(ctx, Audio, newVoice(v, c.cfg.ID), func(string) wire.Message { return wire.Unmute{} })
	}
	s.pause()
	s.content = newVoice(v, c.cfg.ID)
	c.Send(wire.Unmute{})
	c.start(s)
	return nil
}

// ExtraOrigin is what the origin in the stamps of a second voice differs by.
const ExtraOrigin = 1 << 31

// SpeakTwice sends a second voice beside the first, on a line and under an origin of its own. No stock client does that, but a server must cope.
func (c *Client) SpeakTwice(ctx context.Context, v Voice) error {
	return c.publish(ctx, Extra, newVoice(v, c.cfg.ID|ExtraOrigin), func(string) wire.Message { return wire.Unmute{} })
}

// Mute closes the microphone: nothing is sent any more, and the server is told.
func (c *Client) Mute() {
	c.Pause(Audio)
	c.Send(wire.Mute{})
}

// Share claims the call's screen slot and shares a picture. Whether the server granted the slot is for the signalling to tell.
func (c *Client) Share(ctx context.Context, p Picture) error {
	if s := c.source(Screen); s != nil && s.sender != nil {
		return errors.New("a screen is shared already")
	}
	return c.publish(ctx, Screen, newPicture(p, c.cfg.ID), func(streamID string) wire.Message {
		return wire.ScreenOn{ScreenStreamID: streamID}
	})
}

// Unshare gives the screen slot back and takes the track off. It returns when the server has agreed to that.
func (c *Client) Unshare(ctx context.Context) error {
	s := c.source(Screen)
	if s == nil || s.sender == nil {
		return errors.New("no screen is shared")
	}
	s.pause()
	sender := s.sender
	s.sender = nil
	if c.cfg.Locks {
		if err := c.Lock(ctx); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
	}
	return c.negotiate(ctx, func() error {
		c.send(wire.ScreenOff{})
		if err := c.pc.RemoveTrack(sender); err != nil {
			return fmt.Errorf("remove screen: %w", err)
		}
		return nil
	})
}

// Pause stops sending without telling the server; Resume goes on.
func (c *Client) Pause(kind Kind) {
	if s := c.source(kind); s != nil {
		s.pause()
	}
}

// Resume goes on sending after Pause.
func (c *Client) Resume(kind Kind) {
	if s := c.source(kind); s != nil {
		c.start(s)
	}
}

// Sent is how many packets of a kind the client has sent.
func (c *Client) Sent(kind Kind) uint64 {
	if s := c.source(kind); s != nil {
		return s.sent.Load()
	}
	return 0
}

// KeyframeRequests is how many PLI and FIR came for the screen.
func (c *Client) KeyframeRequests() uint64 {
	if s := c.source(Screen); s != nil {
		return s.requests.Load()
	}
	return 0
}

func (c *Client) source(kind Kind) *source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sources[kind]
}

// publish adds a track, sends the announcement and then the offer, waits for the answer and begins to send.
func (c *Client) publish(ctx context.Context, kind Kind, what content, announce func(streamID string) wire.Message) error {
	if !c.cfg.NoChannel { // without a channel there is no connection before there is something to send
		if err := c.WaitConnected(ctx); err != nil {
			return err
		}
	}
	s := newSource(kind, what)
	if old := c.source(kind); old != nil {
		s.sent.Store(old.sent.Load()) // stamps go on counting where the last share ended
	}
	announced := func() error {
		if err := c.name(s); err != nil {
			return err
		}
		c.send(announce(s.local.StreamID()))
		return nil
	}
	if c.cfg.Locks { // it announces at once, and offers when it may
		if err := c.inSerial(announced); err != nil {
			return fmt.Errorf("announce %s: %w", kind, err)
		}
		if err := c.Lock(ctx); err != nil {
			return fmt.Errorf("publish %s: %w", kind, err)
		}
		announced = func() error { return nil }
	}
	err := c.negotiate(ctx, func() error {
		if err := announced(); err != nil {
			return err
		}
		return c.addTrack(s)
	})
	if err != nil {
		return fmt.Errorf("publish %s: %w", kind, err)
	}
	sender := s.sender
	for _, ext := range sender.GetParameters().HeaderExtensions {
		if ext.URI == sdp.AudioLevelURI {
			s.levelExt = uint8(ext.ID)
		}
	}
	c.mu.Lock()
	c.sources[kind] = s
	c.mu.Unlock()
	c.run("client feedback", func() { s.feedback(sender) })
	c.start(s)
	return nil
}

// name makes the track.
func (c *Client) name(s *source) (err error) {
	c.neg.lines++
	s.id = fmt.Sprintf("c%x%c%d", c.cfg.ID, s.kind.String()[0], c.neg.lines)
	codec := opusCodec
	if s.kind == Screen {
		codec = vp8Codec
	}
	if s.local, err = webrtc.NewTrackLocalStaticRTP(codec, "track-"+s.id, "stream-"+s.id); err != nil {
		return fmt.Errorf("make track: %w", err)
	}
	return nil
}

// addTrack makes the track's m-line. It is send-only and named by us: the server's offer may come first, and must neither take it for one of its own lines nor put
// a stream of its own on it.
func (c *Client) addTrack(s *source) (err error) {
	if c.cfg.AddTrack && s.kind == Audio {
		if s.sender, err = c.pc.AddTrack(s.local); err != nil {
			return fmt.Errorf("add track: %w", err)
		}
		return nil
	}
	line, err := c.pc.AddTransceiverFromTrack(s.local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return fmt.Errorf("add track: %w", err)
	}
	if err := line.SetMid(s.id); err != nil {
		return fmt.Errorf("name m-line: %w", err)
	}
	s.sender = line.Sender()
	return nil
}

func (c *Client) start(s *source) {
	if stop, done := s.begin(); stop != nil && !c.run("client send", func() { s.run(stop, done) }) {
		close(done)
	}
}

// feedback reads what receivers say of the track until it ends, and has a key frame made when they ask for one.
func (s *source) feedback(sender *webrtc.RTPSender) {
	buf := make([]byte, receiveMTU)
	for {
		n, _, err := sender.Read(buf)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				s.requests.Add(1)
				s.wantKey.Store(true)
			}
		}
	}
}
