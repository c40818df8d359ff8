package admin

import (
	"net/http"
	"net/http/pprof"
	"strconv"
)

// longestProfile bounds how long one request may watch the process, in seconds.
const longestProfile = 60

// profiles adds Go's own profiles of the process, for admins: what an engineer asks for when a server is busy for no visible reason.
func (s *server) profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", s.admin(s.bounded(pprof.Index)))
	mux.HandleFunc("GET /debug/pprof/profile", s.admin(s.bounded(pprof.Profile)))
	mux.HandleFunc("GET /debug/pprof/trace", s.admin(s.bounded(pprof.Trace)))
	mux.HandleFunc("GET /debug/pprof/symbol", s.admin(s.bounded(pprof.Symbol)))
}

func (s *server) bounded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if text := r.URL.Query().Get("seconds"); text != "" {
			if n, err := strconv.ParseFloat(text, 64); err != nil || n < 0 || n > longestProfile {
				fail(w, http.StatusBadRequest, "seconds must be a number between 0 and "+strconv.Itoa(longestProfile))
				return
			}
		}
		w.Header().Set("Cache-Control", "no-store")
		next(w, r)
	}
}
