package notify

import (
	"bytes"
	"encoding/gob"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
)

// host keeps posts with the rules that matter here.
type host struct {
	posts    map[string]*model.Post
	fullName *bool
	noConfig bool
	noThread bool // the thread is gone
	foreign  bool // the thread is another channel's
	noEdits  bool // past the time limit for edits of messages
	archived bool
	down     bool
}

func appErr(code int) *model.AppError { return model.NewAppError("host", "no", nil, "", code) }

func (h *host) GetConfig() *model.Config {
	if h.noConfig {
		return nil
	}
	c := &model.Config{}
	c.PrivacySettings.ShowFullName = h.fullName
	return c
}

func (h *host) GetUser(id string) (*model.User, *model.AppError) {
	switch id {
	case userA:
		return &model.User{Id: id, Username: "alice", FirstName: "Alice", LastName: "Liddell"}, nil
	case userB:
		return &model.User{Id: id, Username: "bob", FirstName: "Bob"}, nil
	}
	return nil, appErr(http.StatusNotFound)
}

func (h *host) GetChannel(id string) (*model.Channel, *model.AppError) {
	c := &model.Channel{Id: id}
	if h.archived {
		c.DeleteAt = 1
	}
	return c, nil
}

func clone(p *model.Post) *model.Post {
	q := p.Clone()
	q.Props = maps.Clone(p.Props)
	return q
}

func (h *host) CreatePost(p *model.Post) (*model.Post, *model.AppError) {
	if h.down {
		return nil, appErr(http.StatusInternalServerError)
	}
	if h.noThread && p.RootId != "" {
		return nil, appErr(http.StatusBadRequest)
	}
	if h.foreign && p.RootId != "" {
		return nil, model.NewAppError("createPost", "api.post.create_post.channel_root_id.app_error", nil, "", http.StatusInternalServerError)
	}
	q := clone(p)
	q.Id = postID
	h.posts[q.Id] = q
	return clone(q), nil
}

func (h *host) GetPost(id string) (*model.Post, *model.AppError) {
	if h.down {
		return nil, appErr(http.StatusInternalServerError)
	}
	if h.posts[id] == nil {
		return nil, appErr(http.StatusNotFound)
	}
	return clone(h.posts[id]), nil
}

func (h *host) UpdatePost(p *model.Post) (*model.Post, *model.AppError) {
	if h.archived || (h.noEdits && p.Message != h.posts[p.Id].Message) {
		return nil, appErr(http.StatusBadRequest)
	}
	h.posts[p.Id] = clone(p)
	return clone(p), nil
}

func posts(h *host) *Posts {
	if h.posts == nil {
		h.posts = map[string]*model.Post{}
	}
	return NewPosts(h, &debts{}, quiet())
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func yes() *bool { b := true; return &b }
func no() *bool  { b := false; return &b }

func begun() call.View {
	return call.View{Channel: chanID, Call: callID, Owner: userA, StartAt: time.UnixMilli(1659712345678), Title: "Planning", Took: []session.UserID{userA, userB}}
}

func TestCreatePost(t *testing.T) {
	h := &host{fullName: yes()}
	got, err := posts(h).Create(begun())
	require.NoError(t, err)
	assert.Equal(t, call.Post{ID: postID, Thread: postID}, got)
	p := h.posts[postID]
	assert.Equal(t, userA, p.UserId)
	assert.Equal(t, chanID, p.ChannelId)
	assert.Equal(t, "custom_calls", p.Type)
	assert.Equal(t, "Alice Liddell started a call", p.Message)
	assert.Equal(t, model.StringInterface{"start_at": int64(1659712345678), "title": "Planning", "attachments": []any{map[string]any{
		"fallback": "Alice Liddell started a call", "title": "Alice Liddell started a call", "text": "Alice Liddell started a call"}}}, p.Props)
	gob.Register([]any{})
	gob.Register(map[string]any{})
	assert.NoError(t, gob.NewEncoder(new(bytes.Buffer)).Encode(p.Props), "must survive the way to the host")
}

func TestNameInThePost(t *testing.T) {
	for _, c := range []struct {
		name  string
		host  host
		owner session.UserID
		want  string
	}{
		{"full names shown", host{fullName: yes()}, userA, "Alice Liddell started a call"},
		{"only half a name", host{fullName: yes()}, userB, "bob started a call"},
		{"full names hidden", host{fullName: no()}, userA, "alice started a call"},
		{"hidden, as it arrives over the plugin API", host{}, userA, "alice started a call"},
		{"no configuration", host{noConfig: true}, userA, "alice started a call"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := begun()
			v.Owner = c.owner
			_, err := posts(&c.host).Create(v)
			require.NoError(t, err)
			assert.Equal(t, c.want, c.host.posts[postID].Message)
		})
	}
}

