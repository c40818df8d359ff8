package media

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/ice/v2"
	"github.com/pion/sdp/v3"

	"calls/guard"
)

const (
	maxSDPSize  = 64 << 10
	maxSDPLines = 500 // m-lines
	maxMIDSize  = 32

	extAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	extMID        = "urn:ietf:params:rtp-hdrext:sdes:mid"
)

// mediaLine is one audio or video m-line of a client's description.
type mediaLine struct {
	stream   Stream
	sends    bool // towards us
	receives bool
	rejected bool
	ssrcs    []uint32 // on which it sends, those of retransmissions left out
	types    []uint8  // payload types of the codec that we forward
	levelExt uint8    // id of the extension, 0 without
	midExt   uint8
}

func (m *mediaLine) declares(ssrc uint32) bool {
	for _, s := range m.ssrcs {
		if s == ssrc {
			return true
		}
	}
	return false
}

func (m *mediaLine) carries(pt uint8) bool {
	for _, t := range m.types {
		if t == pt {
			return true
		}
	}
	return false
}

// description is a client's description, checked.
type description struct {
	text     string // as given to pion
	firstMID string // that candidates are told to belong to
	passive  bool   // the client wants to be the DTLS server
	lines    []mediaLine
}

// readDescription checks a client's description for what pion would trip over: pion takes a description over before it has looked at all of it, and
// cannot go back. Candidates and attributes that pion cannot read are left out.
func readDescription(text string) (d description, err error) {
	if len(text) > maxSDPSize {
		return d, fmt.Errorf("description of %d bytes, at most %d are accepted", len(text), maxSDPSize)
	}
	d.text = withoutUnreadable(text)
	var parsed sdp.SessionDescription
	ok := guard.Run("reading a description", func() { err = parsed.UnmarshalString(d.text) }, nil)
	switch {
	case !ok:
		return d, errors.New("description cannot be read")
	case err != nil:
		return d, fmt.Errorf("description cannot be read: %w", err)
	}
	if n := len(parsed.MediaDescriptions); n == 0 || n > maxSDPLines {
		return d, fmt.Errorf("description of %d m-lines, 1 to %d are accepted", n, maxSDPLines)
	}
	if err := checkTransport(&parsed); err != nil {
		return d, err
	}
	return d, d.readLines(&parsed)
}

