// Package mattermost lets a client take part in the calls of a real Mattermost server, by the server's REST API and WebSocket as the stock clients use them.
package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"calls/wire"
)

// maxAnswer bounds what is read of an HTTP answer.
const maxAnswer = 8 << 20

const retryAfter = 250 * time.Millisecond

// API is a server as one logged-in user, or as nobody.
type API struct {
	URL    string // without a path
	Token  string // empty: not logged in
	UserID string
	Waits  bool // asks again when it is told that it asks too often, for as long as the context lets it

	http http.Client
}

// StatusError is an HTTP answer that is no success.
type StatusError struct {
	Method, Path string
	Code         int
	Body         string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: %d %.300s", e.Method, e.Path, e.Code, e.Body)
}

// Code is the HTTP status that err stands for, 200 for nil and 0 for an error of another kind.
func Code(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if status := (*StatusError)(nil); errors.As(err, &status) {
		return status.Code
	}
	return 0
}

// Anonymous is a server as nobody.
func Anonymous(url string) *API {
	return &API{URL: strings.TrimSuffix(url, "/"), http: http.Client{Timeout: 30 * time.Second}}
}

// Login logs a user in.
func Login(ctx context.Context, url, user, password string) (*API, error) {
	a := Anonymous(url)
	var who struct {
		ID string `json:"id"`
	}
	header, err := a.do(ctx, http.MethodPost, "/api/v4/users/login", map[string]string{"login_id": user, "password": password}, &who)
	if err != nil {
		return nil, fmt.Errorf("log %s in: %w", user, err)
	}
	a.Token, a.UserID = header.Get("Token"), who.ID
	if a.Token == "" {
		return nil, fmt.Errorf("log %s in: the answer has no token", user)
	}
	return a, nil
}

// Do makes a request of the server; body may be nil, and answer, when it is not, is filled from the JSON that comes back.
func (a *API) Do(ctx context.Context, method, path string, body, answer any) error {
	for {
		_, err := a.do(ctx, method, path, body, answer)
		if !a.Waits || Code(err) != http.StatusTooManyRequests {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryAfter):
		}
	}
}

// Calls makes a GET request of the plugin.
func (a *API) Calls(ctx context.Context, path string, answer any) error {
	return a.Do(ctx, http.MethodGet, "/plugins/"+wire.PluginID+path, nil, answer)
}

func (a *API) do(ctx context.Context, method, path string, body, answer any) (http.Header, error) {
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.URL+path, text)
	if err != nil {
		return nil, err
	}
	if a.Token != "" {
		req.Header.Set("Authorization", "Bearer "+a.Token)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, &StatusError{Method: method, Path: path, Code: resp.StatusCode, Body: string(b)}
	}
	if answer != nil {
		if err := json.Unmarshal(b, answer); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	return resp.Header, nil
}
