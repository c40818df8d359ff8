package media

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/stun"
	"github.com/pion/webrtc/v3"
)

const (
	opusType = 111
	vp8Type  = 96
)

// newAPI makes the pion that one peer negotiates with. It is one for each peer: the media engine remembers what was negotiated, senders made later must
// share it, and the list of SRTP profiles is narrowed for each client.
func newAPI(server *Server, lk *link) (*webrtc.API, error) {
	s := webrtc.SettingEngine{LoggerFactory: server.logs}
	s.SetNet(server.network)
	s.SetLite(true)
	s.SetICEUDPMux(lk.sh.mux)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.DisableActiveTCP(true) // a client could have us connect to whatever it names
	if server.tcp != nil || lk.relay != nil {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
		s.SetICETCPMux(&tcpMux{server, lk})
		s.SetIncludeLoopbackCandidate(true) // there may be nothing else to stand in
		s.SetIPFilter(server.standsIn)      // for one candidate of each family; UDP's are made of what the mux lists
	}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetICETimeouts(time.Minute, 0, 2*time.Second) // a lite agent does not see enough to judge; LastHeard does
	s.SetICEBindingRequestHandler(lk.followed())
	s.SetSRTPProtectionProfiles(lk.profiles...) // the slice itself, see chooseProfile
	s.SetDTLSInsecureSkipHelloVerify(true)      // ICE has proved the address already, and nothing else gets through
	s.DisableMediaEngineCopy(true)
	s.DetachDataChannels() // channel.go reads them
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}
	m, err := newMediaEngine()
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(&interceptor.Registry{})), nil
}

// newMediaEngine knows Opus and VP8 and nothing else. Header extensions are for what comes in: what goes out carries none.
func newMediaEngine() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{PayloadType: opusType, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}}
	vp8 := webrtc.RTPCodecParameters{PayloadType: vp8Type, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}}
	if err := m.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	if err := m.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	for _, e := range []struct {
		uri  string
		kind webrtc.RTPCodecType
	}{{extAudioLevel, webrtc.RTPCodecTypeAudio}, {extMID, webrtc.RTPCodecTypeAudio}, {extMID, webrtc.RTPCodecTypeVideo}} {
		// In both directions, though slots send none: Chromium gives a new line of its own the extensions of the lines that are there already, and without this one it
		// would send no audio level, and nobody would be seen to speak.
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: e.uri}, e.kind); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func newProfiles() []dtls.SRTPProtectionProfile {
	return []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
}

// followed has pion select the pair that media already uses, so that the data channel follows a client whose address changed.
func (lk *link) followed() func(*stun.Message, ice.Candidate, ice.Candidate, *ice.CandidatePair) bool {
	var last *ice.CandidatePair
	return func(_ *stun.Message, _, remote ice.Candidate, pair *ice.CandidatePair) bool {
		at := lk.currentAddr.Load()
		if at == nil || pair == last || remote.Port() != int(at.Port()) || remote.Address() != at.Addr().String() {
			return false
		}
		last = pair
		return true
	}
}

// localTrack stands for a slot in negotiation. It gets no packets from pion and gives it none.
type localTrack struct {
	id, streamID string
	kind         Kind
}

// newLocalTrack makes a track with a stream of its own: old clients show one track for each stream.
func newLocalTrack(kind Kind) *localTrack {
	name := "voice"
	if kind == Video {
		name = "screen"
	}
	return &localTrack{id: name + "_" + randomName(), streamID: randomName(), kind: kind}
}

func randomName() string {
	s := strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // a name that stands in the description for everybody in the call
	return strings.Repeat("0", 13-len(s)) + s
}

// Bind chooses the codec; there is one of each kind.
func (t *localTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	want := webrtc.MimeTypeOpus
	if t.kind == Video {
		want = webrtc.MimeTypeVP8
	}
	for _, codec := range c.CodecParameters() {
		if strings.EqualFold(codec.MimeType, want) {
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind has nothing to undo.
func (t *localTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID is the MediaStreamTrack id.
func (t *localTrack) ID() string { return t.id }

// RID is empty: no simulcast towards clients.
func (t *localTrack) RID() string { return "" }

// StreamID is the MediaStream id.
func (t *localTrack) StreamID() string { return t.streamID }

// Kind is the kind in pion's terms.
func (t *localTrack) Kind() webrtc.RTPCodecType {
	if t.kind == Video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// pionLogs passes pion's warnings and errors on as debug lines: most of them say that a client went away. The loggers of pion's parts are shared by all peers, each
// of which asks for a score.
type pionLogs struct {
	log *slog.Logger

	mu   sync.Mutex
	made map[string]logging.LeveledLogger // by the name of the part, of which there are a dozen
}

func newPionLogs(log *slog.Logger) *pionLogs {
	return &pionLogs{log: log, made: map[string]logging.LeveledLogger{}}
}

// NewLogger is the logger of one part of pion.
func (p *pionLogs) NewLogger(scope string) logging.LeveledLogger {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made[scope] == nil {
		p.made[scope] = pionLog{p.log.With("pion", scope)}
	}
	return p.made[scope]
}

type pionLog struct{ log *slog.Logger }

func (p pionLog) Trace(string)          {}
func (p pionLog) Tracef(string, ...any) {}
func (p pionLog) Debug(string)          {}
func (p pionLog) Debugf(string, ...any) {}
func (p pionLog) Info(string)           {}
func (p pionLog) Infof(string, ...any)  {}
func (p pionLog) Warn(msg string)       { p.log.Debug(msg) }
func (p pionLog) Error(msg string)      { p.log.Debug(msg) }

func (p pionLog) Warnf(format string, args ...any) { p.format(format, args) }

func (p pionLog) Errorf(format string, args ...any) { p.format(format, args) }

func (p pionLog) format(format string, args []any) {
	if p.log.Enabled(context.Background(), slog.LevelDebug) {
		p.log.Debug(fmt.Sprintf(format, args...))
	}
}
