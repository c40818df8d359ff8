// Command vulnview judges what `govulncheck -format json` found: a known vulnerability in code that the plugin can reach fails, unless the file of exceptions
// has it with a reason and a day until which that reason is good for. With -unchecked, when the database could not be asked, it judges the file of exceptions alone.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// message is one of those that govulncheck writes, with what we read of it.
type message struct {
	OSV *struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"osv"`
	Finding *struct {
		OSV   string `json:"osv"`
		Fixed string `json:"fixed_version"`
		Trace []frame
	} `json:"finding"`
}

// frame is a step of the way from our code to the vulnerable one, which comes first.
type frame struct {
	Module   string `json:"module"`
	Version  string `json:"version"`
	Package  string `json:"package"`
	Function string `json:"function"`
}

// vulnerability is one that our code reaches.
type vulnerability struct {
	id, summary, where, fixed string
}

// exception is a line of the file: GO-2026-1234 2027-06-30 reason.
type exception struct {
	until  time.Time
	reason string
}

func main() {
	file := flag.String("exceptions", "", "the file of exceptions")
	unchecked := flag.Bool("unchecked", false, "judge the exceptions alone")
	flag.Parse()
	text, err := os.ReadFile(*file)
	switch {
	case err != nil:
	case *unchecked:
		err = judgeExceptions(string(text), time.Now(), os.Stdout)
	default:
		err = judge(os.Stdin, string(text), time.Now(), os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "vulnerabilities: %s\n", err)
		os.Exit(1)
	}
}

// judge writes a line for each vulnerability and fails when one is not excepted, or an exception is no good any more.
func judge(found io.Reader, exceptions string, now time.Time, out io.Writer) error {
	excepted, err := parseExceptions(exceptions)
	if err != nil {
		return err
	}
	vulns, known, err := read(found)
	if err != nil {
		return err
	}
	bad := 0
	for _, id := range slices.Sorted(maps.Keys(vulns)) {
		v := vulns[id]
		verdict := "VULNERABLE"
		e, ok := excepted[id]
		switch {
		case ok && now.Before(e.until.AddDate(0, 0, 1)):
			verdict = "excepted until " + e.until.Format(time.DateOnly) + ": " + e.reason + ":"
		case ok:
			verdict = "VULNERABLE, its exception ended on " + e.until.Format(time.DateOnly) + ":"
			bad++
		default:
			bad++
		}
		fmt.Fprintf(out, "%s %s in %s: %s (fixed in %s)\n", id, verdict, v.where, v.summary, v.fixed)
	}
	for _, id := range slices.Sorted(maps.Keys(excepted)) {
		if _, ok := vulns[id]; !ok {
			fmt.Fprintf(out, "%s is excepted but reached by nothing: take the exception out\n", id)
			bad++
		}
	}
	fmt.Fprintf(out, "%d known vulnerabilities looked for, %d reached by our code\n", known, len(vulns))
	if bad > 0 {
		return fmt.Errorf("%d to put right", bad)
	}
	return nil
}

// judgeExceptions fails when an exception cannot be read or has ended: for that nobody needs to be asked.
func judgeExceptions(text string, now time.Time, out io.Writer) error {
	excepted, err := parseExceptions(text)
	if err != nil {
		return err
	}
	bad := 0
	for _, id := range slices.Sorted(maps.Keys(excepted)) {
		if until := excepted[id].until; !now.Before(until.AddDate(0, 0, 1)) {
			fmt.Fprintf(out, "%s: its exception ended on %s\n", id, until.Format(time.DateOnly))
			bad++
		}
	}
	fmt.Fprintf(out, "%d exceptions, each with a reason and a last day\n", len(excepted))
	if bad > 0 {
		return fmt.Errorf("%d to put right", bad)
	}
	return nil
}

// read gathers the findings. Only those with a function are reached by our code: the others are in a module that is merely required, or in a package of which
// nothing vulnerable is called.
func read(r io.Reader) (vulns map[string]vulnerability, known int, err error) {
	vulns, summaries := map[string]vulnerability{}, map[string]string{}
	dec := json.NewDecoder(r)
	seen := 0
	for ; ; seen++ {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, 0, fmt.Errorf("what govulncheck wrote cannot be read: %w", err)
		}
		if m.OSV != nil {
			summaries[m.OSV.ID] = m.OSV.Summary
		}
		if f := m.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Function != "" {
			at := f.Trace[0]
			fixed := f.Fixed
			if fixed == "" {
				fixed = "no version yet"
			}
			vulns[f.OSV] = vulnerability{id: f.OSV, where: fmt.Sprintf("%s.%s of %s %s", at.Package, at.Function, at.Module, at.Version), fixed: fixed}
		}
	}
	if seen == 0 {
		return nil, 0, errors.New("govulncheck wrote nothing")
	}
	for id, v := range vulns {
		v.summary = summaries[id]
		vulns[id] = v
	}
	return vulns, len(summaries), nil
}

var exceptionLine = regexp.MustCompile(`^(GO-\d{4}-\d{4,})\s+(\d{4}-\d{2}-\d{2})\s+(\S.*)$`)

func parseExceptions(text string) (map[string]exception, error) {
	all := map[string]exception{}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := exceptionLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d of the exceptions is not ID DATE REASON: %s", n+1, line)
		}
		until, err := time.Parse(time.DateOnly, m[2])
		if err != nil {
			return nil, fmt.Errorf("line %d of the exceptions: %w", n+1, err)
		}
		all[m[1]] = exception{until, m[3]}
	}
	return all, nil
}
