package client

import (
	"net"

	"github.com/pion/transport/v2"
	"github.com/pion/transport/v2/stdnet"
	"golang.org/x/sys/unix"
)

// socketBuffer is asked of the kernel for each client's socket, which grants it to who may have it, and to others what its limit allows. The default holds less
// than half a second of a call of ten, and what it drops while this machine is busy would be counted as the server's loss.
const socketBuffer = 4 << 20

// sockets is the standard network with sockets of our choice.
type sockets struct {
	*stdnet.Net
	listen func(*net.UDPAddr) (transport.UDPConn, error)
}

func newNet(cfg Config) (sockets, error) {
	n, err := stdnet.NewNet()
	s := sockets{n, cfg.Listen}
	if s.listen == nil {
		s.listen = s.roomy
	}
	return s, err
}

// ListenUDP opens a socket as pion's ICE agent does for each host candidate.
func (s sockets) ListenUDP(_ string, addr *net.UDPAddr) (transport.UDPConn, error) {
	return s.listen(addr)
}

// roomy opens a socket with a larger receive buffer.
func (s sockets) roomy(addr *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := s.Net.ListenUDP("udp4", addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadBuffer(socketBuffer); err != nil {
		conn.Close()
		return nil, err
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		if raw, err := udp.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) })
		}
	}
	return conn, nil
}
