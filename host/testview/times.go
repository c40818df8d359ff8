package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// show lists the ten slowest, unless all are quick.
func show(out io.Writer, title string, results []result) {
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(b.elapsed, a.elapsed) })
	if len(results) == 0 || results[0].elapsed < 1 {
		return
	}
	fmt.Fprintln(out, title)
	for _, r := range results[:min(10, len(results))] {
		fmt.Fprintf(out, "      %6.1f s  %s\n", r.elapsed, r.name)
	}
}

// note adds the tests that passed to a file that several runs write, one after another: a line has seconds, a tab, and the name.
func (v *view) note(file, part string) error {
	var lines strings.Builder
	if part != "" {
		part = " on " + part
	}
	for _, r := range v.passed {
		fmt.Fprintf(&lines, "%.3f\t%s\n", r.elapsed, r.name+part)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(lines.String())
	return errors.Join(err, f.Close())
}

// slowest shows the slowest tests of all that a file has.
func slowest(out io.Writer, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var results []result
	for line := range strings.Lines(string(text)) {
		seconds, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		elapsed, err := strconv.ParseFloat(seconds, 64)
		if !ok || err != nil {
			return fmt.Errorf("%s has a line that is no time and name: %q", file, line)
		}
		results = append(results, result{name, elapsed})
	}
	if len(results) == 0 {
		return fmt.Errorf("%s is empty", file)
	}
	show(out, fmt.Sprintf("the slowest of all %d tests:", len(results)), results)
	return nil
}
