package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/session"
)

// mostHeld bounds what a client may send before its session is there, or while it is being replaced.
const mostHeld = 100

// registry knows which session a connection speaks for. The host's hooks ask it for every message of every socket, so it answers from a map and never waits.
type registry struct {
	root  *actor.RootContext
	limit func() int // messages that may wait for a session

	mu      sync.RWMutex
	byConn  map[session.ConnID]*entry
	byID    map[session.ID]*entry
	sockets map[session.ConnID]int // open sockets by id: the host's notices come in any order, so they are counted
}

// entry is one session, from its join until it is over.
type entry struct {
	id   session.ID
	user session.UserID

	mu    sync.Mutex
	conns []session.ConnID // every id the session was heard under, the newest last
	pid   *actor.PID       // nil: not there yet, or being replaced
	box   *kit.Mailbox     // its mailbox
	held  []any            // what came meanwhile
	over  bool             // ended for sending too much: nothing more is taken
}

func newRegistry(root *actor.RootContext, limit func() int) *registry {
	return &registry{root: root, limit: limit, byConn: map[session.ConnID]*entry{}, byID: map[session.ID]*entry{}, sockets: map[session.ConnID]int{}}
}

// open reserves a session for a connection that asks to join; ok is false when it has one already.
func (r *registry) open(conn session.ConnID, user session.UserID) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byConn[conn] != nil || r.byID[session.ID(conn)] != nil {
		return false
	}
	e := &entry{id: session.ID(conn), user: user, conns: []session.ConnID{conn}}
	r.byConn[conn], r.byID[e.id] = e, e
	return true
}

// find is the session that a connection of this user speaks for, nil when there is none.
func (r *registry) find(conn session.ConnID, user session.UserID) *entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.byConn[conn]; e != nil && e.user == user {
		return e
	}
	return nil
}

// move lets a session be heard under another connection. It must be the same user's.
func (r *registry) move(id session.ID, user session.UserID, conn session.ConnID) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[id]
	if e == nil || e.user != user {
		return nil
	}
	if other := r.byConn[conn]; other != nil && other != e {
		return nil
	}
	if r.byConn[conn] == nil {
		r.byConn[conn] = e
		e.conns = append(e.conns, conn)
	}
	return e
}

// socket counts a socket in or out and says whether the connection has one open now.
func (r *registry) socket(conn session.ConnID, by int) (open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.sockets[conn] + by
	if n <= 0 {
		delete(r.sockets, conn)
		return false
	}
	r.sockets[conn] = n
	return true
}

// send hands a message to a session, or keeps it until the session is there. A client that sends faster than its session can handle is ended for it: of control
// messages none may be lost in silence.
func (r *registry) send(e *entry, msg any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return
	}
	if e.pid != nil {
		if e.box.Waiting() >= r.limit() {
			e.over = true
			msg = session.End{Reason: session.RateLimited}
		}
		r.root.Send(e.pid, msg)
		return
	}
	if len(e.held) >= mostHeld {
		return
	}
	e.held = append(e.held, msg)
}

// Bind names the actor of a session and hands it what came before.
func (r *registry) Bind(id session.ID, pid *actor.PID, box *kit.Mailbox) {
	r.with(id, func(e *entry) {
		e.pid, e.box = pid, box
		for _, msg := range e.held {
			r.root.Send(pid, msg)
		}
		e.held = nil
	})
}

// Hold keeps what comes for a session until it is bound again.
func (r *registry) Hold(id session.ID) {
	r.with(id, func(e *entry) { e.pid = nil })
}

func (r *registry) with(id session.ID, f func(*entry)) {
	r.mu.RLock()
	e := r.byID[id]
	r.mu.RUnlock()
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e)
}

// Forget ends a session under all its connections.
func (r *registry) Forget(id session.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[id]
	if e == nil {
		return
	}
	delete(r.byID, id)
	for _, c := range e.conns {
		delete(r.byConn, c)
	}
}
