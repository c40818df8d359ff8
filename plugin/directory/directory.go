// Package directory knows who may take part in a channel's call.
package directory

import (
	"fmt"
	"net/http"

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
}

// Choices knows what channels chose.
type Choices interface {
	Choice(ch call.ChannelID) (*bool, error)
}

// Directory implements actors.Directory. Its methods block on the host.
type Directory struct {
	host           Host
	choices        Choices
	defaultEnabled func() bool
}

// New makes a Directory.
func New(host Host, choices Choices, defaultEnabled func() bool) *Directory {
	return &Directory{host, choices, defaultEnabled}
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
