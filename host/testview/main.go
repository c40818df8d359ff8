// Command testview turns the output of `go test -json` into what a person reads: a line for each package, all of what a failing test said,
// the slowest tests, and one closing line. With CI=true a skipped test counts as failed: a proof that did not run proves nothing.
//
// With CALLS_TIMES=FILE it also notes in that file how long each test took, as the reporters of the TypeScript and browser tests do; `testview -slowest FILE` shows the
// slowest of them all.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Elapsed    float64
	Output     string
}

// result is how a test ended.
type result struct {
	name    string
	elapsed float64
}

// view collects what was seen so far.
type view struct {
	out  io.Writer
	each bool // a line for each test as it ends, for tests that take long

	said     map[string][]string // output by package and test, until it is known whether it matters
	failed   []string
	skipped  []string
	passed   []result
	failures int // failed tests and packages: a package can fail without a failing test
}

func main() {
	each := flag.Bool("each", false, "show each test as it ends")
	times := flag.String("slowest", "", "show the slowest tests noted in this file, and do nothing else")
	part := flag.String("part", "", "what to call this run among others of the same tests")
	flag.Parse()
	if *times != "" {
		if err := slowest(os.Stdout, *times); err != nil {
			fmt.Fprintf(os.Stderr, "the times of the tests: %s\n", err)
			os.Exit(1)
		}
		return
	}
	v := &view{out: os.Stdout, each: *each, said: map[string][]string{}}
	v.read(os.Stdin)
	good := v.close(os.Getenv("CI") == "true")
	if file := os.Getenv("CALLS_TIMES"); file != "" {
		if err := v.note(file, *part); err != nil {
			fmt.Fprintf(os.Stderr, "the times of the tests could not be noted: %s\n", err)
		}
	}
	if !good {
		os.Exit(1)
	}
}

func (v *view) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			v.line(line)
		}
		if err != nil {
			return
		}
	}
}

// line takes one line. What is no JSON comes from the go command itself, for example about a module that is missing.
func (v *view) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(v.out, line)
		return
	}
	key := e.Package + " " + e.Test
	top := !strings.Contains(e.Test, "/")
	switch e.Action {
	case "build-output":
		fmt.Fprint(v.out, e.Output)
	case "output":
		v.said[key] = append(v.said[key], e.Output)
	case "pass":
		v.pass(e, key, top)
	case "skip":
		v.skip(e, key)
	case "fail":
		v.fail(e, key, top)
	}
}

func (v *view) pass(e event, key string, top bool) {
	if e.Test == "" {
		fmt.Fprintf(v.out, "ok    %6.1f s  %s\n", e.Elapsed, e.Package)
	} else if top {
		v.passed = append(v.passed, result{key, e.Elapsed})
		if v.each {
			fmt.Fprintf(v.out, "pass  %6.1f s  %s\n", e.Elapsed, e.Test)
		}
	}
	delete(v.said, key)
}

func (v *view) skip(e event, key string) {
	if e.Test != "" { // a package without tests is "skipped" too
		v.skipped = append(v.skipped, key+strings.TrimRight(" "+strings.Join(reasons(v.said[key]), " "), " "))
	}
	delete(v.said, key)
}

// reasons is what a test said, without the go command's own lines.
func reasons(said []string) (out []string) {
	for _, line := range said {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "===") && !strings.HasPrefix(s, "---") {
			out = append(out, s)
		}
	}
	return out
}

func (v *view) fail(e event, key string, top bool) {
	if e.Test != "" {
		fmt.Fprintf(v.out, "FAIL  %6.1f s  %s %s\n", e.Elapsed, e.Package, e.Test)
		if top {
			v.failed = append(v.failed, key)
		}
	} else {
		fmt.Fprintf(v.out, "FAIL  %6.1f s  %s\n", e.Elapsed, e.Package)
	}
	v.failures++
	for _, said := range v.said[key] {
		fmt.Fprint(v.out, "    ", said)
	}
	delete(v.said, key)
}

// close says the whole in few lines and whether it is good.
func (v *view) close(strict bool) bool {
	v.unfinished()
	show(v.out, "slowest:", v.passed)
	for _, s := range v.skipped {
		fmt.Fprintf(v.out, "SKIP  %s\n", s)
	}
	good := v.failures == 0
	if len(v.passed)+len(v.failed)+len(v.skipped) == 0 {
		fmt.Fprintln(v.out, "no test ran")
		good = false
	}
	if strict && len(v.skipped) > 0 {
		fmt.Fprintln(v.out, "tests were skipped, which CI does not allow")
		good = false
	}
	fmt.Fprintf(v.out, "%d passed, %d failed, %d skipped\n", len(v.passed), max(len(v.failed), min(v.failures, 1)), len(v.skipped))
	return good
}

// unfinished shows what tests said that never ended, since the process died under them.
func (v *view) unfinished() {
	if v.failures == 0 {
		return
	}
	for key, said := range v.said {
		if !strings.HasSuffix(key, " ") && len(reasons(said)) > 0 {
			fmt.Fprintf(v.out, "did not end: %s\n    %s\n", key, strings.Join(said, "    "))
		}
	}
}
