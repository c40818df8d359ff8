package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/mattermost/mattermost-server/v6/plugin"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/config"
	"calls/plugin/hostlog"
	"calls/plugin/notify"
	"calls/plugin/settings"
)

// stopWindow is for how long calls may be brought to their end before the host gives the plugin up and kills it.
const stopWindow = 8 * time.Second

// Plugin is what the host calls. Its methods hand over and return; a panic in one is logged and goes no further.
type Plugin struct {
	plugin.MattermostPlugin

	newEngine engineMaker
	getenv    func(string) string

	mu       sync.Mutex // held while the plugin starts, stops or takes new settings
	log      atomic.Pointer[slog.Logger]
	settings *settings.Keeper
	running  atomic.Pointer[service] // nil unless active
}

func newPlugin() *Plugin {
	p := &Plugin{newEngine: patient(startEngine), getenv: os.Getenv}
	p.settings = settings.New(func(name string) string { return p.getenv(name) })
	p.log.Store(slog.New(slog.DiscardHandler))
	return p
}

// OnActivate starts the engine.
func (p *Plugin) OnActivate() error {
	err := errors.New("a fault of the plugin's own kept it from starting, see the log")
	p.guarded("OnActivate", func() { err = p.start() })
	return err
}

// OnDeactivate ends every call and the engine.
func (p *Plugin) OnDeactivate() error {
	var err error
	p.guarded("OnDeactivate", func() { err = p.stop() })
	return err
}

// OnConfigurationChange takes new settings. What is wrong with them is told to admins and never stops the plugin.
func (p *Plugin) OnConfigurationChange() error {
	p.guarded("OnConfigurationChange", func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		after := p.settings.Load(p.API, p.log.Load())
		if s := p.running.Load(); s != nil {
			s.configure(after)
		}
	})
	return nil
}

// ServeHTTP answers requests below the plugin's path.
func (p *Plugin) ServeHTTP(c *plugin.Context, w http.ResponseWriter, r *http.Request) {
	p.guarded("ServeHTTP", func() {
		s := p.running.Load()
		if s == nil {
			http.Error(w, "Calls is not running", http.StatusServiceUnavailable)
			return
		}
		if c != nil {
			s.logins.Seen(session.UserID(r.Header.Get("Mattermost-User-Id")), c.SessionId)
		}
		ok := guard.Run(r.Method+" "+r.URL.Path, func() { s.serve(w, r) }, p.failed)
		if !ok {
			http.Error(w, "internal error", http.StatusInternalServerError) // too late when the answer had begun, and harmless
		}
	})
}

// OnWebSocketConnect hears of every socket of every user.
func (p *Plugin) OnWebSocketConnect(conn, user string) {
	p.withService("OnWebSocketConnect", func(s *service) { s.gateway.Connected(session.ConnID(conn), session.UserID(user)) })
}

// OnWebSocketDisconnect hears of every socket of every user.
func (p *Plugin) OnWebSocketDisconnect(conn, user string) {
	p.withService("OnWebSocketDisconnect", func(s *service) { s.gateway.Disconnected(session.ConnID(conn), session.UserID(user)) })
}

// WebSocketMessageHasBeenPosted hears every message of every socket.
func (p *Plugin) WebSocketMessageHasBeenPosted(conn, user string, req *model.WebSocketRequest) {
	p.withService("WebSocketMessageHasBeenPosted", func(s *service) {
		if req != nil {
			v := actors.Visitor{Conn: session.ConnID(conn), User: session.UserID(user), Auth: req.Session.Id} // old hosts do not fill the session
			s.heard(v, req.Action)
			s.gateway.Message(v, req.Action, req.Data)
		}
	})
}

// UserHasLeftChannel hears of everybody who left a channel or was removed from one.
func (p *Plugin) UserHasLeftChannel(_ *plugin.Context, m *model.ChannelMember, _ *model.User) {
	p.withService("UserHasLeftChannel", func(s *service) {
		if m != nil {
			s.engine.Remove(call.ChannelID(m.ChannelId), session.UserID(m.UserId), session.RemovedFromChannel)
		}
	})
}

// UserHasLeftTeam hears of everybody who left a team. The host takes them out of the team's channels and says nothing of those.
func (p *Plugin) UserHasLeftTeam(_ *plugin.Context, m *model.TeamMember, _ *model.User) {
	p.withService("UserHasLeftTeam", func(s *service) {
		if m != nil {
			s.engine.Recheck(session.UserID(m.UserId))
		}
	})
}

// MessageWillBePosted keeps posts of calls from being forged.
func (p *Plugin) MessageWillBePosted(_ *plugin.Context, post *model.Post) (replacement *model.Post, refusal string) {
	p.withService("MessageWillBePosted", func(s *service) { refusal = s.posts.MayPost(post) })
	return nil, refusal
}

// MessageWillBeUpdated keeps posts of calls from being changed. The host takes no post for a no; one that is too old for that is given the post as it was.
func (p *Plugin) MessageWillBeUpdated(_ *plugin.Context, post, before *model.Post) (taken *model.Post, refusal string) {
	taken = post
	p.withService("MessageWillBeUpdated", func(s *service) {
		switch refusal = s.posts.MayUpdate(post, before); {
		case refusal != "" && s.refuses:
			taken = nil
		case refusal != "":
			taken = notify.Unchanged(post, before)
		}
	})
	return taken, refusal
}

// ExecuteCommand answers /call.
func (p *Plugin) ExecuteCommand(_ *plugin.Context, args *model.CommandArgs) (*model.CommandResponse, *model.AppError) {
	answer := &model.CommandResponse{}
	p.withService("ExecuteCommand", func(s *service) {
		if args != nil {
			answer = s.commands.Execute(args)
		}
	})
	return answer, nil
}

func (p *Plugin) withService(hook string, fn func(*service)) {
	p.guarded(hook, func() {
		if s := p.running.Load(); s != nil {
			fn(s)
		}
	})
}

// guarded runs a hook. A panic that leaves one would end the process, and with it every call.
func (p *Plugin) guarded(hook string, fn func()) { guard.Run(hook, fn, p.failed) }

func (p *Plugin) failed(f guard.Failure) {
	p.log.Load().Error("a hook failed", "err", f.Error(), "stack", string(f.Stack))
}

func (p *Plugin) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running.Load() != nil {
		return nil
	}
	if config.Disabled(p.getenv) {
		return errors.New("calls are switched off by MM_CALLS_DISABLE")
	}
	log := slog.New(hostlog.New(p.API))
	p.log.Store(log)
	p.settings.Load(p.API, log) // the hook before this one had no log to complain in
	s, err := newService(p.API, p.newEngine, p.settings, p.getenv, log)
	p.settings.Report(log)
	if err != nil {
		return fmt.Errorf("calls cannot start: %w", err)
	}
	p.running.Store(s)
	return nil
}

func (p *Plugin) stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.running.Swap(nil); s != nil {
		return s.close()
	}
	return nil
}
