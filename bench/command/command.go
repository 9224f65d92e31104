// Package command is the command line of the benchmarks, shared by bench/run and bench/peers: a table to the standard
// output, everything as JSON, as a page and as a picture to files, and a comparison of the ratios with a baseline.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"hotreload/bench"
	"hotreload/bench/call"
	"hotreload/bench/pause"
	"hotreload/bench/report"
)

// Run runs the command with peers beside the ways to call a tick that are known, and returns its exit code: 1 when
// something failed or a ratio has got worse than its bound, 2 when it was called wrongly.
func Run(args []string, peers []call.Peer, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "bench/out/report.json", "write the report to this `file`")
	baseline := flags.String("baseline", "bench/baseline.json", "compare with the bounds in this `file`; empty: do not compare")
	full := flags.Bool("full", false, "more loads, longer and more rounds, 10,000 swaps: takes half an hour")
	from := flags.String("from", "", "draw and check the report in this `file` instead of measuring")
	page := flags.String("html", "bench/out/report.html", "draw the report as a page in this `file`")
	picture := flags.String("svg", "bench/out/pause.svg", "draw the comparison for two workers in this `file`")
	document := flags.String("results", "", "put the tables into this `file`, between the lines that mark them")
	kept := flags.String("keep", "", "write what of the report is worth keeping to this `file`")
	update := flags.Bool("update-baseline", false, "write the report's ratios into the baseline, for those that it bounds")
	var o bench.Options
	flags.IntVar(&o.Call.Rounds, "call-rounds", 0, "rounds of the call benchmark (default 25, full 100)")
	flags.IntVar(&o.Reload.Swaps, "saves", 0, "saves of the reload benchmark (default 50, full 200)")
	flags.IntVar(&o.Wear.Swaps, "wear", 0, "swaps of the wear benchmark (default 500, full 10000)")
	flags.IntVar(&o.Edit.Edits, "edits", 0, "edits of the edit benchmark (default 5, full 15)")
	flags.StringVar(&o.Edit.CR, "cr", "", "the `directory` of cr.h, to have it among the edits")
	flags.IntVar(&o.Pause.Rounds, "rounds", 0, "rounds of the pause benchmark (default 3, full 5)")
	flags.DurationVar(&o.Pause.Duration, "duration", 0, "of one cell in one round of the pause benchmark (default 500ms, full 2s)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "unexpected argument %q: expected only flags\n", flags.Arg(0))
		return 2
	}
	o.Call.Peers = peers
	if *full {
		fill(&o)
	}
	last := time.Time{}
	o.Progress = func(what string) {
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			_, _ = fmt.Fprintln(stderr, what)
		}
	}
	t := task{*from, *out, *page, *picture, *document, *kept, *baseline, *update}
	worse, err := t.run(ctx, o, stdout)
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	case worse:
		return 1
	}
	return 0
}

// fill makes a full run of what has no value yet.
func fill(o *bench.Options) {
	o.Pause.Cells = pause.Full()
	for _, x := range []struct {
		value *int
		full  int
	}{{&o.Call.Rounds, 100}, {&o.Reload.Swaps, 200}, {&o.Wear.Swaps, 10_000}, {&o.Edit.Edits, 15}, {&o.Pause.Rounds, 5}} {
		if *x.value == 0 {
			*x.value = x.full
		}
	}
	if o.Pause.Duration == 0 {
		o.Pause.Duration = 2 * time.Second
	}
}

// task is the files of one call, and whether it makes a new baseline.
type task struct {
	from, out, page, picture, document, kept, baseline string
	update                                             bool
}

// run measures, or reads what was measured, and says it in every form. It tells whether a ratio is beyond its bound.
func (t task) run(ctx context.Context, o bench.Options, stdout io.Writer) (worse bool, err error) {
	var bounds *bench.Baseline
	if t.baseline != "" {
		if bounds, err = read(t.baseline, bench.ReadBaseline); err != nil {
			return false, err
		}
	}
	r, err := t.report(ctx, o)
	if err != nil {
		return false, err
	}
	if err := write(t.page, func(w io.Writer) error { return report.HTML(w, r) }); err != nil {
		return false, err
	}
	if err := write(t.picture, func(w io.Writer) error { return report.SVG(w, r, 2) }); err != nil {
		return false, err
	}
	if err := r.Table(stdout); err != nil {
		return false, err
	}
	if err := t.keep(r); err != nil {
		return false, err
	}
	if bounds == nil {
		return false, nil
	}
	if t.update {
		bounds.Update(r)
		return false, write(t.baseline, bounds.Write)
	}
	return check(bounds, r, stdout), nil
}

// keep writes what outlives the run.
func (t task) keep(r *bench.Report) error {
	if t.document != "" {
		text, err := os.ReadFile(t.document)
		if err == nil {
			text, err = report.Insert(text, r)
		}
		if err == nil {
			err = os.WriteFile(t.document, text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if t.kept != "" {
		r.Prune()
		return r.Write(t.kept)
	}
	return nil
}

// report measures, or reads what was measured.
func (t task) report(ctx context.Context, o bench.Options) (*bench.Report, error) {
	if t.from != "" {
		return read(t.from, bench.Read)
	}
	r, err := bench.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	return r, r.Write(t.out)
}

// check says what is beyond its bound, and whether there is anything.
func check(bounds *bench.Baseline, r *bench.Report, stdout io.Writer) (worse bool) {
	regressions, missing := bounds.Check(r)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }
	say("\nAgainst the baseline")
	for _, x := range regressions {
		say("  WORSE %s", x)
	}
	for _, name := range missing {
		say("  not measured: %s", name)
	}
	say("  %d of %d ratios within their bounds", len(bounds.Bounds)-len(regressions)-len(missing), len(bounds.Bounds))
	return len(regressions) > 0
}

// read decodes the file at path.
func read[T any](path string, decode func(io.Reader) (T, error)) (v T, err error) {
	file, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer func() { _ = file.Close() }()
	return decode(file)
}

// write makes the file at path, and its directory.
func write(path string, draw func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(draw(file), file.Close())
}
