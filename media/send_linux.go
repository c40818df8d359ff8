//go:build !plainudp

package media

import (
	"encoding/binary"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSegments  = 64    // of one message, which is what the kernel takes
	maxSegmented = 64000 // bytes of one message: the length of a datagram has 16 bits
	segmentSpace = 24    // of the control message that names the size of a segment, with its padding, on 64-bit systems
	maxMessages  = 64    // given to the kernel with one call, during which the runtime cannot stop this thread
)

// sendBatch sends datagrams with one call. It belongs to one loop.
//
// Datagrams to one address that follow each other, are of one size but for the last, which may be smaller, become one message that the kernel takes through its
// UDP layer as one and cuts into pieces at the very end (UDP_SEGMENT). That costs it a fraction of what as many messages cost. The packets of a video frame are
// such a row, and often so are the voices of several speakers.
type sendBatch struct {
	raw   syscall.RawConn
	write func(fd uintptr) bool
	gso   bool // the kernel has UDP_SEGMENT
	n     int  // messages added
	parts int  // datagrams added
	at    int  // next message to send
	done  flushed

	msgs     [sendSize]mmsghdr
	links    [sendSize]*link // that the messages are for
	sizes    [sendSize]int   // of a message's first datagram
	totals   [sendSize]int   // bytes of a message; -1: nothing can follow in it
	controls [sendSize][segmentSpace]byte
	iovs     [sendSize]unix.Iovec // one for each datagram, those of one message together
	names    [sendSize]unix.RawSockaddrInet4
	wide     []wideMessage // instead of names and controls, when the socket is one of IPv6
}

// wideMessage is where a message on a socket of IPv6 goes and, in front of the size of its segments, where it leaves from.
type wideMessage struct {
	control [(infoSpace + segmentSpace) / 8]uint64
	name    unix.RawSockaddrInet6
}

// at is the control messages from one on: 0 the address, infoSpace the size of the segments.
func (w *wideMessage) at(offset int) *byte {
	return &(*[infoSpace + segmentSpace]byte)(unsafe.Pointer(&w.control[0]))[offset]
}

// widen prepares for a socket of IPv6.
func (s *sendBatch) widen() {
	s.wide = make([]wideMessage, sendSize)
	for i := range s.wide {
		w := &s.wide[i]
		w.name.Family = unix.AF_INET6
		s.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&w.name))
		s.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet6
		c := (*unix.Cmsghdr)(unsafe.Pointer(w.at(infoSpace)))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
}

func newSendBatch(conn *net.UDPConn, segment bool) (*sendBatch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sendBatch{raw: raw}
	for i := range s.msgs {
		s.names[i].Family = unix.AF_INET
		s.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&s.names[i]))
		s.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet4
		c := (*unix.Cmsghdr)(unsafe.Pointer(&s.controls[i]))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
	}
	if isWide(conn) {
		s.widen()
	}
	s.write = s.try
	if segment && unix.CmsgSpace(2) == segmentSpace {
		err = raw.Control(func(fd uintptr) {
			_, err := unix.GetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT)
			s.gso = err == nil
		})
	}
	return s, err
}

// add queues a datagram for a link. The caller adds at most sendSize of them before it flushes, and leaves b alone until then.
func (s *sendBatch) add(b []byte, l *link) {
	iov := &s.iovs[s.parts]
	iov.Base = &b[0]
	iov.SetLen(len(b))
	s.parts++
	if s.joins(len(b), l) {
		return
	}
	h := &s.msgs[s.n].hdr
	h.Iov = iov
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	s.address(h, l)
	s.links[s.n], s.sizes[s.n], s.totals[s.n] = l, len(b), len(b)
	s.n++
}

// address writes where a message goes.
func (s *sendBatch) address(h *unix.Msghdr, l *link) {
	to := l.remote.addr
	if s.wide == nil {
		s.names[s.n].Addr = to.Addr().As4()
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.names[s.n].Port))[:], to.Port())
		return
	}
	w := &s.wide[s.n]
	w.name.Addr = to.Addr().As16()
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&w.name.Port))[:], to.Port())
	if l.local.IsValid() {
		writeSource((*[infoSpace]byte)(unsafe.Pointer(w.at(0))), l.local)
		h.Control = w.at(0)
		h.SetControllen(infoSpace)
	}
}

// segments tells the kernel the size of a message's segments.
func (s *sendBatch) segments(i int, h *unix.Msghdr) {
	control := &s.controls[i][0]
	if s.wide != nil {
		control = s.wide[i].at(infoSpace)
	}
	binary.NativeEndian.PutUint16(unsafe.Slice(control, segmentSpace)[unix.CmsgLen(0):], uint16(s.sizes[i]))
	if h.Control == nil {
		h.Control = control
	}
	h.SetControllen(int(h.Controllen) + segmentSpace)
}

// joins makes a datagram the next segment of the last message, if it can be.
func (s *sendBatch) joins(size int, l *link) bool {
	i := s.n - 1
	if !s.gso || i < 0 || s.links[i] != l || l.unsegmented || size > s.sizes[i] || s.totals[i] < 0 || s.totals[i]+size > maxSegmented {
		return false
	}
	h := &s.msgs[i].hdr
	if h.Iovlen >= maxSegments {
		return false
	}
	if h.Iovlen == 1 {
		s.segments(i, h)
	}
	h.SetIovlen(int(h.Iovlen) + 1)
	s.totals[i] += size
	if size < s.sizes[i] {
		s.totals[i] = -1
	}
	return true
}

// flush sends what was added. It never waits: what a full socket does not take is lost.
func (s *sendBatch) flush() (done flushed) {
	if s.n > 0 {
		_ = s.raw.Write(s.write) // fails on a closed socket only
	}
	clear(s.links[:s.n])
	done = s.done
	s.n, s.parts, s.at, s.done = 0, 0, 0, flushed{}
	return done
}

func (s *sendBatch) try(fd uintptr) bool {
	for s.at < s.n {
		some := min(s.n-s.at, maxMessages)
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.msgs[s.at])), uintptr(some), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			s.went(int(n))
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS, unix.EBADF:
			return true
		default: // this message is the trouble: the others still get theirs
			if s.msgs[s.at].hdr.Iovlen > 1 {
				s.refused(fd, errno)
			}
			s.at++
		}
	}
	return true
}

// went counts messages that the kernel took.
func (s *sendBatch) went(n int) {
	for i := s.at; i < s.at+n; i++ {
		parts := int(s.msgs[i].hdr.Iovlen)
		s.done.sent += parts
		if parts > 1 {
			s.done.segmented += parts
		}
	}
	s.at += n
}

// refused sends the datagrams of a message one by one that the kernel would not cut. The reason lies in the way to this client (a tunnel with a small MTU), which
// gets single datagrams from now on, or in the network device, for which the same holds for everybody.
func (s *sendBatch) refused(fd uintptr, errno syscall.Errno) {
	s.done.refused++
	if errno == unix.EIO || errno == unix.EOPNOTSUPP || errno == unix.ENOPROTOOPT {
		s.gso = false
	} else {
		s.links[s.at].unsegmented = true
	}
	h := s.msgs[s.at].hdr
	parts := unsafe.Slice(h.Iov, int(h.Iovlen))
	h.SetIovlen(1)
	if h.SetControllen(int(h.Controllen) - segmentSpace); h.Controllen == 0 {
		h.Control = nil
	}
	for i := range parts {
		h.Iov = &parts[i]
		if _, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT); errno == 0 {
			s.done.sent++
		}
	}
}
