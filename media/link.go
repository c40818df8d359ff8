package media

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v2"
)

const (
	maxKnownAddrs = 16              // verified addresses remembered for one link
	maxStreams    = 64              // SSRCs that one client may send on
	addrSilence   = 5 * time.Second // after which an address is taken to be gone
	tapPerSecond  = 400             // STUN and DTLS datagrams of one link that pion gets to see: all links share its queue
	rtcpPerSecond = 400             // SRTCP packets of one link that are looked at
	rtpPerTick    = 200             // authentic RTP packets of one link that are taken, which is 4000 a second
	rtpBurst      = 2000            // of them at once
)

// link is the loop's side of a Peer: where the client is, its keys, what it sends and what is sent to it. Only the loop touches it, but for the
// fields marked otherwise.
type link struct {
	sh   *Shard
	name string

	credentials []credential // the latest two: an ICE restart makes new ones
	remote      route
	local       netip.Addr // of this machine, that the client sends to; not valid: not known
	remoteHeard time.Time  // last authentic packet from there
	known       []route    // from where an authentic binding request came
	profiles    []dtls.SRTPProtectionProfile
	hello       helloReader

	keys     srtpKeys
	streams  map[uint32]*inStream // by SSRC, authenticated ones only
	rtcpSeen map[uint32]*window   // by sender SSRC, likewise
	lines    []mediaLine          // of the client's last description
	sources  map[string]*Source   // by mid
	slots    map[uint32]*Slot     // by SSRC

	rtcpSSRC    uint32 // under which feedback is sent
	rtcpOut     uint32 // SRTCP index of the last packet sent, one row for all SSRCs
	clock       clockMap
	tapBudget   int
	rtcpBudget  int
	rtpBudget   int
	phase       uint64 // spreads reports over the second
	closed      bool
	unsegmented bool       // the kernel refused to cut up what goes there
	queue       *sendQueue // that the fields below belong to
	queued      int
	head, tail  int
	currentAddr atomic.Pointer[netip.AddrPort] // remote, for other goroutines
	relay       *stream                        // of the client's relay, fixed; nil: none
	tcpTaps     [2]atomic.Pointer[tcpTap]      // what pion reads of TCP, by family; any goroutine
	heard       atomic.Int64                   // Unix nanoseconds; any goroutine
	counters    linkCounters                   // any goroutine
}

// credential is one pair of ours, as our descriptions tell it.
type credential struct{ ufrag, password string }

// inStream is what is known of one SSRC of the client.
type inStream struct {
	seen window
	line *mediaLine // nil while it is not known where it belongs
	src  *Source    // nil while nobody wants it
}

func newLink(sh *Shard, name string, profiles []dtls.SRTPProtectionProfile) *link {
	return &link{
		sh: sh, name: name, profiles: profiles,
		streams: map[uint32]*inStream{}, rtcpSeen: map[uint32]*window{}, sources: map[string]*Source{}, slots: map[uint32]*Slot{},
		rtcpSSRC: rand.Uint32(), tapBudget: tapPerSecond, rtcpBudget: rtcpPerSecond, rtpBudget: rtpBurst, phase: rand.Uint64(), //nolint:gosec // spread, not secret: an SSRC stands in every packet
	}
}

// linkTable finds the link that a datagram belongs to. It is the loop's.
type linkTable struct {
	links   map[*link]struct{}
	byUfrag index[string]
	byRoute index[route]  // where clients are, verified by STUN or by SRTP
	bySSRC  index[uint32] // who sends on it, to find a client that changed its address
	ticks   uint64
}

// newLinkTable makes the table of one shard; the directory is nil when there is no other.
func newLinkTable(d *directory) linkTable {
	if d == nil {
		d = &directory{}
	}
	return linkTable{links: map[*link]struct{}{}, byUfrag: newIndex(d.ufrag), byRoute: newIndex(d.addr), bySSRC: newIndex(d.ssrc)}
}

func (t *linkTable) add(lk *link) {
	if !lk.closed {
		t.links[lk] = struct{}{}
	}
}

// remove forgets a link. It may be called twice.
func (t *linkTable) remove(lk *link) {
	lk.closed = true
	delete(t.links, lk)
	for _, c := range lk.credentials {
		t.byUfrag.drop(c.ufrag, lk)
	}
	for _, r := range lk.known {
		t.byRoute.drop(r, lk)
	}
	for ssrc := range lk.streams {
		t.bySSRC.drop(ssrc, lk)
	}
	for _, line := range lk.lines {
		for _, ssrc := range line.ssrcs {
			t.bySSRC.drop(ssrc, lk)
		}
	}
}

// admit makes a pair of credentials valid, and the one before the last invalid.
func (t *linkTable) admit(lk *link, c credential) {
	if lk.closed || t.byUfrag.anywhere(c.ufrag) != nil {
		return
	}
	if len(lk.credentials) == 2 {
		t.byUfrag.drop(lk.credentials[0].ufrag, lk)
		lk.credentials = lk.credentials[1:]
	}
	lk.credentials = append(lk.credentials, c)
	t.byUfrag.put(c.ufrag, lk)
}

// claimSSRC lets a link be found by an SSRC. The first to claim one keeps it.
func (t *linkTable) claimSSRC(lk *link, ssrc uint32) {
	if t.bySSRC.of[ssrc] == lk {
		return
	}
	if t.bySSRC.anywhere(ssrc) == nil && !lk.closed {
		t.bySSRC.put(ssrc, lk)
	}
}

