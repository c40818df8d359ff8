package media

import (
	"errors"
	"net/netip"
	"time"
)

var errTODO = errors.New("not written yet")

// Server owns the sockets and the shards.
type Server struct{}

// Listen opens the sockets and starts the loops.
func Listen(cfg Config) (*Server, error) { return nil, errTODO }

// Addr is the address that the socket got.
func (s *Server) Addr() netip.AddrPort { return netip.AddrPort{} }

// Shard is the shard that the session of this name belongs to, for its whole life.
func (s *Server) Shard(name string) *Shard { return nil }

// Close ends all loops and closes the sockets.
func (s *Server) Close() error { return nil }

// Shard is one socket and the one loop that reads it, decrypts, runs the tracks it owns, seals and sends.
// It has the methods of protoactor's Dispatcher, so that a track's mailbox is run by its shard's loop and by nobody else.
type Shard struct{}

// Schedule has fn run on the shard's loop, in order, and wakes the loop.
func (sh *Shard) Schedule(fn func()) {}

// Throughput is the number of messages a mailbox handles before it yields.
func (sh *Shard) Throughput() int { return 300 }

// NewPeer makes the server's end of one client's connection.
func (s *Server) NewPeer(cfg PeerConfig) (*Peer, error) { return nil, errTODO }

// Peer is the server's end of one client's connection. Its methods are called by one session actor at a time.
type Peer struct{}

// HandleOffer takes a client's offer and gives the answer, host candidates included. It fails without harm while an offer of ours is pending.
func (p *Peer) HandleOffer(sdp string) (answer string, err error) { return "", errTODO }

// MakeOffer makes and applies an offer of ours, with every slot added or dropped since the last one.
func (p *Peer) MakeOffer() (offer string, err error) { return "", errTODO }

// HandleAnswer takes the client's answer to the pending offer.
func (p *Peer) HandleAnswer(sdp string) error { return errTODO }

// OfferPending says whether an offer of ours waits for its answer.
func (p *Peer) OfferPending() bool { return false }

// AddCandidate takes a client's candidate; those before the first offer are kept until it came.
func (p *Peer) AddCandidate(c Candidate) error { return errTODO }

// Streams lists what the client sends according to its last description.
func (p *Peer) Streams() []Stream { return nil }

// AddSlot adds a stream towards the client; it can be used once an offer made after this was answered (Slot.Ready).
func (p *Peer) AddSlot(kind Kind) (*Slot, error) { return nil, errTODO }

// DropSlot takes a stream away with the next offer; its m-line is used again by the next AddSlot of the kind.
func (p *Peer) DropSlot(s *Slot) error { return errTODO }

// Source starts receiving a stream of the client. Packets arrive once a Lane is attached.
func (p *Peer) Source(st Stream) (*Source, error) { return nil, errTODO }

// SendChannel sends on the client's data channel; without an open one it does nothing.
func (p *Peer) SendChannel(data []byte, text bool) error { return nil }

// LastHeard is when the last authenticated STUN, SRTP or SRTCP packet of the client came; zero before the first.
func (p *Peer) LastHeard() time.Time { return time.Time{} }

// Close ends the connection and gives everything back. It may be called twice.
func (p *Peer) Close() error { return nil }

// Source is the receiving end of one published stream: its packet ring and its way back to the publisher. Attach, Packet run on the shard's loop.
type Source struct{}

// Attach makes lane the one that packets are offered to. A restarted track attaches its new mailbox; nil detaches.
func (s *Source) Attach(lane Lane) {}

// Packet is the packet with this ring index, nil once it was overwritten. It is valid until the caller returns to the loop.
func (s *Source) Packet(index uint64) *Packet { return nil }

// RequestKeyframe asks the publisher for a key frame, at most once in 500 ms. Any goroutine.
func (s *Source) RequestKeyframe() {}

// Close stops receiving. Any goroutine.
func (s *Source) Close() {}

// Slot is what the client sees as one incoming stream: mid, SSRC, sequence numbers, clock. It belongs to the receiving session and is lent to one track at a time.
// Bind, Send, Unbind run on the owning shard's loop.
type Slot struct{}

// Ready says whether the client has accepted the stream. Any goroutine.
func (s *Slot) Ready() bool { return false }

// Kind is the kind of stream it carries.
func (s *Slot) Kind() Kind { return Audio }

// MID is the slot's m-line, empty before its first offer. Any goroutine.
func (s *Slot) MID() string { return "" }

// Bind makes src the slot's source: sequence numbers and time stamps go on where the last source left off.
func (s *Slot) Bind(src *Source) {}

// Send rewrites, seals and queues one packet of the bound source. It never blocks; what cannot be sent is dropped and counted.
func (s *Slot) Send(p *Packet) {}

// Unbind ends the binding.
func (s *Slot) Unbind() {}
