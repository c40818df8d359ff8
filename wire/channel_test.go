package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeChannel(t *testing.T) {
	for name, c := range map[string]struct {
		text bool
		data []byte
		want ChannelMessage // nil: it is to be ignored
	}{
		"text ping":              {text: true, data: []byte("ping"), want: Ping{Text: true}},
		"other text":             {text: true, data: []byte("hello")},
		"text that looks binary": {text: true, data: []byte{1}},
		"the smallest form":      {data: []byte{1}, want: Ping{}},
		"one byte":               {data: []byte{0xcc, 1}, want: Ping{}},
		"two bytes":              {data: []byte{0xcd, 0, 1}, want: Ping{}},
		"eight bytes":            {data: []byte{0xcf, 0, 0, 0, 0, 0, 0, 0, 1}, want: Ping{}},
		"with a sign":            {data: []byte{0xd2, 0, 0, 0, 1}, want: Ping{}},
		"257 is no ping":         {data: []byte{0xcd, 1, 1}},
		"nor is nil":             {data: []byte{0xc0}},
		"nor what is below 0":    {data: []byte{0xff}},
		"lock":                   {data: []byte{7}, want: Lock{}},
		"lock, with more":        {data: []byte{7, 0xc3}, want: Lock{}},
		"unlock":                 {data: []byte{0xcc, 8}, want: Unlock{}},
		"loss":                   {data: []byte{4, 0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0}, want: Measured{Loss, 0.5}},
		"round trip as a float":  {data: []byte{5, 0xca, 0x3e, 0x80, 0, 0}, want: Measured{RoundTrip, 0.25}},
		"jitter as an integer":   {data: []byte{6, 0}, want: Measured{Jitter, 0}},
		"loss without a figure":  {data: []byte{4}},
		"not a number":           {data: []byte{4, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1}},
		"loss in words":          {data: []byte{4, 0xa1, 'x'}},
		"a description":          {data: []byte{3, 0xc4, 1, 0}},
		"what is not known yet":  {data: []byte{10, 0x80}},
		"cut off":                {data: []byte{0xcd, 1}},
		"nothing":                {},
		"no integer":             {data: []byte{0xa1, 'x'}},
		"too long":               {data: bytes.Repeat([]byte{1}, MaxChannelMessage+1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeChannel(c.data, c.text)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want == nil, err != nil, "%v", err)
		})
	}
}

// channelReplies are what the server says, with the bytes that upstream's server says it in (protocol 7.6).
var channelReplies = map[string]struct {
	reply ChannelReply
	bytes []byte
}{
	"pong":        {Pong{}, []byte{0xcc, 2}},
	"granted":     {LockReply{true}, []byte{0xcc, 7, 0xc3}},
	"not granted": {LockReply{false}, []byte{0xcc, 7, 0xc2}},
	"no lines":    {MediaMap{}, []byte{0xcc, 9, 0x80}},
	"a line": {MediaMap{"3": {"voice", "s"}},
		append(append([]byte{0xcc, 9, 0x81, 0xa1, '3', 0x82, 0xa4}, "type\xa5voice\xa9sender_id"...), 0xa1, 's')},
}

func TestChannelReplies(t *testing.T) {
	for name, c := range channelReplies {
		t.Run(name, func(t *testing.T) {
			data, text := EncodeReply(c.reply)
			assert.False(t, text)
			assert.Equal(t, c.bytes, data)
			got, err := DecodeReply(data, false)
			require.NoError(t, err)
			assert.Equal(t, c.reply, got)
			for n := range len(data) {
				_, err := DecodeReply(data[:n], false)
				assert.Error(t, err, "cut off after %d bytes", n)
			}
		})
	}
	data, text := EncodeReply(Pong{Text: true})
	assert.True(t, text)
	assert.Equal(t, "pong", string(data))
}

func TestClientsChannelMessagesComeBack(t *testing.T) {
	for _, m := range []ChannelMessage{Ping{}, Ping{Text: true}, Lock{}, Unlock{}, Measured{Loss, 0.25}, Measured{RoundTrip, 1}, Measured{Jitter, 0}} {
		got, err := DecodeChannel(EncodeChannel(m))
		require.NoError(t, err)
		assert.Equal(t, m, got)
	}
}

// The web client's tests read the same file.
func TestGoldenMediaMap(t *testing.T) {
	var g struct {
		Hex   string                       `json:"hex"`
		Lines map[string]map[string]string `json:"lines"`
	}
	require.NoError(t, json.Unmarshal(golden(t, "channel_media_map"), &g))
	m := MediaMap{}
	for mid, line := range g.Lines {
		m[mid] = MediaLine{line["type"], line["sender_id"]}
	}
	data, _ := EncodeReply(m)
	assert.Equal(t, g.Hex, hex.EncodeToString(data))
}

func TestEqualMediaMapsAreEqualBytes(t *testing.T) {
	m := MediaMap{}
	for _, mid := range strings.Fields("9 1 12 3 c1a2 0 7") {
		m[mid] = MediaLine{"voice", "session of " + mid}
	}
	first, _ := EncodeReply(m)
	for range 20 {
		again, _ := EncodeReply(m)
		require.Equal(t, first, again)
	}
}

func FuzzChannel(f *testing.F) {
	for _, c := range channelReplies {
		f.Add(c.bytes, false)
	}
	for _, m := range []ChannelMessage{Ping{}, Ping{Text: true}, Lock{}, Measured{Loss, 0.25}} {
		data, text := EncodeChannel(m)
		f.Add(data, text)
	}
	f.Fuzz(func(t *testing.T, data []byte, text bool) {
		if len(data) > maxEvent/32 {
			return // a map may be longer when it is written again, with the keys that it lacked
		}
		if m, err := DecodeChannel(data, text); err == nil {
			again, err := DecodeChannel(EncodeChannel(m))
			require.NoError(t, err)
			require.Equal(t, m, again)
		}
		if r, err := DecodeReply(data, text); err == nil {
			again, err := DecodeReply(EncodeReply(r))
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
	})
}
