package media

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

const (
	maxCompound = 1200 // bytes of one RTCP datagram before sealing
	reportSize  = 28   // a sender report without blocks
	maxReports  = 31   // blocks in one receiver report: its count has five bits
)

// Types of RTCP packets, RFC 3550 and RFC 4585.
const (
	rtcpSenderReport = 200
	rtcpDescription  = 202
	rtcpTransport    = 205 // feedback: NACK
	rtcpPayload      = 206 // feedback: PLI, FIR
	sdesCNAME        = 1
)

// handleRTCP takes an authentic compound packet of a client. Reports come once a second for each stream, so what is needed of them is read here, without garbage;
// feedback is rare.
func (l *loop) handleRTCP(lk *link, b []byte) {
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 || len(b) < 4+4*int(binary.BigEndian.Uint16(b[2:])) {
			lk.counters.dropped.Add(1)
			return
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		switch b[1] {
		case rtcpSenderReport:
			if n >= reportSize {
				lk.senderReport(binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:]), l.now)
			}
		case rtcpTransport, rtcpPayload:
			l.feedback(lk, b[:n])
		}
		b = b[n:]
	}
}

func (l *loop) feedback(lk *link, b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		lk.counters.dropped.Add(1)
		return
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.TransportLayerNack:
			lk.nack(l, p)
		case *rtcp.PictureLossIndication:
			lk.keyframeFor(l, p.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, e := range p.FIR {
				lk.keyframeFor(l, e.SSRC)
			}
		}
	}
}

// senderReport keeps the publisher's clock, from which the reports to its receivers are made.
func (lk *link) senderReport(ssrc uint32, ntp uint64, ts uint32, now time.Time) {
	for _, src := range lk.sources {
		if src.ssrc == ssrc && src.reception.some {
			nanos := nanosOfNTP(ntp)
			lk.clock.observe(nanos, now)
			src.sender = senderClock{known: true, nanos: nanos, ts: ts, middle: uint32(ntp >> 16), arrived: now}
		}
	}
}

func (lk *link) nack(l *loop, n *rtcp.TransportLayerNack) {
	s := lk.slots[n.MediaSSRC]
	if s == nil || lk.closed || lk.keys.out == nil {
		return
	}
	for _, pair := range n.Nacks {
		for _, seq := range pair.PacketList() {
			s.resend(l, seq)
		}
	}
}

func (lk *link) keyframeFor(l *loop, ssrc uint32) {
	if s := lk.slots[ssrc]; s != nil && s.src != nil {
		s.src.askKeyframe(l)
	}
}

// sendRTCP seals and queues one compound packet to the client.
func (lk *link) sendRTCP(l *loop, packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil || len(raw) > datagramSize {
		lk.counters.dropped.Add(1)
		return
	}
	lk.sendCompound(l, raw, nil)
}

// sendCompound does so with one that is written out, in two parts.
func (lk *link) sendCompound(l *loop, head, tail []byte) {
	if lk.keys.out == nil || lk.closed || lk.rtcpOut >= 1<<31-1 {
		return
	}
	lk.rtcpOut++ // taken before it is used, as with RTP
	i, b := l.buffer()
	b = lk.keys.out.sealRTCP(append(append(b, head...), tail...), lk.rtcpOut)
	l.out.put(lk, i, len(b))
}

// sendReceiverReports tells a publisher how its streams arrive.
func (lk *link) sendReceiverReports(l *loop) {
	var blocks []rtcp.ReceptionReport
	for _, src := range lk.sources {
		if len(blocks) < maxReports && src.reception.news() {
			blocks = append(blocks, src.reception.report(src.ssrc, &src.sender, l.now))
		}
	}
	if len(blocks) > 0 {
		lk.sendRTCP(l, &rtcp.ReceiverReport{SSRC: lk.rtcpSSRC, Reports: blocks})
	}
}

// sendSenderReports tells a client the clock of every stream that it got packets of, with the name that the description gave the stream.
func (lk *link) sendSenderReports(l *loop) {
	w := &l.reports
	w.reset()
	for _, s := range lk.slots {
		if s.packets == s.reported || s.lastSent.IsZero() {
			continue
		}
		s.reported = s.packets
		if !w.fits(s.track.streamID) {
			lk.sendCompound(l, w.reports, w.description())
			w.reset()
		}
		w.add(s.senderReport(l.now), s.track.streamID)
	}
	if w.n > 0 {
		lk.sendCompound(l, w.reports, w.description())
	}
}

// reportWriter writes a compound of sender reports and the names that belong to them. Its memory is used again.
type reportWriter struct {
	reports, names []byte
	n              int
}

func (w *reportWriter) reset() {
	w.n, w.reports = 0, w.reports[:0]
	w.names = append(w.names[:0], 0x80, rtcpDescription, 0, 0)
}

func (w *reportWriter) fits(name string) bool {
	return w.n < maxReports && len(w.reports)+reportSize+len(w.names)+12+len(name) <= maxCompound
}

func (w *reportWriter) add(r senderReport, name string) {
	w.n++
	w.reports = r.append(w.reports)
	w.names = binary.BigEndian.AppendUint32(w.names, r.ssrc)
	w.names = append(w.names, sdesCNAME, byte(len(name)))
	w.names = append(w.names, name...)
	w.names = append(w.names, 0) // the end of the items, then up to a word
	for len(w.names)%4 != 0 {
		w.names = append(w.names, 0)
	}
}

