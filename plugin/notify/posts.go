package notify

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/actors/call"
	"calls/plugin/i18n"
)

// PostType is the type by which clients know the post of a call.
const PostType = "custom_calls"

// PostAPI is the part of the host that keeps posts and knows names.
type PostAPI interface {
	CreatePost(post *model.Post) (*model.Post, *model.AppError)
	UpdatePost(post *model.Post) (*model.Post, *model.AppError)
	GetPost(id string) (*model.Post, *model.AppError)
	GetUser(id string) (*model.User, *model.AppError)
	GetChannel(id string) (*model.Channel, *model.AppError)
	GetConfig() *model.Config
}

// Debts remembers the posts that cannot be closed yet.
type Debts interface {
	// Owe notes the post of a call that has ended.
	Owe(v call.View, endAt time.Time) error
}

// Posts implements call.Posts.
type Posts struct {
	api   PostAPI
	debts Debts
	log   *slog.Logger
	pen   pen
}

// NewPosts makes a Posts.
func NewPosts(api PostAPI, debts Debts, log *slog.Logger) *Posts {
	return &Posts{api: api, debts: debts, log: log}
}

// Create makes the post of a call in its owner's name. A thread that cannot be written to does not keep the call from having its post.
func (p *Posts) Create(v call.View) (call.Post, error) {
	owner, appErr := p.api.GetUser(string(v.Owner))
	if appErr != nil {
		return call.Post{}, fmt.Errorf("who starts the call: %w", appErr)
	}
	post := &model.Post{
		UserId: string(v.Owner), ChannelId: string(v.Channel), RootId: v.Thread, Type: PostType, Message: p.text("post.started", "name", p.name(owner)),
		Props: model.StringInterface{"start_at": v.StartAt.UnixMilli(), "title": v.Title},
	}
	post.Props["attachments"] = attachment(post.Message)
	defer p.pen.take(begins(post))()
	made, appErr := p.api.CreatePost(post)
	if appErr != nil && v.Thread != "" && (permanent(appErr) || appErr.Id == foreignThread) {
		p.log.Warn("the call's thread cannot be written to, its post begins one of its own", "thread", v.Thread, "err", appErr)
		post.RootId = ""
		made, appErr = p.api.CreatePost(post)
	}
	if appErr != nil {
		return call.Post{}, fmt.Errorf("creating the call's post: %w", appErr)
	}
	if made == nil || made.Id == "" {
		return call.Post{}, errors.New("creating the call's post: the host made none") // so the plugin API says that its connection broke
	}
	thread := post.RootId
	if thread == "" {
		thread = made.Id
	}
	return call.Post{ID: made.Id, Thread: thread}, nil
}

// text is in the language of the server, since a post is for everybody.
func (p *Posts) text(key string, pairs ...string) string {
	locale := i18n.Fallback
	if c := p.api.GetConfig(); c != nil && c.LocalizationSettings.DefaultServerLocale != nil {
		locale = *c.LocalizationSettings.DefaultServerLocale
	}
	return i18n.T(locale, key, pairs...)
}

// name is the full name where everybody may see it, else the user name.
// A setting that is off arrives as missing: the plugin API carries no pointers to false.
func (p *Posts) name(u *model.User) string {
	c := p.api.GetConfig()
	full := c != nil && c.PrivacySettings.ShowFullName != nil && *c.PrivacySettings.ShowFullName
	if full && u.FirstName != "" && u.LastName != "" {
		return u.FirstName + " " + u.LastName
	}
	return u.Username
}

// attachment is what clients show that do not know the type.
func attachment(text string) []any {
	return []any{map[string]any{"fallback": text, "title": text, "text": text}}
}

// Close marks the post ended. A post that is gone, or that the host will never let us change, needs no more tries.
func (p *Posts) Close(v call.View, endAt time.Time) error {
	if v.Post.ID == "" {
		return nil
	}
	post, appErr := p.api.GetPost(v.Post.ID)
	if appErr != nil {
		return p.settle(v, appErr)
	}
	if post == nil {
		return errors.New("reading the call's post: the host gave none")
	}
	if !absent(post.GetProp("end_at")) || post.DeleteAt != 0 || post.Type != PostType {
		return nil
	}
	open := post.Message
	post.Message = p.text("post.ended")
	post.SetProps(closed(post.GetProps(), v, endAt, post.Message))
	defer p.pen.take(changes(post.Id))()
	_, appErr = p.api.UpdatePost(post)
	if appErr != nil && permanent(appErr) {
		// Past the host's time limit for edits the message has to stay; clients look at end_at.
		post.Message = open
		_, appErr = p.api.UpdatePost(post)
	}
	if appErr != nil && permanent(appErr) && p.archived(v) {
		return p.debts.Owe(v, endAt) // the host lets nobody change a post in an archived channel; it may come back one day
	}
	if appErr != nil {
		return p.settle(v, appErr)
	}
	return nil
}

func (p *Posts) archived(v call.View) bool {
	c, appErr := p.api.GetChannel(string(v.Channel))
	return appErr == nil && c != nil && c.DeleteAt != 0
}

func closed(props model.StringInterface, v call.View, endAt time.Time, text string) model.StringInterface {
	took := []any{}
	for _, u := range v.Took {
		took = append(took, string(u))
	}
	props = maps.Clone(props)
	if props == nil {
		props = model.StringInterface{}
	}
	maps.DeleteFunc(props, func(_ string, v any) bool { return absent(v) })
	props["end_at"] = endAt.UnixMilli()
	props["participants"] = took
	props["attachments"] = attachment(text)
	return props
}

// settle tells an error that will pass from one that will not.
func (p *Posts) settle(v call.View, appErr *model.AppError) error {
	if !permanent(appErr) {
		return fmt.Errorf("closing the call's post: %w", appErr)
	}
	p.log.Warn("the post of an ended call cannot be closed", "channel", v.Channel, "call", v.Call, "post", v.Post.ID, "err", appErr)
	return nil
}

// foreignThread is how a host refuses a thread of another channel: with a status as if the fault were its own.
const foreignThread = "api.post.create_post.channel_root_id.app_error"

// permanent says that trying the same again will fail again.
func permanent(err *model.AppError) bool {
	return err.StatusCode >= http.StatusBadRequest && err.StatusCode < http.StatusInternalServerError && err.StatusCode != http.StatusTooManyRequests
}
