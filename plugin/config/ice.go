package config

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what TURN servers expect; as an HMAC it is sound
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"calls/actors"
	"calls/wire"
)

// servers is every server of either setting. Those of the older one are bare URLs: what they say of STUN can be used as it is, TURN needs credentials.
func (c Config) servers() []wire.ICEServer {
	all := slices.Clone(c.ICEServers)
	var turn []string
	for _, u := range c.OldICEServers {
		if isTURN(u) {
			turn = append(turn, u)
		}
	}
	if stun := c.BareSTUN(); len(stun) > 0 {
		all = append(all, wire.ICEServer{URLs: stun})
	}
	if len(turn) > 0 {
		all = append(all, wire.ICEServer{URLs: turn})
	}
	return all
}

// BareSTUN is what the oldest clients read: the URLs of the older setting. Only STUN: a TURN URL without credentials makes a browser refuse the whole connection.
func (c Config) BareSTUN() []string {
	var stun []string // nil when there are none, as those clients expect
	for _, u := range c.OldICEServers {
		if isSTUN(u) {
			stun = append(stun, u)
		}
	}
	return stun
}

// ClientICEServers is what clients are told: a TURN server without user name and credential is of no use to them, they ask for credentials first.
func (c Config) ClientICEServers() []wire.ICEServer {
	told := []wire.ICEServer{} // never nil: it becomes JSON
	for _, s := range c.servers() {
		if !needsCredentials(s) {
			told = append(told, s)
		}
	}
	return told
}

func needsCredentials(s wire.ICEServer) bool {
	return isTURN(s.URLs[0]) && (s.Username == "" || s.Credential == "")
}

// NeedsTURNCredentials says whether there are servers for which clients must ask for credentials, and can.
func (c Config) NeedsTURNCredentials() bool {
	return c.TURNSecret != "" && slices.ContainsFunc(c.servers(), needsCredentials)
}

const (
	mostTURNMinutes    = 7*24*60 - 1 // less than a week
	defaultTURNMinutes = 240
)

// TURNCredentials is the servers that need credentials, with such as hold for a while: the scheme that TURN servers call a shared secret.
func (c Config) TURNCredentials(username string, now time.Time) []wire.ICEServer {
	list := []wire.ICEServer{}
	if c.TURNSecret == "" {
		return list
	}
	user, credential := c.credentials(username, now)
	for _, s := range c.servers() {
		if needsCredentials(s) {
			list = append(list, wire.ICEServer{URLs: s.URLs, Username: user, Credential: credential})
		}
	}
	return list
}

func (c Config) credentials(name string, now time.Time) (user, credential string) {
	user = fmt.Sprintf("%d:%s", now.Add(time.Duration(c.TURNMinutes)*time.Minute).Unix(), name)
	mac := hmac.New(sha1.New, []byte(c.TURNSecret))
	mac.Write([]byte(user))
	return user, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Relays is the TURN servers at which the media server may get an address for a session, where that is wanted: with an entry's own credentials, else with such as hold
// for a while. An entry without either is left out.
func (c Config) Relays(session string, now time.Time) (list []actors.Relay) {
	if !c.ServerSideTURN {
		return nil
	}
	for _, s := range c.servers() {
		user, credential := s.Username, s.Credential
		if needsCredentials(s) {
			if c.TURNSecret == "" {
				continue
			}
			user, credential = c.credentials(session, now)
		}
		for _, u := range s.URLs {
			if network, addr, ok := turnAddr(u); ok {
				list = append(list, actors.Relay{Network: network, Addr: addr, Username: user, Password: credential})
			}
		}
	}
	return list
}

// turnAddr is how a TURN server is reached; not ok for what is none, and for DTLS, which is not spoken here.
func turnAddr(url string) (network, addr string, ok bool) {
	at, query, _ := strings.Cut(url, "?")
	scheme, at, _ := strings.Cut(at, ":")
	port := "3478"
	switch {
	case scheme == "turn" && query == "transport=tcp":
		network = "tcp"
	case scheme == "turn":
		network = "udp"
	case scheme == "turns" && query != "transport=udp":
		network, port = "tls", "5349"
	default:
		return "", "", false
	}
	if _, _, err := net.SplitHostPort(at); err != nil {
		at = net.JoinHostPort(strings.Trim(at, "[]"), port)
	}
	return network, at, true
}

// STUNServers is the addresses of the STUN servers over UDP, host and port, in the order they were given.
func (c Config) STUNServers() []string {
	var list []string
	var urls []string
	for _, s := range c.servers() {
		urls = append(urls, s.URLs...)
	}
	for _, u := range urls {
		at, ok := strings.CutPrefix(u, "stun:")
		if !ok {
			continue
		}
		if _, _, err := net.SplitHostPort(at); err != nil {
			at = net.JoinHostPort(strings.Trim(at, "[]"), "3478")
		}
		list = append(list, at)
	}
	return list
}

func isTURN(url string) bool {
	return strings.HasPrefix(url, "turn:") || strings.HasPrefix(url, "turns:")
}

func isSTUN(url string) bool {
	return strings.HasPrefix(url, "stun:") || strings.HasPrefix(url, "stuns:")
}
