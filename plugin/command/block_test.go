package command

import (
	"testing"
	"unicode/utf8"
)

// What a client hands over with a command is anything at all.
func FuzzHandedOver(f *testing.F) {
	for _, raw := range []string{`"{\"rtt\":0.02}"`, `{"a":[1,2]}`, "eyJhIjoxfQ==", `"`, "", "\xff", "```", `"\ud800"`} {
		f.Add(raw, 5)
	}
	f.Fuzz(func(t *testing.T, raw string, most int) {
		text, ok := handedOver(raw)
		if !ok || !utf8.ValidString(text) || most < 0 {
			return
		}
		if cut := clip(text, most); !utf8.ValidString(cut) || len(cut) > most+len("…") {
			t.Errorf("%d bytes of %q became %q", most, text, cut)
		}
	})
}
