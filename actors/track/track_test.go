package track

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"calls/actors/kit"
	"calls/actors/kit/kittest"
	"calls/media"
)

// fakeSource is a ring that never overwrites.
type fakeSource struct {
	lane    media.Lane
	packets []*media.Packet
	poison  map[uint64]bool // indices whose packet brings the track down
	kept    uint64          // older ones were overwritten
	closed  bool
}

func (s *fakeSource) Attach(lane media.Lane, from uint64) {
	s.lane = lane
	for i := from; lane != nil && i < uint64(len(s.packets)); i++ {
		lane.Offer(i)
	}
}

func (s *fakeSource) Packet(i uint64) *media.Packet {
	if i < s.kept {
		return nil
	}
	if s.poison[i] {
		panic("poison packet")
	}
	return s.packets[i]
}

func (s *fakeSource) Close() { s.closed = true }

type fakeSlot struct {
	bound Source
	binds int
	got   []uint16
}

func (s *fakeSlot) Bind(src Source)      { s.bound = src; s.binds++ }
func (s *fakeSlot) Unbind()              { s.bound = nil }
func (s *fakeSlot) Send(p *media.Packet) { s.got = append(s.got, p.Seq) }

// studio is a track under a parent that restarts it and writes down what it is told.
type studio struct {
	*kittest.World
	src    *fakeSource
	slot   *fakeSlot
	spec   *Spec
	lane   *kit.Mailbox
	parent *kittest.Probe
	pid    *actor.PID
	gen    uint64
}

type spawnAgain struct{}

func newStudio(t *testing.T) *studio { return newStudioOf(t, KindVoice) }

func newStudioOf(t *testing.T, kind Kind) *studio {
	w := kittest.New(t)
	s := &studio{World: w, src: &fakeSource{poison: map[uint64]bool{}}, slot: &fakeSlot{}, parent: kittest.NewProbe(t)}
	s.spec = New("a/voice/0", kind, s.src, true, w.Log)
	s.spec.Now = w.Clock.Now
	s.parent.Do = func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *actor.Started, spawnAgain:
			s.gen++
			s.lane = kit.NewMailbox(kit.MailboxOptions{MediaCapacity: 64})
			s.pid, _ = ctx.SpawnNamed(s.spec.Props(s.lane, w.Pump, nil), kit.Name(kit.Track, "voice-0", s.gen))
		}
	}
	w.Spawn(kit.Spec{Kind: kit.Session, Strategy: kit.NewStrategy(kit.StrategyOptions{Clock: w.Clock}), New: s.parent.Actor}, "a")
	s.Tell(s.pid, Subscribe{Receiver: "b", Slot: s.slot, ReplyTo: s.parent.PID()})
	return s
}

// packets puts n packets in the ring and, as a shard's loop would, offers them and runs the lane.
func (s *studio) packets(n int) {
	for range n {
		s.src.packets = append(s.src.packets, &media.Packet{Seq: uint16(len(s.src.packets)), Level: -1})
		if s.src.lane != nil {
			s.src.lane.Offer(uint64(len(s.src.packets) - 1))
		}
	}
	if s.src.lane != nil {
		s.src.lane.Run()
	}
	s.Run()
}

func upTo(n uint16, without ...uint16) (seqs []uint16) {
	for i := range n {
		if len(without) == 0 || i != without[0] {
			seqs = append(seqs, i)
		}
	}
	return seqs
}

func TestPoisonPacketIsLostAlone(t *testing.T) {
	s := newStudio(t)
	s.src.poison[3] = true
	s.packets(6)
	s.Advance(time.Second)
	assert.Equal(t, upTo(6, 3), s.slot.got)
	assert.Equal(t, Source(s.src), s.slot.bound, "the slot stays lent")
}

func TestNothingIsLostWhileATrackIsStoppedFromAbove(t *testing.T) {
	s := newStudio(t)
	s.packets(3)
	s.Stop(s.pid)
	assert.Nil(t, s.src.lane)
	s.packets(3)
	assert.Equal(t, upTo(3), s.slot.got)
	s.Tell(s.parent.PID(), spawnAgain{})
	s.packets(1)
	assert.Equal(t, upTo(7), s.slot.got)
	assert.False(t, s.src.closed)
}

func TestEndGivesEverythingBack(t *testing.T) {
	s := newStudio(t)
	s.spec.End()
	s.Stop(s.pid)
	assert.Nil(t, s.slot.bound)
	assert.True(t, s.src.closed)
}

func TestSubscriptions(t *testing.T) {
	s := newStudio(t)
	second := &fakeSlot{}
	s.Tell(s.pid, Subscribe{Receiver: "b", Slot: s.slot, ReplyTo: s.parent.PID()})
	s.Tell(s.pid, Subscribe{Receiver: "c", Slot: second, ReplyTo: s.parent.PID()})
	s.packets(1)
	assert.Equal(t, []uint16{0}, s.slot.got, "subscribing twice brings nothing twice")
	s.Tell(s.pid, Unsubscribe{Slot: s.slot, ReplyTo: s.parent.PID()})
	s.packets(1)
	s.Tell(s.pid, Forget{Receiver: "c"})
	s.packets(1)
	assert.Equal(t, []uint16{0}, s.slot.got)
	assert.Equal(t, []uint16{0, 1}, second.got)
	assert.Nil(t, second.bound)
}

func TestGateClosesAndEndsTheVoice(t *testing.T) {
	s := newStudio(t)
	for i := range 60 {
		s.src.packets = append(s.src.packets, &media.Packet{Seq: uint16(i), Level: int8(20 + 40*(i%2))})
		s.src.lane.Offer(uint64(i))
	}
	s.src.lane.Run()
	s.Run()
	kittest.Take[Subscribed](s.parent)
	s.parent.Expect(Voice{"a/voice/0", true})
	s.Tell(s.pid, Gate{Open: false})
	s.parent.Expect(Voice{"a/voice/0", false})
	n, bound := len(s.slot.got), s.slot.binds
	s.packets(2)
	assert.Len(t, s.slot.got, n)
	s.Tell(s.pid, Gate{Open: true})
	assert.Equal(t, bound+1, s.slot.binds, "the numbering goes on without a gap for what was held back")
	s.packets(1)
	assert.Len(t, s.slot.got, n+1)
}

func TestLaneThatRanOver(t *testing.T) {
	for kind, rebound := range map[Kind]int{KindVoice: 0, KindScreen: 1} {
		t.Run(string(kind), func(t *testing.T) {
			s := newStudioOf(t, kind)
			s.packets(1)
			bound := s.slot.binds
			s.packets(100) // the lane holds 64
			assert.Equal(t, bound+rebound, s.slot.binds, "a picture begins anew with a key frame, speech goes on")
			assert.Len(t, s.slot.got, 1+64, "the oldest were dropped")
			s.packets(3)
			assert.Equal(t, bound+rebound, s.slot.binds)
			assert.Len(t, s.slot.got, 1+64+3)
		})
	}
}

func TestRingThatRanOver(t *testing.T) {
	s := newStudioOf(t, KindScreen)
	s.packets(2)
	bound := s.slot.binds
	s.src.kept = 4 // two are gone before the track gets to them
	s.packets(4)
	assert.Equal(t, bound+2, s.slot.binds)
	assert.Equal(t, []uint16{0, 1, 4, 5}, s.slot.got)
}
