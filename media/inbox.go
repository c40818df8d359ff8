package media

import (
	"net/netip"
	"sync"
	"sync/atomic"
)

// inboxSize is how many datagrams wait for a shard that did not come by its own socket. Beyond them they are dropped, as by a full socket.
const inboxSize = 4096

// route is where a datagram came from, and where the answer goes: an address of UDP, or a connection.
type route struct {
	addr netip.AddrPort
	conn *stream // nil: UDP
}

func (r route) known() bool { return r.addr.IsValid() }

// inbox takes datagrams that come to a shard by another way than its socket: they were sent to the socket of another shard, which the kernel chooses without
// knowing whose they are, or on a connection.
type inbox struct {
	waiting atomic.Int64

	mu      sync.Mutex
	queue   []arrival
	free    []*[datagramSize]byte
	dropped uint64
}

type arrival struct {
	b    *[datagramSize]byte
	n    int
	from route
	to   netip.Addr // that it was sent to
	new  bool       // nobody has looked yet whose it is
}

// put copies a datagram in. Any goroutine.
func (x *inbox) put(b []byte, from route, to netip.Addr, unknown bool) (ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.queue) >= inboxSize || len(b) > datagramSize {
		x.dropped++
		return false
	}
	var buf *[datagramSize]byte
	if n := len(x.free); n > 0 {
		buf, x.free = x.free[n-1], x.free[:n-1]
	} else {
		buf = new([datagramSize]byte)
	}
	x.queue = append(x.queue, arrival{buf, copy(buf[:], b), from, to, unknown})
	x.waiting.Store(int64(len(x.queue)))
	return true
}

// takeAll gives what came, for an empty slice in exchange.
func (x *inbox) takeAll(empty []arrival) []arrival {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := x.queue
	x.queue = empty[:0]
	x.waiting.Store(0)
	return all
}

// giveBack takes the buffers of what was handled.
func (x *inbox) giveBack(handled []arrival) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range handled {
		if handled[i].b != nil && len(x.free) < batchSize {
			x.free = append(x.free, handled[i].b)
		}
		handled[i] = arrival{}
	}
}

// deliver hands a datagram to a shard that did not come by its socket; unknown says that nobody has looked yet whether it belongs there. Any goroutine.
func (sh *Shard) deliver(b []byte, from route, to netip.Addr, unknown bool) (ok bool) {
	if ok = sh.inbox.put(b, from, to, unknown); ok {
		sh.wake()
	}
	return ok
}

// handleInbox is handleBatch for the inbox. What a panic leaves is handled in the next turn.
func (l *loop) handleInbox() {
	sh := l.sh
	if l.taken == len(l.inbox) {
		if sh.inbox.waiting.Load() == 0 {
			return
		}
		l.inbox, l.taken = sh.inbox.takeAll(l.inbox), 0
	}
	for l.taken < len(l.inbox) {
		a := &l.inbox[l.taken]
		l.taken++
		sh.stats.handedIn.Add(1)
		l.handed, l.sentTo = !a.new, a.to
		if a.from.conn != nil {
			a.from.conn.handled()
		}
		l.ingress(a.b[:a.n], a.from)
	}
	l.handed = false
	sh.inbox.giveBack(l.inbox)
}

// elsewhere hands a datagram on to the shard that its client belongs to; false: it is this one, or the datagram has been handed on before.
func (l *loop) elsewhere(lk *link, b []byte, from route) bool {
	if lk == nil || lk.sh == l.sh {
		return false
	}
	if l.handed || !lk.sh.deliver(b, from, l.sentTo, false) {
		l.sh.stats.refused.Add(1)
		return true
	}
	l.sh.stats.handedOn.Add(1)
	return true
}
