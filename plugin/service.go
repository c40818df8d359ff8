package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls"
	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/admin"
	"calls/plugin/api"
	"calls/plugin/config"
	"calls/plugin/directory"
	"calls/plugin/gateway"
	"calls/plugin/notify"
	"calls/plugin/ringing"
	"calls/plugin/store"
	"calls/wire"
)

// repairEvery is how often the repair of a former life's records is tried again.
const repairEvery = 5 * time.Second

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
	engine  engine
	gateway *gateway.Gateway
	api     http.Handler // clients'
	admin   http.Handler // admins' and monitoring's
	records *store.Store
	log     *slog.Logger
	stopped chan struct{}
}

func newService(host plugin.API, start engineMaker, settings func() *config.Config, getenv func(string) string, log *slog.Logger) (*service, error) {
	events, posts, records := notify.NewEvents(host), notify.NewPosts(host, log), store.New(host, log)
	s := &service{records: records, log: log, stopped: make(chan struct{})}
	r := &repair{store: records, posts: posts, events: events, log: log}
	repaired := r.try() // before the first call can begin, if the host is well
	ring := ringing.New(host, events, func() bool { return settings().EnableRinging }, log)
	people := directory.New(host, records, func() bool { return settings().DefaultEnabled })
	var err error
	s.engine, err = start(engineConfig(*settings(), log), actors.Ports{
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
	if !repaired {
		guard.Go("repair of records", func() { s.keepTrying(r) }, func(f guard.Failure) { log.Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack)) })
	}
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

// publisher tells clients of an event, and then those who care for rings.
type publisher struct {
	*notify.Events
	ringing *ringing.Ringing
}

func (p publisher) Publish(e call.Event) error {
	err := p.Events.Publish(e)
	p.ringing.Heard(e)
	return err
}

// teller answers clients that have no session.
type teller struct {
	*notify.Events
	host  plugin.API
	calls api.Calls
}

// TellState tells only those who may read the channel, and says nothing when no call is on.
func (t teller) TellState(user session.UserID, channel string) error {
	if !t.host.HasPermissionToChannel(string(user), channel, model.PermissionReadChannel) {
		return nil
	}
	if v, on := t.calls.Call(call.ChannelID(channel)); on {
		return t.State(user, v)
	}
	return nil
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

func (s *service) keepTrying(r *repair) {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.stopped:
			return
		case <-tick.C:
			if r.try() {
				return
			}
		}
	}
}

// repair closes the calls that a former life of the plugin left in the records: a post without an end is a call that can be joined for ever.
type repair struct {
	store    *store.Store
	posts    *notify.Posts
	events   *notify.Events
	log      *slog.Logger
	loaded   bool
	leftover []call.View
}

// try says whether nothing is left to do. What it found stays known when the rest has to wait: a new call in the same channel overwrites the record.
func (r *repair) try() bool {
	if !r.loaded {
		leftover, err := r.store.Load()
		if err != nil {
			r.log.Error("the stored channels cannot be read, trying again", "err", err)
			return false
		}
		r.loaded, r.leftover = true, leftover
	}
	var rest []call.View
	for _, v := range r.leftover {
		err := r.posts.Close(v, time.Now())
		if err == nil {
			err = r.store.Clear(v.Channel, v.Call)
		}
		if err != nil {
			r.log.Error("a call that was cut off cannot be closed, trying again", "channel", v.Channel, "call", v.Call, "err", err)
			rest = append(rest, v)
			continue
		}
		r.log.Info("closed a call that was cut off", "channel", v.Channel, "call", v.Call)
		if err := r.events.Publish(cutOff(v)); err != nil {
			r.log.Warn("the end of a call that was cut off could not be told", "channel", v.Channel, "call", v.Call, "err", err)
		}
	}
	r.leftover = rest
	return len(rest) == 0
}

// cutOff tells those who still sit in a call whose server side is gone that it is over, so that they come back now and not when their connection has timed out.
// The version lies beyond all that the call can have told after its record was last written.
func cutOff(v call.View) call.Event {
	return call.Event{Channel: v.Channel, Call: v.Call, V: v.V + 1000, Body: call.Ended{Forced: true, Reason: session.Crashed}}
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
