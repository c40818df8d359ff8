package actors

import (
	"fmt"
	"slices"
	"time"

	"calls/actors/call"
	"calls/actors/kit"
	"calls/actors/session"
	"calls/media"
	"calls/wire"
)

func (r *run) join(o op) bool {
	ch := channels[o.x%len(channels)]
	if r.joined[ch] != nil || (r.m.most > 0 && r.moved(ch)) {
		return false
	}
	id := session.ID(fmt.Sprint("s", r.made))
	c := &stockClient{
		s: r.stage, id: id, user: session.UserID(fmt.Sprint("user", o.who%5)), ch: ch, conn: session.ConnID(id),
		out: &line{pump: r.pump}, events: &line{pump: r.pump}, keeps: o.who%3 == 0, clings: o.who%4 == 0,
	}
	if old := r.comingBack(o); old != nil {
		c.id, c.conn = old.id, session.ConnID(old.id)
		delete(r.m.ends, c.id)
		for _, b := range r.books {
			delete(b.left, c.id)
			b.people = slices.DeleteFunc(b.people, func(p call.Person) bool { return p.Session == c.id })
		}
		r.m.forget("session:" + string(c.id) + "#")
	} else {
		r.made++
	}
	unsure := r.moved(ch)
	r.refusal[c.id] = nil
	r.clients[c.id] = c
	r.order = append(r.order, c)
	r.joined[ch] = c
	r.engine.Connected(c.conn, c.user)
	r.engine.Join(c.conn, c.user, wire.Join{ChannelID: string(ch)})
	if r.over[ch] {
		return r.note("%s of %s joins %s while it may be ending", c.id, c.user, ch)
	}
	if !r.m.join(ch, c.id, c.user) {
		c.gone = true
		r.refusal[c.id] = append(r.refusal[c.id], "call_full")
	}
	r.m.calls[ch].hostSure = r.m.calls[ch].hostSure && !unsure
	return r.note("%s of %s joins %s", c.id, c.user, ch)
}

// comingBack is somebody who has left and joins again under the same id, now and then.
func (r *run) comingBack(o op) *stockClient {
	for _, c := range r.order {
		_, _, p := r.m.find(c.id)
		pending := slices.ContainsFunc(channels, func(ch call.ChannelID) bool { return r.joined[ch] != nil && r.joined[ch].id == c.id })
		if p == nil && !pending && !r.ended[c.id] && !r.over[c.ch] && r.clients[c.id] == c && c.conn == session.ConnID(c.id) && !c.offline && o.x%7 == 0 {
			r.pump.rest() // what it is still being told is not for the next of its name
			r.engine.Disconnected(c.conn, c.user)
			return c
		}
	}
	return nil
}

// moved says whether somebody has come or gone in a channel since the last comparison.
func (r *run) moved(ch call.ChannelID) bool {
	for id := range r.ended {
		if r.clients[id].ch == ch {
			return true
		}
	}
	return r.joined[ch] != nil || r.over[ch]
}

// mayEnd says whether a session can be made to end now, and ends it in the model.
func (r *run) mayEnd(c *stockClient, reasons ...session.EndReason) bool {
	if c == nil {
		return false
	}
	_, mc, _ := r.m.find(c.id)
	if r.contested(c) || (r.m.most > 0 && r.joined[c.ch] != nil) || r.joined[c.ch] == c {
		return false
	}
	if mc.screen == c.id {
		r.screens[c.ch] = c.id
	}
	alone := r.joined[c.ch] == nil // or else they may be of one user, who stays host if the join comes first
	for id := range r.ended {
		alone = alone && r.clients[id].ch != c.ch
	}
	r.ended[c.id] = true
	known := r.m.remember(c.ch)
	r.m.leave(c.id, alone, reasons...)
	if r.m.calls[c.ch] == nil {
		r.before[c.ch], r.over[c.ch] = known, true
	}
	return true
}

