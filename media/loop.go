package media

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"calls/guard"
)

// loop is one run of a shard's loop. What must not be shared between two runs lies here: the buffers it receives into and sends from.
// The positions are fields, so that after a panic the next turn goes on behind the packet or the lane that caused it.
type loop struct {
	sh    *Shard
	epoch uint64

	// beat says what the loop is at: a count of its steps, and the phase in the lowest bits. Every step is a compare-and-swap, so that a loop that was revoked
	// meanwhile learns it there, before it touches anything shared.
	beat atomic.Uint64
	mine uint64                  // the beat as the loop left it
	at   atomic.Pointer[laneRef] // the lane that runs, in the phases of others' code
	left atomic.Bool             // nobody waits for its goroutine any more
	in   *recvBatch
	out  *sendQueue
	now  time.Time // of this turn

	received, handled int        // datagrams of the batch
	inbox             []arrival  // that came another way
	taken             int        // of them
	handed            bool       // the datagram at hand came by the inbox
	sentTo            netip.Addr // the address of this machine that it was sent to; not valid: not known
	touched           []*Source  // with something in their lane
	lane              int
	unfinished        bool // the last packet of video was not the last of its frame
	looks             int  // for the rest of it since the last flush
	reports           reportWriter
	ended             bool
}

// phase is what a loop is at.
type phase uint64

const (
	waiting   phase = iota // for datagrams
	own                    // in code of this package
	scheduled              // in a function that somebody scheduled
	laneRuns               // in a lane
	phaseBits = 2
)

// beatRevoked is the beat of a loop that was taken its shard away.
const beatRevoked = ^uint64(0)

func phaseOf(beat uint64) phase { return phase(beat & (1<<phaseBits - 1)) }

// foreign says whether code of others runs, which may hang, and which changes nothing shared but through a Slot or a Source.
func (p phase) foreign() bool { return p == scheduled || p == laneRuns }

func newLoop(sh *Shard, epoch uint64) (*loop, error) {
	in, err := newRecvBatch(sh.conn)
	if err != nil {
		return nil, err
	}
	batch, err := newSendBatch(sh.conn, !sh.cfg.NoSegmentation)
	if err != nil {
		return nil, err
	}
	l := &loop{sh: sh, epoch: epoch, in: in, out: newSendQueue(batch), now: time.Now()}
	l.mine = uint64(own)
	l.beat.Store(l.mine)
	return l, nil
}

// successor is a loop that goes on where this one was taken its shard away, in code of others: with what was received and is not handled, with the lanes
// that were still to run and with what is queued to be sent.
func (l *loop) successor() *loop {
	next := &loop{
		sh: l.sh, epoch: l.epoch + 1, in: l.in, out: l.out, now: time.Now(), received: l.received, handled: l.handled, inbox: l.inbox, taken: l.taken,
		touched: append([]*Source(nil), l.touched[min(l.lane, len(l.touched)):]...), mine: uint64(own),
	}
	next.beat.Store(next.mine)
	for _, src := range next.touched {
		src.touched = next
	}
	return next
}

// shift enters a phase. It is false for a loop that was revoked.
func (l *loop) shift(p phase) bool {
	next := (l.mine>>phaseBits+1)<<phaseBits | uint64(p)
	if !l.beat.CompareAndSwap(l.mine, next) {
		l.ended = true // all that is shared is the successor's
		return false
	}
	l.mine = next
	return true
}

// run goes on until the shard is closed or the loop revoked. A panic costs what was being handled, nothing else.
func (l *loop) run() {
	for !l.ended {
		if !guard.Run("shard loop", l.turns, l.sh.onPanic) {
			l.sh.stats.panics.Add(1)
			l.shift(own)
		}
	}
}

func (l *loop) turns() {
	for !l.ended {
		l.now = time.Now()
		// What was scheduled comes before the packets: it may be what they need.
		if !l.runScheduled() || !l.runBatch() {
			return
		}
		if l.sh.ticking.CompareAndSwap(true, false) {
			l.sh.table.tick(l)
		}
		if l.readsOn() {
			continue
		}
		l.flush()
		if l.sh.closing.Load() {
			l.ended = true
			return
		}
		l.receive()
	}
}

func (l *loop) runBatch() bool {
	l.handleBatch()
	l.handleInbox()
	return l.runLanes()
}

// receive waits for datagrams, or for a wake.
func (l *loop) receive() {
	l.received, l.handled = 0, 0
	l.sh.sleeping.Store(true)
	if !l.sh.idle() {
		l.sh.sleeping.Store(false)
		return
	}
	if !l.shift(waiting) {
		return
	}
	n, err := l.in.recv()
	if !l.shift(own) {
		return
	}
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

// readsOn takes what else has come before it sends what is queued, when that ends within a frame of video: the rest of it is there already or on its way, and
// packets to one receiver cost a fraction when they leave together (UDP_SEGMENT). It does not wait for them.
func (l *loop) readsOn() bool {
	if !l.unfinished || !l.out.batch.gso || l.out.used == 0 || l.out.used >= sendEnough || l.looks == maxLooks {
		l.looks = 0
		return false
	}
	l.looks++
	l.received, l.handled = l.in.poll(), 0
	if l.received == 0 {
		l.looks = 0
	}
	return l.received > 0
}

func (l *loop) handleBatch() {
	l.handed = false
	for l.handled < l.received {
		b, from := l.in.datagram(l.handled)
		l.sentTo = l.in.sentTo(l.handled)
		l.handled++
		l.sh.stats.datagramsIn.Add(1)
		l.ingress(b, route{addr: from})
	}
}

// runScheduled runs what was scheduled up to now; what these functions schedule in turn has its turn after the packets that came meanwhile.
func (l *loop) runScheduled() bool {
	for n := l.sh.backlog(); n > 0; n-- {
		t, ok := l.sh.next()
		if !ok {
			break
		}
		l.at.Store(t.lane)
		if !l.shift(scheduled) {
			return false
		}
		t.fn()
		if !l.shift(own) {
			return false
		}
	}
	return true
}

// runLanes runs the tracks that were offered packets.
func (l *loop) runLanes() bool {
	for l.lane < len(l.touched) {
		src := l.touched[l.lane]
		l.lane++
		src.touched = nil
		if src.lane == nil {
			continue
		}
		l.at.Store(src.lane)
		if !l.shift(laneRuns) {
			return false
		}
		src.lane.Run()
		if !l.shift(own) {
			return false
		}
	}
	clear(l.touched)
	l.touched, l.lane = l.touched[:0], 0
	return true
}

// touch notes that a source's lane has to run in this turn.
func (l *loop) touch(src *Source) {
	if src.touched != l { // by this loop: a revoked one may have left its mark
		src.touched = l
		l.touched = append(l.touched, src)
	}
}

// flush sends what is queued.
func (l *loop) flush() {
	if l.out.used == 0 {
		return
	}
	defer l.out.reset() // also when the flush itself fails
	l.sh.stats.flushed(l.out.flush(), l.out.batch.gso)
}

// buffer gives a send buffer, flushing when all are taken.
func (l *loop) buffer() (i int, b []byte) {
	if l.out.full() {
		l.flush()
	}
	return l.out.take()
}
