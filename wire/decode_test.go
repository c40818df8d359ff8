package wire

import (
	"bytes"
	"compress/zlib"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func deflate(t testing.TB, raw string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := z.Write([]byte(raw))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestDecodeWhatIsNotOurs(t *testing.T) {
	for action, want := range map[string]error{
		"":                                     ErrForeign,
		"ping":                                 ErrForeign,
		"mute":                                 ErrForeign, // upstream took it
		"user_typing":                          ErrForeign,
		"custom_com.mattermost.callsmute":      ErrForeign,
		"custom_com.mattermost.other_mute":     ErrForeign,
		"xcustom_com.mattermost.calls_mute":    ErrForeign,
		"CUSTOM_com.mattermost.calls_mute":     ErrForeign,
		"custom_com.mattermost.calls_":         ErrUnknown,
		"custom_com.mattermost.calls_video_on": ErrUnknown,
		"custom_com.mattermost.calls_metric":   ErrUnknown,
		"custom_com.mattermost.calls_mute ":    ErrUnknown,
		"custom_com.mattermost.calls_mute\x00": ErrUnknown,
	} {
		m, err := Decode(action, map[string]any{"channelID": chanID})
		assert.ErrorIs(t, err, want, "%q", action)
		assert.Nil(t, m)
	}
}

func TestDecodeAccepts(t *testing.T) {
	for _, c := range []struct {
		name, action string
		data         map[string]any
		want         Message
	}{
		{"join alone", "join", map[string]any{"channelID": chanID}, Join{ChannelID: chanID}},
		{"join with empty options and unknown keys", "join", map[string]any{"channelID": chanID, "title": "", "threadID": "", "av1Support": true, "jobID": nil},
			Join{ChannelID: chanID}},
		{"join with null options", "join", map[string]any{"channelID": chanID, "title": nil, "threadID": nil}, Join{ChannelID: chanID}},
		{"mute with data", "mute", map[string]any{"data": 7}, Mute{}},
		{"empty candidate", "ice", map[string]any{"data": `{"candidate":"","sdpMid":null,"sdpMLineIndex":null}`}, ICE{}},
		{"candidate with a fragment", "ice", map[string]any{"data": `{"candidate":"c","sdpMid":"1","sdpMLineIndex":1,"usernameFragment":"uf"}`},
			ICE{Candidate: "c", SDPMid: ptr("1"), SDPMLineIndex: ptr(uint16(1)), UsernameFragment: ptr("uf")}},
		{"answer", "sdp", map[string]any{"data": deflate(t, `{"sdp":"v=0","type":"answer","x":[1]}`)}, SDP{Type: "answer", SDP: "v=0"}},
		{"largest description", "sdp", map[string]any{"data": deflate(t, `{"type":"offer","sdp":"`+strings.Repeat("a", MaxSDP-len(`{"type":"offer","sdp":""}`))+`"}`)},
			SDP{Type: "offer", SDP: strings.Repeat("a", MaxSDP-len(`{"type":"offer","sdp":""}`))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(Prefix+c.action, c.data)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	ice := func(s string) map[string]any { return map[string]any{"data": s} }
	for _, c := range []struct {
		name, action string
		data         map[string]any
		says         string
	}{
		{"join without data", "join", nil, "channelID must be 26"},
		{"join with a number", "join", map[string]any{"channelID": 12.0}, "channelID must be text"},
		{"join with a short id", "join", map[string]any{"channelID": "abc"}, "channelID must be 26"},
		{"join with a long id", "join", map[string]any{"channelID": chanID + "x"}, "channelID is longer"},
		{"join with a path", "join", map[string]any{"channelID": "../../../../../../etc/pass"}, "channelID must be 26"},
		{"join with upper case", "join", map[string]any{"channelID": strings.ToUpper(chanID)}, "channelID must be 26"},
		{"join with a list for a title", "join", map[string]any{"channelID": chanID, "title": []any{"a"}}, "title must be text"},
		{"join with a long title", "join", map[string]any{"channelID": chanID, "title": strings.Repeat("a", MaxTitle+1)}, "title is longer"},
		{"join with broken text", "join", map[string]any{"channelID": chanID, "title": "a\xff"}, "title is not UTF-8"},
		{"join with a zero byte", "join", map[string]any{"channelID": chanID, "title": "a\x00b"}, "title has a zero byte"},
		{"join with a number for a thread", "join", map[string]any{"channelID": chanID, "threadID": 1.0}, "threadID must be text"},
		{"join with half a thread", "join", map[string]any{"channelID": chanID, "threadID": "x"}, "threadID must be 26"},
		{"reconnect without a former id", "reconnect", map[string]any{"channelID": chanID, "originalConnID": connA}, "prevConnID must be 26"},
		{"sdp as text", "sdp", map[string]any{"data": "v=0"}, "must be binary"},
		{"sdp not compressed", "sdp", map[string]any{"data": []byte(`{"type":"offer","sdp":"v=0"}`)}, "not a zlib stream"},
		{"sdp empty", "sdp", map[string]any{"data": []byte{}}, "not a zlib stream"},
		{"sdp cut off", "sdp", map[string]any{"data": deflate(t, `{"type":"offer","sdp":"v=0"}`)[:12]}, "broken zlib stream"},
		{"sdp of another type", "sdp", map[string]any{"data": deflate(t, `{"type":"rollback","sdp":"v=0"}`)}, "type must be"},
		{"sdp without sdp", "sdp", map[string]any{"data": deflate(t, `{"type":"offer"}`)}, "empty"},
		{"sdp not JSON", "sdp", map[string]any{"data": deflate(t, `v=0`)}, "not a session description"},
		{"sdp with broken text", "sdp", map[string]any{"data": deflate(t, "{\"type\":\"offer\",\"sdp\":\"\xff\"}")}, "not UTF-8"},
		{"sdp too long for a frame", "sdp", map[string]any{"data": bytes.Repeat([]byte{0x78}, MaxFrame+1)}, "longer than 8192"},
		{"sdp one byte too long", "sdp", map[string]any{"data": deflate(t, strings.Repeat("a", MaxSDP+1))}, "longer than 65536"},
		{"sdp bomb", "sdp", map[string]any{"data": deflate(t, strings.Repeat("\x00", 8<<20))[:MaxFrame-100]}, "longer than 65536"},
		{"ice as an object", "ice", map[string]any{"data": map[string]any{"candidate": "c"}}, "must be text"},
		{"ice without data", "ice", nil, "not the JSON text"},
		{"ice with a negative line", "ice", ice(`{"candidate":"c","sdpMLineIndex":-1}`), "not the JSON text"},
		{"ice with a huge line", "ice", ice(`{"candidate":"c","sdpMLineIndex":65536}`), "not the JSON text"},
		{"ice with two lines", "ice", ice(`{"candidate":"c\r\na=x"}`), "do not belong there"},
		{"ice with broken text", "ice", map[string]any{"data": "{\"candidate\":\"\xff\"}"}, "not UTF-8"},
		{"ice too long", "ice", ice(`{"candidate":"` + strings.Repeat("a", MaxCandidate+1) + `"}`), "longer than 1024"},
		{"ice with a long mid", "ice", ice(`{"candidate":"c","sdpMid":"` + strings.Repeat("a", MaxMID+1) + `"}`), "sdpMid is longer"},
		{"ice with a long fragment", "ice", ice(`{"candidate":"c","usernameFragment":"` + strings.Repeat("a", MaxUfrag+1) + `"}`), "usernameFragment is longer"},
		{"ice nested deeply", "ice", ice(strings.Repeat("[", 4000)), "not the JSON text"},
		{"screen_on not doubly encoded", "screen_on", map[string]any{"screenStreamID": "s"}, "not the JSON text"},
		{"screen_on with a number", "screen_on", ice(`{"screenStreamID":1}`), "not the JSON text"},
		{"react without a name", "react", ice(`{"unified":"1F44D"}`), "name is empty"},
		{"react not doubly encoded", "react", map[string]any{"name": "thumbsup"}, "not the JSON text"},
		{"react with a list", "react", ice(`{"name":["a"]}`), "not the JSON text"},
		{"react with a long name", "react", ice(`{"name":"` + strings.Repeat("a", MaxEmoji+1) + `"}`), "name is longer than 64"},
		{"react with a line break", "react", ice(`{"name":"a","literal":"b\nc"}`), "do not belong there"},
		{"call_state without a channel", "call_state", nil, "channelID must be 26"},
		{"screen_on too long", "screen_on", ice(`{"screenStreamID":"` + strings.Repeat("a", MaxStreamID+1) + `"}`), "longer than 256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decode(Prefix+c.action, c.data)
			assert.Nil(t, m)
			var we *Error
			require.ErrorAs(t, err, &we)
			assert.Equal(t, CodeInvalid, we.Code)
			assert.Contains(t, we.Message, c.says)
		})
	}
}

func TestInflateStopsAtItsBound(t *testing.T) {
	bomb := deflate(t, strings.Repeat("\x00", 7<<20)) // some 7 KiB: passes the host
	require.Less(t, len(bomb), MaxFrame)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(Prefix+"sdp", map[string]any{"data": bomb})
	runtime.ReadMemStats(&after)
	require.Error(t, err)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "bytes allocated on the way to the refusal")
}

func TestEncodeRefusesWhatTheHostWould(t *testing.T) {
	_, _, err := Encode(Join{ChannelID: chanID, Title: strings.Repeat("a", MaxFrame)}, 1)
	assert.ErrorContains(t, err, "the host takes at most 8192")
	_, _, err = Encode(nil, 1)
	assert.ErrorContains(t, err, "no frame for")
}

func TestDecodeEventOfOthers(t *testing.T) {
	_, err := DecodeEvent("hello", []byte(`{}`))
	assert.ErrorIs(t, err, ErrForeign)
	_, err = DecodeEvent(Prefix+"caption", []byte(`{}`))
	assert.ErrorIs(t, err, ErrUnknown)
	_, err = DecodeEvent(Prefix+"user_muted", []byte(`[]`))
	assert.ErrorContains(t, err, "user_muted:")
	_, err = DecodeEvent(Prefix+"user_muted", bytes.Repeat([]byte(" "), maxEvent+1))
	assert.ErrorContains(t, err, "longer than")
	e, err := DecodeEvent(Prefix+"channel_enable_voice", nil)
	require.NoError(t, err)
	assert.Equal(t, ChannelEnableVoice{}, e)
}

// check holds for whatever Decode made of foreign bytes: a refusal is of a known kind, and what was taken is within its bounds and survives the way back.
func check(t *testing.T, action string, data map[string]any) {
	m, err := Decode(Prefix+action, data)
	if err != nil {
		var we *Error
		if m != nil || !errors.As(err, &we) || we.Code != CodeInvalid || we.Message == "" {
			t.Fatalf("%v, %v", m, err)
		}
		return
	}
	frame, binary, err := Encode(m, 1)
	if err != nil || binary {
		return // larger than a frame when written by us, or a description: FuzzSDP
	}
	if len(frame) > MaxFrame {
		t.Fatalf("frame of %d bytes", len(frame))
	}
	_, again, err := split(m)
	if err != nil {
		t.Fatal(err)
	}
	m2, err := Decode(Prefix+action, again)
	if err != nil {
		t.Fatalf("%#v came back as %v", m, err)
	}
	assert.Equal(t, m, m2)
}

func FuzzSDP(f *testing.F) {
	f.Add(deflate(f, `{"type":"offer","sdp":"v=0"}`))
	f.Add([]byte{0x78, 0x9c})
	f.Fuzz(func(t *testing.T, packed []byte) {
		check(t, "sdp", map[string]any{"data": packed})
	})
}

func FuzzSDPText(f *testing.F) {
	f.Add(`{"type":"offer","sdp":"v=0"}`)
	f.Add(`{"type":"\ud800","sdp":null}`)
	f.Fuzz(func(t *testing.T, raw string) {
		check(t, "sdp", map[string]any{"data": deflate(t, raw)})
	})
}

func FuzzICE(f *testing.F) {
	f.Add(`{"candidate":"candidate:1 1 udp 1 192.0.2.7 50000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}`)
	f.Fuzz(func(t *testing.T, s string) { check(t, "ice", map[string]any{"data": s}) })
}

func FuzzScreenOn(f *testing.F) {
	f.Add(`{"screenStreamID":"{5f0c2a1e-0000-4000-8000-000000000001}"}`)
	f.Fuzz(func(t *testing.T, s string) { check(t, "screen_on", map[string]any{"data": s}) })
}

func FuzzJoin(f *testing.F) {
	f.Add(chanID, "title", postID)
	f.Fuzz(func(t *testing.T, channel, title, thread string) {
		check(t, "join", map[string]any{"channelID": channel, "title": title, "threadID": thread})
	})
}

func FuzzReconnect(f *testing.F) {
	f.Add(chanID, connA, connB)
	f.Fuzz(func(t *testing.T, channel, original, prev string) {
		check(t, "reconnect", map[string]any{"channelID": channel, "originalConnID": original, "prevConnID": prev})
	})
}

func FuzzReact(f *testing.F) {
	f.Add(`{"name":"thumbsup","unified":"1F44D","skin":"1F3FC","literal":""}`)
	f.Fuzz(func(t *testing.T, text string) { check(t, "react", map[string]any{"data": text}) })
}

func FuzzEvent(f *testing.F) {
	f.Add("user_joined", []byte(`{"user_id":"u","userID":"u","session_id":"s","call_id":"c","v":1}`))
	f.Add("call_state", []byte(`{"call":"{}"}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		e, err := DecodeEvent(Prefix+name, data)
		if err != nil {
			return
		}
		if e.EventName() != name {
			t.Fatalf("%q read as %q", name, e.EventName())
		}
	})
}
