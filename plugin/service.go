package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls"
	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/admin"
	"calls/plugin/api"
	"calls/plugin/command"
	"calls/plugin/config"
	"calls/plugin/directory"
	"calls/plugin/gateway"
	"calls/plugin/notify"
	"calls/plugin/ringing"
	"calls/plugin/store"
	"calls/wire"
)

// build names the source this was made from; the linker may set it.
var build string

// engine is what the plugin needs of actors.Engine.
type engine interface {
	gateway.Engine
	api.Calls
	admin.Engine
	Remove(ch call.ChannelID, user session.UserID, reason session.EndReason)
	Recheck(user session.UserID)
	Configure(cfg actors.Config) error
	Close(ctx context.Context) error
}

type engineMaker func(actors.Config, actors.Ports) (engine, error)

func startEngine(cfg actors.Config, ports actors.Ports) (engine, error) {
	e, err := actors.New(cfg, ports)
	if err != nil && cfg.ListenTCP.IsValid() { // TCP is for the few: that its port is taken must not keep everybody else from calling
		ports.Log.Error("media over TCP is not to be had, trying without", "addr", cfg.ListenTCP, "err", err)
		cfg.ListenTCP = netip.AddrPort{}
		e, err = actors.New(cfg, ports)
	}
	if err != nil {
		return nil, err // not e: a nil pointer in an interface is no nil
	}
	return e, nil
}

// service is everything that lives from activation to deactivation.
type service struct {
	engine   engine
	gateway  *gateway.Gateway
	api      http.Handler // clients'
	admin    http.Handler // admins' and monitoring's
	commands *command.Commands
	posts    *notify.Posts
	log      *slog.Logger
	stopped  chan struct{}
}

func newService(host plugin.API, start engineMaker, settings func() *config.Config, getenv func(string) string, log *slog.Logger) (*service, error) {
	events, records := notify.NewEvents(host), store.New(host, log)
	events.Speak(localeOf(host))
	posts := notify.NewPosts(host, records, log)
	s := &service{posts: posts, log: log, stopped: make(chan struct{})}
	ring := ringing.New(host, events, func() bool { return settings().EnableRinging }, log)
	people := directory.New(host, records, func() bool { return settings().DefaultEnabled })
	r := &repair{store: records, posts: posts, events: events, archived: people.Archived, log: log}
	r.try() // before the first call can begin, if the host is well
	var err error
	s.engine, err = start(startConfig(*settings(), log), actors.Ports{
		Directory: people, Residents: people, Posts: posts, Store: records, Publisher: publisher{events, ring}, Signaller: events, Log: log,
	})
	if err != nil {
		return nil, err
	}
	s.gateway = gateway.New(s.engine, teller{events, host, s.engine}, log)
	s.admin = admin.New(host, s.engine, log)
	s.api = api.New(api.Deps{
		Host: host, Calls: s.engine, Choices: records, Announcer: events, Ringer: ring, Log: log,
		Config:    func() config.Config { return *settings() },
		Overrides: func() map[string]string { return config.Overrides(getenv) },
		Version:   wire.Version{Version: calls.Version(), Build: buildName()},
	})
	s.commands = command.New(host, s.engine, log)
	if err := host.RegisterCommand(command.Definition(serverLocale(host))); err != nil {
		log.Error("the command /call could not be registered", "err", err)
	}
	guard.Go("repair of records", func() { r.keepTrying(s.stopped) }, func(f guard.Failure) { log.Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack)) })
	log.Info("Calls is running", "version", calls.Version(), "build", buildName())
	return s, nil
}

// serve hands a request to whom it is for. The admin pages have no budget of the clients': a page that is watched asks twice a second.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, "/admin/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	s.api.ServeHTTP(w, r)
}

func (s *service) close() error {
	close(s.stopped)
	ctx, cancel := context.WithTimeout(context.Background(), stopWindow)
	defer cancel()
	return s.engine.Close(ctx)
}

// configure takes new settings while calls run.
func (s *service) configure(before, after config.Config) {
	if before.UDPServerPort != after.UDPServerPort || before.UDPServerAddress != after.UDPServerAddress || before.ICEHostOverride != after.ICEHostOverride ||
		before.ICEHostPortOverride != after.ICEHostPortOverride {
		s.log.Warn("the new address for media counts from the next start of the plugin")
	}
	if err := s.engine.Configure(engineConfig(after, s.log)); err != nil {
		s.log.Error("the settings were not taken", "err", err)
	}
}

// loadConfig reads the settings. When the host gives none at all the last ones stay.
func loadConfig(host plugin.API, getenv func(string) string, last config.Config, log *slog.Logger) config.Config {
	var stored map[string]json.RawMessage
	if err := host.LoadPluginConfiguration(&stored); err != nil || stored == nil {
		log.Error("the settings could not be read, the last ones stay", "err", err)
		return last
	}
	c, errs := config.Load(stored, getenv, last)
	for _, err := range errs {
		log.Error("a setting is wrong and was not heeded", "err", err)
	}
	for _, said := range c.Unsupported() {
		log.Warn(said)
	}
	return c
}

func buildName() string {
	if build != "" {
		return build
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 7 {
				return s.Value[:7]
			}
		}
	}
	return "unknown"
}
