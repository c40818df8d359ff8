package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/wire"
)

func servers(list ...wire.ICEServer) []wire.ICEServer { return list }
func urls(list ...string) wire.ICEServer              { return wire.ICEServer{URLs: list} }

// Every form in which admins have written the setting since 2022.
func TestICEServersAsAdminsTypeThem(t *testing.T) {
	stun := servers(urls("stun:a.example:3478"))
	turn := servers(wire.ICEServer{URLs: []string{"turn:a.example:3478"}, Username: "u", Credential: "c"})
	for text, want := range map[string][]wire.ICEServer{
		// JSON, in however many quotes, with whatever around it
		`[{"urls":["stun:a.example:3478"]}]`:                                  stun,
		`  [ { "urls" : [ "stun:a.example:3478" ] } ]  `:                      stun,
		"[\n  {\n    \"urls\": [\"stun:a.example:3478\"]\n  }\n]\n":           stun,
		`"[{\"urls\":[\"stun:a.example:3478\"]}]"`:                            stun,
		`"\"[{\\\"urls\\\":[\\\"stun:a.example:3478\\\"]}]\""`:                stun,
		`[{"urls":"stun:a.example:3478"}]`:                                    stun,
		`[{"url":"stun:a.example:3478"}]`:                                     stun,
		`{"urls":["stun:a.example:3478"]}`:                                    stun,
		`{"urls":"stun:a.example:3478"}`:                                      stun,
		`["stun:a.example:3478"]`:                                             stun,
		`[{"urls":["stun:a.example:3478"],"username":"","credential":""}]`:    stun,
		`[{"urls":["stun:a.example:3478"],"username":null,"unknown":[1,{}]}]`: stun,

		// bare URLs, as before there was JSON
		`stun:a.example:3478`:                         stun,
		`stun:a.example:3478,`:                        stun,
		`stun:a.example:3478, stun:b.example`:         servers(urls("stun:a.example:3478"), urls("stun:b.example")),
		"stun:a.example:3478\nturn:b.example":         servers(urls("stun:a.example:3478"), urls("turn:b.example")),
		`stun:a.example:3478;stuns:b.example:5349`:    servers(urls("stun:a.example:3478"), urls("stuns:b.example:5349")),
		`[{"urls":"stun:a.example, stun:b.example"}]`: servers(urls("stun:a.example", "stun:b.example")),

		// credentials
		`[{"urls":["turn:a.example:3478"],"username":"u","credential":"c"}]`:                   turn,
		`[{"urls":["turn:a.example:3478"],"username":"u","credentials":"c"}]`:                  turn, // as documented in 2022
		`[{"urls":["turn:a.example:3478"],"username":"u","credential":"c","credentials":"d"}]`: turn,
		`[{"urls":["turn:a.example:3478"],"username":12,"credential":3456}]`:                   servers(wire.ICEServer{URLs: []string{"turn:a.example:3478"}, Username: "12", Credential: "3456"}),
		`[{"urls":["turn:a.example:3478"]}]`:                                                   servers(urls("turn:a.example:3478")),

		// URLs in forms that browsers would not take, and in all that they do
		`[{"urls":["STUN:a.example:3478"]}]`:   stun,
		`[{"urls":["stun://a.example:3478"]}]`: stun,
		`[{"urls":[" stun:a.example:3478 "]}]`: stun,
		`[{"urls":["turn:a.example?transport=udp","turn:a.example:443?transport=TCP","turns:a.example:5349?transport=tcp"]}]`: servers(urls("turn:a.example?transport=udp", "turn:a.example:443?transport=tcp",
			"turns:a.example:5349?transport=tcp")),
		`[{"urls":["stun:192.0.2.1","stun:[2001:db8::1]","stun:[2001:db8::1]:3478"]}]`: servers(urls("stun:192.0.2.1", "stun:[2001:db8::1]", "stun:[2001:db8::1]:3478")),
		`[{"urls":["stun:a.example"]},{"urls":["turn:b.example"]}]`:                    servers(urls("stun:a.example"), urls("turn:b.example")),

		// nothing
		`[]`: {}, `""`: nil, `"\"\""`: nil, `null`: nil, `" "`: nil,
	} {
		t.Run(text, func(t *testing.T) {
			raw := json.RawMessage(text)
			if !json.Valid(raw) || text[0] != '"' { // the host keeps what is typed as a text
				raw = []byte(mustQuote(t, text))
			}
			got, errs := Load(map[string]json.RawMessage{"iceserversconfigs": raw}, none, Default())
			require.Empty(t, errs)
			assert.Equal(t, want, got.ICEServers)
		})
	}
}

func mustQuote(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	require.NoError(t, err)
	return string(b)
}

