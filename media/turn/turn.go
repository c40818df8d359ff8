// Package turn is the client's side of TURN (RFC 8656), as far as a media server needs it: one relayed address for UDP over IPv4, permissions for those who may send
// to it, and channels for those who are sent to. It starts goroutines by way of guard alone, and each of its waits ends with Close.
package turn

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun"

	"calls/guard"
)

const (
	maxPermits      = 32 // addresses that may send, the earliest wishes count
	maxChannels     = 16 // addresses that are sent to in the short form; others in the long one
	dialWindow      = 5 * time.Second
	writeStall      = 5 * time.Second // that a server on a connection may take to read
	farewell        = time.Second     // that giving the allocation back may take
	shortestRefresh = 20 * time.Second
	longestRefresh  = 30 * time.Minute
	permitRefresh   = 3 * time.Minute // of the five that a permission holds; a channel holds ten
)

// ErrClosed is what a client that is closed answers.
var ErrClosed = errors.New("turn: closed")

// Server is where a relayed address is to be had, and by what right.
type Server struct {
	Network  string // udp, tcp, or tls
	Addr     string // host and port
	Username string
	Password string
}

// String names the server and keeps its secrets.
func (s Server) String() string { return s.Network + " " + s.Addr }

// Config is what a Client needs to know.
type Config struct {
	Server   Server
	Received func(b []byte, from netip.AddrPort) // what came to the relayed address; b is the client's again when it returns
	OnPanic  func(guard.Failure)
}

// Client is one allocation.
type Client struct {
	cfg     Config
	conn    net.Conn
	stream  bool // the connection has no datagrams of its own
	relayed netip.AddrPort
	auth    auth

	answers chan *stun.Message
	waiting atomic.Pointer[[stun.TransactionIDSize]byte] // whose answer is waited for
	wake    chan struct{}
	closed  chan struct{}
	once    sync.Once
	over    chan struct{} // closed when nothing of the client runs any more
	runs    sync.WaitGroup
	why     atomic.Pointer[error]

	mu       sync.Mutex
	permits  []netip.Addr     // wished for
	granted  int              // of them
	bound    []netip.AddrPort // wished to have a channel
	channels atomic.Pointer[channelMap]
	scratch  []byte // of Send
}

// channelMap is the channels that the server has agreed to. It is never changed: a new one takes its place.
type channelMap struct {
	number map[netip.AddrPort]uint16
	peer   map[uint16]netip.AddrPort
}

// Allocate has a server give a relayed address. It gives up when ctx is done.
func Allocate(ctx context.Context, cfg Config) (*Client, error) {
	conn, err := dial(ctx, cfg.Server)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, conn: conn, stream: cfg.Server.Network != "udp", auth: auth{username: cfg.Server.Username, password: cfg.Server.Password},
		answers: make(chan *stun.Message, 1), wake: make(chan struct{}, 1), closed: make(chan struct{}), over: make(chan struct{}),
	}
	c.channels.Store(&channelMap{})
	stop := context.AfterFunc(ctx, c.Close)
	c.runs.Add(1)
	guard.Go("reading a TURN server", func() { defer c.runs.Done(); defer c.Close(); c.read() }, cfg.OnPanic)
	lifetime, err := c.allocate()
	if !stop() || err != nil {
		c.Close()
		c.leave()
		return nil, cmp.Or(err, context.Cause(ctx))
	}
	guard.Go("keeping a TURN allocation", func() { defer close(c.over); defer c.Close(); c.keep(lifetime) }, cfg.OnPanic)
	return c, nil
}

func dial(ctx context.Context, s Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWindow)
	defer cancel()
	var d net.Dialer
	switch s.Network {
	case "udp", "tcp":
		return d.DialContext(ctx, s.Network, s.Addr)
	case "tls":
		secure := tls.Dialer{NetDialer: &d, Config: &tls.Config{MinVersion: tls.VersionTLS12}} // the name to check is that of the address
		return secure.DialContext(ctx, "tcp", s.Addr)
	}
	return nil, fmt.Errorf("turn: no network %q", s.Network)
}

// Relayed is the address that the allocation has at the server.
func (c *Client) Relayed() netip.AddrPort { return c.relayed }

// Done is closed when the allocation is lost or given back.
func (c *Client) Done() <-chan struct{} { return c.closed }

// Over is closed when nothing of the client runs any more, and the server has been told if it could be.
func (c *Client) Over() <-chan struct{} { return c.over }

