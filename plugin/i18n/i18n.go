// Package i18n has what the server says to people, in their languages.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Fallback is the language for everybody whose own is not here.
const Fallback = "en"

//go:embed *.json
var files embed.FS

var bundles = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // what is embedded can be read
	}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			panic(err)
		}
		var b map[string]string
		if err := json.Unmarshal(text, &b); err != nil {
			panic(fmt.Sprintf("%s: %v", e.Name(), err)) // a test reads them all
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = b
	}
	return all
})

// T is the text of a key in a language, as the host names it: de, or de-AT. Of the pairs, each first is the name of a place in the text and each second what is
// put there.
func T(locale, key string, pairs ...string) string {
	text, ok := find(locale, key)
	if !ok {
		return key
	}
	named := make([]string, len(pairs))
	for i, p := range pairs {
		if i%2 == 0 {
			p = "{" + p + "}"
		}
		named[i] = p
	}
	return strings.NewReplacer(named...).Replace(text)
}

// Has says whether there is such a text.
func Has(key string) bool {
	_, ok := bundles()[Fallback][key]
	return ok
}

func find(locale, key string) (string, bool) {
	base, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	for _, l := range []string{locale, base, Fallback} {
		if text, ok := bundles()[l][key]; ok {
			return text, true
		}
	}
	return "", false
}
