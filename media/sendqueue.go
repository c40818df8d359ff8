package media

// maxDatagram is the longest packet sent: a received one with its header rewritten, and a tag.
const maxDatagram = datagramSize + maxTagSize + rtcpIndexSize

// sendBuf is where one outgoing packet is written and sealed. The buffers are the loop's: no panic can leak one, for the next flush takes all back.
type sendBuf struct {
	b    [maxDatagram]byte
	n    int
	next int // the next one to the same link, -1 at the end
}

// sendQueue collects the packets of one turn of the loop, in order for each link, and hands them to the socket link by link: packets to one address
// lie together, so that the kernel can be given several of them as one.
type sendQueue struct {
	batch *sendBatch
	bufs  []sendBuf
	used  int
	links []*link // with something queued
}

func newSendQueue(batch *sendBatch) *sendQueue {
	return &sendQueue{batch: batch, bufs: make([]sendBuf, sendSize), links: make([]*link, 0, sendSize)}
}

// full says that flush must be called before the next take.
func (q *sendQueue) full() bool { return q.used == len(q.bufs) }

// take gives a buffer to write into. Unless put follows, it is taken back by the next flush.
func (q *sendQueue) take() (i int, b []byte) {
	i = q.used
	q.used++
	return i, q.bufs[i].b[:0]
}

// put queues the first n bytes of buffer i for a link.
func (q *sendQueue) put(l *link, i, n int) {
	buf := &q.bufs[i]
	buf.n, buf.next = n, -1
	if l.queue != q || l.queued == 0 { // a revoked loop may have left its mark
		l.queue, l.queued, l.head = q, 0, i
		q.links = append(q.links, l)
	} else {
		q.bufs[l.tail].next = i
	}
	l.tail = i
	l.queued++
}

// flushed is what became of what was queued.
type flushed struct {
	sent      int // datagrams
	segmented int // of them, in messages that the kernel cut up
	refused   int // messages that the kernel would not cut up
	dropped   int // datagrams that found no address or no room in the socket
}

// flush sends everything queued.
func (q *sendQueue) flush() (done flushed) {
	queued, streamed := 0, 0
	for _, l := range q.links {
		if l.queue != q {
			continue
		}
		queued += l.queued
		if !l.remote.known() {
			continue
		}
		conn := l.remote.conn
		for i := l.head; i >= 0; i = q.bufs[i].next {
			b := q.bufs[i].b[:q.bufs[i].n]
			if conn == nil {
				q.batch.add(b, l)
			} else if conn.put(b, l.remote.addr, true) {
				streamed++
			}
		}
	}
	done = q.batch.flush()
	done.sent += streamed
	done.dropped = queued - done.sent
	q.reset()
	return done
}

// reset forgets what is queued. After a panic in the middle of a flush it is the way back to order.
func (q *sendQueue) reset() {
	for _, l := range q.links {
		if l.queue == q {
			l.queued = 0
		}
	}
	clear(q.links)
	q.links, q.used = q.links[:0], 0
}