// description gives the names as the packet that ends the compound.
func (w *reportWriter) description() []byte {
	w.names[0] = 0x80 | byte(w.n)
	binary.BigEndian.PutUint16(w.names[2:], uint16(len(w.names)/4-1))
	return w.names
}

// senderReport is one, without blocks.
type senderReport struct {
	ssrc                uint32
	ntp                 uint64
	ts, packets, octets uint32
}

func (r senderReport) append(b []byte) []byte {
	b = append(b, 0x80, rtcpSenderReport, 0, reportSize/4-1)
	b = binary.BigEndian.AppendUint32(b, r.ssrc)
	b = binary.BigEndian.AppendUint64(b, r.ntp)
	b = binary.BigEndian.AppendUint32(b, r.ts)
	b = binary.BigEndian.AppendUint32(b, r.packets)
	return binary.BigEndian.AppendUint32(b, r.octets)
}

// senderReport says which time stamp of the slot belongs to this moment. It follows the publisher's own reports, so that voice and screen of one publisher,
// whose packets take the same time to get here, stay together at the receiver.
func (s *Slot) senderReport(now time.Time) senderReport {
	rate := int64(s.kind.clockRate())
	ts := s.lastTS + uint32(int64(now.Sub(s.lastSent)/time.Microsecond)*rate/1e6)
	if s.src != nil && s.based && s.src.sender.known {
		c := &s.src.sender
		at := s.src.link.clock.ours(c.nanos)
		if passed := now.Sub(at); passed > -time.Minute && passed < time.Minute {
			ts = c.ts + s.tsShift + uint32(int64(passed/time.Microsecond)*rate/1e6)
		}
	}
	return senderReport{ssrc: s.ssrc, ntp: ntpTime(now), ts: ts, packets: s.packets, octets: s.octets}
}

// senderClock is what a publisher's last report said about a stream.
type senderClock struct {
	known   bool
	nanos   int64 // Unix time on the publisher's clock
	ts      uint32
	middle  uint32 // the middle of its NTP time, which a receiver report repeats
	arrived time.Time
}

// clockMap translates one publisher's clock into ours. All its streams share it, or they would drift apart at the receivers.
type clockMap struct {
	known    bool
	offset   int64 // ours minus the publisher's, nanoseconds; the least delayed report counts
	observed time.Time
}

// clockDrift is how fast two clocks may run apart.
const clockDrift = 100e-6

func (c *clockMap) observe(theirs int64, now time.Time) {
	seen := now.UnixNano() - theirs
	if c.known {
		c.offset += int64(float64(now.Sub(c.observed)) * clockDrift)
	}
	if !c.known || seen < c.offset || seen-c.offset > int64(10*time.Second) { // ten seconds late: the clock was set
		c.offset = seen
	}
	c.known, c.observed = true, now
}

func (c *clockMap) ours(theirs int64) time.Time { return time.Unix(0, theirs+c.offset) }

const ntpEpoch = 2208988800 // seconds from 1900 to 1970

func ntpTime(t time.Time) uint64 {
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/1e9
}

func nanosOfNTP(v uint64) int64 {
	return (int64(v>>32)-ntpEpoch)*1e9 + int64((v&0xffffffff)*1e9>>32)
}

// reception counts what came of one SSRC, RFC 3550 section 6.4.1 and appendix A.
type reception struct {
	some                       bool
	base, top                  uint64
	received                   uint64
	jitter                     float64
	transit                    uint32
	lastExpected, lastReceived uint64
}

func (r *reception) count(index uint64, ts uint32, now time.Time, rate uint32) {
	transit := uint32(now.UnixMicro()*int64(rate)/1e6) - ts
	if !r.some {
		*r = reception{some: true, base: index, top: index, transit: transit}
	}
	r.received++
	r.top = max(r.top, index)
	d := int32(transit - r.transit)
	r.transit = transit
	if d < 0 {
		d = -d
	}
	r.jitter += (float64(d) - r.jitter) / 16
}

// news says whether anything came since the last report.
func (r *reception) news() bool { return r.received != r.lastReceived }

func (r *reception) report(ssrc uint32, sender *senderClock, now time.Time) rtcp.ReceptionReport {
	expected := r.top - r.base + 1
	lost := int64(expected) - int64(r.received)
	interval := expected - r.lastExpected
	intervalLost := int64(interval) - int64(r.received-r.lastReceived)
	r.lastExpected, r.lastReceived = expected, r.received
	out := rtcp.ReceptionReport{
		SSRC: ssrc, LastSequenceNumber: uint32(r.top), Jitter: uint32(r.jitter),
		TotalLost: uint32(min(max(lost, 0), 1<<23-1)),
	}
	if intervalLost > 0 && interval > 0 {
		out.FractionLost = uint8(min(intervalLost*256/int64(interval), 255))
	}
	if sender.known {
		out.LastSenderReport = sender.middle
		out.Delay = uint32(now.Sub(sender.arrived) * 65536 / time.Second)
	}
	return out
}
