// Package report turns the lines of the measurements into a page and plots.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"calls/bench/faults"
	"calls/bench/forward"
	"calls/bench/machine"
)

// The files of results, one line of JSON per run.
const (
	ForwardFile = "forward.jsonl"
	ScaleFile   = "scale.jsonl"
	LargestFile = "largest.jsonl"
	JoinFile    = "join.jsonl"
	FaultsFile  = "faults.jsonl"
)

// demands are those of the project: what we may need at most, relative to what another does in the same repetition, and what we aim at.
var demands = []struct {
	what, to  string
	must, aim float64
	of        func(forward.Run) float64
	workloads []string
}{
	{"processor time", "rtcd", 0.45, 0.30, cpu, judged}, {"processor time", "livekit", 0.60, 0.40, cpu, judged}, {"processor time", "limit", 1.9, 1.3, cpu, judged},
	{"memory", "rtcd", 0.75, 0.5, func(r forward.Run) float64 { return r.RSS }, []string{"mix100"}},
	{"median delay", "rtcd", 1, 0.5, func(r forward.Run) float64 { return r.P50 }, judged},
}

func cpu(r forward.Run) float64 { return r.CPUPerPacket }

var judged = []string{"a20x20", "s1x50", "mix100"}

// Command is `bench report`.
func Command(root string, stdout io.Writer) error {
	dir := filepath.Join(root, "bench", "results")
	var r results
	if err := r.read(dir); err != nil {
		return err
	}
	if r.empty() {
		return fmt.Errorf("there are no results in %s: run `go run ./bench all`, or write the lines of a measurement there with -json", dir)
	}
	files := map[string]string{"REPORT.md": r.page()}
	if len(r.runs) > 0 {
		files["cost.svg"], files["delay.svg"] = costs(r.runs), delays(r.runs)
	}
	if p := growth(r.scale); len(p) > 1 {
		files["scale.svg"] = line("Cost of a forwarded packet in one call where two talk", "µs", "people in the call; equal distances are equal ratios", p)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(stdout, filepath.Join(dir, name))
	}
	return nil
}

// results are the lines of all measurements.
type results struct {
	runs    []forward.Run
	scale   []forward.ScaleRun
	largest []forward.LargestRun
	joins   []forward.JoinRun
	crashes []faults.Line
}

func (r *results) read(dir string) error {
	var err [5]error
	r.runs, err[0] = read[forward.Run](filepath.Join(dir, ForwardFile))
	r.scale, err[1] = read[forward.ScaleRun](filepath.Join(dir, ScaleFile))
	r.largest, err[2] = read[forward.LargestRun](filepath.Join(dir, LargestFile))
	r.joins, err[3] = read[forward.JoinRun](filepath.Join(dir, JoinFile))
	r.crashes, err[4] = read[faults.Line](filepath.Join(dir, FaultsFile))
	return errors.Join(err[:]...)
}

func (r *results) empty() bool {
	return len(r.runs)+len(r.scale)+len(r.largest)+len(r.joins)+len(r.crashes) == 0
}

// read reads a file of lines; none is no error.
func read[T any](file string) (all []T, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, v)
	}
	return all, lines.Err()
}

func costs(runs []forward.Run) string {
	return bars("Processor time for a forwarded packet", "µs", "dark: in the program; light: in the kernel", false, grouped(runs, func(c forward.Cell) bar {
		return bar{c.Target, c.UserPerPacket, c.CPUPerPacket - c.UserPerPacket} // medians of parts need not add up to that of the whole
	}))
}

func delays(runs []forward.Run) string {
	return bars("Median delay from sender to receiver", "ms", "of packets decrypted at four of the receivers; equal distances are equal ratios", true, grouped(runs, func(c forward.Cell) bar {
		return bar{c.Target, c.P50 / 1000, 0}
	}))
}

func grouped(runs []forward.Run, of func(forward.Cell) bar) (groups []group) {
	for _, c := range forward.Cells(runs) {
		if c.Failed != "" {
			continue
		}
		if n := len(groups); n == 0 || groups[n-1].name != c.Workload {
			groups = append(groups, group{name: c.Workload})
		}
		g := &groups[len(groups)-1]
		g.bars = append(g.bars, of(c))
	}
	return groups
}

// growth is the cost in one call of growing size.
func growth(scale []forward.ScaleRun) (points []point) {
	for _, r := range scale {
		if r.Calls == 1 && r.Error == "" && (len(points) == 0 || float64(r.People) > points[len(points)-1].x) {
			points = append(points, point{float64(r.People), r.CPUPerPacket})
		}
	}
	return points
}

