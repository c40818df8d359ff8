// Package client is a participant without a screen: it speaks, shares and listens over pion/webrtc as the stock clients do, and keeps books of everything that
// it receives. Signalling is somebody else's: the package mattermost carries it over a real server's WebSocket, tests hand it to an engine in process.
//
// Unlike a browser, pion cannot roll an offer of its own back, and the server wins when two offers cross (protocol 7.7): it drops ours and waits for our answer.
// So an offer after the first is only sent, and becomes the local description when its answer comes. When the server's offer comes instead, ours has not touched
// the connection: it is forgotten, the server's is answered, and a new offer is made. The m-lines of such an offer have names of our own, which the server's cannot
// collide with. The first offer is different, since with it candidates are gathered; but no server offers before it has answered that one.
package client

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v2"
	"github.com/pion/webrtc/v3"

	"calls/guard"
	"calls/wire"
)

// ErrClosed is what a closed client answers to everything.
var ErrClosed = errors.New("the client is closed")

// channelLabel is the label by which servers know a current client.
const channelLabel = "calls-dc"

// Signalling takes a client's messages to the server: wire.SDP, ICE, Mute, Unmute, ScreenOn, ScreenOff, Leave. It is called by one goroutine at a time, in order.
type Signalling interface {
	Send(msg wire.Message) error
}

// Config is what a client needs to know.
type Config struct {
	ID         uint32 // the origin in the stamps of what it sends; must differ between the clients of a call
	Signalling Signalling
	Capture    int  // payloads kept of each incoming stream; 0: none
	Reports    bool // send RTCP sender and receiver reports, as browsers do; costs time on the receive path
	Loopback   bool // offer the loopback address too, for machines without another one

	Label     string // of the data channel, as an older client would have it; empty: that of current ones
	Crossing  Crossing
	Locks     bool // ask for the lock before a track is added or removed, and give up without
	AddTrack  bool // put the microphone on a line of the server's where there is one, as the addTrack of browsers and phones does; else on a line of its own
	NoTrickle bool // heed only the candidates in descriptions, as phones did in early 2022
	NoChannel bool // the server opens no data channel: a connection is up when media can flow

	// Listen opens the socket for a local address; nil: an ordinary one. A load generator's counts media where they arrive and need not hand them on.
	Listen func(addr *net.UDPAddr) (transport.UDPConn, error)
	// Arrival says when a packet came, if the socket noted it; nil, or a zero time: when it was read.
	Arrival func(ssrc uint32, seq uint16) time.Time
}

// Crossing is what a client does when the server's offer comes while one of its own is out.
type Crossing int

// The generations of clients (protocol 7.7).
const (
	OffersAgain     Crossing = iota // takes its own back and makes it anew: RTCPeer
	OffersOnRequest                 // takes its own back and makes it anew when it is asked to: the web client of 2022; one that relies on the lock is never asked
	Breaks                          // cannot take it back, and hangs up: mobile to 2.0
)

// Client is one participant's connection.
type Client struct {
	cfg    Config
	pc     *webrtc.PeerConnection
	recv   *receiver
	serial *guard.Serial // everything that touches negotiation, in order
	neg    negotiation   // touched in serial only
	said   said

	connected chan struct{} // closed when media can flow
	open      chan struct{} // closed when the data channel is open
	lost      chan struct{} // closed when the connection failed or either side closed it
	closed    chan struct{} // closed by Close
	onceUp    sync.Once
	onceOpen  sync.Once
	onceLost  sync.Once

	collisions atomic.Uint64

	mu      sync.Mutex
	closing bool
	err     error
	sources [kinds]*source // by Kind; nil: never published
	running sync.WaitGroup
}

// New makes a client that is not yet connected.
func New(cfg Config) (*Client, error) {
	api, err := newAPI(cfg)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("make peer connection: %w", err)
	}
	c := &Client{
		cfg: cfg, pc: pc, recv: newReceiver(cfg.Capture),
		connected: make(chan struct{}), open: make(chan struct{}), lost: make(chan struct{}), closed: make(chan struct{}),
		said: said{pongs: map[wire.Pong]uint64{}, answers: make(chan bool, 1)},
	}
	c.serial = guard.NewSerial("client signalling", c.panicked)
	if cfg.NoChannel {
		c.onceOpen.Do(func() { close(c.open) })
	}
	pc.OnConnectionStateChange(c.stateChanged)
	pc.OnICECandidate(c.candidate)
	pc.OnTrack(c.track)
	pc.OnDataChannel(c.channel)
	return c, nil
}

