package calls_test

import (
	"fmt"
	"slices"
	"testing"

	"calls"
)

// Phones and servers read two numbers, and each draws a line (docs/negotiation.md).
func TestVersionsLieOnTheRightSide(t *testing.T) {
	numbers := func(version string) []int {
		var n [3]int
		if _, err := fmt.Sscanf(version, "%d.%d.%d", &n[0], &n[1], &n[2]); err != nil {
			t.Fatalf("%q is no version of three numbers: %v", version, err)
		}
		return n[:]
	}
	client := numbers(calls.ClientVersion())
	if slices.Compare(client, []int{0, 21, 0}) < 0 {
		t.Error("phones would key people by user, and show each twice")
	}
	if slices.Compare(client, []int{1, 7, 0}) >= 0 {
		t.Error("phones would not unmute without the lock")
	}
	if slices.Compare(numbers(calls.Version()), []int{2, 0, 0}) < 0 {
		t.Error("a server would put the upstream plugin that came with it in our place")
	}
}
