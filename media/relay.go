package media

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"calls/guard"
	"calls/media/turn"
)

const (
	mostPermitted = 32               // addresses of one client that may send to its relay
	mostRelays    = 4                // servers that are asked, one after another
	relayPause    = 30 * time.Second // before a server is asked again that has given nothing or taken back what it gave; doubled each time
	relayPauses   = 10 * time.Minute // at most
	relayPriority = 65535<<8 + 255   // by RFC 8445: type preference 0, the last to be used
)

var errRelayLost = errors.New("the relayed address was lost")

// relay is an address at a TURN server by which one client can reach us, for a server that nobody can send to directly. What comes by it is handed to the loop like
// datagrams of a connection; what goes to the client waits in the queue of a stream and is written by a goroutine of its own. So a relay that is slow or dead costs its
// own session and nobody else's.
//
// The relay never sends anywhere by itself: who is sent to has proved by STUN, on this very way, to be the client. Who may send to it are the addresses that the client
// names as its candidates.
type relay struct {
	peer   *Peer
	stream *stream

	mu      sync.Mutex
	permits []netip.Addr
	client  *turn.Client // nil: no address at present
	agreed  bool         // the client has an answer, to which a candidate can be added
}

// relayed says whether a stream is a relay's, for whatever addresses, and not one client's connection.
func (s *stream) relayed() bool { return s.conn == nil }

// openRelay gets the peer an address at a TURN server, if there is one to ask. Nothing waits for it.
func (p *Peer) openRelay() {
	if p.server.cfg.Relays == nil {
		return
	}
	servers := p.server.cfg.Relays(p.cfg.Name)
	if len(servers) == 0 {
		return
	}
	r := &relay{peer: p, stream: newRelayStream(p.link)}
	p.relay = r
	p.link.relay = r.stream
	guard.Go("relay of "+p.cfg.Name, func() { r.run(servers) }, p.server.panicked)
}

func newRelayStream(lk *link) *stream {
	s := &stream{ahead: make(chan struct{}, streamAhead), closed: make(chan struct{}), more: make(chan struct{}, 1)}
	s.owner.Store(lk)
	return s
}

// close ends the relay. It may be called on none.
func (r *relay) close() {
	if r != nil {
		r.stream.close()
	}
}

