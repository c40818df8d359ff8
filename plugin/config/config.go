// Package config turns what an admin typed into validated, immutable settings. One bad setting never takes the others along.
package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"calls/actors"
	"calls/wire"
)

// Config is every setting of the plugin. It is a value that nobody changes once it was loaded.
type Config struct {
	UDPServerAddress    netip.Addr // invalid: every address
	UDPServerPort       int
	TCPServerAddress    netip.Addr // invalid: that of UDP
	TCPServerPort       int        // 0: no media over TCP
	EnableIPv6          bool       // media over IPv6 as well
	ICEHostOverride     []string   // IP addresses and host names; none: the machine's own addresses
	ICEHostPortOverride int        // 0: the port that is listened on
	ICEServers          []wire.ICEServer
	OldICEServers       []string // bare URLs, from the setting that ICEServersConfigs replaced
	TURNSecret          string   // makes the short-lived credentials of TURN servers that have none
	TURNMinutes         int      // for which they hold
	ServerSideTURN      bool     // the server gets an address at them, too
	DefaultEnabled      bool
	AllowEnableCalls    bool
	AllowScreenSharing  bool
	EnableRinging       bool
	MaxCallParticipants int // 0: no limit
	Supervision         actors.Supervision

	Absent []string // keys of upstream's plugin that are set and have no effect here: told to the admin and to nobody else
}

// Default is what holds before anybody has set anything. The manifest says the same.
func Default() Config {
	return Config{UDPServerPort: 8443, TCPServerPort: 8443, DefaultEnabled: true, AllowEnableCalls: true, AllowScreenSharing: true, TURNMinutes: defaultTURNMinutes,
		Supervision: actors.DefaultSupervision()}
}

// Error says which setting was not heeded and why, in words for an admin.
type Error struct {
	Setting string // its key, or the environment variable that it came from
	Value   string
	Problem string
}

func (e *Error) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Setting, e.Problem)
	}
	return fmt.Sprintf("%s is %s: %s", e.Setting, e.Value, e.Problem)
}

// setting is how one key is read: parse puts the text into the configuration or says what is wrong with it, keep copies the value from another one.
type setting struct {
	key, env string
	oldEnv   string // a name that the variable had before, heeded when the new one is not set
	parse    func(c *Config, text string) error
	keep     func(c *Config, from Config)
	secret   bool // its value is not for logs
	unlisted bool // the console does not show it
}

