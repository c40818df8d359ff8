package media

import (
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
