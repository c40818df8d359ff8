package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"calls/actors"
	"calls/guard"
	"calls/plugin/config"
	"calls/plugin/settings"
	"calls/plugin/stun"
)

// resolveWindow is how long a host name may take to be looked up.
const resolveWindow = time.Second

// startConfig is engineConfig with what is asked of the machine and the network once, when the plugin starts: a change of address counts from the next start anyway.
// It gives what the admin should know of it.
func startConfig(c config.Config, log *slog.Logger) (actors.Config, []settings.Problem) {
	c, found := withFamilies(c, canIPv6)
	cfg := engineConfig(c, log)
	if len(c.ICEHostOverride) > 0 && len(cfg.Advertise) == 0 {
		return cfg, append(found, settings.Problem{Setting: "ICEHostOverride", Value: strings.Join(c.ICEHostOverride, ", "), Wrong: true,
			Problem: "cannot be looked up; clients are told this machine's own addresses until the plugin is started again"})
	}
	if c.EnableIPv6 {
		found = append(found, unseen(cfg, localAddrs)...)
	}
	servers := c.STUNServers()
	if len(servers) == 0 || !cfg.Listen.Addr().IsUnspecified() || slices.ContainsFunc(cfg.Advertise, netip.Addr.Is4) {
		return cfg, found
	}
	public, err := withPublic(servers, localIPv4, stun.Ask, log)
	if cfg.Advertise = append(cfg.Advertise, public...); err != nil {
		found = append(found, settings.Problem{Setting: "ICEServersConfigs",
			Problem: "no STUN server says under which address this machine is seen; clients are told its own, set ICEHostOverride if they cannot reach those"})
	}
	return cfg, found
}

// canIPv6 says whether this machine has sockets of IPv6 at all.
func canIPv6() error {
	c, err := net.ListenPacket("udp6", "[::]:0")
	if err != nil {
		return err
	}
	return c.Close()
}

// withFamilies takes IPv6 out of the settings of a machine that has none: that stops nothing.
func withFamilies(c config.Config, can func() error) (config.Config, []settings.Problem) {
	if !c.EnableIPv6 {
		return c, nil
	}
	err := can()
	if err == nil {
		return c, nil
	}
	c.EnableIPv6 = false
	for _, at := range []*netip.Addr{&c.UDPServerAddress, &c.TCPServerAddress} {
		if at.Is6() {
			*at = netip.Addr{}
		}
	}
	c.ICEHostOverride = slices.DeleteFunc(slices.Clone(c.ICEHostOverride), func(h string) bool {
		a, err := netip.ParseAddr(h)
		return err == nil && a.Is6()
	})
	return c, []settings.Problem{{Setting: "EnableIPv6", Problem: fmt.Sprintf("has no effect: this machine has no IPv6 (%v); media goes over IPv4", err)}}
}

// unseen is what the admin should know when there is no address of IPv6 to tell clients of, or one that is told and not listened on.
func unseen(cfg actors.Config, own func() ([]netip.Addr, error)) (found []settings.Problem) {
	all, err := own()
	if err == nil && cfg.Listen.Addr() == netip.IPv6Unspecified() && !slices.ContainsFunc(slices.Concat(all, cfg.Advertise), netip.Addr.Is6) {
		found = append(found, settings.Problem{Setting: "EnableIPv6",
			Problem: "this machine has no IPv6 address that clients could reach, and ICEHostOverride names none: clients are told of IPv4 alone"})
	}
	if heard := reachable(cfg); len(heard) < len(cfg.Advertise) {
		found = append(found, settings.Problem{Setting: "ICEHostOverride", Problem: fmt.Sprintf("names addresses of a family that is not listened on (%s): clients are not told of them", cfg.Listen.Addr())})
	}
	return found
}

// pending is what was changed since the start and counts from the next one.
func pending(begun, now config.Config) []settings.Problem {
	var list []settings.Problem
	for _, s := range []struct {
		key     string
		changed bool
	}{
		{"UDPServerPort", begun.UDPServerPort != now.UDPServerPort},
		{"UDPServerAddress", begun.UDPServerAddress != now.UDPServerAddress},
		{"TCPServerPort", begun.TCPServerPort != now.TCPServerPort},
		{"TCPServerAddress", begun.TCPServerAddress != now.TCPServerAddress},
		{"EnableIPv6", begun.EnableIPv6 != now.EnableIPv6},
		{"ICEHostOverride", !slices.Equal(begun.ICEHostOverride, now.ICEHostOverride)},
		{"ICEHostPortOverride", begun.ICEHostPortOverride != now.ICEHostPortOverride},
	} {
		if s.changed {
			list = append(list, settings.Problem{Setting: s.key, Problem: "its new value counts from the next start of the plugin: disable and enable it"})
		}
	}
	return list
}

// stunWindow is how long all STUN servers together may take to say where this machine is seen from. Without an answer the plugin starts all the same.
const stunWindow = 2 * time.Second

