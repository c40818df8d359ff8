package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"calls/plugin/bot"
)

// A client's logs come as one file, and go to nobody but its own user: as a file in the direct channel with the plugin's bot, from where they can be handed on.

const (
	maxLogs      = 2 << 20          // bytes of the request: clients keep one megabyte, and JSON makes it more
	maxFilename  = 100              // characters
	fileEvery    = 10 * time.Second // how often a user may send one,
	fileBurst    = 3                // and how many at once
	noFilename   = "filename must be a name for the file"
	tooManyFiles = "too many files; try again in some seconds"
)

// upload is what a client sends. What else is in it, such as where the user is, makes no difference.
type upload struct {
	Logs     string `json:"logs"`
	Filename string `json:"filename"`
}

// uploaded answers it.
type uploaded struct {
	PostID string `json:"post_id"`
}

// uploadLogs sends a client's logs to its user.
func (s *server) uploadLogs(w http.ResponseWriter, r *http.Request, user string) {
	if !s.files.Get(user).AllowN(s.now(), 1) {
		s.status(w, http.StatusTooManyRequests, tooManyFiles)
		return
	}
	var body upload
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxLogs)).Decode(&body)
	var tooLarge *http.MaxBytesError
	name := filename(body.Filename)
	switch {
	case errors.As(err, &tooLarge):
		s.status(w, http.StatusRequestEntityTooLarge, "the logs are too large")
	case err != nil:
		s.status(w, http.StatusBadRequest, "the request is not the JSON expected")
	case name == "":
		s.status(w, http.StatusBadRequest, noFilename)
	case body.Logs == "":
		s.status(w, http.StatusBadRequest, "there are no logs")
	default:
		s.deliver(w, user, name, body.Logs)
	}
}

func (s *server) deliver(w http.ResponseWriter, user, name, text string) {
	id, err := s.Mail.File(user, name, []byte(text))
	switch {
	case errors.Is(err, bot.ErrOff):
		s.status(w, http.StatusForbidden, err.Error())
	case err != nil:
		s.fault(w, err)
	default:
		s.json(w, http.StatusOK, uploaded{id})
	}
}

// filename is a name that means nothing to anybody's file system or page; empty when nothing of it is left.
func filename(name string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
	if utf8.RuneCountInString(safe) > maxFilename {
		safe = safe[:maxFilename] // of one byte each
	}
	if strings.Trim(safe, "._-") == "" {
		return ""
	}
	return safe
}
