package media

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	streamQueue   = 512              // datagrams that wait for one client's connection
	streamReserve = 32               // of them, kept for what is not media
	streamAhead   = 128              // datagrams of one connection that wait for the loop: then it is read no further
	streamHello   = 10 * time.Second // in which a connection has to prove whose it is
	streamStall   = 10 * time.Second // that a client may take to read anything
	streamTake    = 64               // datagrams written with one call
	streamKernel  = 64 << 10         // bytes that the kernel keeps for a client
	frameHeader   = 2                // the length before each datagram, RFC 4571
	frameSize     = frameHeader + maxDatagram
)

// stream is one client's TCP connection, for networks that let no UDP out. What comes is handed to the loop like datagrams from elsewhere; what goes to the client
// waits in a queue of its own, written by a goroutine of its own: a client that reads slowly loses the oldest media, one that does not read loses its connection,
// and nobody else notices.
type stream struct {
	conn   net.Conn             // nil: of a relay
	addr   netip.AddrPort       // of the client; a relay's streams name it with each datagram
	owner  atomic.Pointer[link] // whose it has proved to be
	ahead  chan struct{}        // holds one for each datagram that waits for the loop
	closed chan struct{}
	once   sync.Once

	more chan struct{} // something is in the queue

	mu    sync.Mutex
	queue []frame // oldest first
	free  []*[frameSize]byte
}

// frame is a datagram with its length before it.
type frame struct {
	b     *[frameSize]byte
	n     int
	to    netip.AddrPort // by a relay
	media bool
}

func newStream(conn net.Conn) *stream {
	_ = conn.SetReadDeadline(time.Now().Add(streamHello))
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(streamKernel) // what lies there cannot give way to what is newer
	}
	return &stream{
		conn: conn, addr: addrOf(conn.RemoteAddr()), ahead: make(chan struct{}, streamAhead), closed: make(chan struct{}), more: make(chan struct{}, 1),
	}
}

func addrOf(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := t.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// belongs notes whose connection it is. From now on our own clock judges it, as it does every session.
func (s *stream) belongs(lk *link) {
	s.owner.Store(lk)
	_ = s.conn.SetReadDeadline(time.Time{}) // fails on a closed connection only
}

func (s *stream) close() {
	s.once.Do(func() {
		close(s.closed)
		if s.conn != nil {
			_ = s.conn.Close()
		}
	})
}

// read hands over what comes, until the connection ends. It waits for the loop rather than flood it: TCP tells the client to be slower.
func (s *stream) read(hand func(b []byte)) {
	in := bufio.NewReaderSize(s.conn, 8<<10)
	var buf [datagramSize]byte
	for {
		n, ok := readFrame(in, buf[:])
		if !ok {
			return
		}
		select {
		case s.ahead <- struct{}{}:
		case <-s.closed:
			return
		}
		hand(buf[:n])
	}
}

// readFrame reads one datagram. Not ok: the connection is over, or what comes is not what is spoken here.
func readFrame(in *bufio.Reader, buf []byte) (n int, ok bool) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, false
	}
	n = int(binary.BigEndian.Uint16(head[:]))
	if n == 0 || n > len(buf) {
		return 0, false
	}
	_, err := io.ReadFull(in, buf[:n])
	return n, err == nil
}

// handled says that the loop is done with a datagram of the connection.
func (s *stream) handled() {
	select {
	case <-s.ahead:
	default:
	}
}

// put queues a datagram for the client. It never waits: media gives way to what is newer, everything else is refused once the queue is full.
func (s *stream) put(b []byte, to netip.AddrPort, media bool) (ok bool) {
	if len(b) > maxDatagram {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := streamQueue
	if media {
		limit -= streamReserve
	}
	if len(s.queue) >= limit {
		if lk := s.owner.Load(); lk != nil {
			lk.counters.dropped.Add(1)
		}
		if !s.dropOldest() {
			return false
		}
	}
	var buf *[frameSize]byte
	if n := len(s.free); n > 0 {
		buf, s.free = s.free[n-1], s.free[:n-1]
	} else {
		buf = new([frameSize]byte)
	}
	binary.BigEndian.PutUint16(buf[:], uint16(len(b)))
	s.queue = append(s.queue, frame{buf, frameHeader + copy(buf[frameHeader:], b), to, media})
	select {
	case s.more <- struct{}{}:
	default:
	}
	return true
}

// dropOldest makes room at the cost of media. It is called with mu held.
func (s *stream) dropOldest() bool {
	for i := range s.queue {
		if s.queue[i].media {
			s.free = append(s.free, s.queue[i].b)
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			return true
		}
	}
	return false
}

// write sends what is queued, until the connection ends or its client reads nothing for too long.
func (s *stream) write() {
	var taken []frame
	var parts net.Buffers
	for {
		select {
		case <-s.more:
		case <-s.closed:
			return
		}
		for taken = s.take(taken); len(taken) > 0; taken = s.take(taken) {
			parts = parts[:0]
			for _, f := range taken {
				parts = append(parts, f.b[:f.n])
			}
			if s.conn.SetWriteDeadline(time.Now().Add(streamStall)) != nil {
				return
			}
			out := parts // WriteTo consumes what it is called on
			if _, err := out.WriteTo(s.conn); err != nil {
				return
			}
		}
	}
}

// take gives the oldest of the queue and takes the buffers of those written.
func (s *stream) take(written []frame) []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range written {
		if len(s.free) < streamTake {
			s.free = append(s.free, f.b)
		}
	}
	n := min(len(s.queue), streamTake)
	taken := append(written[:0], s.queue[:n]...)
	s.queue = append(s.queue[:0], s.queue[n:]...)
	return taken
}
