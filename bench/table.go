package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"hotreload/bench/call"
	"hotreload/bench/edit"
	"hotreload/bench/internal/stat"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
	"hotreload/bench/wear"
)

// Table writes the report for people.
func (r *Report) Table(to io.Writer) error {
	t := &table{w: tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)}
	m := r.Machine
	t.line("%s; %s; %d processors; %s; %s; commit %s; load %s before, %s after",
		m.Time.Format(time.DateOnly), m.Processor, m.Processors, m.Kernel, m.Go, m.Commit, m.LoadBefore, m.LoadAfter)
	if r.Call != nil {
		t.calls(r.Call)
	}
	if r.Reload != nil {
		t.reloads(r.Reload)
	}
	if r.Edit != nil {
		t.edits(r.Edit)
	}
	if r.Wear != nil {
		t.wear(r.Wear)
	}
	if r.Pause != nil {
		t.pauses(r.Pause)
	}
	if targets := Targets(r); len(targets) > 0 {
		t.targets(targets)
	}
	return t.w.Flush()
}

// table collects rows; the error of writing is Flush's.
type table struct{ w *tabwriter.Writer }

func (t *table) line(format string, args ...any) { _, _ = fmt.Fprintf(t.w, format+"\n", args...) }

func (t *table) row(cells ...string) { t.line("%s", strings.Join(cells, "\t")) }

func (t *table) calls(r *call.Result) {
	t.line("\nA tick of one shard: processor time in ns, median of %d rounds [quartiles]", r.Rounds)
	t.row("  way", "shards", "ns", "", "")
	for _, c := range r.Costs {
		t.row("  "+c.Name, fmt.Sprint(c.Shards), spread(c.Nanoseconds), "", "")
	}
	t.row("  ratio", "", "median", "target", "")
	for _, c := range r.Ratios {
		t.row(fmt.Sprintf("  %s(%d) / %s(%d)", c.Of.Name, c.Of.Shards, c.To.Name, c.To.Shards), "", spread(c.Ratio),
			target(c.Target, c.Ratio.Median), "")
	}
}

func (t *table) reloads(r *reload.Result) {
	t.line("\nA save until its code is published, ms, %d edits of the sample, build %q", r.Swaps, r.Command)
	t.row("  part", "median", "p90", "max", "target")
	row := func(name string, s stat.Summary, goal string) {
		t.row("  "+name, number(s.Median), number(s.P90), number(s.Max), goal)
	}
	row("save to swap", r.Total, "")
	row("compiler alone", r.Compiler, "")
	row("added: less the longer of build and debounce", r.Added, target(reload.Target, r.Added.Median))
	for _, s := range r.Stages {
		row("  "+s.Name, s.Milliseconds, "")
	}
}

func (t *table) edits(r *edit.Result) {
	t.line("\nFrom an edit until its code has run, ms, %d edits of one plugin, all ways in turn", r.Edits)
	t.row("  way", "state", "p25", "median", "p75", "max")
	for _, w := range r.Ways {
		t.row("  "+w.Name, w.State, number(w.Milliseconds.P25), number(w.Milliseconds.Median), number(w.Milliseconds.P75), number(w.Milliseconds.Max))
	}
	for _, name := range r.Absent {
		t.line("  %s: not installed", name)
	}
}

func (t *table) wear(r *wear.Result) {
	t.line("\nWhat %d swaps leave behind, %s ms each from push to verdict; %d libraries unmapped", r.Swaps, number(r.Each), r.Unmapped)
	t.row("  swaps", "resident MiB", "Go heap MiB", "descriptors", "mappings", "threads")
	for _, p := range r.Points {
		t.row(fmt.Sprint("  ", p.Swaps), fmt.Sprintf("%.1f", p.Resident), fmt.Sprintf("%.2f", p.Heap), fmt.Sprint(p.Descriptors),
			fmt.Sprint(p.Mappings), fmt.Sprint(p.Threads))
	}
}

func (t *table) targets(targets []Target) {
	t.line("\nTargets: median [least, most]")
	for _, x := range targets {
		verdict := "met"
		if !x.Met() {
			verdict = "MISSED"
		}
		t.row("  "+x.What, fmt.Sprintf("%s [%s, %s] %s", number(x.Value.Median), number(x.Value.Min), number(x.Value.Max), x.Unit), x.Goal(), verdict)
	}
}

func (t *table) pauses(results []pause.Result) {
	t.line("\nTicks around swaps, µs. late: intended to actual start, in windows around swaps and outside of them (back to back: from")
	t.line("the end of one tick to the start of the next); worst: the longest from intended start to end in a window, over the windows,")
	t.line("quiet: the same for windows during which no worker waited for a processor (how many); publish to reclaim: parts of the")
	t.line("swap, for those that hold workers all of it is publish, ms where prepare is; cpu: processors used")
	group := ""
	for _, r := range results {
		if g := under(r.Cell); g != group {
			group = g
			t.line("\n%s", g)
			t.row("  strategy", "swaps", "late p50", "p99", "p99.9", "max", "outside p99.9", "worst p25", "p50", "p90", "quiet",
				"prepare ms", "publish", "p99", "grace", "reclaim", "cpu", "MiB")
		}
		in, out := r.Inside.Late, r.Outside.Late
		t.row("  "+r.Name(), fmt.Sprint(r.Swaps), number(in.P50), number(in.P99), number(in.P999), number(in.Max), number(out.P999),
			number(r.Worst.P25), number(r.Worst.Median), number(r.Worst.P90), fmt.Sprintf("%s (%d/%d)", number(r.Quiet.Median), r.Quiet.N, r.Worst.N),
			number(r.Prepare.Median/1e3), number(r.Publish.Median), number(r.Publish.P99), number(r.Grace.Median), number(r.Reclaim.Median),
			fmt.Sprintf("%.2f", r.CPU), fmt.Sprintf("%.0f", r.RSS))
	}
}

func spread(s stat.Summary) string {
	return fmt.Sprintf("%s [%s %s]", number(s.Median), number(s.P25), number(s.P75))
}

// number prints three digits, more before the point.
func number(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func target(at, have float64) string {
	switch {
	case at == 0:
		return ""
	case have <= at:
		return fmt.Sprintf("≤ %g met", at)
	}
	return fmt.Sprintf("≤ %g MISSED", at)
}