// withoutUnreadable leaves out candidates and header extensions that do not parse, and the attributes of simulcast, which is not offered and which pion reads carelessly.
func withoutUnreadable(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(bare, "a=simulcast") || strings.HasPrefix(bare, "a=rid:") {
			continue
		}
		if value, is := strings.CutPrefix(bare, "a=candidate:"); is && !readableCandidate(value) {
			continue
		}
		if value, is := strings.CutPrefix(bare, "a=extmap:"); is && new(sdp.ExtMap).Unmarshal("extmap:"+value) != nil {
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

func readableCandidate(value string) (ok bool) {
	guard.Run("reading a candidate", func() {
		_, err := ice.UnmarshalCandidate(value)
		ok = err == nil
	}, nil)
	return ok
}

// checkTransport wants what a bundled description has: one ufrag, one password, one fingerprint.
func checkTransport(parsed *sdp.SessionDescription) error {
	for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
		seen := map[string]bool{}
		if v, ok := parsed.Attribute(key); ok {
			seen[v] = true
		}
		for _, m := range parsed.MediaDescriptions {
			if v, ok := m.Attribute(key); ok {
				seen[v] = true
			}
		}
		if len(seen) != 1 {
			return fmt.Errorf("description with %d different values of %s, exactly one is accepted", len(seen), key)
		}
		for v := range seen {
			if key == "fingerprint" && len(strings.Split(v, " ")) != 2 {
				return errors.New("description with a malformed fingerprint")
			}
		}
	}
	return nil
}

func (d *description) readLines(parsed *sdp.SessionDescription) error {
	mids := map[string]bool{}
	for _, m := range parsed.MediaDescriptions {
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		if mid == "" || len(mid) > maxMIDSize || strings.ContainsAny(mid, " \t") || mids[mid] {
			return fmt.Errorf("m-line with the mid %.40q, it must be there, short and unique", mid)
		}
		mids[mid] = true
		if setup, _ := m.Attribute(sdp.AttrKeyConnectionSetup); setup == "passive" {
			d.passive = true
		}
		if d.firstMID == "" {
			d.firstMID = mid
		}
		if kind, ok := kindOf(m.MediaName.Media); ok {
			line := readLine(m, mid, kind)
			if line.sends && len(line.ssrcs) > 1 { // pion takes it for Plan B, and makes no answer
				return fmt.Errorf("m-line %q with %d streams, one is accepted", mid, len(line.ssrcs))
			}
			d.lines = append(d.lines, line)
		}
	}
	return nil
}

func kindOf(media string) (Kind, bool) {
	switch media {
	case "audio":
		return Audio, true
	case "video":
		return Video, true
	}
	return 0, false
}

func readLine(m *sdp.MediaDescription, mid string, kind Kind) mediaLine {
	line := mediaLine{stream: Stream{MID: mid, Kind: kind}, sends: true, receives: true}
	// Port 0 rejects an m-line, unless it is marked as one that exists in its bundle only (RFC 9143, section 6), as Firefox marks all it adds later.
	_, bundled := m.Attribute("bundle-only")
	line.rejected = m.MediaName.Port.Value == 0 && !bundled
	repair := map[uint32]bool{}
	for _, a := range m.Attributes {
		switch a.Key {
		case sdp.AttrKeySendOnly:
			line.receives = false
		case sdp.AttrKeyRecvOnly:
			line.sends = false
		case sdp.AttrKeyInactive:
			line.sends, line.receives = false, false
		case sdp.AttrKeyMsid:
			line.setMSID(a.Value)
		case sdp.AttrKeySSRCGroup:
			if f := strings.Fields(a.Value); len(f) == 3 && f[0] == sdp.SemanticTokenFlowIdentification {
				repair[parse32(f[2])] = true
			}
		case sdp.AttrKeySSRC:
			line.readSSRC(a.Value)
		case sdp.AttrKeyExtMap:
			line.readExtMap(a.Value)
		case "rtpmap":
			line.readType(a.Value)
		}
	}
	kept := line.ssrcs[:0]
	for _, ssrc := range line.ssrcs {
		if !repair[ssrc] && len(kept) < maxStreams {
			kept = append(kept, ssrc)
		}
	}
	line.ssrcs = kept
	return line
}

func (m *mediaLine) setMSID(value string) {
	f := strings.Fields(value)
	if len(f) > 0 {
		m.stream.StreamID = f[0]
	}
	if len(f) > 1 {
		m.stream.TrackID = f[1]
	}
}

// readSSRC takes "<ssrc> <attribute>:<value>". Older clients have their msid here.
func (m *mediaLine) readSSRC(value string) {
	id, rest, _ := strings.Cut(value, " ")
	if ssrc := parse32(id); ssrc != 0 && !m.declares(ssrc) {
		m.ssrcs = append(m.ssrcs, ssrc)
	}
	if msid, ok := strings.CutPrefix(rest, "msid:"); ok && m.stream.StreamID == "" {
		m.setMSID(msid)
	}
}

// readExtMap takes "<id>[/<direction>] <uri>".
func (m *mediaLine) readExtMap(value string) {
	f := strings.Fields(value)
	if len(f) < 2 {
		return
	}
	number, _, _ := strings.Cut(f[0], "/")
	id, err := strconv.ParseUint(number, 10, 8)
	if err != nil {
		return
	}
	switch f[1] {
	case extAudioLevel:
		m.levelExt = uint8(id)
	case extMID:
		m.midExt = uint8(id)
	}
}

// readType takes "<payload type> <codec>/<clock rate>[/<channels>]".
func (m *mediaLine) readType(value string) {
	number, codec, _ := strings.Cut(value, " ")
	want := "opus/48000/2"
	if m.stream.Kind == Video {
		want = "vp8/90000"
	}
	if pt, err := strconv.ParseUint(number, 10, 7); err == nil && strings.EqualFold(strings.TrimSpace(codec), want) && !m.carries(uint8(pt)) {
		m.types = append(m.types, uint8(pt))
	}
}

func parse32(s string) uint32 {
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(v)
}

// line finds an m-line by its mid.
func (d *description) line(mid string) *mediaLine {
	for i := range d.lines {
		if d.lines[i].stream.MID == mid {
			return &d.lines[i]
		}
	}
	return nil
}

// sending lists the lines on which the client sends.
func (d *description) sending() (lines []mediaLine) {
	for _, m := range d.lines {
		if m.sends && !m.rejected {
			lines = append(lines, m)
		}
	}
	return lines
}

// heed adds the payload types of our own description. Whoever offers sends with the numbers of the answer, and pion answers with those of the first m-line
// of a kind ever agreed on: Firefox offers Opus as 109 on a line of its own after it has accepted ours as 111, is answered 111 and sends 111.
func (d *description) heed(ours string) {
	types := map[string][]string{} // of an m-line of ours, before its mid is known
	mid := ""
	for text := range strings.Lines(ours) {
		text = strings.TrimRight(text, "\r\n")
		switch {
		case strings.HasPrefix(text, "m="):
			mid, types[""] = "", nil
		case strings.HasPrefix(text, "a=mid:"):
			mid = strings.TrimPrefix(text, "a=mid:")
			types[mid] = append(types[mid], types[""]...)
		case strings.HasPrefix(text, "a=rtpmap:"):
			types[mid] = append(types[mid], strings.TrimPrefix(text, "a=rtpmap:"))
		}
	}
	for mid, maps := range types {
		line := d.line(mid)
		for i := 0; line != nil && i < len(maps); i++ {
			line.readType(maps[i])
		}
	}
}

var extMaps = regexp.MustCompile(`a=extmap:[0-9]+ (` + regexp.QuoteMeta(extAudioLevel) + `|` + regexp.QuoteMeta(extMID) + `)`)

// withBrowsersNumbers gives the header extensions of an offer of ours the numbers that Chromium has for them, unless the client, whose description this is, has
// numbered them itself: then pion uses its numbers. If an offer of the browser's own meets ours it has to take its own back, and refuses to when ours would number
// its extensions anew. pion learns the numbers from the answer; in our own packets there are none.
func (d *description) withBrowsersNumbers(offer string) string {
	level := slices.ContainsFunc(d.lines, func(m mediaLine) bool { return m.levelExt != 0 })
	mid := slices.ContainsFunc(d.lines, func(m mediaLine) bool { return m.midExt != 0 })
	return extMaps.ReplaceAllStringFunc(offer, func(m string) string {
		switch {
		case strings.HasSuffix(m, extAudioLevel) && !level:
			return "a=extmap:1 " + extAudioLevel
		case strings.HasSuffix(m, extMID) && !mid:
			return "a=extmap:4 " + extMID
		}
		return m
	})
}

// localCredential reads our own ufrag and password from a description of ours.
func localCredential(text string) (c credential, ok bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if v, is := strings.CutPrefix(line, "a=ice-ufrag:"); is {
			c.ufrag = v
		} else if v, is := strings.CutPrefix(line, "a=ice-pwd:"); is {
			c.password = v
		}
	}
	return c, c.ufrag != "" && c.password != ""
}
