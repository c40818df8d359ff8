package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost-server/v6/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors/call"
	"calls/actors/session"
)

const (
	chanA = "chan0000000000000000000001"
	chanB = "chan0000000000000000000002"
)

// memory is a key-value store with the host's rules.
type memory struct {
	mu     sync.Mutex
	m      map[string][]byte
	broken bool
	before func(key string) // what another node does between a read and the write that follows
	writes int
}

func (k *memory) err() *model.AppError {
	if k.broken {
		return model.NewAppError("kv", "down", nil, "", http.StatusInternalServerError)
	}
	return nil
}

func (k *memory) KVGet(key string) ([]byte, *model.AppError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.m[key]), k.err()
}

func (k *memory) KVList(page, per int) ([]string, *model.AppError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var keys []string
	for key := range k.m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	from, to := min(page*per, len(keys)), min((page+1)*per, len(keys))
	return keys[from:to], k.err()
}

func (k *memory) KVSetWithOptions(key string, value []byte, o model.PluginKVSetOptions) (bool, *model.AppError) {
	if k.before != nil {
		k.before(key)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.writes++
	if k.err() != nil {
		return false, k.err()
	}
	if !o.Atomic || !bytes.Equal(k.m[key], o.OldValue) || (k.m[key] == nil) != (o.OldValue == nil) {
		return false, nil
	}
	if value == nil {
		delete(k.m, key)
	} else {
		k.m[key] = slices.Clone(value)
	}
	return true, nil
}

func newStore(t *testing.T, kv *memory) *Store {
	t.Helper()
	if kv.m == nil {
		kv.m = map[string][]byte{}
	}
	s := New(kv, slog.New(slog.NewTextHandler(io.Discard, nil)))
	s.wait = func(time.Duration) {}
	s.now = func() time.Time { return time.UnixMilli(1000) }
	return s
}

func view(ch call.ChannelID, id call.ID, v uint64) call.View {
	return call.View{
		Channel: ch, Call: id, V: v, StartAt: time.UnixMilli(500), Owner: "usera", Host: "userb", Title: "Title",
		Post: call.Post{ID: "post", Thread: "root"}, Took: []session.UserID{"usera", "userb"}, Most: 2, ScreenSession: "connb",
		People: []call.Person{{User: "usera", Session: "conna", Unmuted: true, JoinedAt: time.UnixMilli(501)}, {User: "userb", Session: "connb", Hand: time.UnixMilli(600)}},
	}
}

func TestSaveAndClear(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	require.NoError(t, s.Save(view(chanA, "one", 3)))
	assert.JSONEq(t, `{"schema":1,"epoch":1000,"call":{"id":"one","v":3,"create_at":500,"owner_id":"usera","host_id":"userb","post_id":"post","thread_id":"root",
		"title":"Title","participants":["usera","userb"],"stats":{"participants":2},"screen_sharing_session_id":"connb","sessions":{
		"conna":{"user_id":"usera","unmuted":true,"raised_hand":0,"join_at":501},"connb":{"user_id":"userb","unmuted":false,"raised_hand":600,"join_at":0}}}}`,
		string(kv.m[chanA]))

	before := kv.m[chanA]
	require.NoError(t, s.Save(view(chanA, "one", 2)), "an older state of the same call")
	assert.Equal(t, before, kv.m[chanA])
	require.NoError(t, s.Clear(chanA, "another"))
	assert.Equal(t, before, kv.m[chanA])

	require.NoError(t, s.Save(view(chanA, "two", 1)), "the next call may have a lower version")
	assert.Contains(t, string(kv.m[chanA]), `"epoch":1001,`)
	require.NoError(t, s.Clear(chanA, "two"))
	assert.NotContains(t, kv.m, chanA, "a record that says nothing is removed")
	require.NoError(t, s.Clear(chanA, "two"), "twice does no harm")
}

func TestChoiceAndCallDoNotTouchEachOther(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	got, err := s.Choice(chanA)
	require.NoError(t, err)
	assert.Nil(t, got)
	require.NoError(t, s.Save(view(chanA, "one", 1)))
	got, err = s.Choice(chanA)
	require.NoError(t, err)
	assert.Nil(t, got, "a call is no choice")

	require.NoError(t, s.SetChoice(chanA, false))
	require.NoError(t, s.Save(view(chanA, "one", 2)))
	require.NoError(t, s.Clear(chanA, "one"))
	assert.JSONEq(t, `{"schema":1,"epoch":1000,"enabled":false}`, string(kv.m[chanA]))
	got, err = s.Choice(chanA)
	require.NoError(t, err)
	require.NotNil(t, got)
	assert.False(t, *got)
	assert.Equal(t, map[call.ChannelID]bool{chanA: false}, s.Choices())

	writes := kv.writes
	require.NoError(t, s.SetChoice(chanA, false))
	assert.Equal(t, writes, kv.writes, "nothing to write")
}

func TestConflictIsMergedAndNotLost(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	other := newStore(t, kv)
	once := true
	kv.before = func(string) {
		if once {
			once = false
			require.NoError(t, other.SetChoice(chanA, true))
		}
	}
	require.NoError(t, s.Save(view(chanA, "one", 1)))
	_, r, err := s.read(chanA)
	require.NoError(t, err)
	require.NotNil(t, r.Enabled)
	assert.True(t, *r.Enabled)
	require.NotNil(t, r.Call)
	assert.Equal(t, call.ID("one"), r.Call.ID)
}

func TestConflictWithoutEndIsAnError(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	n := 0
	kv.before = func(key string) {
		n++
		kv.m[key] = fmt.Appendf(nil, `{"epoch":%d}`, n)
	}
	assert.ErrorContains(t, s.Save(view(chanA, "one", 1)), "somebody else was faster 10 times")
	assert.Equal(t, attempts, n)
}

func TestManyWritersAtOnce(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for {
				if s.Save(view(chanA, "one", uint64(i+1))) == nil {
					return
				}
			}
		})
	}
	wg.Wait()
	_, r, err := s.read(chanA)
	require.NoError(t, err)
	assert.Equal(t, uint64(8), r.Call.V)
}

