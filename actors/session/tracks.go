package session

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"calls/actors/kit"
	"calls/actors/track"
	"calls/media"
)

// mostTracks bounds what one client can make the server keep rings for: a voice, a screen and its sound, and one more while the old of them goes.
const mostTracks = 4

// published is a track of this session: what the client sends on one stream.
type published struct {
	spec *track.Spec
	key  string // the stream it comes from
	pid  *actor.PID
	told bool   // the call knows of it
	n    int    // the last part of its id
	gen  uint64 // incarnations so far
}

// streamKey tells the streams of a client apart: an m-line may carry one after another.
func streamKey(st media.Stream) string { return st.MID + " " + st.StreamID }

// refresh compares what the client sends with the tracks that are there: a new stream becomes a track, a vanished one ends its track.
func (s *session) refresh(ctx actor.Context) {
	streams := s.peer.Streams()
	has := func(key string) bool {
		return slices.ContainsFunc(streams, func(st media.Stream) bool { return streamKey(st) == key })
	}
	maps.DeleteFunc(s.dead, func(key string, _ bool) bool { return !has(key) })
	for i := range s.tracks {
		if !has(s.tracks[i].key) {
			s.endTrack(ctx, &s.tracks[i])
		}
	}
	for _, st := range streams {
		key := streamKey(st)
		if s.dead[key] || slices.ContainsFunc(s.tracks, func(t published) bool { return t.key == key }) {
			continue
		}
		if kind, ok := s.classify(st); ok {
			s.publish(ctx, st, kind)
		}
	}
}

// classify says what a stream is: sound in the announced screen's stream belongs to the screen, all other sound is voice; video is the screen, once announced.
// What belongs to a screen that is not shared any more, or was refused before it came, is nothing: its sound above all is not the voice.
func (s *session) classify(st media.Stream) (kind track.Kind, ok bool) {
	ofScreen := s.screen.stream != "" && st.StreamID == s.screen.stream
	switch {
	case !ofScreen && slices.Contains(s.screen.past, st.StreamID):
		return "", false
	case st.Kind == media.Video:
		return track.KindScreen, ofScreen
	case ofScreen:
		return track.KindScreenAudio, true
	}
	return track.KindVoice, true
}

// publish makes a track of a stream.
func (s *session) publish(ctx actor.Context, st media.Stream, kind track.Kind) {
	if len(s.tracks) >= mostTracks {
		s.ports.Log.Warn("a client sends more streams than it may", "session", s.ID, "streams", len(s.tracks))
		return
	}
	src, err := s.peer.Source(st)
	if err != nil {
		s.ports.Log.Warn("a client's stream cannot be received", "session", s.ID, "mid", st.MID, "err", err)
		return
	}
	id := track.ID(fmt.Sprintf("%s/%s/%d", s.ID, kind, s.serial))
	s.tracks = append(s.tracks, published{spec: track.New(id, kind, src, s.mayForward(kind), s.ports.Log), key: streamKey(st), n: s.serial})
	s.serial++
	s.spawn(ctx, &s.tracks[len(s.tracks)-1])
}

// mayForward says whether packets of this kind of track leave the server now.
func (s *session) mayForward(kind track.Kind) bool {
	if kind == track.KindVoice {
		return s.unmuted
	}
	return s.screen.held
}

// spawn starts an incarnation of a track and tells the call where it is. One whose end was ordered stops again, and lets go of what it holds.
func (s *session) spawn(ctx actor.Context, t *published) {
	t.gen++
	lane := kit.NewMailbox(kit.MailboxOptions{MediaCapacity: s.ports.LaneDepth()})
	name := kit.Name(kit.Track, fmt.Sprintf("%s-%d", t.spec.Kind, t.n), t.gen)
	loop, ok := s.line.loop()
	if !ok {
		loop = s.ports.Loop(s.ID)
	}
	pid, err := ctx.SpawnNamed(t.spec.Props(lane, loop, s.ports.Board), name)
	if err != nil {
		s.ports.Log.Error("a track did not start", "track", t.spec.ID, "err", err)
		return
	}
	t.pid = pid
	if t.spec.Ended() {
		ctx.Stop(pid)
		return
	}
	ctx.Send(pid, track.Gate{Open: s.mayForward(t.spec.Kind)}) // what was said to the last incarnation may not have reached it
	s.tell(ctx, t)
}

