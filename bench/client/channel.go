package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v3"

	"calls/wire"
)

const (
	lockPatience = 5 * time.Second       // for which a client asks for the lock, and then gives up what it wanted it for
	lockRetry    = 50 * time.Millisecond // from a refusal to the next question
)

// errNoLock is what a client that keeps to the lock does not get over: it negotiates with the lock or not at all.
var errNoLock = fmt.Errorf("the lock was not to be had within %s", lockPatience)

// said is what went over the data channel.
type said struct {
	mu      sync.Mutex
	channel *webrtc.DataChannel
	senders wire.MediaMap
	maps    uint64
	pongs   map[wire.Pong]uint64
	answers chan bool // about the lock; only the last one waits
	asking  sync.Mutex
}

// Say says something on the data channel.
func (c *Client) Say(m wire.ChannelMessage) error { return c.SayRaw(wire.EncodeChannel(m)) }

// SayRaw says something that may be no message at all.
func (c *Client) SayRaw(data []byte, text bool) error {
	c.said.mu.Lock()
	channel := c.said.channel
	c.said.mu.Unlock()
	if channel == nil {
		return errors.New("there is no data channel")
	}
	if text {
		return channel.SendText(string(data))
	}
	return channel.Send(data)
}

// Senders is whose media each line carries, as the server said last, and how often it has said it.
func (c *Client) Senders() (lines wire.MediaMap, told uint64) {
	c.said.mu.Lock()
	defer c.said.mu.Unlock()
	return c.said.senders, c.said.maps
}

// Pongs is how many pings of a form were answered.
func (c *Client) Pongs(form wire.Pong) uint64 {
	c.said.mu.Lock()
	defer c.said.mu.Unlock()
	return c.said.pongs[form]
}

// heard takes what the server says on the data channel.
func (c *Client) heard(m webrtc.DataChannelMessage) {
	reply, err := wire.DecodeReply(m.Data, m.IsString)
	switch {
	case errors.Is(err, wire.ErrUnknown):
		return // another server may say more
	case err != nil:
		c.fail(fmt.Errorf("read what came on the data channel: %w", err))
		return
	}
	c.said.mu.Lock()
	defer c.said.mu.Unlock()
	switch reply := reply.(type) {
	case wire.Pong:
		c.said.pongs[reply]++
	case wire.MediaMap:
		c.said.senders = reply
		c.said.maps++
	case wire.LockReply:
		select {
		case <-c.said.answers:
		default:
		}
		c.said.answers <- reply.Granted
	}
}

// Lock asks for the lock as clients do that know of it: again 50 ms after each refusal, and for five seconds at most.
func (c *Client) Lock(ctx context.Context) error {
	c.said.asking.Lock()
	defer c.said.asking.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, lockPatience, errNoLock)
	defer cancel()
	for {
		if err := c.Say(wire.Lock{}); err != nil {
			return fmt.Errorf("ask for the lock: %w", err)
		}
		select {
		case granted := <-c.said.answers:
			if granted {
				return nil
			}
		case <-c.lost:
			return errors.New("the connection was lost while the lock was asked for")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
