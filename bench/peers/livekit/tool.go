//go:build tools

// Package main names LiveKit's server as a dependency, so that the bench can build it at the version of go.mod.
package main

import _ "github.com/livekit/livekit-server/cmd/server"
