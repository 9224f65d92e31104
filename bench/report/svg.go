package report

import (
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"hotreload/bench"
	"hotreload/bench/pause"
)

// Measures of the picture, in pixels.
const (
	svgWidth  = 760
	svgLeft   = 150 // names
	svgRight  = 90  // figures
	svgRow    = 24
	svgTop    = 64
	svgBottom = 44
	svgGap    = 34 // between groups
)

// SVG draws the groups with so many workers, and those of a large library: for each strategy a bar from the lower to the
// upper quartile of the worst tick around a swap, its median, and a whisker to the 90th percentile, on a logarithmic
// axis.
func SVG(to io.Writer, r *bench.Report, workers int) error {
	var shown []group
	for _, g := range groups(r) {
		if c := g.Cells[0]; len(g.Cells) > 2 && (c.Workers == workers || c.Large) {
			shown = append(shown, g)
		}
	}
	if len(shown) == 0 {
		return errors.New("draw the report: it compares no strategies for that many workers")
	}
	p := newPicture(shown)
	for _, g := range shown {
		p.group(g)
	}
	p.finish(r.Machine)
	if _, err := io.WriteString(to, p.text.String()); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}

// picture is an SVG that grows downwards.
type picture struct {
	text      strings.Builder
	low, high float64 // decades of the axis
	y         float64
	height    float64
}

func newPicture(shown []group) *picture {
	p := &picture{low: math.Inf(1), high: math.Inf(-1), y: svgTop, height: svgTop + svgBottom}
	for _, g := range shown {
		p.height += float64(len(g.Cells)*svgRow) + svgGap
		for _, c := range g.Cells {
			p.low = min(p.low, math.Floor(math.Log10(c.Worst.P25)))
			p.high = max(p.high, math.Ceil(math.Log10(c.Worst.P90)))
		}
	}
	p.high = max(p.high, p.low+1)
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" font-family="system-ui, sans-serif" font-size="13">`,
		svgWidth, p.height, svgWidth, p.height)
	p.put(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	p.put(`<text x="16" y="26" font-size="16" font-weight="600" fill="#222">The worst tick around a swap</text>`)
	p.put(`<text x="16" y="46" fill="#666">bar: quartiles over the swaps, mark: median, line: to the 90th percentile; every tick counts from its intended start</text>`)
	p.axis()
	return p
}

func (p *picture) put(format string, args ...any) {
	fmt.Fprintf(&p.text, format+"\n", args...)
}

// x is where a time in µs lies.
func (p *picture) x(us float64) float64 {
	share := (math.Log10(max(us, math.Pow(10, p.low))) - p.low) / (p.high - p.low)
	return svgLeft + min(share, 1)*(svgWidth-svgLeft-svgRight)
}

func (p *picture) axis() {
	for d := p.low; d <= p.high; d++ {
		x := p.x(math.Pow(10, d))
		p.put(`<line x1="%.1f" x2="%.1f" y1="%d" y2="%.0f" stroke="#e4e4e4"/>`, x, x, svgTop, p.height-svgBottom)
		p.put(`<text x="%.1f" y="%.0f" text-anchor="middle" fill="#666">%s</text>`, x, p.height-svgBottom+18, short(math.Pow(10, d)))
	}
}

func (p *picture) group(g group) {
	p.y += svgGap
	p.put(`<text x="16" y="%.1f" font-weight="600" fill="#222">%s</text>`, p.y-10, html.EscapeString(g.Title))
	for _, c := range g.Cells {
		p.row(c)
	}
}

func (p *picture) row(c pause.Result) {
	colour := "#c9534f"
	switch name(c.Cell) {
	case "no swap":
		colour = "#9a9a9a"
	case "aligned", "immediate":
		colour = "#0a8f6a"
	}
	w, middle := c.Worst, p.y+svgRow/2
	p.put(`<text x="28" y="%.1f" fill="#222">%s</text>`, middle+4, html.EscapeString(name(c.Cell)))
	p.put(`<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`, p.x(w.P25), p.x(w.P90), middle, middle, colour)
	p.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="12" rx="2" fill="%s" fill-opacity="0.45"/>`, p.x(w.P25), middle-6, max(p.x(w.P75)-p.x(w.P25), 2), colour)
	p.put(`<rect x="%.1f" y="%.1f" width="4" height="16" rx="1" fill="%s"/>`, p.x(w.Median)-2, middle-8, colour)
	p.put(`<text x="%d" y="%.1f" text-anchor="end" fill="#222">%s</text>`, svgWidth-16, middle+4, short(w.Median))
	p.y += svgRow
}

func (p *picture) finish(m bench.Machine) {
	p.put(`<text x="16" y="%.0f" font-size="11" fill="#888">%s</text>`, p.height-8, html.EscapeString(fmt.Sprintf(
		"%s, %d processors, %s, %s", m.Processor, m.Processors, m.Kernel, m.Go)))
	p.put(`</svg>`)
}

// short prints a time in µs.
func short(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.3g s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.3g ms", us/1e3)
	}
	return fmt.Sprintf("%.3g µs", us)
}
