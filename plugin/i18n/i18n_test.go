package i18n

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

var place = regexp.MustCompile(`\{[a-z]+\}`)

func places(text string) []string {
	found := place.FindAllString(text, -1)
	slices.Sort(found)
	return found
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	assert.GreaterOrEqual(t, len(bundles()), 3)
	keys := slices.Sorted(maps.Keys(bundles()[Fallback]))
	for lang, b := range bundles() {
		assert.Equal(t, keys, slices.Sorted(maps.Keys(b)), lang)
		for key, text := range b {
			assert.NotEmpty(t, text, "%s %s", lang, key)
			assert.Equal(t, places(bundles()[Fallback][key]), places(text), "the places of %s in %s", key, lang)
		}
	}
}

func TestT(t *testing.T) {
	assert.Equal(t, "alice started a call", T("en", "post.started", "name", "alice"))
	assert.Equal(t, "alice hat einen Anruf gestartet", T("de-AT", "post.started", "name", "alice"))
	assert.Equal(t, "alice a démarré un appel", T("fr_CA", "post.started", "name", "alice"))
	assert.Equal(t, "Call ended", T("tlh", "post.ended"))
	assert.Equal(t, "Call ended", T("", "post.ended"))
	assert.Equal(t, "no.such.key", T("de", "no.such.key"))
	assert.Equal(t, "{name} started a call", T("en", "post.started", "name", "{name}"), "what is put in is not looked at again")
	assert.True(t, Has("post.ended"))
	assert.False(t, Has("no.such.key"))
}
