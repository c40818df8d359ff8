package media

import (
	"net/netip"
	"sync/atomic"
)

// shardCounters are written by the loop and read by anybody.
type shardCounters struct {
	datagramsIn, datagramsOut, sendDropped, refused, readErrors, panics, quarantines atomic.Uint64
	segmented, unsegmented                                                           atomic.Uint64
	handedOn, handedIn                                                               atomic.Uint64
	segmenting                                                                       atomic.Bool
	readBuffer, writeBuffer                                                          int // fixed before the loop starts
}

func (c *shardCounters) flushed(f flushed, segmenting bool) {
	c.datagramsOut.Add(uint64(f.sent))
	if f.dropped > 0 {
		c.sendDropped.Add(uint64(f.dropped))
	}
	if f.segmented > 0 {
		c.segmented.Add(uint64(f.segmented))
	}
	if f.refused > 0 {
		c.unsegmented.Add(uint64(f.refused))
	}
	if c.segmenting.Load() != segmenting {
		c.segmenting.Store(segmenting)
	}
}

// ShardStats is what a shard has done so far.
type ShardStats struct {
	DatagramsIn  uint64
	DatagramsOut uint64
	SendDropped  uint64 // queued, but without an address or without room in the socket
	Refused      uint64 // malformed or from nobody known
	ReadErrors   uint64
	Panics       uint64 // recovered on the loop
	Quarantines  uint64 // loops that hung and were replaced
	HandedOn     uint64 // datagrams that belong to clients of other shards
	HandedIn     uint64 // datagrams that came by another shard's socket or on a connection
	Segmenting   bool   // packets of one size to one client go to the kernel as one message (UDP_SEGMENT); known from the first packet on
	Segmented    uint64 // datagrams that went that way
	Unsegmented  uint64 // such messages that the kernel refused, after which their datagrams went one by one
	ReadBuffer   int    // bytes that the kernel granted
	WriteBuffer  int
}

// Stats may be called on any goroutine.
func (sh *Shard) Stats() ShardStats {
	c := &sh.stats
	return ShardStats{
		DatagramsIn: c.datagramsIn.Load(), DatagramsOut: c.datagramsOut.Load(), SendDropped: c.sendDropped.Load(), Refused: c.refused.Load(),
		ReadErrors: c.readErrors.Load(), Panics: c.panics.Load(), Quarantines: c.quarantines.Load(),
		HandedOn: c.handedOn.Load(), HandedIn: c.handedIn.Load(),
		Segmenting: c.segmenting.Load(), Segmented: c.segmented.Load(), Unsegmented: c.unsegmented.Load(), ReadBuffer: c.readBuffer, WriteBuffer: c.writeBuffer,
	}
}

// linkCounters are written by the loop and read by anybody.
type linkCounters struct {
	packetsIn, bytesIn, packetsOut, bytesOut, retransmitted atomic.Uint64
	authFailures, replays, dropped                          atomic.Uint64
	profile                                                 atomic.Uint32
	tcp, relay                                              atomic.Bool
}

// PeerStats is what went between the server and one client so far.
type PeerStats struct {
	Remote        netip.AddrPort // where the client is, zero before the first authentic packet
	TCP           bool           // it is reached over TCP
	Relay         bool           // it is reached by a TURN server of ours
	Profile       string         // SRTP protection profile, empty before the handshake
	PacketsIn     uint64         // RTP, authentic
	BytesIn       uint64
	PacketsOut    uint64 // RTP, retransmissions included
	BytesOut      uint64
	Retransmitted uint64
	AuthFailures  uint64 // STUN, SRTP and SRTCP that claimed to be the client's
	Replays       uint64
	Dropped       uint64 // over a limit, or sent while the client could not take it
}

// Stats may be called on any goroutine.
func (p *Peer) Stats() PeerStats {
	c := &p.link.counters
	s := PeerStats{
		TCP: c.tcp.Load(), Relay: c.relay.Load(),
		PacketsIn: c.packetsIn.Load(), BytesIn: c.bytesIn.Load(), PacketsOut: c.packetsOut.Load(), BytesOut: c.bytesOut.Load(),
		Retransmitted: c.retransmitted.Load(), AuthFailures: c.authFailures.Load(), Replays: c.replays.Load(), Dropped: c.dropped.Load(),
	}
	if a := p.link.currentAddr.Load(); a != nil {
		s.Remote = *a
	}
	if v := c.profile.Load(); v != 0 {
		s.Profile = profile(v).String()
	}
	return s
}
