package gateway

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/actors"
	"calls/actors/session"
	"calls/wire"
)

const (
	chanID = "chan0000000000000000000001"
	userA  = session.UserID("usera000000000000000000001")
	userB  = session.UserID("userb000000000000000000001")
	connA  = session.ConnID("conna000000000000000000001")
	connB  = session.ConnID("connb000000000000000000001")
)

// engine notes what reaches it.
type engine struct {
	got  []string
	auth string
}

func (e *engine) note(what string, c session.ConnID, u session.UserID) {
	e.got = append(e.got, fmt.Sprintf("%s %s %s", what, c[:5], u[:5]))
}
func (e *engine) Enter(v actors.Visitor, m wire.Join) {
	e.note(fmt.Sprintf("%T", m), v.Conn, v.User)
	e.auth = v.Auth
}
func (e *engine) Return(v actors.Visitor, m wire.Reconnect) {
	e.note(fmt.Sprintf("%T", m), v.Conn, v.User)
	e.auth = v.Auth
}
func (e *engine) Signal(c session.ConnID, u session.UserID, m wire.Message) {
	e.note(fmt.Sprintf("%T", m), c, u)
}
func (e *engine) Connected(c session.ConnID, u session.UserID)    { e.note("connected", c, u) }
func (e *engine) Disconnected(c session.ConnID, u session.UserID) { e.note("disconnected", c, u) }

func (e *engine) Expel(c session.ConnID, u session.UserID, r session.EndReason) {
	e.note("expel "+string(r), c, u)
}

func (e *engine) take() []string {
	got := e.got
	e.got = nil
	return got
}

// teller notes what clients are told, from another goroutine.
type teller struct {
	told chan string
	hold sync.Mutex // locked: the host does not answer
}

func (r *teller) Refused(to session.Address, code, message string) error {
	r.hold.Lock()
	defer r.hold.Unlock()
	r.told <- fmt.Sprintf("%s to %s of %s: %s", code, to.Session[:5], to.User[:5], message)
	return nil
}

func (r *teller) TellState(user session.UserID, channel string) error {
	r.hold.Lock()
	defer r.hold.Unlock()
	r.told <- fmt.Sprintf("state of %s to %s", channel[:5], user[:5])
	return nil
}

func (r *teller) next(t *testing.T) string {
	t.Helper()
	select {
	case s := <-r.told:
		return s
	case <-time.After(time.Minute):
		t.Fatal("nobody was told")
		return ""
	}
}

type fixture struct {
	*Gateway
	engine *engine
	teller *teller
	clock  time.Time
}

func setUp() *fixture {
	f := &fixture{engine: &engine{}, teller: &teller{told: make(chan string, 2*maxAnswers)}, clock: time.Unix(1000, 0)}
	f.Gateway = New(f.engine, f.teller, slog.New(slog.NewTextHandler(io.Discard, nil)))
	f.now = func() time.Time { return f.clock }
	return f
}

func (f *fixture) send(name string, data map[string]any) {
	f.Message(actors.Visitor{Conn: connA, User: userA, Auth: "login"}, wire.Prefix+name, data)
}

func (f *fixture) quiet(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	f.answers.Do(func() { close(done) })
	<-done
	assert.Empty(t, f.teller.told, "nobody is to be told anything")
}

func sdp() map[string]any {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(`{"type":"offer","sdp":"v=0"}`))
	_ = z.Close()
	return map[string]any{"data": b.Bytes()}
}

func ice(candidate string) map[string]any {
	return map[string]any{"data": `{"candidate":"` + candidate + `","sdpMid":"0","sdpMLineIndex":0}`}
}

