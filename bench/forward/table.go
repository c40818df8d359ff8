package forward

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Cell is a target under a workload: the medians of its runs.
type Cell struct {
	Target, Workload string
	Run              // the medians, each field by itself
	Runs             int
	Low, High        float64 // CPU per packet, least and most
	Failed           string  // what went wrong, if no run succeeded
}

// Cells gathers runs, in the order in which targets and workloads first come.
func Cells(runs []Run) []Cell {
	type key struct{ workload, target string }
	var order []key
	groups := map[key][]Run{}
	failed := map[key]string{}
	for _, r := range runs {
		k := key{r.Workload, r.Target}
		if groups[k] == nil && failed[k] == "" {
			order = append(order, k)
		}
		if r.Error != "" {
			failed[k] = r.Error
		} else {
			groups[k] = append(groups[k], r)
		}
	}
	var cells []Cell
	for _, k := range order {
		c := Cell{Target: k.target, Workload: k.workload}
		if g := groups[k]; len(g) > 0 {
			c.fill(g)
		} else {
			c.Failed = failed[k]
		}
		cells = append(cells, c)
	}
	slices.SortStableFunc(cells, func(a, b Cell) int { return workloadOrder(cells, a) - workloadOrder(cells, b) })
	return cells
}

func workloadOrder(cells []Cell, c Cell) int {
	return slices.IndexFunc(cells, func(o Cell) bool { return o.Workload == c.Workload })
}

func (c *Cell) fill(g []Run) {
	median := func(of func(Run) float64) float64 { return Median(collect(g, of)) }
	c.Runs = len(g)
	c.CPUPerPacket = median(func(r Run) float64 { return r.CPUPerPacket })
	c.UserPerPacket = median(func(r Run) float64 { return r.UserPerPacket })
	c.SysPerPacket = median(func(r Run) float64 { return r.SysPerPacket })
	c.Loss = median(func(r Run) float64 { return r.Loss })
	c.P50 = median(func(r Run) float64 { return r.P50 })
	c.P99 = median(func(r Run) float64 { return r.P99 })
	c.P999 = median(func(r Run) float64 { return r.P999 })
	c.RSS = median(func(r Run) float64 { return r.RSS })
	c.PacketsPerSec = median(func(r Run) float64 { return r.PacketsPerSec })
	c.Segmented = median(func(r Run) float64 { return r.Segmented })
	c.ReadBuffer, c.WriteBuffer = g[0].ReadBuffer, g[0].WriteBuffer
	if g[0].AllocsPerPacket != nil {
		per := median(func(r Run) float64 { return *r.AllocsPerPacket })
		c.AllocsPerPacket = &per
	}
	cpu := collect(g, func(r Run) float64 { return r.CPUPerPacket })
	c.Low, c.High = slices.Min(cpu), slices.Max(cpu)
	c.Settled = !slices.ContainsFunc(g, func(r Run) bool { return !r.Settled })
}

func collect(g []Run, of func(Run) float64) []float64 {
	var v []float64
	for _, r := range g {
		v = append(v, of(r))
	}
	return v
}

// Median is the middle of some numbers, 0 of none.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Ratio is the median, over the repetitions in which both were measured, of what one target's packet cost to what the other's did; 0 when there is none.
// Pairs of the same repetition ran within a minute of each other, so that the machine's moods cancel out.
func Ratio(runs []Run, workload, target, to string) float64 {
	return RatioOf(runs, workload, target, to, func(r Run) float64 { return r.CPUPerPacket })
}

// RatioOf is Ratio of anything else that runs have.
func RatioOf(runs []Run, workload, target, to string, of func(Run) float64) float64 {
	cost := func(name string, rep int) float64 {
		i := slices.IndexFunc(runs, func(r Run) bool {
			return r.Workload == workload && r.Target == name && r.Rep == rep && r.Error == ""
		})
		if i < 0 {
			return 0
		}
		return of(runs[i])
	}
	var ratios []float64
	for rep := 1; rep <= 1000; rep++ {
		if a, b := cost(target, rep), cost(to, rep); a > 0 && b > 0 {
			ratios = append(ratios, a/b)
		}
	}
	return Median(ratios)
}

// Table is what a person reads at the end.
func Table(runs []Run) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "workload\ttarget\tpackets/s\tµs/packet\tuser\tsys\tleast–most\tcalls is\tloss %\tp50 ms\tp99 ms\tp99.9 ms\tRSS MiB\tallocs\t")
	var missing []string
	for _, c := range Cells(runs) {
		if c.Failed != "" {
			missing = append(missing, fmt.Sprintf("%s, %s: %s", c.Workload, c.Target, c.Failed))
			continue
		}
		ratio, allocs := "", ""
		if r := Ratio(runs, c.Workload, "calls", c.Target); r > 0 && c.Target != "calls" {
			ratio = fmt.Sprintf("%.2f of it", r)
		}
		if c.AllocsPerPacket != nil {
			allocs = fmt.Sprintf("%.3f", *c.AllocsPerPacket)
		}
		note := ""
		if !c.Settled {
			note = " *"
		}
		fmt.Fprintf(t, "%s\t%s\t%.0f%s\t%.1f\t%.1f\t%.1f\t%.1f–%.1f\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%s\t\n", c.Workload, c.Target, c.PacketsPerSec, note,
			c.CPUPerPacket, c.UserPerPacket, c.SysPerPacket, c.Low, c.High, ratio, c.Loss, c.P50/1000, c.P99/1000, c.P999/1000, c.RSS, allocs)
	}
	_ = t.Flush()
	if strings.Contains(b.String(), " *") {
		b.WriteString("* did not reach the full rate\n")
	}
	for _, m := range missing {
		fmt.Fprintf(&b, "not measured: %s\n", m)
	}
	return b.String()
}
