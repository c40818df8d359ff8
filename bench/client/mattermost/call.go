package mattermost

import (
	"context"
	"encoding/json"
	"fmt"

	"calls/bench/client"
	"calls/wire"
)

// Call is a user's place in a call: a socket and a client of its own.
type Call struct {
	*client.Client
	Socket *Socket
	API    *API
}

// RefusedError is the server's refusal to let somebody in.
type RefusedError struct {
	Code, Text string
}

func (e *RefusedError) Error() string { return "refused: " + e.Text }

// Join joins the call of a channel, beginning it when there is none, and makes the first offer. It returns when the server has acknowledged the join; wait for media
// with WaitConnected. Signalling in cfg is ignored.
func (a *API) Join(ctx context.Context, req wire.Join, cfg client.Config) (*Call, error) {
	c := &Call{API: a}
	ready := make(chan struct{})
	socket, err := a.Dial(ctx, func(e Event) {
		<-ready
		c.dispatch(e)
	})
	if err != nil {
		close(ready)
		return nil, err
	}
	c.Socket, cfg.Signalling = socket, socket
	c.Client, err = client.New(cfg)
	if err != nil {
		c.Client = nil
	}
	close(ready)
	if err == nil {
		err = c.join(ctx, req)
	}
	if err != nil {
		c.Drop()
		return nil, err
	}
	return c, nil
}

func (c *Call) join(ctx context.Context, req wire.Join) error {
	if err := c.Socket.Send(req); err != nil {
		return fmt.Errorf("send join: %w", err)
	}
	ack, err := c.Socket.Await(ctx, "join or error", func(e Event) bool {
		return (e.Name == "join" || e.Name == "error") && c.mine(e)
	})
	if err != nil {
		return err
	}
	if ack.Name == "error" {
		var no wire.Refusal
		if err := json.Unmarshal(ack.Data, &no); err != nil {
			return fmt.Errorf("read refusal: %w", err)
		}
		return &RefusedError{Code: no.Code, Text: no.Data}
	}
	return c.Start()
}

// mine says whether an event is for this connection: the user's other ones see it too.
func (c *Call) mine(e Event) bool {
	var to struct {
		ConnID string `json:"connID"`
	}
	return !e.Foreign && json.Unmarshal(e.Data, &to) == nil && to.ConnID == c.Socket.ConnID
}

// Leave hangs up and closes the socket.
func (c *Call) Leave() error {
	err := c.Client.Leave()
	c.Socket.Close()
	return err
}

// Drop goes without a word, as a machine does that lost its power, except that sockets are closed.
func (c *Call) Drop() {
	if c.Client != nil {
		_ = c.Close()
	}
	c.Socket.Close()
}

// dispatch hands the client what is for it. It runs on the socket's goroutine.
func (c *Call) dispatch(e Event) {
	if e.Name != "signal" || c.Client == nil || !c.mine(e) {
		return
	}
	var outer wire.Signal
	var inner struct {
		Type        string          `json:"type"`
		SDP         string          `json:"sdp"`
		Candidate   json.RawMessage `json:"candidate"`
		Renegotiate bool            `json:"renegotiate"`
	}
	if json.Unmarshal(e.Data, &outer) != nil || json.Unmarshal([]byte(outer.Data), &inner) != nil {
		return // whoever waits for it says what is missing; the event itself is recorded
	}
	switch {
	case inner.Renegotiate:
		c.Renegotiate()
	case inner.Type == "candidate":
		c.HandleCandidate(string(inner.Candidate))
	case inner.Type == "offer", inner.Type == "answer":
		c.HandleSignal(inner.Type, inner.SDP)
	}
}
