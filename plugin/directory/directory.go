// Package directory knows who may take part in a channel's call.
package directory

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors"
	"calls/actors/call"
	"calls/actors/session"
	"calls/wire"
)

// Host is the part of the host that knows people and channels.
type Host interface {
	GetUser(id string) (*model.User, *model.AppError)
	GetChannel(id string) (*model.Channel, *model.AppError)
	GetChannelMember(channelID, userID string) (*model.ChannelMember, *model.AppError)
	HasPermissionToChannel(userID, channelID string, permission *model.Permission) bool
	GetSession(id string) (*model.Session, *model.AppError)
}

// Choices knows what channels chose.
type Choices interface {
	Choice(ch call.ChannelID) (*bool, error)
}

// Directory implements actors.Directory. Its methods block on the host.
type Directory struct {
	host           Host
	choices        Choices
	logins         *Logins
	defaultEnabled func() bool
}

// New makes a Directory.
func New(host Host, choices Choices, logins *Logins, defaultEnabled func() bool) *Directory {
	return &Directory{host, choices, logins, defaultEnabled}
}

// MayJoin says whether the user may start or join the channel's call. The permission comes first: who has none learns nothing about the channel.
func (d *Directory) MayJoin(user session.UserID, ch call.ChannelID) (actors.Entrant, error) {
	if !d.host.HasPermissionToChannel(string(user), string(ch), model.PermissionCreatePost) {
		return actors.Entrant{}, wire.ErrForbidden
	}
	if err := d.person(user); err != nil {
		return actors.Entrant{}, err
	}
	if err := d.channel(ch); err != nil {
		return actors.Entrant{}, err
	}
	member, err := d.member(user, ch)
	return actors.Entrant{Member: member}, err
}

// MayStay says why the user may not stay in the channel's call, nothing when they may: deactivated and logged-out people keep their sockets, and of those who
// were removed the host tells only in part.
func (d *Directory) MayStay(user session.UserID, ch call.ChannelID, auth string) (session.EndReason, error) {
	u, appErr := d.host.GetUser(string(user))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return session.SessionRevoked, nil
	case appErr != nil:
		return "", fmt.Errorf("looking up user %s: %w", user, appErr)
	case u == nil:
		return "", fmt.Errorf("looking up user %s: the host gave nobody", user)
	case u.DeleteAt != 0:
		return session.SessionRevoked, nil
	}
	gone, err := d.loggedOut(user, auth, ch)
	switch {
	case err != nil:
		return "", err
	case gone:
		return session.SessionRevoked, nil
	}
	if d.host.HasPermissionToChannel(string(user), string(ch), model.PermissionReadChannel) {
		return "", nil
	}
	// The host says no when it cannot ask its database, too.
	if _, err := d.choices.Choice(ch); err != nil {
		return "", err
	}
	return session.RemovedFromChannel, nil
}

// MayReturn says why the user may not come back to the channel's call: besides what it takes to stay, that is the right to join.
func (d *Directory) MayReturn(user session.UserID, ch call.ChannelID, auth string) (session.EndReason, error) {
	reason, err := d.MayStay(user, ch, auth)
	if reason != "" || err != nil || d.host.HasPermissionToChannel(string(user), string(ch), model.PermissionCreatePost) {
		return reason, err
	}
	if _, err := d.choices.Choice(ch); err != nil { // the host says no when it cannot ask its database, too
		return "", err
	}
	return session.Forbidden, nil
}

// loggedOut says whether the login session under which somebody came is no more. Where the host does not name it, it is one of those that the user was seen with:
// it is no more when none of them is.
func (d *Directory) loggedOut(user session.UserID, auth string, ch call.ChannelID) (bool, error) {
	if auth != "" {
		return d.over(auth, ch)
	}
	ids := d.logins.of(user)
	for _, id := range slices.Backward(ids) { // the last one seen is the likeliest to be good
		if over, err := d.over(id, ch); err != nil || !over {
			return false, err
		}
	}
	if len(ids) > 0 {
		d.logins.ended(user, ids)
	}
	return len(ids) > 0, nil
}

// over says whether a login session is no more. The host gives the same error for a session that is gone and for a database that is away, so the database is
// asked for something else, too.
func (d *Directory) over(auth string, ch call.ChannelID) (bool, error) {
	s, appErr := d.host.GetSession(auth)
	if appErr == nil {
		return s != nil && s.IsExpired(), nil
	}
	if _, err := d.choices.Choice(ch); err != nil {
		return false, fmt.Errorf("looking up a login session: %w", err)
	}
	return true, nil
}

// Archived says whether the channel was archived or deleted.
func (d *Directory) Archived(ch call.ChannelID) (bool, error) {
	c, appErr := d.host.GetChannel(string(ch))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return true, nil
	case appErr != nil:
		return false, fmt.Errorf("looking up channel %s: %w", ch, appErr)
	case c == nil:
		return false, fmt.Errorf("looking up channel %s: the host gave none", ch)
	}
	return c.DeleteAt != 0, nil
}

// person refuses bots and people who were deactivated: the host does not close their sockets.
func (d *Directory) person(user session.UserID) error {
	u, appErr := d.host.GetUser(string(user))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return wire.ErrForbidden
	case appErr != nil:
		return fmt.Errorf("looking up user %s: %w", user, appErr)
	case u == nil:
		return fmt.Errorf("looking up user %s: the host gave nobody", user)
	case u.IsBot || u.DeleteAt != 0:
		return wire.ErrForbidden
	}
	return nil
}

// channel refuses archived channels and those where calls are switched off. The permission says nothing of either, nor that the channel exists.
func (d *Directory) channel(ch call.ChannelID) error {
	c, appErr := d.host.GetChannel(string(ch))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return wire.ErrForbidden
	case appErr != nil:
		return fmt.Errorf("looking up channel %s: %w", ch, appErr)
	case c == nil:
		return fmt.Errorf("looking up channel %s: the host gave none", ch)
	case c.DeleteAt != 0:
		return wire.ErrArchived
	}
	choice, err := d.choices.Choice(ch)
	if err != nil {
		return err
	}
	enabled := d.defaultEnabled()
	if choice != nil {
		enabled = *choice
	}
	if !enabled {
		return wire.ErrDisabled
	}
	return nil
}

func (d *Directory) member(user session.UserID, ch call.ChannelID) (bool, error) {
	m, appErr := d.host.GetChannelMember(string(ch), string(user))
	switch {
	case appErr != nil && appErr.StatusCode == http.StatusNotFound:
		return false, nil
	case appErr != nil:
		return false, fmt.Errorf("looking up the membership of user %s in channel %s: %w", user, ch, appErr)
	}
	return m != nil, nil
}
