package media

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func isPLI(p rtcp.Packet) bool { _, ok := p.(*rtcp.PictureLossIndication); return ok }

func TestNTPTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	got := time.Unix(0, nanosOfNTP(ntpTime(now)))
	if d := got.Sub(now).Abs(); d > time.Microsecond {
		t.Errorf("there and back is off by %v", d)
	}
}

// TestSenderReportsOfManyStreams reads what a client with a great many streams is told, with pion's parser.
func TestSenderReportsOfManyStreams(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	lk := r.slots[0].link
	slots := []*Slot{r.slots[0]}
	for i := range 69 {
		s := newSlot(lk, Audio, newLocalTrack(Audio))
		s.open(uint32(5000+i), opusType)
		s.Bind(r.src)
		slots = append(slots, s)
	}
	r.lane.slots = slots
	round := func() {
		r.feed(make([]byte, 50), opusType)
		r.l.runLanes()
		r.l.out.reset()
		lk.sendSenderReports(r.l)
	}
	round()
	names := map[uint32]string{}
	reports := 0
	for _, b := range r.sentBy(lk) {
		index, ok := lk.keys.out.rtcpIndex(b)
		if !ok {
			t.Fatal("no index")
		}
		plain, ok := lk.keys.out.openRTCP(b, index)
		if !ok || len(plain) > maxCompound {
			t.Fatalf("a compound of %d bytes, authentic: %v", len(plain), ok)
		}
		packets, err := rtcp.Unmarshal(plain)
		must(t, err)
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.SenderReport:
				reports++
				if p.PacketCount != 1 || p.OctetCount != 50 || p.NTPTime != ntpTime(r.l.now) {
					t.Errorf("report %+v", p)
				}
			case *rtcp.SourceDescription:
				for _, c := range p.Chunks {
					names[c.Source] = c.Items[0].Text
				}
			}
		}
	}
	if reports != len(slots) {
		t.Errorf("%d reports for %d streams", reports, len(slots))
	}
	for _, s := range slots {
		if names[s.ssrc] != s.track.streamID {
			t.Errorf("stream %d is named %q, want %q", s.ssrc, names[s.ssrc], s.track.streamID)
		}
	}
	r.l.out.reset()
	for range 600 { // every buffer has its size by then
		round()
		r.l.out.reset()
	}
	if n := testing.AllocsPerRun(100, func() { round(); r.l.out.reset() }); n != 0 {
		t.Errorf("%v allocations for the reports of %d streams", n, len(slots))
	}
}

