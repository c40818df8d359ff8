package actors

import (
	"maps"
	"slices"
	"strings"
	"time"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

// settle lets everything that has begun come to its end, and compares tree and model.
func (r *run) settle() {
	if r.down {
		r.down, r.lasting = false, max(r.lasting, 6*time.Second)
	}
	r.pump.rest()
	r.advanceBoth(max(r.lasting, 1500*time.Millisecond))
	for r.comeback() || r.deaths() {
	}
	for _, ch := range channels {
		r.adopt(ch)
	}
	for _, c := range r.either {
		if len(c.refused) < len(r.refusal[c.id]) {
			r.refusal[c.id] = slices.Clone(c.refused)
		}
	}
	r.compare()
	r.fresh()
}

// comeback waits for actors that wait out their back-off.
func (r *run) comeback() bool {
	if len(r.m.pending) == 0 {
		return false
	}
	for _, at := range r.m.pending {
		r.advanceBoth(max(0, at.Sub(r.m.now)) + time.Millisecond)
		break
	}
	return true
}

// deaths waits for sessions that nobody would believe in any more to be given up; the second that it takes is allowed for, and that its actor may be away.
func (r *run) deaths() (some bool) {
	const slack = 4 * time.Second
	var dead []*stockClient
	for _, c := range r.order {
		if _, _, p := r.m.find(c.id); p != nil && r.clients[c.id] == c && r.m.now.Add(slack).After(c.deathAt()) {
			dead = append(dead, c)
		}
	}
	for _, c := range dead {
		if left := c.deathAt().Add(slack).Sub(r.m.now); left > 0 {
			r.advanceBoth(left)
		}
	}
	for _, c := range dead {
		reason := session.ICEFailed
		if c.offline {
			reason = session.Disconnected
		}
		r.note("%s is dead: %s", c.id, reason)
		r.refusal[c.id] = append(r.refusal[c.id], string(reason))
		c.gone, r.ended[c.id] = true, true
		r.m.leave(c.id, false, reason)
	}
	return len(dead) > 0
}

// adopt takes over from the tree what could have come either way: whether a join came into a call that was ending or began the next.
func (r *run) adopt(ch call.ChannelID) {
	v, on := r.engine.Call(ch)
	j := r.joined[ch]
	if r.over[ch] && j != nil {
		if in := slices.ContainsFunc(v.People, func(p call.Person) bool { return p.Session == j.id }); in {
			r.m.join(ch, j.id, j.user)
			delete(r.m.ends, j.id)
			if p := r.joiner[ch]; p != nil {
				_, _, now := r.m.find(j.id)
				*now = *p
			}
		} else if len(j.refused) == 0 && !r.seen(j) {
			r.fail("%s is lost: neither in the call that ended nor in the next", j.id)
		} else {
			j.gone = true
			r.refusal[j.id] = j.refused
		}
	}
	known, may := r.before[ch]
	switch same := on && r.ids[ch] == v.Call; {
	case may && same && r.m.calls[ch] != nil:
		r.m.recall(ch, known)
	case on && !same && r.ids[ch] != "" && r.m.calls[ch] != nil:
		r.m.forget("call:" + string(ch) + "#")
		r.m.calls[ch].crowd = map[session.UserID]time.Time{}
	}
}

// seen says whether a channel's members have been told of a client.
func (r *run) seen(c *stockClient) bool {
	return countMap(r.books, func(b *book) bool {
		_, left := b.left[c.id]
		return b.channel == c.ch && (left || b.find(c.id) != nil)
	}) > 0
}

// compare says where tree and model differ. All is quiet.
func (r *run) compare() {
	for _, ch := range channels {
		r.compareCall(ch)
		r.compareStreams(ch)
	}
	r.compareBooks()
	r.compareClients()
	r.compareRegistry()
	r.compareActors()
}

func (r *run) compareCall(ch call.ChannelID) {
	v, on := r.engine.Call(ch)
	want := r.m.calls[ch]
	if on != (want != nil) {
		r.fail("%s: a call is on: %v, and should be: %v", ch, on, want != nil)
		return
	}
	if !on {
		if rec, ok := r.records[ch]; ok {
			r.fail("%s: the record of call %s is left", ch, rec.Call)
		}
		return
	}
	if !slices.EqualFunc(v.People, want.people, func(p call.Person, w *modelPerson) bool { return p.Session == w.id && p.User == w.user }) {
		r.fail("%s: in are %v, should be %v", ch, ids(v.People, func(p call.Person) session.ID { return p.Session }), ids(want.people, func(p *modelPerson) session.ID { return p.id }))
		return
	}
	for i, p := range v.People {
		w := want.people[i]
		if p.Unmuted != w.unmuted || p.Hand.IsZero() == w.hand {
			r.fail("%s: unmuted %v, hand %v; should be %v, %v", p.Session, p.Unmuted, p.Hand, w.unmuted, w.hand)
		}
		if w.hand && (p.Hand.Before(w.raised) || p.Hand.After(w.raised.Add(2*time.Second))) {
			r.fail("%s: its hand is up since %v, should be %v", p.Session, p.Hand, w.raised)
		}
	}
	if v.ScreenSession != want.screen {
		r.fail("%s: %q shares, should be %q", ch, v.ScreenSession, want.screen)
	}
	if want.hostSure && v.Host != want.host {
		r.fail("%s: host is %s, should be %s", ch, v.Host, want.host)
	}
	want.host, want.hostSure = v.Host, true
	r.compareTold(v)
}

func ids[T any](list []T, id func(T) session.ID) (out []session.ID) {
	for _, x := range list {
		out = append(out, id(x))
	}
	return out
}

// compareTold checks that the channel's members and the store have learnt the state of a call.
func (r *run) compareTold(v call.View) {
	b := r.books[v.Call]
	if b == nil || b.v != v.V || b.host != v.Host || b.screen != v.ScreenSession || len(b.people) != len(v.People) {
		r.fail("call %s: told is %+v, it stands at version %d", v.Call, b, v.V)
		return
	}
	for i, p := range v.People {
		if t := b.people[i]; t.Session != p.Session || t.Unmuted != p.Unmuted || !t.Hand.Equal(p.Hand) {
			r.fail("call %s: told of %+v, it is %+v", v.Call, t, p)
		}
	}
	if b.mustMove != "" || b.ended != "" || b.posts != 1 || b.closed != 0 || b.cleared != 0 {
		r.fail("call %s: it is on, and its books say %+v", v.Call, b)
	}
	rec := r.records[v.Channel]
	if rec.Call != v.Call || rec.V != v.V || rec.Post != v.Post || v.Post.ID == "" || !slices.Equal(rec.People, v.People) {
		r.fail("call %s: the record has version %d, post %v; the call %d, %v", v.Call, rec.V, rec.Post, v.V, v.Post)
	}
}

// compareStreams checks that everybody receives every track of everybody else on one slot each, and nothing besides.
func (r *run) compareStreams(ch call.ChannelID) {
	mc := r.m.calls[ch]
	if mc == nil {
		return
	}
	var published []*standSource
	for _, p := range mc.people {
		published = append(published, r.compareSources(p, mc.screen)...)
	}
	for _, p := range mc.people {
		r.compareSlots(r.clients[p.id], published)
	}
	for _, src := range published {
		r.compareDelivery(src, mc)
	}
}

// compareSources checks which of a client's streams are tracks, and lists those that others should receive.
func (r *run) compareSources(p *modelPerson, screen session.ID) (published []*standSource) {
	c := r.clients[p.id]
	if c.peer == nil || !c.open || c.offering {
		r.fail("%s: it is in, and its connection is not up", c.id)
		return nil
	}
	if !slices.Equal(c.peer.streams, c.streams) {
		r.fail("%s: it sends %v, the server knows of %v", c.id, c.streams, c.peer.streams)
	}
	live := map[media.Stream]*standSource{}
	for _, src := range c.peer.sources {
		if !src.closed {
			live[src.stream] = src
		}
	}
	for _, st := range c.streams {
		voice := strings.HasPrefix(st.StreamID, "mic")
		if !voice && (screen != p.id || st.StreamID != c.shared) {
			continue
		}
		if live[st] == nil || live[st].lane == nil {
			r.fail("%s: its stream %v is not forwarded", c.id, st)
			continue
		}
		published = append(published, live[st])
		delete(live, st)
	}
	for st := range live {
		r.fail("%s: stream %v is received for nothing", c.id, st)
	}
	return published
}

func (r *run) compareSlots(c *stockClient, published []*standSource) {
	if c.offline && c.peer.pending {
		return // it will answer when it is back
	}
	count, lines := map[*standSource]int{}, wire.MediaMap{}
	for _, sl := range c.peer.slots {
		if sl.bound != nil {
			count[sl.bound]++
			lines[sl.mid] = wire.MediaLine{Type: contentOf(sl.bound.stream), SenderID: string(sl.bound.p.c.id)}
			if sl.kind != sl.bound.stream.Kind {
				r.fail("%s: a slot for %v carries %v", c.id, sl.kind, sl.bound.stream.Kind)
			}
		}
	}
	for _, src := range published {
		want := 1
		if src.p.c == c {
			want = 0
		}
		if count[src] != want {
			r.fail("%s: it receives %v of %s on %d slots, should be %d", c.id, src.stream, src.p.c.id, count[src], want)
		}
		delete(count, src)
	}
	for src := range count {
		r.fail("%s: a slot is lent to %v of %s, which is not published", c.id, src.stream, src.p.c.id)
	}
	if !maps.Equal(lines, c.peer.senders) {
		r.fail("%s: it was told that its lines carry %v, they carry %v", c.id, c.peer.senders, lines)
	}
	if c.peer.pending {
		r.fail("%s: an offer is unanswered", c.id)
	}
	video := slices.ContainsFunc(published, func(src *standSource) bool { return src.p.c != c && src.stream.Kind == media.Video })
	if n := countIf(c.peer.slots, func(sl *standSlot) bool { return sl.kind == media.Video }); n > 1 || (n > 0) != video {
		r.fail("%s: it has %d slots for video; somebody else shares: %v", c.id, n, video)
	}
}

// contentOf is what a stream of these clients is, in the words of the media map.
func contentOf(st media.Stream) string {
	switch {
	case strings.HasPrefix(st.StreamID, "mic"):
		return "voice"
	case st.Kind == media.Video:
		return "screen"
	}
	return "screen-audio"
}

func countIf[T any](list []T, f func(T) bool) (n int) {
	for _, x := range list {
		if f(x) {
			n++
		}
	}
	return n
}

// compareDelivery lets a packet come and checks who gets it.
func (r *run) compareDelivery(src *standSource, mc *modelCall) {
	_, _, from := r.m.find(src.p.c.id)
	want := 1
	if strings.HasPrefix(src.stream.StreamID, "mic") && !from.unmuted {
		want = 0
	}
	before := map[*standSlot]int{}
	var slots []*standSlot
	for _, c := range r.order {
		if c.peer != nil {
			slots = append(slots, c.peer.slots...)
		}
	}
	for _, sl := range slots {
		before[sl] = sl.sent
	}
	src.packet()
	for _, sl := range slots {
		w := 0
		if _, in, _ := r.m.find(sl.p.c.id); in == mc && sl.bound == src && r.clients[sl.p.c.id] == sl.p.c {
			w = want
		}
		if got := sl.sent - before[sl]; got != w {
			r.fail("%s: got %d packets of %v of %s, should be %d", sl.p.c.id, got, src.stream, src.p.c.id, w)
		}
	}
}

// compareBooks checks that every call but those that are on has come to a proper end.
func (r *run) compareBooks() {
	for id, b := range r.books {
		if v, on := r.engine.Call(b.channel); on && v.Call == id {
			continue
		}
		if b.posts != b.closed || b.cleared != 1 {
			r.fail("call %s is over: %d posts, closed %d times, record cleared %d times", id, b.posts, b.closed, b.cleared)
		}
		if b.ended == "" && len(b.people) > 0 {
			r.fail("call %s is over, and nobody told %v", id, b.people)
		}
	}
}

// compareClients checks what those who came have been told, and that they are gone if they are not in.
func (r *run) compareClients() {
	for _, c := range r.order {
		if r.clients[c.id] != c {
			continue
		}
		slices.Sort(c.refused)
		slices.Sort(r.refusal[c.id])
		if !slices.Equal(c.refused, r.refusal[c.id]) {
			r.fail("%s: it was refused %v, should be %v", c.id, c.refused, r.refusal[c.id])
		}
		_, _, p := r.m.find(c.id)
		if p == nil {
			r.compareGone(c)
		} else if c.peer == nil || c.peer.closed != 0 || c.acks != 1 {
			r.fail("%s: it is in, acknowledged %d times, connection %+v", c.id, c.acks, c.peer)
		}
	}
}

func (r *run) compareGone(c *stockClient) {
	if c.peer != nil {
		if c.peer.closed != 1 {
			r.fail("%s: it is out, its connection was closed %d times", c.id, c.peer.closed)
		}
		for _, sl := range c.peer.slots {
			if sl.bound != nil {
				r.fail("%s: it is out, and a slot of it is lent to %v of %s", c.id, sl.bound.stream, sl.bound.p.c.id)
			}
		}
		for _, src := range c.peer.sources {
			if !src.closed || src.lane != nil {
				r.fail("%s: it is out, and %v is still received", c.id, src.stream)
			}
		}
	}
	want := r.m.ends[c.id]
	for _, b := range r.books {
		if reason, told := b.left[c.id]; told && !want[reason] && len(want) > 0 {
			r.fail("%s: its end was told as %s, should be %v", c.id, reason, slices.Collect(maps.Keys(want)))
		}
	}
	told := countMap(r.books, func(b *book) bool { _, left := b.left[c.id]; return left })
	if told == 0 && len(want) > 0 && !want[session.Crashed] && !countCrashed(r.books, c.ch) {
		r.fail("%s: nobody was told of its end", c.id)
	}
}

func countMap(m map[call.ID]*book, f func(*book) bool) (n int) {
	for _, b := range m {
		if f(b) {
			n++
		}
	}
	return n
}

// countCrashed says whether a call of the channel was brought down: then its end stands for the ends of all in it.
func countCrashed(m map[call.ID]*book, ch call.ChannelID) bool {
	return countMap(m, func(b *book) bool { return b.channel == ch && b.ended == session.Crashed }) > 0
}

// compareRegistry checks that the registry knows who is in, and nobody else.
func (r *run) compareRegistry() {
	reg := r.engine.registry
	known := slices.Sorted(maps.Keys(reg.byID))
	var want []session.ID
	for _, c := range r.m.calls {
		for _, p := range c.people {
			want = append(want, p.id)
		}
	}
	slices.Sort(want)
	if !slices.Equal(known, want) {
		r.fail("the registry knows %v, should be %v", known, want)
		return
	}
	for conn, e := range reg.byConn {
		if reg.byID[e.id] != e || e.pid == nil || len(e.held) > 0 {
			r.fail("the registry has %+v for %s", e, conn)
		}
	}
	for _, id := range want {
		if e := reg.find(r.clients[id].conn, r.clients[id].user); e == nil || e.id != id {
			r.fail("the registry does not find %s by %s", id, r.clients[id].conn)
		}
	}
}

// compareActors checks that those are there who should be, and nobody else.
func (r *run) compareActors() {
	got, want := map[kit.Kind]int{}, map[kit.Kind]int{kit.Door: 1, kit.Poller: 1}
	for _, id := range r.actors() {
		got[kindOf(id)]++
	}
	for _, c := range r.m.calls {
		want[kit.Call]++
		want[kit.Roster]++
		want[kit.Outbox]++
		for _, p := range c.people {
			want[kit.Session]++
			want[kit.Track] += countIf(r.clients[p.id].peer.sources, func(src *standSource) bool { return !src.closed })
		}
	}
	maps.DeleteFunc(want, func(_ kit.Kind, n int) bool { return n == 0 })
	if !maps.Equal(got, want) {
		r.fail("actors are %v, should be %v", got, want)
	}
}

// shutdown ends everything, as Close does, and checks that nothing is left.
func (r *run) shutdown() {
	e := r.engine
	e.closing.Store(true)
	for ch := range r.m.calls {
		r.m.over(ch, session.Shutdown, session.Left)
	}
	e.system.Root.Send(e.root, endAll{session.Shutdown})
	r.advance(5 * time.Second)
	select {
	case <-e.over:
	default:
		r.fail("the engine does not end")
	}
	for _, c := range r.order {
		if !c.offline {
			e.Disconnected(c.conn, c.user)
		}
	}
	r.compareBooks()
	r.compareClients()
	e.system.Root.Stop(e.root)
	r.advance(5 * time.Second)
	if left := append(r.actors(), r.addresses()...); len(left) > 0 {
		r.fail("actors are left: %v", left)
	}
	if n := r.clock.Pending(); n > 0 {
		r.fail("%d timers are left", n)
	}
	if reg := e.registry; len(reg.byID)+len(reg.byConn) > 0 {
		r.fail("the registry is left with %v", slices.Collect(maps.Keys(reg.byConn)))
	}
	if len(r.records) > 0 {
		r.fail("records are left: %v", slices.Collect(maps.Keys(r.records)))
	}
}
