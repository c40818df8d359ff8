package media

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"
)

// What both forms of the socket promise: these run with the batched one, and with the plain one by the tag plainudp.

func udpSocket(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	return conn, conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// receive waits until n datagrams came.
func receive(t *testing.T, conn *net.UDPConn, n int) (all [][]byte, from []netip.AddrPort) {
	t.Helper()
	in, err := newRecvBatch(conn)
	must(t, err)
	for len(all) < n {
		got, err := in.recv()
		must(t, err)
		for i := range got {
			b, addr := in.datagram(i)
			all, from = append(all, bytes.Clone(b)), append(from, addr)
		}
	}
	return all, from
}

func TestDatagramsArriveAsSent(t *testing.T) {
	here, hereAddr := udpSocket(t)
	there, thereAddr := udpSocket(t)
	out, err := newSendBatch(there, true)
	must(t, err)
	const n = 20
	to := &link{remote: route{addr: hereAddr}}
	for range 2 { // a batch is used again
		for i := range n {
			out.add(bytes.Repeat([]byte{byte(i)}, 1+i*80), to)
		}
		if sent := out.flush().sent; sent != n {
			t.Fatalf("%d of %d sent", sent, n)
		}
		if sent := out.flush().sent; sent != 0 {
			t.Fatalf("an empty batch sent %d", sent)
		}
		got, from := receive(t, here, n)
		for i, b := range got {
			if want := bytes.Repeat([]byte{byte(i)}, 1+i*80); !bytes.Equal(b, want) {
				t.Fatalf("datagram %d has %d bytes, want %d", i, len(b), len(want))
			}
			if from[i] != thereAddr {
				t.Fatalf("from %s, want %s", from[i], thereAddr)
			}
		}
	}
}

func TestADatagramThatIsTooLongIsEmpty(t *testing.T) {
	here, hereAddr := udpSocket(t)
	there, _ := udpSocket(t)
	for _, size := range []int{datagramSize, datagramSize + 1, 9000, 1} {
		_, err := there.WriteToUDPAddrPort(make([]byte, size), hereAddr)
		must(t, err)
	}
	got, _ := receive(t, here, 4)
	for i, want := range []int{datagramSize, 0, 0, 1} {
		if len(got[i]) != want {
			t.Errorf("datagram %d has %d bytes, want %d", i, len(got[i]), want)
		}
	}
}

func TestOneBadAddressHoldsNobodyUp(t *testing.T) {
	here, hereAddr := udpSocket(t)
	there, _ := udpSocket(t)
	out, err := newSendBatch(there, true)
	must(t, err)
	out.add([]byte("first"), &link{remote: route{addr: hereAddr}})
	out.add([]byte("nobody"), &link{remote: route{addr: netip.MustParseAddrPort("127.0.0.1:0")}}) // no system sends to port 0
	out.add([]byte("second"), &link{remote: route{addr: hereAddr}})
	if sent := out.flush().sent; sent != 2 {
		t.Errorf("%d sent, want 2", sent)
	}
	if got, _ := receive(t, here, 2); string(got[0]) != "first" || string(got[1]) != "second" {
		t.Errorf("got %q", got)
	}
}

func TestSendingAndReceivingOnAClosedSocketEnd(t *testing.T) {
	conn, addr := udpSocket(t)
	out, err := newSendBatch(conn, true)
	must(t, err)
	in, err := newRecvBatch(conn)
	must(t, err)
	must(t, conn.Close())
	out.add([]byte("late"), &link{remote: route{addr: addr}})
	if sent := out.flush().sent; sent != 0 {
		t.Errorf("%d sent", sent)
	}
	if _, err := in.recv(); err == nil {
		t.Error("a closed socket received")
	}
}

func TestSocketBuffersAreAtLeastPartlyGranted(t *testing.T) {
	conn, _ := udpSocket(t)
	if read, write := growBuffers(conn, 1<<20); read < 64<<10 || write < 64<<10 {
		t.Errorf("granted %d and %d", read, write)
	}
}
