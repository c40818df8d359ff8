//go:build linux && !plainudp

package media

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkShards drives several calls as hard as they go, through real sockets at both ends, and shows what more loops bring: packets forwarded in a second,
// and the process time that one costs, the senders' share included.
func BenchmarkShards(b *testing.B) {
	for _, shards := range []int{1, 2} {
		b.Run(fmt.Sprint(shards), func(b *testing.B) { benchmarkShards(b, shards) })
	}
}

const (
	benchCalls     = 4
	benchListeners = 30
)

func benchmarkShards(b *testing.B, shards int) {
	ts := newTestServerOf(b, shards)
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ts.Addr().Addr().AsSlice()})
	must(b, err)
	b.Cleanup(func() { _ = sink.Close() })
	calls := make([]*benchCall, benchCalls)
	for i := range calls {
		calls[i] = newBenchCall(b, ts, i, route{addr: sink.LocalAddr().(*net.UDPAddr).AddrPort()})
	}
	before, start := processTime(b), time.Now()
	b.ResetTimer()
	var running sync.WaitGroup
	for _, c := range calls {
		running.Add(1)
		go func() { defer running.Done(); c.talk(b.N) }()
	}
	running.Wait()
	b.StopTimer()
	forwarded := float64(0)
	for _, c := range calls {
		forwarded += float64(c.lane.done.Load() * benchListeners)
	}
	b.ReportMetric(forwarded/time.Since(start).Seconds(), "forwarded/s")
	b.ReportMetric(float64((processTime(b)-before).Nanoseconds())/forwarded, "cpu-ns/forwarded")
	b.ReportMetric(0, "ns/op")
}

func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchCall is one talker and those who listen, without pion.
type benchCall struct {
	conn   *net.UDPConn
	sealer *srtpContext
	ssrc   uint32
	lane   *countingLane
	refill func() // what a talker may bring
	seq    uint64
}

type countingLane struct {
	quiet
	done atomic.Int64
}

func (c *countingLane) Run() {
	n := len(c.queue)
	c.quiet.Run()
	c.done.Add(int64(n))
}

func newBenchCall(b *testing.B, ts *testServer, n int, sink route) *benchCall {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(ts.Addr()))
	must(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	sh := ts.assign(fmt.Sprint("call ", n))
	c := &benchCall{conn: conn, ssrc: uint32(1000 + n), seq: 1000}
	publisher := newLink(sh, "publisher", newProfiles())
	publisher.keys = rigKeys(b, profileGCM)
	key := make([]byte, srtpKeySize+gcmSaltSize)
	for _, twin := range []**srtpContext{&publisher.keys.in, &c.sealer} { // a context is one goroutine's
		*twin, err = newSRTPContext(profileGCM, key[:srtpKeySize], key[srtpKeySize:])
		must(b, err)
	}
	src := newSource(publisher, Stream{MID: "1", Kind: Audio}, 2048)
	c.refill = func() { sh.Schedule(func() { publisher.rtpBudget, src.budget = rtpBurst, audioBurst }) }
	var slots []*Slot
	onLoop(sh, func() {
		now := sh.current.Load().now
		sh.table.add(publisher)
		from := route{addr: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
		sh.table.learn(publisher, from, now)
		publisher.moveTo(from, now)
		publisher.setLines([]mediaLine{{stream: Stream{MID: "1", Kind: Audio}, sends: true, ssrcs: []uint32{c.ssrc}, types: []uint8{opusType}}})
		src.open()
		for i := range benchListeners {
			lk := newLink(sh, "listener", newProfiles())
			lk.keys = rigKeys(b, profileGCM)
			sh.table.add(lk)
			lk.moveTo(sink, now)
			s := newSlot(lk, Audio, newLocalTrack(Audio))
			s.open(uint32(10000+n*1000+i), opusType)
			s.Bind(src)
			slots = append(slots, s)
		}
		c.lane = &countingLane{quiet: quiet{&forwarder{src: src, slots: slots}}}
		src.Attach(c.lane, FromNow)
	})
	return c
}

// talk sends n packets, at most a few ahead of what was forwarded.
func (c *benchCall) talk(n int) {
	payload := make([]byte, 100)
	buf := make([]byte, 0, datagramSize)
	for i := range n {
		for stop := time.Now().Add(time.Second); int64(i)-c.lane.done.Load() > 64 && time.Now().Before(stop); {
			<-time.After(50 * time.Microsecond)
		}
		if i%64 == 0 {
			c.refill()
		}
		c.seq++
		b := append(buf, 0x80, opusType, byte(c.seq>>8), byte(c.seq), 0, 0, 0, 0, 0, 0, 0, 0)
		binary.BigEndian.PutUint32(b[8:], c.ssrc)
		b = c.sealer.sealRTP(append(b, payload...), rtpHeaderSize, c.ssrc, c.seq)
		_, _ = c.conn.Write(b)
	}
}
