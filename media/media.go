// Package media moves packets: sockets, DTLS-SRTP, packet rings, header rewriting. It negotiates with pion and forwards by itself.
// It knows no actors: a Lane is all it sees of the mailbox that a published stream is handed to.
//
// A packet's way, all of it on one goroutine, the loop of a Shard: the loop reads a batch of datagrams (loop.go), finds the link that each
// belongs to (ingress.go) and opens it in place (srtp.go); the packet is copied into its Source's ring and its index offered to the Source's
// Lane (source.go). After the batch the touched lanes run; they call Slot.Send (slot.go), which writes a new header, seals into a send buffer
// of the loop and queues it (sendqueue.go); at the end everything queued is written in one go.
//
// pion has its part in negotiation, ICE, DTLS and the data channel. It sees the socket only through a tap (tap.go) that passes on STUN and DTLS
// that this package has looked at first; SRTP and SRTCP never reach it, in either direction.
package media

import (
	"cmp"
	"log/slog"
	"net/netip"
	"time"

	"calls/guard"
	"calls/media/turn"
)

// Kind is the kind of a stream.
type Kind uint8

// The kinds of stream.
const (
	Audio Kind = iota // Opus, 48000 Hz
	Video             // VP8, 90000 Hz
)

// String names the kind as SDP does.
func (k Kind) String() string {
	if k == Video {
		return "video"
	}
	return "audio"
}

// clockRate is the number of RTP time stamp units in a second.
func (k Kind) clockRate() uint32 {
	if k == Video {
		return 90000
	}
	return 48000
}

// Lane is the mailbox of a track as a shard sees it. Offer and Run are called on the shard's loop only.
type Lane interface {
	// Offer queues the packet with this ring index; a full lane drops its oldest.
	Offer(index uint64)
	// Run handles what is queued, on the calling goroutine.
	Run()
	// Hangs tells that Run, or a function that was scheduled for the lane, has taken so long, with the stack of its goroutine if that was found.
	Hangs(took time.Duration, stack []byte)
	// Quarantine takes the lane away from the goroutine that hangs in it. Once it has returned, that goroutine must touch no Slot and no Source any more, not
	// even when it comes back: the shard gives them to another loop. False: the lane had ended already.
	Quarantine(why guard.Failure) bool
}

// Config is what a Server needs to know.
type Config struct {
	Listen         netip.AddrPort       // UDP address of everybody's media, e.g. 0.0.0.0:8443, or [::]:8443 for IPv4 and IPv6
	ListenTCP      netip.AddrPort       // for clients that cannot use UDP; port 0: the same as of UDP; not valid: no media over TCP
	Advertise      []netip.Addr         // host candidates; none of a family that is listened on: this machine's own of that family
	AdvertisePort  uint16               // port in the candidates; 0: the port that Listen got
	SocketBuffer   int                  // bytes asked of the kernel each way; 0: 16 MiB
	NoSegmentation bool                 // every datagram goes to the kernel on its own; for measuring, and for systems whose UDP_SEGMENT is broken
	Shards         int                  // sockets on the port, each with its loop; 0: one for two processors, at most 4
	RingPackets    int                  // packets kept per published video stream, a power of two, audio keeps a quarter; 0: 512
	Stuck          func() time.Duration // how long a lane may take over one thing before it is quarantined, asked each time; nil: 250 ms
	Log            *slog.Logger         // nil: discard

	// Relays is the TURN servers at which a client, named as in its PeerConfig, gets an address of ours beside the others, with credentials for it. It is asked for each
	// client, and again when the address is lost. None, or nil: no relay.
	Relays  func(name string) []turn.Server
	OnRelay func(err error) // told how each attempt to get one went, and of each that was lost; on any goroutine

	OnPanic func(guard.Failure) // told of every recovered panic; nil: only logged
}

// PeerConfig is what a Peer needs to know.
type PeerConfig struct {
	Name    string      // the session's id, for logs
	Group   string      // the call: peers of one group can be forwarded to each other; empty: Name
	OnEvent func(Event) // called on goroutines of pion or of the shard: it must only hand over
}

func (c *PeerConfig) group() string { return cmp.Or(c.Group, c.Name) }

// Event is what a Peer tells its session: Connected, ChannelOpen, ChannelMessage, LocalCandidate, Closed.
type Event interface{ isEvent() }

type (
	// Connected: ICE and DTLS are up, the keys are installed, media can flow.
	Connected struct{}
	// ChannelOpen: the client's data channel is open.
	ChannelOpen struct{ Label string }
	// ChannelMessage: the client sent something on its data channel.
	ChannelMessage struct {
		Text bool
		Data []byte
	}
	// LocalCandidate is a candidate to trickle to the client.
	LocalCandidate struct{ Candidate Candidate }
	// Closed: the client closed DTLS or SCTP, or pion gave the connection up.
	Closed struct{ Reason string }
)

func (Connected) isEvent()      {}
func (ChannelOpen) isEvent()    {}
func (ChannelMessage) isEvent() {}
func (LocalCandidate) isEvent() {}
func (Closed) isEvent()         {}

// Candidate is an RTCIceCandidateInit.
type Candidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex"`
	UsernameFragment *string `json:"usernameFragment"`
}

// Stream is one m-line on which the client sends.
type Stream struct {
	MID      string
	Kind     Kind
	StreamID string // MediaStream id, from msid
	TrackID  string // MediaStreamTrack id, from msid
}

// Packet is one received RTP packet.
type Packet struct {
	Seq      uint16
	TS       uint32
	Marker   bool
	Payload  []byte
	Level    int8 // RFC 6464: 0 loudest to 127 silence, -1 when the packet carried none
	Keyframe bool // video: the first packet of a key frame

	src   *Source
	body  []byte // Payload and the padding behind it, as received
	pad   bool   // the padding bit
	index uint64 // SRTP index: the sequence number with its rollover counter
	at    uint64 // ring index
	gen   uint32 // counts the SSRCs of the source, so that a slot notices that index began anew
}
