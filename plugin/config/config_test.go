package config

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls"
	"calls/actors"
	"calls/wire"
)

func none(string) string { return "" }

func stored(t *testing.T, object string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(object), &m))
	return m
}

func TestLoadAccepts(t *testing.T) {
	stun := []wire.ICEServer{{URLs: []string{"stun:a.example:3478"}}}
	turn := []wire.ICEServer{{URLs: []string{"turn:a.example:3478", "turns:a.example:5349"}, Username: "u", Credential: "c"}}
	for _, c := range []struct {
		name, object string
		change       func(*Config)
	}{
		{"nothing", `{}`, func(*Config) {}},
		{"null and empty", `{"udpserverport":null,"icehostoverride":"","defaultenabled":"","maxcallparticipants":""}`, func(*Config) {}},
		{"an unknown key", `{"enablerecordings":true}`, func(*Config) {}},
		{"lower-case keys", `{"udpserverport":8444}`, func(c *Config) { c.UDPServerPort = 8444 }},
		{"keys as in the manifest", `{"UDPServerPort":80}`, func(c *Config) { c.UDPServerPort = 80 }},
		{"a number as text", `{"udpserverport":" 49151 "}`, func(c *Config) { c.UDPServerPort = 49151 }},
		{"a number with an exponent", `{"udpserverport":8.5e3}`, func(c *Config) { c.UDPServerPort = 8500 }},
		{"a bool as text", `{"defaultenabled":"False"}`, func(c *Config) { c.DefaultEnabled = false }},
		{"switches off", `{"defaultenabled":false,"allowenablecalls":false,"allowscreensharing":false}`,
			func(c *Config) { c.DefaultEnabled, c.AllowEnableCalls, c.AllowScreenSharing = false, false, false }},
		{"a limit", `{"maxcallparticipants":10000}`, func(c *Config) { c.MaxCallParticipants = 10000 }},
		{"an address", `{"udpserveraddress":"10.0.0.1"}`, func(c *Config) { c.UDPServerAddress = netip.MustParseAddr("10.0.0.1") }},
		{"an IP to tell", `{"icehostoverride":"192.0.2.1"}`, func(c *Config) { c.ICEHostOverride = "192.0.2.1" }},
		{"a name to tell", `{"icehostoverride":"calls.example.com"}`, func(c *Config) { c.ICEHostOverride = "calls.example.com" }},
		{"ICE in a string", `{"iceserversconfigs":"[{\"urls\":[\"stun:a.example:3478\"]}]"}`, func(c *Config) { c.ICEServers = stun }},
		{"ICE in a quoted string", `{"iceserversconfigs":"\"[{\\\"urls\\\":[\\\"stun:a.example:3478\\\"]}]\""}`, func(c *Config) { c.ICEServers = stun }},
		{"ICE as JSON itself", `{"iceserversconfigs":[{"urls":["stun:a.example:3478"]}]}`, func(c *Config) { c.ICEServers = stun }},
		{"ICE with one URL", `{"iceserversconfigs":"[{\"urls\":\"stun:a.example:3478\"}]"}`, func(c *Config) { c.ICEServers = stun }},
		{"ICE as bare URLs", `{"iceserversconfigs":"stun:a.example:3478"}`, func(c *Config) { c.ICEServers = stun }},
		{"TURN", `{"iceserversconfigs":"[{\"urls\":[\"turn:a.example:3478\",\"turns:a.example:5349\"],\"username\":\"u\",\"credential\":\"c\"}]"}`,
			func(c *Config) { c.ICEServers = turn }},
		{"TURN as documented in 2022", `{"iceserversconfigs":"[{\"urls\":[\"turn:a.example:3478\",\"turns:a.example:5349\"],\"username\":\"u\",\"credentials\":\"c\"}]"}`,
			func(c *Config) { c.ICEServers = turn }},
		{"an empty list", `{"iceserversconfigs":"[]"}`, func(c *Config) { c.ICEServers = []wire.ICEServer{} }},
		{"a quoted nothing", `{"iceserversconfigs":"\"\""}`, func(*Config) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := Default()
			c.change(&want)
			got, errs := Load(stored(t, c.object), none, Default())
			assert.Empty(t, errs)
			assert.Equal(t, want, got)
		})
	}
}

