package kit

import (
	"bytes"
	"fmt"
	"path"
	"runtime/pprof"
	"strconv"
	"strings"
)

// module is how the names of our own functions begin.
const module = "calls/"

const mostFrames = 32 // of one stack that are kept

// actorLabel is the label of goroutines that run an actor.
const actorLabel = "actor"

// Frames are the lines of a stack that are ours, innermost first, as "actors/track.(*track).forward (track.go:92)". Of a panic's stack they begin where it
// happened. It reads the stacks of debug.Stack and of goroutine profiles.
func Frames(stack []byte) (ours []string) {
	lines := strings.Split(string(stack), "\n")
	for i, line := range lines {
		fn, place := "", ""
		switch {
		case strings.HasPrefix(line, "panic("):
			ours = nil // what is above is the recovery
			continue
		case strings.HasPrefix(line, "#\t"): // "#	0x4a3b	calls/actors/kit.(*Mailbox).invoke+0x8c	/dir/mailbox.go:120"
			if parts := strings.Fields(line); len(parts) == 4 {
				fn, _, _ = strings.Cut(parts[2], "+0x")
				place = parts[3]
			}
		case i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t"): // "calls/actors/kit.(*Mailbox).invoke(0xc0…)" and "	/dir/mailbox.go:120 +0x8c"
			fn = line
			if end := strings.LastIndexByte(line, '('); end > 0 {
				fn = line[:end]
			}
			place, _, _ = strings.Cut(strings.TrimSpace(lines[i+1]), " ")
		}
		if rest, own := strings.CutPrefix(fn, module); own && len(ours) < mostFrames {
			ours = append(ours, fmt.Sprintf("%s (%s)", rest, path.Base(place)))
		}
	}
	return ours
}

// actorStacks are the stacks of the goroutines that run an actor now, by the actor's id. The world stands still for it, so it is nothing to do often.
func actorStacks() map[string][]byte {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return nil
	}
	found := map[string][]byte{}
	for _, section := range bytes.Split(text.Bytes(), []byte("\n\n")) {
		id := labelOf(section)
		// A goroutine that an actor has started has the label too, but does not run its mailbox.
		if id != "" && bytes.Contains(section, []byte("kit.(*Mailbox).invoke")) {
			found[id] = section
		}
	}
	return found
}

// labelOf reads `# labels: {"actor":"root:#1/call:x#2"}`.
func labelOf(section []byte) string {
	_, rest, ok := bytes.Cut(section, []byte("# labels: {\""+actorLabel+"\":"))
	if !ok {
		return ""
	}
	quoted, err := strconv.QuotedPrefix(string(rest))
	if err != nil {
		return ""
	}
	id, _ := strconv.Unquote(quoted)
	return id
}
