package media

import (
	"strings"

	"github.com/pion/webrtc/v3"

	"calls/guard"
)

// listen connects pion's callbacks. They run on goroutines of pion, so each is guarded, and they only hand over.
func (p *Peer) listen() {
	p.pc.OnICECandidate(func(c *webrtc.ICECandidate) { p.callback("candidate", func() { p.localCandidate(c) }) })
	p.pc.OnDataChannel(func(d *webrtc.DataChannel) { p.callback("data channel", func() { p.dataChannel(d) }) })
	p.pc.OnConnectionStateChange(func(st webrtc.PeerConnectionState) {
		if st == webrtc.PeerConnectionStateFailed || st == webrtc.PeerConnectionStateClosed {
			p.callback("connection state", func() { p.end("connection " + st.String()) })
		}
	})
	sctp := p.pc.SCTP()
	sctp.OnClose(func(error) { p.callback("sctp", func() { p.end("closed by the client") }) })
	transport := sctp.Transport()
	transport.OnStateChange(func(st webrtc.DTLSTransportState) {
		p.callback("dtls", func() { p.dtlsState(transport, st) })
	})
}

func (p *Peer) callback(what string, fn func()) {
	guard.Run(what+" of "+p.cfg.Name, fn, p.server.panicked)
}

func (p *Peer) emit(e Event) {
	if !p.closed.Load() && p.cfg.OnEvent != nil {
		p.cfg.OnEvent(e)
	}
}

func (p *Peer) end(reason string) {
	if !p.closed.Load() {
		p.ended.Do(func() { p.emit(Closed{Reason: reason}) })
	}
}

// dtlsState runs with a lock of the transport held: nothing of the transport may be asked here but the field that holds the connection.
func (p *Peer) dtlsState(transport *webrtc.DTLSTransport, st webrtc.DTLSTransportState) {
	switch st {
	case webrtc.DTLSTransportStateConnected:
		keys, err := exportKeys(dtlsConn(transport))
		if err != nil {
			p.server.cfg.Log.Warn("no media keys", "peer", p.cfg.Name, "err", err)
			p.end(err.Error())
			return
		}
		p.link.sh.Schedule(func() { p.install(keys) })
	case webrtc.DTLSTransportStateFailed:
		p.end("DTLS handshake failed")
	}
}

// install runs on the loop.
func (p *Peer) install(keys srtpKeys) {
	if p.link.closed {
		return
	}
	p.link.keys = keys
	p.link.counters.profile.Store(uint32(keys.profile))
	p.emit(Connected{})
}

func (p *Peer) localCandidate(c *webrtc.ICECandidate) {
	if c == nil { // gathering is complete
		return
	}
	for _, line := range p.server.candidatesFor(strings.TrimPrefix(c.ToJSON().Candidate, "candidate:")) {
		p.tellCandidate(line)
	}
}

// tellCandidate trickles a candidate of ours.
func (p *Peer) tellCandidate(line string) {
	first := uint16(0)
	out := Candidate{Candidate: "candidate:" + line, SDPMid: new(string), SDPMLineIndex: &first}
	if at := p.local.Load(); at != nil { // pion names no m-line; all is bundled with the first
		out.SDPMid = &at.mid
		if at.ufrag != "" {
			out.UsernameFragment = &at.ufrag
		}
	}
	p.emit(LocalCandidate{out})
}
