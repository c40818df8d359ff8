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
	user := fmt.Sprintf("%d:%s", now.Add(time.Duration(c.TURNMinutes)*time.Minute).Unix(), username)
	mac := hmac.New(sha1.New, []byte(c.TURNSecret))
	mac.Write([]byte(user))
	credential := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, s := range c.servers() {
		if needsCredentials(s) {
			list = append(list, wire.ICEServer{URLs: s.URLs, Username: user, Credential: credential})
		}
	}
	return list
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
