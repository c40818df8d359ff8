package client

import (
	"net"

	"github.com/pion/transport/v2"
	"github.com/pion/transport/v2/stdnet"
)

// socketBuffer is asked of the kernel for each client's socket, which grants what its limit allows. The default holds less than half a second of a call of ten,
// and what it drops while this machine is busy would be counted as the server's loss.
const socketBuffer = 1 << 20

// roomyNet is the standard network with larger receive buffers.
type roomyNet struct{ *stdnet.Net }

func newRoomyNet() (roomyNet, error) {
	n, err := stdnet.NewNet()
	return roomyNet{n}, err
}

// ListenUDP opens a socket as pion's ICE agent does for each host candidate.
func (n roomyNet) ListenUDP(network string, addr *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := n.Net.ListenUDP(network, addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadBuffer(socketBuffer); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
