package config

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what TURN servers expect; as an HMAC it is sound
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"calls/wire"
)

// ClientICEServers is what clients are told: a TURN server without user name and credential is of no use to them, they ask for credentials first.
func (c Config) ClientICEServers() []wire.ICEServer {
	told := []wire.ICEServer{} // never nil: it becomes JSON
	for _, s := range c.ICEServers {
		if !needsCredentials(s) {
			told = append(told, s)
		}
	}
	if len(c.OldICEServers) > 0 {
		told = append(told, wire.ICEServer{URLs: c.OldICEServers})
	}
	return told
}

func needsCredentials(s wire.ICEServer) bool {
	return isTURN(s.URLs[0]) && (s.Username == "" || s.Credential == "")
}

// NeedsTURNCredentials says whether there are servers for which clients must ask for credentials, and can.
func (c Config) NeedsTURNCredentials() bool {
	return c.TURNSecret != "" && slices.ContainsFunc(c.ICEServers, needsCredentials)
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
	for _, s := range c.ICEServers {
		if needsCredentials(s) {
			list = append(list, wire.ICEServer{URLs: s.URLs, Username: user, Credential: credential})
		}
	}
	return list
}

// STUNServers is the addresses of the STUN servers over UDP, host and port, in the order they were given.
func (c Config) STUNServers() []string {
	var list []string
	urls := slices.Clone(c.OldICEServers)
	for _, s := range c.ICEServers {
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

// iceEntry is one server as admins write it.
type iceEntry struct {
	URLs        urlList `json:"urls"`
	Username    string  `json:"username"`
	Credential  string  `json:"credential"`
	Credentials string  `json:"credentials"` // the 2022 documentation's sample wrote it so, and people copied it
}

// urlList takes a single URL for a list of one, as browsers do.
type urlList []string

func (l *urlList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = urlList{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(b, &many)
	*l = many
	return err
}

var errICEServers = errors.New(`must be a JSON list such as [{"urls":["stun:stun.example.com:3478"]}]`)

// iceServers reads a JSON list, in quotes or not, or the bare URLs, separated by commas, that the setting held at first.
func iceServers(to *[]wire.ICEServer, text string) error {
	for range 3 {
		var inner string
		if json.Unmarshal([]byte(text), &inner) != nil {
			break
		}
		text = strings.TrimSpace(inner)
	}
	if text == "" {
		*to = nil
		return nil
	}
	var entries []iceEntry
	if isTURN(text) || isSTUN(text) {
		entries = bareURLs(text)
	} else if json.Unmarshal([]byte(text), &entries) != nil {
		return errICEServers
	}
	servers := make([]wire.ICEServer, 0, len(entries))
	for i, e := range entries {
		s := wire.ICEServer{URLs: e.URLs, Username: e.Username, Credential: e.Credential}
		if s.Credential == "" {
			s.Credential = e.Credentials
		}
		if err := checkICE(s); err != nil {
			return fmt.Errorf("entry %d %w", i+1, err)
		}
		servers = append(servers, s)
	}
	*to = servers
	return nil
}

// oldICEServers reads bare URLs separated by commas, or a list of them in JSON.
func oldICEServers(to *[]string, text string) error {
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		list = strings.Split(text, ",")
	}
	var urls []string
	for _, u := range list {
		if u = strings.TrimSpace(u); u == "" {
			continue
		}
		if !isSTUN(u) && !isTURN(u) {
			return errors.New("must be stun: or turn: URLs, separated by commas")
		}
		urls = append(urls, u)
	}
	*to = urls
	return nil
}

func bareURLs(text string) []iceEntry {
	var entries []iceEntry
	for u := range strings.SplitSeq(text, ",") {
		entries = append(entries, iceEntry{URLs: urlList{strings.TrimSpace(u)}})
	}
	return entries
}

func checkICE(s wire.ICEServer) error {
	if len(s.URLs) == 0 {
		return errors.New("has no urls")
	}
	notTURN := func(u string) bool { return !isTURN(u) }
	notSTUN := func(u string) bool { return !isSTUN(u) }
	if slices.ContainsFunc(s.URLs, notTURN) && slices.ContainsFunc(s.URLs, notSTUN) {
		return errors.New("must have only stun: and stuns: URLs, or only turn: and turns: URLs")
	}
	return nil
}
