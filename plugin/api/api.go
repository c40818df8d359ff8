// Package api answers the plugin's HTTP requests: what clients ask before, beside and after a call.
package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"golang.org/x/time/rate"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/bounded"
	"calls/plugin/config"
	"calls/wire"
)

// maxUsers is how many users' budgets are remembered.
const maxUsers = 10000

// userHeader is how the host says who asks. It removes what clients put there.
const userHeader = "Mattermost-User-Id"

// Host is the part of the host that knows permissions.
type Host interface {
	HasPermissionTo(userID string, permission *model.Permission) bool
	HasPermissionToTeam(userID, teamID string, permission *model.Permission) bool
	HasPermissionToChannel(userID, channelID string, permission *model.Permission) bool
	GetUser(id string) (*model.User, *model.AppError)
	GetChannel(id string) (*model.Channel, *model.AppError)
	GetChannelMember(channelID, userID string) (*model.ChannelMember, *model.AppError)
}

// Calls is the running calls. None of its methods blocks.
type Calls interface {
	Call(ch call.ChannelID) (v call.View, ok bool)
	Calls() []call.View
	End(ch call.ChannelID, reason session.EndReason)
	Host(ch call.ChannelID, act call.Host)
}

// Ringer knows who wants no more ringing for a call.
type Ringer interface {
	Dismiss(user session.UserID, ch call.ChannelID, id call.ID)
	Dismissed(user session.UserID, id call.ID) bool
}

// Mail brings files to people.
type Mail interface {
	// File sends a user a file in the plugin's name, and gives the id of the post that it hangs on. It may block.
	File(user, filename string, data []byte) (postID string, err error)
}

// Choices is what channels chose.
type Choices interface {
	Choice(ch call.ChannelID) (*bool, error)
	Choices() map[call.ChannelID]bool
	SetChoice(ch call.ChannelID, enabled bool) error
}

// Announcer tells a channel's members of its choice.
type Announcer interface {
	ChannelChoice(ch call.ChannelID, enabled bool) error
}

// Deps are what the handlers work with.
type Deps struct {
	Host      Host
	Calls     Calls
	Choices   Choices
	Announcer Announcer
	Ringer    Ringer
	Mail      Mail
	Config    func() config.Config
	Overrides func() map[string]string // settings that the environment decides
	Version   wire.Version
	Log       *slog.Logger
}

type server struct {
	Deps
	now    func() time.Time
	limits *bounded.Map[string, *rate.Limiter]
	files  *bounded.Map[string, *rate.Limiter] // the budget of what is sent as files
}

// New makes the handler of everything below the plugin's prefix.
func New(d Deps) http.Handler { return newServer(d).handler() }

func newServer(d Deps) *server {
	fresh := func() *rate.Limiter { return rate.NewLimiter(wire.HTTPRate, wire.HTTPBurst) }
	files := func() *rate.Limiter { return rate.NewLimiter(rate.Every(fileEvery), fileBurst) }
	return &server{Deps: d, now: time.Now, limits: bounded.New[string](maxUsers, fresh), files: bounded.New[string](maxUsers, files)}
}

