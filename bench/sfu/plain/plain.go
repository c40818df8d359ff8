// Package plain is the forwarder that any user of pion would write: a PeerConnection for each participant with everything at its defaults, and for each published
// track and each receiver a TrackLocalStaticRTP that a loop writes to. It is what our own media path is measured against first.
package plain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"

	"calls/bench/signal"
)

// Serve runs the forwarder until standard input ends.
func Serve(loopback bool) error {
	set := webrtc.SettingEngine{}
	set.SetIncludeLoopbackCandidate(loopback)
	set.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s := &server{rooms: map[string]*room{}, settings: set}
	return signal.Serve(s.serve)
}

type server struct {
	settings webrtc.SettingEngine

	mu    sync.Mutex
	rooms map[string]*room
}

func (s *server) room(name string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[name]
	if r == nil {
		r = &room{people: map[*person]bool{}, tracks: map[*track]bool{}}
		s.rooms[name] = r
	}
	return r
}

// room is one call.
type room struct {
	mu     sync.Mutex
	people map[*person]bool
	tracks map[*track]bool
}

// track is one that is published.
type track struct {
	from   *person
	remote *webrtc.TrackRemote

	mu  sync.RWMutex
	out map[*person]*webrtc.TrackLocalStaticRTP
}

// person is one participant.
type person struct {
	room *room
	conn *signal.Conn
	pc   *webrtc.PeerConnection

	mu      sync.Mutex
	started bool // the first offer was answered
	pending bool // something changed while an offer was under way
}

func (s *server) serve(conn *signal.Conn) {
	var p *person
	for {
		m, err := conn.Receive()
		if err != nil {
			break
		}
		if m.Type == signal.Join && p == nil {
			p, err = s.join(conn, m.Call)
		} else if p != nil {
			err = p.handle(m)
		}
		if err != nil {
			_ = conn.Send(signal.Message{Type: signal.Error, Text: err.Error()})
		}
		if m.Type == signal.Leave {
			break
		}
	}
	if p != nil {
		p.leave()
	}
}

func (s *server) join(conn *signal.Conn, call string) (*person, error) {
	pc, err := s.connection()
	if err != nil {
		return nil, err
	}
	p := &person{room: s.room(call), conn: conn, pc: pc}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.publish(remote) })
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			return
		}
		if text, err := json.Marshal(c.ToJSON()); err == nil {
			_ = conn.Send(signal.Message{Type: signal.Candidate, Candidate: string(text)})
		}
	})
	return p, conn.Send(signal.Message{Type: signal.Joined})
}

// connection does what webrtc.NewPeerConnection does, but for the settings.
func (s *server) connection() (*webrtc.PeerConnection, error) {
	codecs, interceptors := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(codecs, interceptors); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s.settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(interceptors))
	return api.NewPeerConnection(webrtc.Configuration{})
}

func (p *person) handle(m signal.Message) error {
	switch m.Type {
	case signal.Offer:
		return p.answer(m.SDP)
	case signal.Answer:
		return p.answered(m.SDP)
	case signal.Candidate:
		var c webrtc.ICECandidateInit
		if err := json.Unmarshal([]byte(m.Candidate), &c); err != nil {
			return err
		}
		return p.pc.AddICECandidate(c)
	}
	return nil
}

// answer takes an offer of the client's. One that crosses ours is dropped: the client answers ours and offers again.
func (p *person) answer(sdp string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pc.SignalingState() == webrtc.SignalingStateHaveLocalOffer {
		return nil
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}); err != nil {
		return err
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return err
	}
	if err := p.conn.Send(signal.Message{Type: signal.Answer, SDP: answer.SDP}); err != nil {
		return err
	}
	if !p.started {
		p.started = true
		go p.enter()
	}
	return nil
}

func (p *person) answered(sdp string) error {
	p.mu.Lock()
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
	again := p.pending
	p.mu.Unlock()
	if err == nil && again {
		err = p.offer()
	}
	return err
}

// offer tells the client of what was added.
func (p *person) offer() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pc.SignalingState() != webrtc.SignalingStateStable {
		p.pending = true
		return nil
	}
	p.pending = false
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	return p.conn.Send(signal.Message{Type: signal.Offer, SDP: offer.SDP})
}

// enter gives the person everybody's tracks.
func (p *person) enter() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.room.people[p] = true
	for t := range p.room.tracks {
		p.report(t.add(p))
	}
	if len(p.room.tracks) > 0 {
		p.report(p.offer())
	}
}

func (p *person) report(err error) {
	if err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
		_ = p.conn.Send(signal.Message{Type: signal.Error, Text: err.Error()})
	}
}

// publish gives the person's new track to everybody else, and forwards until it ends.
func (p *person) publish(remote *webrtc.TrackRemote) {
	t := &track{from: p, remote: remote, out: map[*person]*webrtc.TrackLocalStaticRTP{}}
	p.room.mu.Lock()
	p.room.tracks[t] = true
	for other := range p.room.people {
		if other != p {
			other.report(t.add(other))
			other.report(other.offer())
		}
	}
	p.room.mu.Unlock()
	t.forward()
	p.room.mu.Lock()
	delete(p.room.tracks, t)
	p.room.mu.Unlock()
}

// add makes the track's copy for a receiver.
func (t *track) add(to *person) error {
	id := fmt.Sprintf("%s-%d", t.remote.ID(), t.remote.SSRC())
	local, err := webrtc.NewTrackLocalStaticRTP(t.remote.Codec().RTPCodecCapability, id, id)
	if err != nil {
		return err
	}
	// Not AddTrack: that would put the track on a line on which the client only sends.
	line, err := to.pc.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	go t.feedback(line.Sender())
	t.mu.Lock()
	t.out[to] = local
	t.mu.Unlock()
	return nil
}

// feedback reads a receiver's reports, without which pion's interceptors stand still, and passes key frame requests on.
func (t *track) feedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				_ = t.from.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.remote.SSRC())}})
			}
		}
	}
}

func (t *track) forward() {
	for {
		packet, _, err := t.remote.ReadRTP()
		if err != nil {
			return
		}
		t.mu.RLock()
		for _, local := range t.out {
			if err := local.WriteRTP(packet); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				continue // one receiver's trouble is not the others'
			}
		}
		t.mu.RUnlock()
	}
}

func (p *person) leave() {
	p.room.mu.Lock()
	delete(p.room.people, p)
	for t := range p.room.tracks {
		t.mu.Lock()
		delete(t.out, p)
		t.mu.Unlock()
	}
	p.room.mu.Unlock()
	_ = p.pc.Close()
}
