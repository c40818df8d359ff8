package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// absent are the keys of upstream's plugin for what this one does not have. Whoever comes from there has them set, and should hear that they have no effect.
var absent = []struct {
	key, env, oldEnv string
	why              string
}{
	{key: "RTCDServiceURL", env: "RTCD_SERVICE_URL", oldEnv: "RTCD_URL", why: "the media server is part of the plugin"},
	{key: "EnableSimulcast", env: "ENABLE_SIMULCAST", why: "a shared screen is sent in one quality"},
	{key: "EnableAV1", env: "ENABLE_AV1", why: "a shared screen is sent as VP8"},
	{key: "EnableDCSignaling", env: "ENABLE_DC_SIGNALING", why: "signalling goes through the server's WebSocket"},
	{key: "EnableVideo", env: "ENABLE_VIDEO", why: "there is no webcam video"},
	{key: "EnableRecordings", env: "ENABLE_RECORDINGS", why: "there are no recordings"},
	{key: "EnableTranscriptions", env: "ENABLE_TRANSCRIPTIONS", why: "there are no transcriptions"},
	{key: "EnableLiveCaptions", env: "ENABLE_LIVE_CAPTIONS", why: "there are no captions"},
	{key: "JobServiceURL", env: "JOB_SERVICE_URL", why: "there are no recordings"},
}

func init() {
	for _, a := range absent {
		settings = append(settings, setting{key: a.key, env: a.env, oldEnv: a.oldEnv, unlisted: true, secret: true, // a URL may hold a password
			parse: func(c *Config, s string) error {
				if on, err := strconv.ParseBool(strings.ToLower(s)); err != nil || on {
					c.Absent = append(slices.Clone(c.Absent), a.key)
				}
				return nil
			},
			keep: func(*Config, Config) {}, // nothing is wrong here
		})
	}
}

// Remarks is what is right and yet not what its admin may expect, in words for an admin.
func (c Config) Remarks() []Error {
	var said []Error
	for _, a := range absent {
		if slices.Contains(c.Absent, a.key) {
			said = append(said, Error{Setting: a.key, Problem: "has no effect: " + a.why})
		}
	}
	said = append(said, c.familyRemarks()...)
	for i, s := range c.ICEServers {
		if needsCredentials(s) && c.TURNSecret == "" {
			said = append(said, Error{Setting: "ICEServersConfigs", Problem: fmt.Sprintf(
				"entry %d is a TURN server without user name and credential, and there is no TURNStaticAuthSecret to make them of: clients are not told of it", i+1)})
		}
	}
	if c.TURNSecret != "" && !c.NeedsTURNCredentials() {
		said = append(said, Error{Setting: "TURNStaticAuthSecret", Problem: "has no effect: there is no TURN server without a user name and credential of its own"})
	}
	if c.ServerSideTURN && len(c.Relays("", time.Time{})) == 0 {
		said = append(said, Error{Setting: "ServerSideTURN", Problem: "has no effect: there is no TURN server that the media server has credentials for"})
	}
	return said
}
