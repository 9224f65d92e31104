// Command run runs the benchmarks: a table to the standard output, everything as JSON, as a page and as a picture to
// files, and a comparison of the ratios with a baseline. It exits with 1 when one has got worse than its bound, and with 2 when it was called wrongly.
// Build it with cgo to have cgo in the comparison.
package main

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
	"hotreload/bench/pause"
	"hotreload/bench/report"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "bench/out/report.json", "write the report to this `file`")
	baseline := flags.String("baseline", "bench/baseline.json", "compare with the bounds in this `file`; empty: do not compare")
	full := flags.Bool("full", false, "every combination of strategy, workers, shards, pace and rate: takes half an hour")
	from := flags.String("from", "", "draw and check the report in this `file` instead of measuring")
	page := flags.String("html", "bench/out/report.html", "draw the report as a page in this `file`")
	picture := flags.String("svg", "bench/out/pause.svg", "draw the comparison for two workers in this `file`")
	var o bench.Options
	flags.IntVar(&o.Call.Rounds, "call-rounds", 0, "rounds of the call benchmark (default 25)")
	flags.IntVar(&o.Reload.Swaps, "saves", 0, "saves of the reload benchmark (default 50)")
	flags.IntVar(&o.Wear.Swaps, "wear", 0, "swaps of the wear benchmark (default 500)")
	flags.IntVar(&o.Pause.Rounds, "rounds", 0, "rounds of the pause benchmark (default 3)")
	flags.DurationVar(&o.Pause.Duration, "duration", 0, "of one cell in one round of the pause benchmark (default 600ms)")
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
	if *full {
		o.Pause.Cells = pause.Full()
	}
	last := time.Time{}
	o.Progress = func(what string) {
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			_, _ = fmt.Fprintln(stderr, what)
		}
	}
	worse, err := task{*from, *out, *page, *picture, *baseline}.run(ctx, o, stdout)
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	case worse:
		return 1
	}
	return 0
}

// task is the files of one call.
type task struct{ from, out, page, picture, baseline string }

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
	if bounds == nil {
		return false, nil
	}
	return check(bounds, r, stdout), nil
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
