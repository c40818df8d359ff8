package media

import (
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"calls/guard"
)

const (
	batchSize    = 64   // datagrams received with one call
	sendSize     = 1024 // datagrams queued before a flush in the middle of a turn
	sendEnough   = 768  // of them, after which a turn does not read on for the rest of a frame
	maxLooks     = 8    // that a turn takes for it
	datagramSize = 1600 // the longest datagram handled: an Ethernet frame's with room to spare

	tickInterval   = 50 * time.Millisecond
	reportInterval = time.Second
)

// Shard is one socket and the one loop that reads it, decrypts, runs the tracks it owns, seals and sends.
// It has the methods of protoactor's Dispatcher, so that a track's mailbox is run by its shard's loop and by nobody else.
type Shard struct {
	n       int // of the server's shards
	cfg     *Config
	conn    *net.UDPConn
	taps    [2]*tap // by family, of which pion has one mux each; nil: clients are told no address of it
	mux     *mux    // pion's, over the taps
	peers   int     // that belong here; the server's
	log     *slog.Logger
	onPanic func(guard.Failure)

	sleeping atomic.Bool // the loop waits, or is about to wait, for datagrams
	ticking  atomic.Bool // a tick is due
	closing  atomic.Bool
	current  atomic.Pointer[loop]
	stop     chan struct{} // ends the ticker

	mu     sync.Mutex
	queue  []task // to be run on the loop, from head on
	head   int
	after  *guard.Serial  // runs what is scheduled once the loop has ended
	loops  sync.WaitGroup // those that are not given up
	ticker sync.WaitGroup

	inbox inbox
	table linkTable // the loop's
	stats shardCounters
}

// task is a function to be run on the loop, and the lane that it is for; nil: none.
type task struct {
	fn   func()
	lane *laneRef
}

func newShard(conn *net.UDPConn, n int, cfg *Config, d *directory, onPanic func(guard.Failure)) *Shard {
	return &Shard{n: n, cfg: cfg, conn: conn, log: cfg.Log, onPanic: onPanic, stop: make(chan struct{}), table: newLinkTable(d)}
}

func (sh *Shard) start() error {
	l, err := newLoop(sh, 1)
	if err != nil {
		return err
	}
	sh.launch(l)
	sh.ticker.Add(1)
	guard.Go("shard ticker", func() { defer sh.ticker.Done(); sh.tickAndWatch() }, sh.onPanic)
	return nil
}

func (sh *Shard) launch(l *loop) {
	sh.loops.Add(1)
	sh.current.Store(l)
	guard.Go("shard loop", func() {
		defer sh.over(l)
		l.labelled()
	}, sh.onPanic)
}

// over follows the end of a loop's goroutine. If the loop itself is not over, somebody has ended the goroutine under it, and it goes on on another.
func (sh *Shard) over(l *loop) {
	if !l.ended && l.shift(own) {
		next := l.successor()
		sh.launch(next)
	}
	sh.leave(l)
}

// leave ends the wait for a loop. It may be called twice: when the loop is given up, and when it comes back after all.
func (sh *Shard) leave(l *loop) {
	if l.left.CompareAndSwap(false, true) {
		sh.loops.Done()
	}
}

// Schedule has fn run on the shard's loop, in order, and wakes the loop.
func (sh *Shard) Schedule(fn func()) { sh.schedule(task{fn: fn}) }

func (sh *Shard) schedule(t task) {
	sh.mu.Lock()
	if sh.after != nil {
		sh.mu.Unlock()
		sh.after.Do(t.fn)
		return
	}
	sh.queue = append(sh.queue, t)
	sh.mu.Unlock()
	sh.wake()
}

// Throughput is the number of messages a mailbox handles before it yields.
func (sh *Shard) Throughput() int { return 300 }

// wake ends the loop's wait. No wake is lost: the loop raises sleeping before it looks at the queue for the last time, and whoever lowers it
// after that sets a deadline in the past, which ends the read that follows or has begun. A busy loop is not disturbed.
func (sh *Shard) wake() {
	if sh.sleeping.CompareAndSwap(true, false) {
		_ = sh.conn.SetReadDeadline(time.Unix(1, 0)) // fails on a closed socket only
	}
}

// backlog is the number of functions that wait for the loop.
func (sh *Shard) backlog() int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return len(sh.queue) - sh.head
}

// next takes one function off the queue. One by one, so that a loop that gets stuck in one has not taken others with it.
func (sh *Shard) next() (t task, ok bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.head == len(sh.queue) {
		return task{}, false
	}
	t = sh.queue[sh.head]
	sh.queue[sh.head] = task{}
	if sh.head++; sh.head == len(sh.queue) {
		sh.queue, sh.head = sh.queue[:0], 0
	}
	return t, true
}

// idle says whether the loop may wait.
func (sh *Shard) idle() bool {
	return sh.backlog() == 0 && sh.inbox.waiting.Load() == 0 && !sh.ticking.Load() && !sh.closing.Load()
}

func (sh *Shard) tickAndWatch() {
	t := time.NewTimer(untilLook(time.Now()))
	defer t.Stop()
	dog := watchdog{sh: sh, last: time.Now()}
	for n := 1; ; n++ {
		select {
		case <-t.C:
			now := time.Now()
			guard.Run("watchdog", func() { dog.look(now) }, sh.onPanic)
			if n%int(tickInterval/watchInterval) == 0 {
				sh.ticking.Store(true)
				sh.wake()
			}
			t.Reset(untilLook(now))
		case <-sh.stop:
			return
		}
	}
}

// untilLook is the time to the next look of the watchdog, at a multiple of its interval: actors' timers keep to the same grid (kit.RealClock), and who wakes
// together wakes the process less often.
func untilLook(now time.Time) time.Duration {
	wait := watchInterval - time.Duration(now.UnixNano())%watchInterval
	if wait < watchInterval/2 {
		wait += watchInterval
	}
	return wait
}

// close ends the loop and the socket. Functions scheduled later still run, one at a time, so that no mailbox is left with its stop message unread.
func (sh *Shard) close() error {
	if !sh.closing.CompareAndSwap(false, true) {
		return nil
	}
	sh.wake()
	err := sh.conn.Close()
	sh.loops.Wait() // under the eyes of the watchdog: a lane that hangs cannot hold it up
	close(sh.stop)
	sh.ticker.Wait()
	for _, t := range sh.taps {
		if t != nil {
			t.close()
		}
	}
	sh.mu.Lock()
	left := sh.queue[sh.head:]
	sh.queue, sh.head, sh.after = nil, 0, guard.NewSerial("closed shard", sh.onPanic)
	for _, t := range left {
		sh.after.Do(t.fn)
	}
	sh.mu.Unlock()
	return err
}
