package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// takePorts fails early, and in words, when somebody else has a port that was asked for.
func (h *host) takePorts(context.Context) error {
	var err error
	if h.opt.port, err = choosePort(h.opt.port, pagesFree); err != nil {
		return fmt.Errorf("%w for pages: stop what uses it, or choose another with PORT=", err)
	}
	if h.opt.udpPort, err = choosePort(h.opt.udpPort, mediaFree); err != nil {
		return fmt.Errorf("%w for media: stop what uses it, or choose another with UDP_PORT=", err)
	}
	if h.pushPort, err = choosePort(0, pagesFree); err != nil {
		return fmt.Errorf("%w for push notifications", err)
	}
	h.media = localAddress()
	h.steps.say("pages localhost:%d, media %s:%d (UDP)", h.opt.port, h.media, h.opt.udpPort)
	return nil
}

// choosePort checks the port asked for, or picks one when 0 was asked for.
func choosePort(port int, free func(int) error) (int, error) {
	if port != 0 {
		if err := free(port); err != nil {
			return 0, fmt.Errorf("port %d cannot be had (%w)", port, unwrapNet(err))
		}
		return port, nil
	}
	// Below the kernel's own range (32768 and up), so that no outgoing connection takes it between this check and its use.
	for range 200 {
		port = 20000 + rand.IntN(12000)
		if free(port) == nil {
			return port, nil
		}
	}
	return 0, errors.New("no free port was found")
}

func pagesFree(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

func mediaFree(port int) error {
	c, err := net.ListenPacket("udp4", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	return c.Close()
}

// unwrapNet keeps of a network error what a person wants to know: "address already in use", without the address again.
func unwrapNet(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// localAddress is an address of this machine that every browser on it takes for media. Firefox never uses 127.0.0.1, so that is the last resort.
func localAddress() string {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || isVirtual(i.Name) {
			continue
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
				return n.IP.String()
			}
		}
	}
	return "127.0.0.1"
}

// isVirtual says whether an interface belongs to containers or virtual machines: it may vanish while a call runs.
func isVirtual(name string) bool {
	for _, prefix := range []string{"docker", "br-", "veth", "virbr", "cni", "podman"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
