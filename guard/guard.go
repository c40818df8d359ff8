// Package guard starts goroutines that cannot take the process down.
//
// Supervision covers an actor's Receive and nothing else: a panic in a bare goroutine ends the whole plugin, and with it every call on the server.
// So product code starts goroutines only here. A panic, or a runtime.Goexit, is recovered and handed to the owner, who decides.
package guard

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// ErrGoexit is the Reason of a goroutine that ended by runtime.Goexit instead of returning.
var ErrGoexit = errors.New("goroutine ended by runtime.Goexit")

// Failure says what went wrong in a guarded function.
type Failure struct {
	Name   string // what was running, for people who read logs
	Reason any    // the panic value, or ErrGoexit
	Stack  []byte // where, as debug.Stack prints it; nil for ErrGoexit
}

// Error makes a Failure usable as an error.
func (f Failure) Error() string { return fmt.Sprintf("%s: %v", f.Name, f.Reason) }

// Go runs fn in a goroutine of its own and hands a panic or Goexit to onPanic, which must not panic itself. A nil onPanic swallows the failure.
func Go(name string, fn func(), onPanic func(Failure)) {
	go Run(name, fn, onPanic)
}

// Run is Go on the calling goroutine: it returns when fn has returned or failed, and says whether fn returned.
func Run(name string, fn func(), onPanic func(Failure)) (ok bool) {
	defer func() {
		if ok {
			return
		}
		f := Failure{Name: name, Reason: ErrGoexit}
		if r := recover(); r != nil {
			f.Reason, f.Stack = r, debug.Stack()
		}
		if onPanic != nil {
			onPanic(f)
		}
	}()
	fn()
	return true
}

// Serial runs jobs one after another, in the order they were given, on a guarded goroutine that exists only while there is work.
// The queue is unbounded: who fills it must be limited at the source. The zero value is not usable, make one with NewSerial.
type Serial struct {
	name    string
	onPanic func(Failure)

	mu      sync.Mutex
	jobs    []func()
	running bool
}

// NewSerial makes a queue whose failing jobs are reported to onPanic; the jobs behind a failing one still run.
func NewSerial(name string, onPanic func(Failure)) *Serial {
	return &Serial{name: name, onPanic: onPanic}
}

// Do queues fn and returns at once.
func (s *Serial) Do(fn func()) {
	s.mu.Lock()
	s.jobs = append(s.jobs, fn)
	start := !s.running
	s.running = true
	s.mu.Unlock()
	if start {
		Go(s.name, s.drain, s.failed)
	}
}

// failed restarts the drain that a failing job ended: the job itself was taken off the queue before it ran.
func (s *Serial) failed(f Failure) {
	if s.onPanic != nil {
		s.onPanic(f)
	}
	Go(s.name, s.drain, s.failed)
}

func (s *Serial) drain() {
	for {
		s.mu.Lock()
		if len(s.jobs) == 0 {
			s.jobs, s.running = nil, false
			s.mu.Unlock()
			return
		}
		fn := s.jobs[0]
		s.jobs[0] = nil
		s.jobs = s.jobs[1:]
		s.mu.Unlock()
		fn()
	}
}
