package directory

import (
	"slices"
	"sync"
	"sync/atomic"

	"calls/actors/session"
	"calls/plugin/bounded"
)

const (
	maxUsers  = 50000 // whose logins are remembered; of more the one who was not seen for longest is forgotten
	maxLogins = 8     // of one user; the same
)

// Logins remembers under which login sessions users made HTTP requests. Old hosts (6.6) do not say under which login a socket was opened, but they do say it of
// each request, and every client makes some before it joins. So it is known there when the last login of somebody is over.
type Logins struct {
	named atomic.Bool // the host names the login of each message, so nothing needs to be remembered
	users *bounded.Map[session.UserID, *logins]
}

// logins are one user's, the last one seen at the end.
type logins struct {
	mu   sync.Mutex
	ids  []string
	over bool // all of them were found to be over
}

// NewLogins makes a Logins that knows none.
func NewLogins() *Logins {
	return &Logins{users: bounded.New[session.UserID](maxUsers, func() *logins { return &logins{} })}
}

// Named says that the host names the login of each message.
func (l *Logins) Named() { l.named.Store(true) }

// Seen says that the user made a request under this login.
func (l *Logins) Seen(user session.UserID, login string) {
	if user == "" || login == "" || l.named.Load() {
		return
	}
	u := l.users.Get(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	if n := len(u.ids); n > 0 && u.ids[n-1] == login && !u.over {
		return
	}
	if u.over {
		u.ids, u.over = nil, false
	}
	u.ids = append(slices.DeleteFunc(u.ids, func(id string) bool { return id == login }), login)
	u.ids = u.ids[max(0, len(u.ids)-maxLogins):]
}

// Joining says that the user asks to join under a login that the host does not name. If all that were known are over, it must be another one, of which nothing is known.
func (l *Logins) Joining(user session.UserID) {
	if l.named.Load() {
		return
	}
	u := l.users.Get(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		u.ids, u.over = nil, false
	}
}

// of is the user's known logins.
func (l *Logins) of(user session.UserID) []string {
	if l.named.Load() {
		return nil
	}
	u := l.users.Get(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.ids)
}

// ended says that all of these logins are over. One that was seen meanwhile is not among them.
func (l *Logins) ended(user session.UserID, ids []string) {
	u := l.users.Get(user)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = slices.Equal(u.ids, ids)
}
