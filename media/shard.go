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
	sendSize     = 512  // datagrams queued before a flush in the middle of a turn
	datagramSize = 1600 // the longest datagram handled: an Ethernet frame's with room to spare

	tickInterval   = 50 * time.Millisecond
	reportInterval = time.Second
)

// Shard is one socket and the one loop that reads it, decrypts, runs the tracks it owns, seals and sends.
// It has the methods of protoactor's Dispatcher, so that a track's mailbox is run by its shard's loop and by nobody else.
type Shard struct {
	conn    *net.UDPConn
	tap     *tap
	log     *slog.Logger
	onPanic func(guard.Failure)

	sleeping atomic.Bool // the loop waits, or is about to wait, for datagrams
	ticking  atomic.Bool // a tick is due
	closing  atomic.Bool
	current  atomic.Pointer[loop]
	stop     chan struct{} // ends the ticker

	mu      sync.Mutex
	queue   []func() // to be run on the loop, from head on
	head    int
	after   *guard.Serial // runs what is scheduled once the loop has ended
	running sync.WaitGroup

	table linkTable // the loop's
	stats shardCounters
}

func newShard(conn *net.UDPConn, log *slog.Logger, onPanic func(guard.Failure)) *Shard {
	return &Shard{conn: conn, tap: newTap(conn), log: log, onPanic: onPanic, stop: make(chan struct{}), table: newLinkTable()}
}

func (sh *Shard) start() error {
	l, err := newLoop(sh, 1)
	if err != nil {
		return err
	}
	sh.launch(l)
	sh.running.Add(1)
	guard.Go("shard ticker", func() { defer sh.running.Done(); sh.tickEvery(tickInterval) }, sh.onPanic)
	return nil
}

func (sh *Shard) launch(l *loop) {
	sh.current.Store(l)
	sh.running.Add(1)
	guard.Go("shard loop", func() { defer sh.running.Done(); l.run() }, sh.onPanic)
}

// Schedule has fn run on the shard's loop, in order, and wakes the loop.
func (sh *Shard) Schedule(fn func()) {
	sh.mu.Lock()
	if sh.after != nil {
		sh.mu.Unlock()
		sh.after.Do(fn)
		return
	}
	sh.queue = append(sh.queue, fn)
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
func (sh *Shard) next() func() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.head == len(sh.queue) {
		return nil
	}
	fn := sh.queue[sh.head]
	sh.queue[sh.head] = nil
	if sh.head++; sh.head == len(sh.queue) {
		sh.queue, sh.head = sh.queue[:0], 0
	}
	return fn
}

// idle says whether the loop may wait.
func (sh *Shard) idle() bool {
	return sh.backlog() == 0 && !sh.ticking.Load() && !sh.closing.Load()
}

func (sh *Shard) tickEvery(d time.Duration) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			sh.ticking.Store(true)
			sh.wake()
		case <-sh.stop:
			return
		}
	}
}

// revoke takes the shard away from the loop that has it, stuck in a lane, and starts a fresh one on the same socket. The old one writes nothing any more: it
// ends when it comes back, its send buffers with it, and the source whose lane it is stuck in stays frozen, so that no packet of it can be sent by whoever
// holds one; Peer.Source gives a new one for the stream. What the old loop had received and not yet handled is lost. For a loop that is stuck in a scheduled
// function the same holds but for the source, which the shard cannot know.
func (sh *Shard) revoke() error {
	old := sh.current.Load()
	fresh, err := newLoop(sh, old.epoch+1)
	if err != nil {
		return err
	}
	old.revoked.Store(true)
	if src := old.inLane.Load(); src != nil {
		src.frozen.Store(true)
	}
	sh.launch(fresh)
	return nil
}

// close ends the loop and the socket. Functions scheduled later still run, one at a time, so that no mailbox is left with its stop message unread.
func (sh *Shard) close() error {
	if !sh.closing.CompareAndSwap(false, true) {
		return nil
	}
	close(sh.stop)
	sh.wake()
	err := sh.conn.Close()
	sh.running.Wait()
	sh.tap.close()
	sh.mu.Lock()
	left := sh.queue[sh.head:]
	sh.queue, sh.head, sh.after = nil, 0, guard.NewSerial("closed shard", sh.onPanic)
	for _, fn := range left {
		sh.after.Do(fn)
	}
	sh.mu.Unlock()
	return err
}
