//go:build !plainudp

package media

import (
	"bytes"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a send batch and the socket at its other end.
type wire struct {
	t    *testing.T
	out  *sendBatch
	from *net.UDPConn
	to   *net.UDPConn
	link *link
}

func newWire(t *testing.T) *wire {
	open := func() *net.UDPConn {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		growBuffers(c, 4<<20)
		return c
	}
	w := &wire{t: t, from: open(), to: open(), link: &link{}}
	var err error
	w.out, err = newSendBatch(w.from, true)
	must(t, err)
	if !w.out.gso {
		t.Skip("this kernel has no UDP_SEGMENT")
	}
	w.link.moveTo(route{addr: w.to.LocalAddr().(*net.UDPAddr).AddrPort()}, time.Now())
	return w
}

// send sends datagrams of these sizes and checks that they arrive as they were added.
func (w *wire) send(sizes ...int) flushed {
	w.t.Helper()
	sent := make([][]byte, len(sizes))
	for i, n := range sizes {
		sent[i] = bytes.Repeat([]byte{byte(i)}, n)
		w.out.add(sent[i], w.link)
	}
	done := w.out.flush()
	buf := make([]byte, 2000)
	must(w.t, w.to.SetReadDeadline(time.Now().Add(time.Minute)))
	for i := range sent {
		n, err := w.to.Read(buf)
		must(w.t, err)
		if !bytes.Equal(buf[:n], sent[i]) {
			w.t.Fatalf("datagram %d of %v arrived with %d bytes of %d", i, sizes, n, buf[0])
		}
	}
	if done.sent != len(sizes) {
		w.t.Errorf("%d of %d counted as sent", done.sent, len(sizes))
	}
	return done
}

func repeat(size, n int) (sizes []int) {
	for range n {
		sizes = append(sizes, size)
	}
	return sizes
}

func TestSegmentsArriveAsTheyWere(t *testing.T) {
	w := newWire(t)
	for name, c := range map[string]struct {
		sizes     []int
		segmented int
	}{
		"a frame of video":          {append(repeat(1100, 7), 300), 8},
		"one":                       {[]int{100}, 0},
		"a bigger one behind":       {[]int{100, 101}, 0},
		"a smaller one in between":  {[]int{100, 100, 50, 100}, 3},
		"two smaller ones":          {[]int{100, 50, 50}, 3 - 1},
		"more than a message takes": {repeat(20, 130), 130},
		"more bytes than fit":       {repeat(1500, 60), 60},
	} {
		if got := w.send(c.sizes...); got.segmented != c.segmented || got.refused != 0 {
			t.Errorf("%s: %+v, want %d segmented", name, got, c.segmented)
		}
	}
	for range 200 {
		sizes := make([]int, 1+rand.IntN(100))
		for i := range sizes {
			sizes[i] = 50 + rand.IntN(3)
		}
		w.send(sizes...)
	}
}

func TestDatagramsOfTwoLinksAreNotMixed(t *testing.T) {
	w := newWire(t)
	other := &link{remote: w.link.remote}
	for i := range 8 {
		w.out.add(make([]byte, 100), []*link{w.link, other}[i/2%2])
	}
	if done := w.out.flush(); done.sent != 8 || done.segmented != 8 || w.out.n != 0 {
		t.Errorf("%+v", done)
	}
	if w.out.msgs[3].hdr.Iovlen != 2 {
		t.Errorf("the last message has %d segments", w.out.msgs[3].hdr.Iovlen)
	}
}

// TestRefusedSegments has the kernel refuse: it cuts nothing up for a socket without checksums.
func TestRefusedSegments(t *testing.T) {
	w := newWire(t)
	raw, err := w.from.SyscallConn()
	must(t, err)
	must(t, raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }))
	must(t, err)
	if got := w.send(500, 500, 500, 500, 20); got.refused != 1 || got.segmented != 0 || !w.link.unsegmented || !w.out.gso {
		t.Errorf("%+v", got)
	}
	if got := w.send(500, 500, 500); got.refused != 0 || got.segmented != 0 {
		t.Errorf("afterwards: %+v", got)
	}
}

// TestTheRestOfAFrameLeavesWithIt has the loop meet a frame of which a part is still in the socket.
func TestTheRestOfAFrameLeavesWithIt(t *testing.T) {
	const packets, listeners = 8, 5
	r := newRig(t, profileGCM, Video, listeners)
	if !r.l.out.batch.gso {
		t.Skip("this kernel has no UDP_SEGMENT")
	}
	publisher, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	defer publisher.Close()
	to := r.sh.conn.LocalAddr().(*net.UDPAddr)
	r.from = route{addr: publisher.LocalAddr().(*net.UDPAddr).AddrPort()}
	if !r.sh.table.learn(r.publisher, r.from, r.l.now) {
		t.Fatal("the publisher is not known")
	}
	frame := func(early int) {
		r.publisher.rtpBudget, r.src.budget = rtpBurst, videoBurst
		for n := range packets {
			pt := uint8(vp8Type)
			if n == packets-1 {
				pt |= 0x80
			}
			if n < early {
				r.feed(keyframePayload(900), pt)
				continue
			}
			_, err := publisher.WriteToUDP(r.sealed(keyframePayload(900), pt), to)
			must(t, err)
		}
		r.l.runLanes()
		for r.l.readsOn() {
			r.l.runBatch()
		}
		before := r.sh.Stats()
		r.l.flush()
		after := r.sh.Stats()
		if got := after.DatagramsOut - before.DatagramsOut; got != packets*listeners {
			t.Errorf("%d packets left at once, %d of the frame having come early", got, early)
		}
		if got := after.Segmented - before.Segmented; got != packets*listeners {
			t.Errorf("%d of them as parts of one message", got)
		}
	}
	for early := 1; early <= packets; early++ {
		frame(early)
		if r.l.readsOn() {
			t.Error("reads on although nothing waits to be sent")
		}
	}
	// What never ends does not keep the others waiting.
	_, err = publisher.WriteToUDP(r.sealed(keyframePayload(900), vp8Type), to)
	must(t, err)
	r.feed(keyframePayload(900), vp8Type)
	r.l.runLanes()
	rounds := 0
	for ; r.l.readsOn(); rounds++ {
		r.l.runBatch()
		if rounds < 2*maxLooks {
			_, err = publisher.WriteToUDP(r.sealed(keyframePayload(900), vp8Type), to)
			must(t, err)
		}
	}
	if rounds != maxLooks {
		t.Errorf("read on %d times", rounds)
	}
}
