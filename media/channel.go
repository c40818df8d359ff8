package media

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/pion/webrtc/v3"

	"calls/guard"
)

const (
	maxChannels       = 4         // data channels of one client
	maxChannelSend    = 256 << 10 // bytes waiting for a client on its data channel
	maxChannelMessage = 2 << 10   // bytes of a message that a client sends on one; what clients say is a twentieth of it
)

// ErrChannelFull: the client does not read its data channel.
var ErrChannelFull = errors.New("media: data channel is full")

// Data channels are read by us (they are detached, in pion's words): pion would keep 64 KiB for each, for messages that no client sends. That was a fifth of all
// memory in a large call.

// dataChannel takes a channel that the client opened.
func (p *Peer) dataChannel(d *webrtc.DataChannel) {
	d.OnOpen(func() { p.callback("data channel", func() { p.channelOpened(d) }) })
}

// channelOpened begins to read a channel. The first is the one that is sent on.
func (p *Peer) channelOpened(d *webrtc.DataChannel) {
	in, err := d.Detach()
	if err != nil {
		p.server.cfg.Log.Warn("a data channel cannot be read", "peer", p.cfg.Name, "err", err)
		return
	}
	if p.channels.Add(1) > maxChannels {
		p.channels.Add(-1)
		_ = in.Close()
		return
	}
	p.channel.CompareAndSwap(nil, d)
	p.emit(ChannelOpen{Label: d.Label()})
	guard.Go("data channel of "+p.cfg.Name, func() {
		defer p.channelOver(d, in)
		p.readChannel(in)
	}, p.server.panicked)
}

// channelReader is what is used of a detached channel.
type channelReader interface {
	io.Closer
	ReadDataChannel(b []byte) (n int, text bool, err error)
}

// readChannel hands on what the client says until the channel ends. A message too long for us is taken off the channel and forgotten.
func (p *Peer) readChannel(in channelReader) {
	buf := make([]byte, maxChannelMessage)
	for {
		n, text, err := in.ReadDataChannel(buf)
		if err != nil && !errors.Is(err, io.ErrShortBuffer) {
			return
		}
		p.link.heard.Store(time.Now().UnixNano()) // who only listens and pings may send nothing else while it is sent to
		if err == nil {
			p.callback("data channel", func() { p.emit(ChannelMessage{Text: text, Data: bytes.Clone(buf[:n])}) })
		}
	}
}

func (p *Peer) channelOver(d *webrtc.DataChannel, in channelReader) {
	_ = in.Close() // which is done already, unless we failed
	p.channels.Add(-1)
	p.channel.CompareAndSwap(d, nil)
}

// SendChannel sends on the client's data channel; without an open one it does nothing.
func (p *Peer) SendChannel(data []byte, text bool) error {
	d := p.channel.Load()
	if d == nil || p.closed.Load() {
		return nil
	}
	if d.BufferedAmount()+uint64(len(data)) > maxChannelSend {
		return ErrChannelFull
	}
	if text {
		return d.SendText(string(data))
	}
	return d.Send(data)
}