var settings = []setting{
	{key: "UDPServerPort", env: "UDP_SERVER_PORT",
		parse: func(c *Config, s string) error { return number(&c.UDPServerPort, s, 80, 49151) },
		keep:  func(c *Config, from Config) { c.UDPServerPort = from.UDPServerPort }},
	{key: "UDPServerAddress", env: "UDP_SERVER_ADDRESS",
		parse: func(c *Config, s string) error { return address(&c.UDPServerAddress, s) },
		keep:  func(c *Config, from Config) { c.UDPServerAddress = from.UDPServerAddress }},
	{key: "EnableIPv6", env: "ENABLE_IPV6", oldEnv: "ENABLE_I_PV6",
		parse: func(c *Config, s string) error { return boolean(&c.EnableIPv6, s) },
		keep:  func(c *Config, from Config) { c.EnableIPv6 = from.EnableIPv6 }},
	{key: "ICEHostOverride", env: "ICE_HOST_OVERRIDE",
		parse: func(c *Config, s string) error { return hosts(&c.ICEHostOverride, s) },
		keep:  func(c *Config, from Config) { c.ICEHostOverride = from.ICEHostOverride }},
	{key: "TCPServerAddress", env: "TCP_SERVER_ADDRESS",
		parse: func(c *Config, s string) error { return address(&c.TCPServerAddress, s) },
		keep:  func(c *Config, from Config) { c.TCPServerAddress = from.TCPServerAddress }},
	{key: "TCPServerPort", env: "TCP_SERVER_PORT",
		parse: func(c *Config, s string) error { return portOrNone(&c.TCPServerPort, s) },
		keep:  func(c *Config, from Config) { c.TCPServerPort = from.TCPServerPort }},
	{key: "ICEHostPortOverride", env: "ICE_HOST_PORT_OVERRIDE",
		parse: func(c *Config, s string) error { return number(&c.ICEHostPortOverride, s, 0, 65535) },
		keep:  func(c *Config, from Config) { c.ICEHostPortOverride = from.ICEHostPortOverride }},
	{key: "ICEServers", unlisted: true, env: "ICE_SERVERS", secret: true,
		parse: func(c *Config, s string) error { return oldICEServers(&c.OldICEServers, s) },
		keep:  func(c *Config, from Config) { c.OldICEServers = from.OldICEServers }},
	{key: "TURNStaticAuthSecret", env: "TURN_STATIC_AUTH_SECRET", secret: true,
		parse: func(c *Config, s string) error { c.TURNSecret = s; return nil },
		keep:  func(c *Config, from Config) { c.TURNSecret = from.TURNSecret }},
	{key: "TURNCredentialsExpirationMinutes", env: "TURN_CREDENTIALS_EXPIRATION_MINUTES",
		parse: func(c *Config, s string) error { return minutes(&c.TURNMinutes, s) },
		keep:  func(c *Config, from Config) { c.TURNMinutes = from.TURNMinutes }},
	{key: "ServerSideTURN", env: "SERVER_SIDE_TURN",
		parse: func(c *Config, s string) error { return boolean(&c.ServerSideTURN, s) },
		keep:  func(c *Config, from Config) { c.ServerSideTURN = from.ServerSideTURN }},
	{key: "EnableRinging", env: "ENABLE_RINGING",
		parse: func(c *Config, s string) error { return boolean(&c.EnableRinging, s) },
		keep:  func(c *Config, from Config) { c.EnableRinging = from.EnableRinging }},
	{key: "ICEServersConfigs", env: "ICE_SERVERS_CONFIGS", secret: true,
		parse: func(c *Config, s string) error { return iceServers(&c.ICEServers, s) },
		keep:  func(c *Config, from Config) { c.ICEServers = from.ICEServers }},
	{key: "DefaultEnabled", env: "DEFAULT_ENABLED",
		parse: func(c *Config, s string) error { return boolean(&c.DefaultEnabled, s) },
		keep:  func(c *Config, from Config) { c.DefaultEnabled = from.DefaultEnabled }},
	{key: "AllowEnableCalls", env: "ALLOW_ENABLE_CALLS",
		parse: func(c *Config, s string) error { return boolean(&c.AllowEnableCalls, s) },
		keep:  func(c *Config, from Config) { c.AllowEnableCalls = from.AllowEnableCalls }},
	{key: "AllowScreenSharing", env: "ALLOW_SCREEN_SHARING",
		parse: func(c *Config, s string) error { return boolean(&c.AllowScreenSharing, s) },
		keep:  func(c *Config, from Config) { c.AllowScreenSharing = from.AllowScreenSharing }},
	{key: "MaxCallParticipants", env: "MAX_CALL_PARTICIPANTS", oldEnv: "MAX_PARTICIPANTS",
		parse: func(c *Config, s string) error { return number(&c.MaxCallParticipants, s, 0, 10000) },
		keep:  func(c *Config, from Config) { c.MaxCallParticipants = from.MaxCallParticipants }},
}

// Load reads the settings that the host keeps, and the environment's, which win. A setting that is missing or empty has its default; one that is wrong
// keeps the value it had in last, and an *Error says so.
func Load(stored map[string]json.RawMessage, getenv func(string) string, last Config) (Config, []error) {
	texts := byKey(stored)
	c := Default()
	var errs []error
	for _, s := range settings {
		name, text := s.key, texts[strings.ToLower(s.key)]
		if env := s.variable(getenv); env != "" {
			name, text = env, strings.TrimSpace(getenv(env))
		}
		if text == "" {
			continue
		}
		if err := s.parse(&c, text); err != nil {
			s.keep(&c, last)
			e := &Error{Setting: name, Value: clip(text), Problem: err.Error()}
			if s.secret {
				e.Value = ""
			}
			errs = append(errs, e)
		}
	}
	errs = append(errs, together(&c, last)...)
	return c, append(errs, families(&c, last)...)
}

// byKey is the texts of what is stored. The host stores keys in lower case.
func byKey(stored map[string]json.RawMessage) map[string]string {
	texts := make(map[string]string, len(stored))
	for k, v := range stored {
		if text := strings.TrimSpace(plainText(v)); text != "" {
			texts[strings.ToLower(k)] = text
		}
	}
	return texts
}

// mostShown is how much of a wrong value is repeated to the admin.
const mostShown = 80

func clip(text string) string {
	if runes := []rune(text); len(runes) > mostShown {
		return string(runes[:mostShown]) + "…"
	}
	return text
}

