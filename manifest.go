// Package calls holds the plugin's manifest, so that its versions stand in one place: plugin.json.
package calls

import (
	_ "embed"
	"encoding/json"
)

//go:embed plugin.json
var manifest []byte

// Manifest is the plugin's manifest as the host reads it.
func Manifest() []byte { return manifest }

type versions struct {
	Version string `json:"version"`
	Props   struct {
		ClientVersion string `json:"client_version"`
	} `json:"props"`
}

func read() (v versions) {
	_ = json.Unmarshal(manifest, &v) // a test keeps this from failing
	return v
}

// Version is the manifest's, by which servers tell which of two plugins is newer. It is higher than any of upstream's, for a server puts the plugin that came with it
// in the place of an older one.
func Version() string { return read().Version }

// ClientVersion is the version that GET /version tells: clients decide by it what the server can do. It follows upstream's numbers, from 0.21.0 (several sessions of
// a user) to below 1.7.0 (where phones cannot unmute without the lock); docs/negotiation.md says why it stays there.
func ClientVersion() string { return read().Props.ClientVersion }