func TestICEServersThatAreNone(t *testing.T) {
	last := Config{ICEServers: servers(urls("stun:last.example"))}
	for text, says := range map[string]string{
		`[{"urls":["stun:a","turn:b"]}]`:                      "entry 1 must have only stun: and stuns: URLs, or only turn: and turns: URLs",
		`[{"urls":["stun:a"]},{"urls":["turn:b","stuns:c"]}]`: "entry 2 must have only",
		`[{"urls":[]}]`: "entry 1 has no urls",
		`[{}]`:          "entry 1 has no urls",
		`[null]`:        "entry 1 has no urls",
		`[{"username":"u","credential":"top-secret"}]`:    "entry 1 has no urls",
		`[{"urls":["http://a"]}]`:                         "entry 1 has a wrong URL (its number 1): must begin with stun:, stuns:, turn: or turns:",
		`[{"urls":["stun:a","stun:"]}]`:                   "(its number 2): must have a host name or an IP address",
		`[{"urls":["stun:a.example:0"]}]`:                 "a port between 1 and 65535",
		`[{"urls":["stun:a.example:65536"]}]`:             "a port between 1 and 65535",
		`[{"urls":["stun:a.example:port"]}]`:              "a port between 1 and 65535",
		`[{"urls":["stun:a.example:"]}]`:                  "a port between 1 and 65535",
		`[{"urls":["stun:2001:db8::1"]}]`:                 "between brackets",
		`[{"urls":["stun:[192.0.2.1]"]}]`:                 "IPv6 address between its brackets",
		`[{"urls":["stun:[2001:db8::1"]}]`:                "IPv6 address between its brackets",
		`[{"urls":["stun:[2001:db8::1]3478"]}]`:           "nothing but a port behind its brackets",
		`[{"urls":["stun:a.example?transport=udp"]}]`:     "?transport=udp or ?transport=tcp when it is of a TURN server",
		`[{"urls":["turn:a.example?transport=tls"]}]`:     "?transport=udp or ?transport=tcp",
		`[{"urls":["turn:a b"]}]`:                         "must have a host name",
		`[{"urls":["turn:user:top-secret@a.example"]}]`:   "must have a port",
		`[{"urls":[5]}]`:                                  `"urls" holds texts`,
		`[{"urls":["turn:a"],"credential":true}]`:         `"credential" are texts`,
		`[{"urls":["stun:a.example"]},]`:                  "no JSON from character 30 on",
		`[{'urls':['turn:a'],'credential':'top-secret'}]`: "with straight double quotes",
		"[{“urls”:[“turn:a”],“credential”:“top-secret”}]": "with straight double quotes",
		`[{"urls":["turn:a"],"credential":"top-secret"`:   "no JSON from character",
		`none`: "must be a JSON list", `a.example`: "must be a JSON list", `,`: "must be a JSON list", `7`: "must be a JSON list", `true`: "must be a JSON list",
		`https://top-secret@a.example`: "must begin with stun:",
	} {
		t.Run(text, func(t *testing.T) {
			got, errs := Load(map[string]json.RawMessage{"iceserversconfigs": []byte(mustQuote(t, text))}, none, last)
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], "ICEServersConfigs: ")
			assert.ErrorContains(t, errs[0], says)
			assert.NotContains(t, errs[0].Error(), "top-secret")
			assert.Equal(t, last.ICEServers, got.ICEServers)
		})
	}
}

func TestClientICEServersLeavesOutTURNWithoutCredentials(t *testing.T) {
	assert.Equal(t, []wire.ICEServer{}, Default().ClientICEServers())
	c := Config{ICEServers: []wire.ICEServer{
		{URLs: []string{"stun:a"}}, {URLs: []string{"turn:b"}}, {URLs: []string{"turns:c"}, Username: "u"}, {URLs: []string{"turn:d"}, Username: "u", Credential: "c"},
	}}
	assert.Equal(t, []wire.ICEServer{c.ICEServers[0], c.ICEServers[3]}, c.ClientICEServers())
}

func TestICEServersOfOld(t *testing.T) {
	for text, want := range map[string][]string{
		`"stun:a.example:3478"`:               {"stun:a.example:3478"},
		`"stun:a.example, ,turn:b.example"`:   {"stun:a.example", "turn:b.example"},
		`["stun:a.example","stun:b.example"]`: {"stun:a.example", "stun:b.example"},
		`"[\"stun:a.example\"]"`:              {"stun:a.example"},
		`"\"stun:a.example\""`:                {"stun:a.example"},
		`""`:                                  nil,
	} {
		got, errs := Load(stored(t, `{"iceservers":`+text+`}`), none, Default())
		assert.Empty(t, errs, text)
		assert.Equal(t, want, got.OldICEServers, text)
	}
	_, errs := Load(stored(t, `{"iceservers":"stun:a.example,http://a.example"}`), none, Default())
	require.Len(t, errs, 1)
	assert.ErrorContains(t, errs[0], "ICEServers: must be stun: or turn: URLs, separated by commas; number 2 must begin with")
}

