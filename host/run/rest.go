package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// rest speaks to the server's REST API as one person.
type rest struct {
	url   string
	token string
}

// apiError is the server's own word on a request that failed.
type apiError struct {
	Status  int    `json:"status_code"`
	ID      string `json:"id"`
	Message string `json:"message"`
	Detail  string `json:"detailed_error"`
}

func (e apiError) Error() string {
	if e.Detail != "" {
		return fmt.Sprintf("the server says %d: %s (%s)", e.Status, e.Message, e.Detail)
	}
	return fmt.Sprintf("the server says %d: %s", e.Status, e.Message)
}

// status is the HTTP status of a failed request, 0 when none was got.
func status(err error) int {
	var e apiError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// httpClient has a limit for the slowest request there is, the upload of a bundle.
var httpClient = &http.Client{Timeout: time.Minute}

// answers says whether the server takes requests.
func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v4/system/ping", nil)
	if err != nil {
		return false
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// login gives the API as this person.
func login(ctx context.Context, url, name, password string) (*rest, error) {
	r := &rest{url: url}
	resp, err := r.send(ctx, http.MethodPost, "/users/login", "application/json", jsonBody(map[string]string{"login_id": name, "password": password}))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	r.token = resp.Header.Get("Token")
	return r, nil
}

func jsonBody(v any) io.Reader {
	text, _ := json.Marshal(v) // only plain values are passed
	return bytes.NewReader(text)
}

// do sends in (nil: nothing) as JSON and reads the answer into out (nil: not wanted).
func (r *rest) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		body = jsonBody(in)
	}
	resp, err := r.send(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

func (r *rest) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url+"/api/v4"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	e := apiError{Status: resp.StatusCode, Message: http.StatusText(resp.StatusCode)}
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&e)
	return nil, e
}

// upload installs a plugin bundle in place of the one that is there, as the System Console does.
func (r *rest) upload(ctx context.Context, bundle string) error {
	f, err := os.Open(bundle)
	if err != nil {
		return err
	}
	defer f.Close()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if err := form.WriteField("force", "true"); err != nil {
		return err
	}
	part, err := form.CreateFormFile("plugin", filepath.Base(bundle))
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, f); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	resp, err := r.send(ctx, http.MethodPost, "/plugins", form.FormDataContentType(), &body)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
