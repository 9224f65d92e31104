// Command run runs the benchmarks: a table to the standard output, everything as JSON to a file, and a comparison of the
// ratios with a baseline. It exits with 1 when one has got worse than its bound, and with 2 when it was called wrongly.
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
	"time"

	"hotreload/bench"
	"hotreload/bench/pause"
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
	var o bench.Options
	flags.IntVar(&o.Call.Rounds, "call-rounds", 0, "rounds of the call benchmark (default 25)")
	flags.IntVar(&o.Reload.Swaps, "saves", 0, "saves of the reload benchmark (default 50)")
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
	worse, err := measure(ctx, o, *out, *baseline, stdout)
	switch {
	case err != nil:
		_, _ = fmt.Fprintln(stderr, err)
		return 1
	case worse:
		return 1
	}
	return 0
}

// measure runs the benchmarks and tells whether a ratio is beyond its bound.
func measure(ctx context.Context, o bench.Options, out, baseline string, stdout io.Writer) (worse bool, err error) {
	var bounds *bench.Baseline
	if baseline != "" {
		file, err := os.Open(baseline)
		if err != nil {
			return false, fmt.Errorf("open the baseline: %w", err)
		}
		defer func() { _ = file.Close() }()
		if bounds, err = bench.ReadBaseline(file); err != nil {
			return false, err
		}
	}
	report, err := bench.Run(ctx, o)
	if err != nil {
		return false, err
	}
	if err := report.Write(out); err != nil {
		return false, err
	}
	if err := report.Table(stdout); err != nil {
		return false, err
	}
	if bounds == nil {
		return false, nil
	}
	regressions, missing := bounds.Check(report)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }
	say("\nAgainst the baseline")
	for _, r := range regressions {
		say("  WORSE %s", r)
	}
	for _, name := range missing {
		say("  not measured: %s", name)
	}
	say("  %d of %d ratios within their bounds", len(bounds.Bounds)-len(regressions)-len(missing), len(bounds.Bounds))
	return len(regressions) > 0, nil
}
