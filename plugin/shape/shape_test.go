package shape

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/wire"
)

var two = call.View{
	Channel: "chan0000000000000000000001", Call: "call0000000000000000000001", V: 7, StartAt: time.UnixMilli(1659712345678),
	Owner: "usera000000000000000000001", Host: "usera000000000000000000001",
	Post:       call.Post{ID: "post0000000000000000000001", Thread: "post0000000000000000000001"},
	ScreenUser: "userb000000000000000000001", ScreenSession: "connb000000000000000000001", ScreenStream: "s",
	People: []call.Person{
		{User: "usera000000000000000000001", Session: "conna000000000000000000001"},
		{User: "userb000000000000000000001", Session: "connb000000000000000000001", Unmuted: true, Voice: true, Hand: time.UnixMilli(1659712400000)},
	},
}

func TestCallIsTheGoldenOne(t *testing.T) {
	raw, err := os.ReadFile("../../wire/testdata/http_channel.json")
	require.NoError(t, err)
	var golden wire.Channel
	require.NoError(t, json.Unmarshal(raw, &golden))
	assert.Equal(t, *golden.Call, Call(two))
}

func TestEmptyCallHasNoNull(t *testing.T) {
	b, err := json.Marshal(Call(call.View{}))
	require.NoError(t, err)
	assert.NotContains(t, string(b), "null")
	assert.Contains(t, string(b), `"start_at":0`)
}

func TestTwoSessionsOfOneUser(t *testing.T) {
	v := two
	v.People = []call.Person{
		{User: "a", Session: "1"},
		{User: "b", Session: "2", Hand: time.UnixMilli(30)},
		{User: "a", Session: "3", Unmuted: true, Hand: time.UnixMilli(20)},
		{User: "a", Session: "4", Hand: time.UnixMilli(10)},
	}
	c := Call(v)
	assert.Equal(t, []string{"a", "b"}, c.Users)
	assert.Equal(t, []wire.UserState{{Unmuted: true, RaisedHand: 10}, {RaisedHand: 30}}, c.States)
	assert.Len(t, c.Sessions, 4)
}
