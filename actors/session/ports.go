package session

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/track"
	"calls/media"
)

// Peer is what a session needs of a media.Peer: the server's end of one client's connection.
type Peer interface {
	HandleOffer(sdp string) (answer string, err error)
	MakeOffer() (offer string, err error)
	HandleAnswer(sdp string) error
	OfferPending() bool
	AddCandidate(c media.Candidate) error
	Streams() []media.Stream
	AddSlot(kind media.Kind) (Slot, error)
	DropSlot(s Slot) error
	Source(st media.Stream) (track.Source, error)
	SendChannel(data []byte, text bool) error
	LastHeard() time.Time
	Close() error
}

// Slot is what a session needs of a media.Slot beyond what a track does.
type Slot interface {
	track.Slot
	Ready() bool
	Kind() media.Kind
	MID() string // of its m-line, empty before its first offer
}

// NewPeer turns a media.Peer into the port, whose methods speak of interfaces.
func NewPeer(p *media.Peer) Peer { return peer{p} }

type peer struct{ *media.Peer }

// Loop runs the tracks of this peer.
func (p peer) Loop() actor.Dispatcher { return p.Shard() }

func (p peer) AddSlot(kind media.Kind) (Slot, error) {
	s, err := p.Peer.AddSlot(kind)
	if err != nil {
		return nil, err
	}
	return slot{s}, nil
}

func (p peer) DropSlot(s Slot) error { return p.Peer.DropSlot(s.(slot).Slot) }

func (p peer) Source(st media.Stream) (track.Source, error) {
	src, err := p.Peer.Source(st)
	if err != nil {
		return nil, err
	}
	return src, nil
}

type slot struct{ *media.Slot }

func (s slot) Bind(src track.Source) { s.Slot.Bind(src.(*media.Source)) }
