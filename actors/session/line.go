package session

import (
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/track"
	"calls/media"
)

// line is a session's connection, which outlives the session's actors: it is made once, and used by one instance at a time.
type line struct {
	using sync.Mutex // held during a call on the peer: an instance that hangs in one must not be overtaken there

	mu    sync.Mutex
	peer  Peer
	ended bool
}

// open makes the connection, unless it is there already.
func (l *line) open(dial func() (Peer, error)) (again bool, err error) {
	l.using.Lock()
	defer l.using.Unlock()
	l.mu.Lock()
	again = l.peer != nil
	l.mu.Unlock()
	if again {
		return true, nil
	}
	p, err := dial()
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	l.peer = p
	l.mu.Unlock()
	return false, nil
}

// loop is what runs the tracks of the connection: its shard's loop.
func (l *line) loop() (loop actor.Dispatcher, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.peer.(interface{ Loop() actor.Dispatcher })
	if !ok {
		return nil, false
	}
	return p.Loop(), true
}

// end says, once, that there is a connection to be closed.
func (l *line) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.ended && l.peer != nil
	l.ended = l.ended || first
	return first
}

// close may come while a call on the peer hangs: it is what could end that.
func (l *line) close() error {
	l.mu.Lock()
	p := l.peer
	l.mu.Unlock()
	return p.Close()
}

// by is the connection as one instance may use it. An instance that was replaced can do nothing with it any more, and the one that replaced it waits until the
// other's last call has returned.
func (l *line) by(pass *kit.Pass) Peer { return fenced{l, pass} }

type fenced struct {
	line *line
	pass *kit.Pass
}

// enter gives the peer for one call, and ends the Receive of an instance that was replaced.
func (f fenced) enter() (p Peer, leave func()) {
	f.line.using.Lock()
	if !f.pass.Try(func() {}) {
		f.line.using.Unlock()
		f.pass.Do(func() {})
	}
	return f.line.peer, f.line.using.Unlock
}

func (f fenced) HandleOffer(sdp string) (string, error) {
	p, leave := f.enter()
	defer leave()
	return p.HandleOffer(sdp)
}

func (f fenced) MakeOffer() (string, error) {
	p, leave := f.enter()
	defer leave()
	return p.MakeOffer()
}

func (f fenced) HandleAnswer(sdp string) error {
	p, leave := f.enter()
	defer leave()
	return p.HandleAnswer(sdp)
}

func (f fenced) OfferPending() bool {
	p, leave := f.enter()
	defer leave()
	return p.OfferPending()
}

func (f fenced) AddCandidate(c media.Candidate) error {
	p, leave := f.enter()
	defer leave()
	return p.AddCandidate(c)
}

func (f fenced) Streams() []media.Stream {
	p, leave := f.enter()
	defer leave()
	return p.Streams()
}

func (f fenced) AddSlot(kind media.Kind) (Slot, error) {
	p, leave := f.enter()
	defer leave()
	return p.AddSlot(kind)
}

func (f fenced) DropSlot(s Slot) error {
	p, leave := f.enter()
	defer leave()
	return p.DropSlot(s)
}

func (f fenced) Source(st media.Stream) (track.Source, error) {
	p, leave := f.enter()
	defer leave()
	return p.Source(st)
}

func (f fenced) SendChannel(data []byte, text bool) error {
	p, leave := f.enter()
	defer leave()
	return p.SendChannel(data, text)
}

func (f fenced) LastHeard() time.Time {
	p, leave := f.enter()
	defer leave()
	return p.LastHeard()
}

func (f fenced) Close() error { return f.line.close() }