func TestMessagesReachTheEngineInOrder(t *testing.T) {
	f := setUp()
	f.Connected(connA, userA)
	f.send("join", map[string]any{"channelID": chanID})
	f.send("sdp", sdp())
	f.send("ice", ice("candidate:1"))
	for _, name := range []string{"unmute", "mute", "raise_hand", "unraise_hand", "screen_off", "leave"} {
		f.send(name, nil)
	}
	f.send("screen_on", map[string]any{"data": `{"screenStreamID":"s"}`})
	f.send("reconnect", map[string]any{"channelID": chanID, "originalConnID": string(connA), "prevConnID": string(connA)})
	f.Disconnected(connA, userA)
	var want []string
	for _, m := range []string{"connected", "wire.Join", "wire.SDP", "wire.ICE", "wire.Unmute", "wire.Mute", "wire.RaiseHand", "wire.UnraiseHand", "wire.ScreenOff", "wire.Leave",
		"wire.ScreenOn", "wire.Reconnect", "disconnected"} {
		want = append(want, m+" conna usera")
	}
	assert.Equal(t, want, f.engine.take())
	f.quiet(t)
}

func TestWhatIsNotOursCostsNothing(t *testing.T) {
	f := setUp()
	for range 10 * wire.MessageBurst {
		for _, action := range []string{"ping", "user_typing", "mute", "custom_com.mattermost.other_mute", ""} {
			f.Message(actors.Visitor{Conn: connA, User: userA, Auth: "login"}, action, nil)
		}
	}
	assert.Empty(t, f.engine.got)
	assert.Zero(t, f.conns.Len(), "not even memory")
	f.send("mute", nil)
	assert.Len(t, f.engine.take(), 1)
}

func TestIdentityIsTheHosts(t *testing.T) {
	f := setUp()
	theirs := map[string]any{"connID": string(connA), "userID": string(userA), "session_id": string(connA), "channelID": chanID, "originalConnID": string(connA),
		"prevConnID": string(connA), "data": `{"screenStreamID":"s","candidate":"c","connID":"` + string(connA) + `"}`}
	for _, name := range []string{"join", "leave", "mute", "unmute", "screen_on", "screen_off", "raise_hand", "unraise_hand", "ice", "reconnect"} {
		f.Message(actors.Visitor{Conn: connB, User: userB, Auth: "login"}, wire.Prefix+name, theirs)
	}
	got := f.engine.take()
	assert.Len(t, got, 10)
	for _, g := range got {
		assert.Contains(t, g, "connb userb")
	}
}

func TestOnlyABadJoinIsAnswered(t *testing.T) {
	f := setUp()
	f.send("sdp", map[string]any{"data": "v=0"})
	f.send("ice", map[string]any{"data": 1.0})
	f.send("ice", ice(""))
	f.send("screen_on", nil)
	f.send("reconnect", nil)
	f.send("react", nil)
	f.send("metric", map[string]any{"metric_name": "x"})
	assert.Empty(t, f.engine.got)
	f.quiet(t)
	f.send("join", map[string]any{"channelID": "x"})
	assert.Equal(t, "invalid to conna of usera: channelID must be 26 lower-case letters and digits", f.teller.next(t))
	assert.Empty(t, f.engine.got)
}

func TestRateOfMessages(t *testing.T) {
	f := setUp()
	for range 3 * wire.MessageBurst {
		f.send("unmute", nil)
	}
	assert.Len(t, f.engine.take(), wire.MessageBurst, "a burst")
	f.clock = f.clock.Add(time.Second)
	for range 50 {
		f.send("unmute", nil)
	}
	assert.Len(t, f.engine.take(), wire.MessageRate, "and then so many a second")

	f.send("ice", ice("candidate:1"))
	f.send("mute", nil)
	f.send("sdp", sdp())
	f.send("leave", nil)
	f.send("raise_hand", nil)
	assert.Equal(t, []string{"wire.ICE conna usera", "wire.Mute conna usera", "wire.SDP conna usera", "wire.Leave conna usera"}, f.engine.take(),
		"candidates have a budget of their own, some messages are never lost")
	f.Message(actors.Visitor{Conn: connB, User: userB, Auth: "login"}, wire.Prefix+"unmute", nil)
	assert.Len(t, f.engine.take(), 1, "a budget is one connection's")
	f.quiet(t)
}

