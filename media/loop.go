package media

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"calls/guard"
)

// loop is one run of a shard's loop. What must not be shared between two runs lies here: the buffers it receives into and sends from.
// The positions are fields, so that after a panic the next turn goes on behind the packet or the lane that caused it.
type loop struct {
	sh      *Shard
	epoch   uint64
	revoked atomic.Bool
	inLane  atomic.Pointer[Source] // the source whose lane runs

	in  *recvBatch
	out *sendQueue
	now time.Time // of this turn

	received, handled int       // datagrams of the batch
	touched           []*Source // with something in their lane
	lane              int
	ended             bool
}

func newLoop(sh *Shard, epoch uint64) (*loop, error) {
	in, err := newRecvBatch(sh.conn)
	if err != nil {
		return nil, err
	}
	batch, err := newSendBatch(sh.conn)
	if err != nil {
		return nil, err
	}
	return &loop{sh: sh, epoch: epoch, in: in, out: newSendQueue(batch), now: time.Now()}, nil
}

// run goes on until the shard is closed or the loop revoked. A panic costs what was being handled, nothing else.
func (l *loop) run() {
	for !l.ended {
		if !guard.Run("shard loop", l.turns, l.sh.onPanic) {
			l.inLane.Store(nil)
			l.sh.stats.panics.Add(1)
		}
	}
}

func (l *loop) turns() {
	for !l.ended {
		l.now = time.Now()
		l.runScheduled() // before the packets: what was scheduled before they came may be what they need
		l.handleBatch()
		l.runLanes()
		if l.revoked.Load() { // all that is shared is the fresh loop's by now
			l.ended = true
			return
		}
		if l.sh.ticking.CompareAndSwap(true, false) {
			l.sh.table.tick(l)
		}
		l.flush()
		if l.over() {
			l.ended = true
			return
		}
		l.receive()
	}
}

// over says that this loop has to leave. It is asked after everything that can get stuck, and before each flush.
func (l *loop) over() bool {
	return l.revoked.Load() || l.sh.closing.Load()
}

// receive waits for datagrams, or for a wake.
func (l *loop) receive() {
	l.received, l.handled = 0, 0
	l.sh.sleeping.Store(true)
	if !l.sh.idle() {
		l.sh.sleeping.Store(false)
		return
	}
	n, err := l.in.recv()
	l.sh.sleeping.Store(false)
	switch {
	case err == nil:
		l.received = n
	case errors.Is(err, os.ErrDeadlineExceeded):
		_ = l.sh.conn.SetReadDeadline(time.Time{})
	case errors.Is(err, net.ErrClosed):
		l.ended = true
	default:
		l.sh.stats.readErrors.Add(1)
	}
}

func (l *loop) handleBatch() {
	for l.handled < l.received && !l.revoked.Load() {
		b, from := l.in.datagram(l.handled)
		l.handled++
		l.sh.stats.datagramsIn.Add(1)
		l.ingress(b, from)
	}
}

// runScheduled runs what was scheduled up to now; what these functions schedule in turn has its turn after the packets that came meanwhile.
func (l *loop) runScheduled() {
	for n := l.sh.backlog(); n > 0 && !l.revoked.Load(); n-- {
		if fn := l.sh.next(); fn != nil {
			fn()
		}
	}
}

// runLanes runs the tracks that were offered packets.
func (l *loop) runLanes() {
	for l.lane < len(l.touched) && !l.revoked.Load() {
		src := l.touched[l.lane]
		l.lane++
		src.touched = nil
		if src.lane == nil {
			continue
		}
		l.inLane.Store(src)
		src.lane.Run()
		l.inLane.Store(nil)
	}
	if !l.revoked.Load() {
		clear(l.touched)
		l.touched, l.lane = l.touched[:0], 0
	}
}

// touch notes that a source's lane has to run in this turn.
func (l *loop) touch(src *Source) {
	if src.touched != l { // by this loop: a revoked one may have left its mark
		src.touched = l
		l.touched = append(l.touched, src)
	}
}

// flush sends what is queued, unless the loop was revoked: what a stuck loop had queued must not follow what its successor sent.
func (l *loop) flush() {
	if l.out.used == 0 {
		return
	}
	if l.revoked.Load() {
		l.out.reset()
		return
	}
	defer l.out.reset() // also when the flush itself fails
	sent, dropped := l.out.flush()
	l.sh.stats.datagramsOut.Add(uint64(sent))
	l.sh.stats.sendDropped.Add(uint64(dropped))
}

// buffer gives a send buffer, flushing when all are taken.
func (l *loop) buffer() (i int, b []byte) {
	if l.out.full() {
		l.flush()
	}
	return l.out.take()
}
