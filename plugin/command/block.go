package command

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const (
	maxReply = 12000 // bytes of a block that is shown: the host's posts hold some 16000 characters
	fence    = "```"
)

// block shows what a client hands over with a command: a JSON text in quotes, or base64.
func (r *request) block(language string) (string, error) {
	text, ok := handedOver(r.rest)
	if !ok || !utf8.ValidString(text) || (language == "json" && !json.Valid([]byte(text))) {
		return "", r.refuse("unreadable")
	}
	text = strings.ReplaceAll(clip(text, maxReply), fence, "` ` `")
	return fence + language + "\n" + text + "\n" + fence, nil
}

func handedOver(raw string) (text string, ok bool) {
	if json.Unmarshal([]byte(raw), &text) == nil {
		return text, true
	}
	unquoted := strings.Trim(raw, `"`)
	if json.Valid([]byte(unquoted)) {
		return unquoted, true
	}
	b, err := base64.StdEncoding.DecodeString(unquoted)
	return string(b), err == nil
}

// clip is text of at most so many bytes, cut between two characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}
