package wire

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

var (
	// ErrForeign means that an action is none of this plugin's: every message of every socket passes by.
	ErrForeign = errors.New("not an action of this plugin")
	// ErrUnknown means that an action is of this protocol and not known here. It is to be ignored: clients are newer or older than we are.
	ErrUnknown = errors.New("unknown action")
)

// decoders holds how to read the data of each action. Data that an action does not need is not looked at.
var decoders = map[string]func(map[string]any) (Message, error){
	"join":         decodeJoin,
	"leave":        plain(Leave{}),
	"reconnect":    decodeReconnect,
	"sdp":          decodeSDP,
	"ice":          decodeICE,
	"mute":         plain(Mute{}),
	"unmute":       plain(Unmute{}),
	"screen_on":    decodeScreenOn,
	"screen_off":   plain(ScreenOff{}),
	"raise_hand":   plain(RaiseHand{}),
	"unraise_hand": plain(UnraiseHand{}),
	"react":        decodeReact,
	"call_state":   decodeCallState,
}

// Action is the name behind our prefix; ok is false for an action that is not ours.
func Action(action string) (name string, ok bool) { return strings.CutPrefix(action, Prefix) }

// Decode reads a client's message as the host hands it over: JSON's types, and []byte for MessagePack's binary.
// It fails with ErrForeign, ErrUnknown or an *Error that says what is wrong with the message.
func Decode(action string, data map[string]any) (Message, error) {
	name, ok := Action(action)
	if !ok {
		return nil, ErrForeign
	}
	decode, ok := decoders[name]
	if !ok {
		return nil, ErrUnknown
	}
	return decode(data)
}

func plain(m Message) func(map[string]any) (Message, error) {
	return func(map[string]any) (Message, error) { return m, nil }
}

func decodeJoin(data map[string]any) (Message, error) {
	var (
		m   Join
		err error
	)
	if m.ChannelID, err = id(data, "channelID"); err != nil {
		return nil, err
	}
	if m.Title, err = text(data, "title", MaxTitle); err != nil {
		return nil, err
	}
	if thread, _ := data["threadID"].(string); thread == "" && isTextOrNil(data["threadID"]) {
		return m, nil
	}
	if m.ThreadID, err = id(data, "threadID"); err != nil {
		return nil, err
	}
	return m, nil
}

func decodeReconnect(data map[string]any) (Message, error) {
	var m Reconnect
	for _, f := range []struct {
		key string
		to  *string
	}{{"channelID", &m.ChannelID}, {"originalConnID", &m.OriginalConnID}, {"prevConnID", &m.PrevConnID}} {
		v, err := id(data, f.key)
		if err != nil {
			return nil, err
		}
		*f.to = v
	}
	return m, nil
}

type sdpJSON struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

func decodeSDP(data map[string]any) (Message, error) {
	packed, ok := data["data"].([]byte)
	if !ok {
		return nil, invalid("sdp: data must be binary")
	}
	if len(packed) > MaxFrame {
		return nil, invalid("sdp: data is longer than %d bytes", MaxFrame)
	}
	raw, err := inflate(packed)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(raw) {
		return nil, invalid("sdp: not UTF-8")
	}
	var m sdpJSON
	if json.Unmarshal(raw, &m) != nil {
		return nil, invalid("sdp: not a session description in JSON")
	}
	if m.Type != "offer" && m.Type != "answer" {
		return nil, invalid("sdp: type must be offer or answer")
	}
	if m.SDP == "" {
		return nil, invalid("sdp: empty")
	}
	return SDP(m), nil
}

// inflate reads a zlib stream of at most MaxSDP bytes: a small frame can promise gigabytes.
func inflate(packed []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, invalid("sdp: not a zlib stream")
	}
	raw, err := io.ReadAll(io.LimitReader(z, MaxSDP+1))
	if err != nil {
		return nil, invalid("sdp: broken zlib stream")
	}
	if len(raw) > MaxSDP {
		return nil, invalid("sdp: longer than %d bytes", MaxSDP)
	}
	return raw, nil
}

