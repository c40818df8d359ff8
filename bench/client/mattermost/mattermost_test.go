package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"calls/bench/client"
	"calls/guard/guardtest"
	"calls/wire"
)

const connID = "conn000000000000000000000a"

// fakeHost answers as a Mattermost server would, as far as a client looks. Each text frame that comes is handed to answer, which returns frames to send.
func fakeHost(t *testing.T, answer func(action string) []string) *API {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { guardtest.None(t, before) }) // runs last
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v4/users/login", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"login_id":"alice","password":"secret"}` {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Token", "token")
		fmt.Fprint(w, `{"id":"usera"}`)
	})
	mux.HandleFunc("/api/v4/websocket", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		say(conn, `{"event":"hello","data":{"connection_id":"`+connID+`"},"seq":0}`)
		for {
			kind, text, err := conn.ReadMessage()
			if err != nil {
				return
			}
			var frame struct{ Action string }
			if kind != websocket.TextMessage || json.Unmarshal(text, &frame) != nil {
				continue
			}
			for _, event := range answer(frame.Action) {
				say(conn, event)
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	api, err := Login(ctx(t), server.URL, "alice", "secret")
	require.NoError(t, err)
	t.Cleanup(api.http.CloseIdleConnections)
	return api
}

func say(conn *websocket.Conn, text string) {
	_ = conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func ctx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func event(name, data string) string {
	return `{"event":"` + wire.Prefix + name + `","data":` + data + `,"broadcast":{"channel_id":"chan"},"seq":1}`
}

func TestLoginKnowsTheUserAndRefusesAWrongPassword(t *testing.T) {
	api := fakeHost(t, func(string) []string { return nil })
	assert.Equal(t, "usera", api.UserID)
	_, err := Login(ctx(t), api.URL, "alice", "wrong")
	assert.Equal(t, http.StatusUnauthorized, Code(err))
	assert.Equal(t, http.StatusOK, Code(nil))
	assert.Equal(t, 0, Code(io.EOF))
}

func TestJoinTakesOnlyItsOwnAcknowledgement(t *testing.T) {
	api := fakeHost(t, func(action string) []string {
		if action != wire.Prefix+"join" {
			return nil
		}
		return []string{event("join", `{"connID":"another"}`), event("error", `{"connID":"another","data":"no"}`), event("join", `{"connID":"`+connID+`"}`)}
	})
	call, err := api.Join(ctx(t), wire.Join{ChannelID: "chan"}, client.Config{ID: 1})
	require.NoError(t, err)
	assert.Equal(t, connID, call.Socket.ConnID)
	require.NoError(t, call.Leave())
}

func TestJoinTellsWhyItWasRefused(t *testing.T) {
	api := fakeHost(t, func(string) []string {
		return []string{event("error", `{"connID":"`+connID+`","data":"forbidden","code":"forbidden"}`)}
	})
	_, err := api.Join(ctx(t), wire.Join{ChannelID: "chan"}, client.Config{ID: 1})
	assert.Equal(t, &RefusedError{Code: "forbidden", Text: "forbidden"}, err)
}

func TestAwaitFindsWhatCameBeforeAndWhatIsToCome(t *testing.T) {
	api := fakeHost(t, func(action string) []string { return []string{event(action[len(wire.Prefix):], `{"userID":"usera"}`)} })
	s, err := api.Dial(ctx(t), nil)
	require.NoError(t, err)
	defer s.Close()
	named := func(name string) func(Event) bool { return func(e Event) bool { return e.Name == name } }
	for _, msg := range []wire.Message{wire.Mute{}, wire.Unmute{}} {
		require.NoError(t, s.Send(msg))
	}
	_, err = s.Await(ctx(t), "unmute", named("unmute"))
	require.NoError(t, err)
	e, err := s.Await(ctx(t), "mute", named("mute"))
	require.NoError(t, err)
	assert.Equal(t, "chan", e.ChannelID)
	assert.JSONEq(t, `{"userID":"usera"}`, string(e.Data))

	short, cancel := context.WithCancel(ctx(t))
	cancel()
	_, err = s.Await(short, "a third thing", named("third"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, err.Error(), "no a third thing among [mute unmute]")
}

func TestASocketThatBreaksEndsTheWait(t *testing.T) {
	api := fakeHost(t, func(string) []string { return []string{"not json"} })
	s, err := api.Dial(ctx(t), nil)
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, s.Send(wire.Mute{}))
	_, err = s.Await(ctx(t), "anything", func(e Event) bool { return e.Name == "anything" })
	assert.ErrorContains(t, err, "read event")
}
