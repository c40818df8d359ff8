package media

import (
	"encoding/binary"
	"net/netip"

	"github.com/pion/dtls/v2"
)

// class is what a datagram claims to be, by its first byte (RFC 7983) and, between RTP and RTCP, its second (RFC 5761).
type class uint8

const (
	classUnknown class = iota
	classSTUN
	classDTLS
	classRTP
	classRTCP
)

func classify(b []byte) class {
	switch {
	case len(b) < 2:
		return classUnknown
	case b[0] < 4:
		return classSTUN
	case b[0] >= 20 && b[0] < 64:
		return classDTLS
	case b[0] >= 128 && b[0] < 192:
		if b[1] >= 192 && b[1] < 224 {
			return classRTCP
		}
		return classRTP
	}
	return classUnknown
}

// ingress handles one datagram. Whatever is not authentic ends here, without an answer.
func (l *loop) ingress(b []byte, from route) {
	switch classify(b) {
	case classSTUN:
		l.stun(b, from)
	case classDTLS:
		l.dtls(b, from)
	case classRTP:
		l.rtp(b, from)
	case classRTCP:
		l.rtcp(b, from)
	default:
		l.sh.stats.refused.Add(1)
	}
}

// stun lets pion see only connectivity checks made with a password of ours, and answers to checks from addresses verified that way.
func (l *loop) stun(b []byte, from route) {
	t := &l.sh.table
	m, ok := parseSTUN(b)
	if !ok {
		l.sh.stats.refused.Add(1)
		return
	}
	if m.typ == stunBindingResponse {
		lk := t.byRoute.anywhere(from)
		switch {
		case lk == nil:
			l.sh.stats.refused.Add(1)
		case !l.elsewhere(lk, b, from):
			l.toPion(lk, b, from)
		}
		return
	}
	lk := t.byUfrag.of[string(m.localUfrag())]
	if lk == nil {
		lk = t.byUfrag.anywhere(string(m.localUfrag()))
		if l.elsewhere(lk, b, from) {
			return
		}
	}
	if m.typ != stunBindingRequest || lk == nil {
		l.sh.stats.refused.Add(1)
		return
	}
	if !m.authentic(lk.password(m.localUfrag())) || !t.learn(lk, from, l.now) {
		lk.counters.authFailures.Add(1)
		return
	}
	lk.alive(from, l.now)
	// Not every client nominates again after its address changed under it (Firefox does not): an address that fell silent gives way.
	if m.useCandidate || !lk.remote.known() || l.now.Sub(lk.remoteHeard) > addrSilence {
		lk.moveTo(from, l.now)
		lk.local = l.sentTo
	}
	l.toPion(lk, b, from)
}

// dtls lets pion see DTLS from verified addresses only: one ClientHello from a stranger could end a handshake.
func (l *loop) dtls(b []byte, from route) {
	lk := l.sh.table.byRoute.anywhere(from)
	if l.elsewhere(lk, b, from) {
		return
	}
	if lk == nil || !wellFormedDTLS(b) {
		l.sh.stats.refused.Add(1)
		return
	}
	if !lk.hello.done {
		if offered, done := lk.hello.feed(b); done {
			lk.chooseProfile(offered)
		}
	}
	l.toPion(lk, b, from)
}

// chooseProfile narrows the profiles that pion may agree to. pion takes the first in the client's order that the server has too, and Chromium puts the
// slower one first; but the server's list is a slice that pion does not copy and reads only after it got the hello, which is still in our hands.
func (lk *link) chooseProfile(offered []profile) {
	best := profileCM
	for _, p := range offered {
		if p == profileGCM {
			best = profileGCM
		}
	}
	for i := range lk.profiles {
		lk.profiles[i] = dtls.SRTPProtectionProfile(best)
	}
}

func (l *loop) toPion(lk *link, b []byte, from route) {
	if lk.tapBudget <= 0 || !l.tapFor(lk, from)(b, from.addr) {
		lk.counters.dropped.Add(1)
		return
	}
	lk.tapBudget--
}

// tapFor is the way to pion of what came from there.
func (l *loop) tapFor(lk *link, from route) func([]byte, netip.AddrPort) bool {
	family := familyOf(from.addr.Addr())
	if from.conn != nil {
		if t := lk.tcpTaps[family].Load(); t != nil {
			return t.deliver
		}
	} else if t := l.sh.taps[family]; t != nil {
		if l.sentTo.IsValid() {
			t.from.note(from.addr, l.sentTo)
		}
		return t.deliver
	}
	return func([]byte, netip.AddrPort) bool { return false }
}

