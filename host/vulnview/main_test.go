package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// found is what govulncheck writes: one vulnerability that is called, one in a package that is imported, one in a module that is required.
const found = `{"config":{"protocol_version":"v1.0.0"}}
{"osv":{"id":"GO-2026-0001","summary":"A short packet panics"}}
{"osv":{"id":"GO-2026-0002","summary":"Not called"}}
{"osv":{"id":"GO-2026-0003","summary":"Not imported"}}
{"finding":{"osv":"GO-2026-0003","trace":[{"module":"example.com/b","version":"v1.0.0"}]}}
{"finding":{"osv":"GO-2026-0002","trace":[{"module":"example.com/a","version":"v1.0.0","package":"example.com/a/x"}]}}
{"finding":{"osv":"GO-2026-0001","fixed_version":"v1.2.0","trace":[{"module":"example.com/a","version":"v1.0.0","package":"example.com/a","function":"Parse"},{"module":"calls","package":"calls/media","function":"read"}]}}
`

func TestVulnerabilitiesAreJudged(t *testing.T) {
	day := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		found, exceptions string
		out, err          string // a part of it; no err: judged as good
	}{
		"reached":               {found, "", "GO-2026-0001 VULNERABLE in example.com/a.Parse of example.com/a v1.0.0: A short packet panics (fixed in v1.2.0)", "1 to put right"},
		"excepted":              {found, "# why\nGO-2026-0001 2026-11-24 only our own bytes get there\n", "excepted until 2026-11-24: only our own bytes get there", ""},
		"exception has ended":   {found, "GO-2026-0001 2026-11-23 reason", "its exception ended on 2026-11-23", "1 to put right"},
		"exception for nothing": {found, "GO-2026-0001 2027-01-01 reason\nGO-2026-0002 2027-01-01 reason", "GO-2026-0002 is excepted but reached by nothing", "1 to put right"},
		"exception, no reason":  {found, "GO-2026-0001 2027-01-01", "", "line 1 of the exceptions"},
		"exception, no date":    {found, "GO-2026-0001 2027-13-01 reason", "", "line 1 of the exceptions"},
		"clean":                 {`{"osv":{"id":"GO-2026-0002"}}`, "", "1 known vulnerabilities looked for, 0 reached by our code", ""},
		"nothing ran":           {"", "", "", "wrote nothing"},
		"no JSON":               {"panic: oh", "", "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := judge(strings.NewReader(c.found), c.exceptions, day, &out)
			if !strings.Contains(out.String(), c.out) {
				t.Errorf("said %q, want %q in it", out.String(), c.out)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func TestExceptionsAreJudgedWithoutTheDatabase(t *testing.T) {
	day := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for exceptions, want := range map[string]string{
		"":                               "",
		"GO-2026-0001 2026-11-24 reason": "",
		"GO-2026-0001 2026-11-23 reason": "1 to put right",
		"GO-2026-0001 2026-11-24":        "line 1 of the exceptions",
	} {
		err := judgeExceptions(exceptions, day, io.Discard)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", exceptions, err, want)
		}
	}
}
