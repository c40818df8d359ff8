package notify

import (
	"bytes"
	"encoding/gob"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
)

// asking is a host that asks about every post and change before it takes it, as the real one does.
type asking struct {
	*host
	posts *Posts
}

func (a *asking) CreatePost(p *model.Post) (*model.Post, *model.AppError) {
	if a.posts.MayPost(p.Clone()) != "" {
		return nil, appErr(400)
	}
	return a.host.CreatePost(p)
}

func (a *asking) UpdatePost(p *model.Post) (*model.Post, *model.AppError) {
	before := a.host.posts[p.Id]
	if before != nil && a.posts.MayUpdate(p.Clone(), before.Clone()) != "" {
		return nil, appErr(400)
	}
	return a.host.UpdatePost(p)
}

func TestOnlyThePluginWritesThePostsOfCalls(t *testing.T) {
	a := &asking{host: &host{posts: map[string]*model.Post{}}}
	a.posts = NewPosts(a, &debts{}, quiet())
	v := begun()
	var err error
	v.Post, err = a.posts.Create(v)
	require.NoError(t, err, "ours")
	ours := clone(a.host.posts[postID])

	forged := clone(ours)
	forged.Id = ""
	assert.NotEmpty(t, a.posts.MayPost(forged), "a copy of ours, made by a user")
	assert.Empty(t, a.posts.MayPost(&model.Post{Message: "hello", Props: model.StringInterface{"start_at": 1}}), "any other post")
	assert.Empty(t, a.posts.MayPost(nil))

	for name, change := range map[string]func(*model.Post){
		"message": func(p *model.Post) { p.Message = "Join here" },
		"props":   func(p *model.Post) { p.Props["end_at"] = int64(1) },
		"type":    func(p *model.Post) { p.Type = "" },
	} {
		edited := clone(ours)
		change(edited)
		assert.NotEmpty(t, a.posts.MayUpdate(edited, ours), name)
	}
	pinned := clone(ours)
	pinned.IsPinned = true
	assert.Empty(t, a.posts.MayUpdate(pinned, ours), "a pin")
	plain := &model.Post{Id: "x", Message: "hello"}
	assert.NotEmpty(t, a.posts.MayUpdate(&model.Post{Id: "x", Type: PostType}, plain), "an ordinary post made one of ours")
	assert.Empty(t, a.posts.MayUpdate(&model.Post{Id: "x", Message: "bye"}, plain))

	require.NoError(t, a.posts.Close(v, time.UnixMilli(2)), "ours")
	assert.EqualValues(t, 2, a.host.posts[postID].Props["end_at"])
	assert.Empty(t, a.posts.pen.writing, "nothing is remembered of what was written")
}

// debts notes what could not be closed.
type debts struct{ owed []call.View }

func (d *debts) Owe(v call.View, _ time.Time) error {
	d.owed = append(d.owed, v)
	return nil
}

func TestAPostInAnArchivedChannelIsOwed(t *testing.T) {
	h, d := &host{archived: true, posts: map[string]*model.Post{postID: {Id: postID, Type: PostType, Message: "alice started a call"}}}, &debts{}
	v := begun()
	v.Post = call.Post{ID: postID, Thread: postID}
	require.NoError(t, NewPosts(h, d, quiet()).Close(v, time.UnixMilli(2)))
	assert.Equal(t, []call.View{v}, d.owed)
}

// overlay gives what a host before 9.2 makes of a hook's answer: it decodes it over the changed post, so that empty fields and missing properties do nothing.
func overlay(t *testing.T, changed, answer *model.Post) *model.Post {
	t.Helper()
	var wire bytes.Buffer
	require.NoError(t, gob.NewEncoder(&wire).Encode(answer))
	over := clone(changed)
	require.NoError(t, gob.NewDecoder(&wire).Decode(over))
	return over
}

func TestAHostThatKnowsNoRefusalGetsThePostAsItWas(t *testing.T) {
	gob.Register([]any{})
	gob.Register(map[string]any{})
	h := &host{posts: map[string]*model.Post{}}
	posts := NewPosts(h, &debts{}, quiet())
	v := begun()
	var err error
	v.Post, err = posts.Create(v)
	require.NoError(t, err)
	ours := clone(h.posts[postID])

	forged := clone(ours)
	forged.Message, forged.IsPinned = "Join here", true
	forged.Props = model.StringInterface{"end_at": int64(1), "title": "Free money"}
	require.NotEmpty(t, posts.MayUpdate(forged, ours))
	got := overlay(t, forged, Unchanged(forged, ours))
	assert.Equal(t, ours.Message, got.Message)
	assert.True(t, got.IsPinned, "which anybody may")
	assert.Equal(t, false, got.Props["end_at"], "a property cannot be removed there")
	delete(got.Props, "end_at")
	assert.Equal(t, ours.Props, got.Props)

	// The next forgery finds nothing to build on, and the end of the call clears it away.
	got.Props["end_at"], got.Props["extra"] = false, false
	h.posts[postID] = got
	require.NoError(t, posts.Close(v, time.UnixMilli(2)))
	assert.EqualValues(t, 2, h.posts[postID].Props["end_at"])
	assert.NotContains(t, h.posts[postID].Props, "extra")
}
