package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"calls/wire"
)

// How STUN and TURN servers are read from what admins type. A browser that is given one URL that it does not understand makes no connection at all, so whatever
// is let through here must be beyond doubt.

// iceEntry is one server as admins write it.
type iceEntry struct {
	URLs        urlList `json:"urls"`
	URL         urlList `json:"url"` // what browsers once called it
	Username    word    `json:"username"`
	Credential  word    `json:"credential"`
	Credentials word    `json:"credentials"` // the 2022 documentation's sample wrote it so, and people copied it
}

// UnmarshalJSON takes a bare URL for a server without credentials.
func (e *iceEntry) UnmarshalJSON(b []byte) error {
	var bare string
	if json.Unmarshal(b, &bare) == nil {
		*e = iceEntry{URLs: pieces(bare)}
		return nil
	}
	type plain iceEntry
	return json.Unmarshal(b, (*plain)(e))
}

// urlList takes a single URL for a list of one, as browsers do, and several between commas for as many.
type urlList []string

func (l *urlList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = pieces(one)
		return nil
	}
	var many []string
	err := json.Unmarshal(b, &many)
	*l = many
	return err
}

// word is a text, or a number that was meant as one: a password of digits is soon typed without quotes.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var n json.Number
	if len(b) > 0 && b[0] != '"' && json.Unmarshal(b, &n) == nil {
		*w = word(n.String())
		return nil
	}
	var s string
	err := json.Unmarshal(b, &s)
	*w = word(s)
	return err
}

// pieces is what stands between commas, semicolons and white space.
func pieces(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
}

const iceForm = `must be a JSON list such as [{"urls":["stun:stun.example.com:3478"]}]`

// iceServers reads a JSON list, in quotes or not, or the bare URLs, separated by commas, that the setting held at first.
func iceServers(to *[]wire.ICEServer, text string) error {
	text = unquoted(text)
	if text == "" {
		*to = nil
		return nil
	}
	var entries []iceEntry
	switch text[0] {
	case '[':
		if err := json.Unmarshal([]byte(text), &entries); err != nil {
			return iceProblem(err)
		}
	case '{':
		var one iceEntry
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			return iceProblem(err)
		}
		entries = []iceEntry{one}
	default:
		for _, u := range pieces(text) {
			entries = append(entries, iceEntry{URLs: urlList{u}})
		}
		if len(entries) == 0 || !strings.Contains(text, ":") {
			return errors.New(iceForm)
		}
	}
	servers := make([]wire.ICEServer, 0, len(entries))
	for i, e := range entries {
		s, err := e.server()
		if err != nil {
			return fmt.Errorf("entry %d %w", i+1, err)
		}
		servers = append(servers, s)
	}
	*to = servers
	return nil
}

// unquoted takes off the quotes that settings gather on their way: the host keeps text, the text is JSON, and some admins put it between quotes once more.
func unquoted(text string) string {
	text = strings.TrimSpace(text)
	for range 3 {
		var inner string
		if json.Unmarshal([]byte(text), &inner) != nil {
			break
		}
		text = strings.TrimSpace(inner)
	}
	return text
}

// iceProblem says where JSON is none. It never repeats the text, which may hold passwords.
func iceProblem(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s, with straight double quotes; what is there is no JSON from character %d on", iceForm, syntax.Offset)
	}
	return errors.New(iceForm + `; "urls" holds texts, "username" and "credential" are texts`)
}

// server is the entry as clients get it.
func (e iceEntry) server() (wire.ICEServer, error) {
	s := wire.ICEServer{Username: string(e.Username), Credential: string(e.Credential)}
	if s.Credential == "" {
		s.Credential = string(e.Credentials)
	}
	stun, turn := 0, 0
	for i, text := range append(slices.Clone(e.URLs), e.URL...) {
		u, err := iceURL(text)
		if err != nil {
			return s, fmt.Errorf("has a wrong URL (its number %d): %w", i+1, err)
		}
		if s.URLs = append(s.URLs, u); isSTUN(u) {
			stun++
		} else {
			turn++
		}
	}
	switch {
	case len(s.URLs) == 0:
		return s, errors.New("has no urls")
	case stun > 0 && turn > 0:
		return s, errors.New("must have only stun: and stuns: URLs, or only turn: and turns: URLs")
	}
	return s, nil
}

// iceURL is a URL in the form that browsers take.
func iceURL(text string) (string, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(text), ":")
	scheme = strings.ToLower(scheme)
	if !slices.Contains([]string{"stun", "stuns", "turn", "turns"}, scheme) {
		return "", errors.New("must begin with stun:, stuns:, turn: or turns:")
	}
	at, query, asks := strings.Cut(strings.TrimPrefix(rest, "//"), "?") // slashes are for other kinds of URL, and typed out of habit
	if err := endpoint(at); err != nil {
		return "", err
	}
	if !asks {
		return scheme + ":" + at, nil
	}
	query = strings.ToLower(query)
	if strings.HasPrefix(scheme, "stun") || (query != "transport=udp" && query != "transport=tcp") {
		return "", errors.New("may end in ?transport=udp or ?transport=tcp when it is of a TURN server, and have no other parameter")
	}
	return scheme + ":" + at + "?" + query, nil
}

// endpoint says what is wrong with a host and port, the latter of which may be missing.
func endpoint(at string) error {
	var name, port string
	hasPort := false
	if inner, ok := strings.CutPrefix(at, "["); ok {
		var rest string
		name, rest, ok = strings.Cut(inner, "]")
		a, err := netip.ParseAddr(name)
		if !ok || err != nil || !a.Is6() || a.Zone() != "" {
			return errors.New("must have an IPv6 address between its brackets")
		}
		if rest != "" {
			if port, hasPort = strings.CutPrefix(rest, ":"); !hasPort {
				return errors.New("must have nothing but a port behind its brackets")
			}
		}
	} else {
		name, port, hasPort = strings.Cut(at, ":")
		if _, err := netip.ParseAddr(name); (err != nil && !isHostName(name)) || strings.Count(at, ":") > 1 {
			return errors.New("must have a host name or an IP address, an IPv6 one between brackets, behind its scheme")
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); hasPort && (err != nil || n == 0) {
		return errors.New("must have a port between 1 and 65535")
	}
	return nil
}

// oldICEServers reads bare URLs separated by commas, or a list of them in JSON.
func oldICEServers(to *[]string, text string) error {
	text = unquoted(text)
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		list = pieces(text)
	}
	var urls []string
	for i, u := range list {
		if u = strings.TrimSpace(u); u == "" {
			continue
		}
		valid, err := iceURL(u)
		if err != nil {
			return fmt.Errorf("must be stun: or turn: URLs, separated by commas; number %d %w", i+1, err)
		}
		urls = append(urls, valid)
	}
	*to = urls
	return nil
}