// withPublic is this machine's own addresses and the one it is seen under from outside, nothing when that is unknown or one of its own. Whoever is behind the same
// NAT uses the former, everybody else the latter.
func withPublic(servers []string, own func() ([]netip.Addr, error), ask func(context.Context, string) (netip.Addr, error), log *slog.Logger) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(context.Background(), stunWindow)
	defer cancel()
	public, err := askAny(ctx, servers, ask)
	if err != nil {
		log.Warn("no STUN server answers", "err", err)
		return nil, err
	}
	addrs, err := own()
	if err != nil {
		log.Warn("this machine's addresses cannot be listed", "err", err)
	}
	if slices.Contains(addrs, public) {
		return nil, nil
	}
	log.Info("clients are told the address that a STUN server sees, too", "address", public)
	return append(addrs, public), nil
}

// askAny asks all servers at once and takes the first answer.
func askAny(ctx context.Context, servers []string, ask func(context.Context, string) (netip.Addr, error)) (netip.Addr, error) {
	type answer struct {
		addr netip.Addr
		err  error
	}
	servers = servers[:min(len(servers), mostSTUN)]
	answers := make(chan answer, len(servers))
	for _, s := range servers {
		guard.Go("STUN", func() {
			addr, err := ask(ctx, s)
			answers <- answer{addr, err}
		}, func(f guard.Failure) { answers <- answer{err: f} })
	}
	var failed error
	for range servers {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.addr, nil
			}
			failed = errors.Join(failed, a.err)
		case <-ctx.Done():
			return netip.Addr{}, errors.Join(failed, ctx.Err())
		}
	}
	return netip.Addr{}, failed
}

// mostSTUN is how many servers are asked.
const mostSTUN = 5

// localAddrs is the addresses of this machine that others can reach, of either family.
func localAddrs() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var list []netip.Addr
	for _, n := range nets {
		ipNet, ok := n.(*net.IPNet)
		if !ok {
			continue
		}
		if a, ok := netip.AddrFromSlice(ipNet.IP); ok {
			if a = a.Unmap(); !a.IsLoopback() && !a.IsLinkLocalUnicast() {
				list = append(list, a)
			}
		}
	}
	return list, nil
}

// localIPv4 is what media tells clients of IPv4 by itself.
func localIPv4() ([]netip.Addr, error) {
	all, err := localAddrs()
	return slices.DeleteFunc(all, netip.Addr.Is6), err
}

// engineConfig is what the engine heeds of the settings.
func engineConfig(c config.Config, log *slog.Logger) actors.Config {
	addr := c.UDPServerAddress
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
		if c.EnableIPv6 {
			addr = netip.IPv6Unspecified() // which takes IPv4, too
		}
	}
	return actors.Config{
		ListenTCP:       listenTCP(c, addr),
		Listen:          netip.AddrPortFrom(addr, uint16(c.UDPServerPort)), // validated to be a port
		Advertise:       advertised(c, net.DefaultResolver.LookupNetIP, log),
		AdvertisePort:   uint16(c.ICEHostPortOverride),
		MaxParticipants: c.MaxCallParticipants,
		NoScreens:       !c.AllowScreenSharing,
		Supervision:     c.Supervision,
	}
}

// listenTCP is where clients are served that cannot use UDP; not valid when that is switched off.
func listenTCP(c config.Config, udp netip.Addr) netip.AddrPort {
	if c.TCPServerPort == 0 {
		return netip.AddrPort{}
	}
	addr := c.TCPServerAddress
	if !addr.IsValid() {
		addr = udp
	}
	return netip.AddrPortFrom(addr, uint16(c.TCPServerPort)) // validated to be a port
}

// advertised is the addresses told to clients: the override, each looked up when it is a name, else that which is listened on, else none: the machine's own.
// A name that cannot be looked up must not keep the plugin from starting.
func advertised(c config.Config, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error), log *slog.Logger) []netip.Addr {
	if len(c.ICEHostOverride) == 0 {
		if c.UDPServerAddress.IsValid() && !c.UDPServerAddress.IsUnspecified() {
			return []netip.Addr{c.UDPServerAddress}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWindow)
	defer cancel()
	var addrs []netip.Addr
	for _, h := range c.ICEHostOverride {
		found := []netip.Addr{}
		if a, err := netip.ParseAddr(h); err == nil {
			found = append(found, a)
		} else if found, err = lookUp(ctx, h, c.EnableIPv6, lookup); err != nil {
			log.Error("a name in ICEHostOverride cannot be looked up, clients are not told of it", "host", h, "err", err)
		}
		for _, a := range found {
			if !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

// lookUp is the first address of a name in each family that is wanted.
func lookUp(ctx context.Context, host string, both bool, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)) (list []netip.Addr, err error) {
	network := "ip4"
	if both {
		network = "ip"
	}
	found, err := lookup(ctx, network, host)
	for _, a := range found {
		a = a.Unmap().WithZone("")
		if !slices.ContainsFunc(list, func(have netip.Addr) bool { return have.Is4() == a.Is4() }) {
			list = append(list, a)
		}
	}
	if err == nil && len(list) == 0 {
		err = errors.New("no address")
	}
	return list, err
}
