package phones

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/rpc"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
)

// server is the end of the connection at a host that offers push notifications. Its types are its own, with fields that ours do not have.
type server struct {
	got  []HostNotification
	to   []string
	fail *model.AppError
}

// HostNotification, HostArgs and HostReturns are exported because net/rpc wants it.
//
//nolint:staticcheck // the names are the host's
type HostNotification struct {
	AckId, Platform, PostId, Category, Message, TeamId, ChannelId, RootId, ChannelName, Type string
	SubType                                                                                  HostSubType
	SenderId, SenderName, Version, Signature                                                 string
	Badge, ContentAvailable                                                                  int
	IsIdLoaded                                                                               bool
}

type HostSubType string

type HostArgs struct {
	A *HostNotification
	B string
}

type HostReturns struct{ A *model.AppError }

func (s *server) SendPushNotification(args *HostArgs, returns *HostReturns) error {
	s.got, s.to = append(s.got, *args.A), append(s.to, args.B)
	returns.A = s.fail
	return nil
}

// old is a host that offers something else.
type old struct{}

func (old) LogInfo(*HostArgs, *HostReturns) error { return nil }

// api is a plugin interface that keeps its connection to itself, as the real one does.
type api struct{ client *rpc.Client }

func dial(t *testing.T, host any) *api {
	t.Helper()
	ours, theirs := net.Pipe()
	s := rpc.NewServer()
	require.NoError(t, s.RegisterName("Plugin", host))
	done := make(chan struct{})
	go func() { defer close(done); s.ServeConn(theirs) }()
	c := rpc.NewClient(ours)
	t.Cleanup(func() { _ = c.Close(); <-done })
	return &api{c}
}

func TestThePhoneIsToldByTheConnectionBelowTheInterface(t *testing.T) {
	s := &server{}
	l := line{client: clientOf(dial(t, s))}
	require.True(t, l.there())
	require.NoError(t, l.push(&notification{PostId: "post", Message: "alice is calling you", SubType: subTypeCalls, ContentAvailable: 1, IsIdLoaded: true}, "bob"))
	assert.Equal(t, []HostNotification{{PostId: "post", Message: "alice is calling you", SubType: "calls", ContentAvailable: 1, IsIdLoaded: true}}, s.got)
	assert.Equal(t, []string{"bob"}, s.to)
	s.fail = model.NewAppError("host", "no push server", nil, "", http.StatusInternalServerError)
	assert.ErrorContains(t, l.push(&notification{}, "bob"), "no push server")
	assert.True(t, l.there(), "the next time it may be well")
}

func TestAHostThatOffersNoneIsAskedOnce(t *testing.T) {
	a := dial(t, old{})
	l := line{client: clientOf(a)}
	require.ErrorIs(t, l.push(&notification{}, "bob"), errNoLine)
	assert.False(t, l.there())
	require.ErrorIs(t, l.push(&notification{}, "bob"), errNoLine)
	require.NoError(t, a.client.Call("Plugin.LogInfo", &HostArgs{}, &HostReturns{}), "the connection is none the worse")
	require.NoError(t, a.client.Close())
	l = line{client: a.client}
	err := l.push(&notification{}, "bob")
	require.Error(t, err)
	assert.False(t, errors.Is(err, errNoLine), "a connection that broke is no host without")
}

func TestWithoutAConnectionThereIsNoLine(t *testing.T) {
	for _, a := range []any{nil, 7, "api", api{}, &api{}, &struct{}{}, &struct{ client string }{}, (*api)(nil), func() {}} {
		l := line{client: clientOf(a)}
		assert.False(t, l.there(), "%T", a)
	}
}

func TestWhoWantsToBeRung(t *testing.T) {
	for _, c := range []struct {
		name, status  string
		user, channel model.StringMap
		want          bool
	}{
		{"nothing chosen", model.StatusOnline, nil, nil, true},
		{"unknown how they are", "", nil, nil, true},
		{"not to be disturbed", model.StatusDnd, nil, nil, false},
		{"out of office", model.StatusOutOfOffice, nil, nil, false},
		{"mentions", model.StatusOffline, model.StringMap{"push": "mention"}, nil, true},
		{"no push", model.StatusOffline, model.StringMap{"push": "none"}, nil, false},
		{"no push of this conversation", model.StatusOffline, nil, model.StringMap{"push": "none"}, false},
		{"muted", model.StatusOffline, nil, model.StringMap{"mark_unread": "mention"}, false},
		{"everything of it", model.StatusOffline, nil, model.StringMap{"push": "all", "mark_unread": "all"}, true},
		{"when away, and is here", model.StatusOnline, model.StringMap{"push_status": "away"}, nil, false},
		{"when away, and is", model.StatusAway, model.StringMap{"push_status": "away"}, nil, true},
		{"when offline, and is away", model.StatusAway, model.StringMap{"push_status": "offline"}, nil, false},
		{"when offline, and is", model.StatusOffline, model.StringMap{"push_status": "offline"}, nil, true},
		{"always", model.StatusOnline, model.StringMap{"push_status": "online"}, nil, true},
	} {
		callee := Callee{Member: model.ChannelMember{NotifyProps: c.channel}, Status: c.status}
		assert.Equal(t, c.want, wants(&model.User{NotifyProps: c.user}, callee), c.name)
	}
	assert.False(t, wants(&model.User{IsBot: true}, Callee{}))
	assert.False(t, wants(&model.User{DeleteAt: 1}, Callee{}))
}

