package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"calls/actors"
	"calls/plugin/config"
	"calls/plugin/settings"
)

// listen starts the engine where the settings want it or, when that cannot be had (the port is taken, the address is none of this machine's), as near to it as can
// be: an admin who mistypes a port must not lose calls, commands and channels over it. It gives what the admin should know.
func listen(start engineMaker, cfg actors.Config, ports actors.Ports, log *slog.Logger) (engine, []settings.Problem, error) {
	e, found, err := tryPlace(start, cfg, ports)
	if err == nil || !unavailable(err, "udp") {
		return e, found, err
	}
	first := err
	for _, place := range places(cfg.Listen) {
		moved := move(cfg, place)
		e, found, err = tryPlace(start, moved, ports)
		if err != nil {
			log.Warn("media cannot go over this address either", "addr", place, "err", err)
			continue
		}
		return e, append(found, misplaced(cfg.Listen, place, first)), nil
	}
	return nil, nil, first
}

// tryPlace starts the engine at one place, without TCP if it cannot be with: TCP is for the few.
func tryPlace(start engineMaker, cfg actors.Config, ports actors.Ports) (engine, []settings.Problem, error) {
	cfg.Advertise = reachable(cfg)
	e, err := start(cfg, ports)
	if err == nil || !cfg.ListenTCP.IsValid() || unavailable(err, "udp") {
		return e, nil, err
	}
	found := settings.Problem{Setting: "TCPServerPort", Value: strconv.Itoa(int(cfg.ListenTCP.Port())), Wrong: true,
		Problem: fmt.Sprintf("media over TCP is not to be had at %s (%v); clients that cannot use UDP cannot call until the plugin is started again", cfg.ListenTCP, err)}
	cfg.ListenTCP = netip.AddrPort{}
	e, err = start(cfg, ports)
	return e, []settings.Problem{found}, err
}

// reachable is the addresses to be told that somebody listens on: those of a family that is not listened on are none.
func reachable(cfg actors.Config) (list []netip.Addr) {
	for _, a := range cfg.Advertise {
		for _, at := range []netip.Addr{cfg.Listen.Addr(), cfg.ListenTCP.Addr()} {
			if at.IsValid() && (at.Is4() == a.Is4() || at == netip.IPv6Unspecified()) {
				list = append(list, a)
				break
			}
		}
	}
	return list
}

// unavailable says whether an address was not to be had, of that protocol in whatever family.
func unavailable(err error, protocol string) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "listen" && strings.HasPrefix(op.Net, protocol)
}

// places is where to try instead, the nearest to what was wanted first. The last is any port that is free.
func places(wanted netip.AddrPort) []netip.AddrPort {
	every := []netip.Addr{netip.IPv4Unspecified()}
	if wanted.Addr().Is6() {
		every = []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}
	}
	var list []netip.AddrPort
	for _, a := range every {
		for _, p := range []uint16{wanted.Port(), uint16(config.Default().UDPServerPort), 0} {
			if place := netip.AddrPortFrom(a, p); place != wanted && !slices.Contains(list, place) {
				list = append(list, place)
			}
		}
	}
	return list
}

// move is the settings for another place. What followed from the address that was wanted goes with it.
func move(cfg actors.Config, place netip.AddrPort) actors.Config {
	wanted := cfg.Listen.Addr()
	cfg.Listen = place
	if place.Addr() == wanted {
		return cfg
	}
	if slices.Equal(cfg.Advertise, []netip.Addr{wanted}) {
		cfg.Advertise = nil
	}
	if cfg.ListenTCP.Addr() == wanted {
		cfg.ListenTCP = netip.AddrPortFrom(place.Addr(), cfg.ListenTCP.Port())
	}
	return cfg
}

// misplaced tells the admin which setting could not be followed, and what was done instead.
func misplaced(wanted, place netip.AddrPort, err error) settings.Problem {
	p := settings.Problem{Setting: "UDPServerPort", Value: strconv.Itoa(int(wanted.Port())), Wrong: true}
	if place.Port() == wanted.Port() {
		p.Setting, p.Value = "UDPServerAddress", wanted.Addr().String()
	}
	at := place.String()
	if place.Port() == 0 {
		at = "any port that was free"
	}
	p.Problem = fmt.Sprintf("cannot be had (%v); media goes over %s until the plugin is started again with a better one", err, at)
	return p
}