func (r *results) page() string {
	var b strings.Builder
	b.WriteString("# What it carries\n\nMade by `go run ./bench report` from the lines beside it; do not edit. What each number means and how it is taken: `docs/performance.md`.\n")
	r.where(&b)
	if len(r.runs) > 0 {
		forwarding(&b, r.runs)
	}
	if len(r.largest) > 0 {
		largest(&b, r.largest)
	}
	if len(r.scale) > 0 {
		grown(&b, r.scale)
	}
	if len(r.joins) > 0 {
		joined(&b, r.joins)
	}
	if len(r.crashes) > 0 {
		crashed(&b, r.crashes)
	}
	return b.String()
}

// joined tells of storms, and of what those in the call before noticed of them.
func joined(b *strings.Builder, joins []forward.JoinRun) {
	b.WriteString("\n## Joins at the same moment\n\nOne talks to four, and then so many join their call at once; the last three columns are of the four.\n\n" +
		"| target | joins | failed | connected p50 ms | p99 ms | processor ms each | descriptions each | lost by those before | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range joins {
		if r.Error != "" && r.Failed == 0 {
			fmt.Fprintf(b, "| %s | %d | not measured: %s ||||||||\n", r.Target, r.Joins, oneLine(r.Error))
			continue
		}
		fmt.Fprintf(b, "| %s | %d | %d | %.0f | %.0f | %.2f | %.1f |", r.Target, r.Joins, r.Failed, r.P50, r.P99, r.CPUPerJoin, r.Negotiations)
		if r.Expected > 0 {
			fmt.Fprintf(b, " %d of %d | %.2f | %.2f |\n", r.Lost, r.Expected, r.OthersP50/1000, r.OthersP99/1000)
		} else {
			b.WriteString(" | | |\n")
		}
	}
}

func grown(b *strings.Builder, scale []forward.ScaleRun) {
	b.WriteString("\n## Growth\n\nIn every call two talk. Sizes that come twice are of the search for the largest call.\n\n![cost by size](scale.svg)\n\n" +
		"| calls | people in each | packets/s | µs/packet | loss % | p50 ms | p99 ms | KiB a person |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range scale {
		if r.Error != "" {
			fmt.Fprintf(b, "| %d | %d | not measured: %s ||||||\n", r.Calls, r.People, oneLine(r.Error))
			continue
		}
		fmt.Fprintf(b, "| %d | %d | %.0f | %.1f | %.2f | %.2f | %.2f | %.0f |\n", r.Calls, r.People, r.PacketsPerSec, r.CPUPerPacket, r.Loss, r.P50/1000, r.P99/1000,
			r.RSS*1024/float64(r.Calls*r.People))
	}
}

// largest tells of the loads that others carry at most.
func largest(b *strings.Builder, all []forward.LargestRun) {
	b.WriteString("\n## The largest load that another carries without loss, and ours at as much and at twice that\n\n`allN`: N people who all talk; `mixN`: N before a screen and two talkers. " +
		"A load that was not carried is tried again. Where `limit`, which only seals and sends, loses packets too, it is the machine that carries no more.\n\n" +
		"| workload | target | times the largest of | packets/s | lost | µs/packet | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range all {
		times := "search"
		if r.Times > 0 {
			times = fmt.Sprintf("%.2f × %s", r.Times, r.Than)
		}
		if r.Error != "" {
			fmt.Fprintf(b, "| %s | %s | %s | not measured: %s |||||\n", r.Workload, r.Target, times, oneLine(r.Error))
			continue
		}
		lost := int64(r.Expected) - int64(r.Forwarded)
		fmt.Fprintf(b, "| %s | %s | %s | %.0f | %d | %.1f | %.2f | %.2f |\n", r.Workload, r.Target, times, r.PacketsPerSec, max(lost, 0), r.CPUPerPacket, r.P50/1000, r.P99/1000)
	}
}

func (r *results) where(b *strings.Builder) {
	var all []machine.Facts
	busiest := 0.0
	add := func(f machine.Facts, load float64) { all, busiest = append(all, f), max(busiest, load) }
	for _, r := range r.runs {
		add(r.Facts, r.Load)
	}
	for _, r := range r.scale {
		add(r.Facts, r.Load)
	}
	for _, r := range r.largest {
		add(r.Facts, r.Load)
	}
	for _, r := range r.joins {
		add(r.Facts, r.Load)
	}
	for _, r := range r.crashes {
		add(r.Facts, r.Load)
	}
	seen := map[machine.Facts]bool{}
	b.WriteString("\n")
	for _, f := range all {
		if !seen[f] {
			seen[f] = true
			fmt.Fprintf(b, "- %s, %d cores, Linux %s, %s, commit %s\n", f.CPU, f.Cores, f.Kernel, f.Go, f.Commit)
		}
	}
	if len(all) > 0 && busiest > float64(all[0].Cores) {
		fmt.Fprintf(b, "\nThe machine was not idle: up to %.0f threads wanted its %d cores in the minute before a run. "+
			"Ratios of the same repetition hold up under that, delays and absolute times do not.\n", busiest, all[0].Cores)
	}
}

