package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/session"
	"calls/guard"
	"calls/media"
)

// base is what the tree stands on. The product's has goroutines and a socket; a test's moves only when the test says so.
type base struct {
	dispatch actor.Dispatcher                                              // of every actor but the tracks; nil: goroutines
	spawn    func(name string, fn func(), onPanic func(guard.Failure))     // runs fn beside the actors
	serial   func(name string, onPanic func(guard.Failure)) session.Serial // a queue of what may block
	peer     func(media.PeerConfig) (session.Peer, error)
	loop     func(session.ID) actor.Dispatcher // of a session's tracks, where its peer has none of its own
}

// productBase has the media server's peers and loops.
func productBase(m *media.Server) base {
	return base{
		spawn:  guard.Go,
		serial: func(name string, onPanic func(guard.Failure)) session.Serial { return guard.NewSerial(name, onPanic) },
		peer: func(cfg media.PeerConfig) (session.Peer, error) {
			p, err := m.NewPeer(cfg)
			if err != nil {
				return nil, err
			}
			return session.NewPeer(p), nil
		},
	}
}
