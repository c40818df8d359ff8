package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// bar is one value of a group, perhaps of two parts on top of each other.
type bar struct {
	name         string
	lower, upper float64 // upper lies on lower
}

// group is the bars that belong together.
type group struct {
	name string
	bars []bar
}

// chart is a drawing in the making.
type chart struct {
	strings.Builder
	width, height float64
}

// colours keep to their name in every chart. They differ in lightness too, for those who see no hues.
var colours = map[string]string{
	"calls": "#1c58d9", "plain": "#8fb0f0", "rtcd": "#d24b4e", "livekit": "#2c8f5c", "janus": "#b58a1b", "limit": "#555555", "limit-gso": "#a0a0a0",
}

func colour(name string) string {
	if c := colours[name]; c != "" {
		return c
	}
	return "#1c58d9"
}

const (
	left, top, right, bottom = 60.0, 64.0, 16.0, 40.0
	plotHeight               = 260.0
)

func newChart(width float64, title string) *chart {
	c := &chart{width: width, height: top + plotHeight + bottom}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12" fill="#222">`+"\n", c.width, c.height)
	fmt.Fprintf(c, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%.0f" y="18" font-size="14" font-weight="bold">%s</text>`+"\n", left, html.EscapeString(title))
	return c
}

func (c *chart) text(x, y float64, anchor, s string) {
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(s))
}

func (c *chart) rect(x, y, w, h float64, fill, opacity string) {
	fmt.Fprintf(c, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" opacity="%s"/>`+"\n", x, y, w, h, fill, opacity)
}

// axis draws lines at round values and returns where a value lies.
func (c *chart) axis(most float64, unit string) func(float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(max(most, 1e-3))))
	for most/step < 4 {
		step /= 2
	}
	scale := math.Ceil(most/step) * step
	y := func(v float64) float64 { return top + plotHeight*(1-min(v/scale, 1)) }
	for v := 0.0; v <= scale+step/2; v += step {
		c.grid(y(v), fmt.Sprintf("%.4g", v))
	}
	c.unit(unit)
	return y
}

// logAxis is axis with equal distances for equal ratios, for values of which some are many times others: lines at 1, 2 and 5 of each power of ten.
func (c *chart) logAxis(least, most float64, unit string) func(float64) float64 {
	var ticks []float64
	for decade := math.Pow(10, math.Floor(math.Log10(least))); decade < 10*most; decade *= 10 {
		ticks = append(ticks, decade, 2*decade, 5*decade)
	}
	for len(ticks) > 2 && ticks[1] <= least {
		ticks = ticks[1:]
	}
	for len(ticks) > 2 && ticks[len(ticks)-2] >= most {
		ticks = ticks[:len(ticks)-1]
	}
	low, high := ticks[0], ticks[len(ticks)-1]
	y := func(v float64) float64 {
		return top + plotHeight*(1-math.Log(min(max(v, low), high)/low)/math.Log(high/low))
	}
	for _, v := range ticks {
		c.grid(y(v), fmt.Sprintf("%.4g", v))
	}
	c.unit(unit)
	return y
}

func (c *chart) grid(y float64, label string) {
	fmt.Fprintf(c, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/>`+"\n", left, c.width-right, y, y)
	c.text(left-6, y+4, "end", label)
}

func (c *chart) unit(unit string) { c.text(left-6, top-14, "end", unit) }

func (c *chart) legend(names []string) {
	x := left
	for _, n := range names {
		c.rect(x, 28, 10, 10, colour(n), "1")
		c.text(x+14, 37, "start", n)
		x += 24 + 7.2*float64(len(n))
	}
}

func (c *chart) end() string {
	c.WriteString("</svg>\n")
	return c.String()
}

// bars draws groups of bars. The lower part is darker; below says what the parts are. Of bars with one part that differ much, the axis may be logarithmic. Ours have
// their values written over them.
func bars(title, unit, below string, logarithmic bool, groups []group) string {
	const thick, gap = 16.0, 26.0
	width, least, most := left+right, math.Inf(1), 0.0
	var names []string
	for _, g := range groups {
		width += gap + thick*float64(len(g.bars))
		for _, b := range g.bars {
			least, most = min(least, b.lower+b.upper), max(most, b.lower+b.upper)
			if !contains(names, b.name) {
				names = append(names, b.name)
			}
		}
	}
	c := newChart(max(width, 560), title)
	c.legend(names)
	var y func(float64) float64
	if logarithmic && least > 0 && least < most {
		y = c.logAxis(least/2, most, unit) // the least is to be seen too
	} else {
		y = c.axis(most, unit)
	}
	x := left + gap/2
	for _, g := range groups {
		begin := x
		for _, b := range g.bars {
			c.rect(x+1, y(b.lower), thick-2, y(0)-y(b.lower), colour(b.name), "1")
			c.rect(x+1, y(b.lower+b.upper), thick-2, y(b.lower)-y(b.lower+b.upper), colour(b.name), "0.45")
			if b.name == "calls" {
				c.text(x+thick-1, y(b.lower+b.upper)-4, "end", fmt.Sprintf("%.2g", b.lower+b.upper))
			}
			x += thick
		}
		c.text((begin+x)/2, top+plotHeight+16, "middle", g.name)
		x += gap
	}
	c.text(left, top+plotHeight+34, "start", below)
	return c.end()
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// point is a value of a line.
type point struct{ x, y float64 }

// line draws one line over logarithmic axes.
func line(title, unit, below string, points []point) string {
	c := newChart(560, title)
	least, most, first, last := math.Inf(1), 0.0, points[0].x, points[len(points)-1].x
	for _, p := range points {
		least, most = min(least, p.y), max(most, p.y)
	}
	y := c.logAxis(max(least, most/1e6), max(most, 1e-6), unit)
	at := func(v float64) float64 {
		return left + 20 + (c.width-left-right-40)*math.Log(v/first)/max(math.Log(last/first), 1e-9)
	}
	var path []string
	for _, p := range points {
		path = append(path, fmt.Sprintf("%.1f,%.1f", at(p.x), y(p.y)))
		c.text(at(p.x), top+plotHeight+16, "middle", fmt.Sprintf("%.0f", p.x))
		fmt.Fprintf(c, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", at(p.x), y(p.y), colour("calls"))
		c.text(at(p.x)+5, y(p.y)-6, "start", fmt.Sprintf("%.3g", p.y))
	}
	fmt.Fprintf(c, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(path, " "), colour("calls"))
	c.text(left, top+plotHeight+34, "start", below)
	return c.end()
}
