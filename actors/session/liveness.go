package session

import "time"

// The windows of liveness, the same for every client. One clock decides: the last authenticated STUN, SRTP or SRTCP packet, or message on the data channel.
// An open socket is no sign of life: the host notices a dead one after up to 100 s.
const (
	FirstConnection = 15 * time.Second // from the join to ICE and DTLS
	SocketWindow    = 30 * time.Second // socket closed, media alive
	SilentWindow    = 15 * time.Second // socket closed, media silent
	MediaWindow     = 30 * time.Second // socket open, media silent
	tickEvery       = time.Second
	kickWindow      = 3 * time.Second // for a client that was sent away to hang up by itself
)

// signs are the signs of life of a session.
type signs struct {
	joined    time.Time
	connected bool      // ICE and DTLS were up once
	heard     time.Time // last authenticated packet; zero: none yet
	lost      time.Time // when the socket closed; zero: it is open
}

// verdict says whether a session with these signs is over, and why.
func (s signs) verdict(now time.Time) (reason EndReason, over bool) {
	if !s.connected {
		return ICEFailed, now.Sub(s.joined) >= FirstConnection
	}
	silent := now.Sub(s.heard)
	if s.lost.IsZero() {
		return ICEFailed, silent >= MediaWindow
	}
	gone := now.Sub(s.lost)
	return Disconnected, gone >= SocketWindow || (gone >= SilentWindow && silent >= SilentWindow)
}
