package directory

import (
	"errors"
	"fmt"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
)

// logbook is a host that knows which logins are still good.
type logbook struct {
	host
	good map[string]bool
}

func (l *logbook) GetSession(id string) (*model.Session, *model.AppError) {
	if !l.good[id] {
		return nil, fault(404)
	}
	return &model.Session{Id: id}, nil
}

func (l *logbook) Choice(call.ChannelID) (*bool, error) { return nil, l.choiceErr }

func TestALoginThatTheHostDoesNotNameIsOverWithTheLastOne(t *testing.T) {
	h := &logbook{host: host{permitted: true}, good: map[string]bool{"phone": true, "desk": true}}
	logins := NewLogins()
	d := New(h, h, logins, nil)
	stays := func(want session.EndReason, why string) {
		t.Helper()
		reason, err := d.MayStay(userA, chanID, "")
		require.NoError(t, err)
		assert.Equal(t, want, reason, why)
	}
	stays("", "who was never seen is left alone")
	logins.Seen(userA, "phone")
	logins.Seen(userA, "desk")
	logins.Seen(userA, "")
	logins.Seen("", "nobody's")
	stays("", "both are good")
	delete(h.good, "desk")
	stays("", "it may be the phone's")
	delete(h.good, "phone")
	h.choiceErr = errors.New("the database is away")
	_, err := d.MayStay(userA, chanID, "")
	require.Error(t, err, "the host cannot say")
	h.choiceErr = nil
	stays(session.SessionRevoked, "the last one is over")
	stays(session.SessionRevoked, "another session of the same user goes, too")

	logins.Joining(userA)
	stays("", "who joins all the same has a login that was never seen")
	h.good["new"] = true
	logins.Seen(userA, "new")
	stays("", "a new login")
	delete(h.good, "new")
	stays(session.SessionRevoked, "which ends as well")
	logins.Seen(userA, "newer")
	h.good["newer"] = true
	stays("", "what is over does not count beside a new one")
}

func TestLoginsAreBoundedAndNotNeededWhereTheHostNamesThem(t *testing.T) {
	logins := NewLogins()
	for i := range maxLogins + 2 {
		logins.Seen(userA, fmt.Sprint(i))
	}
	logins.Seen(userA, "5") // again: now the last
	assert.Equal(t, []string{"2", "3", "4", "6", "7", "8", "9", "5"}, logins.of(userA))
	logins.Named()
	logins.Seen(userA, "x")
	logins.Joining(userA)
	assert.Empty(t, logins.of(userA))
}
