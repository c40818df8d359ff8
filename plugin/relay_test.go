package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdminsHearOnceOfADeadTURNServer(t *testing.T) {
	h := newHost()
	h.settings = `{"serversideturn":true,"turnstaticauthsecret":"hush","iceserversconfigs":"[{\"urls\":[\"turn:turn.example\"]}]"}`
	p, e := activate(t, h)
	relays := e.ports.Relays(connA)
	require.Len(t, relays, 1)
	assert.Equal(t, "turn.example:3478", relays[0].Addr)
	assert.True(t, strings.HasSuffix(relays[0].Username, ":"+connA), "the session's id is the name")

	remarks := func() int { return strings.Count(adminSees(p), "no TURN server gives the media server an address") }
	assert.Zero(t, remarks())
	for range 5 {
		e.ports.OnRelay(errors.New("udp turn.example:3478: no answer"))
	}
	assert.Equal(t, 1, remarks())
	assert.Contains(t, adminSees(p), `udp turn.example:3478: no answer","wrong":false`)
	h.says(t, "ServerSideTURN: no TURN server gives")
	h.hears(t, 0)
	require.NoError(t, p.OnConfigurationChange())
	assert.Equal(t, 1, remarks(), "for as long as it lasts")
	e.ports.OnRelay(nil)
	assert.Zero(t, remarks())

	e.ports.OnRelay(errors.New("no answer"))
	h.set(func() { h.settings = `{}` })
	require.NoError(t, p.OnConfigurationChange())
	assert.Zero(t, remarks(), "nobody asks for it any more")
	assert.Empty(t, e.ports.Relays(connA))
}