// run keeps an address until the peer is closed.
func (r *relay) run(servers []turn.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	guard.Go("end of the relay of "+r.peer.cfg.Name, func() { <-r.stream.closed; cancel() }, r.peer.server.panicked)
	defer r.close()
	for pause := r.peer.server.relayPause; ; pause = min(2*pause, relayPauses) {
		client, err := r.allocate(ctx, servers)
		if ctx.Err() != nil {
			if client != nil {
				client.Close()
			}
			return
		}
		r.peer.server.relayState(err)
		if err == nil {
			r.serve(client)
			if pause = r.peer.server.relayPause; ctx.Err() != nil {
				return
			}
			r.peer.server.relayState(cmp.Or(client.Err(), errRelayLost))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		servers = r.peer.server.cfg.Relays(r.peer.cfg.Name) // with credentials that hold from now
	}
}

// allocate asks one server after another.
func (r *relay) allocate(ctx context.Context, servers []turn.Server) (*turn.Client, error) {
	var errs []error
	for _, s := range servers[:min(len(servers), mostRelays)] {
		c, err := turn.Allocate(ctx, turn.Config{Server: s, Received: r.received, OnPanic: r.peer.server.panicked})
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", s, err))
	}
	if len(errs) == 0 {
		return nil, errors.New("there is no TURN server any more")
	}
	return nil, errors.Join(errs...)
}

// relayState tells how it went with a relay.
func (s *Server) relayState(err error) {
	if err != nil {
		s.cfg.Log.Debug("no relay", "err", err)
	}
	if s.cfg.OnRelay != nil {
		s.cfg.OnRelay(err)
	}
}

// serve uses an address for as long as it holds.
func (r *relay) serve(c *turn.Client) {
	r.mu.Lock()
	r.client = c
	permits := append([]netip.Addr(nil), r.permits...)
	r.mu.Unlock()
	for _, a := range permits {
		r.permit(c, a)
	}
	r.tell(false)
	r.write(c)
	c.Close()
	r.mu.Lock()
	r.client = nil
	r.mu.Unlock()
	lk := r.peer.link
	lk.sh.Schedule(func() { lk.loseConnection(r.stream) })
}

// write sends what is queued until the relay or its address is gone.
func (r *relay) write(c *turn.Client) {
	var taken []frame
	for {
		select {
		case <-r.stream.more:
		case <-r.stream.closed:
			return
		case <-c.Done():
			return
		}
		for taken = r.stream.take(taken); len(taken) > 0; taken = r.stream.take(taken) {
			for _, f := range taken {
				_ = c.Send(f.b[frameHeader:f.n], f.to) // what is lost on the way is lost, as ever
			}
		}
	}
}

// received hands a datagram to the loop, unless the relay has too many there already.
func (r *relay) received(b []byte, from netip.AddrPort) {
	select {
	case r.stream.ahead <- struct{}{}:
	default:
		return
	}
	if !r.peer.link.sh.deliver(b, route{addr: from, conn: r.stream}, netip.Addr{}, false) {
		r.stream.handled()
	}
}

// allow lets the client's candidates of a description send to the relay.
func (r *relay) allow(candidates ...string) {
	if r == nil {
		return
	}
	for _, text := range candidates {
		a, ok := candidateAddr(text)
		if !ok {
			continue
		}
		r.mu.Lock()
		known := len(r.permits) >= mostPermitted
		for _, have := range r.permits {
			known = known || have == a
		}
		if !known {
			r.permits = append(r.permits, a)
		}
		c := r.client
		r.mu.Unlock()
		if c != nil && !known {
			r.permit(c, a)
		}
	}
}

func (r *relay) permit(c *turn.Client, a netip.Addr) {
	if mayPermit(a, c.Relayed().Addr()) {
		c.Permit(a)
	}
}

// mayPermit refuses a permission that could only be meant for a machine of the TURN server's: addresses that mean something on one link or one machine are nobody's who
// is elsewhere, unless the relay itself has such an address.
func mayPermit(a, relay netip.Addr) bool {
	return (!a.IsLoopback() || relay.IsLoopback()) && (!a.IsLinkLocalUnicast() || relay.IsLinkLocalUnicast())
}

// candidateAddr is the IPv4 address of a candidate of UDP.
func candidateAddr(text string) (netip.Addr, bool) {
	f := strings.Fields(strings.TrimPrefix(text, "candidate:")) // foundation, component, protocol, priority, address, port, …
	if len(f) < 6 || !strings.EqualFold(f[2], "udp") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(f[4])
	if a = a.Unmap(); err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}, false
	}
	return a, true
}

// offered lists the candidates in a description.
func offered(sdp string) (list []string) {
	for line := range strings.Lines(sdp) {
		if value, is := strings.CutPrefix(line, "a=candidate:"); is && len(list) < maxCandidates {
			list = append(list, strings.TrimRight(value, "\r\n"))
		}
	}
	return list
}

// candidate is what clients are told of the relay; empty while there is none. Where we are behind it stays unsaid.
func (r *relay) candidate() string {
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		return ""
	}
	at := r.client.Relayed()
	ip := at.Addr().As4()
	return fmt.Sprintf("%d 1 udp %d %s %d typ relay raddr 0.0.0.0 rport 0", binary.BigEndian.Uint32(ip[:]), relayPriority, at.Addr(), at.Port())
}

// tell trickles the candidate, once the client has an answer and the relay an address. Either may come last.
func (r *relay) tell(answered bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	first := answered && !r.agreed
	r.agreed = r.agreed || answered
	now := r.agreed && r.client != nil && (first || !answered)
	r.mu.Unlock()
	if now {
		r.peer.tellCandidate(r.candidate())
	}
}