// routes is what is answered, in the patterns of http.ServeMux. docs/openapi.yaml describes each.
func (s *server) routes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{
		"GET /version":             s.version,
		"GET /config":              s.user(s.config),
		"GET /channels":            s.user(s.channels),
		"GET /turn-credentials":    s.user(s.turnCredentials),
		"GET /stats":               s.user(s.admin(s.stats)),
		"GET /env":                 s.user(s.admin(s.env)),
		"GET /autocomplete/people": s.user(s.people),

		"POST /cloud-notify-admins": s.user(s.cloud),
		"POST /telemetry/track":     s.user(s.telemetry),
		"POST /logs/upload":         s.user(s.uploadLogs),

		"GET /{channel_id}":                             s.user(s.channel(s.getChannel)),
		"POST /{channel_id}":                            s.user(s.channel(s.setEnabled)),
		"GET /calls/{channel_id}/active":                s.user(s.channel(s.active)),
		"POST /calls/{channel_id}/end":                  s.user(s.channel(s.end)),
		"POST /calls/{channel_id}/host/end":             s.user(s.channel(s.end)),
		"POST /calls/{channel_id}/dismiss-notification": s.user(s.channel(s.dismiss)),
		"POST /calls/{channel_id}/recording/start":      s.user(s.channel(s.recording)),
		"POST /calls/{channel_id}/recording/stop":       s.user(s.channel(s.recording)),
	}
	for path, act := range hostActs {
		routes["POST /calls/{channel_id}/host/"+path] = s.user(s.channel(s.host(act)))
	}
	return routes
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.routes() {
		mux.HandleFunc(pattern, h)
	}
	mux.HandleFunc("GET /version/", s.version) // clients of old match by prefix
	mux.HandleFunc("GET /metrics", http.NotFound)
	mux.HandleFunc("/", s.user(func(w http.ResponseWriter, r *http.Request, _ string) { http.NotFound(w, r) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ServeMux would redirect to the clean path, and does not know that the host cut the plugin's prefix off.
		if p := path.Clean(r.URL.Path); p != r.URL.Path && p+"/" != r.URL.Path {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// user lets only people with a session of the host pass, and not too often.
func (s *server) user(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(userHeader)
		if id == "" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if !s.limits.Get(id).AllowN(s.now(), 1) {
			s.status(w, http.StatusTooManyRequests, "too many requests")
			return
		}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next(w, r, id)
			return
		}
		seen := &witness{ResponseWriter: w, code: http.StatusOK}
		next(seen, r, id)
		s.Log.Info("a request to change something", "user", id, "method", r.Method, "path", r.URL.Path, "code", seen.code)
	}
}

// witness sees with what code a request was answered.
type witness struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the code.
func (w *witness) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// channel lets only paths pass that can name a channel: everything else is a key that nobody may ask for.
func (s *server) channel(next func(http.ResponseWriter, *http.Request, string, call.ChannelID)) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, user string) {
		id := r.PathValue("channel_id")
		if !wire.ValidID(id) {
			http.NotFound(w, r)
			return
		}
		next(w, r, user, call.ChannelID(id))
	}
}

func (s *server) version(w http.ResponseWriter, _ *http.Request) { s.json(w, http.StatusOK, s.Version) }

// config tells what the server can do. What is not there yet is told as off.
func (s *server) config(w http.ResponseWriter, _ *http.Request, _ string) {
	c := s.Config()
	s.json(w, http.StatusOK, wire.ClientConfig{
		ICEServers:           c.BareSTUN(),
		ICEServersConfigs:    c.ClientICEServers(),
		AllowEnableCalls:     c.AllowEnableCalls,
		DefaultEnabled:       c.DefaultEnabled,
		MaxCallParticipants:  c.MaxCallParticipants,
		NeedsTURNCredentials: c.NeedsTURNCredentials(),
		SKUShortName:         "starter",
		AllowScreenSharing:   c.AllowScreenSharing,
		EnableRinging:        c.EnableRinging,
		HostControlsAllowed:  true,
		GroupCallsAllowed:    true,
		MaxRecordingDuration: 60,
	})
}

// end ends a call for everybody. Who may not see the channel does not learn whether there is one.
func (s *server) end(w http.ResponseWriter, _ *http.Request, user string, ch call.ChannelID) {
	const refused = "no permissions to end the call"
	if !s.Host.HasPermissionToChannel(user, string(ch), model.PermissionReadChannel) {
		s.status(w, http.StatusForbidden, refused)
		return
	}
	v, ok := s.Calls.Call(ch)
	if !ok {
		s.status(w, http.StatusBadRequest, "no call ongoing")
		return
	}
	if u := session.UserID(user); u != v.Owner && u != v.Host && !s.Host.HasPermissionTo(user, model.PermissionManageSystem) {
		s.status(w, http.StatusForbidden, refused)
		return
	}
	s.Calls.End(ch, session.CallEnded)
	s.status(w, http.StatusOK, "success")
}

func (s *server) status(w http.ResponseWriter, code int, message string) {
	s.json(w, code, wire.Status{Message: message, StatusCode: code})
}

// fault answers for an error of ours: the log has it, the user does not.
func (s *server) fault(w http.ResponseWriter, err error) {
	s.Log.Error("an HTTP request failed", "err", err)
	s.status(w, http.StatusInternalServerError, "internal error")
}

func (s *server) json(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.Log.Error("an answer could not be encoded", "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(b) // a client that is gone needs no answer
}

// readBody reads a bounded JSON body and says what to answer when it cannot.
func readBody(w http.ResponseWriter, r *http.Request, to any) (code int, err error) {
	err = json.NewDecoder(http.MaxBytesReader(w, r.Body, wire.MaxBody)).Decode(to)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, errors.New("the request is too large")
	case err != nil:
		return http.StatusBadRequest, errors.New("the request is not the JSON expected")
	}
	return http.StatusOK, nil
}