// people are alice, who calls, and bob and carol (who is German); gone is not there.
type people struct{ cfg *model.Config }

func (p people) GetConfig() *model.Config { return p.cfg }
func (p people) GetUser(id string) (*model.User, *model.AppError) {
	if id == "gone" {
		return nil, model.NewAppError("host", "none", nil, "", http.StatusNotFound)
	}
	return &model.User{Id: id, Username: id + ".name", FirstName: "Secret", Locale: map[string]string{"carol": "de"}[id]}, nil
}

func TestWhatPhonesAreTold(t *testing.T) {
	on, id := true, model.IdLoadedNotification
	noChannel, full := model.GenericNoChannelNotification, model.FullNotification
	direct, group := &model.Channel{Id: "ch", Type: model.ChannelTypeDirect}, &model.Channel{Id: "ch", Type: model.ChannelTypeGroup, DisplayName: "alice, bob, carol"}
	sent := func(m HostNotification) HostNotification {
		m.Version, m.Type, m.SubType, m.ContentAvailable, m.PostId, m.ChannelId = "v2", "message", "calls", 1, "post", "ch"
		if !m.IsIdLoaded {
			m.SenderId, m.SenderName = "alice", "alice.name"
		}
		return m
	}
	for _, c := range []struct {
		name     string
		contents *string
		channel  *model.Channel
		thread   string
		to       string
		want     HostNotification
	}{
		{"direct", &full, direct, "post", "bob", HostNotification{Message: "alice.name is calling you", ChannelName: "alice.name"}},
		{"in her language", &full, direct, "post", "carol", HostNotification{Message: "alice.name ruft dich an", ChannelName: "alice.name"}},
		{"in a thread", &full, group, "root", "bob", HostNotification{Message: "alice.name is calling you", ChannelName: "alice, bob, carol", RootId: "root"}},
		{"without the channel", &noChannel, group, "post", "bob", HostNotification{Message: "alice.name is calling you"}},
		{"not said how much", nil, group, "post", "bob", HostNotification{Message: "alice.name is calling you"}},
		{"nothing but where it is", &id, group, "post", "bob", HostNotification{Message: "Somebody is calling you", IsIdLoaded: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &server{}
			cfg := &model.Config{EmailSettings: model.EmailSettings{SendPushNotifications: &on, PushNotificationContents: c.contents}}
			p := New(people{cfg}, dial(t, s), slog.New(slog.DiscardHandler))
			p.ring(Incoming{Channel: c.channel, Post: call.Post{ID: "post", Thread: c.thread}, Caller: "alice"},
				[]Callee{{Member: model.ChannelMember{UserId: "gone"}}, {Member: model.ChannelMember{UserId: c.to}}, {Member: model.ChannelMember{UserId: "quiet"}, Status: model.StatusDnd}})
			assert.Equal(t, []HostNotification{sent(c.want)}, s.got)
			assert.Equal(t, []string{c.to}, s.to)
		})
	}
	for name, cfg := range map[string]*model.Config{"no settings": nil, "push is off": {}} {
		s := &server{}
		New(people{cfg}, dial(t, s), slog.New(slog.DiscardHandler)).ring(Incoming{Channel: direct, Caller: "alice"}, []Callee{{Member: model.ChannelMember{UserId: "bob"}}})
		assert.Empty(t, s.got, name)
	}
	s := &server{}
	cfg := &model.Config{EmailSettings: model.EmailSettings{SendPushNotifications: &on}}
	New(people{cfg}, dial(t, s), slog.New(slog.DiscardHandler)).ring(Incoming{Channel: direct, Caller: "gone"}, []Callee{{Member: model.ChannelMember{UserId: "bob"}}})
	assert.Empty(t, s.got, "nobody knows who calls")
	New(people{}, nil, slog.New(slog.DiscardHandler)).ring(Incoming{}, nil) // no connection: nothing is asked at all
}
