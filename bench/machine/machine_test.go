package machine

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDroppedDatagramsAreFoundByName(t *testing.T) {
	const snmp = "Ip: Forwarding RcvbufErrors\nIp: 1 77\n" +
		"Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors\nUdp: 100 2 9 50 7 3 1\n" +
		"UdpLite: InDatagrams RcvbufErrors\nUdpLite: 1 1000\n"
	assert.EqualValues(t, 10, dropped(snmp))
	for _, text := range []string{"", "Udp: RcvbufErrors\n", "Udp: RcvbufErrors\nUdp: many\n", "\n\n"} {
		assert.Zero(t, dropped(text), text)
	}
}
