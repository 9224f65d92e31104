package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"hotreload/bench/call"
	"hotreload/bench/internal/stat"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
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
	if r.Pause != nil {
		t.pauses(r.Pause)
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

func (t *table) pauses(results []pause.Result) {
	t.line("\nThe worst tick of any worker around a swap, µs: quartiles over the swaps, p90; quiet: median of the swaps during")
	t.line("which no worker waited for a processor (how many); late: start of ticks, inside windows and outside; publish to")
	t.line("reclaim: parts of the swap, for those that hold workers all of it is publish; cpu: processors used")
	group := ""
	for _, r := range results {
		if g := fmt.Sprintf("%d workers, %d shards, %s", r.Workers, r.Shards, pace(r.Cell)); g != group {
			group = g
			t.line("\n%s", g)
			t.row("  strategy", "swaps", "worst p25", "p50", "p75", "p90", "quiet", "late p99 in", "out", "publish", "p99", "grace", "reclaim",
				"cpu", "MiB")
		}
		name := r.Strategy
		switch {
		case r.Rate == pause.Control:
			name = "(no swap)"
		case r.Rate == pause.Fast:
			name += ", nonstop"
		case r.Rate != pause.UsualRate:
			name += fmt.Sprintf(", %g/s", r.Rate)
		}
		t.row("  "+name, fmt.Sprint(r.Swaps),
			number(r.Worst.P25), number(r.Worst.Median), number(r.Worst.P75), number(r.Worst.P90), fmt.Sprintf("%s (%d/%d)", number(r.Quiet.Median), r.Quiet.N, r.Worst.N),
			number(r.Inside.Late.P99), number(r.Outside.Late.P99), number(r.Publish.Median), number(r.Publish.P99),
			number(r.Grace.Median), number(r.Reclaim.Median), fmt.Sprintf("%.2f", r.CPU), fmt.Sprintf("%.0f", r.RSS))
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
