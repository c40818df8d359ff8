package main

import (
	"context"
	"errors"
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

// startConfig is engineConfig with what is asked of the network once, when the plugin starts: a change of address counts from the next start anyway. It gives what
// the admin should know of it.
func startConfig(c config.Config, log *slog.Logger) (actors.Config, []settings.Problem) {
	cfg := engineConfig(c, log)
	if len(cfg.Advertise) > 0 {
		return cfg, nil
	}
	if len(c.ICEHostOverride) > 0 {
		return cfg, []settings.Problem{{Setting: "ICEHostOverride", Value: strings.Join(c.ICEHostOverride, ", "), Wrong: true,
			Problem: "cannot be looked up; clients are told this machine's own addresses until the plugin is started again"}}
	}
	servers := c.STUNServers()
	if len(servers) == 0 {
		return cfg, nil
	}
	var err error
	if cfg.Advertise, err = withPublic(servers, localAddrs, stun.Ask, log); err != nil {
		return cfg, []settings.Problem{{Setting: "ICEServersConfigs",
			Problem: "no STUN server says under which address this machine is seen; clients are told its own, set ICEHostOverride if they cannot reach those"}}
	}
	return cfg, nil
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

// localAddrs is what media tells clients by itself: every IPv4 address that others can reach.
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
			if a = a.Unmap(); a.Is4() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
				list = append(list, a)
			}
		}
	}
	return list, nil
}

// engineConfig is what the engine heeds of the settings.
func engineConfig(c config.Config, log *slog.Logger) actors.Config {
	addr := c.UDPServerAddress
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
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
		a, err := netip.ParseAddr(h)
		if err != nil {
			found, err := lookup(ctx, "ip4", h)
			if err != nil || len(found) == 0 {
				log.Error("a name in ICEHostOverride cannot be looked up, clients are not told of it", "host", h, "err", err)
				continue
			}
			a = found[0].Unmap()
		}
		if !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	return addrs
}
