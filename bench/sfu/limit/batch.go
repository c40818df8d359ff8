package limit

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// The calls are raw, as those of our engine are (media/socket_linux.go says why): they never wait, and a limit that paid for more would be none.

// inbox receives in batches.
type inbox struct {
	raw   syscall.RawConn
	read  func(fd uintptr) bool
	n     int
	errno syscall.Errno
	msgs  [batchSize]mmsghdr
	iovs  [batchSize]unix.Iovec
	names [batchSize]unix.RawSockaddrInet4
	bufs  [batchSize][datagramSize]byte
}

func newInbox(raw syscall.RawConn) *inbox {
	in := &inbox{raw: raw}
	for i := range in.msgs {
		in.iovs[i].Base = &in.bufs[i][0]
		in.iovs[i].SetLen(datagramSize)
		in.msgs[i].hdr.Iov = &in.iovs[i]
		in.msgs[i].hdr.SetIovlen(1)
		in.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&in.names[i]))
	}
	in.read = in.try
	return in
}

func (in *inbox) recv() (int, error) {
	for i := range in.msgs {
		in.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet4
	}
	if err := in.raw.Read(in.read); err != nil {
		return 0, err
	}
	if in.errno != 0 {
		return 0, in.errno
	}
	return in.n, nil
}

func (in *inbox) try(fd uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&in.msgs[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return false
	}
	in.n, in.errno = int(n), errno
	return true
}

func (in *inbox) packet(i int) []byte { return in.bufs[i][:in.msgs[i].n] }

func (in *inbox) from(i int) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&in.names[i].Port))[:])
	return netip.AddrPortFrom(netip.AddrFrom4(in.names[i].Addr), port)
}

// outbox gathers packets and sends them with few calls. Without GSO each packet is a message; with it, equal-sized packets to one receiver are one message.
type outbox struct {
	raw   syscall.RawConn
	write func(fd uintptr) bool
	gso   bool
	nonce [12]byte

	arena []byte
	used  int
	n, at int  // messages gathered, sent
	open  bool // the last message may grow

	msgs     [sendSize]mmsghdr
	iovs     [sendSize]unix.Iovec
	sizes    [sendSize]int // of a message's segments
	counts   [sendSize]int
	controls [sendSize][24]byte
}

func newOutbox(raw syscall.RawConn, gso bool) *outbox {
	o := &outbox{raw: raw, gso: gso, arena: make([]byte, sendSize*datagramSize)}
	for i := range o.msgs {
		o.msgs[i].hdr.Iov = &o.iovs[i]
		o.msgs[i].hdr.SetIovlen(1)
		o.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet4
		c := (*unix.Cmsghdr)(unsafe.Pointer(&o.controls[i]))
		c.Level, c.Type = unix.IPPROTO_UDP, udpSegment
		c.SetLen(unix.CmsgLen(2))
	}
	o.write = o.try
	return o
}

// next gives room for a packet to a receiver.
func (o *outbox) next(size int, to *unix.RawSockaddrInet4) []byte {
	if o.used+size > len(o.arena) {
		o.flush()
	}
	last := o.n - 1
	grows := o.gso && o.open && o.sizes[last] == size && o.counts[last] < maxSegments && (o.counts[last]+1)*size < maxGSOBytes
	if !grows && o.n == sendSize {
		o.flush()
	}
	b := o.arena[o.used : o.used+size]
	o.used += size
	if grows {
		o.counts[last]++
		o.iovs[last].SetLen(o.counts[last] * size)
		return b
	}
	o.iovs[o.n].Base = &b[0]
	o.iovs[o.n].SetLen(size)
	o.msgs[o.n].hdr.Name = (*byte)(unsafe.Pointer(to))
	o.sizes[o.n], o.counts[o.n] = size, 1
	o.n++
	o.open = true
	return b
}

// boundary says that the next packet is for another receiver.
func (o *outbox) boundary() { o.open = false }

func (o *outbox) flush() {
	for i := range o.n {
		h := &o.msgs[i].hdr
		h.Control = nil
		h.SetControllen(0)
		if o.counts[i] > 1 {
			binary.NativeEndian.PutUint16(o.controls[i][unix.CmsgLen(0):], uint16(o.sizes[i]))
			h.Control = &o.controls[i][0]
			h.SetControllen(unix.CmsgSpace(2))
		}
	}
	o.at = 0
	_ = o.raw.Write(o.write) // fails on a closed socket only
	o.n, o.used, o.open = 0, 0, false
}

func (o *outbox) try(fd uintptr) bool {
	for o.at < o.n {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&o.msgs[o.at])), uintptr(o.n-o.at), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			o.at += int(n)
		case unix.EINTR:
		default:
			o.at++ // lost; the receivers count that
		}
	}
	return true
}
