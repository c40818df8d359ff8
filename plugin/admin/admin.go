// Package admin shows a system admin the live tree of actors, lets them restart and end parts of it, and gives a monitoring system its numbers.
package admin

import (
	"embed"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors"
	"calls/actors/call"
	"calls/plugin/settings"
)

//go:embed page
var page embed.FS

// maxBody is the longest request there is: an id and a few words.
const maxBody = 16 << 10

// Host knows who is an admin, and whether the server runs in developer mode.
type Host interface {
	HasPermissionTo(userID string, permission *model.Permission) bool
	GetConfig() *model.Config
}

// Engine is what there is to see and to do. None of it waits for an actor.
type Engine interface {
	Inspect() actors.Inspection
	InspectVersion() uint64
	Counts() (version uint64, counts []actors.Counters)
	Metrics() map[string]actors.Metrics
	MediaLoops() []actors.MediaLoop
	DeadLetters() uint64
	RestartActor(id string) error
	EndSession(id string) error
	EndCall(ch call.ChannelID) error
	Inject(id string, f actors.Fault) error
}

// Settings knows what is wrong with them.
type Settings interface {
	Problems() []settings.Problem
}

type server struct {
	host     Host
	engine   Engine
	settings Settings
	log      *slog.Logger
}

// New makes the handler of /admin/, /metrics and /debug/pprof/. All of it is for system admins only.
func New(host Host, engine Engine, set Settings, log *slog.Logger) http.Handler {
	s := &server{host, engine, set, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/{$}", s.admin(s.file("page/index.html", "text/html; charset=utf-8")))
	mux.HandleFunc("GET /admin/actors.js", s.admin(s.file("page/actors.js", "text/javascript; charset=utf-8")))
	mux.HandleFunc("GET /admin/actors.css", s.admin(s.file("page/actors.css", "text/css; charset=utf-8")))
	mux.HandleFunc("GET /admin/actors", s.admin(s.actors))
	mux.HandleFunc("GET /admin/counts", s.admin(s.counts))
	mux.HandleFunc("POST /admin/restart", s.admin(s.act("restarts an actor", func(r request) error { return s.engine.RestartActor(r.ID) })))
	mux.HandleFunc("POST /admin/end-session", s.admin(s.act("ends a session", func(r request) error { return s.engine.EndSession(r.ID) })))
	mux.HandleFunc("POST /admin/end-call", s.admin(s.act("ends a call", func(r request) error { return s.engine.EndCall(call.ChannelID(r.ID)) })))
	mux.HandleFunc("POST /admin/fault", s.admin(s.developer(s.act("injects a fault", func(r request) error { return s.engine.Inject(r.ID, r.Fault) }))))
	mux.HandleFunc("GET /admin/settings", s.admin(s.problems))
	mux.HandleFunc("GET /metrics", s.admin(s.metrics))
	s.profiles(mux)
	return mux
}

// admin lets only system admins pass. A monitoring system comes with the access token of one.
func (s *server) admin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user := r.Header.Get("Mattermost-User-Id") // set by the host, which removes what clients put there
		switch {
		case user == "":
			fail(w, http.StatusUnauthorized, "log in to Mattermost first")
		case !s.host.HasPermissionTo(user, model.PermissionManageSystem):
			fail(w, http.StatusForbidden, "this is for system admins")
		default:
			next(w, r)
		}
	}
}

// developer lets pass only on servers that are there to be broken.
func (s *server) developer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if on := s.host.GetConfig().ServiceSettings.EnableDeveloper; on == nil || !*on {
			fail(w, http.StatusForbidden, "faults can be injected in developer mode only (ServiceSettings.EnableDeveloper)")
			return
		}
		next(w, r)
	}
}

func (s *server) file(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		data, err := page.ReadFile(name)
		if err != nil {
			fail(w, http.StatusInternalServerError, "the page is missing from the bundle")
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(data)
	}
}

// actors is the whole tree. Asked with the version one has, it answers 304 while nothing but counters has changed.
func (s *server) actors(w http.ResponseWriter, r *http.Request) {
	if v := r.URL.Query().Get("v"); v != "" {
		known, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			fail(w, http.StatusBadRequest, "v must be the version of an earlier answer")
			return
		}
		if known == s.engine.InspectVersion() {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	answer(w, http.StatusOK, s.engine.Inspect())
}

// counts are the counters of all actors in the order of the tree of that version.
func (s *server) counts(w http.ResponseWriter, _ *http.Request) {
	version, counts := s.engine.Counts()
	answer(w, http.StatusOK, struct {
		Version uint64            `json:"version"`
		Counts  []actors.Counters `json:"counts"`
	}{version, counts})
}

// problems is what is wrong with the settings, and what else an admin should know of them.
func (s *server) problems(w http.ResponseWriter, _ *http.Request) {
	list := s.settings.Problems()
	if list == nil {
		list = []settings.Problem{}
	}
	answer(w, http.StatusOK, struct {
		Problems []settings.Problem `json:"problems"`
	}{list})
}

// request names what an action is about.
type request struct {
	ID    string       `json:"id"`
	Fault actors.Fault `json:"fault"`
}

// act does something that is worth a line in the log.
func (s *server) act(what string, do func(request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req request
		if err := decode(w, r, &req); err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		s.log.Info("an admin "+what, "admin", r.Header.Get("Mattermost-User-Id"), "id", req.ID)
		if err := do(req); err != nil {
			fail(w, http.StatusNotFound, err.Error())
			return
		}
		answer(w, http.StatusOK, struct {
			Message string `json:"message"`
		}{"done"})
	}
}

func decode(w http.ResponseWriter, r *http.Request, req *request) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	if err := d.Decode(req); err != nil && !errors.Is(err, io.EOF) {
		return errors.New("the request must be JSON with an id")
	}
	if req.ID == "" {
		return errors.New("the request must name an id")
	}
	return nil
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, code int, message string) {
	answer(w, code, struct {
		Error string `json:"error"`
	}{message})
}
