package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"calls/wire"
)

// ClientICEServers is what clients are told: a TURN server without user name and credential is of no use to them.
func (c Config) ClientICEServers() []wire.ICEServer {
	told := []wire.ICEServer{} // never nil: it becomes JSON
	for _, s := range c.ICEServers {
		if !isTURN(s.URLs[0]) || (s.Username != "" && s.Credential != "") {
			told = append(told, s)
		}
	}
	return told
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
