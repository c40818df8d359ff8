package forward

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"calls/bench/janus"
	"calls/bench/load"
	"calls/bench/process"
)

// startRTCD runs rtcd's server, which speaks the bench's signalling by a main of our own around it.
func startRTCD(ctx context.Context, env Env) (*running, error) {
	bin, err := build(ctx, env, "rtcd", ".", "rtcd")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p, addr, err := process.Start(exec.Command(bin, "-addr", env.Addr.String(), "-port", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return &running{main: p, server: load.Server{Signalling: addr, Addr: env.Addr, CPU: p.CPU}}, nil
}

// startLiveKit runs LiveKit's server as it is, with a bridge beside it. One port for media, as its documentation advises for few cores.
func startLiveKit(ctx context.Context, env Env) (*running, error) {
	server, err := build(ctx, env, "livekit", "github.com/livekit/livekit-server/cmd/server", "livekit-server")
	if err != nil {
		return nil, err
	}
	bridge, err := build(ctx, env, "livekit", ".", "livekit-bridge")
	if err != nil {
		return nil, err
	}
	var ports [3]int
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	const key, secret = "bench", "the-bench-and-a-server-on-this-machine"
	config := fmt.Sprintf("port: %d\nbind_addresses: [127.0.0.1]\nrtc:\n  udp_port: %d\n  tcp_port: %d\n  use_external_ip: false\n  node_ip: %s\n"+
		"  ips:\n    includes: [%s/32]\n  enable_loopback_candidate: %t\nlogging:\n  level: error\nkeys:\n  %s: %s\n",
		ports[0], ports[1], ports[2], env.Addr, env.Addr, env.Addr.IsLoopback(), key, secret)
	p, err := process.StartPlain(exec.Command(server, "--config-body", config))
	if err != nil {
		return nil, err
	}
	r := &running{main: p}
	api := fmt.Sprintf("127.0.0.1:%d", ports[0])
	if err := listening(ctx, api, p); err != nil {
		r.stop()
		return nil, fmt.Errorf("livekit: %w", err)
	}
	b, addr, err := process.Start(exec.Command(bridge, "-server", api, "-key", key, "-secret", secret))
	if err != nil {
		r.stop()
		return nil, err
	}
	r.helpers = append(r.helpers, b)
	r.server = load.Server{Signalling: addr, Addr: env.Addr, CPU: p.CPU}
	return r, nil
}

// startJanus runs the Janus that is installed, on a configuration of the bench's.
func startJanus(ctx context.Context, env Env) (*running, error) {
	bin, err := exec.LookPath("janus")
	if err != nil {
		return nil, errors.New("janus is not installed: apt-get install --no-install-recommends janus")
	}
	dir, err := os.MkdirTemp("", "bench-janus-")
	if err != nil {
		return nil, err
	}
	cleanup := func() { _ = os.RemoveAll(dir) }
	port, err := freePort()
	if err == nil {
		err = janusConfig(dir, env, port)
	}
	var p *process.Process
	if err == nil {
		p, err = process.StartPlain(exec.Command(bin, "--configs-folder="+dir, "--config="+filepath.Join(dir, "janus.jcfg"), "--disable-colors"))
	}
	if err != nil {
		cleanup()
		return nil, err
	}
	r := &running{main: p, cleanup: cleanup}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	if err := listening(ctx, at, p); err != nil {
		r.stop()
		return nil, fmt.Errorf("janus: %w", err)
	}
	b, err := janus.Listen(at)
	if err != nil {
		r.stop()
		return nil, err
	}
	r.cleanup = func() {
		_ = b.Close()
		cleanup()
	}
	r.server = load.Server{Signalling: b.Addr(), Addr: env.Addr, CPU: p.CPU}
	return r, nil
}

// janusConfig writes what differs from Janus's defaults: one room, WebSockets, one address.
func janusConfig(dir string, env Env, port int) error {
	files := map[string]string{
		"janus.jcfg": fmt.Sprintf("general: {\n\tdebug_level = 2\n\tsession_timeout = 0\n}\nnat: {\n\tice_enforce_list = %q\n\tice_ignore_list = \"none\"\n}\n"+
			"plugins: {\n\tdisable = %q\n}\ntransports: {\n\tdisable = %q\n}\n", env.Addr,
			"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,"+
				"libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so",
			"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so"),
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: {\n\tjson = \"compact\"\n\tws = true\n\tws_ip = \"127.0.0.1\"\n\tws_port = %d\n\tws_logging = \"err\"\n}\n", port),
		"janus.plugin.videoroom.jcfg": fmt.Sprintf("room-%d: {\n\tdescription = \"bench\"\n\tpublishers = 1000\n\tbitrate = 0\n\tfir_freq = 0\n"+
			"\taudiocodec = \"opus\"\n\tvideocodec = \"vp8\"\n\taudiolevel_ext = true\n}\n", janus.Room),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
