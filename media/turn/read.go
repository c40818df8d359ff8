package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"

	"github.com/pion/stun"
)

// errGarbage ends a connection on which something comes that has no end one could find.
var errGarbage = errors.New("the server sends what is not TURN")

// read takes what the server sends, until the connection ends. A datagram that makes no sense is passed over. That nobody listens at the server (an error of UDP,
// too) is the end: a server that is started again has forgotten the allocation.
func (c *Client) read() {
	next := c.conn.Read
	if c.stream {
		in := bufio.NewReaderSize(c.conn, 2*maxMessage)
		next = func(buf []byte) (int, error) { return frame(in, buf) }
	}
	buf := make([]byte, maxMessage)
	for {
		n, err := next(buf)
		if err != nil {
			select {
			case <-c.closed: // which ended the connection
			default:
				c.fail(err)
			}
			return
		}
		c.handle(buf[:n])
	}
}

// frame reads one message of a connection: STUN has its length in the header, channel data in another, and is padded.
func frame(in *bufio.Reader, buf []byte) (n int, err error) {
	if _, err := io.ReadFull(in, buf[:channelHeader]); err != nil {
		return 0, err
	}
	n = channelHeader + padded(int(binary.BigEndian.Uint16(buf[2:])))
	if buf[0]>>6 == 0 {
		n = headerSize + int(binary.BigEndian.Uint16(buf[2:]))
	} else if buf[0]>>6 != 1 {
		return 0, errGarbage
	}
	if n > len(buf) {
		return 0, errGarbage
	}
	_, err = io.ReadFull(in, buf[channelHeader:n])
	return n, err
}

func (c *Client) handle(b []byte) {
	switch {
	case len(b) >= channelHeader && b[0]>>6 == 1:
		number, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if peer, ok := c.channels.Load().peer[number]; ok && n <= len(b)-channelHeader {
			c.cfg.Received(b[channelHeader:channelHeader+n], peer)
		}
	case len(b) < headerSize || b[0]>>6 != 0:
	case binary.BigEndian.Uint16(b) == dataIndication:
		if data, from, ok := readIndication(b); ok {
			c.cfg.Received(data, from)
		}
	default:
		c.answer(b)
	}
}

// readIndication finds a datagram and its sender in a Data indication.
func readIndication(b []byte) (data []byte, from netip.AddrPort, ok bool) {
	if int(binary.BigEndian.Uint16(b[2:])) != len(b)-headerSize {
		return nil, from, false
	}
	known := false
	for rest := b[headerSize:]; len(rest) >= 4; {
		kind, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if rest = rest[4:]; n > len(rest) {
			return nil, from, false
		}
		switch kind {
		case attrPeer:
			from, known = readPeer(rest[:n])
		case attrData:
			data = rest[:n]
		}
		rest = rest[min(padded(n), len(rest)):]
	}
	return data, from, known && data != nil
}

// answer hands the answer to a request to whom has asked.
func (c *Client) answer(b []byte) {
	id := c.waiting.Load()
	if id == nil || string(id[:]) != string(b[8:headerSize]) {
		return
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil {
		return
	}
	if class := m.Type.Class; class != stun.ClassSuccessResponse && class != stun.ClassErrorResponse {
		return
	}
	select {
	case c.answers <- m:
	default:
	}
}
