package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Addresses of IPv6 make sense with EnableIPv6 alone. Whether that is on is not known while a single setting is read, so it is looked at when all are.

// boundAddresses are the settings that name an address to listen on.
var boundAddresses = []struct {
	key string
	at  func(*Config) *netip.Addr
}{
	{"UDPServerAddress", func(c *Config) *netip.Addr { return &c.UDPServerAddress }},
	{"TCPServerAddress", func(c *Config) *netip.Addr { return &c.TCPServerAddress }},
}

const needsIPv6 = "must be an IPv4 address as long as EnableIPv6 is false"

// families checks that no address of IPv6 is named where that is off. A setting that names one keeps what it had.
func families(c *Config, last Config) (errs []error) {
	if c.EnableIPv6 {
		return nil
	}
	for _, b := range boundAddresses {
		if at, before := b.at(c), *b.at(&last); at.Is6() {
			errs = append(errs, &Error{Setting: b.key, Value: at.String(), Problem: needsIPv6})
			if *at = before; at.Is6() {
				*at = netip.Addr{}
			}
		}
	}
	if slices.ContainsFunc(c.ICEHostOverride, isIPv6) {
		errs = append(errs, &Error{Setting: "ICEHostOverride", Value: clip(strings.Join(c.ICEHostOverride, ", ")), Problem: needsIPv6 + ", or a host name"})
		c.ICEHostOverride = slices.DeleteFunc(slices.Clone(last.ICEHostOverride), isIPv6)
	}
	return errs
}

func isIPv6(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is6()
}

// misfits is the settings, in lower case, whose addresses do not fit EnableIPv6.
func misfits(errs []error) (keys []string) {
	for _, err := range errs {
		if e, ok := err.(*Error); ok && strings.HasPrefix(e.Problem, needsIPv6) { //nolint:errorlint // Load wraps none
			keys = append(keys, strings.ToLower(e.Setting))
		}
	}
	return keys
}

// familyRemarks is what follows from addresses of one family alone.
func (c Config) familyRemarks() (said []Error) {
	at := c.UDPServerAddress
	if !c.EnableIPv6 || !at.IsValid() || at == netip.IPv6Unspecified() {
		return nil
	}
	if at.Is4() {
		return []Error{{Setting: "EnableIPv6", Problem: fmt.Sprintf("has no effect on UDP: UDPServerAddress is %s, an IPv4 address; empty it to listen on both", at)}}
	}
	return []Error{{Setting: "UDPServerAddress", Problem: fmt.Sprintf("is %s, an IPv6 address: clients without IPv6 cannot send to it; empty it to listen on both", at)}}
}