func TestReportsAreReadWithoutGarbage(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	r.feed(make([]byte, 50), opusType)
	now := r.l.now
	compound, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 7, NTPTime: ntpTime(now), RTPTime: 4711, Reports: []rtcp.ReceptionReport{{SSRC: 1}}},
		&rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 1}, {SSRC: 2}}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}}}}},
	})
	must(t, err)
	if n := testing.AllocsPerRun(100, func() { r.l.handleRTCP(r.publisher, compound) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c := r.src.sender; !c.known || c.ts != 4711 || c.middle != uint32(ntpTime(now)>>16) {
		t.Errorf("the publisher's clock is %+v", c)
	}
	dropped := r.publisher.counters.dropped.Load()
	for name, b := range map[string][]byte{
		"cut off": compound[:len(compound)-3], "a tail": append(append([]byte{}, compound...), 0x80), "another version": {0x40, rtcpSenderReport, 0, 0},
		"length beyond the end": {0x80, rtcpSenderReport, 0xff, 0xff, 0, 0, 0, 7}, "feedback that lies": {0x81, rtcpTransport, 0, 1, 0, 0, 0, 7},
	} {
		r.l.handleRTCP(r.publisher, b)
		if got := r.publisher.counters.dropped.Load(); got != dropped+1 {
			t.Errorf("%s: not counted", name)
		}
		dropped = r.publisher.counters.dropped.Load()
	}
	r.l.handleRTCP(r.publisher, []byte{0x80, rtcpSenderReport, 0, 0}) // too short for what it says it is
}

// TestVoiceAndScreenStayTogether has a publisher speak and share on clocks of its own, with reports that take their time, one stream restarted in between. What
// its listener computes from the reports it gets must put both streams at the moment they were captured.
func TestVoiceAndScreenStayTogether(t *testing.T) {
	const voiceSSRC, screenSSRC = 7, 8
	r := newRig(t, profileGCM, Audio, 1)
	lk, voice := r.slots[0].link, r.slots[0]
	r.publisher.setLines([]mediaLine{
		{stream: Stream{MID: "1", Kind: Audio}, sends: true, ssrcs: []uint32{voiceSSRC}, types: []uint8{opusType}},
		{stream: Stream{MID: "2", Kind: Video}, sends: true, ssrcs: []uint32{screenSSRC, screenSSRC + 1}, types: []uint8{vp8Type}},
	})
	picture := newSource(r.publisher, Stream{MID: "2", Kind: Video}, 64)
	picture.open()
	screen := newSlot(lk, Video, newLocalTrack(Video))
	screen.open(200, vp8Type)
	screen.Bind(picture)
	picture.Attach(&forwarder{src: picture, slots: []*Slot{screen}}, FromNow)

	start := r.l.now
	offsets := map[uint32]uint32{voiceSSRC: 1 << 31, screenSSRC: 12345, screenSSRC + 1: 4000000000} // where the clocks of the streams begin
	rates := map[uint32]int64{voiceSSRC: 48000, screenSSRC: 90000, screenSSRC + 1: 90000}
	captured := func(ssrc uint32, after time.Duration) uint32 {
		return offsets[ssrc] + uint32(int64(after/time.Microsecond)*rates[ssrc]/1e6)
	}
	seqs := map[uint32]uint64{}
	send := func(ssrc uint32, pt uint8, after, delay time.Duration) {
		seqs[ssrc]++
		h := header(0, 0, nil)
		h[1], h[11] = pt, byte(ssrc)
		binary.BigEndian.PutUint16(h[2:], uint16(seqs[ssrc]))
		binary.BigEndian.PutUint32(h[4:], captured(ssrc, after))
		r.l.now = start.Add(after + delay)
		r.l.ingress(r.sealer.sealRTP(append(append(r.scratch, h...), keyframePayload(60)...), rtpHeaderSize, ssrc, seqs[ssrc]), r.from)
		r.turn()
	}
	report := func(ssrc uint32, after, delay time.Duration) {
		theirs := start.Add(after - 3*time.Hour) // the publisher's clock is wrong, as many are
		r.l.now = start.Add(after + delay)
		b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: ssrc, NTPTime: ntpTime(theirs), RTPTime: captured(ssrc, after)}})
		must(t, err)
		r.l.handleRTCP(r.publisher, b)
	}
	shownAt := func(s *Slot, ssrc uint32, after time.Duration, now time.Time) time.Time {
		sr := s.senderReport(now)
		ticks := int32(captured(ssrc, after) + s.tsShift - sr.ts)
		return time.Unix(0, nanosOfNTP(sr.ntp)).Add(time.Duration(int64(ticks) * int64(time.Second) / rates[ssrc]))
	}
	together := func(ssrc uint32, after time.Duration) {
		t.Helper()
		now := r.l.now.Add(200 * time.Millisecond)
		heard, seen := shownAt(voice, voiceSSRC, after, now), shownAt(screen, ssrc, after, now)
		if d := heard.Sub(seen).Abs(); d > time.Millisecond {
			t.Errorf("what was captured at %v is heard and seen %v apart", after, d)
		}
	}
	const ms = time.Millisecond
	send(voiceSSRC, opusType, 0, 20*ms)
	send(screenSSRC, vp8Type, 10*ms, 90*ms) // pictures take longer
	report(voiceSSRC, 500*ms, 20*ms)
	report(screenSSRC, 700*ms, 60*ms) // and this report was held up
	send(voiceSSRC, opusType, 1000*ms, 20*ms)
	send(screenSSRC, vp8Type, 1010*ms, 95*ms)
	together(screenSSRC, 1000*ms)
	send(screenSSRC+1, vp8Type, 5000*ms, 80*ms) // shared anew
	report(voiceSSRC, 5500*ms, 45*ms)
	report(screenSSRC+1, 5600*ms, 22*ms)
	send(screenSSRC+1, vp8Type, 6000*ms, 80*ms)
	together(screenSSRC+1, 6000*ms)
}
