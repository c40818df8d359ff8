// Package bridge is the bench's signalling as the programs around the peers speak it; see bench/signal, whose module they cannot import.
package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const writeWait = 5 * time.Second

// Message is any message; most fields are empty in most.
type Message struct {
	Type      string `json:"type"`
	PC        string `json:"pc,omitempty"`
	Call      string `json:"call,omitempty"`
	User      string `json:"user,omitempty"`
	SDP       string `json:"sdp,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	Stream    string `json:"stream,omitempty"`
	Text      string `json:"text,omitempty"`
	Dual      bool   `json:"dual,omitempty"`
}

// Conn is one participant's connection. Tell may be called by several goroutines, Receive by one.
type Conn struct {
	conn net.Conn
	dec  *json.Decoder
	mu   sync.Mutex
	enc  *json.Encoder
}

// Tell sends a message. One who is gone is noticed by reading.
func (c *Conn) Tell(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeWait))
	_ = c.enc.Encode(m)
}

// Receive waits for the next message; not ok: there will be none.
func (c *Conn) Receive() (m Message, ok bool) {
	err := c.dec.Decode(&m)
	return m, err == nil
}

// Serve listens on a free port, says which, and hands each connection to serve, until standard input ends: with the bench.
func Serve(serve func(*Conn)) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = l.Close()
	}()
	fmt.Println("ready " + l.Addr().String())
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			serve(&Conn{conn: conn, dec: json.NewDecoder(conn), enc: json.NewEncoder(conn)})
		}()
	}
}
