package kit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// System is an actor system: one for each activation of the plugin. There is no way to shut it down but to stop its root actors (StopTree); then it is garbage.
type System struct {
	*actor.ActorSystem
	deadLetters atomic.Uint64
	waiters     atomic.Uint64
}

// NewSystem makes an actor system that logs to log (nil: nowhere), without message contents, and counts dead letters instead of printing them.
func NewSystem(log *slog.Logger) *System {
	handler := slog.DiscardHandler
	if log != nil {
		handler = libraryHandler{log.Handler()}
	}
	s := &System{}
	s.ActorSystem = actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(handler) }),
		// The library starts a goroutine that sleeps for this interval at the first dead letter; it should not be seen after the end.
		actor.WithDeadLetterThrottleCount(0),
		actor.WithDeadLetterThrottleInterval(10*time.Millisecond),
	)
	slim(s.ProcessRegistry.LocalPIDs)
	s.EventStream.Subscribe(func(event any) {
		if _, ok := event.(*actor.DeadLetterEvent); ok {
			s.deadLetters.Add(1)
		}
	})
	return s
}

// registryMaps is how many maps, of 32 shards with a lock each, the registry of actors consists of. It divides the library's number, so that what lies in one of the
// maps that stay stays where it is.
const registryMaps = 16

// slim takes maps out of a registry that nobody uses yet. The library makes 1024, which are three and a half MiB before the first actor is there: as much as a dozen
// people in a call need.
func slim(registry *actor.SliceMap) {
	all := registry.LocalPIDs
	registry.LocalPIDs = slices.Clone(all[:registryMaps])
	for _, m := range all[registryMaps:] {
		m.IterCb(func(id string, process any) { registry.GetBucket(id).Set(id, process) })
	}
}

// DeadLetters is how many messages have found nobody.
func (s *System) DeadLetters() uint64 { return s.deadLetters.Load() }

// StopTree has an actor handle what is queued for it and then stop, its children first, and waits until it is gone. When ctx is done before that, it tells the
// actor to stop at once, which an actor that hangs will not hear, and gives up with an error.
func (s *System) StopTree(ctx context.Context, pid *actor.PID) error {
	w := &waiter{gone: make(chan struct{})}
	self, _ := s.ProcessRegistry.Add(w, fmt.Sprintf("waiter-%d", s.waiters.Add(1)))
	defer s.ProcessRegistry.Remove(self)
	process, _ := s.ProcessRegistry.Get(pid)
	process.SendSystemMessage(pid, &actor.Watch{Watcher: self})
	s.Root.Poison(pid)
	select {
	case <-w.gone:
		return nil
	case <-ctx.Done():
		s.Root.Stop(pid)
		return fmt.Errorf("actor %s has not stopped: %w", pid.Id, ctx.Err())
	}
}

// waiter is a process that waits for one Terminated. The library's Future is not used for it: its time limit is fixed, and it has data races.
type waiter struct {
	once sync.Once
	gone chan struct{}
}

// SendUserMessage takes nothing.
func (w *waiter) SendUserMessage(*actor.PID, any) {}

// SendSystemMessage takes the Terminated.
func (w *waiter) SendSystemMessage(_ *actor.PID, message any) {
	if _, ok := message.(*actor.Terminated); ok {
		w.once.Do(func() { close(w.gone) })
	}
}

// Stop has nothing to stop.
func (w *waiter) Stop(*actor.PID) {}

// libraryHandler makes protoactor's log records fit for ours: its Info is our Debug, dead letters are counted elsewhere, and messages are not spelled out,
// because they hold what people say and write.
type libraryHandler struct{ slog.Handler }

// Enabled judges by our level.
func (h libraryHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, ourLevel(l))
}

// Handle rewrites a record.
func (h libraryHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "[DeadLetter]" {
		return nil
	}
	out := slog.NewRecord(r.Time, ourLevel(r.Level), r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "message" {
			a = slog.String("message", fmt.Sprintf("%T", a.Value.Any()))
		}
		out.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs keeps the rewriting.
func (h libraryHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the rewriting.
func (h libraryHandler) WithGroup(name string) slog.Handler {
	return libraryHandler{h.Handler.WithGroup(name)}
}

func ourLevel(l slog.Level) slog.Level {
	if l == slog.LevelInfo {
		return slog.LevelDebug
	}
	return l
}
