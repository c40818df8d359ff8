package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/plugin/config"
)

func addrs(list ...string) (all []netip.Addr) {
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

func TestIPv6IsListenedOn(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	for _, c := range []struct {
		wants    config.Config
		udp, tcp string
		told     []netip.Addr
	}{
		{config.Config{}, "0.0.0.0:9000", "0.0.0.0:9001", nil},
		{config.Config{EnableIPv6: true}, "[::]:9000", "[::]:9001", nil},
		{config.Config{EnableIPv6: true, UDPServerAddress: netip.MustParseAddr("10.0.0.1")}, "10.0.0.1:9000", "10.0.0.1:9001", addrs("10.0.0.1")},
		{config.Config{EnableIPv6: true, UDPServerAddress: netip.MustParseAddr("fd00::9")}, "[fd00::9]:9000", "[fd00::9]:9001", addrs("fd00::9")},
		{config.Config{EnableIPv6: true, TCPServerAddress: netip.MustParseAddr("10.0.0.1")}, "[::]:9000", "10.0.0.1:9001", nil},
		{config.Config{EnableIPv6: true, ICEHostOverride: []string{"192.0.2.1", "2001:db8::1"}}, "[::]:9000", "[::]:9001", addrs("192.0.2.1", "2001:db8::1")},
	} {
		c.wants.UDPServerPort, c.wants.TCPServerPort = 9000, 9001
		got := engineConfig(c.wants, quiet)
		assert.Equal(t, netip.MustParseAddrPort(c.udp), got.Listen)
		assert.Equal(t, netip.MustParseAddrPort(c.tcp), got.ListenTCP)
		assert.Equal(t, c.told, got.Advertise)
	}
}

func TestNamesAreLookedUpInBothFamilies(t *testing.T) {
	lookup := func(_ context.Context, network, host string) ([]netip.Addr, error) {
		switch {
		case host == "dead.example":
			return nil, errors.New("no such host")
		case network == "ip4":
			return addrs("192.0.2.1"), nil
		case host == "six.example":
			return addrs("2001:db8::6"), nil
		}
		return addrs("::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2"), nil
	}
	c := config.Config{EnableIPv6: true, ICEHostOverride: []string{"both.example", "dead.example", "six.example", "2001:db8::1"}}
	assert.Equal(t, addrs("192.0.2.1", "2001:db8::1", "2001:db8::6"), advertised(c, lookup, slog.New(slog.DiscardHandler)))
	c.EnableIPv6 = false
	c.ICEHostOverride = []string{"both.example"}
	assert.Equal(t, addrs("192.0.2.1"), advertised(c, lookup, slog.New(slog.DiscardHandler)))
}

func TestAMachineWithoutIPv6(t *testing.T) {
	c := config.Config{EnableIPv6: true, UDPServerAddress: netip.MustParseAddr("fd00::9"), ICEHostOverride: []string{"2001:db8::1", "calls.example.com"}}
	got, found := withFamilies(c, func() error { return syscall.EAFNOSUPPORT })
	require.Len(t, found, 1)
	assert.False(t, found[0].Wrong, "a remark")
	assert.Contains(t, found[0].String(), "EnableIPv6: has no effect: this machine has no IPv6")
	assert.False(t, got.EnableIPv6 || got.UDPServerAddress.IsValid())
	assert.Equal(t, []string{"calls.example.com"}, got.ICEHostOverride)
	got, found = withFamilies(c, func() error { return nil })
	assert.Equal(t, c, got)
	assert.Empty(t, found)
	_, found = withFamilies(config.Config{}, func() error { return syscall.EAFNOSUPPORT })
	assert.Empty(t, found, "nobody asked for it")
}

func TestAddressesThatNobodyIsToldOf(t *testing.T) {
	at := func(listen string, told ...string) actors.Config {
		return actors.Config{Listen: netip.MustParseAddrPort(listen), Advertise: addrs(told...)}
	}
	own := func(list ...string) func() ([]netip.Addr, error) {
		return func() ([]netip.Addr, error) { return addrs(list...), nil }
	}
	assert.Empty(t, unseen(at("[::]:1"), own("10.0.0.1", "fd00::2")))
	assert.Empty(t, unseen(at("[::]:1", "2001:db8::1"), own("10.0.0.1")))
	assert.Contains(t, unseen(at("[::]:1", "192.0.2.1"), own("10.0.0.1"))[0].String(), "no IPv6 address that clients could reach")
	assert.Contains(t, unseen(at("[fd00::2]:1", "192.0.2.1"), own("fd00::2"))[0].String(), "ICEHostOverride: names addresses of a family that is not listened on (fd00::2)")
	assert.Equal(t, addrs("192.0.2.1"), reachable(at("0.0.0.0:1", "192.0.2.1", "2001:db8::1")))
	assert.Equal(t, addrs("2001:db8::1"), reachable(at("[fd00::2]:1", "192.0.2.1", "2001:db8::1")))
}

// What cannot be had on both families is tried on both elsewhere, and then on IPv4.
func TestPlacesOfBothFamilies(t *testing.T) {
	var tried []string
	start := func(cfg actors.Config, _ actors.Ports) (engine, error) {
		if tried = append(tried, cfg.Listen.String()); cfg.Listen.Addr().Is6() {
			return nil, taken("udp", syscall.EADDRINUSE)
		}
		assert.Equal(t, addrs("192.0.2.1"), cfg.Advertise)
		return &fakeEngine{}, nil
	}
	cfg := actors.Config{Listen: netip.MustParseAddrPort("[::]:9000"), Advertise: addrs("192.0.2.1", "2001:db8::1")}
	_, found, err := listen(start, cfg, actors.Ports{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Equal(t, []string{"[::]:9000", "[::]:8443", "[::]:0", "0.0.0.0:9000"}, tried)
	assert.Len(t, found, 1)
}
