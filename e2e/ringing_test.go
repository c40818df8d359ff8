package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// device is one of somebody's that rings as the stock clients do: when a call begins in a direct or group message, until the call is taken, declined or over.
type device struct {
	*mattermost.Socket
	api     *mattermost.API
	channel string
}

func deviceOf(t *testing.T, api *mattermost.API, channel string) device {
	t.Helper()
	s, err := api.Dial(within(t, settleWithin), nil)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return device{s, api, channel}
}

// rings says whether the device rings now for the call of its channel that began last, and how often one has made it ring.
func (d device) rings(t *testing.T) (now bool, times int) {
	t.Helper()
	call, in := "", map[string]bool{}
	for _, e := range d.Events() {
		if e.Foreign {
			continue
		}
		f := data(t, e)
		if e.Name == "user_dismissed_notification" && f["userID"] == d.api.UserID && f["callID"] == call {
			now = false
		}
		if e.ChannelID != d.channel {
			continue
		}
		session, _ := f["session_id"].(string)
		switch e.Name {
		case "call_start":
			call, _ = f["id"].(string)
			if now = f["owner_id"] != d.api.UserID; now {
				times++
			}
		case "user_joined":
			in[session] = true
			now = now && f["user_id"] != d.api.UserID
		case "user_left":
			delete(in, session)
			now = now && len(in) > 0
		case "call_end":
			now = false
		}
	}
	return now, times
}

// until waits for a device to ring, or to be silent after it has rung so often.
func (d device) until(t *testing.T, ringing bool, times int) {
	t.Helper()
	eventually(t, settleWithin, func() string {
		if now, n := d.rings(t); now != ringing || n != times {
			return fmt.Sprintf("the device rings: %v, and has rung %d times", now, n)
		}
		return ""
	})
}

func ringingOn(t *testing.T) {
	t.Helper()
	configure(t, map[string]any{"EnableRinging": true}, func(c wire.ClientConfig) bool { return c.EnableRinging })
}

// direct is a new direct message between two people of this test's own.
func direct(t *testing.T) (channel string, caller, called *mattermost.API) {
	t.Helper()
	caller, called = newcomer(t), newcomer(t)
	var made struct{ ID string }
	require.NoError(t, caller.Do(within(t, settleWithin), http.MethodPost, "/api/v4/channels/direct", []string{caller.UserID, called.UserID}, &made))
	return made.ID, caller, called
}

func setStatus(t *testing.T, who *mattermost.API, status string) {
	t.Helper()
	require.NoError(t, who.Do(within(t, settleWithin), http.MethodPut, "/api/v4/users/"+who.UserID+"/status", map[string]string{"user_id": who.UserID, "status": status}, nil))
}

// dismissed is whether somebody who looks at the channel now is told to ring no more.
func dismissed(t *testing.T, who *mattermost.API, channel string) bool {
	t.Helper()
	var c wire.Channel
	require.NoError(t, who.Calls(within(t, settleWithin), "/"+channel, &c))
	require.NotNil(t, c.Call)
	return c.Call.DismissedNotification[who.UserID]
}

func TestWhoDeclinesOnOneDeviceIsRungOnNone(t *testing.T) {
	ringingOn(t)
	channel, caller, called := direct(t)
	phone, desktop, hers := deviceOf(t, called, channel), deviceOf(t, called, channel), deviceOf(t, caller, channel)
	call := joinAs(t, caller, channel, client.Config{ID: 1})
	phone.until(t, true, 1)
	desktop.until(t, true, 1)
	assert.False(t, dismissed(t, called, channel))
	require.Equal(t, http.StatusOK, post(t, called, "/calls/"+channel+"/dismiss-notification", nil))
	phone.until(t, false, 1)
	desktop.until(t, false, 1)
	assert.True(t, dismissed(t, called, channel), "nor on one that is switched on now")
	assert.False(t, dismissed(t, caller, channel), "which is nobody else's business")
	hers.until(t, false, 0)
	require.NoError(t, call.Leave())

	again := joinAs(t, caller, channel, client.Config{ID: 1})
	phone.until(t, true, 2)
	require.NoError(t, again.Leave())
	phone.until(t, false, 2)
}

func TestWhoAnswersOnOneDeviceIsRungOnNone(t *testing.T) {
	ringingOn(t)
	r := host(t)
	group, bob, carol := r.Channels.Group.ID, user(t, "bob"), user(t, "carol")
	phone, desktop, other := deviceOf(t, bob, group), deviceOf(t, bob, group), deviceOf(t, carol, group)
	alice := join(t, "alice", group, client.Config{ID: 1})
	phone.until(t, true, 1)
	desktop.until(t, true, 1)
	other.until(t, true, 1)
	answer := join(t, "bob", group, client.Config{ID: 2})
	phone.until(t, false, 1)
	desktop.until(t, false, 1)
	require.NoError(t, answer.Leave())
	awaitWho(t, alice, "user_left", answer)
	assert.True(t, dismissed(t, bob, group), "nor on one that is switched on when he has left again")
	other.until(t, true, 1)
	require.NoError(t, alice.Leave())
	other.until(t, false, 1) // the natural end of a call has no event of its own
}

func TestACallThatIsEndedRingsNoMore(t *testing.T) {
	ringingOn(t)
	channel, caller, called := direct(t)
	phone := deviceOf(t, called, channel)
	joinAs(t, caller, channel, client.Config{ID: 1})
	phone.until(t, true, 1)
	require.Equal(t, http.StatusOK, post(t, caller, "/calls/"+channel+"/end", nil))
	phone.until(t, false, 1)
}

func TestWhoIsNotToBeDisturbedIsNotRung(t *testing.T) {
	ringingOn(t)
	for _, status := range []string{"dnd", "online"} {
		channel, caller, called := direct(t)
		setStatus(t, called, status)
		phone, desktop := deviceOf(t, called, channel), deviceOf(t, called, channel)
		setStatus(t, called, status) // a new socket may make one be online
		call := joinAs(t, caller, channel, client.Config{ID: 1})
		phone.until(t, status == "online", 1)
		desktop.until(t, status == "online", 1)
		assert.Equal(t, status == "dnd", dismissed(t, called, channel))
		require.NoError(t, call.Leave())
	}
}
