package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"calls/actors"
	"calls/plugin/config"
)

// resolveWindow is how long a host name may take to be looked up.
const resolveWindow = time.Second

// engineConfig is what the engine heeds of the settings.
func engineConfig(c config.Config, log *slog.Logger) actors.Config {
	addr := c.UDPServerAddress
	if !addr.IsValid() {
		addr = netip.IPv4Unspecified()
	}
	return actors.Config{
		Listen:          netip.AddrPortFrom(addr, uint16(c.UDPServerPort)), // validated to be a port
		Advertise:       advertised(c, net.DefaultResolver.LookupNetIP, log),
		AdvertisePort:   uint16(c.ICEHostPortOverride),
		MaxParticipants: c.MaxCallParticipants,
		NoScreens:       !c.AllowScreenSharing,
		Supervision:     c.Supervision,
	}
}

// advertised is the address told to clients: the override, looked up when it is a name, else that which is listened on, else none: the machine's own.
// A name that cannot be looked up must not keep the plugin from starting.
func advertised(c config.Config, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error), log *slog.Logger) []netip.Addr {
	if c.ICEHostOverride == "" {
		if c.UDPServerAddress.IsValid() && !c.UDPServerAddress.IsUnspecified() {
			return []netip.Addr{c.UDPServerAddress}
		}
		return nil
	}
	if a, err := netip.ParseAddr(c.ICEHostOverride); err == nil {
		return []netip.Addr{a}
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWindow)
	defer cancel()
	found, err := lookup(ctx, "ip4", c.ICEHostOverride)
	if err != nil || len(found) == 0 {
		log.Error("ICEHostOverride cannot be looked up, clients are told this machine's own addresses", "host", c.ICEHostOverride, "err", err)
		return nil
	}
	return []netip.Addr{found[0].Unmap()}
}
