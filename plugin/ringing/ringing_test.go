package ringing

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/phones"
)

// host has channels of alice, bob (not to be disturbed) and carol, and notes what devices are told.
type host struct {
	kind   model.ChannelType
	broken bool
	told   []string
	rung   []string
}

func (h *host) fault() *model.AppError {
	if h.broken {
		return model.NewAppError("host", "down", nil, "", http.StatusInternalServerError)
	}
	return nil
}
func (h *host) GetChannel(id string) (*model.Channel, *model.AppError) {
	return &model.Channel{Id: id, Type: h.kind}, nil
}
func (h *host) GetChannelMembers(string, int, int) (model.ChannelMembers, *model.AppError) {
	return model.ChannelMembers{{UserId: "alice"}, {UserId: "bob"}, {UserId: "carol"}}, h.fault()
}
func (h *host) GetUserStatusesByIds([]string) ([]*model.Status, *model.AppError) {
	return []*model.Status{{UserId: "alice", Status: model.StatusDnd}, {UserId: "bob", Status: model.StatusDnd}, {UserId: "carol", Status: model.StatusOnline}, nil}, nil
}
func (h *host) Dismissed(user session.UserID, ch call.ChannelID, id call.ID) error {
	h.told = append(h.told, fmt.Sprint(user, " ", ch, " ", id))
	return nil
}

func (h *host) Ring(c phones.Incoming, callees []phones.Callee) {
	for _, m := range callees {
		h.rung = append(h.rung, fmt.Sprint(m.Member.UserId, " ", m.Status, " by ", c.Caller, " in ", c.Channel.Id, " for ", c.Post.ID))
	}
}

func (h *host) ringing(enabled bool) *Ringing {
	return New(h, h, h, func() bool { return enabled }, slog.New(slog.DiscardHandler))
}

func (r *Ringing) wait() {
	done := make(chan struct{})
	r.serial.Do(func() { close(done) })
	<-done
}

func TestNobodyRingsWhoIsNotToBeDisturbed(t *testing.T) {
	began := call.Event{Channel: "ch", Call: "one", Body: call.Started{Owner: "alice", Post: call.Post{ID: "post"}}}
	for _, c := range []struct {
		name    string
		host    host
		enabled bool
		told    []string
	}{
		{"a direct message", host{kind: model.ChannelTypeDirect}, true, []string{"bob ch one"}},
		{"a group message", host{kind: model.ChannelTypeGroup}, true, []string{"bob ch one"}},
		{"a channel, which does not ring", host{kind: model.ChannelTypeOpen}, true, nil},
		{"ringing switched off", host{kind: model.ChannelTypeDirect}, false, nil},
		{"a host that cannot say", host{kind: model.ChannelTypeDirect, broken: true}, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.host.ringing(c.enabled)
			r.Heard(began)
			r.wait()
			assert.Equal(t, c.told, c.host.told)
			if c.told == nil {
				assert.Empty(t, c.host.rung)
			} else {
				assert.Equal(t, []string{"carol online by alice in ch for post"}, c.host.rung, "not the caller's phone, and not that of who is not to be disturbed")
			}
			assert.Equal(t, c.told != nil, r.Dismissed("bob", "one"))
			assert.False(t, r.Dismissed("carol", "one"))
		})
	}
}

func TestADismissalIsToldOnceAndForgottenWithTheCall(t *testing.T) {
	h := &host{}
	r := h.ringing(true)
	r.Dismiss("carol", "ch", "one")
	r.Dismiss("carol", "ch", "one")
	r.wait()
	assert.Equal(t, []string{"carol ch one"}, h.told)
	assert.True(t, r.Dismissed("carol", "one"))
	assert.False(t, r.Dismissed("carol", "two"))
	r.Heard(call.Event{Channel: "ch", Call: "one", Body: call.Ended{}})
	r.wait()
	assert.False(t, r.Dismissed("carol", "one"))
}

func TestWhoAnswersIsRungNoMore(t *testing.T) {
	for kind, told := range map[model.ChannelType][]string{model.ChannelTypeGroup: {"bob ch one"}, model.ChannelTypePrivate: nil} {
		h := &host{kind: kind}
		r := h.ringing(true)
		r.Heard(call.Event{Channel: "ch", Call: "one", Body: call.Started{Owner: "alice"}})
		for _, who := range []session.UserID{"alice", "carol", "carol"} { // on two devices
			r.Heard(call.Event{Channel: "ch", Call: "one", Body: call.Joined{User: who}})
		}
		r.wait()
		assert.Equal(t, told, h.told, "devices that ring stop at her joining")
		assert.Equal(t, told != nil, r.Dismissed("carol", "one"), "and not when she leaves and looks with a third")
		assert.False(t, r.Dismissed("alice", "one"), "she called")
	}
}
