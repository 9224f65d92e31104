package report

import (
	"math"

	"hotreload/bench"
	"hotreload/bench/pause"
)

// curves makes one chart for each group: how late ticks start in windows around swaps, by quantile. The x axis is
// log10(1/(1-quantile)): 0, 1, 2, 3 for 0, 90, 99, 99.9 percent.
func curves(r *bench.Report) []chart {
	var all []chart
	for _, g := range groups(r) {
		c := chart{Title: g.Title}
		for _, cell := range g.Cells {
			if len(cell.Inside.Curve) == 0 {
				continue
			}
			if c.Values == nil {
				c.Values = [][]*float64{nil}
				for i := range cell.Inside.Curve {
					c.Values[0] = append(c.Values[0], new(-math.Log10(1-pause.CurveAt(i)/100)))
				}
			}
			c.Names = append(c.Names, name(cell.Cell))
			series := make([]*float64, len(cell.Inside.Curve))
			for i, v := range cell.Inside.Curve {
				series[i] = new(max(v, 0.1)) // the axis is logarithmic
			}
			c.Values = append(c.Values, series)
		}
		if len(c.Names) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// line is one run over time.
type line struct {
	Title  string       `json:"title"`
	Values [][]*float64 `json:"values"` // ms, µs
	Swaps  []float64    `json:"swaps"`  // ms
}

// timelines makes one chart for each strategy under the first load whose ticks have a schedule and that has several.
func timelines(r *bench.Report) []line {
	for _, g := range groups(r) {
		var all []line
		for _, cell := range g.Cells {
			t := cell.Timeline
			if t == nil {
				continue
			}
			l := line{Title: name(cell.Cell) + ": " + g.Title, Values: make([][]*float64, 2)}
			for i, v := range t.Worst {
				l.Values[0] = append(l.Values[0], new(float64(i)*t.Bucket))
				if v == 0 {
					l.Values[1] = append(l.Values[1], nil)
				} else {
					l.Values[1] = append(l.Values[1], new(v))
				}
			}
			for _, at := range t.Swaps {
				l.Swaps = append(l.Swaps, at*t.Bucket)
			}
			all = append(all, l)
		}
		if len(all) > 2 {
			return all
		}
	}
	return nil
}

// bar is one stage of the way from a save to the running code.
type bar struct {
	Name        string
	Left, Width float64 // percent
	Median      float64 // ms
}

// waterfall lays the stages' medians end to end.
func waterfall(r *bench.Report) []bar {
	if r.Reload == nil {
		return nil
	}
	total, at := 0.0, 0.0
	var all []bar
	for _, s := range r.Reload.Stages {
		if s.Name != "unaccounted" {
			total += s.Milliseconds.Median
		}
	}
	for _, s := range r.Reload.Stages {
		if s.Name == "unaccounted" || total == 0 {
			continue
		}
		m := s.Milliseconds.Median
		all = append(all, bar{s.Name, 100 * at / total, 100 * m / total, m})
		at += m
	}
	return all
}