// replaceTrack follows the quarantine of a track.
func (s *session) replaceTrack(ctx actor.Context, m kit.Replace) {
	if i := slices.IndexFunc(s.tracks, func(t published) bool { return t.pid != nil && t.pid.Equal(m.Who) }); i >= 0 {
		s.spawn(ctx, &s.tracks[i])
		m.By(s.tracks[i].pid)
	}
}

// tell makes a track known to the call: voices at once, a screen when it has been granted.
func (s *session) tell(ctx actor.Context, t *published) {
	if t.spec.Kind != track.KindVoice && !s.screen.held {
		return
	}
	t.told = true
	kind := media.Audio
	if t.spec.Kind == track.KindScreen {
		kind = media.Video
	}
	ctx.Send(ctx.Parent(), Published{Session: s.ID, Track: t.spec.ID, Content: t.spec.Kind, Kind: kind, PID: t.pid})
}

// publishes says whether a track of this kind is there.
func (s *session) publishes(kind track.Kind) bool {
	return slices.ContainsFunc(s.tracks, func(t published) bool { return t.spec.Kind == kind })
}

// endTrack stops a track for good; trackGone follows when it has.
func (s *session) endTrack(ctx actor.Context, t *published) {
	t.spec.End()
	ctx.Stop(t.pid)
}

// trackGone follows a track's stop. One that was not meant to end is coming back: its session is being restarted.
func (s *session) trackGone(ctx actor.Context, who *actor.PID) {
	i := slices.IndexFunc(s.tracks, func(t published) bool { return t.pid != nil && t.pid.Equal(who) })
	if i < 0 || !s.tracks[i].spec.Ended() {
		return
	}
	t := s.tracks[i]
	s.tracks = slices.Delete(slices.Clone(s.tracks), i, i+1)
	if t.told {
		ctx.Send(ctx.Parent(), Unpublished{s.ID, t.spec.ID})
	}
	if !s.leaving {
		s.refresh(ctx) // the stream may be back already
	}
}

// share claims the screen. The stream that will carry it has been announced, so an offer is coming.
func (s *session) share(ctx actor.Context, stream string) {
	if s.screen.stream != stream {
		s.endScreenTracks(ctx)
	}
	s.screen.stream = stream
	s.screen.ask++
	ctx.Send(ctx.Parent(), ScreenAsked{s.ID, stream, s.screen.ask})
	s.refresh(ctx)
	if !s.publishes(track.KindScreen) {
		s.hint(ctx)
	}
}

// granted opens the screen's tracks and makes them known. The client may have ceased to share meanwhile.
func (s *session) granted(ctx actor.Context, m GrantScreen) {
	if s.screen.stream == "" || m.Ask != s.screen.ask {
		return
	}
	s.screen.held = true
	for _, t := range s.screenTracks() {
		ctx.Send(t.pid, track.Gate{Open: true})
		s.tell(ctx, t)
	}
}

// refused tells the client that somebody else shares, and forgets what it announced.
func (s *session) refused(ctx actor.Context, m RefuseScreen) {
	s.say("screen_refused", func() error { return s.ports.Signaller.ScreenRefused(s.Addr, m.Holder) })
	if m.Ask == s.screen.ask {
		s.dropScreen(ctx)
	}
}

// unshare ends the screen's tracks. Stock clients keep their m-line, so the stream itself is marked dead.
func (s *session) unshare(ctx actor.Context) {
	s.dropScreen(ctx)
	ctx.Send(ctx.Parent(), ScreenDone{s.ID})
}

func (s *session) dropScreen(ctx actor.Context) {
	s.endScreenTracks(ctx)
	s.screen.stream, s.screen.held = "", false
}

// pastScreens is how many streams of former screens are remembered.
const pastScreens = 8

func (s *session) endScreenTracks(ctx actor.Context) {
	if s.screen.stream == "" {
		return
	}
	past := append(slices.Clone(s.screen.past), s.screen.stream)
	s.screen.past = past[max(0, len(past)-pastScreens):]
	for _, t := range s.screenTracks() {
		s.dead[t.key] = true
		s.endTrack(ctx, t)
	}
}

func (s *session) screenTracks() (found []*published) {
	for i := range s.tracks {
		if s.tracks[i].spec.Kind != track.KindVoice {
			found = append(found, &s.tracks[i])
		}
	}
	return found
}