func TestLoadRefusesOneSettingAndKeepsTheRest(t *testing.T) {
	last := Config{UDPServerPort: 9000, ICEHostOverride: "192.0.2.9", MaxCallParticipants: 7, ICEServers: []wire.ICEServer{{URLs: []string{"stun:last.example"}}},
		UDPServerAddress: netip.MustParseAddr("192.0.2.8"), DefaultEnabled: false}
	for _, c := range []struct{ object, says string }{
		{`{"udpserverport":70}`, "UDPServerPort is 70: must be between 80 and 49151"},
		{`{"udpserverport":49152}`, "UDPServerPort is 49152: must be between 80 and 49151"},
		{`{"udpserverport":1e30}`, "UDPServerPort is 1e30: must be"},
		{`{"udpserverport":"NaN"}`, "UDPServerPort is NaN: must be a whole number"},
		{`{"udpserverport":8443.5}`, "UDPServerPort is 8443.5: must be a whole number between 80 and 49151"},
		{`{"udpserverport":"many"}`, "UDPServerPort is many: must be a whole number"},
		{`{"udpserverport":{}}`, "UDPServerPort is {}: must be a whole number"},
		{`{"udpserveraddress":"localhost"}`, "UDPServerAddress is localhost: must be an IPv4 address"},
		{`{"icehostoverride":"https://calls.example.com"}`, "ICEHostOverride is https://calls.example.com: must be an IPv4 address or a host name"},
		{`{"icehostoverride":"a..b"}`, "ICEHostOverride is a..b: must be"},
		{`{"icehostoverride":"-a.b"}`, "ICEHostOverride is -a.b: must be"},
		{`{"defaultenabled":"perhaps"}`, "DefaultEnabled is perhaps: must be true or false"},
		{`{"maxcallparticipants":-1}`, "MaxCallParticipants is -1: must be between 0 and 10000"},
		{`{"iceserversconfigs":"[{\"urls\":[\"stun:a\",\"turn:b\"]}]"}`, "ICEServersConfigs: entry 1 must have only"},
		{`{"iceserversconfigs":"[{\"urls\":[\"http://a\"]}]"}`, "ICEServersConfigs: entry 1 must have only"},
		{`{"iceserversconfigs":"[{\"urls\":[]}]"}`, "ICEServersConfigs: entry 1 has no urls"},
		{`{"iceserversconfigs":"[{\"username\":\"u\",\"credential\":\"top-secret\"}"}`, "ICEServersConfigs: must be a JSON list"},
	} {
		t.Run(c.object, func(t *testing.T) {
			m := stored(t, c.object)
			m["allowscreensharing"] = json.RawMessage("false")
			var key string
			for k := range m {
				if k != "allowscreensharing" {
					key = k
				}
			}
			got, errs := Load(m, none, last)
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], c.says)
			assert.NotContains(t, errs[0].Error(), "top-secret")
			want := Default()
			want.AllowScreenSharing = false
			for _, s := range settings {
				if strings.EqualFold(s.key, key) {
					s.keep(&want, last)
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestEnvironmentWins(t *testing.T) {
	values := map[string]string{
		"MM_CALLS_UDP_SERVER_PORT": "9001",
		"MM_CALLS_TCP_SERVER_PORT": "9002", "MM_CALLS_TCP_SERVER_ADDRESS": "127.0.0.2",
		"MM_CALLS_UDP_SERVER_ADDRESS":    "127.0.0.1",
		"MM_CALLS_ICE_HOST_OVERRIDE":     "192.0.2.3",
		"MM_CALLS_ICE_SERVERS_CONFIGS":   `[{"urls":["stun:env.example"]}]`,
		"MM_CALLS_DEFAULT_ENABLED":       "false",
		"MM_CALLS_ALLOW_ENABLE_CALLS":    "false",
		"MM_CALLS_ALLOW_SCREEN_SHARING":  "false",
		"MM_CALLS_MAX_CALL_PARTICIPANTS": "12",

		"MM_CALLS_ICE_HOST_PORT_OVERRIDE":              "9443",
		"MM_CALLS_ICE_SERVERS":                         "stun:old.example, turn:old.example",
		"MM_CALLS_TURN_STATIC_AUTH_SECRET":             "hush",
		"MM_CALLS_TURN_CREDENTIALS_EXPIRATION_MINUTES": "60",
		"MM_CALLS_SERVER_SIDE_TURN":                    "true",
		"MM_CALLS_RTCD_SERVICE_URL":                    "https://rtcd.example",
		"MM_CALLS_ENABLE_RINGING":                      "true",
	}
	want := actors.Supervision{LaneDepth: 101, InboxLimit: 101, Stuck: 101 * time.Millisecond}
	for _, l := range []*actors.Limits{&want.Track, &want.Session, &want.Call} {
		*l = actors.Limits{MaxRestarts: 101, Window: 101 * time.Second, BackoffMin: 101 * time.Millisecond, BackoffMax: 101 * time.Millisecond}
	}
	for _, s := range settings[len(values):] { // the supervisor's
		values["MM_CALLS_"+s.env] = "101"
	}
	require.Len(t, values, len(settings), "one variable a setting")
	env := func(k string) string { return values[k] }
	got, errs := Load(stored(t, `{"udpserverport":8444,"defaultenabled":true}`), env, Default())
	assert.Empty(t, errs)
	assert.Equal(t, Config{UDPServerPort: 9001, TCPServerPort: 9002, TCPServerAddress: netip.MustParseAddr("127.0.0.2"), UDPServerAddress: netip.MustParseAddr("127.0.0.1"), ICEHostOverride: "192.0.2.3",
		ICEServers: []wire.ICEServer{{URLs: []string{"stun:env.example"}}}, MaxCallParticipants: 12, Supervision: want,
		ICEHostPortOverride: 9443, OldICEServers: []string{"stun:old.example", "turn:old.example"}, TURNSecret: "hush", TURNMinutes: 60,
		ServerSideTURN: true, RTCDServiceURL: "https://rtcd.example", EnableRinging: true}, got)
	assert.Len(t, got.Unsupported(), 2)
	told := Overrides(env)
	assert.Len(t, told, len(settings))
	assert.Equal(t, "9001", told["UDPServerPort"])
	for _, secret := range []string{"TURNStaticAuthSecret", "ICEServersConfigs", "RTCDServiceURL"} {
		assert.Equal(t, "", told[secret], "%s is told to be overridden, not by what", secret)
	}

	values["MM_CALLS_UDP_SERVER_PORT"] = "1"
	got, errs = Load(stored(t, `{"udpserverport":8444}`), env, Default())
	require.Len(t, errs, 1)
	assert.EqualError(t, errs[0], "MM_CALLS_UDP_SERVER_PORT is 1: must be between 80 and 49151")
	assert.Equal(t, 8443, got.UDPServerPort)
}

func TestClientICEServersLeavesOutTURNWithoutCredentials(t *testing.T) {
	assert.Equal(t, []wire.ICEServer{}, Default().ClientICEServers())
	c := Config{ICEServers: []wire.ICEServer{
		{URLs: []string{"stun:a"}}, {URLs: []string{"turn:b"}}, {URLs: []string{"turns:c"}, Username: "u"}, {URLs: []string{"turn:d"}, Username: "u", Credential: "c"},
	}}
	assert.Equal(t, []wire.ICEServer{c.ICEServers[0], c.ICEServers[3]}, c.ClientICEServers())
}

func TestNamesOfOld(t *testing.T) {
	env := map[string]string{"MM_CALLS_MAX_PARTICIPANTS": "8", "MM_CALLS_DISABLE": "TRUE"}
	getenv := func(k string) string { return env[k] }
	got, errs := Load(nil, getenv, Default())
	assert.Empty(t, errs)
	assert.Equal(t, 8, got.MaxCallParticipants)
	assert.True(t, Disabled(getenv))
	assert.False(t, Disabled(none))
	env["MM_CALLS_MAX_CALL_PARTICIPANTS"] = "9"
	got, _ = Load(nil, getenv, Default())
	assert.Equal(t, 9, got.MaxCallParticipants, "the newer name wins")
}

func TestICEServersOfOld(t *testing.T) {
	for text, want := range map[string][]string{
		`"stun:a.example:3478"`:               {"stun:a.example:3478"},
		`"stun:a.example, ,turn:b.example"`:   {"stun:a.example", "turn:b.example"},
		`["stun:a.example","stun:b.example"]`: {"stun:a.example", "stun:b.example"},
		`"[\"stun:a.example\"]"`:              {"stun:a.example"},
		`""`:                                  nil,
	} {
		got, errs := Load(stored(t, `{"iceservers":`+text+`}`), none, Default())
		assert.Empty(t, errs, text)
		assert.Equal(t, want, got.OldICEServers, text)
	}
	_, errs := Load(stored(t, `{"iceservers":"http://a.example"}`), none, Default())
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], "ICEServers: must be stun: or turn: URLs")
}

func TestSTUNServers(t *testing.T) {
	c := Config{OldICEServers: []string{"stun:old.example"}, ICEServers: []wire.ICEServer{
		{URLs: []string{"stun:a.example:19302", "stuns:b.example"}}, {URLs: []string{"turn:c.example"}}, {URLs: []string{"stun:[2001:db8::1]"}},
	}}
	assert.Equal(t, []string{"old.example:3478", "a.example:19302", "[2001:db8::1]:3478"}, c.STUNServers())
}

// The manifest is what an admin sees: its keys, defaults and ranges must be those of the code.
func TestManifestSaysTheSame(t *testing.T) {
	var m struct {
		Version string
		Schema  struct {
			Settings []struct {
				Key      string
				Default  json.RawMessage
				HelpText string `json:"help_text"`
			}
		} `json:"settings_schema"`
	}
	require.NoError(t, json.Unmarshal(calls.Manifest(), &m))
	defaults := map[string]json.RawMessage{}
	for _, s := range m.Schema.Settings {
		defaults[s.Key] = s.Default
		assert.NotEmpty(t, s.HelpText, s.Key)
	}
	listed := 0
	for _, s := range settings {
		if !s.unlisted {
			listed++
			assert.Contains(t, defaults, s.key)
		}
	}
	require.Len(t, defaults, listed)
	got, errs := Load(defaults, none, Config{})
	assert.Empty(t, errs)
	want := Default()
	want.ICEServers = []wire.ICEServer{}
	assert.Equal(t, want, got)

	assert.Equal(t, m.Version, calls.Version())
	onDisk, err := os.ReadFile("../../plugin.json")
	require.NoError(t, err)
	assert.JSONEq(t, string(onDisk), string(calls.Manifest()))
}
