package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"calls/bench/client"
	"calls/bench/client/mattermost"
	"calls/wire"
)

// speech is the packets of a real voice.
func speech(t *testing.T) [][]byte {
	t.Helper()
	for _, tool := range []string{"espeak-ng", "opusenc"} {
		// Without root they cannot be installed. As root, and in CI, speech.sh gets them or fails.
		if _, err := exec.LookPath(tool); err != nil && os.Geteuid() != 0 && os.Getenv("CI") != "true" {
			t.Skipf("%s is not there: apt-get install espeak-ng opus-tools", tool)
		}
	}
	file := filepath.Join(t.TempDir(), "speech.opus")
	out, err := exec.Command("./speech.sh", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	packets, err := client.ReadOpus(f)
	require.NoError(t, err)
	require.Greater(t, len(packets), int((talkFor+5*time.Second)/(20*time.Millisecond)), "the speech is too short to last the test")
	return packets
}

func TestSpeechArrivesByteForByteInOrderWithoutALoss(t *testing.T) {
	channel, said, before := room(t), speech(t), dropped(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	listeners := map[string]*mattermost.Call{
		"bob":   join(t, "bob", channel, client.Config{ID: 2, Capture: len(said)}),
		"carol": join(t, "carol", channel, client.Config{ID: 3, Capture: len(said), Reports: true}),
	}
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{Payloads: said}))
	for name, listener := range listeners {
		eventually(t, talkFor+settleWithin, func() string {
			streams := busy(listener)
			if len(streams) != 1 {
				return fmt.Sprintf("%s hears %d streams, not one", name, len(streams))
			}
			return fewer(name+"'s milliseconds of speech", int(streams[0].LastSeen.Sub(streams[0].FirstSeen).Milliseconds()), int(talkFor.Milliseconds()))
		})
	}
	alice.Pause(client.Audio)
	sent := said[:alice.Sent(client.Audio)]
	for name, listener := range listeners {
		requireSameSpeech(t, name, listener, sent, before)
	}
	require.NoError(t, alice.Err())
}

// requireSameSpeech demands that a listener heard what was sent from some early packet on to the last, once and in order, but for what the kernel has dropped.
func requireSameSpeech(t *testing.T, name string, listener *mattermost.Call, sent [][]byte, before uint64) {
	t.Helper()
	ssrc := busy(listener)[0].SSRC
	first := listener.Captured(ssrc)[0].Payload
	missed := 0
	for missed < len(sent) && !bytes.Equal(sent[missed], first) {
		missed++
	}
	require.Less(t, missed, len(sent)/2, "%s's first packet is of the first half of the speech", name)
	eventually(t, settleWithin, func() string {
		return fewer("packets arrived at "+name, uint64(missed+len(listener.Captured(ssrc)))+forgiven(t, before), uint64(len(sent)))
	})
	got := listener.Captured(ssrc)
	require.LessOrEqual(t, len(got), len(sent)-missed)
	for i, p := range got {
		at := int(p.Seq - got[0].Seq)
		require.GreaterOrEqual(t, at, i, "%s's packet %d came before its time or twice", name, i)
		require.Less(t, missed+at, len(sent), "%s's packet %d is numbered beyond the last", name, i)
		require.Equal(t, sent[missed+at], p.Payload, "%s's packet %d", name, i)
	}
	require.NoError(t, listener.Err())
	t.Logf("%s heard %d of %d packets, from the first received to the last", name, len(got), len(sent))
}

