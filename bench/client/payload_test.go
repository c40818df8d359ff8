package client

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStampComesBackAsItWasPut(t *testing.T) {
	want := Stamp{Origin: 42, Count: 1 << 40, Sent: time.Unix(1_700_000_000, 123_456_789)}
	b := make([]byte, StampSize)
	want.Put(b)
	got, ok := ReadStamp(b)
	require.True(t, ok)
	assert.Equal(t, want.Origin, got.Origin)
	assert.Equal(t, want.Count, got.Count)
	assert.True(t, want.Sent.Equal(got.Sent))

	_, ok = ReadStamp(b[:StampSize-1])
	assert.False(t, ok, "cut off")
	b[3]++
	_, ok = ReadStamp(b)
	assert.False(t, ok, "another magic")
}

// pion's own parser is the referee of the synthetic descriptors.
func TestVP8PacketsAreWhatAnotherParserTakesThemFor(t *testing.T) {
	for _, p := range []vp8Packet{
		{picture: 0x1234, start: true, keyframe: true, frame: 9000},
		{picture: 0x7fff, start: true, frame: 9000},
		{picture: 1, keyframe: true, frame: 9000},
		{},
	} {
		b := make([]byte, 64)
		at := p.put(b)
		var referee codecs.VP8Packet
		frame, err := referee.Unmarshal(b)
		require.NoError(t, err)
		assert.Equal(t, p.picture, referee.PictureID)
		assert.Equal(t, p.start, referee.S == 1)
		assert.Zero(t, referee.PID)
		if p.start {
			assert.Equal(t, p.keyframe, frame[0]&1 == 0)
		}
		if p.start && p.keyframe {
			assert.Equal(t, []byte{0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}, frame[3:10], "start code, 1280, 720")
		}

		start, key, rest, ok := parseVP8(b)
		require.True(t, ok)
		assert.Equal(t, p.start, start)
		assert.Equal(t, p.start && p.keyframe, key)
		assert.Equal(t, at, rest, "the stamp is found where it was put")
	}
}

func TestParseVP8TakesNothingForAPayloadThatIsCutOff(t *testing.T) {
	for _, b := range [][]byte{nil, {0x10}, {0x90}, {0x90, 0x80}, {0x90, 0xf0, 0x80, 1, 2}, {0x90, 0x80, 0x80, 0x01}} {
		_, _, _, ok := parseVP8(b)
		assert.False(t, ok, "%x", b)
	}
	start, key, rest, ok := parseVP8([]byte{0x10, 0x00})
	assert.True(t, ok)
	assert.True(t, start && key)
	assert.Equal(t, 2, rest, "a header that is cut off ends with the payload")
}

func TestParseRTPReadsWhatPionWrites(t *testing.T) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, Marker: true, SequenceNumber: 513, Timestamp: 77, SSRC: 99, CSRC: []uint32{1, 2}}, Payload: []byte("payload")}
	require.NoError(t, p.SetExtension(1, []byte{0x9e}))
	raw, err := p.Marshal()
	require.NoError(t, err)
	got, ok := parseRTP(raw)
	require.True(t, ok)
	assert.Equal(t, packet{seq: 513, ts: 77, ssrc: 99, marker: true, payload: []byte("payload")}, got)

	padded := append(bytes.Clone(raw), 0, 0, 3)
	padded[0] |= 0x20
	got, ok = parseRTP(padded)
	require.True(t, ok)
	assert.Equal(t, []byte("payload"), got.payload)
	for n := range len(raw) - len("payload") {
		_, ok := parseRTP(raw[:n])
		assert.False(t, ok, "cut off at %d", n)
	}
}

// page makes an Ogg page of segments of these sizes, filled from body.
func page(body string, segments ...byte) string {
	return "OggS" + strings.Repeat("\x00", oggHeaderSize-5) + string(rune(len(segments))) + string(segments) + body
}

func TestReadOpusGoesByTheSegmentTables(t *testing.T) {
	long := strings.Repeat("x", 300)
	file := page("OpusHead", 8) + page("OpusTags", 8) + page("abcd", 1, 3) + page(long[:255], 255) + page(long[255:]+"e", 45, 1)
	packets, err := ReadOpus(strings.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("a"), []byte("bcd"), []byte(long), []byte("e")}, packets)
}

func TestReadOpusRefusesWhatIsNoOpusFile(t *testing.T) {
	good := page("OpusHead", 8) + page("OpusTags", 8)
	for name, file := range map[string]string{
		"empty": "", "text": strings.Repeat("hello ", 20), "cut off": good + page("abc", 3)[:29], "Vorbis": page("\x01vorbis", 7) + page("\x03vorbis", 7),
		"endless packet": good + strings.Repeat(page(strings.Repeat("x", 255), 255), 300),
	} {
		_, err := ReadOpus(strings.NewReader(file))
		assert.Error(t, err, name)
	}
}

func TestHistogramQuantiles(t *testing.T) {
	var a, b Histogram
	for i := 1; i <= 500; i++ {
		a.Add(time.Duration(i) * time.Millisecond)
		b.Add(time.Duration(500+i) * time.Millisecond)
	}
	a.Merge(&b)
	assert.Equal(t, uint64(1000), a.Count())
	assert.InEpsilon(t, 500*time.Millisecond, a.Quantile(0.5), 1.0/16)
	assert.InEpsilon(t, 990*time.Millisecond, a.Quantile(0.99), 1.0/16)
	assert.GreaterOrEqual(t, a.Quantile(1), time.Second)

	var edge Histogram
	edge.Add(-time.Second)
	assert.Zero(t, edge.Quantile(1))
	edge.Add(1000 * time.Hour)
	assert.Greater(t, edge.Quantile(1), time.Hour)
	assert.Zero(t, (&Histogram{}).Quantile(0.5))
}
