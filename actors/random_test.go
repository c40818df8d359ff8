package actors

import (
	"flag"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
)

var (
	seeds = flag.Int("seeds", 250, "how many runs of chance the supervision test makes")
	seed  = flag.Uint64("seed", 0, "make this run of chance alone, and show what the actors say")
)

// TestSupervisionByChance does a hundred things of chance to a tree of actors (people come, go, speak, share; actors of all kinds fail; limits change; sockets
// close; time passes), in an order of chance down to the single message, and compares it with a plain model whenever all is quiet. The same seed does the same
// things: `go test ./actors -run ByChance -seed N` makes one run again.
func TestSupervisionByChance(t *testing.T) {
	const operations = 100
	first, last := uint64(1), uint64(*seeds)
	log := slog.New(slog.DiscardHandler)
	if *seed > 0 {
		first, last = *seed, *seed
	}
	for n := first; n <= last; n++ {
		ops := plan(n, operations)
		wrong, _ := execute(n, ops, log)
		if len(wrong) == 0 {
			continue
		}
		ops = shrink(n, ops, log)
		if *seed > 0 {
			log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		}
		wrong, done := execute(n, ops, log)
		t.Fatalf("seed %d, %d operations of %d are enough:\n%s\n\n%s\n\nmake it again: go test ./actors -run ByChance -seed %d", n, len(ops), operations,
			strings.Join(done, "\n"), strings.Join(wrong, "\n"), n)
	}
}

// shrink leaves out one operation after another as long as something still goes wrong.
func shrink(seed uint64, ops []op, log *slog.Logger) []op {
	for i := len(ops) - 1; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(ops), i, i+1)
		if wrong, _ := execute(seed, fewer, log); len(wrong) > 0 {
			ops = fewer
		}
	}
	return ops
}
