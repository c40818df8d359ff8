package e2e

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// spared is by how much the plugin's memory may have grown when the worst is over.
const spared = 64 << 20

// packed is a frame of our action with any bytes where the description should be.
func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	frame, err := msgpack.Marshal(map[string]any{"action": wire.Prefix + "sdp", "seq": 7, "data": map[string]any{"data": data}})
	require.NoError(t, err)
	return frame
}

func deflated(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// described is the frame of a description that a client of ours would not make.
func described(t *testing.T, sdp string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]string{"type": "offer", "sdp": sdp})
	require.NoError(t, err)
	return packed(t, deflated(t, string(text)))
}

// missiles is what is thrown at the decoders, each at a socket of its own: the host itself closes a socket for some of it.
func missiles(t *testing.T, channel string) map[string][][]byte {
	text := func(name, data string) []byte {
		return []byte(`{"action":"` + wire.Prefix + name + `","seq":7,"data":` + data + `}`)
	}
	lines := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n", 500)
	ice := func(candidate string) []byte {
		inner, err := json.Marshal(map[string]any{"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0})
		require.NoError(t, err)
		outer, err := json.Marshal(map[string]string{"data": string(inner)})
		require.NoError(t, err)
		return text("ice", string(outer))
	}
	garbage := [][]byte{}
	for i := range 300 {
		garbage = append(garbage, ice(fmt.Sprintf("candidate:%d 1 udp 1 192.0.2.%d %d typ host", i, i%256, i)), ice(strings.Repeat("x", i)), ice("candidate:1 1 tcp 1 ::1 9 typ relay raddr"))
	}
	flood := [][]byte{}
	for range 3000 {
		flood = append(flood, text("raise_hand", "{}"), text("mute", "{}"), text("no_such_thing", "{}"))
	}
	return map[string][][]byte{
		"zlib bomb":          {packed(t, deflated(t, strings.Repeat("\x00", 6<<20))[:6000]), packed(t, deflated(t, strings.Repeat("a", 1<<20)))},
		"no zlib":            {packed(t, []byte{0x78}), packed(t, nil), packed(t, bytes.Repeat([]byte{0x78, 0x9c}, 3000))},
		"length bomb":        {{0xdf, 0xff, 0xff, 0xff, 0xff}, {0x83, 0xa6, 'a', 'c', 't', 'i', 'o', 'n', 0xdb, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0x7f, 0xff, 0xff, 0xff, 0xc4}},
		"bad UTF-8":          {text("join", `{"channelID":"`+channel+`","title":"`+"\xff\xfe"+`"}`), packed(t, deflated(t, "{\"type\":\"offer\",\"sdp\":\"\xff\"}")), text("screen_on", "{\"data\":\"\xc3\x28\"}")},
		"wrong types":        {text("join", `{"channelID":[1]}`), text("join", `[]`), text("ice", `{"data":{"a":{"b":[]}}}`), text("reconnect", `{"channelID":1,"originalConnID":true}`), text("react", `{"data":7}`), text("call_state", `{"channelID":{}}`)},
		"500 lines":          {described(t, lines)},
		"lines out of order": {described(t, "v=0\r\nm=audio 9 X 0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"), described(t, "a=\x00\r\n"), described(t, strings.Repeat("m=\r\n", 2000))},
		"garbage candidates": garbage,
		"nested deeply":      {text("ice", `{"data":"`+strings.Repeat("[", 3500)+`"}`), text("metric", strings.Repeat("[", 2000)+strings.Repeat("]", 2000))},
		"a flood":            flood,
		"a frame of 100 KiB": {text("join", `{"channelID":"`+channel+`","title":"`+strings.Repeat("t", 100<<10)+`"}`)},
	}
}

// residentBytes is the memory that a process holds.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	require.NoError(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// While somebody in the same call throws everything at every decoder, the others lose nothing, and the plugin stays the process that it was.
func TestHostileInputHarmsNobodyElse(t *testing.T) {
	channel, drops := room(t), dropped(t)
	pid := pluginProcess(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	eventually(t, settleWithin, func() string { return fewer("packets heard", bob.Received(1, client.Audio).Counts.Received, 20) })
	before := residentBytes(t, pid)
	for name, frames := range missiles(t, channel) {
		t.Run(name, func(t *testing.T) {
			eve := joinAs(t, newcomer(t, channel), channel, client.Config{ID: 9})
			for _, frame := range frames {
				binary := frame[0] != '{'
				if eve.Socket.SendRaw(binary, frame) != nil {
					break // the host has had enough of it
				}
			}
			if name == "a flood" {
				assert.Equal(t, "rate_limited", expelled(t, eve, frames)["reason"])
			}
			heard := bob.Received(1, client.Audio).Counts.Received
			eventually(t, settleWithin, func() string {
				return fewer("packets heard after that", bob.Received(1, client.Audio).Counts.Received, heard+25)
			})
		})
	}
	for _, body := range []string{"", "{", "[]", `{"enabled":"yes"}`, `{"session_id":` + strings.Repeat("9", 3000) + `}`, strings.Repeat("x", 1<<20), "\xff\xfe"} {
		for _, path := range []string{"/" + channel, "/calls/" + channel + "/host/mute", "/calls/" + channel + "/host/make", "/logs/upload"} {
			code := rawPost(t, user(t, "alice"), path, body)
			assert.True(t, code >= 400 && code < 500, "%s with %.20q: %d", path, body, code)
		}
	}
	alice.Pause(client.Audio)
	requireAllHeard(t, alice, bob, 1, client.Audio, drops)
	assert.Equal(t, pid, pluginProcess(t), "the same process")
	grown := residentBytes(t, pid) - before
	t.Logf("the plugin's memory has grown by %d KiB", grown>>10)
	assert.Less(t, grown, int64(spared))
	require.NoError(t, alice.Err())
	require.NoError(t, bob.Err())
}

// expelled goes on with the flood until the server has had enough and says so to the others.
func expelled(t *testing.T, eve *mattermost.Call, frames [][]byte) fields {
	t.Helper()
	watcher := watch(t, "carol")
	ctx := within(t, settleWithin)
	for ctx.Err() == nil {
		for _, frame := range frames[:300] {
			if eve.Socket.SendRaw(false, frame) != nil {
				break
			}
		}
		for _, e := range callEvents(watcher, eventChannel(eve)) {
			if e.Name == "user_left" {
				return data(t, e)
			}
		}
	}
	t.Fatal("the flood is not stopped")
	return nil
}

// eventChannel is the channel of the call that somebody is in.
func eventChannel(c *mattermost.Call) string {
	for _, e := range c.Socket.Events() {
		if e.Name == "join" {
			return e.ChannelID
		}
	}
	return ""
}

// rawPost sends a body that need not be JSON.
func rawPost(t *testing.T, api *mattermost.API, path, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t, settleWithin), http.MethodPost, api.URL+"/plugins/"+wire.PluginID+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+api.Token)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}