type iceJSON struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex"`
	UsernameFragment *string `json:"usernameFragment,omitempty"`
}

func decodeICE(data map[string]any) (Message, error) {
	var m iceJSON
	if err := inner(data, "ice", &m); err != nil {
		return nil, err
	}
	if err := line("ice: candidate", m.Candidate, MaxCandidate); err != nil {
		return nil, err
	}
	if m.SDPMid != nil {
		if err := line("ice: sdpMid", *m.SDPMid, MaxMID); err != nil {
			return nil, err
		}
	}
	if m.UsernameFragment != nil {
		if err := line("ice: usernameFragment", *m.UsernameFragment, MaxUfrag); err != nil {
			return nil, err
		}
	}
	return ICE(m), nil
}

type screenOnJSON struct {
	ScreenStreamID string `json:"screenStreamID"`
}

func decodeScreenOn(data map[string]any) (Message, error) {
	var m screenOnJSON
	if err := inner(data, "screen_on", &m); err != nil {
		return nil, err
	}
	if err := line("screen_on: screenStreamID", m.ScreenStreamID, MaxStreamID); err != nil {
		return nil, err
	}
	return ScreenOn(m), nil
}

func decodeReact(data map[string]any) (Message, error) {
	var m Emoji
	if err := inner(data, "react", &m); err != nil {
		return nil, err
	}
	if m.Name == "" {
		return nil, invalid("react: name is empty")
	}
	for _, f := range []struct{ key, value string }{{"name", m.Name}, {"skin", m.Skin}, {"unified", m.Unified}, {"literal", m.Literal}} {
		if err := line("react: "+f.key, f.value, MaxEmoji); err != nil {
			return nil, err
		}
	}
	return React{m}, nil
}

func decodeCallState(data map[string]any) (Message, error) {
	ch, err := id(data, "channelID")
	if err != nil {
		return nil, err
	}
	return CallStateRequest{ch}, nil
}

// inner reads JSON that is itself held as text in data.data.
func inner(data map[string]any, name string, to any) error {
	s, err := text(data, "data", maxJSONField)
	if err != nil {
		return invalid("%s: %s", name, err.Error())
	}
	if json.Unmarshal([]byte(s), to) != nil {
		return invalid("%s: data is not the JSON text expected", name)
	}
	return nil
}

// text reads an optional text.
func text(data map[string]any, key string, limit int) (string, error) {
	v := data[key]
	if !isTextOrNil(v) {
		return "", invalid("%s must be text", key)
	}
	s, _ := v.(string)
	if len(s) > limit {
		return "", invalid("%s is longer than %d bytes", key, limit)
	}
	if !utf8.ValidString(s) {
		return "", invalid("%s is not UTF-8", key)
	}
	if strings.ContainsRune(s, 0) {
		return "", invalid("%s has a zero byte in it", key) // databases keep none: what holds one could never be stored
	}
	return s, nil
}

func isTextOrNil(v any) bool {
	_, ok := v.(string)
	return ok || v == nil
}

// id reads a required id of the host's.
func id(data map[string]any, key string) (string, error) {
	s, err := text(data, key, IDLength)
	if err != nil {
		return "", err
	}
	if !ValidID(s) {
		return "", invalid("%s must be %d lower-case letters and digits", key, IDLength)
	}
	return s, nil
}

// ValidID says whether s has the form of an id of the host's.
func ValidID(s string) bool {
	if len(s) != IDLength {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// line checks a text that ends up in a session description, where a control character would begin a line of its own.
func line(what, s string, limit int) error {
	if len(s) > limit {
		return invalid("%s is longer than %d bytes", what, limit)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return invalid("%s has characters that do not belong there", what)
	}
	return nil
}

func invalid(format string, args ...any) *Error {
	return &Error{CodeInvalid, fmt.Sprintf(format, args...)}
}
