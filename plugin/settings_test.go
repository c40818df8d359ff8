package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/call"
	"calls/plugin/config"
	"calls/plugin/settings"
)

func adminSees(p *Plugin) string {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/admin/settings", nil)
	r.Header.Set("Mattermost-User-Id", "admin")
	p.ServeHTTP(nil, w, r)
	return w.Body.String()
}

func TestAdminsAreToldOnceOfAWrongSetting(t *testing.T) {
	h := newHost()
	h.settings = `{"udpserverport":9000}`
	p, _ := activate(t, h)
	h.hears(t, 0)
	assert.JSONEq(t, `{"problems":[]}`, adminSees(p))

	h.set(func() { h.settings = `{"udpserverport":70,"maxcallparticipants":"many"}` })
	require.NoError(t, p.OnConfigurationChange())
	message := h.hears(t, 1)
	assert.Contains(t, message, "bot-admin: Some settings of Calls are not in force")
	assert.Contains(t, message, "* **UDPServerPort** = `70`: must be between 80 and 49151\n* **MaxCallParticipants** = `many`: must be a whole number between 0 and 10000")
	assert.Contains(t, adminSees(p), `{"setting":"UDPServerPort","value":"70","problem":"must be between 80 and 49151","wrong":true}`)
	assert.Equal(t, 9000, p.settings.Config().UDPServerPort)

	h.set(func() { h.settings = `{"udpserverport":70,"maxcallparticipants":"many","defaultenabled":false}` })
	require.NoError(t, p.OnConfigurationChange())
	require.NoError(t, p.OnDeactivate())

	again, _ := activate(t, h) // a new life of the plugin, with the same wrong settings
	assert.Equal(t, 9000, again.settings.Config().UDPServerPort, "what was good last is known from the life before")
	h.set(func() { h.settings = `{"udpserverport":9000,"maxcallparticipants":-1}` })
	require.NoError(t, again.OnConfigurationChange())
	assert.NotContains(t, h.hears(t, 2), "UDPServerPort", "the second message is of the second change alone")

	h.set(func() { h.settings = `{"udpserverport":9000}` })
	require.NoError(t, again.OnConfigurationChange())
	assert.JSONEq(t, `{"problems":[]}`, adminSees(again))
	require.Eventually(t, func() bool {
		told, _ := h.KVGet("settings_told")
		return told == nil
	}, 10*time.Second, 5*time.Millisecond)
	h.set(func() { h.settings = `{"udpserverport":9000,"maxcallparticipants":-1}` })
	require.NoError(t, again.OnConfigurationChange())
	h.hears(t, 3)
}

func TestWhatIsNotHereIsSaidOnThePageAlone(t *testing.T) {
	h := newHost()
	h.settings = `{"enablerecordings":true}`
	p, _ := activate(t, h)
	assert.Contains(t, adminSees(p), `"problem":"has no effect: there are no recordings","wrong":false`)
	h.says(t, "EnableRecordings: has no effect")
	h.hears(t, 0)
}

func TestASharedScreenEndsWhenSharingIsSwitchedOff(t *testing.T) {
	h := newHost()
	p, e := activate(t, h)
	e.views = []call.View{{Channel: chanID, Host: userA}, {Channel: "other", Host: userA, ScreenSession: connA}}
	require.NoError(t, p.OnConfigurationChange())
	assert.Empty(t, e.take())
	h.set(func() { h.settings = `{"allowscreensharing":false}` })
	require.NoError(t, p.OnConfigurationChange())
	assert.Equal(t, []string{"host other screen_off"}, e.take())
}

