package phones

import (
	"errors"
	"fmt"
	"net/rpc"
	"reflect"
	"strings"

	"github.com/mattermost/mattermost-server/v6/model"
)

// line is the way to the host's push notifications. Hosts offer it to plugins since 9.0, by the same connection as everything else; the plugin interface that we are
// built with, so that hosts from 6.6 on can run us, is older and has no method for it. So the request is made on the connection itself.
type line struct {
	client *rpc.Client // nil: there is none, as in tests
	dead   bool        // the host knows no such request
}

// errNoLine says that the host offers no push notifications.
var errNoLine = errors.New("the host sends no push notifications for plugins")

// clientOf is the connection below the plugin interface, which keeps it to itself. Should another version have it elsewhere, there is none, and phones do not ring.
func clientOf(api any) *rpc.Client {
	v := reflect.ValueOf(api)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	f := v.Elem().FieldByName("client")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*rpc.Client]() {
		return nil
	}
	return (*rpc.Client)(f.UnsafePointer())
}

func (l *line) there() bool { return l.client != nil && !l.dead }

// subTypeCalls is what makes a ring of a notification.
const subTypeCalls = "calls"

// notification has the fields of the host's notification that are filled here, by their names there: by these they are told apart on the way.
//
//nolint:staticcheck // the names are the host's
type notification struct {
	PostId           string
	Message          string
	ContentAvailable int
	TeamId           string
	ChannelId        string
	RootId           string
	ChannelName      string
	Type             string
	SubType          string
	SenderId         string
	SenderName       string
	Version          string
	IsIdLoaded       bool
}

type pushArgs struct {
	A *notification
	B string // the user
}

type pushReturns struct{ A *model.AppError }

// push has the host tell all phones of a user. It blocks for as long as the host takes to hand it over to its queue.
func (l *line) push(n *notification, user string) error {
	if !l.there() {
		return errNoLine
	}
	var answer pushReturns
	err := l.client.Call("Plugin.SendPushNotification", &pushArgs{n, user}, &answer)
	var refused rpc.ServerError
	switch {
	case errors.As(err, &refused) && (strings.Contains(err.Error(), "can't find method") || strings.Contains(err.Error(), "not implemented")):
		l.dead = true
		return errNoLine
	case err != nil:
		return fmt.Errorf("asking the host for a push notification: %w", err)
	case answer.A != nil:
		return answer.A
	}
	return nil
}
