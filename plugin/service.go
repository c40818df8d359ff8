package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

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
	"calls/plugin/phones"
	"calls/plugin/ringing"
	"calls/plugin/settings"
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
	logins   *directory.Logins
	refuses  bool // the host heeds a no to the change of a post
	log      *slog.Logger
	stopped  chan struct{}

	settings *settings.Keeper
	begun    config.Config      // the settings that it began with
	found    []settings.Problem // what came of them then
	relay    relayState         // what comes of the TURN servers
}

func newService(host plugin.API, start engineMaker, keeper *settings.Keeper, getenv func(string) string, log *slog.Logger) (*service, error) {
	events, records := notify.NewEvents(host), store.New(host, log)
	locale := localeOf(host, localeWindow)
	events.Speak(locale)
	posts := notify.NewPosts(host, records, log)
	s := &service{
		posts: posts, logins: directory.NewLogins(), refuses: refusesUpdates(host.GetServerVersion()), log: log, stopped: make(chan struct{}),
		settings: keeper, begun: *keeper.Config(),
	}
	ring := ringing.New(host, events, phones.New(host, host, log), func() bool { return keeper.Config().EnableRinging }, log)
	people := directory.New(host, records, s.logins, func() bool { return keeper.Config().DefaultEnabled })
	r := &repair{store: records, posts: posts, events: events, archived: people.Archived, log: log}
	r.try() // before the first call can begin, if the host is well
	ports := actors.Ports{Directory: people, Residents: people, Posts: posts, Store: records, Publisher: publisher{events, ring}, Signaller: events, Log: log,
		Relays: func(session string) []actors.Relay { return keeper.Config().Relays(session, time.Now()) }, OnRelay: s.relayed}
	if err := s.start(start, ports); err != nil {
		return nil, err
	}
	s.gateway = gateway.New(s.engine, teller{events, host, s.engine}, log)
	s.admin = admin.New(host, s.engine, keeper, log)
	s.api = api.New(api.Deps{
		Host: host, Calls: s.engine, Choices: records, Announcer: events, Ringer: ring, Mail: mail{host, locale}, Log: log,
		Config:    func() config.Config { return *keeper.Config() },
		Overrides: func() map[string]string { return config.Overrides(getenv) },
		Version:   wire.Version{Version: calls.ClientVersion(), Build: buildName()},
	})
	s.commands = command.New(host, s.engine, log)
	if err := host.RegisterCommand(command.Definition(serverLocale(host))); err != nil {
		log.Error("the command /call could not be registered", "err", err)
	}
	guard.Go("repair of records", func() { r.keepTrying(s.stopped) }, func(f guard.Failure) { log.Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack)) })
	log.Info("Calls is running", "version", calls.Version(), "build", buildName())
	return s, nil
}

// heard keeps apart the hosts that name the login of a message and those that do not.
func (s *service) heard(v actors.Visitor, action string) {
	if v.Auth != "" {
		s.logins.Named()
	} else if name, ours := wire.Action(action); ours && name == "join" {
		s.logins.Joining(v.User)
	}
}

// refusesUpdates says whether a host heeds a no to the change of a post. Mattermost repaired that in 9.2 (its pull request 24602); in between versions are left to
// the way that works everywhere.
func refusesUpdates(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 10
}

// serve hands a request to whom it is for. The admin pages have no budget of the clients': a page that is watched asks twice a second.
func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, "/admin/") || strings.HasPrefix(r.URL.Path, "/debug/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/admin" && r.Method == http.MethodGet {
		w.Header().Set("Location", "admin/") // relative: the path before ours is the host's
		w.WriteHeader(http.StatusFound)
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

// start starts the engine and notes what came of the settings.
func (s *service) start(start engineMaker, ports actors.Ports) error {
	cfg, found := startConfig(s.begun, s.log)
	e, more, err := listen(start, cfg, ports, s.log)
	s.engine, s.found = e, append(found, more...)
	s.settings.Met(s.found)
	return err
}

// configure takes new settings while calls run.
func (s *service) configure(after config.Config) {
	if !after.ServerSideTURN {
		s.relay.set(nil)
	}
	s.met(after)
	if err := s.engine.Configure(engineConfig(after, s.log)); err != nil {
		s.log.Error("the settings were not taken", "err", err)
	}
	if after.AllowScreenSharing {
		return
	}
	for _, v := range s.engine.Calls() {
		if v.ScreenSession != "" {
			s.engine.Host(v.Channel, call.Host{Act: call.ScreenOff, By: v.Host, Admin: true, Session: v.ScreenSession})
		}
	}
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
