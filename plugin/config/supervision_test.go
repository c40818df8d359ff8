package config

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSupervision(t *testing.T) {
	none := func(string) string { return "" }
	for name, c := range map[string]struct {
		stored string
		says   string // what the one error says; empty: none
		check  func(t *testing.T, c Config)
	}{
		"a restart less": {`{"supervisortrackmaxrestarts":4}`, "", func(t *testing.T, c Config) { assert.Equal(t, 4, c.Supervision.Track.MaxRestarts) }},
		"none at all":    {`{"supervisorsessionmaxrestarts":0}`, "", func(t *testing.T, c Config) { assert.Zero(t, c.Supervision.Session.MaxRestarts) }},
		"units": {`{"supervisorcallwindowseconds":7,"stuckactormillis":900}`, "", func(t *testing.T, c Config) {
			assert.Equal(t, 7*time.Second, c.Supervision.Call.Window)
			assert.Equal(t, 900*time.Millisecond, c.Supervision.Stuck)
		}},
		"negative":     {`{"supervisortrackmaxrestarts":-1}`, "between 0 and 1000", nil},
		"no window":    {`{"supervisortrackwindowseconds":0}`, "between 1 and 3600", nil},
		"not a number": {`{"mediamailboxcapacity":"many"}`, "whole number between 8 and 4096", nil},
		"waits that do not fit keep what they had": {`{"supervisortrackbackoffminmillis":500,"supervisortrackbackoffmaxmillis":100}`,
			"SupervisorTrackBackoffMaxMillis is 100: must not be less than SupervisorTrackBackoffMinMillis, which is 500", func(t *testing.T, c Config) {
				assert.Equal(t, Default().Supervision, c.Supervision)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			got, errs := Load(stored(t, c.stored), none, Default())
			if c.says == "" {
				require.Empty(t, errs)
			} else {
				require.Len(t, errs, 1)
				assert.ErrorContains(t, errs[0], c.says)
			}
			if c.check != nil {
				c.check(t, got)
			}
		})
	}
}

func TestEverySettingHasOneKey(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings {
		assert.False(t, seen[s.key] || seen[s.env], s.key)
		seen[s.key], seen[s.env] = true, true
		assert.Equal(t, s.env, strings.ToUpper(s.env))
	}
}