// Err is why the allocation was lost; nil when it was given back.
func (c *Client) Err() error {
	if err := c.why.Load(); err != nil {
		return *err
	}
	return nil
}

// Close gives the allocation back, without waiting for it. It may be called twice.
func (c *Client) Close() { c.once.Do(func() { close(c.closed) }) }

// Permit lets an address send to the relayed one. It returns at once.
func (c *Client) Permit(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.Is4() || len(c.permits) >= maxPermits {
		return
	}
	for _, have := range c.permits {
		if have == a {
			return
		}
	}
	c.permits = append(c.permits, a)
	c.nudge()
}

func (c *Client) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Send has the server send a datagram from the relayed address. It may wait for a server that is reached over a connection. One goroutine calls it at a time.
func (c *Client) Send(b []byte, to netip.AddrPort) error {
	select {
	case <-c.closed:
		return ErrClosed
	default:
	}
	if !to.Addr().Is4() {
		return fmt.Errorf("turn: %v is not of IPv4", to)
	}
	if number, ok := c.channels.Load().number[to]; ok {
		c.scratch = appendChannelData(c.scratch[:0], number, b, c.stream)
	} else {
		c.bind(to)
		c.scratch = appendSendIndication(c.scratch[:0], to, b)
	}
	return c.write(c.scratch)
}

// bind wishes for a channel.
func (c *Client) bind(to netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.bound) >= maxChannels {
		return
	}
	for _, have := range c.bound {
		if have == to {
			return
		}
	}
	c.bound = append(c.bound, to)
	c.nudge()
}

func (c *Client) write(b []byte) error {
	if c.stream {
		if err := c.conn.SetWriteDeadline(time.Now().Add(writeStall)); err != nil {
			return err
		}
	}
	_, err := c.conn.Write(b)
	if err != nil && c.stream { // half of it may be on its way: nothing that follows would be understood
		c.fail(err)
	}
	return err
}

// fail notes why the allocation is lost.
func (c *Client) fail(err error) {
	c.why.CompareAndSwap(nil, &err)
	c.Close()
}

// keep renews what the server forgets, and asks it for what is wished for, until the client is closed.
func (c *Client) keep(lifetime time.Duration) {
	defer c.leave()
	renew := time.NewTimer(refreshAfter(lifetime))
	defer renew.Stop()
	again := time.NewTicker(permitRefresh)
	defer again.Stop()
	for {
		var err error
		select {
		case <-c.closed:
			return
		case <-c.wake:
			c.grant(false)
		case <-again.C:
			c.grant(true)
		case <-renew.C:
			if lifetime, err = c.refresh(lifetime); err != nil {
				c.fail(fmt.Errorf("renewing the allocation: %w", err))
				return
			}
			renew.Reset(refreshAfter(lifetime))
		}
	}
}

func refreshAfter(lifetime time.Duration) time.Duration {
	return min(max(lifetime/2, shortestRefresh), longestRefresh)
}

// grant asks for the permissions and channels that are wished for, all of them or those not asked for yet. One that is refused is asked for again with all.
func (c *Client) grant(all bool) {
	c.mu.Lock()
	first := c.granted
	if all {
		first = 0
	}
	permits, bound := c.permits[first:], c.bound
	c.granted = len(c.permits)
	c.mu.Unlock()
	for _, a := range permits {
		if errors.Is(c.permit(a), errNoAnswer) {
			c.fail(errNoAnswer)
			return
		}
	}
	for i, to := range bound {
		if _, have := c.channels.Load().number[to]; all || !have {
			c.bindChannel(to, uint16(firstChannel+i))
		}
	}
}

// bindChannel asks for a channel and uses it from then on; without one everything goes in the long form.
func (c *Client) bindChannel(to netip.AddrPort, number uint16) {
	if c.channel(to, number) != nil {
		return
	}
	old, next := c.channels.Load(), channelMap{map[netip.AddrPort]uint16{}, map[uint16]netip.AddrPort{}}
	for peer, n := range old.number {
		next.number[peer], next.peer[n] = n, peer
	}
	next.number[to], next.peer[number] = number, to
	c.channels.Store(&next)
}

// leave gives the allocation back and ends the connection.
func (c *Client) leave() {
	if c.relayed.IsValid() {
		c.giveBack()
	}
	_ = c.conn.Close()
	c.runs.Wait()
}