func TestTenTalkAndNobodyMissesAPacket(t *testing.T) {
	channel := room(t)
	before := dropped(t)
	calls := make([]*mattermost.Call, 10)
	for i := range calls { // everybody twice, from two devices
		calls[i] = join(t, everybody[i%len(everybody)], channel, client.Config{ID: uint32(i + 1)})
	}
	for i, call := range calls {
		require.NoError(t, call.Unmute(within(t, settleWithin), client.Voice{}), "client %d unmutes", i+1)
	}
	eachPair(calls, func(from, to int) {
		eventually(t, talkFor+settleWithin, func() string {
			o := calls[to].Received(uint32(from+1), client.Audio)
			return fewer(fmt.Sprintf("milliseconds of %d heard by %d", from+1, to+1), int(o.LastSeen.Sub(o.FirstSeen).Milliseconds()), int(talkFor.Milliseconds()))
		})
	})
	for _, call := range calls {
		call.Pause(client.Audio)
	}
	var forwarded uint64
	eachPair(calls, func(from, to int) {
		forwarded += requireAllHeard(t, calls[from], calls[to], uint32(from+1), client.Audio, before)
	})
	lost := forgiven(t, before)
	for i, call := range calls {
		streams := busy(call)
		assert.Len(t, streams, 9, "streams at %d", i+1)
		for _, s := range streams {
			assert.LessOrEqual(t, s.Seq.Lost(), lost, "client %d, stream %d: %+v", i+1, s.SSRC, s)
			assert.Zero(t, s.Seq.Repeated+s.Seq.Late+s.Malformed, "client %d, stream %d: %+v", i+1, s.SSRC, s)
		}
		assert.NoError(t, call.Err())
	}
	delays := calls[0].Delays()
	t.Logf("%d packets on 90 streams; delay at one listener: p50 %v, p99 %v; datagrams dropped by this machine's kernel: %d",
		forwarded, delays.Quantile(0.5), delays.Quantile(0.99), forgiven(t, before))
}

func eachPair(calls []*mattermost.Call, do func(from, to int)) {
	for from := range calls {
		for to := range calls {
			if from != to {
				do(from, to)
			}
		}
	}
}

// requireAllHeard demands, of one who has paused, that the other got every packet from the first received to the last sent, once and in order, but for what the kernel
// has dropped. before is dropped at the beginning.
func requireAllHeard(t *testing.T, from, to *mattermost.Call, origin uint32, kind client.Kind, before uint64) uint64 {
	t.Helper()
	last := from.Sent(kind) - 1
	eventually(t, settleWithin, func() string {
		return fewer(fmt.Sprintf("is the last packet of %d that came (%s)", origin, kind), to.Received(origin, kind).Counts.Last+forgiven(t, before), last)
	})
	o := to.Received(origin, kind)
	assert.LessOrEqual(t, o.Counts.Lost(), forgiven(t, before), "packets of %d were lost, of %d", origin, last+1)
	assert.Zero(t, o.Counts.Repeated+o.Counts.Late, "of %d: %d twice, %d late of %d", origin, o.Counts.Repeated, o.Counts.Late, last+1)
	assert.Less(t, o.Counts.First, last/2+1, "the packets of %d began to come late", origin)
	assert.Zero(t, o.Switches, "%d was moved to another stream", origin)
	return o.Counts.Received
}

