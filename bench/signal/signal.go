// Package signal is the bench's own signalling: one TCP connection per participant, one JSON object per message. Every forwarder under test speaks it, by itself or
// through a bridge, so that the load generator knows of no product.
//
// A participant says join and is answered joined. Then offers, answers and candidates go both ways, and the participant tells of what it is about to publish.
// A forwarder with one connection for each direction says Dual; its messages name the one they mean by PC, "pub" or "sub".
package signal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// The types of messages. Offer, answer and candidate go both ways.
const (
	Join      = "join"      // Call, User
	Joined    = "joined"    // Dual, NoChannel
	Offer     = "offer"     // PC, SDP
	Answer    = "answer"    // PC, SDP
	Candidate = "candidate" // PC, Candidate
	Unmute    = "unmute"    // the next offer has a voice
	ScreenOn  = "screen_on" // Stream; the next offer has a screen
	Leave     = "leave"     //
	Error     = "error"     // Text
	Stats     = "stats"     // asks a forwarder of ours for its Stats, which the answer carries
	Profile   = "profile"   // Text: the file that a CPU profile goes to; Seconds
	writeWait = 5 * time.Second
)

// Message is any message; most fields are empty in most.
type Message struct {
	Type      string       `json:"type"`
	PC        string       `json:"pc,omitempty"`
	Call      string       `json:"call,omitempty"`
	User      string       `json:"user,omitempty"`
	SDP       string       `json:"sdp,omitempty"`
	Candidate string       `json:"candidate,omitempty"` // JSON of an RTCIceCandidateInit
	Stream    string       `json:"stream,omitempty"`
	Text      string       `json:"text,omitempty"`
	Seconds   int          `json:"seconds,omitempty"`
	Dual      bool         `json:"dual,omitempty"`
	NoChannel bool         `json:"no_channel,omitempty"` // no data channel will open
	Stats     *ServerStats `json:"stats,omitempty"`
}

// ServerStats is what a forwarder of ours knows of itself.
type ServerStats struct {
	Mallocs     uint64 `json:"mallocs"`      // objects allocated since it started
	HeapBytes   uint64 `json:"heap_bytes"`   // in use
	Goroutines  int    `json:"goroutines"`   //
	Sent        uint64 `json:"sent"`         // datagrams of media
	Segmented   uint64 `json:"segmented"`    // of them, in messages that the kernel cut up (UDP_SEGMENT)
	ReadBuffer  int    `json:"read_buffer"`  // of the media socket, as granted; 0: not known
	WriteBuffer int    `json:"write_buffer"` //
}

// Conn carries messages. Send may be called by several goroutines, Receive by one.
type Conn struct {
	conn net.Conn
	dec  *json.Decoder
	mu   sync.Mutex
	enc  *json.Encoder
}

// Dial connects to a forwarder.
func Dial(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, writeWait)
	if err != nil {
		return nil, fmt.Errorf("signalling: %w", err)
	}
	return NewConn(c), nil
}

// NewConn makes a Conn of a connection.
func NewConn(c net.Conn) *Conn {
	return &Conn{conn: c, dec: json.NewDecoder(c), enc: json.NewEncoder(c)}
}

// Send writes a message. It waits at most five seconds for a peer that does not read.
func (c *Conn) Send(m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return c.enc.Encode(m)
}

// Receive waits for the next message.
func (c *Conn) Receive() (m Message, err error) {
	err = c.dec.Decode(&m)
	return m, err
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Serve listens on a free port of the loopback address, prints it as the starter expects, and hands each connection to serve until standard input ends: the
// starter holds its other end, so that no forwarder outlives the bench.
func Serve(serve func(*Conn)) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = l.Close()
	}()
	fmt.Println(ReadyPrefix + l.Addr().String())
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			conn := NewConn(c)
			defer conn.Close()
			serve(conn)
		}()
	}
}

// ReadyPrefix begins the line by which a forwarder says where it listens.
const ReadyPrefix = "ready "
