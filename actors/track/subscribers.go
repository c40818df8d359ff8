package track

import "slices"

// subscription is one slot lent to this track.
type subscription struct {
	receiver string // the receiving session
	slot     Slot
}

// subscribe takes a slot in. The list is replaced, not changed in place, so that a panic in between leaves the old one whole.
func (t *track) subscribe(m Subscribe) {
	if slices.ContainsFunc(t.subs, func(s subscription) bool { return s.slot == m.Slot }) {
		return
	}
	t.pass.Do(func() { m.Slot.Bind(t.Source) })
	t.subs = append(slices.Clone(t.subs), subscription{m.Receiver, m.Slot})
}

// unsubscribe lets a slot go.
func (t *track) unsubscribe(slot Slot) {
	t.drop(func(s subscription) bool { return s.slot == slot })
}

// forget lets every slot of a receiver go that is no more.
func (t *track) forget(receiver string) {
	t.drop(func(s subscription) bool { return s.receiver == receiver })
}

// release is the end of an incarnation. Only the end of the track itself gives the slots back.
func (t *track) release() {
	t.pass.Do(func() { t.Source.Attach(nil, 0) })
	t.attached = nil
	if !t.ended.Load() {
		return
	}
	t.drop(func(subscription) bool { return true })
	t.Source.Close()
}

func (t *track) drop(gone func(subscription) bool) {
	kept := make([]subscription, 0, len(t.subs))
	t.pass.Do(func() {
		for _, s := range t.subs {
			if gone(s) {
				s.slot.Unbind()
				continue
			}
			kept = append(kept, s)
		}
	})
	t.subs = kept
}
