// Package calls holds the plugin's manifest, so that its version stands in one place: plugin.json.
package calls

import (
	_ "embed"
	"encoding/json"
)

//go:embed plugin.json
var manifest []byte

// Manifest is the plugin's manifest as the host reads it.
func Manifest() []byte { return manifest }

// ClientVersion is the version that GET /version tells: clients decide by it what the server can do. It follows upstream's numbers, from 0.21.0 (several sessions of
// a user) to below 1.7.0 (where phones cannot unmute without the lock); docs/negotiation.md says why it stays there. The manifest's own number is higher than any of
// upstream's, for a server puts the plugin that came with it in the place of an older one.
const ClientVersion = "0.22.0"

// Version is the version in the manifest, by which servers tell which of two plugins is newer.
func Version() string {
	var m struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return "" // a test keeps this from happening
	}
	return m.Version
}
