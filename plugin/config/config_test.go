package config

import (
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
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
	for _, c := range []struct {
		name, object string
		change       func(*Config)
	}{
		{"nothing", `{}`, func(*Config) {}},
		{"null and empty", `{"udpserverport":null,"icehostoverride":"","defaultenabled":"","maxcallparticipants":""}`, func(*Config) {}},
		{"an unknown key", `{"enableeverything":true}`, func(*Config) {}},
		{"lower-case keys", `{"udpserverport":8444}`, func(c *Config) { c.UDPServerPort = 8444 }},
		{"keys as in the manifest", `{"UDPServerPort":80}`, func(c *Config) { c.UDPServerPort = 80 }},
		{"a number as text", `{"udpserverport":" 49151 "}`, func(c *Config) { c.UDPServerPort = 49151 }},
		{"a number with an exponent", `{"udpserverport":8.5e3}`, func(c *Config) { c.UDPServerPort = 8500 }},
		{"a bool as text", `{"defaultenabled":"False"}`, func(c *Config) { c.DefaultEnabled = false }},
		{"switches off", `{"defaultenabled":false,"allowenablecalls":false,"allowscreensharing":false}`,
			func(c *Config) { c.DefaultEnabled, c.AllowEnableCalls, c.AllowScreenSharing = false, false, false }},
		{"a limit", `{"maxcallparticipants":10000}`, func(c *Config) { c.MaxCallParticipants = 10000 }},
		{"an address", `{"udpserveraddress":"10.0.0.1"}`, func(c *Config) { c.UDPServerAddress = netip.MustParseAddr("10.0.0.1") }},
		{"an IP to tell", `{"icehostoverride":"192.0.2.1"}`, func(c *Config) { c.ICEHostOverride = []string{"192.0.2.1"} }},
		{"a name to tell", `{"icehostoverride":"calls.example.com"}`, func(c *Config) { c.ICEHostOverride = []string{"calls.example.com"} }},
		{"several to tell", `{"icehostoverride":"192.0.2.1, calls.example.com"}`, func(c *Config) { c.ICEHostOverride = []string{"192.0.2.1", "calls.example.com"} }},
		{"NAT as upstream maps it", `{"icehostoverride":"192.0.2.1/10.0.0.1,192.0.2.2/10.0.0.2"}`, func(c *Config) { c.ICEHostOverride = []string{"192.0.2.1", "192.0.2.2"} }},
		{"minutes that are no choice", `{"turncredentialsexpirationminutes":0}`, func(*Config) {}},
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
	last := Config{UDPServerPort: 9000, ICEHostOverride: []string{"192.0.2.9"}, MaxCallParticipants: 7, ICEServers: []wire.ICEServer{{URLs: []string{"stun:last.example"}}},
		UDPServerAddress: netip.MustParseAddr("192.0.2.8"), DefaultEnabled: false}
	for _, c := range []struct{ object, says string }{
		{`{"udpserverport":70}`, "UDPServerPort is 70: must be between 80 and 49151"},
		{`{"udpserverport":49152}`, "UDPServerPort is 49152: must be between 80 and 49151"},
		{`{"udpserverport":1e30}`, "UDPServerPort is 1e30: must be"},
		{`{"udpserverport":"NaN"}`, "UDPServerPort is NaN: must be a whole number"},
		{`{"udpserverport":8443.5}`, "UDPServerPort is 8443.5: must be a whole number between 80 and 49151"},
		{`{"udpserverport":"many"}`, "UDPServerPort is many: must be a whole number"},
		{`{"udpserverport":{}}`, "UDPServerPort is {}: must be a whole number"},
		{`{"udpserveraddress":"localhost"}`, "UDPServerAddress is localhost: must be an IP address"},
		{`{"icehostoverride":"https://calls.example.com"}`, "ICEHostOverride is https://calls.example.com: must be an IP address or a host name"},
		{`{"icehostoverride":"192.0.2.1/here"}`, "must have an address of this machine behind the /"},
		{`{"icehostoverride":"192.0.2.1:8443"}`, "without port or scheme"},
		{`{"icehostoverride":"0.0.0.0"}`, "ICEHostOverride is 0.0.0.0: must be"},
		{`{"icehostoverride":"::1"}`, "ICEHostOverride is ::1: must be"},
		{`{"icehostoverride":"a,b,c,d,e,f,g,h,i,j,k"}`, "must not be more than 10"},
		{`{"icehostportoverride":65536}`, "ICEHostPortOverride is 65536: must be between 0 and 65535"},
		{`{"turncredentialsexpirationminutes":10080}`, "TURNCredentialsExpirationMinutes is 10080: must be between 0 and 10079"},
		{`{"enableringing":"loudly"}`, "EnableRinging is loudly: must be true or false"},
		{`{"udpserverport":"` + strings.Repeat("9", 500) + `"}`, "UDPServerPort is " + strings.Repeat("9", mostShown) + "…: must be"},
		{`{"icehostoverride":"a..b"}`, "ICEHostOverride is a..b: must be"},
		{`{"icehostoverride":"-a.b"}`, "ICEHostOverride is -a.b: must be"},
		{`{"defaultenabled":"perhaps"}`, "DefaultEnabled is perhaps: must be true or false"},
		{`{"maxcallparticipants":-1}`, "MaxCallParticipants is -1: must be between 0 and 10000"},
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

// underscored is a key as upstream's plugin, whose names admins know, makes the name of a variable from it.
func underscored(key string) string {
	for _, re := range []*regexp.Regexp{regexp.MustCompile(`([a-z0-9])([A-Z])`), regexp.MustCompile(`([A-Z])([A-Z][a-z])`)} {
		key = re.ReplaceAllString(key, "${1}_${2}")
	}
	return "MM_CALLS_" + strings.ToUpper(key)
}

// samples is a value for every key, and what becomes of it.
func samples(t *testing.T) (values map[string]string, want Config) {
	t.Helper()
	values = map[string]string{
		"UDPServerPort": "9001", "UDPServerAddress": "127.0.0.1", "TCPServerPort": "9002", "TCPServerAddress": "127.0.0.2", "ICEHostOverride": "192.0.2.3",
		"ICEHostPortOverride": "9443", "ICEServers": "stun:old.example, turn:old.example", "ICEServersConfigs": `[{"urls":["stun:env.example"]}]`,
		"TURNStaticAuthSecret": "hush", "TURNCredentialsExpirationMinutes": "60", "DefaultEnabled": "false", "AllowEnableCalls": "false", "AllowScreenSharing": "false",
		"EnableRinging": "true", "EnableIPv6": "true", "ServerSideTURN": "true", "MaxCallParticipants": "12",
	}
	var sup actors.Supervision
	for _, l := range []*actors.Limits{&sup.Track, &sup.Session, &sup.Call} {
		*l = actors.Limits{MaxRestarts: 101, Window: 101 * time.Second, BackoffMin: 101 * time.Millisecond, BackoffMax: 101 * time.Millisecond}
	}
	sup.LaneDepth, sup.InboxLimit, sup.Stuck = 101, 101, 101*time.Millisecond
	want = Config{UDPServerPort: 9001, UDPServerAddress: netip.MustParseAddr("127.0.0.1"), TCPServerPort: 9002, TCPServerAddress: netip.MustParseAddr("127.0.0.2"),
		ICEHostOverride: []string{"192.0.2.3"}, ICEHostPortOverride: 9443, OldICEServers: []string{"stun:old.example", "turn:old.example"},
		ICEServers: []wire.ICEServer{{URLs: []string{"stun:env.example"}}}, TURNSecret: "hush", TURNMinutes: 60, EnableRinging: true, EnableIPv6: true, ServerSideTURN: true, MaxCallParticipants: 12,
		Supervision: sup}
	for _, a := range absent {
		values[a.key] = "true"
		want.Absent = append(want.Absent, a.key)
	}
	for _, s := range settings {
		if _, known := values[s.key]; !known { // the supervisor's
			values[s.key] = "101"
		}
	}
	require.Len(t, values, len(settings), "a value for every key")
	return values, want
}

func TestEveryKeyCanComeFromTheEnvironment(t *testing.T) {
	values, want := samples(t)
	byName := map[string]string{}
	for key, value := range values {
		byName[underscored(key)] = value
	}
	env := func(name string) string { return byName[name] }
	got, errs := Load(stored(t, `{"udpserverport":8444,"defaultenabled":true}`), env, Default())
	assert.Empty(t, errs)
	assert.Equal(t, want, got, "the environment wins")

	told := Overrides(env)
	assert.Len(t, told, len(settings))
	assert.Equal(t, "9001", told["UDPServerPort"])
	for _, secret := range []string{"TURNStaticAuthSecret", "ICEServersConfigs", "RTCDServiceURL"} {
		assert.Equal(t, "", told[secret], "%s is told to be overridden, not by what", secret)
	}

	byName["MM_CALLS_UDP_SERVER_PORT"] = "1"
	got, errs = Load(stored(t, `{"udpserverport":8444}`), env, Default())
	require.Len(t, errs, 1)
	assert.EqualError(t, errs[0], "MM_CALLS_UDP_SERVER_PORT is 1: must be between 80 and 49151")
	assert.Equal(t, 8443, got.UDPServerPort)
}

func TestEveryKeyCanBeStored(t *testing.T) {
	values, want := samples(t)
	texts := map[string]json.RawMessage{}
	for key, value := range values {
		raw, err := json.Marshal(value)
		require.NoError(t, err)
		texts[strings.ToLower(key)] = raw
	}
	got, errs := Load(texts, none, Default())
	assert.Empty(t, errs)
	assert.Equal(t, want, got)
}

func TestGoodIsWhatWasRightLast(t *testing.T) {
	first := Good(stored(t, `{"udpserverport":9000,"icehostoverride":"a.example","turnstaticauthsecret":"hush","supervisortrackbackoffminmillis":10,"supervisortrackbackoffmaxmillis":100}`), nil)
	assert.Len(t, first, 4, "no secret")
	second := Good(stored(t, `{"udpserverport":70,"maxcallparticipants":5,"supervisortrackbackoffminmillis":500,"supervisortrackbackoffmaxmillis":100}`), first)
	got, errs := Load(second, none, Default())
	assert.Empty(t, errs)
	assert.Equal(t, 9000, got.UDPServerPort, "what was right before")
	assert.Equal(t, 5, got.MaxCallParticipants)
	assert.Empty(t, got.ICEHostOverride, "taken back")
	assert.Equal(t, 10*time.Millisecond, got.Supervision.Track.BackoffMin, "both of a pair that does not fit")
	assert.Equal(t, 100*time.Millisecond, got.Supervision.Track.BackoffMax)
	assert.Empty(t, Good(stored(t, `{"udpserverport":"x","unknown":1}`), nil))
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

// The manifest is what an admin sees: its keys, defaults and ranges must be those of the code.
func TestManifestSaysTheSame(t *testing.T) {
	var m struct {
		Version string
		Schema  struct {
			Settings []struct {
				Key      string
				Type     string
				Default  json.RawMessage
				HelpText string `json:"help_text"`
			}
		} `json:"settings_schema"`
	}
	require.NoError(t, json.Unmarshal(calls.Manifest(), &m))
	defaults := map[string]json.RawMessage{}
	for _, s := range m.Schema.Settings {
		if s.Type == "custom" {
			continue // shows something, and is nothing to set
		}
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