// sender finds who sent a packet: by where it came from, or by its SSRC if it is perhaps of a client whose address changed.
func (l *loop) sender(from route, ssrc uint32) *link {
	t := &l.sh.table
	if lk := t.byRoute.of[from]; lk != nil {
		return lk
	}
	if lk := t.byRoute.anywhere(from); lk != nil {
		return lk
	}
	return t.bySSRC.anywhere(ssrc)
}

func (l *loop) rtp(b []byte, from route) {
	h, ok := parseRTP(b)
	if !ok {
		l.sh.stats.refused.Add(1)
		return
	}
	lk := l.sender(from, h.ssrc)
	if l.elsewhere(lk, b, from) {
		return
	}
	if lk == nil || lk.keys.in == nil {
		l.sh.stats.refused.Add(1)
		return
	}
	if lk.rtpBudget <= 0 { // only what is authentic counts: nobody else can use it up
		lk.counters.dropped.Add(1)
		return
	}
	st, plain, index, newer := lk.open(b, &h)
	if plain == nil {
		return
	}
	lk.rtpBudget--
	l.sh.table.claimSSRC(lk, h.ssrc)
	l.arrived(lk, from, newer)
	lk.counters.packetsIn.Add(1)
	lk.counters.bytesIn.Add(uint64(len(b)))
	if st.line == nil || st.src == nil {
		lk.sort(st, &h)
	}
	if st.src != nil && st.line.carries(h.pt) {
		st.src.receive(l, st.line, &h, plain[h.size:], index)
	}
}

// open authenticates an RTP packet; plain is nil if it is a forgery or a repetition. newer says that no later one came before.
// State for an SSRC is made only by a packet that is genuine.
func (lk *link) open(b []byte, h *rtpHeader) (st *inStream, plain []byte, index uint64, newer bool) {
	st = lk.streams[h.ssrc]
	if st == nil {
		if len(lk.streams) >= maxStreams {
			lk.counters.dropped.Add(1)
			return nil, nil, 0, false
		}
		st = &inStream{}
	}
	index, ok := st.seen.extend(h.seq)
	if !ok || !st.seen.fresh(index) {
		lk.counters.replays.Add(1)
		return st, nil, 0, false
	}
	plain, ok = lk.keys.in.openRTP(b, h.size, h.ssrc, index)
	if !ok {
		lk.counters.authFailures.Add(1)
		return st, nil, 0, false
	}
	newer = !st.seen.some || index > st.seen.top
	st.seen.take(index)
	lk.streams[h.ssrc] = st
	return st, plain, index, newer
}

// arrived follows the client to the address that an authentic SRTP or SRTCP packet came from, if none sent later has come from elsewhere. What goes to it leaves
// from the address of ours that it has chosen.
func (l *loop) arrived(lk *link, from route, newer bool) {
	lk.alive(from, l.now)
	if !newer {
		return
	}
	if from != lk.remote && l.sh.table.learn(lk, from, l.now) {
		lk.moveTo(from, l.now)
	}
	if from == lk.remote {
		lk.local = l.sentTo
	}
}

func (l *loop) rtcp(b []byte, from route) {
	if len(b) < rtcpHeadSize+rtcpIndexSize {
		l.sh.stats.refused.Add(1)
		return
	}
	sender := binary.BigEndian.Uint32(b[4:])
	lk := l.sender(from, sender)
	if l.elsewhere(lk, b, from) {
		return
	}
	if lk == nil || lk.keys.in == nil {
		l.sh.stats.refused.Add(1)
		return
	}
	if lk.rtcpBudget <= 0 {
		lk.counters.dropped.Add(1)
		return
	}
	plain, newer := lk.openRTCP(b, sender)
	if plain == nil {
		return
	}
	lk.rtcpBudget--
	l.arrived(lk, from, newer)
	l.handleRTCP(lk, plain)
}

func (lk *link) openRTCP(b []byte, sender uint32) (plain []byte, newer bool) {
	index, ok := lk.keys.in.rtcpIndex(b)
	if !ok {
		lk.counters.authFailures.Add(1)
		return nil, false
	}
	seen := lk.rtcpSeen[sender]
	if seen == nil {
		if len(lk.rtcpSeen) >= maxStreams {
			lk.counters.dropped.Add(1)
			return nil, false
		}
		seen = &window{}
	}
	if !seen.fresh(uint64(index)) {
		lk.counters.replays.Add(1)
		return nil, false
	}
	plain, ok = lk.keys.in.openRTCP(b, index)
	if !ok {
		lk.counters.authFailures.Add(1)
		return nil, false
	}
	newer = !seen.some || uint64(index) > seen.top
	seen.take(uint64(index))
	lk.rtcpSeen[sender] = seen
	return plain, newer
}
