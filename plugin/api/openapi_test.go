package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"calls/actors/call"
	"calls/wire"
)

// document is docs/openapi.yaml, as far as it is used.
type document struct {
	Paths      map[string]map[string]yaml.Node
	Components struct {
		Responses map[string]response
		Schemas   map[string]schema
	}
}

type operation struct {
	RequestBody *struct {
		Content map[string]struct{ Schema schema }
	} `yaml:"requestBody"`
	Responses map[string]response
}

type response struct {
	Ref     string `yaml:"$ref"`
	Content map[string]struct{ Schema schema }
}

type schema struct {
	Ref        string `yaml:"$ref"`
	Type       string
	Nullable   bool
	Required   []string
	Properties map[string]schema
	Additional yaml.Node `yaml:"additionalProperties"`
	Items      *schema
}

func openAPI(t *testing.T) (doc document, operations map[string]operation) {
	t.Helper()
	text, err := os.ReadFile("../../docs/openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &doc))
	operations = map[string]operation{}
	for path, item := range doc.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			require.NoError(t, node.Decode(&op))
			operations[strings.ToUpper(method)+" "+path] = op
		}
	}
	return doc, operations
}

// check says what is wrong with a value by a schema, nothing when it fits.
func (d document) check(s schema, v any, at string) []string {
	if s.Ref != "" {
		return d.check(d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]], v, at)
	}
	if v == nil && s.Nullable {
		return nil
	}
	ok := false
	var wrong []string
	switch x := v.(type) {
	case string:
		ok = s.Type == "string"
	case bool:
		ok = s.Type == "boolean"
	case float64:
		ok = s.Type == "integer" && x == float64(int64(x))
	case []any:
		if ok = s.Type == "array"; ok {
			for i, item := range x {
				wrong = append(wrong, d.check(*s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		if ok = s.Type == "object"; ok {
			wrong = d.checkObject(s, x, at)
		}
	}
	if !ok {
		return []string{fmt.Sprintf("%s is a %T, not %q", at, v, s.Type)}
	}
	return wrong
}

func (d document) checkObject(s schema, x map[string]any, at string) (wrong []string) {
	for _, key := range s.Required {
		if _, there := x[key]; !there {
			wrong = append(wrong, at+" has no "+key)
		}
	}
	for key, value := range x {
		if p, known := s.Properties[key]; known {
			wrong = append(wrong, d.check(p, value, at+"."+key)...)
			continue
		}
		var more schema
		if s.Additional.Kind != yaml.MappingNode || s.Additional.Decode(&more) != nil {
			wrong = append(wrong, at+" has "+key+", which is not described")
			continue
		}
		wrong = append(wrong, d.check(more, value, at+"."+key)...)
	}
	return wrong
}

func TestTheDocumentNamesWhatIsAnswered(t *testing.T) {
	_, operations := openAPI(t)
	routes := newWorld().server().routes()
	assert.Equal(t, slices.Sorted(maps.Keys(routes)), slices.Sorted(maps.Keys(operations)))
}

var tooLong = `{"session_id":"` + strings.Repeat("x", wire.MaxBody) + `"}`

// asks is what each operation is asked with, besides nothing at all.
var asks = map[string][]string{
	"POST /{channel_id}":                        {`{"enabled":false}`, `{"enabled":1}`, "{", `{"enabled":true,"x":"` + strings.Repeat("x", wire.MaxBody) + `"}`},
	"POST /calls/{channel_id}/host/make":        {`{"new_host_id":"` + bob + `"}`, tooLong},
	"POST /calls/{channel_id}/host/mute":        {`{"session_id":"` + sessB + `"}`, tooLong},
	"POST /calls/{channel_id}/host/screen-off":  {`{"session_id":"` + sessB + `"}`, tooLong},
	"POST /calls/{channel_id}/host/lower-hand":  {`{"session_id":"` + sessB + `"}`, tooLong},
	"POST /calls/{channel_id}/host/remove":      {`{"session_id":"` + sessB + `"}`, `{"session_id":"` + sessA + `"}`, tooLong},
	"POST /calls/{channel_id}/host/mute-others": {`{}`},
	"POST /logs/upload":                         {`{"logs":"a line","filename":"a.txt"}`, `{"logs":"` + strings.Repeat("x", maxLogs) + `"}`},
}

// Every answer to everybody is one that the document describes: its code, its content type and its form.
func TestEveryAnswerIsDescribed(t *testing.T) {
	doc, operations := openAPI(t)
	answered := map[string]bool{}
	for name, op := range operations {
		method, path, _ := strings.Cut(name, " ")
		for _, user := range []string{"", alice, bob, lead, root, stranger} {
			for _, channel := range []string{open, private, direct, old, nowhere, "x"} {
				for _, body := range append([]string{""}, asks[name]...) {
					for _, broken := range []bool{false, true} {
						w := newWorld()
						w.broken, w.botOff = broken, channel == "x"
						w.calls = map[call.ChannelID]call.View{open: hostedCall()}
						w.choices[open] = true
						w.dismissed = []string{alice + " " + string(hostedCall().Call)}
						w.cfg.TURNSecret, w.cfg.ICEServers = "secret", []wire.ICEServer{{URLs: []string{"turn:turn.example.com"}}}
						if channel == "x" {
							w.cfg.TURNSecret = ""
						}
						rec := w.ask(user, method, strings.Replace(path, "{channel_id}", channel, 1), body)
						answered[fmt.Sprint(name, " ", rec.Code)] = true
						if method == http.MethodGet {
							assert.Empty(t, slices.Concat(w.ended, w.hosted, w.told, w.files), "%s changes something", name)
							assert.Len(t, w.dismissed, 1, name)
							assert.Equal(t, map[call.ChannelID]bool{open: true}, w.choices, name)
						}
						fits(t, doc, op, fmt.Sprintf("%s %s %s by %q", method, channel, path, user), rec.Code, rec.Header(), rec.Body.Bytes())
					}
				}
			}
		}
	}
	for name, op := range operations {
		for code := range op.Responses {
			if code != "429" { // TestRateIsPerUser
				assert.True(t, answered[name+" "+code], "%s is never answered with %s", name, code)
			}
		}
	}
}

func fits(t *testing.T, doc document, op operation, what string, code int, header http.Header, body []byte) {
	t.Helper()
	r, ok := op.Responses[fmt.Sprint(code)]
	if !assert.True(t, ok, "%s: %d is not described: %s", what, code, body) {
		return
	}
	if r.Ref != "" {
		r = doc.Components.Responses[r.Ref[strings.LastIndex(r.Ref, "/")+1:]]
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	content, ok := r.Content[kind]
	if !assert.True(t, ok, "%s: %d as %s is not described", what, code, kind) || kind != "application/json" {
		return
	}
	var v any
	require.NoError(t, json.Unmarshal(body, &v), "%s: %s", what, body)
	assert.Empty(t, doc.check(content.Schema, v, "the answer"), "%s: %s", what, body)
}

func TestTheGoldenFilesFitTheDocument(t *testing.T) {
	doc, _ := openAPI(t)
	for file, name := range map[string]string{
		"http_version": "Version", "http_config": "ClientConfig", "http_channel": "Channel", "http_channel_no_choice": "Channel", "http_channel_empty_call": "Channel",
		"http_set_enabled": "SetEnabled", "http_status": "Status", "http_active": "Active", "http_new_host": "NewHost", "http_session_target": "SessionTarget", "http_stats": "Stats",
	} {
		var v any
		require.NoError(t, json.Unmarshal([]byte(golden(t, file)), &v))
		require.Contains(t, doc.Components.Schemas, name)
		assert.Empty(t, doc.check(doc.Components.Schemas[name], v, file))
	}
}
