package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// tick is how often a long step says that it is still at it.
const tick = 10 * time.Second

// steps shows on stderr what is being done and how long it takes; stdout is left to what comes of it.
type steps struct {
	begin  time.Time
	detail string // said when the step ends
}

func newSteps() *steps { return &steps{begin: time.Now()} }

// say adds what the current step came to.
func (s *steps) say(format string, args ...any) { s.detail = fmt.Sprintf(format, args...) }

func (s *steps) line(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "[%6.1f s] %s\n", time.Since(s.begin).Seconds(), fmt.Sprintf(format, args...))
}

// do runs one step. The step itself stays on the calling thread, since processes it starts are bound to that.
func (s *steps) do(ctx context.Context, name string, fn func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.detail = ""
	begin := time.Now()
	ended := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		s.ticks(name, begin, ended)
	}()
	err := fn(ctx)
	close(ended)
	<-shown
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	s.line("%-20s %5.1f s  %s", name, time.Since(begin).Seconds(), s.detail)
	return nil
}

func (s *steps) ticks(name string, begin time.Time, ended chan struct{}) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ended:
			return
		case <-t.C:
			s.line("%-20s  ... %.0f s so far", name, time.Since(begin).Seconds())
		}
	}
}
