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

// Version is the version in the manifest. Clients decide by it what the server can do.
func Version() string {
	var m struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return "" // a test keeps this from happening
	}
	return m.Version
}
