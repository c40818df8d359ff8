package hostlog

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

// host notes what is logged. A value in gate lets one line pass; a nil gate lets all pass.
type host struct {
	lines chan string
	gate  chan struct{}
	here  chan struct{} // has a value when a line has come to the gate
}

func (h *host) note(level, msg string, kv []any) {
	if h.gate != nil {
		select {
		case h.here <- struct{}{}:
		default:
		}
		<-h.gate
	}
	h.lines <- fmt.Sprint(level, ": ", msg, " ", kv)
}
func (h *host) LogDebug(msg string, kv ...any) { h.note("debug", msg, kv) }
func (h *host) LogInfo(msg string, kv ...any)  { h.note("info", msg, kv) }
func (h *host) LogWarn(msg string, kv ...any)  { h.note("warn", msg, kv) }
func (h *host) LogError(msg string, kv ...any) { h.note("error", msg, kv) }

func TestLinesReachTheHostAsText(t *testing.T) {
	h := &host{lines: make(chan string, 10)}
	log := slog.New(New(h))
	log.Debug("a")
	log.Info("b", "n", 7, "err", errors.New("bad"))
	log.With("call", "c").WithGroup("g").Warn("c", "x", true, slog.Group("in", "y", 1.5), slog.Attr{})
	log.WithGroup("").Error("d", "list", []int{1, 2}, "nothing", nil)
	for _, want := range []string{"debug: a []", "info: b [n 7 err bad]", "warn: c [call c g.x true g.in.y 1.5]", "error: d [list [1 2] nothing <nil>]"} {
		assert.Equal(t, want, <-h.lines)
	}
}

func TestASlowHostHoldsUpNobody(t *testing.T) {
	h := &host{lines: make(chan string, depth+2), gate: make(chan struct{}), here: make(chan struct{}, 1)}
	log := slog.New(New(h))
	log.Info("line")
	<-h.here // the host has the first line in hand when the others come
	for range depth + 4 {
		log.Info("line")
	}
	for range depth + 1 {
		h.gate <- struct{}{}
	}
	told := 0
	for range depth + 1 {
		if <-h.lines == "warn: more was logged than the host could take [lines lost 5]" {
			told++
		}
	}
	assert.Equal(t, 1, told)
}
