package turn

import (
	"bufio"
	"bytes"
	"net/netip"

	"github.com/pion/stun"
)

// Handle gives a client what a server might send, as a datagram and as a stream.
func Handle(b []byte) {
	c := &Client{cfg: Config{Received: func([]byte, netip.AddrPort) {}}, answers: make(chan *stun.Message, 1)}
	peer := netip.MustParseAddrPort("192.0.2.1:1")
	c.channels.Store(&channelMap{map[netip.AddrPort]uint16{peer: firstChannel}, map[uint16]netip.AddrPort{firstChannel: peer}})
	id := [stun.TransactionIDSize]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	c.waiting.Store(&id)
	c.handle(b)
	select {
	case m := <-c.answers:
		c.auth.challenged(m)
		_ = refusal(m)
		_ = lifetimeOf(m)
	default:
	}
	in, buf := bufio.NewReader(bytes.NewReader(b)), make([]byte, maxMessage)
	for {
		n, err := frame(in, buf)
		if err != nil {
			return
		}
		c.handle(buf[:n])
	}
}
