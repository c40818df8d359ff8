package actors

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
)

// mostConns bounds the connection ids a session is remembered under.
const mostConns = 32

// mostHeld bounds what a client may send before its session is there, or while it is being replaced.
const mostHeld = 100

// registry knows which session a connection speaks for. The host's hooks ask it for every message of every socket, so it answers from a map and never waits.
type registry struct {
	root  *actor.RootContext
	limit func() int // messages that may wait for a session

	mu      sync.RWMutex
	byConn  map[session.ConnID]*entry
	byID    map[session.ID]*entry
	tickets uint64
	sockets map[session.ConnID]int // open sockets by id: the host's notices come in any order, so they are counted
}

// entry is one session, from its join until it is over.
type entry struct {
	id      session.ID
	user    session.UserID
	channel call.ChannelID
	ticket  uint64 // of the join that made it

	mu    sync.Mutex
	auth  string           // the host's login session that it was last heard under, where the host says so
	let   bool             // the door let it in: from now on it ends like any session
	conns []session.ConnID // every id the session was heard under, the newest last
	pid   *actor.PID       // nil: not there yet, or being replaced
	box   *kit.Mailbox     // its mailbox
	held  []any            // what came meanwhile
	over  bool             // ended for sending too much: nothing more is taken
}

func newRegistry(root *actor.RootContext, limit func() int) *registry {
	return &registry{root: root, limit: limit, byConn: map[session.ConnID]*entry{}, byID: map[session.ID]*entry{}, sockets: map[session.ConnID]int{}}
}

// open reserves a session for a connection that asks to join; ok is false when it has one already. The ticket tells this join from another of the same connection.
func (r *registry) open(v Visitor, ch call.ChannelID) (ticket uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byConn[v.Conn] != nil || r.byID[session.ID(v.Conn)] != nil {
		return 0, false
	}
	r.tickets++
	e := &entry{id: session.ID(v.Conn), user: v.User, channel: ch, auth: v.Auth, ticket: r.tickets, conns: []session.ConnID{v.Conn}}
	r.byConn[v.Conn], r.byID[e.id] = e, e
	return e.ticket, true
}

// let marks a join as admitted; ok is false when its client has gone meanwhile.
func (r *registry) let(id session.ID, ticket uint64) (ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.byID[id]
	if e == nil || e.ticket != ticket {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.let = true
	return true
}

// withdraw ends a join that the door has not decided yet: its client has gone. Of a session that was let in it says no.
func (r *registry) withdraw(e *entry) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.let {
		r.remove(e)
	}
	return !e.let
}

// refused ends a join that was not to be, unless the connection has begun another since.
func (r *registry) refused(id session.ID, ticket uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byID[id]; e != nil && e.ticket == ticket {
		e.mu.Lock()
		defer e.mu.Unlock()
		r.remove(e)
	}
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

// move lets a session be heard under another connection. It must be the same user's, and in the call of that channel.
func (r *registry) move(id session.ID, v Visitor, ch call.ChannelID) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byID[id]
	if e == nil || e.user != v.User || e.channel != ch {
		return nil
	}
	if other := r.byConn[v.Conn]; other != nil && other != e {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if v.Auth != "" {
		e.auth = v.Auth
	}
	if r.byConn[v.Conn] == nil {
		r.byConn[v.Conn] = e
		e.conns = append(e.conns, v.Conn)
	}
	if len(e.conns) > mostConns {
		delete(r.byConn, e.conns[0])
		e.conns = e.conns[1:]
	}
	return e
}

// auth is the host's login session of a session, empty when it is not known.
func (r *registry) auth(id session.ID) (auth string) {
	r.with(id, func(e *entry) { auth = e.auth })
	return auth
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
	if e := r.byID[id]; e != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		r.remove(e)
	}
}

// remove needs both locks.
func (r *registry) remove(e *entry) {
	if r.byID[e.id] == e {
		delete(r.byID, e.id)
	}
	for _, c := range e.conns {
		if r.byConn[c] == e {
			delete(r.byConn, c)
		}
	}
	e.held = nil
}
