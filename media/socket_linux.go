//go:build !plainudp

package media

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The batched system calls are made directly: the wrapper in x/net allocates an address for each packet received, and GSO needs the raw headers anyway.
//
// They are made as raw ones, of which the runtime is not told. It is told of a call so that somebody else can have the processor while the call waits, and these
// never wait. What telling costs is a thread of the runtime's that looks after calls: it wakes up with the first one after a rest and then looks every 20 µs for
// as long as anything runs. In a process that has something to do a thousand times a second it took a sixth of all processor time.

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// recvBatch receives up to batchSize datagrams with one call. It belongs to one loop.
type recvBatch struct {
	raw   syscall.RawConn
	read  func(fd uintptr) bool
	look  func(fd uintptr)
	n     int
	used  int // headers that the kernel has written into
	errno syscall.Errno

	msgs  [batchSize]mmsghdr
	iovs  [batchSize]unix.Iovec
	names [batchSize]unix.RawSockaddrInet4
	bufs  [batchSize][datagramSize]byte
	wide  []wideName // instead of names, when the socket is one of IPv6
}

// wideName is what the kernel says of a datagram on a socket of IPv6: who sent it and, when the socket listens on all addresses, to which of them.
type wideName struct {
	control [infoSpace / 8]uint64 // a control message has to begin at a multiple of eight
	name    unix.RawSockaddrInet6
}

const (
	infoSpace = 40 // of the control message that names an address of this machine, with its padding, on 64-bit systems
	infoSize  = 16 // of the part of it that is that address; the number of an interface follows
)

// isWide says whether a socket is one of IPv6. It gets IPv4 as mapped addresses, if at all.
func isWide(conn *net.UDPConn) bool {
	a := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	return a.Is6() && !a.Is4In6()
}

// widen prepares for a socket of IPv6.
func (r *recvBatch) widen(conn *net.UDPConn) {
	r.wide = make([]wideName, batchSize)
	for i := range r.msgs {
		r.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&r.wide[i].name))
		r.msgs[i].hdr.Control = (*byte)(unsafe.Pointer(&r.wide[i].control[0]))
	}
	if unix.CmsgSpace(unix.SizeofInet6Pktinfo) == infoSpace && conn.LocalAddr().(*net.UDPAddr).IP.IsUnspecified() {
		_ = r.raw.Control(func(fd uintptr) { // without it the kernel chooses where answers leave from
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		})
	}
}

func newRecvBatch(conn *net.UDPConn) (*recvBatch, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &recvBatch{raw: raw}
	for i := range r.msgs {
		r.iovs[i].Base = &r.bufs[i][0]
		r.iovs[i].SetLen(datagramSize)
		r.msgs[i].hdr.Iov = &r.iovs[i]
		r.msgs[i].hdr.SetIovlen(1)
		r.msgs[i].hdr.Name = (*byte)(unsafe.Pointer(&r.names[i]))
	}
	if isWide(conn) {
		r.widen(conn)
	}
	r.used = len(r.msgs)
	r.read = r.try // once: a new closure for each call would be garbage
	r.look = func(fd uintptr) { r.try(fd) }
	return r, nil
}

// recv waits for datagrams. It returns os.ErrDeadlineExceeded when woken by a deadline, net.ErrClosed when the socket is closed.
func (r *recvBatch) recv() (int, error) {
	r.prepare()
	if err := r.raw.Read(r.read); err != nil {
		return 0, err
	}
	if r.errno != 0 {
		return 0, r.errno
	}
	return r.n, nil
}

// prepare undoes what the kernel wrote into the headers of the datagrams of the last call.
func (r *recvBatch) prepare() {
	for i := range r.used {
		r.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet4
		r.msgs[i].hdr.Flags = 0
	}
	if r.wide != nil {
		for i := range r.used {
			r.msgs[i].hdr.Namelen = unix.SizeofSockaddrInet6
			r.msgs[i].hdr.SetControllen(infoSpace)
		}
	}
	r.used = 0
}

func (r *recvBatch) try(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		if errno != 0 {
			n = 0
		}
		r.n, r.used, r.errno = int(n), int(n), errno
		return true
	}
}

// poll is recv that does not wait: 0 when there is nothing.
func (r *recvBatch) poll() int {
	r.prepare()
	r.n, r.errno = 0, 0
	if r.raw.Control(r.look) != nil {
		return 0
	}
	return r.n
}

// datagram is one of those received. It is empty when the kernel had to cut it off.
func (r *recvBatch) datagram(i int) ([]byte, netip.AddrPort) {
	if r.msgs[i].hdr.Flags&unix.MSG_TRUNC != 0 {
		return nil, netip.AddrPort{}
	}
	if r.wide != nil {
		name := &r.wide[i].name
		port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
		return r.bufs[i][:r.msgs[i].n], netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
	}
	name := &r.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	return r.bufs[i][:r.msgs[i].n], netip.AddrPortFrom(netip.AddrFrom4(name.Addr), port)
}

// sentTo is the address of this machine that a datagram was sent to; not valid when the kernel does not say, as it does not where there is but one.
func (r *recvBatch) sentTo(i int) netip.Addr {
	if r.wide == nil || r.msgs[i].hdr.Controllen < infoSpace-4 { // the padding is not counted
		return netip.Addr{}
	}
	control := (*[infoSpace]byte)(unsafe.Pointer(&r.wide[i].control[0]))
	head := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	if head.Level != unix.IPPROTO_IPV6 || head.Type != unix.IPV6_PKTINFO {
		return netip.Addr{}
	}
	return netip.AddrFrom16([infoSize]byte(control[unix.CmsgLen(0):])).Unmap()
}

// writeSource writes the control message that has a datagram leave from an address of this machine.
func writeSource(to *[infoSpace]byte, at netip.Addr) {
	head := (*unix.Cmsghdr)(unsafe.Pointer(&to[0]))
	head.Level, head.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	head.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	ip := at.As16()
	copy(to[unix.CmsgLen(0):], ip[:])
}

// sourceControl is writeSource for the calls of package net.
func sourceControl(at netip.Addr) []byte {
	var aligned [infoSpace / 8]uint64
	to := (*[infoSpace]byte)(unsafe.Pointer(&aligned[0]))
	writeSource(to, at)
	return to[:]
}

// growBuffers asks for socket buffers and says what was granted. FORCE passes the system's limit where the process may.
func growBuffers(conn *net.UDPConn, bytes int) (read, write int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0
	}
	_ = raw.Control(func(fd uintptr) {
		grow := func(force, plain int) int {
			if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, force, bytes) != nil {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, plain, bytes)
			}
			granted, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, plain)
			return granted / 2 // Linux counts its own overhead in
		}
		read = grow(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
		write = grow(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
	})
	return read, write
}

// openSockets opens the port, n times for n shards. The kernel spreads what comes over the sockets, by the sender's address.
func openSockets(addr netip.AddrPort, n int) (conns []*net.UDPConn, err error) {
	// Alone first: sockets that share a port share it with another process of ours too, which would get half of the packets.
	alone, err := listenUDP(addr, nil)
	if err != nil || n == 1 {
		return []*net.UDPConn{alone}, err
	}
	addr = alone.LocalAddr().(*net.UDPAddr).AddrPort()
	_ = alone.Close()
	for range n {
		c, err := listenUDP(addr, reusePort)
		if err != nil {
			closeAll(conns)
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func reusePort(_, _ string, raw syscall.RawConn) (err error) {
	controlled := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(controlled, err)
}