func forwarding(b *strings.Builder, runs []forward.Run) {
	b.WriteString("\n## Forwarding\n\n![cost](cost.svg)\n\n![delay](delay.svg)\n\nMedians; \"ours to it\" is the median of the ratios within each repetition.\n\n" +
		"| workload | target | packets/s | µs/packet | user | sys | ours to it | loss % | p50 ms | p99 ms | p99.9 ms | RSS MiB | allocations/packet |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range forward.Cells(runs) {
		if c.Failed != "" {
			fmt.Fprintf(b, "| %s | %s | not measured: %s |||||||||||\n", c.Workload, c.Target, oneLine(c.Failed))
			continue
		}
		ratio, allocs := "", ""
		if r := forward.Ratio(runs, c.Workload, "calls", c.Target); r > 0 && c.Target != "calls" {
			ratio = fmt.Sprintf("%.2f", r)
		}
		if c.AllocsPerPacket != nil {
			allocs = fmt.Sprintf("%.3f", *c.AllocsPerPacket)
		}
		fmt.Fprintf(b, "| %s | %s | %.0f | %.1f | %.1f | %.1f | %s | %.2f | %.2f | %.2f | %.2f | %.0f | %s |\n", c.Workload, c.Target, c.PacketsPerSec, c.CPUPerPacket,
			c.UserPerPacket, c.SysPerPacket, ratio, c.Loss, c.P50/1000, c.P99/1000, c.P999/1000, c.RSS, allocs)
	}
	granted(b, runs)
	b.WriteString("\n| demand |")
	for _, w := range judged {
		fmt.Fprintf(b, " %s |", w)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(judged)) + "\n")
	for _, d := range demands {
		fmt.Fprintf(b, "| %s at most %.2f of %s, aim %.2f |", d.what, d.must, d.to, d.aim)
		for _, w := range judged {
			if !slices.Contains(d.workloads, w) {
				b.WriteString(" |")
				continue
			}
			b.WriteString(" " + verdict(forward.RatioOf(runs, w, "calls", d.to, d.of), d.must, d.aim) + " |")
		}
		b.WriteString("\n")
	}
}

// granted says what the kernel gave our engine: how much it cut up for us, and buffers.
func granted(b *strings.Builder, runs []forward.Run) {
	var shares []string
	var last forward.Run
	for _, c := range forward.Cells(runs) {
		if c.Target == "calls" && c.Failed == "" && c.ReadBuffer > 0 {
			shares, last = append(shares, fmt.Sprintf("%s %.0f %%", c.Workload, c.Segmented)), c.Run
		}
	}
	if len(shares) > 0 {
		fmt.Fprintf(b, "\nOf our datagrams, so many left in messages that the kernel cut up (UDP_SEGMENT): %s. It granted the media socket %d KiB to read and %d KiB to write; 16384 were asked for.\n",
			strings.Join(shares, ", "), last.ReadBuffer>>10, last.WriteBuffer>>10)
	}
}

func verdict(ratio, must, aim float64) string {
	switch {
	case ratio == 0:
		return "not measured"
	case ratio <= aim:
		return fmt.Sprintf("%.2f, aim met", ratio)
	case ratio <= must:
		return fmt.Sprintf("%.2f, met", ratio)
	}
	return fmt.Sprintf("%.2f, **missed**", ratio)
}

func crashed(b *strings.Builder, crashes []faults.Line) {
	b.WriteString("\n## Crashes on purpose\n\nTen a second, each of an actor chosen at random. \"Back\" is from the crash to the next packet at a receiver (session, track) or to the next event told.\n\n" +
		"| crashed | wait before a restart ms | failures | lost by others | lost by those hit | broken numbers | back p50 ms | p99 | most | gap elsewhere p99 ms | goroutines | descriptors | heap KiB |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, l := range crashes {
		fmt.Fprintf(b, "| %s | %.0f | %d | %d | %d | %d | %.1f | %.1f | %.1f | %.1f | %d → %d | %d → %d | %d → %d |\n", l.Kind, l.Backoff, l.Failures, l.LostOthers, l.LostVictims,
			l.SeqBreaks, l.ResumeP50, l.ResumeP99, l.ResumeMax, l.GapP99, l.GoroutinesBefore, l.GoroutinesAfter, l.DescriptorsBefore, l.DescriptorsAfter, l.HeapBefore>>10, l.HeapAfter>>10)
	}
}

func oneLine(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "/")
}