// A TURN URL without credentials makes a browser refuse the whole connection, so the bare ones of the old setting wait for credentials like any other.
func TestBareTURNNeedsCredentials(t *testing.T) {
	c := Config{OldICEServers: []string{"stun:old.example", "turn:old.example"}}
	assert.Equal(t, []string{"stun:old.example"}, c.BareSTUN())
	assert.Equal(t, servers(urls("stun:old.example")), c.ClientICEServers())
	assert.False(t, c.NeedsTURNCredentials())
	c.TURNSecret = "hush"
	assert.True(t, c.NeedsTURNCredentials())
	assert.Nil(t, Config{OldICEServers: []string{"turn:old.example"}}.BareSTUN(), "null, as clients of old expect")
}

func TestSTUNServers(t *testing.T) {
	c := Config{OldICEServers: []string{"stun:old.example"}, ICEServers: []wire.ICEServer{
		{URLs: []string{"stun:a.example:19302", "stuns:b.example"}}, {URLs: []string{"turn:c.example"}}, {URLs: []string{"stun:[2001:db8::1]"}},
	}}
	assert.Equal(t, []string{"a.example:19302", "[2001:db8::1]:3478", "old.example:3478"}, c.STUNServers())
}

func TestRemarks(t *testing.T) {
	said := func(object string) string {
		c, errs := Load(stored(t, object), none, Default())
		require.Empty(t, errs)
		var lines []string
		for _, r := range c.Remarks() {
			lines = append(lines, r.Error())
		}
		return strings.Join(lines, "\n")
	}
	assert.Empty(t, said(`{"enableipv6":false,"enablerecordings":"false","rtcdserviceurl":"","serversideturn":null}`))
	assert.Equal(t, "RTCDServiceURL: has no effect: the media server is part of the plugin", said(`{"rtcdserviceurl":"https://user:top-secret@rtcd.example"}`))
	assert.Equal(t, "EnableAV1: has no effect: a shared screen is sent as VP8\nEnableVideo: has no effect: there is no webcam video", said(`{"enablevideo":"TRUE","enableav1":true}`))
	turn := `"iceserversconfigs":"[{\"urls\":[\"stun:a\"]},{\"urls\":[\"turn:b\"]}]"`
	assert.Contains(t, said(`{`+turn+`}`), "entry 2 is a TURN server without user name and credential, and there is no TURNStaticAuthSecret")
	assert.Empty(t, said(`{`+turn+`,"turnstaticauthsecret":"hush"}`))
	assert.Contains(t, said(`{"turnstaticauthsecret":"hush"}`), "TURNStaticAuthSecret: has no effect")
}

func TestTURNServersOfTheMediaServer(t *testing.T) {
	now := time.Unix(1000, 0)
	c := Config{TURNMinutes: 10, ICEServers: []wire.ICEServer{
		{URLs: []string{"stun:a.example"}}, {URLs: []string{"turn:own.example", "turns:own.example?transport=tcp"}, Username: "u", Credential: "c"},
		{URLs: []string{"turn:[2001:db8::1]:99?transport=tcp", "turns:b.example?transport=udp", "turns:[2001:db8::2]"}},
	}}
	assert.Empty(t, c.Relays("session", now), "nobody wants them")
	c.ServerSideTURN = true
	own := []actors.Relay{{Network: "udp", Addr: "own.example:3478", Username: "u", Password: "c"}, {Network: "tls", Addr: "own.example:5349", Username: "u", Password: "c"}}
	assert.Equal(t, own, c.Relays("session", now), "no credentials for the others")
	c.TURNSecret = "hush"
	got := c.Relays("session", now)
	require.Len(t, got, 4)
	assert.Equal(t, own, got[:2])
	told := c.TURNCredentials("session", now)[0]
	assert.Equal(t, "1600:session", told.Username)
	assert.Equal(t, actors.Relay{Network: "tcp", Addr: "[2001:db8::1]:99", Username: told.Username, Password: told.Credential}, got[2])
	assert.Equal(t, actors.Relay{Network: "tls", Addr: "[2001:db8::2]:5349", Username: told.Username, Password: told.Credential}, got[3])

	remarks := Config{ServerSideTURN: true}.Remarks()
	require.Len(t, remarks, 1)
	assert.ErrorContains(t, &remarks[0], "ServerSideTURN: has no effect: there is no TURN server that the media server has credentials for")
}

// Nothing that can be typed may do worse than be refused.
func FuzzICEServers(f *testing.F) {
	for _, seed := range []string{`[{"urls":["stun:a.example:3478"]}]`, `"[{\"urls\":\"turn:a\"}]"`, `stun:a,turn:b`, `{"url":"stun://[::1]:1"}`, `[5,null,{"username":7}]`, "[“"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var list []wire.ICEServer
		if iceServers(&list, text) == nil {
			for _, s := range list {
				require.NotEmpty(t, s.URLs)
				for _, u := range s.URLs {
					again, err := iceURL(u)
					require.NoError(t, err)
					assert.Equal(t, u, again, "what is taken stays as it is when taken again")
				}
			}
		}
		var old []string
		_ = oldICEServers(&old, text)
	})
}
