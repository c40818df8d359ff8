package notify

import (
	"encoding/json"
	"maps"
	"strconv"
	"sync"

	"github.com/mattermost/mattermost-server/v6/model"

	"calls/plugin/i18n"
)

// The host asks us before it takes a post or a change of one, our own included. A post of our type lets people join calls and says who started them, so nobody
// else may make one or change one.

// pen is what we are writing now, so that what we write can be told from what others do.
type pen struct {
	mu      sync.Mutex
	writing map[string]int
}

// take says that something is being written, until put is called.
func (p *pen) take(what string) (put func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writing == nil {
		p.writing = map[string]int{}
	}
	p.writing[what]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.writing[what]--; p.writing[what] <= 0 {
			delete(p.writing, what)
		}
	}
}

func (p *pen) holds(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writing[what] > 0
}

// begins names a new post, which has no id yet: by everything that we put in and nobody else knows before it is there.
func begins(post *model.Post) string {
	return "new " + post.UserId + " " + post.ChannelId + " " + post.Message + " " + number(post.GetProp("start_at"))
}

func changes(id string) string { return "old " + id }

// number is a whole number in whatever type it has come back from the host.
func number(v any) string {
	switch n := v.(type) {
	case int64:
		return strconv.FormatInt(n, 10)
	case float64:
		return strconv.FormatInt(int64(n), 10)
	}
	return "none"
}

// MayPost says why a post is not to be, in the words of its author's language; nothing when it may.
func (p *Posts) MayPost(post *model.Post) (refusal string) {
	if post == nil || post.Type != PostType || p.pen.holds(begins(post)) {
		return ""
	}
	return p.rejected(post.UserId)
}

// MayUpdate says why a post is not to be changed; nothing when it may. Pins and the like are nobody's business but the channel's.
func (p *Posts) MayUpdate(now, before *model.Post) (refusal string) {
	if now == nil || before == nil || (now.Type != PostType && before.Type != PostType) || p.pen.holds(changes(before.Id)) {
		return ""
	}
	if now.Type == before.Type && now.Message == before.Message && sameProps(now, before) {
		return ""
	}
	return p.rejected(before.UserId)
}

// Unchanged is the changed post with all that we put in as it was before. Hosts before 9.2 know no refusal: they lay what they are given over what the user wants, so
// that a field can be set back but no property removed. A forged one becomes false, which clients take for absent.
func Unchanged(now, before *model.Post) *model.Post {
	kept := now.Clone()
	kept.Message, kept.Type, kept.Hashtags, kept.EditAt = before.Message, before.Type, before.Hashtags, before.EditAt
	props := model.StringInterface{}
	for key := range now.GetProps() {
		props[key] = false
	}
	maps.Copy(props, before.GetProps())
	kept.SetProps(props)
	return kept
}

// absent says that a property is not there, or was forged and put right.
func absent(v any) bool { return v == nil || v == false }

func sameProps(a, b *model.Post) bool {
	x, errX := json.Marshal(a.GetProps())
	y, errY := json.Marshal(b.GetProps())
	return errX == nil && errY == nil && string(x) == string(y)
}

func (p *Posts) rejected(user string) string {
	locale := i18n.Fallback
	if u, appErr := p.api.GetUser(user); appErr == nil && u != nil {
		locale = u.Locale
	}
	return i18n.T(locale, "post.rejected")
}
