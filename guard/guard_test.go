package guard_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"calls/guard"
	"calls/guard/guardtest"
)

func TestMain(m *testing.M) { guardtest.Main(m) }

func TestGoHandsFailuresToItsOwner(t *testing.T) {
	cause := errors.New("broken")
	var noMap map[int]int
	for _, c := range []struct {
		name   string
		fn     func()
		reason any
	}{
		{"panic", func() { panic(cause) }, cause},
		{"fault of the runtime", func() { noMap[1]++ }, nil},
		{"panic with nil", func() { panic(nil) }, nil},
		{"goexit", runtime.Goexit, guard.ErrGoexit},
	} {
		t.Run(c.name, func(t *testing.T) {
			failed := make(chan guard.Failure)
			guard.Go("worker", c.fn, func(f guard.Failure) { failed <- f })
			f := <-failed
			require.Equal(t, "worker", f.Name)
			if c.reason != nil {
				require.Equal(t, c.reason, f.Reason)
			} else {
				require.Implements(t, (*runtime.Error)(nil), f.Reason)
			}
			if c.name == "goexit" {
				require.Nil(t, f.Stack)
			} else {
				require.Contains(t, string(f.Stack), "guard_test.go")
			}
		})
	}
}

func TestGoWithoutAnOwnerSwallowsTheFailure(t *testing.T) {
	var done sync.WaitGroup
	done.Add(2)
	for _, fn := range []func(){func() { panic("nobody cares") }, runtime.Goexit} {
		guard.Go("worker", func() {
			defer done.Done()
			fn()
		}, nil)
	}
	done.Wait() // and the process is still there
}

func TestRunSaysWhetherTheFunctionReturned(t *testing.T) {
	var failures []guard.Failure
	note := func(f guard.Failure) { failures = append(failures, f) }
	require.True(t, guard.Run("fine", func() {}, note))
	require.Empty(t, failures)
	require.False(t, guard.Run("not fine", func() { panic("why") }, note))
	require.Len(t, failures, 1)
	require.EqualError(t, failures[0], "not fine: why")
	require.False(t, guard.Run("not fine either", func() { panic("why") }, nil))
}

func TestSerialKeepsTheOrder(t *testing.T) {
	const producers, each = 4, 500
	s := guard.NewSerial("queue", func(f guard.Failure) { t.Error(f) })
	var got [producers][]int // written by one job at a time: the race detector says so if not
	var done, start sync.WaitGroup
	done.Add(producers * each)
	for p := range producers {
		start.Go(func() {
			for i := range each {
				s.Do(func() {
					defer done.Done()
					got[p] = append(got[p], i)
				})
			}
		})
	}
	start.Wait()
	done.Wait()
	for p := range producers {
		for i, n := range got[p] {
			require.Equal(t, i, n)
		}
	}
}

func TestSerialLosesOnlyTheJobThatFails(t *testing.T) {
	var mu sync.Mutex
	var got []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s)
	}
	s := guard.NewSerial("queue", func(f guard.Failure) { note("failure " + f.Error()) })
	done, release := make(chan struct{}), make(chan struct{})
	s.Do(func() { <-release }) // the others are queued by the time it ends
	s.Do(func() { note("one") })
	s.Do(func() { panic("two") })
	s.Do(func() { note("three") })
	s.Do(runtime.Goexit)
	s.Do(func() { panic("five") })
	s.Do(func() { note("six"); close(done) })
	close(release)
	<-done
	require.Equal(t, []string{
		"one", "failure queue: two", "three", "failure queue: " + guard.ErrGoexit.Error(), "failure queue: five", "six",
	}, got)
}

func TestSerialWithoutAnOwnerGoesOn(t *testing.T) {
	s := guard.NewSerial("queue", nil)
	done := make(chan struct{})
	s.Do(func() { panic("nobody cares") })
	s.Do(func() { close(done) })
	<-done
}

func TestJobMayQueueAnother(t *testing.T) {
	s := guard.NewSerial("queue", nil)
	done := make(chan struct{})
	s.Do(func() { s.Do(func() { close(done) }) })
	<-done
	again := make(chan struct{})
	s.Do(func() { close(again) }) // after the queue was empty
	<-again
}
