// Package ringing knows who wants no ringing for a call. Clients ring by themselves when a call begins in a direct or group message; what the server does is
// to stop them on all devices when the user has taken or declined the call on one, or has asked not to be disturbed.
package ringing

import (
	"log/slog"
	"sync"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/actors/session"
	"calls/guard"
	"calls/plugin/bounded"
	"calls/plugin/phones"
)

const (
	maxCalls   = 10000 // remembered; the longest untouched is forgotten
	maxMembers = 20    // of a direct or group message; the host allows fewer
)

// Host is the part of the host that knows members and how they are.
type Host interface {
	GetChannel(id string) (*model.Channel, *model.AppError)
	GetChannelMembers(channelID string, page, perPage int) (model.ChannelMembers, *model.AppError)
	GetUserStatusesByIds(userIDs []string) ([]*model.Status, *model.AppError)
}

// Teller tells a user's devices. It may block.
type Teller interface {
	Dismissed(user session.UserID, ch call.ChannelID, id call.ID) error
}

// Phones rings people's phones. It returns at once.
type Phones interface {
	Ring(c phones.Incoming, callees []phones.Callee)
}

// Ringing keeps who has dismissed the ringing of which call.
type Ringing struct {
	host    Host
	teller  Teller
	phones  Phones
	enabled func() bool
	log     *slog.Logger
	calls   *bounded.Map[call.ID, *dismissals]
	serial  *guard.Serial
}

type dismissals struct {
	mu     sync.Mutex
	users  map[session.UserID]bool
	rings  bool           // it began in a direct or group message, while ringing was switched on
	caller session.UserID // whom it does not ring for anyway
}

// New makes a Ringing.
func New(host Host, teller Teller, phones Phones, enabled func() bool, log *slog.Logger) *Ringing {
	failed := func(f guard.Failure) { log.Error("a goroutine failed", "err", f.Error(), "stack", string(f.Stack)) }
	return &Ringing{
		host: host, teller: teller, phones: phones, enabled: enabled, log: log, serial: guard.NewSerial("ringing", failed),
		calls: bounded.New[call.ID](maxCalls, func() *dismissals { return &dismissals{users: map[session.UserID]bool{}} }),
	}
}

// Dismiss stops the ringing of a call on all devices of a user. It returns at once.
func (r *Ringing) Dismiss(user session.UserID, ch call.ChannelID, id call.ID) {
	if r.note(user, id) {
		r.serial.Do(func() { r.tell(user, ch, id) })
	}
}

// note says whether it is news that the user wants no ringing.
func (r *Ringing) note(user session.UserID, id call.ID) (news bool) {
	d := r.calls.Get(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	news = !d.users[user]
	d.users[user] = true
	return news
}

func (r *Ringing) tell(user session.UserID, ch call.ChannelID, id call.ID) {
	if err := r.teller.Dismissed(user, ch, id); err != nil {
		r.log.Warn("a user's devices could not be told to stop ringing", "user", user, "channel", ch, "err", err)
	}
}

// Dismissed says whether the user wants no ringing for a call.
func (r *Ringing) Dismissed(user session.UserID, id call.ID) bool {
	d := r.calls.Get(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.users[user]
}

// Heard follows a call's events, after they were told: a beginning rings, and must not for those who are not to be disturbed; who takes part has answered, on
// whatever device. It returns at once, and handles events in their order.
func (r *Ringing) Heard(e call.Event) {
	switch b := e.Body.(type) {
	case call.Started:
		if r.enabled() {
			r.serial.Do(func() { r.begin(e.Channel, e.Call, b) })
		}
	case call.Joined:
		if r.enabled() {
			r.serial.Do(func() { r.answered(e.Call, b.User) })
		}
	case call.Ended:
		r.serial.Do(func() { r.calls.Delete(e.Call) })
	}
}

// begin has a call ring in a direct or group message: on devices that are switched on by itself, on phones that are not by a push notification, and for those who are
// not to be disturbed by neither.
func (r *Ringing) begin(ch call.ChannelID, id call.ID, b call.Started) {
	c, members, appErr := r.callees(ch)
	if appErr != nil {
		r.log.Warn("could not ask who is not to be disturbed by a call", "channel", ch, "err", appErr)
	}
	d := r.calls.Get(id)
	d.mu.Lock()
	d.rings, d.caller = c != nil, b.Owner
	d.mu.Unlock()
	var ring []phones.Callee
	for _, m := range members {
		u := session.UserID(m.Member.UserId)
		switch {
		case u == b.Owner:
		case m.Status != model.StatusDnd && m.Status != model.StatusOutOfOffice: // the host spares the latter its notifications, too
			ring = append(ring, m)
		case r.note(u, id):
			r.tell(u, ch, id)
		}
	}
	if len(ring) > 0 {
		r.phones.Ring(phones.Incoming{Channel: c, Post: b.Post, Caller: b.Owner}, ring)
	}
}

// answered keeps devices from ringing that somebody who has taken part switches on only after that. Those that ring now have stopped at the user's own joining; a
// dismissal would take the banner away, too, by which they find back in.
func (r *Ringing) answered(id call.ID, user session.UserID) {
	d := r.calls.Get(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rings && user != d.caller {
		d.users[user] = true
	}
}

// callees is the channel, if a call in it rings, and its members with how they are.
func (r *Ringing) callees(ch call.ChannelID) (c *model.Channel, list []phones.Callee, appErr *model.AppError) {
	c, appErr = r.host.GetChannel(string(ch))
	if appErr != nil || c == nil || (c.Type != model.ChannelTypeDirect && c.Type != model.ChannelTypeGroup) {
		return nil, nil, appErr
	}
	members, appErr := r.host.GetChannelMembers(string(ch), 0, maxMembers)
	if appErr != nil || len(members) == 0 {
		return c, nil, appErr
	}
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.UserId
	}
	states, appErr := r.host.GetUserStatusesByIds(ids)
	if appErr != nil {
		return c, nil, appErr
	}
	status := map[string]string{}
	for _, s := range states {
		if s != nil {
			status[s.UserId] = s.Status
		}
	}
	for _, m := range members {
		list = append(list, phones.Callee{Member: m, Status: status[m.UserId]})
	}
	return c, list, nil
}