func TestRateOfCandidates(t *testing.T) {
	f := setUp()
	for range 2 * wire.CandidateBurst {
		f.send("ice", ice("candidate:1"))
		f.send("metric", nil)
	}
	assert.Len(t, f.engine.take(), wire.CandidateBurst/2, "every other message was a metric")
	f.send("unmute", nil)
	assert.Len(t, f.engine.take(), 1)
}

func TestWhoStaysOverTheRateIsExpelled(t *testing.T) {
	f := setUp()
	flood := func() {
		for range 100 {
			f.send("mute", nil)
		}
	}
	begin := f.clock
	for f.clock.Sub(begin) <= wire.OverLimit {
		f.send("ice", ice("")) // does not make it better
		flood()
		assert.Len(t, f.engine.take(), 100, "never lost, so far")
		f.clock = f.clock.Add(100 * time.Millisecond)
	}
	flood()
	got := f.engine.take()
	require.NotEmpty(t, got)
	assert.Equal(t, "expel rate_limited conna usera", got[len(got)-1])
	f.clock = f.clock.Add(500 * time.Millisecond)
	flood()
	assert.Empty(t, f.engine.take(), "expelled once, then not heard")
	f.quiet(t)

	f.clock = f.clock.Add(2 * time.Second)
	f.send("join", map[string]any{"channelID": chanID})
	assert.Equal(t, []string{"wire.Join conna usera"}, f.engine.take(), "after a rest it may come back")
}

func TestABurstNowAndThenExpelsNobody(t *testing.T) {
	f := setUp()
	for range 20 {
		for range wire.MessageBurst + 20 {
			f.send("mute", nil)
		}
		f.clock = f.clock.Add(3 * time.Second)
	}
	assert.Len(t, f.engine.take(), 20*(wire.MessageBurst+20))
	f.quiet(t)
}

func TestMemoryIsBounded(t *testing.T) {
	f := setUp()
	for i := range maxConns + 1000 {
		f.Message(actors.Visitor{Conn: session.ConnID(fmt.Sprintf("conn%022d", i)), User: userA}, wire.Prefix+"metric", nil)
	}
	assert.Equal(t, maxConns, f.conns.Len())
	f.Disconnected(session.ConnID(fmt.Sprintf("conn%022d", maxConns)), userA)
	assert.Equal(t, maxConns-1, f.conns.Len())
}

func TestAHostThatHangsHoldsUpNobody(t *testing.T) {
	f := setUp()
	f.teller.hold.Lock()
	for i := range 10 * maxAnswers {
		f.Message(actors.Visitor{Conn: session.ConnID(fmt.Sprintf("conn%022d", i)), User: userA}, wire.Prefix+"join", nil)
	}
	assert.LessOrEqual(t, f.pending.Load(), int32(maxAnswers))
	f.send("mute", nil)
	assert.Len(t, f.engine.take(), 1)
	f.teller.hold.Unlock()
	assert.Contains(t, f.teller.next(t), "invalid to conn0")
}

func TestTheStateOfACallIsAskedForBesideTheEngine(t *testing.T) {
	f := setUp()
	f.send("call_state", map[string]any{"channelID": chanID})
	assert.Equal(t, "state of chan0 to usera", f.teller.next(t))
	f.send("call_state", map[string]any{"channelID": 1})
	f.quiet(t)
	assert.Empty(t, f.engine.take())
}

func TestTheLoginGoesAlong(t *testing.T) {
	f := setUp()
	f.send("join", map[string]any{"channelID": chanID})
	assert.Equal(t, "login", f.engine.auth)
	f.engine.auth = ""
	f.send("reconnect", map[string]any{"channelID": chanID, "originalConnID": string(connA), "prevConnID": string(connA)})
	assert.Equal(t, "login", f.engine.auth)
}

func TestMetricsEatNobodysBudget(t *testing.T) {
	f := setUp()
	for range wire.CandidateBurst {
		f.send("metric", map[string]any{"metric_name": "client_ice_candidate_pair", "data": "{}"})
	}
	assert.Empty(t, f.engine.take())
	for range wire.MessageBurst {
		f.send("raise_hand", nil)
	}
	assert.Len(t, f.engine.take(), wire.MessageBurst)
}
