package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTCPServerPort(t *testing.T) {
	none := func(string) string { return "" }
	for text, c := range map[string]struct {
		want   int
		errors int
	}{
		`{}`: {8443, 0}, `{"tcpserverport":443}`: {443, 0}, `{"tcpserverport":0}`: {0, 0}, `{"tcpserverport":"0"}`: {0, 0},
		`{"tcpserverport":70}`: {8443, 1}, `{"tcpserverport":-1}`: {8443, 1}, `{"tcpserverport":"off"}`: {8443, 1},
	} {
		got, errs := Load(stored(t, text), none, Default())
		assert.Equal(t, c.want, got.TCPServerPort, text)
		assert.Len(t, errs, c.errors, text)
	}
}
