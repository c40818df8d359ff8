package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAddressesOfIPv6(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		object string
		udp    netip.Addr
		tcp    netip.Addr
		told   []string
	}{
		{`{"enableipv6":true,"udpserveraddress":"2001:db8::1"}`, v6, netip.Addr{}, nil},
		{`{"enableipv6":"true","tcpserveraddress":"2001:db8::1","udpserveraddress":"::"}`, netip.IPv6Unspecified(), v6, nil},
		{`{"udpserveraddress":"10.0.0.1","enableipv6":true}`, netip.MustParseAddr("10.0.0.1"), netip.Addr{}, nil},
		{`{"enableipv6":true,"icehostoverride":"192.0.2.1, 2001:db8::1/fd00::2,calls.example.com"}`, netip.Addr{}, netip.Addr{}, []string{"192.0.2.1", "2001:db8::1", "calls.example.com"}},
	} {
		got, errs := Load(stored(t, c.object), none, Default())
		assert.Empty(t, errs, c.object)
		assert.True(t, got.EnableIPv6, c.object)
		assert.Equal(t, c.udp, got.UDPServerAddress, c.object)
		assert.Equal(t, c.tcp, got.TCPServerAddress, c.object)
		assert.Equal(t, c.told, got.ICEHostOverride, c.object)
	}
	for _, text := range []string{"[2001:db8::1]", "::ffff:10.0.0.1", "fe80::1%eth0", "ff02::1", "2001:db8::1/64"} {
		_, errs := Load(map[string]json.RawMessage{"enableipv6": []byte("true"), "udpserveraddress": []byte(fmt.Sprintf("%q", text))}, none, Default())
		require.Len(t, errs, 1, text)
		assert.ErrorContains(t, errs[0], "UDPServerAddress is "+text+": must be an IP address")
	}
}

// An address of IPv6 where that is off would have media listen for nobody: what was good before stays.
func TestAddressesOfIPv6NeedIt(t *testing.T) {
	last := Config{UDPServerAddress: netip.MustParseAddr("192.0.2.8"), TCPServerAddress: netip.MustParseAddr("2001:db8::8"), ICEHostOverride: []string{"192.0.2.9", "2001:db8::9"}}
	got, errs := Load(stored(t, `{"udpserveraddress":"2001:db8::1","tcpserveraddress":"2001:db8::1","icehostoverride":"2001:db8::1,calls.example.com"}`), none, last)
	require.Len(t, errs, 3)
	assert.EqualError(t, errs[0], "UDPServerAddress is 2001:db8::1: must be an IPv4 address as long as EnableIPv6 is false")
	assert.EqualError(t, errs[1], "TCPServerAddress is 2001:db8::1: must be an IPv4 address as long as EnableIPv6 is false")
	assert.EqualError(t, errs[2], "ICEHostOverride is 2001:db8::1, calls.example.com: must be an IPv4 address as long as EnableIPv6 is false, or a host name")
	assert.Equal(t, last.UDPServerAddress, got.UDPServerAddress)
	assert.False(t, got.TCPServerAddress.IsValid(), "what was good with IPv6 is not without")
	assert.Equal(t, []string{"192.0.2.9"}, got.ICEHostOverride)
	assert.Equal(t, []string{"192.0.2.9", "2001:db8::9"}, last.ICEHostOverride, "what was is left alone")

	good := Good(stored(t, `{"udpserveraddress":"2001:db8::1"}`), stored(t, `{"udpserveraddress":"192.0.2.8"}`))
	assert.Equal(t, map[string]json.RawMessage{"udpserveraddress": []byte(`"192.0.2.8"`)}, good)
	good = Good(stored(t, `{"udpserveraddress":"2001:db8::1","enableipv6":true}`), nil)
	assert.Len(t, good, 2)
}

func TestRemarksOnFamilies(t *testing.T) {
	for object, says := range map[string]string{
		`{"enableipv6":true}`:                                     "",
		`{"enableipv6":true,"udpserveraddress":"::"}`:             "",
		`{"udpserveraddress":"10.0.0.1"}`:                         "",
		`{"enableipv6":true,"udpserveraddress":"10.0.0.1"}`:       "EnableIPv6: has no effect on UDP: UDPServerAddress is 10.0.0.1",
		`{"enableipv6":true,"udpserveraddress":"2001:db8::1"}`:    "UDPServerAddress: is 2001:db8::1, an IPv6 address: clients without IPv6",
		`{"enableipv6":"false","udpserveraddress":"2001:db8::1"}`: "",
	} {
		c, _ := Load(stored(t, object), none, Default())
		remarks := c.Remarks()
		if says == "" {
			assert.Empty(t, remarks, object)
			continue
		}
		require.Len(t, remarks, 1, object)
		assert.ErrorContains(t, &remarks[0], says)
	}
}
