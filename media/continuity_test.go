package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"calls/guard"
)

// arrives has a packet of the publisher arrive with this header, which may have anything that RTP allows, and gives what left for the first listener.
func (r *rig) arrives(header, body []byte, index uint64) [][]byte {
	binary.BigEndian.PutUint16(header[2:], uint16(index))
	b := append(append(r.scratch, header...), body...)
	r.l.ingress(r.sealer.sealRTP(b, len(header), 7, index), r.from)
	r.l.runLanes()
	out := r.sentBy(r.slots[0].link)
	r.l.out.reset()
	return out
}

// header makes an RTP header with this many contributing sources and these extension elements.
func header(csrcs int, profile uint16, elements []byte) []byte {
	b := []byte{0x80 | byte(csrcs), opusType | 0x80, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7}
	for i := range csrcs {
		b = append(b, 1, 2, 3, byte(i))
	}
	if elements != nil {
		b[0] |= 0x10
		for len(elements)%4 != 0 {
			elements = append(elements, 0)
		}
		b = binary.BigEndian.AppendUint16(b, profile)
		b = binary.BigEndian.AppendUint16(b, uint16(len(elements)/4))
		b = append(b, elements...)
	}
	return b
}

// opened decrypts what left on a slot.
func opened(t *testing.T, s *Slot, out []byte, index uint64) []byte {
	t.Helper()
	plain, ok := s.link.keys.out.openRTP(append([]byte{}, out...), rtpHeaderSize, s.ssrc, index)
	if !ok {
		t.Fatalf("packet %d does not open", index)
	}
	return plain
}

func TestHeadersOfEveryForm(t *testing.T) {
	const level, mid = 3, 14
	one := []byte{level << 4, 0x80 | 33, 0, mid<<4 | 2, 'a', 'b', 'c'}   // with a byte of padding between the two
	two := []byte{level, 1, 0x80 | 33, 0, 200, 0, mid, 3, 'a', 'b', 'c'} // with an element of no length
	for name, c := range map[string]struct {
		header []byte
		level  int8
	}{
		"bare":                       {header(0, 0, nil), -1},
		"one source":                 {header(1, 0, nil), -1},
		"fifteen sources":            {header(15, 0, nil), -1},
		"one-byte elements":          {header(0, 0xBEDE, one), 33},
		"two-byte elements":          {header(0, 0x1000, two), 33},
		"two-byte, application bits": {header(0, 0x100f, two), 33},
		"sources and elements":       {header(7, 0xBEDE, one), 33},
		"an extension of no length":  {header(2, 0xBEDE, []byte{}), -1},
		"an extension of nobody's":   {header(0, 0x4711, one), -1},
		"element behind the end":     {header(0, 0xBEDE, []byte{0xf0, level << 4, 33, 0}), -1},
		"element longer than all":    {header(0, 0xBEDE, []byte{level<<4 | 15, 33}), -1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, profileGCM, Audio, 1)
			r.publisher.lines[0].levelExt, r.publisher.lines[0].midExt = level, mid
			body := []byte("what is said")
			out := r.arrives(c.header, body, 1000)
			if len(out) != 1 {
				t.Fatalf("%d packets left", len(out))
			}
			s := r.slots[0]
			plain := opened(t, s, out[0], s.given.top)
			if plain[0] != 0x80 || plain[1] != 0x80|opusType {
				t.Errorf("header begins with % x", plain[:2])
			}
			if !bytes.Equal(plain[rtpHeaderSize:], body) {
				t.Errorf("payload %q", plain[rtpHeaderSize:])
			}
			if got := r.src.ring.get(0).Level; got != c.level {
				t.Errorf("level %d, want %d", got, c.level)
			}
		})
	}
}

func TestHeadersThatLie(t *testing.T) {
	r := newRig(t, profileGCM, Audio, 1)
	for name, b := range map[string][]byte{
		"sources beyond the end":   header(15, 0, nil)[:20],
		"extension beyond the end": header(0, 0xBEDE, make([]byte, 40))[:30],
		"no room for an extension": header(0, 0xBEDE, []byte{})[:14],
		"another version":          {0x40, opusType, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7},
	} {
		if _, ok := parseRTP(b); ok {
			t.Errorf("%s: accepted", name)
		}
		r.l.ingress(append(make([]byte, 0, 100), b...), r.from)
	}
	if r.src.ring.next != 0 {
		t.Error("something reached the track")
	}
}

