package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func seen(strict bool, lines ...string) (text string, good bool) {
	var out strings.Builder
	v := &view{out: &out, said: map[string][]string{}}
	v.read(strings.NewReader(strings.Join(lines, "\n") + "\n"))
	good = v.close(strict)
	return out.String(), good
}

const (
	passes  = `{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.5}`
	skips   = `{"Action":"skip","Package":"p","Test":"TestB","Elapsed":0}`
	says    = `{"Action":"output","Package":"p","Test":"TestC","Output":"    want 1, have 2\n"}`
	fails   = `{"Action":"fail","Package":"p","Test":"TestC","Elapsed":1}`
	pkgFail = `{"Action":"fail","Package":"p","Elapsed":1}`
)

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		strict bool
		lines  []string
		good   bool
		has    string
	}{
		"all pass":                {true, []string{passes}, true, "1 passed, 0 failed, 0 skipped"},
		"a failure is told whole": {false, []string{passes, says, fails, pkgFail}, false, "want 1, have 2"},
		"a failure is counted":    {false, []string{passes, says, fails, pkgFail}, false, "1 passed, 1 failed, 0 skipped"},
		"a package that does not build fails without a failing test": {false, []string{passes, pkgFail}, false, "1 passed, 1 failed"},
		"a skip at a desk is shown":                                  {false, []string{passes, skips}, true, "SKIP  p TestB"},
		"a skip in CI is a failure":                                  {true, []string{passes, skips}, false, "CI does not allow"},
		"nothing ran":                                                {false, nil, false, "no test ran"},
		"words of the go command are passed on":                      {false, []string{"go: no module", passes}, true, "go: no module\n"},
		"a test that never ended is shown":                           {false, []string{passes, says, pkgFail}, false, "did not end: p TestC"},
	} {
		t.Run(name, func(t *testing.T) {
			text, good := seen(c.strict, c.lines...)
			if good != c.good || !strings.Contains(text, c.has) {
				t.Errorf("good = %v, want %v; %q wanted in:\n%s", good, c.good, c.has, text)
			}
		})
	}
}

func TestTheSlowestOfAllParts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "times")
	for _, c := range []struct {
		part    string
		elapsed float64
	}{{"", 2}, {"6.6.1", 3}} {
		v := &view{passed: []result{{"p TestA", c.elapsed}, {"p TestB", c.elapsed / 10}}}
		if err := v.note(file, c.part); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := slowest(&out, file); err != nil {
		t.Fatal(err)
	}
	want := `the slowest of all 4 tests:
         3.0 s  p TestA on 6.6.1
         2.0 s  p TestA
         0.3 s  p TestB on 6.6.1
         0.2 s  p TestB
`
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
	if err := os.WriteFile(file, []byte("no time\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := slowest(&out, file); err == nil || !strings.Contains(err.Error(), "no time") {
		t.Errorf("nonsense is taken: %v", err)
	}
}
