// Package hostlog is a slog.Handler that writes to the host's log. Logging there is a call to another process, so it is done behind the caller's back.
package hostlog

import (
	"context"
	"log/slog"
	"sync/atomic"

	"calls/guard"
)

// Logger is the host's log.
type Logger interface {
	LogDebug(msg string, keyValuePairs ...any)
	LogInfo(msg string, keyValuePairs ...any)
	LogWarn(msg string, keyValuePairs ...any)
	LogError(msg string, keyValuePairs ...any)
}

// depth is how many lines may wait. A line more is lost, and the count of those is told.
const depth = 1024

// handler implements slog.Handler.
type handler struct {
	*queue
	prefix string // of the groups that are open
	attrs  []any  // keys and values in turn
}

// queue is what all handlers of one log share.
type queue struct {
	host   Logger
	serial *guard.Serial
	wait   atomic.Int64
	lost   atomic.Int64
}

// New makes a handler. What the host's own settings leave out is left out there.
func New(host Logger) slog.Handler {
	return &handler{queue: &queue{host: host, serial: guard.NewSerial("host log", nil)}}
}

// Enabled takes every level from debug up.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelDebug }

// Handle queues a line.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	if h.wait.Add(1) > depth {
		h.wait.Add(-1)
		h.lost.Add(1)
		return nil
	}
	pairs := append(make([]any, 0, len(h.attrs)+2*r.NumAttrs()), h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		pairs = flatten(pairs, h.prefix, a)
		return true
	})
	h.serial.Do(func() { h.write(r.Level, r.Message, pairs) })
	return nil
}

func (h *handler) write(level slog.Level, msg string, pairs []any) {
	defer h.wait.Add(-1)
	if n := h.lost.Swap(0); n > 0 {
		h.host.LogWarn("more was logged than the host could take", "lines lost", n)
	}
	switch {
	case level >= slog.LevelError:
		h.host.LogError(msg, pairs...)
	case level >= slog.LevelWarn:
		h.host.LogWarn(msg, pairs...)
	case level >= slog.LevelInfo:
		h.host.LogInfo(msg, pairs...)
	default:
		h.host.LogDebug(msg, pairs...)
	}
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := &handler{queue: h.queue, prefix: h.prefix, attrs: append([]any(nil), h.attrs...)}
	for _, a := range attrs {
		n.attrs = flatten(n.attrs, h.prefix, a)
	}
	return n
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{queue: h.queue, prefix: h.prefix + name + ".", attrs: h.attrs}
}

// flatten turns an attribute into pairs of text: other types do not all survive the way to the host, and one that does not takes the connection along.
func flatten(pairs []any, prefix string, a slog.Attr) []any {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			pairs = flatten(pairs, prefix, inner)
		}
		return pairs
	}
	if a.Equal(slog.Attr{}) {
		return pairs
	}
	return append(pairs, prefix+a.Key, v.String())
}