func TestHostThatIsDown(t *testing.T) {
	kv := &memory{}
	s := newStore(t, kv)
	kv.broken = true
	assert.ErrorContains(t, s.Save(view(chanA, "one", 1)), "reading the record of channel "+chanA)
	assert.Error(t, s.SetChoice(chanA, true))
	assert.Empty(t, s.Choices(), "what was not written is not told")
	_, err := s.Choice(chanA)
	assert.Error(t, err)
	_, err = s.Load()
	assert.ErrorContains(t, err, "listing stored channels")
}

func TestForeignKeysAndDamagedRecords(t *testing.T) {
	kv := &memory{m: map[string][]byte{"handler": []byte("x"), "mutex_rtcd_registration": []byte("1"), chanA: []byte("{")}}
	s := newStore(t, kv)
	left, err := s.Load()
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Error(t, s.Save(view("handler", "one", 1)))
	require.NoError(t, s.Save(view(chanA, "one", 1)), "a damaged record is replaced")
	assert.True(t, json.Valid(kv.m[chanA]))
}

func TestLoadFindsChoicesAndLeftoversOnEveryPage(t *testing.T) {
	kv := &memory{m: map[string][]byte{}}
	for i := range 2*perPage + 50 {
		kv.m[fmt.Sprintf("chan%022d", i)] = fmt.Appendf(nil, `{"schema":1,"enabled":%t}`, i%2 == 0)
	}
	s := newStore(t, kv)
	require.NoError(t, s.Save(view(chanB, "one", 4)))
	// as upstream's v0.7.1 leaves it
	kv.m["zzzz0000000000000000000001"] = []byte(`{"node_id":"n","enabled":true,"call":{"id":"up","create_at":700,"end_at":0,"users":{"usera":{"unmuted":false}},
		"sessions":{"conna":{}},"owner_id":"usera","thread_id":"thatpost","stats":{"participants":1},"rtcd_host":""}}`)

	fresh := newStore(t, kv)
	left, err := fresh.Load()
	require.NoError(t, err)
	assert.Len(t, fresh.Choices(), 2*perPage+50+1)
	require.Len(t, left, 2)
	want := view(chanB, "one", 4)
	want.People, want.ScreenSession = nil, ""
	assert.Equal(t, want, left[0])
	assert.Equal(t, call.Post{ID: "thatpost", Thread: "thatpost"}, left[1].Post)
	assert.Equal(t, int64(700), left[1].StartAt.UnixMilli())
}
