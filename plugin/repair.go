package main

import (
	"log/slog"
	"time"

	"calls/actors/call"
	"calls/actors/session"
	"calls/plugin/notify"
	"calls/plugin/store"
)

const (
	repairEvery = 5 * time.Second // how often the repair of a former life's records is tried again
	debtsEvery  = time.Minute     // how often posts that could not be closed are looked at
)

// repair closes the calls that a former life of the plugin left in the records: a post without an end is a call that can be joined for ever. It goes on to close
// the posts in archived channels when those come back.
type repair struct {
	store    *store.Store
	posts    *notify.Posts
	events   *notify.Events
	archived func(call.ChannelID) (bool, error)
	log      *slog.Logger
	loaded   bool
	leftover []call.View
}

// keepTrying works until stopped.
func (r *repair) keepTrying(stopped <-chan struct{}) {
	for {
		wait := debtsEvery
		if !r.try() {
			wait = repairEvery
		} else {
			r.settle()
		}
		timer := time.NewTimer(wait)
		select {
		case <-stopped:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// try says whether nothing is left to do. What it found stays known when the rest has to wait: a new call in the same channel overwrites the record.
func (r *repair) try() bool {
	if !r.loaded {
		leftover, err := r.store.Load()
		if err != nil {
			r.log.Error("the stored channels cannot be read, trying again", "err", err)
			return false
		}
		r.loaded, r.leftover = true, leftover
	}
	var rest []call.View
	for _, v := range r.leftover {
		err := r.posts.Close(v, time.Now())
		if err == nil {
			err = r.store.Clear(v.Channel, v.Call)
		}
		if err != nil {
			r.log.Error("a call that was cut off cannot be closed, trying again", "channel", v.Channel, "call", v.Call, "err", err)
			rest = append(rest, v)
			continue
		}
		r.log.Info("closed a call that was cut off", "channel", v.Channel, "call", v.Call)
		if err := r.events.Publish(cutOff(v)); err != nil {
			r.log.Warn("the end of a call that was cut off could not be told", "channel", v.Channel, "call", v.Call, "err", err)
		}
	}
	r.leftover = rest
	return len(rest) == 0
}

// cutOff tells those who still sit in a call whose server side is gone that it is over, so that they come back now and not when their connection has timed out.
// The version lies beyond all that the call can have told after its record was last written.
func cutOff(v call.View) call.Event {
	return call.Event{Channel: v.Channel, Call: v.Call, V: v.V + 1000, Body: call.Ended{Forced: true, Reason: session.Crashed}}
}

// settle closes the posts that are owed and can be closed now.
func (r *repair) settle() {
	debts, err := r.store.Debts()
	if err != nil {
		r.log.Warn("the posts that are still to be closed cannot be read", "err", err)
		return
	}
	for _, d := range debts {
		archived, err := r.archived(d.View.Channel)
		if err == nil && archived {
			continue
		}
		if err == nil {
			err = r.posts.Close(d.View, d.EndAt)
		}
		if err == nil {
			err = r.store.Paid(d.View.Call)
		}
		if err != nil {
			r.log.Warn("the post of a call that has ended cannot be closed, trying again", "channel", d.View.Channel, "call", d.View.Call, "err", err)
		}
	}
}
