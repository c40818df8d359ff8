package client

import (
	"fmt"
	"net"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// receiveMTU is longer than any datagram that a path with Ethernet's limit carries.
const receiveMTU = 1500

const (
	opusType = 111
	vp8Type  = 96
)

// newAPI makes a pion of the client's own: codecs and extensions as browsers offer them, host candidates only.
func newAPI(cfg Config) (*webrtc.API, error) {
	engine, err := mediaEngine()
	if err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if cfg.Reports {
		if err := webrtc.ConfigureRTCPReports(registry); err != nil {
			return nil, fmt.Errorf("set up reports: %w", err)
		}
	}
	set, err := settings(cfg)
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(set)), nil
}

func settings(cfg Config) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{}
	sockets, err := newNet(cfg)
	if err != nil {
		return s, fmt.Errorf("look at this machine's network: %w", err)
	}
	s.SetNet(sockets)
	if cfg.Listen != nil {
		quiet := logging.NewDefaultLoggerFactory() // a load generator keeps media from pion, which would complain of each stream
		quiet.DefaultLogLevel = logging.LogLevelDisabled
		s.LoggerFactory = quiet
	}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIncludeLoopbackCandidate(cfg.Loopback)
	s.SetIPFilter(func(ip net.IP) bool { return ip.To4() != nil })
	s.SetICETimeouts(10*time.Second, 20*time.Second, 2*time.Second)
	s.SetReceiveMTU(receiveMTU)
	// To a lite server's later offers pion would answer that it has become the DTLS server, though the roles of a connection stay what they were (RFC 8842, 5.5).
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		return s, fmt.Errorf("set DTLS role: %w", err)
	}
	// pion would drop a packet whose sequence number came before; we want to see and count it.
	s.DisableSRTPReplayProtection(true)
	return s, nil
}

func mediaEngine() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecParameters{RTPCodecCapability: opusCodec, PayloadType: opusType}
	vp8 := webrtc.RTPCodecParameters{RTPCodecCapability: vp8Codec, PayloadType: vp8Type}
	if err := m.RegisterCodec(opus, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register Opus: %w", err)
	}
	if err := m.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, fmt.Errorf("register VP8: %w", err)
	}
	level := webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}
	if err := m.RegisterHeaderExtension(level, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register audio level: %w", err)
	}
	mid := webrtc.RTPHeaderExtensionCapability{URI: sdp.SDESMidURI}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if err := m.RegisterHeaderExtension(mid, kind); err != nil {
			return nil, fmt.Errorf("register mid: %w", err)
		}
	}
	return m, nil
}

var (
	opusCodec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
	vp8Codec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}
)
