package kit

// queue is a first-in first-out queue without bound. It gives its memory back when a burst is over.
type queue struct {
	buf  []any // length is zero or a power of two
	head int
	n    int
}

const keptCapacity = 64 // a queue that is empty keeps no more than this

func (q *queue) push(v any) {
	if q.n == len(q.buf) {
		q.grow()
	}
	q.buf[(q.head+q.n)&(len(q.buf)-1)] = v
	q.n++
}

func (q *queue) grow() {
	next := make([]any, max(8, 2*len(q.buf)))
	copied := copy(next, q.buf[q.head:])
	copy(next[copied:], q.buf[:q.head])
	q.buf, q.head = next, 0
}

func (q *queue) pop() (v any, ok bool) {
	if q.n == 0 {
		return nil, false
	}
	v = q.buf[q.head]
	q.buf[q.head] = nil
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.n--
	if q.n == 0 && len(q.buf) > keptCapacity {
		q.buf, q.head = nil, 0
	}
	return v, true
}

// takeAll empties the queue.
func (q *queue) takeAll() (all []any) {
	for v, ok := q.pop(); ok; v, ok = q.pop() {
		all = append(all, v)
	}
	return all
}

// ring is a first-in first-out queue of packet indices with a fixed capacity: when it is full, the oldest gives way. Its memory is taken with the first push.
type ring struct {
	buf      []uint64
	capacity int
	head     int
	n        int
}

// push says whether something was lost for it: the oldest, or the index itself when there is no capacity at all.
func (r *ring) push(index uint64) (lost bool) {
	if r.capacity <= 0 {
		return true
	}
	if r.buf == nil {
		r.buf = make([]uint64, r.capacity)
	}
	if r.n == r.capacity {
		r.buf[r.head] = index
		r.head = r.next(r.head)
		return true
	}
	at := r.head + r.n
	if at >= r.capacity {
		at -= r.capacity
	}
	r.buf[at] = index
	r.n++
	return false
}

func (r *ring) pop() uint64 {
	v := r.buf[r.head]
	r.head = r.next(r.head)
	r.n--
	return v
}

func (r *ring) next(i int) int {
	if i++; i == r.capacity {
		return 0
	}
	return i
}

// clear forgets everything, gives the memory back and says how much was lost.
func (r *ring) clear() (lost int) {
	lost = r.n
	r.buf, r.head, r.n = nil, 0, 0
	return lost
}