// remember is what the model knows of a call's failures.
func (m *model) remember(ch call.ChannelID) memory {
	k := memory{failures: map[string][]time.Time{}, crowd: m.calls[ch].crowd}
	for id, l := range m.failures {
		if channelOf(id) == ch && sessionOf(id) == "" {
			k.failures[id] = l
		}
	}
	for id := range m.pending {
		k.waiting = k.waiting || (channelOf(id) == ch && kindOf(id) == kit.Call)
	}
	return k
}

// recall gives it back.
func (m *model) recall(ch call.ChannelID, k memory) {
	for id, l := range k.failures {
		if !k.waiting || kindOf(id) == kit.Call {
			m.failures[id] = l
		}
	}
	m.calls[ch].crowd = k.crowd
}

func (r *run) leave(o op) bool {
	c := r.pick(o, online)
	if !r.mayEnd(c, session.Left) {
		return false
	}
	c.say(wire.Leave{})
	c.gone = true
	return r.note("%s leaves", c.id)
}

func (r *run) closePeer(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open })
	if !r.mayEnd(c, session.Left) {
		return false
	}
	c.events.Do(func() { c.peer.onEvent(media.Closed{}) })
	c.gone = true
	return r.note("%s closes its connection", c.id)
}

func (r *run) expel(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return len(c.out.jobs) == 0 }) // not just coming back
	reason := []session.EndReason{session.Kicked, session.RemovedFromChannel, session.SessionRevoked}[o.x%3]
	if !r.mayEnd(c, reason) {
		return false
	}
	r.refusal[c.id] = append(r.refusal[c.id], string(reason))
	r.engine.Expel(c.conn, c.user, reason)
	c.gone = true
	return r.note("%s is expelled: %s", c.id, reason)
}

// flood has a client send more than its session may have waiting.
func (r *run) flood(o op) bool {
	r.pump.rest()
	c := r.pick(o, online)
	if c == nil || !r.m.pending[r.callActor(c.ch)].IsZero() || !r.mayEnd(c, session.RateLimited) {
		return false
	}
	r.refusal[c.id] = append(r.refusal[c.id], string(session.RateLimited))
	for range inboxLimit + 10 {
		r.signal(c.conn, c.user, wire.ICE{})
	}
	c.gone = true
	return r.note("%s floods", c.id)
}

func (r *run) mute(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	p.unmuted = false
	c.say(wire.Mute{})
	return r.note("%s mutes", c.id)
}

func (r *run) unmute(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open })
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	p.unmuted = true
	c.unmute()
	return r.note("%s unmutes", c.id)
}

func (r *run) hand(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	if o.x%3 == 0 {
		p.hand = false
		c.say(wire.UnraiseHand{})
		return r.note("%s lowers its hand", c.id)
	}
	if !p.hand {
		p.hand, p.raised = true, r.m.now
	}
	c.say(wire.RaiseHand{})
	return r.note("%s raises its hand", c.id)
}

func (r *run) share(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open && c.shared == "" })
	if c == nil || r.contested(c) {
		return false
	}
	r.screens[c.ch] = c.id
	if !r.m.share(c.id) {
		r.note("which is refused")
	}
	c.share(o.x%2 == 0)
	return r.note("%s shares", c.id)
}

// contested says whether somebody else has just moved the screen of a client's call: who came first would decide.
func (r *run) contested(c *stockClient) bool { return r.screens[c.ch] != "" && r.screens[c.ch] != c.id }

func (r *run) unshare(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.shared != "" })
	if c == nil || r.contested(c) {
		return false
	}
	_, mc, _ := r.m.find(c.id)
	if mc.screen == c.id {
		mc.screen = ""
	}
	r.screens[c.ch] = c.id
	c.unshare()
	return r.note("%s ceases to share", c.id)
}

func (r *run) newMic(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.mic })
	if c == nil {
		return false
	}
	c.newMic()
	return r.note("%s takes another microphone", c.id)
}

