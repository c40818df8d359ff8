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
	name := &r.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	return r.bufs[i][:r.msgs[i].n], netip.AddrPortFrom(netip.AddrFrom4(name.Addr), port)
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
