package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"hotreload/bench"
	"hotreload/bench/internal/stat"
)

// The lines between which a document holds the tables of a report.
const (
	begin = "<!-- tables: begin, made by make bench-report -->\n"
	end   = "<!-- tables: end -->\n"
)

// Insert returns the document with the report's tables in place of those that it holds.
func Insert(document []byte, r *bench.Report) ([]byte, error) {
	before, rest, found := bytes.Cut(document, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return nil, fmt.Errorf("insert the tables: expected the lines %q and %q in the document", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(begin + "\n")
	markdown(&b, r)
	b.WriteString(end)
	b.Write(after)
	return b.Bytes(), nil
}

// markdown writes all tables. Writing to the buffer cannot fail.
func markdown(to *bytes.Buffer, r *bench.Report) {
	m := r.Machine
	d := document{to}
	d.line("%s, commit %s, `%s`. %s, %d processors, %s, %s, %s. Load averages %s before and %s after.\n",
		m.Time.Format(time.DateOnly), m.Commit, strings.Join(m.Command, " "), m.Processor, m.Processors, m.Kernel, m.Go, m.Compiler,
		m.LoadBefore, m.LoadAfter)
	d.targets(bench.Targets(r))
	if r.Call != nil {
		d.line("### A tick: processor time, %d rounds\n", r.Call.Rounds)
		d.head("way", "shards", "ns", "p25", "p75")
		for _, c := range r.Call.Costs {
			d.row(c.Name, c.Shards, c.Nanoseconds.Median, c.Nanoseconds.P25, c.Nanoseconds.P75)
		}
		d.line("")
		d.head("ratio", "median", "p25", "p75", "target")
		for _, c := range r.Call.Ratios {
			goal := ""
			if c.Target != 0 {
				goal = fmt.Sprintf("≤ %g", c.Target)
			}
			d.row(fmt.Sprintf("%s (%d) / %s (%d)", c.Of.Name, c.Of.Shards, c.To.Name, c.To.Shards), c.Ratio.Median, c.Ratio.P25, c.Ratio.P75, goal)
		}
		d.line("")
	}
	if r.Reload != nil {
		d.line("### A save: ms, %d edits of the sample\n", r.Reload.Swaps)
		d.head("part", "median", "p90", "max")
		spread := func(name string, s stat.Summary) { d.row(name, s.Median, s.P90, s.Max) }
		spread("save to swap", r.Reload.Total)
		spread("compiler alone", r.Reload.Compiler)
		spread("added: less the longer of build and debounce", r.Reload.Added)
		for _, s := range r.Reload.Stages {
			spread("· "+s.Name, s.Milliseconds)
		}
		d.line("")
	}
	if r.Edit != nil {
		d.line("### From an edit to its code: ms, %d edits of one plugin, all ways in turn\n", r.Edit.Edits)
		d.head("way", "state", "median", "p25", "p75", "p90", "max")
		for _, w := range r.Edit.Ways {
			s := w.Milliseconds
			d.row(w.Name, w.State, s.Median, s.P25, s.P75, s.P90, s.Max)
		}
		d.line("")
	}
	if r.Wear != nil {
		d.line("### What %d swaps leave behind: %.3g ms each from push to verdict, %d libraries unmapped\n", r.Wear.Swaps, r.Wear.Each, r.Wear.Unmapped)
		d.head("swaps", "resident MiB", "Go heap MiB", "descriptors", "mappings", "threads")
		for _, p := range r.Wear.Points {
			d.row(p.Swaps, p.Resident, p.Heap, p.Descriptors, p.Mappings, p.Threads)
		}
		d.line("")
	}
	d.pauses(r)
}

type document struct{ to io.Writer }

func (d document) line(format string, args ...any) { _, _ = fmt.Fprintf(d.to, format+"\n", args...) }

func (d document) head(names ...string) {
	d.line("| %s |", strings.Join(names, " | "))
	d.line("|%s", strings.Repeat("---|", len(names)))
}

func (d document) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		if v, ok := c.(float64); ok {
			c = figure(v)
		}
		texts[i] = fmt.Sprint(c)
	}
	d.line("| %s |", strings.Join(texts, " | "))
}

func (d document) targets(targets []bench.Target) {
	d.line("### Targets\n")
	d.head("figure", "median", "least", "most", "n", "target", "")
	for _, t := range targets {
		verdict := "met"
		if !t.Met() {
			verdict = "**missed**"
		}
		d.row(t.What, t.Value.Median, t.Value.Min, t.Value.Max, t.Value.N, t.Goal(), verdict)
	}
	d.line("")
}

func (d document) pauses(r *bench.Report) {
	d.line("### Ticks around swaps: µs, prepare in ms\n")
	last := ""
	for _, c := range r.Pause {
		if t := title(c.Cell); t != last {
			if last != "" {
				d.line("")
			}
			last = t
			d.line("**%s**, %d rounds\n", t, c.Rounds)
			d.head("strategy", "swaps", "late p50", "p99", "p99.9", "max", "outside p99.9", "worst p25", "p50", "p90", "prepare", "publish", "p99",
				"grace", "reclaim", "processors", "MiB")
		}
		in := c.Inside.Late
		d.row(c.Name(), c.Swaps, in.P50, in.P99, in.P999, in.Max, c.Outside.Late.P999, c.Worst.P25, c.Worst.Median, c.Worst.P90,
			c.Prepare.Median/1e3, c.Publish.Median, c.Publish.P99, c.Grace.Median, c.Reclaim.Median, c.CPU, c.RSS)
	}
	d.line("")
}

// figure prints three digits, and no power of ten.
func figure(v float64) string {
	switch a := max(v, -v); {
	case v == 0:
		return "–"
	case a < 10:
		return fmt.Sprintf("%.2f", v)
	case a < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