// taken is what an engine says whose address is not to be had.
func taken(network string, why syscall.Errno) error {
	return fmt.Errorf("media socket: %w", &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", why)})
}

func TestAnAddressThatIsNotToBeHadStopsNothing(t *testing.T) {
	port := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	for _, c := range []struct {
		name    string
		wants   config.Config
		refused map[netip.AddrPort]error // what cannot be listened on; everything else can
		noTCP   bool                     // no TCP is to be had
		udp     string
		tcp     bool
		says    []string
	}{
		{name: "all is well", wants: config.Config{UDPServerPort: 9000, TCPServerPort: 9000}, udp: "0.0.0.0:9000", tcp: true},
		{name: "no TCP", wants: config.Config{UDPServerPort: 9000, TCPServerPort: 9001}, noTCP: true, udp: "0.0.0.0:9000",
			says: []string{"TCPServerPort is 9001: media over TCP is not to be had at 0.0.0.0:9001"}},
		{name: "somebody else's address", wants: config.Config{UDPServerPort: 9000, TCPServerPort: 9000, UDPServerAddress: netip.MustParseAddr("192.0.2.1")},
			refused: map[netip.AddrPort]error{port("192.0.2.1:9000"): taken("udp4", syscall.EADDRNOTAVAIL)}, udp: "0.0.0.0:9000", tcp: true,
			says: []string{"UDPServerAddress is 192.0.2.1: cannot be had", "media goes over 0.0.0.0:9000"}},
		{name: "a port in use", wants: config.Config{UDPServerPort: 9000, TCPServerPort: 9000},
			refused: map[netip.AddrPort]error{port("0.0.0.0:9000"): taken("udp4", syscall.EADDRINUSE)}, udp: "0.0.0.0:8443", tcp: true,
			says: []string{"UDPServerPort is 9000: cannot be had", "media goes over 0.0.0.0:8443"}},
		{name: "a port that needs rights, on an address, and the usual one in use", wants: config.Config{UDPServerPort: 443, UDPServerAddress: netip.MustParseAddr("127.0.0.1")},
			refused: map[netip.AddrPort]error{port("127.0.0.1:443"): taken("udp4", syscall.EACCES), port("0.0.0.0:443"): taken("udp4", syscall.EACCES),
				port("0.0.0.0:8443"): taken("udp4", syscall.EADDRINUSE)}, udp: "0.0.0.0:0",
			says: []string{"UDPServerPort is 443: cannot be had", "any port that was free"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got actors.Config
			start := func(cfg actors.Config, _ actors.Ports) (engine, error) {
				if err := c.refused[cfg.Listen]; err != nil {
					return nil, err
				}
				if c.noTCP && cfg.ListenTCP.IsValid() {
					return nil, taken("tcp4", syscall.EADDRINUSE)
				}
				got = cfg
				return &fakeEngine{}, nil
			}
			log := slog.New(slog.DiscardHandler)
			e, found, err := listen(start, engineConfig(c.wants, log), actors.Ports{}, log)
			require.NoError(t, err)
			assert.NotNil(t, e)
			assert.Equal(t, port(c.udp), got.Listen)
			assert.Equal(t, c.tcp, got.ListenTCP.IsValid())
			if got.Listen.Addr() != c.wants.UDPServerAddress {
				assert.Empty(t, got.Advertise, "clients are not told an address that is none of this machine's")
			}
			said := fmt.Sprint(found)
			for _, s := range c.says {
				assert.Contains(t, said, s)
			}
			assert.Len(t, found, min(len(c.says), 1))
		})
	}
}

func TestWhatIsNoMatterOfAddressesIsNotTriedElsewhere(t *testing.T) {
	tries := 0
	start := func(actors.Config, actors.Ports) (engine, error) { tries++; return nil, fmt.Errorf("a bug") }
	log := slog.New(slog.DiscardHandler)
	_, _, err := listen(start, engineConfig(config.Default(), log), actors.Ports{}, log)
	assert.EqualError(t, err, "a bug")
	assert.Equal(t, 2, tries, "with TCP and without")

	all := func(actors.Config, actors.Ports) (engine, error) { return nil, taken("udp4", syscall.EADDRINUSE) }
	_, _, err = listen(all, engineConfig(config.Default(), log), actors.Ports{}, log)
	assert.ErrorIs(t, err, syscall.EADDRINUSE, "without any address at all there is nothing to start")
}

// The real engine says it in the way that is looked for.
func TestTheEngineSaysThatAnAddressIsNotToBeHad(t *testing.T) {
	ports := actors.Ports{Log: slog.New(slog.DiscardHandler)}
	_, err := startEngine(actors.Config{Listen: netip.MustParseAddrPort("192.0.2.1:0")}, ports) // of a network for documentation
	assert.True(t, unavailable(err, "udp4"), "%v", err)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	at := netip.MustParseAddrPort(l.Addr().String())
	_, err = startEngine(actors.Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), ListenTCP: at}, ports)
	assert.True(t, unavailable(err, "tcp4"), "%v", err)
}

func TestAHostThatIsDownCostsNoMessage(t *testing.T) {
	h := newHost()
	h.settings = `{"maxcallparticipants":-1}`
	h.down = true
	p, _ := activate(t, h)
	h.says(t, "admins could not be told")
	h.hears(t, 0)
	h.set(func() { h.down = false })
	require.NoError(t, p.OnConfigurationChange())
	h.hears(t, 1)
	assert.Equal(t, []settings.Problem{{Setting: "MaxCallParticipants", Value: "-1", Problem: "must be between 0 and 10000", Wrong: true}}, p.settings.Problems())
}