// TestRollover goes over 65535 at both ends at once, with loss and disorder right there.
func TestRollover(t *testing.T) {
	for _, p := range []profile{profileGCM, profileCM} {
		t.Run(p.String(), func(t *testing.T) {
			r := newRig(t, p, Video, 1)
			s := r.slots[0]
			s.given.top = 1<<16 - 8 // a receiver's slot that has sent nearly a round
			video := func() []byte { h := header(0, 0, nil); h[1] = vp8Type; return h }
			var receiver window // what a receiver knows: it counts the rounds by itself
			var first [][]byte
			var at []uint64
			for i, in := range []uint64{1, 2, 3, 4, 6, 5, 7, 9, 10, 8, 11, 12, 14, 15, 16, 17, 18} { // 13 is lost
				body := keyframePayload(200)
				body[20] = byte(in)
				out := r.arrives(video(), body, 1<<16-10+in)
				if len(out) != 1 {
					t.Fatalf("packet %d: %d left", in, len(out))
				}
				index, ok := receiver.extend(binary.BigEndian.Uint16(out[0][2:]))
				if !ok || !receiver.take(index) {
					t.Fatalf("packet %d comes as %d", in, index)
				}
				if plain := opened(t, s, out[0], index); !bytes.Equal(plain[rtpHeaderSize:], body) {
					t.Fatalf("packet %d: another payload", in)
				}
				first, at = append(first, out[0]), append(at, index)
				if want := at[0] + in - 1; index != want {
					t.Errorf("the %dth, packet %d, is number %d, want %d", i, in, index, want)
				}
			}
			if receiver.top < 1<<16 {
				t.Fatal("the row did not roll over")
			}
			for i, b := range first { // also of the round before
				s.resend(r.l, uint16(at[i]))
				out := r.sentBy(s.link)
				r.l.out.reset()
				if len(out) != 1 || !bytes.Equal(out[0], b) {
					t.Errorf("number %d is not repeated as it was", at[i])
				}
			}
		})
	}
}

// TestNoNonceTwiceUnderCrashes crashes lanes at every place, in the middle of a seal too, and takes loops away. Of all that ever leaves, two packets with the
// same nonce must be the same bytes.
func TestNoNonceTwiceUnderCrashes(t *testing.T) {
	r := newRig(t, profileGCM, Video, 3)
	var crashes int
	r.sh.onPanic = func(guard.Failure) { crashes++ }
	left := map[string][]byte{} // by SSRC, rollover counter and sequence number
	collect := func() {
		for _, s := range r.slots {
			for _, b := range r.sentBy(s.link) {
				w := window{top: s.given.top, some: true}
				index, _ := w.extend(binary.BigEndian.Uint16(b[2:]))
				nonce := fmt.Sprint(s.ssrc, index)
				if before := left[nonce]; before != nil && !bytes.Equal(before, b) {
					t.Fatalf("two packets under the nonce %s", nonce)
				}
				left[nonce] = b
			}
		}
		r.l.out.reset()
	}
	lane := &crasher{rig: r, broken: &srtpContext{}}
	r.src.Attach(lane, FromNow)
	rng := rand.New(rand.NewPCG(3, 7))
	const rounds = 30000
	for i := range rounds {
		payload := keyframePayload(30 + rng.IntN(20))
		binary.BigEndian.PutUint32(payload[20:], uint32(i))
		r.feed(payload, vp8Type)
		lane.at = rng.IntN(40)
		guard.Run("loop", func() { r.l.runLanes() }, r.sh.onPanic)
		collect()
		s := r.slots[rng.IntN(len(r.slots))]
		switch rng.IntN(50) {
		case 0:
			s.Unbind()
			s.Bind(r.src)
		case 1: // an instance that was restarted begins anew somewhere before
			r.src.Attach(lane, r.src.ring.next-uint64(rng.IntN(20)))
			guard.Run("loop", func() { r.l.runLanes() }, r.sh.onPanic)
		case 2:
			s.nackBudget = 10
			for range 5 {
				s.resend(r.l, uint16(s.given.top)-uint16(rng.IntN(30)))
			}
		case 3: // the watchdog takes the loop away
			r.l = r.l.successor()
			r.sh.current.Store(r.l)
		}
		collect()
	}
	if crashes < rounds/20 || len(left) < rounds {
		t.Errorf("%d crashes, %d packets", crashes, len(left))
	}
}

// crasher forwards and crashes at a place that is chosen for each packet.
type crasher struct {
	fence
	rig    *rig
	broken *srtpContext // seals nothing, it panics when the number is already taken
	queue  []uint64
	at     int
}

func (c *crasher) Offer(i uint64) { c.queue = append(c.queue, i) }

func (c *crasher) Run() {
	for len(c.queue) > 0 {
		i := c.queue[0]
		c.queue = c.queue[1:]
		p := c.rig.src.Packet(i)
		if c.at == 0 {
			panic("before all")
		}
		for n, s := range c.rig.slots {
			keys := s.link.keys.out
			if c.at == 10+n {
				s.link.keys.out = c.broken
			}
			func() {
				defer func() { s.link.keys.out = keys }()
				s.Send(p)
			}()
			if c.at == 20+n {
				panic("between two")
			}
		}
	}
}
