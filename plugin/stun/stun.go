// Package stun asks a STUN server under which address this machine is seen: one binding request (RFC 8489) over UDP and IPv4, and no more of the protocol.
package stun

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

const (
	cookie          = 0x2112a442
	bindingRequest  = 0x0001
	bindingSuccess  = 0x0101
	mappedAddress   = 0x0001
	xorMapped       = 0x0020
	headerLength    = 20
	familyIPv4      = 0x01
	firstRetransmit = 250 * time.Millisecond // doubled each time: one lost datagram must not cost the answer
)

// ErrAnswer says that a server's answer is none.
var ErrAnswer = errors.New("not the answer to a STUN binding request")

// Ask gives the address that the server, a host and port, sees this machine under. It gives up when ctx is done.
func Ask(ctx context.Context, server string) (netip.Addr, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp4", server)
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	request := make([]byte, headerLength)
	binary.BigEndian.PutUint16(request, bindingRequest)
	binary.BigEndian.PutUint32(request[4:], cookie)
	_, _ = rand.Read(request[8:]) // never fails (crypto/rand)
	buf := make([]byte, 1500)
	for wait := firstRetransmit; ; wait *= 2 {
		if err := ctx.Err(); err != nil {
			return netip.Addr{}, fmt.Errorf("asking %s: %w", server, err)
		}
		if _, err := conn.Write(request); err != nil {
			return netip.Addr{}, err
		}
		addr, err := answer(ctx, conn, request, buf, wait)
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			continue
		}
		return addr, err
	}
}

// answer waits for the answer; what else comes to the port is not heeded.
func answer(ctx context.Context, conn net.Conn, request, buf []byte, wait time.Duration) (netip.Addr, error) {
	until := time.Now().Add(wait)
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		until = end
	}
	if err := conn.SetReadDeadline(until); err != nil {
		return netip.Addr{}, err
	}
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return netip.Addr{}, err
		}
		if addr, err := parse(buf[:n], request); err == nil {
			return addr, nil
		}
	}
}

// parse reads the address from an answer to our request.
func parse(b, request []byte) (netip.Addr, error) {
	if len(b) < headerLength || binary.BigEndian.Uint16(b) != bindingSuccess || !bytes.Equal(b[4:headerLength], request[4:headerLength]) {
		return netip.Addr{}, ErrAnswer
	}
	if int(binary.BigEndian.Uint16(b[2:])) != len(b)-headerLength {
		return netip.Addr{}, ErrAnswer
	}
	for b = b[headerLength:]; len(b) >= 4; {
		kind, length := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
		if length > len(b) {
			return netip.Addr{}, ErrAnswer
		}
		value := b[:length]
		if (kind == xorMapped || kind == mappedAddress) && length == 8 && value[1] == familyIPv4 {
			ip := binary.BigEndian.Uint32(value[4:])
			if kind == xorMapped {
				ip ^= cookie
			}
			return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, ip))), nil
		}
		b = b[min(len(b), (length+3)&^3):]
	}
	return netip.Addr{}, ErrAnswer
}