// Good is what is worth remembering of stored settings: the texts that are right, and of those that are wrong what was right before. Load takes it for stored
// settings, so that a plugin that starts with a wrong one knows what the last good value was. Secrets are not remembered: they have no business in a second place.
func Good(stored, before map[string]json.RawMessage) map[string]json.RawMessage {
	now, was := byKey(stored), byKey(before)
	good := map[string]json.RawMessage{}
	remember := func(key, text string) {
		delete(good, key)
		if raw, err := json.Marshal(text); err == nil && text != "" {
			good[key] = raw
		}
	}
	for _, s := range settings {
		key := strings.ToLower(s.key)
		var scratch Config
		switch text := now[key]; {
		case s.secret || text == "":
		case s.parse(&scratch, text) == nil:
			remember(key, text)
		default:
			remember(key, was[key])
		}
	}
	_, wrong := Load(good, func(string) string { return "" }, Default())
	for _, key := range misfits(wrong) {
		remember(key, was[key])
	}
	for _, l := range levels {
		if slices.ContainsFunc(wrong, func(err error) bool { return strings.HasPrefix(err.Error(), "Supervisor"+l.name) }) {
			for _, key := range l.backoffs() {
				remember(key, was[key])
			}
		}
	}
	return good
}

// variable is the environment variable that is set for a setting, empty when none is.
func (s setting) variable(getenv func(string) string) string {
	for _, env := range []string{s.env, s.oldEnv} {
		if env != "" && getenv(envPrefix+env) != "" {
			return envPrefix + env
		}
	}
	return ""
}

// Overrides is the settings that the environment decides, by key, with their values; a secret's is left out.
func Overrides(getenv func(string) string) map[string]string {
	found := map[string]string{}
	for _, s := range settings {
		if env := s.variable(getenv); env != "" {
			found[s.key] = getenv(env)
			if s.secret {
				found[s.key] = ""
			}
		}
	}
	return found
}

// Disabled says whether the environment wants the plugin not to start at all.
func Disabled(getenv func(string) string) bool {
	off, err := strconv.ParseBool(strings.ToLower(getenv(envPrefix + "DISABLE")))
	return err == nil && off
}

// envPrefix begins the name of every environment variable of ours.
const envPrefix = "MM_CALLS_"

// plainText is a JSON text without its quotes, any other JSON as it stands, and nothing for null.
func plainText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s // null, too, leaves it empty
	}
	return string(raw)
}

func number(to *int, s string, low, high int) error {
	f, err := strconv.ParseFloat(s, 64) // JSON has no integers: 8443 may come as 8.443e3
	if err != nil || f != float64(int(f)) {
		return fmt.Errorf("must be a whole number between %d and %d", low, high)
	}
	if f < float64(low) || f > float64(high) {
		return fmt.Errorf("must be between %d and %d", low, high)
	}
	*to = int(f)
	return nil
}

// portOrNone is a port, or 0 for what is switched off.
func portOrNone(to *int, s string) error {
	if strings.Trim(s, "0.") == "" {
		*to = 0
		return nil
	}
	return number(to, s, 80, 49151)
}

func boolean(to *bool, s string) error {
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return fmt.Errorf("must be true or false")
	}
	*to = b
	return nil
}

func address(to *netip.Addr, s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil || !plain(a) {
		return fmt.Errorf("must be an IP address without brackets, port or zone, or empty for every address of this machine")
	}
	*to = a
	return nil
}

// plain says whether an address means the same everywhere, and is written as the family that it is of.
func plain(a netip.Addr) bool { return a.Zone() == "" && !a.Is4In6() && !a.IsMulticast() }

// hosts reads what clients are told: addresses and names, separated by commas. Each may be followed by the local address it stands for, as upstream's plugin has
// it (EXTERNAL/LOCAL); here the former is enough, since clients may come in by any of them.
func hosts(to *[]string, s string) error {
	var list []string
	for _, entry := range pieces(s) {
		told, local, mapped := strings.Cut(entry, "/")
		a, err := netip.ParseAddr(told)
		if (err == nil && (!plain(a) || a.IsUnspecified())) || (err != nil && !isHostName(told)) {
			return fmt.Errorf("must be an IP address or a host name, without port or scheme; several are separated by commas")
		}
		if _, err := netip.ParseAddr(local); mapped && err != nil {
			return fmt.Errorf("must have an address of this machine behind the /")
		}
		list = append(list, told)
	}
	if len(list) > mostHosts {
		return fmt.Errorf("must not be more than %d addresses and names", mostHosts)
	}
	*to = list
	return nil
}

// mostHosts bounds the candidates that every client has to try.
const mostHosts = 10

// minutes is for how long TURN credentials hold. 0 is what upstream's plugin takes for no choice.
func minutes(to *int, s string) error {
	n := 0
	if err := number(&n, s, 0, mostTURNMinutes); err != nil {
		return err
	}
	if *to = n; n == 0 {
		*to = defaultTURNMinutes
	}
	return nil
}

func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(s, "."), ".")
	return !slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || len(l) > 63 || strings.Trim(l, "-") != l || strings.ContainsFunc(l, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
	})
}
