package directory

import (
	"errors"
	"net/http"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

var (
	_ actors.Directory = (*Directory)(nil)
	_ actors.Residents = (*Directory)(nil)
)

const (
	chanID = "chan0000000000000000000001"
	userA  = "usera000000000000000000001"
)

// host answers about one user and one channel. A code other than 0 is the host's error.
type host struct {
	permitted                         bool
	readOnly                          bool // may read, and not post
	user                              model.User
	channel                           model.Channel
	userCode, channelCode, memberCode int
	choice                            *bool
	choiceErr                         error
	defaultOn                         bool
	expires                           int64 // of the login session
	sessionCode                       int
}

func fault(code int) *model.AppError {
	if code == 0 {
		return nil
	}
	return model.NewAppError("host", "no", nil, "", code)
}

func (h *host) GetUser(string) (*model.User, *model.AppError) { return &h.user, fault(h.userCode) }
func (h *host) GetChannel(string) (*model.Channel, *model.AppError) {
	return &h.channel, fault(h.channelCode)
}
func (h *host) GetChannelMember(ch, u string) (*model.ChannelMember, *model.AppError) {
	if h.memberCode != 0 {
		return nil, fault(h.memberCode)
	}
	return &model.ChannelMember{ChannelId: ch, UserId: u}, nil
}
func (h *host) HasPermissionToChannel(u, ch string, p *model.Permission) bool {
	return h.permitted && u == userA && ch == chanID && (p.Id == model.PermissionCreatePost.Id && !h.readOnly || p.Id == model.PermissionReadChannel.Id)
}
func (h *host) GetSession(string) (*model.Session, *model.AppError) {
	return &model.Session{ExpiresAt: h.expires}, fault(h.sessionCode)
}
func (h *host) Choice(call.ChannelID) (*bool, error) { return h.choice, h.choiceErr }

func TestMayJoin(t *testing.T) {
	on, off := true, false
	down := errors.New("store is down")
	for _, c := range []struct {
		name   string
		change func(*host)
		want   actors.Entrant
		err    error  // a refusal for users
		says   string // a fault for the log
	}{
		{"a member", func(*host) {}, actors.Entrant{Member: true}, nil, ""},
		{"a system admin", func(h *host) { h.memberCode = http.StatusNotFound }, actors.Entrant{}, nil, ""},
		{"a stranger", func(h *host) { h.permitted = false }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"a stranger to an archived channel", func(h *host) { h.permitted, h.channel.DeleteAt = false, 1 }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"a bot", func(h *host) { h.user.IsBot = true }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"somebody deactivated", func(h *host) { h.user.DeleteAt = 1 }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"somebody removed", func(h *host) { h.userCode = http.StatusNotFound }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"a channel that is not there", func(h *host) { h.channelCode = http.StatusNotFound }, actors.Entrant{}, wire.ErrForbidden, ""},
		{"an archived channel", func(h *host) { h.channel.DeleteAt = 1 }, actors.Entrant{}, wire.ErrArchived, ""},
		{"switched off", func(h *host) { h.choice = &off }, actors.Entrant{}, wire.ErrDisabled, ""},
		{"test mode", func(h *host) { h.defaultOn = false }, actors.Entrant{}, wire.ErrDisabled, ""},
		{"test mode, switched on", func(h *host) { h.defaultOn, h.choice = false, &on }, actors.Entrant{Member: true}, nil, ""},
		{"no users", func(h *host) { h.userCode = 500 }, actors.Entrant{}, nil, "looking up user"},
		{"no channels", func(h *host) { h.channelCode = 500 }, actors.Entrant{}, nil, "looking up channel"},
		{"no memberships", func(h *host) { h.memberCode = 500 }, actors.Entrant{}, nil, "looking up the membership"},
		{"no store", func(h *host) { h.choiceErr = down }, actors.Entrant{}, down, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &host{permitted: true, defaultOn: true}
			c.change(h)
			got, err := New(h, h, NewLogins(), func() bool { return h.defaultOn }).MayJoin(userA, chanID)
			assert.Equal(t, c.want, got)
			var refusal *wire.Error
			switch {
			case c.says != "":
				assert.ErrorContains(t, err, c.says)
				assert.False(t, errors.As(err, &refusal), "a fault is not for users")
			default:
				assert.Equal(t, c.err, err)
			}
		})
	}
}

func TestMayStay(t *testing.T) {
	away := errors.New("the database is away")
	for _, c := range []struct {
		name   string
		change func(*host)
		auth   string
		want   session.EndReason
		fails  bool
	}{
		{name: "a member", change: func(*host) {}, auth: "login"},
		{name: "a member whose login is not known", change: func(h *host) { h.sessionCode = 400 }},
		{name: "removed", change: func(h *host) { h.permitted = false }, auth: "login", want: session.RemovedFromChannel},
		{name: "deactivated", change: func(h *host) { h.user.DeleteAt = 1 }, auth: "login", want: session.SessionRevoked},
		{name: "deleted", change: func(h *host) { h.userCode = 404 }, want: session.SessionRevoked},
		{name: "logged out", change: func(h *host) { h.sessionCode = 400 }, auth: "login", want: session.SessionRevoked},
		{name: "login expired", change: func(h *host) { h.expires = 1 }, auth: "login", want: session.SessionRevoked},
		{name: "host away", change: func(h *host) { h.userCode = 500 }, auth: "login", fails: true},
		{name: "database away, user cached", change: func(h *host) { h.sessionCode, h.choiceErr = 400, away }, auth: "login", fails: true},
		{name: "database away, permission asked", change: func(h *host) { h.permitted, h.choiceErr = false, away }, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &host{permitted: true}
			c.change(h)
			reason, err := New(h, h, NewLogins(), func() bool { return true }).MayStay(userA, chanID, c.auth)
			assert.Equal(t, c.want, reason)
			assert.Equal(t, c.fails, err != nil, "%v", err)
		})
	}
}

func TestMayReturn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*host)
		want   session.EndReason
		fails  bool
	}{
		{name: "a member", change: func(*host) {}},
		{name: "one who may only read by now", change: func(h *host) { h.readOnly = true }, want: session.Forbidden},
		{name: "removed", change: func(h *host) { h.permitted = false }, want: session.RemovedFromChannel},
		{name: "logged out", change: func(h *host) { h.sessionCode = 400 }, want: session.SessionRevoked},
		{name: "host away", change: func(h *host) { h.userCode = 500 }, fails: true},
		{name: "database away, permission asked", change: func(h *host) { h.readOnly, h.choiceErr = true, errors.New("the database is away") }, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &host{permitted: true}
			c.change(h)
			reason, err := New(h, h, NewLogins(), func() bool { return true }).MayReturn(userA, chanID, "login")
			assert.Equal(t, c.want, reason)
			assert.Equal(t, c.fails, err != nil, "%v", err)
		})
	}
}

func TestArchived(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*host)
		want   bool
		says   string
	}{
		{"open", func(*host) {}, false, ""},
		{"archived", func(h *host) { h.channel.DeleteAt = 1 }, true, ""},
		{"deleted for good", func(h *host) { h.channelCode = http.StatusNotFound }, true, ""},
		{"no answer", func(h *host) { h.channelCode = http.StatusInternalServerError }, false, "looking up channel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &host{}
			c.change(h)
			got, err := New(h, h, NewLogins(), nil).Archived(chanID)
			assert.Equal(t, c.want, got)
			if c.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.says)
			}
		})
	}
}