// learn notes a verified route to a link. It says no while the address is in use by another link, else a client could take its neighbour's.
func (t *linkTable) learn(lk *link, r route, now time.Time) bool {
	if t.byRoute.of[r] == lk {
		return true
	}
	if r.conn != nil && r.conn.relayed() && r.conn != lk.relay { // which belongs to one client from the beginning
		return false
	}
	if owner := t.byRoute.anywhere(r); owner != nil {
		if now.UnixNano()-owner.heard.Load() < int64(addrSilence) {
			return false
		}
		owner.loses(r, lk.sh)
	}
	if len(lk.known) == maxKnownAddrs {
		oldest := lk.known[0]
		if oldest == lk.remote {
			oldest = lk.known[1]
		}
		lk.forget(oldest)
		t.byRoute.drop(oldest, lk)
		if oldest.conn != nil && !oldest.conn.relayed() {
			oldest.conn.close()
		}
	}
	lk.known = append(lk.known, r)
	t.byRoute.put(r, lk)
	if r.conn != nil && !r.conn.relayed() {
		r.conn.belongs(lk)
	}
	return true
}

// loses takes a route from a link that has fallen silent there, on behalf of a link of this shard.
func (lk *link) loses(r route, to *Shard) {
	if lk.sh == to {
		lk.forget(r)
		return
	}
	lk.sh.Schedule(func() {
		lk.forget(r)
		lk.sh.table.byRoute.drop(r, lk)
	})
}

func (lk *link) forget(r route) {
	for i := range lk.known {
		if lk.known[i] == r {
			lk.known = append(lk.known[:i], lk.known[i+1:]...)
			return
		}
	}
}

// alive notes an authentic packet.
func (lk *link) alive(from route, now time.Time) {
	lk.heard.Store(now.UnixNano())
	if from == lk.remote {
		lk.remoteHeard = now
	}
}

// moveTo makes a route the one that is sent on.
func (lk *link) moveTo(r route, now time.Time) {
	lk.remoteHeard = now
	if r == lk.remote {
		return
	}
	lk.remote, lk.unsegmented = r, false
	lk.counters.tcp.Store(r.conn != nil && !r.conn.relayed())
	lk.counters.relay.Store(r.conn != nil && r.conn.relayed())
	lk.currentAddr.Store(&r.addr)
}

// password is the one that belongs to a ufrag of ours.
func (lk *link) password(ufrag []byte) []byte {
	for _, c := range lk.credentials {
		if c.ufrag == string(ufrag) {
			return []byte(c.password)
		}
	}
	return nil
}

// setLines takes over what the client says it sends. Streams are sorted anew with their next packet.
func (lk *link) setLines(lines []mediaLine) {
	for _, line := range lk.lines {
		for _, ssrc := range line.ssrcs {
			if lk.streams[ssrc] == nil {
				lk.sh.table.bySSRC.drop(ssrc, lk)
			}
		}
	}
	lk.lines = lines
	for _, line := range lines {
		for _, ssrc := range line.ssrcs {
			lk.sh.table.claimSSRC(lk, ssrc)
		}
	}
	lk.unsort()
}

// unsort has every stream find its line and its source again.
func (lk *link) unsort() {
	for _, st := range lk.streams {
		st.line, st.src = nil, nil
	}
}

// sort finds out where a stream belongs: by the SSRC in the description, else by the mid in the packet, else by its payload type alone.
func (lk *link) sort(st *inStream, h *rtpHeader) {
	if st.line = lk.lineFor(h); st.line != nil {
		st.src = lk.sources[st.line.stream.MID]
	}
}

func (lk *link) lineFor(h *rtpHeader) *mediaLine {
	var byType *mediaLine
	candidates := 0
	for i := range lk.lines {
		line := &lk.lines[i]
		if line.declares(h.ssrc) {
			return line
		}
		if mid := h.extension(line.midExt); mid != nil && string(mid) == line.stream.MID {
			return line
		}
		if len(line.ssrcs) == 0 && line.carries(h.pt) {
			byType = line
			candidates++
		}
	}
	if candidates == 1 {
		return byType
	}
	return nil
}

const (
	ticksPerReport   = uint64(reportInterval / tickInterval)
	ticksPerKeyframe = uint64(keyframeInterval / tickInterval)
)

// tick is called for every link at each tick of the shard; reports are due once a second.
func (t *linkTable) tick(l *loop) {
	t.ticks++
	for lk := range t.links {
		lk.tick(l, t.ticks+lk.phase)
	}
}

func (lk *link) tick(l *loop, n uint64) {
	lk.rtpBudget = min(lk.rtpBudget+rtpPerTick, rtpBurst)
	if len(lk.sources) > 0 { // most people only listen, and to begin a walk over an empty map takes longer than all of the above
		for _, src := range lk.sources {
			src.tick(l)
		}
	}
	if n%ticksPerKeyframe == 0 {
		for _, s := range lk.slots {
			if s.waitKey && s.src != nil {
				s.src.askKeyframe(l) // the first request, or the picture, may have been lost
			}
		}
	}
	if n%ticksPerReport != 0 {
		return
	}
	lk.tapBudget, lk.rtcpBudget = tapPerSecond, rtcpPerSecond
	for _, s := range lk.slots {
		s.nackBudget = nacksPerSecond
	}
	lk.sendReceiverReports(l)
	lk.sendSenderReports(l)
}
