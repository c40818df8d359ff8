package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

const (
	interfacesOfIPv6 = "/proc/net/if_inet6" // Linux: every IPv6 address with its flags
	passingIPv6      = 0x01 | 0x08 | 0x20 | 0x40
	mostOwnIPv6      = 8 // told to clients: a host may have hundreds, and each client would try them all
)

// Which family a socket takes says its address: an IPv4 address IPv4, an IPv6 address IPv6, and :: both, with IPv4 senders as IPv4-mapped addresses.

// network is how Go names the network of a socket: "udp" or "tcp", with the family unless it takes both.
func network(protocol string, a netip.Addr) string {
	switch {
	case a.Is4():
		return protocol + "4"
	case a.IsUnspecified():
		return protocol
	}
	return protocol + "6"
}

// serves says whether a socket that listens there can be reached at an address of this one's family.
func serves(listen, at netip.Addr) bool {
	if at.Is4() {
		return listen.Is4() || listen.IsUnspecified()
	}
	return listen.Is6()
}

// usable says whether somebody can be sent to an address: a zone means something on this machine alone, and IPv4 is written as IPv4.
func usable(a netip.Addr) bool { return a.IsValid() && a.Zone() == "" && !a.Is4In6() }

// checkAddresses says what is wrong with the addresses of a configuration.
func (c *Config) checkAddresses() error {
	if !usable(c.Listen.Addr()) {
		return fmt.Errorf("media address %v: an IP address and port is needed", c.Listen)
	}
	tcp := c.ListenTCP.IsValid()
	if tcp && !usable(c.ListenTCP.Addr()) {
		return fmt.Errorf("address of media over TCP %v: an IP address is needed", c.ListenTCP)
	}
	for _, a := range c.Advertise {
		if !usable(a) || a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("advertised address %v: the IP address of a host is needed", a)
		}
		if !serves(c.Listen.Addr(), a) && (!tcp || !serves(c.ListenTCP.Addr(), a)) {
			return fmt.Errorf("advertised address %v: media at %v does not take its family", a, c.Listen.Addr())
		}
	}
	return nil
}

// candidates lists the addresses that clients are told of a socket, IPv4 first.
func (s *Server) candidates(of netip.AddrPort) (addrs []net.Addr, err error) {
	own, err := localAddrs()
	if err != nil {
		return nil, err
	}
	port := s.cfg.AdvertisePort
	if port == 0 {
		port = of.Port()
	}
	for _, is := range []func(netip.Addr) bool{netip.Addr.Is4, netip.Addr.Is6} {
		for _, ip := range told(of.Addr(), s.cfg.Advertise, own, is) {
			addrs = append(addrs, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("this machine has no address that clients could reach %v at: name one to advertise", of)
	}
	return addrs, nil
}

// told is the addresses of one family that clients are told of a socket: those that are to be advertised, else the one it listens on, else the machine's own. So an
// override of one family leaves the other alone: a machine with IPv4 behind NAT has IPv6 without it.
func told(listen netip.Addr, advertise, own []netip.Addr, is func(netip.Addr) bool) []netip.Addr {
	of := func(all []netip.Addr) (some []netip.Addr) {
		for _, a := range all {
			if is(a) && serves(listen, a) {
				some = append(some, a)
			}
		}
		return some
	}
	if named := of(advertise); len(named) > 0 {
		return named
	}
	if listen.IsUnspecified() {
		return of(own)
	}
	return of([]netip.Addr{listen})
}

// localAddrs is the machine's own addresses that others may reach: IPv4, and of IPv6 those that are there to stay.
func localAddrs() ([]netip.Addr, error) {
	all, err := interfaceAddrs()
	if err != nil {
		return nil, err
	}
	var v4, v6 []netip.Addr
	passing := passingAddrs()
	for _, ip := range all {
		switch {
		case ip.IsLoopback() || ip.IsLinkLocalUnicast():
		case ip.Is4():
			v4 = append(v4, ip)
		case ip.IsGlobalUnicast() && !passing[ip] && len(v6) < mostOwnIPv6:
			v6 = append(v6, ip)
		}
	}
	return append(v4, v6...), nil
}

func interfaceAddrs() (ips []netip.Addr, err error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("looking for addresses to advertise: %w", err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				ips = append(ips, ip.Unmap())
			}
		}
	}
	return ips, nil
}

// passingAddrs is the IPv6 addresses that are no good for a server: temporary ones, deprecated, failed and those not confirmed yet. Where the system does not tell,
// there are none.
func passingAddrs() map[netip.Addr]bool {
	table, err := os.ReadFile(interfacesOfIPv6)
	if err != nil {
		return nil
	}
	return readPassing(string(table))
}

// readPassing reads lines of address, interface, prefix length, scope, flags and name, all but the last in hexadecimal.
func readPassing(table string) map[netip.Addr]bool {
	passing := map[netip.Addr]bool{}
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 5 || len(f[0]) != 32 {
			continue
		}
		flags, err := strconv.ParseUint(f[4], 16, 32)
		if err != nil || flags&passingIPv6 == 0 {
			continue
		}
		var groups []string
		for i := 0; i < 32; i += 4 {
			groups = append(groups, f[0][i:i+4])
		}
		if ip, err := netip.ParseAddr(strings.Join(groups, ":")); err == nil {
			passing[ip] = true
		}
	}
	return passing
}

// findStandIns notes what pion is to make TCP candidates of: an address of this machine for each family in which connections are taken, and of IPv4 for relays. Clients
// are told others in their place.
func (s *Server) findStandIns() error {
	all, err := interfaceAddrs()
	if err != nil {
		return err
	}
	tcp := s.cfg.ListenTCP.IsValid()
	for _, is := range []func(netip.Addr) bool{netip.Addr.Is4, netip.Addr.Is6} {
		var best netip.Addr
		for _, ip := range all {
			wanted := (tcp && serves(s.cfg.ListenTCP.Addr(), ip)) || (s.cfg.Relays != nil && ip.Is4())
			if is(ip) && wanted && !ip.IsLinkLocalUnicast() && (!best.IsValid() || best.IsLoopback()) {
				best = ip
			}
		}
		if best.IsValid() {
			s.locals = append(s.locals, best.AsSlice())
		}
	}
	if tcp && len(s.locals) == 0 {
		return errors.New("this machine has no address for media over TCP")
	}
	return nil
}

// familyOf is 0 for IPv4 and 1 for IPv6.
func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}
