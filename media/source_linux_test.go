//go:build !plainudp

package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun"
)

// A client that is answered from another address than it sent to takes the answer for none. All of 127.0.0.0/8 is this machine, and it would answer from 127.0.0.1.
func TestAnswersLeaveFromTheAddressThatWasSentTo(t *testing.T) {
	ts := newDualServer(t)
	alice := ts.joinWith(t, "alice", clientOptions{})
	var cred credential
	onLoop(alice.peer.Shard(), func() { cred = alice.peer.link.credentials[0] })
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	request := bindingRequest(t, cred.ufrag+":"+remoteUfrag(t, alice), cred.password)
	for _, at := range []string{"127.0.0.2", "127.0.0.1", "127.0.0.3"} {
		to := netip.AddrPortFrom(netip.MustParseAddr(at), ts.Addr().Port())
		buf := make([]byte, 1500)
		until(t, func() string { // pion may have no room for a request
			_, err := conn.WriteToUDPAddrPort(request, to)
			must(t, err)
			must(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil || from != to {
				return unless(false, "an answer from %v: %v from %v", to, err, from)
			}
			answer := stun.Message{Raw: buf[:n]}
			return unless(answer.Decode() == nil && answer.Type == stun.BindingSuccess, "an answer to the request: %v", answer.Type)
		})
	}
}

// TestPacketsLeaveFromTheAddressThatWasSentTo likewise, for media.
func TestPacketsLeaveFromTheAddressThatWasSentTo(t *testing.T) {
	both, clients := dualStack(t)
	out, err := newSendBatch(both, true)
	must(t, err)
	to := &link{remote: route{addr: clients[0].LocalAddr().(*net.UDPAddr).AddrPort()}, local: netip.MustParseAddr("127.0.0.9")}
	for range 4 {
		out.add(make([]byte, 500), to)
	}
	if done := out.flush(); done.sent != 4 {
		t.Fatalf("%+v", done)
	}
	for range 4 {
		buf := make([]byte, 1000)
		if n, from, err := clients[0].ReadFromUDPAddrPort(buf); err != nil || n != 500 || from.Addr() != to.local {
			t.Fatalf("%d bytes from %v: %v", n, from, err)
		}
	}
	out.add(make([]byte, 500), &link{remote: to.remote, local: netip.MustParseAddr("192.0.2.77")}) // which is another machine's
	out.add([]byte{1}, to)
	if done := out.flush(); done.sent != 1 {
		t.Errorf("%+v", done)
	}
}