func TestCreatePostInAThread(t *testing.T) {
	v := begun()
	v.Thread = "root0000000000000000000001"
	h := &host{}
	got, err := posts(h).Create(v)
	require.NoError(t, err)
	assert.Equal(t, call.Post{ID: postID, Thread: v.Thread}, got)
	assert.Equal(t, v.Thread, h.posts[postID].RootId)

	for _, h := range []*host{{noThread: true}, {foreign: true}} {
		got, err = posts(h).Create(v)
		require.NoError(t, err)
		assert.Equal(t, call.Post{ID: postID, Thread: postID}, got, "the call has a post of its own")
	}

	_, err = posts(&host{down: true}).Create(v)
	assert.ErrorContains(t, err, "creating the call's post")
	v.Owner = "nobody"
	_, err = posts(&host{}).Create(v)
	assert.ErrorContains(t, err, "who starts the call")
}

func TestClosePost(t *testing.T) {
	h := &host{}
	p := posts(h)
	v := begun()
	var err error
	v.Post, err = p.Create(v)
	require.NoError(t, err)
	require.NoError(t, p.Close(v, time.UnixMilli(1659712399999)))
	got := h.posts[postID]
	assert.Equal(t, "Call ended", got.Message)
	assert.Equal(t, model.StringInterface{"start_at": int64(1659712345678), "end_at": int64(1659712399999), "title": "Planning", "participants": []any{userA, userB},
		"attachments": []any{map[string]any{"fallback": "Call ended", "title": "Call ended", "text": "Call ended"}}}, got.Props)

	require.NoError(t, p.Close(v, time.UnixMilli(1)), "again")
	assert.Equal(t, int64(1659712399999), h.posts[postID].Props["end_at"])
}

func TestClosePostThatResists(t *testing.T) {
	v := begun()
	require.NoError(t, posts(&host{}).Close(v, time.UnixMilli(2)), "no post was made")
	v.Post = call.Post{ID: postID, Thread: postID}
	require.NoError(t, posts(&host{}).Close(v, time.UnixMilli(2)), "somebody deleted it")

	open := func(h host) *host {
		h.posts = map[string]*model.Post{postID: {Id: postID, Type: PostType, Message: "alice started a call"}}
		return &h
	}
	h := open(host{noEdits: true})
	require.NoError(t, posts(h).Close(v, time.UnixMilli(2)))
	assert.Equal(t, "alice started a call", h.posts[postID].Message)
	assert.Equal(t, int64(2), h.posts[postID].Props["end_at"])

	h = open(host{archived: true})
	require.NoError(t, posts(h).Close(v, time.UnixMilli(2)), "trying again would never help")

	h = open(host{down: true})
	assert.ErrorContains(t, posts(h).Close(v, time.UnixMilli(2)), "closing the call's post", "trying again may help")

	h = open(host{})
	h.posts[postID].Type = ""
	require.NoError(t, posts(h).Close(v, time.UnixMilli(2)))
	assert.Empty(t, h.posts[postID].Props, "not a call's post")
}
