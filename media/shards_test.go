//go:build linux && !plainudp

package media

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/pion/rtp"
)

// TestSeveralShards has calls talk that are spread over shards, by clients whose packets come to any of the sockets.
func TestSeveralShards(t *testing.T) {
	const shards, calls, packets = 3, 6, 120
	ts := newTestServerOf(t, shards)
	type pair struct {
		send func(int) *rtp.Packet
		sent []*rtp.Packet
		bob  *testClient
		slot *Slot
	}
	var pairs []*pair
	members := map[*Shard]int{}
	for n := range calls {
		o := clientOptions{group: fmt.Sprint("call ", n)}
		alice, bob := ts.joinWith(t, fmt.Sprint("alice ", n), o), ts.joinWith(t, fmt.Sprint("bob ", n), o)
		if alice.peer.Shard() != bob.peer.Shard() {
			t.Fatal("one call on two shards")
		}
		members[alice.peer.Shard()] += 2
		track, src := alice.publish(Audio)
		slot := bob.subscribe(Audio)
		ts.forward(src, slot)
		pairs = append(pairs, &pair{bob: bob, slot: slot, send: func(i int) *rtp.Packet { p := opus(i); must(t, track.WriteRTP(p)); return p }})
	}
	for _, sh := range ts.shards {
		if members[sh] != 2*calls/shards {
			t.Errorf("shard %d has %d peers", sh.n, members[sh])
		}
	}
	for i := range packets {
		for _, p := range pairs {
			p.sent = append(p.sent, p.send(i))
			p.bob.keepsUp(p.slot, i)
		}
	}
	for _, p := range pairs {
		until(t, func() string {
			return unless(len(p.bob.from(p.slot)) == packets, "%d of %d came", len(p.bob.from(p.slot)), packets)
		})
		checkRow(t, p.sent, p.bob.from(p.slot))
	}
	until(t, func() string { // reports still come and go
		var on, in uint64
		for _, sh := range ts.shards {
			on, in = on+sh.Stats().HandedOn, in+sh.Stats().HandedIn
		}
		return unless(on == in && on > 0, "%d datagrams handed on, %d taken", on, in) // all of 12 clients on the right socket by chance: one in half a million
	})
}

// TestMovedClientIsFoundFromAnyShard moves a client about until its packets have come to every socket.
func TestMovedClientIsFoundFromAnyShard(t *testing.T) {
	ts := newTestServerOf(t, 2)
	o := clientOptions{group: "call"}
	alice, bob := ts.joinWith(t, "alice", o), ts.joinWith(t, "bob", o)
	track, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	f := ts.forward(src, slot)
	must(t, track.WriteRTP(opus(0)))
	until(t, func() string { return unless(len(bob.from(slot)) == 1, "the first packet came") })
	var ssrc uint32
	var at netip.AddrPort // where the client was when the latest packet was forwarded: its reports, which come from where it really is, move it back
	onLoop(src.link.sh, func() {
		ssrc = src.ssrc
		f.before = func(*Packet) { at = src.link.remote.addr }
	})
	for i := range uint64(12) {
		s := ts.stranger(t)
		seq := 65501 + i
		h := rtp.Header{Version: 2, PayloadType: opusType, SequenceNumber: uint16(seq), Timestamp: uint32(seq) * 960, SSRC: ssrc}
		s.send(alice.sealedBy(h, seq, []byte("moved")))
		until(t, func() string {
			return unless(len(bob.from(slot)) == int(i)+2, "move %d: %d packets came", i, len(bob.from(slot)))
		})
		onLoop(src.link.sh, func() {
			if at != s.addr() {
				t.Errorf("move %d: taken to be at %v, is at %v", i, at, s.addr())
			}
		})
	}
	if on := ts.shards[0].Stats().HandedOn + ts.shards[1].Stats().HandedOn; on == 0 {
		t.Error("nothing was handed on")
	}
}

func TestOnePeerTakesNothingOfAnothersShard(t *testing.T) {
	ts := newTestServerOf(t, 2)
	alice, bob := ts.join(t, "alice"), ts.join(t, "bob") // two groups
	if alice.peer.Shard() == bob.peer.Shard() {
		t.Fatal("two groups on one shard")
	}
	_, src := alice.publish(Audio)
	slot := bob.subscribe(Audio)
	onLoop(bob.peer.Shard(), func() {
		slot.Bind(src)
		if slot.src != nil {
			t.Error("a slot was bound to another shard's stream")
		}
		r := route{addr: alice.peer.Stats().Remote}
		if bob.peer.Shard().table.learn(bob.peer.link, r, bob.peer.Shard().current.Load().now) {
			t.Error("a client's address was taken over across shards while it is there")
		}
	})
}
