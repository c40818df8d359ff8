// Package guardtest finds goroutines that a test has left behind.
package guardtest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a goroutine may take to come to its end. goleak alone gives it half a second, which a busy machine may well let pass without running it.
const patience = time.Minute

// Left names the goroutines that are left when they have had their time to end; nil: none are.
func Left(options ...goleak.Option) (err error) {
	for deadline := time.Now().Add(patience); ; {
		if err = goleak.Find(options...); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// None fails a test that has left goroutines behind.
func None(t testing.TB, options ...goleak.Option) {
	t.Helper()
	if err := Left(options...); err != nil {
		t.Error(err)
	}
}

// Main runs all tests of a package, and fails when they have left goroutines behind.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := Left(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