func TestASharedScreenReachesAllOthersFromAKeyFrame(t *testing.T) {
	channel, before := room(t), dropped(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	viewers := map[string]*mattermost.Call{
		"bob":   join(t, "bob", channel, client.Config{ID: 2}),
		"carol": join(t, "carol", channel, client.Config{ID: 3}),
	}
	require.NoError(t, alice.Share(within(t, settleWithin), client.Picture{}))
	for name, viewer := range viewers {
		requireFrames(t, name, viewer, 30)
	}
	viewers["dave"] = join(t, "dave", channel, client.Config{ID: 4}) // who comes late must not wait for a key frame that nobody asked for
	for name, viewer := range viewers {
		requireFrames(t, name, viewer, 60)
	}
	assert.NotZero(t, alice.KeyframeRequests())
	alice.Pause(client.Screen)
	for name, viewer := range viewers {
		eventually(t, settleWithin, func() string {
			return fewer("is the last packet at "+name, viewer.Received(1, client.Screen).Counts.Last, alice.Sent(client.Screen)-1)
		})
		s := busy(viewer)
		require.Len(t, s, 1)
		assert.True(t, s[0].Frames.FromKey, "%s's first packet begins a key frame", name)
		assert.Zero(t, s[0].Seq.Repeated, "%s: %+v", name, s[0])
		if forgiven(t, before) == 0 { // what the kernel drops is sent again, and late
			assert.Zero(t, s[0].Frames.Broken, "%s's broken frames", name)
			assert.Zero(t, s[0].Seq.Lost()+s[0].Seq.Late, "%s: %+v", name, s[0])
			assert.Zero(t, viewer.Received(1, client.Screen).Counts.Lost(), "%s lost packets", name)
		}
		t.Logf("%s saw %d whole frames, %d of them key frames", name, s[0].Frames.Complete, s[0].Frames.Keyframes)
	}
	require.NoError(t, alice.Err())
}

func requireFrames(t *testing.T, name string, viewer *mattermost.Call, frames uint64) {
	t.Helper()
	eventually(t, settleWithin, func() string {
		streams := busy(viewer)
		if len(streams) != 1 || streams[0].Kind != client.Screen {
			return fmt.Sprintf("%s sees %d streams, not one", name, len(streams))
		}
		return fewer("frames at "+name, streams[0].Frames.Complete, frames)
	})
}

func TestOneScreenAtATime(t *testing.T) {
	channel := room(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	carol := join(t, "carol", channel, client.Config{ID: 3})
	require.NoError(t, alice.Share(within(t, settleWithin), client.Picture{}))
	requireFrames(t, "carol", carol, 5)

	bob.Send(wire.ScreenOn{ScreenStreamID: "another"})
	await(t, bob, "screen_refused")
	require.NoError(t, alice.Unshare(within(t, settleWithin)))
	awaitWho(t, carol, "user_screen_off", alice)
	require.NoError(t, bob.Share(within(t, settleWithin), client.Picture{}))
	awaitWho(t, carol, "user_screen_on", bob)
	eventually(t, settleWithin, func() string {
		return fewer("packets of bob's screen at carol", carol.Received(2, client.Screen).Counts.Received, 80)
	})
	for _, call := range []*mattermost.Call{alice, bob, carol} {
		require.NoError(t, call.Err())
	}
}

func TestMuteClosesTheMicrophoneAtTheServer(t *testing.T) {
	channel, drops := room(t), dropped(t)
	alice := join(t, "alice", channel, client.Config{ID: 1})
	bob := join(t, "bob", channel, client.Config{ID: 2})
	require.NoError(t, alice.Unmute(within(t, settleWithin), client.Voice{}))
	heard := func() uint64 { return bob.Received(1, client.Audio).Counts.Received }
	eventually(t, settleWithin, func() string { return fewer("packets heard", heard(), 50) })

	alice.Send(wire.Mute{}) // and goes on sending, as a client would that does not mean it
	awaitWho(t, bob, "user_muted", alice)
	requireSilence(t, alice, bob, 1)

	before := heard()
	alice.Send(wire.Unmute{})
	eventually(t, settleWithin, func() string { return fewer("packets heard after the mute", heard()-before, 50) })
	streams := busy(bob)
	require.Len(t, streams, 1, "it is the same stream as before")
	seq := streams[0].Seq
	assert.LessOrEqual(t, seq.Lost(), forgiven(t, drops), "its numbering goes on over the mute, else listeners take what was not meant for them for lost")
	assert.Zero(t, seq.Repeated)
	require.NoError(t, alice.Err())
	require.NoError(t, bob.Err())
}

// requireSilence demands that one who sends is not heard by another any more. What was on its way when that began may still come, so it waits for two seconds of
// sending of which nothing comes.
func requireSilence(t *testing.T, from, to *mattermost.Call, origin uint32) {
	t.Helper()
	heard := func() uint64 { return to.Received(origin, client.Audio).Counts.Received }
	eventually(t, settleWithin, func() string {
		before, sent := heard(), from.Sent(client.Audio)
		eventually(t, settleWithin, func() string { return fewer("packets sent meanwhile", from.Sent(client.Audio), sent+100) })
		if more := heard() - before; more > 0 {
			return fmt.Sprintf("%d packets of %d are heard that must not be", more, origin)
		}
		return ""
	})
}