// flap has a client take its microphone away and give it back, perhaps before the server has done with the first.
func (r *run) flap(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.mic && !c.offering })
	if c == nil {
		return false
	}
	streams := c.streams
	c.streams = nil
	c.offer()
	for range o.x % 8 {
		r.pump.step()
	}
	c.streams = streams
	c.offer()
	return r.note("%s takes its streams away and gives them back", c.id)
}

func (r *run) reoffer(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return !c.offline && c.open })
	if c == nil {
		return false
	}
	c.offer()
	return r.note("%s offers again", c.id)
}

func (r *run) ping(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open })
	if c == nil {
		return false
	}
	c.says(wire.Ping{})
	return r.note("%s pings", c.id)
}

// lock asks for the lock, and may keep it until it lapses, or gives back what it never had.
func (r *run) lock(o op) bool {
	c := r.pick(o, func(c *stockClient) bool { return c.open })
	if c == nil {
		return false
	}
	r.lasting = max(r.lasting, 6*time.Second)
	switch o.x % 3 {
	case 0:
		c.says(wire.Lock{})
		return r.note("%s asks for the lock and keeps it", c.id)
	case 1:
		c.says(wire.Lock{})
		c.says(wire.Unlock{})
		return r.note("%s asks for the lock and gives it back", c.id)
	}
	c.says(wire.Unlock{})
	return r.note("%s gives back a lock that it does not have", c.id)
}

// late has somebody speak who is not in any more, or who speaks for another.
func (r *run) late(o op) bool {
	m := []wire.Message{wire.Mute{}, wire.Unmute{}, wire.RaiseHand{}, wire.Leave{}, wire.SDP{Type: "answer"}, wire.ScreenOff{}, wire.SDP{Type: "offer", SDP: "0"}}[o.x%7]
	if c := r.pick(o, func(*stockClient) bool { return true }); c != nil && o.x%2 == 0 {
		r.signal(c.conn, "somebody-else", m)
		return r.note("somebody else says %T for %s", m, c.id)
	}
	for i := range r.order {
		c := r.order[(i+o.who)%len(r.order)]
		if c.peer != nil && c.peer.closed > 0 && o.x%5 == 0 { // it may have joined again meanwhile, on another connection
			c.peer.onEvent(media.Closed{})
			return r.note("the connection of %s says once more that it is closed", c.id)
		}
		if _, _, p := r.m.find(c.id); p != nil || r.ended[c.id] || r.clients[c.id] != c || r.joined[c.ch] == c || c.offline {
			continue
		}
		if o.x%3 > 0 {
			r.signal(c.conn, c.user, m)
			return r.note("%s says %T, late", c.id, m)
		}
		r.signal(c.conn, c.user, wire.Reconnect{ChannelID: string(c.ch), OriginalConnID: string(c.id), PrevConnID: string(c.conn)})
		r.refusal[c.id] = append(r.refusal[c.id], string(session.Disconnected))
		return r.note("%s wants to be back, too late", c.id)
	}
	return false
}

// again has a client say twice what it said.
func (r *run) again(o op) bool {
	c := r.pick(o, online)
	if c == nil {
		return false
	}
	_, _, p := r.m.find(c.id)
	switch o.x % 5 {
	case 0:
		r.engine.Join(c.conn, c.user, wire.Join{ChannelID: string(c.ch)})
		r.refusal[session.ID(c.conn)] = append(r.refusal[session.ID(c.conn)], "already_connected")
	case 1: // to no offer of the server's: an answer too many to one would be taken for its answer
		r.pump.rest()
		if c.gone || c.peer == nil || c.peer.pending || len(r.m.pending) > 0 {
			return false
		}
		c.say(wire.SDP{Type: "answer"})
		r.pump.rest()
	case 2:
		if p.unmuted {
			c.say(wire.Unmute{})
		} else {
			c.say(wire.Mute{})
		}
	case 3:
		if p.hand {
			c.say(wire.RaiseHand{})
		} else {
			c.say(wire.UnraiseHand{})
		}
	case 4:
		if c.shared == "" {
			c.say(wire.ScreenOff{})
		}
	}
	return r.note("%s repeats itself: %d", c.id, o.x%5)
}