// Start makes the first offer: a data channel and nothing else. Call it once the server has acknowledged the join. A client that is not started answers offers.
func (c *Client) Start() error {
	dc, err := c.pc.CreateDataChannel(cmp.Or(c.cfg.Label, channelLabel), nil)
	if err != nil {
		return fmt.Errorf("make data channel: %w", err)
	}
	c.channel(dc)
	c.serial.Do(func() { c.wantOffer(make(chan error, 1)) })
	return nil
}

// WaitConnected returns once media can flow and the data channel is open.
func (c *Client) WaitConnected(ctx context.Context) error {
	for _, step := range []struct {
		name string
		up   chan struct{}
	}{{"media transport", c.connected}, {"data channel", c.open}} {
		select {
		case <-step.up:
		case <-c.lost:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s not up, connection is %s: %w", step.name, c.pc.ConnectionState(), ctx.Err()), c.Err())
		}
	}
	switch {
	case isClosed(c.closed):
		return ErrClosed
	case isClosed(c.lost):
		return errors.Join(errors.New("the connection is lost"), c.Err())
	}
	return nil
}

func isClosed(ch chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// Lost is closed when the connection failed or either side closed it.
func (c *Client) Lost() <-chan struct{} { return c.lost }

// Collisions is how often an offer of the client met one of the server.
func (c *Client) Collisions() uint64 { return c.collisions.Load() }

// Err is the first thing that went wrong by itself, nil when nothing did.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Send sends a message as it is, past the client's own state: for tests of what a server does with a client that misbehaves.
func (c *Client) Send(msg wire.Message) {
	c.serial.Do(func() { c.send(msg) })
}

// Leave hangs up: it tells the server and closes.
func (c *Client) Leave() error {
	done := make(chan struct{})
	c.serial.Do(func() {
		defer close(done)
		c.send(wire.Leave{})
	})
	<-done
	return c.Close()
}

// Close ends the connection without a word to the server and waits until nothing of the client runs any more. It must not be called by a Signalling.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		<-c.closed
		return nil
	}
	c.closing = true
	sources := c.sources
	c.mu.Unlock()
	for _, s := range sources {
		if s != nil {
			s.pause()
		}
	}
	err := c.pc.GracefulClose()
	c.running.Wait()
	close(c.closed)
	c.over() // a connection that never came up tells nobody of its end
	return err
}

// run runs fn as one of the goroutines that Close waits for. A closing client starts none any more: ok is false.
func (c *Client) run(name string, fn func()) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.running.Add(1)
	guard.Go(name, func() {
		defer c.running.Done()
		fn()
	}, c.panicked)
	return true
}

func (c *Client) track(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	kind := Audio
	if remote.Kind() == webrtc.RTPCodecTypeVideo {
		kind = Screen
	}
	s := c.recv.stream(uint32(remote.SSRC()), kind, remote.StreamID(), remote.ID())
	c.run("client receive", func() {
		buf := make([]byte, receiveMTU)
		for {
			n, _, err := remote.Read(buf)
			if err != nil {
				return // the stream or the connection ended; whose fault it was, the connection's state says
			}
			c.recv.packet(s, buf[:n], c.arrival(buf[:n]))
		}
	})
}

// arrival is when a packet came.
func (c *Client) arrival(raw []byte) time.Time {
	if c.cfg.Arrival != nil && len(raw) >= rtpHeaderSize {
		if at := c.cfg.Arrival(binary.BigEndian.Uint32(raw[8:]), binary.BigEndian.Uint16(raw[2:])); !at.IsZero() {
			return at
		}
	}
	return time.Now()
}

func (c *Client) stateChanged(state webrtc.PeerConnectionState) {
	switch state {
	case webrtc.PeerConnectionStateConnected:
		c.onceUp.Do(func() { close(c.connected) })
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		c.over()
	}
}

// channel watches the data channel. Its end is the first that one sees of a server that hangs up: pion does not report a closed DTLS connection.
func (c *Client) channel(dc *webrtc.DataChannel) {
	c.said.mu.Lock()
	c.said.channel = dc
	c.said.mu.Unlock()
	dc.OnOpen(func() { c.onceOpen.Do(func() { close(c.open) }) })
	dc.OnClose(c.over)
	dc.OnMessage(c.heard)
}

func (c *Client) over() {
	c.onceLost.Do(func() { close(c.lost) })
}

// send sends a message and remembers the failure. It runs in serial.
func (c *Client) send(msg wire.Message) {
	if err := c.cfg.Signalling.Send(msg); err != nil {
		c.fail(fmt.Errorf("send %T: %w", msg, err))
	}
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.closing {
		c.err = err
	}
}

func (c *Client) panicked(f guard.Failure) { c.fail(fmt.Errorf("%w\n%s", f, f.Stack)) }
