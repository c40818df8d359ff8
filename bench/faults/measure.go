package faults

import (
	"slices"
	"strings"
	"sync"
	"time"

	"calls/actors"
	"calls/actors/call"
	"calls/bench/client"
)

// taint is how long after a crash the gaps of what it hit are kept out of the undisturbed ones, and losses there are put down to it.
const taint = 500 * time.Millisecond

// pair is a stream as one receiver gets it.
type pair struct {
	at     *person
	origin uint32
}

// books is what a run counts.
type books struct {
	w  *world
	mu sync.Mutex

	gaps    spread // between packets of streams that nothing happened to
	resumes spread
	waiting map[string]time.Time // channels whose call was crashed and has told nothing since

	lost       map[pair]uint64 // at the last look
	touched    map[pair]time.Time
	lostOthers uint64
	lostHit    uint64
}

func newBooks(w *world) *books {
	b := &books{w: w, waiting: map[string]time.Time{}, lost: map[pair]uint64{}, touched: map[pair]time.Time{}}
	for _, p := range w.people {
		p.mu.Lock()
		clear(p.flows)
		p.mu.Unlock()
	}
	b.look(time.Now())
	b.lostOthers, b.lostHit = 0, 0
	return b
}

// packet books an arrival. The hub calls it.
func (b *books) packet(p *person, ssrc uint32, at time.Time) {
	p.mu.Lock()
	f := p.flows[ssrc]
	if f == nil {
		f = &flow{}
		p.flows[ssrc] = f
	}
	last, hit, clean := f.last, f.hit, at.After(f.tainted)
	f.last = at
	if !hit.IsZero() && at.After(hit) {
		f.hit = time.Time{}
	}
	p.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !hit.IsZero() && at.After(hit) {
		b.resumes.add(at.Sub(hit))
	}
	if !last.IsZero() && clean {
		b.gaps.add(at.Sub(last))
	}
}

// event books that a call has told something. The outbox calls it.
func (b *books) event(e call.Event) {
	now := time.Now()
	if _, hand := e.Body.(call.Hand); !hand {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if since, ok := b.waiting[string(e.Channel)]; ok {
		delete(b.waiting, string(e.Channel))
		b.resumes.add(now.Sub(since))
	}
}

// victims are the streams that go through an actor. A roster and an outbox carry none: nobody may lose anything.
func (b *books) victims(a actors.Actor) (hit []pair) {
	track := strings.Contains(a.ID, "/track:")
	for _, p := range b.w.people {
		for _, o := range b.w.people {
			if p == o || p.Channel != o.Channel || p.Channel != a.Channel {
				continue
			}
			for i, origin := range o.origins() {
				through := false
				switch a.Kind {
				case "call":
					through = true
				case "session":
					through = a.Session == string(o.ID) || a.Session == string(p.ID)
				case "track":
					through = track && a.Session == string(o.ID) && serial(a.ID) == i
				}
				if through {
					hit = append(hit, pair{p, origin})
				}
			}
		}
	}
	return hit
}

// serial is the number of a track within its session, which gave them out in the order in which the person began to send.
func serial(id string) int {
	_, name, _ := strings.Cut(id, "/track:")
	name, _, _ = strings.Cut(name, "#")
	if strings.HasSuffix(name, "-1") {
		return 1
	}
	return 0
}

// crash marks what is about to be hit; awaited says that the next packet of each ends the outage.
func (b *books) crash(hit []pair, awaited bool, now time.Time) {
	for _, v := range hit {
		ssrc := v.at.Received(v.origin, client.Audio).SSRC
		v.at.mu.Lock()
		if f := v.at.flows[ssrc]; f != nil {
			if awaited && f.hit.IsZero() {
				f.hit = now
			}
			f.tainted = now.Add(taint)
		}
		v.at.mu.Unlock()
		b.touched[v] = now
	}
}

// look finds what was lost since the last look, and puts it down to whom it befell.
func (b *books) look(now time.Time) {
	for _, p := range b.w.people {
		for _, o := range b.w.people {
			if p == o || p.Channel != o.Channel {
				continue
			}
			for _, origin := range o.origins() {
				v := pair{p, origin}
				lost := p.Received(origin, client.Audio).Counts.Lost()
				// A packet that comes late takes its loss back; it is taken back from those who were charged.
				d := lost - b.lost[v]
				b.lost[v] = lost
				if t, ok := b.touched[v]; ok && now.Sub(t) < taint {
					b.lostHit += d
				} else {
					b.lostOthers += d
				}
			}
		}
	}
}

// numbering counts repeats and gaps beyond one in the sequence numbers of all streams, and repeats of what was sent.
func (w *world) numbering() (breaks, repeats uint64) {
	for _, p := range w.people {
		for _, s := range p.Streams() {
			repeats += s.Seq.Repeated
			breaks += s.Seq.Breaks
		}
	}
	return breaks, repeats
}

// spread is a set of durations: exact enough for sums of a tenth of a millisecond, and of a fixed size.
type spread struct {
	counts [20_000]uint32 // tenths of a millisecond; the last holds all longer ones
	n      int
	most   time.Duration
}

const grain = 100 * time.Microsecond

func (s *spread) add(d time.Duration) {
	s.counts[min(int(max(d, 0)/grain), len(s.counts)-1)]++
	s.n++
	s.most = max(s.most, d)
}

// quantile is in milliseconds.
func (s *spread) quantile(q float64) float64 {
	rank := int(q * float64(s.n))
	for i, c := range s.counts {
		if rank -= int(c); rank < 0 {
			return float64(i+1) * grain.Seconds() * 1000
		}
	}
	return s.most.Seconds() * 1000
}

func kindsOf(list string) ([]string, bool) {
	all := []string{"call", "roster", "outbox", "session", "track"}
	if list == "" {
		return all, true
	}
	kinds := strings.Split(list, ",")
	for _, k := range kinds {
		if !slices.Contains(all, k) {
			return all, false
		}
	}
	return kinds, true
}
