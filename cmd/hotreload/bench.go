package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"hotreload/bench"
	"hotreload/bench/pause"
	"hotreload/bench/report"
	"hotreload/engine"
	"hotreload/engine/artifact"
	"hotreload/engine/build"

	"github.com/spf13/cobra"
)

// benchmark is what the command bench was told.
type benchmark struct {
	watch, build, lib, dir string
	workers, shards        int
	tickMS                 float64
	rounds                 int
	duration               time.Duration
	format, html           string
}

// newBench returns the command that measures what swaps do to ticks.
func newBench(t *terminal) *cobra.Command {
	var b benchmark
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what a swap does to ticks, beside other ways to swap, on this machine",
		Long: "Runs a simulation of the plugin while its library is swapped, over and over, in the ways of hotreload and in\n" +
			"those of others, which hold the workers meanwhile; and once with nothing swapped: what that shows is the\n" +
			"machine. All take turns. Reports how late ticks start around swaps, counted from when they were due, and how\n" +
			"long the parts of a swap take. Without --watch a small plugin of its own is swapped, which needs a C compiler.\n" +
			"Takes about a minute; leave the machine alone meanwhile. Compare what one run shows, not runs.",
		Example: "  hotreload bench\n" +
			"  hotreload bench --watch logic.c --build \"cc -shared -fPIC -o logic.so logic.c\" --shards 64 --html bench.html\n" +
			"  hotreload bench --watch logic.so --workers 1    # swapping on the calling thread is compared with one worker",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.check(); err != nil {
				return err
			}
			return t.bench(cmd.Context(), &b)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&b.watch, "watch", "", "the plugin's source `FILE`, or without --build its library")
	f.StringVar(&b.build, "build", "", "shell `COMMAND` that builds the library, run once")
	f.StringVar(&b.lib, "lib", "", "the library `FILE` that the build writes (default: its -o operand)")
	f.StringVar(&b.dir, "dir", "", "`DIRECTORY` in which the build runs (default: the current one)")
	f.IntVar(&b.workers, "workers", 2, "`N` threads that tick")
	f.IntVar(&b.shards, "shards", 1000, "`N` instances of the state")
	f.Float64Var(&b.tickMS, "tick-ms", 1, "`MS` between ticks; 0 runs them back to back")
	f.IntVar(&b.rounds, "rounds", 3, "`N` turns that each way to swap gets")
	f.DurationVar(&b.duration, "duration", time.Second, "`TIME` of one turn")
	f.StringVar(&b.html, "html", "", "write the report as a page with plots to `FILE`")
	addFormat(cmd, &b.format)
	for _, flag := range []string{"build", "workers", "shards", "tick-ms", "rounds", "duration"} {
		must(cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions))
	}
	must(cmd.MarkFlagDirname("dir"))
	must(cmd.MarkFlagFilename("lib", "so"))
	must(cmd.MarkFlagFilename("html", "html"))
	return cmd
}

// check refuses what cannot be measured.
func (b *benchmark) check() error {
	most := min(b.shards, engine.MaxWorkers)
	switch {
	case b.shards < 1:
		return fmt.Errorf("--shards: expected a whole number, 1 or more, got %d", b.shards)
	case b.workers < 1 || b.workers > most:
		return fmt.Errorf("--workers: expected a whole number, 1 to %d, got %d", most, b.workers)
	case b.tickMS != 0 && (!(b.tickMS >= 0.01) || b.tickMS > 1000):
		return fmt.Errorf("--tick-ms: expected 0 (back to back) or 0.01 to 1000 milliseconds, got %v", b.tickMS)
	case b.rounds < 1:
		return fmt.Errorf("--rounds: expected a whole number, 1 or more, got %d", b.rounds)
	case b.duration < 100*time.Millisecond:
		return fmt.Errorf("--duration: expected 100ms or more, got %v", b.duration)
	case b.watch == "" && (b.build != "" || b.lib != ""):
		return errors.New("--watch: expected the plugin's source file, got none")
	case b.watch != "" && b.build == "" && b.lib == "" && filepath.Ext(b.watch) != ".so":
		return errors.New("--build: expected the command that builds the library, got none (without it, --watch a .so)")
	}
	return checkFormat(b.format)
}

// bench measures and prints.
func (t *terminal) bench(ctx context.Context, b *benchmark) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	r, err := t.measure(ctx, b)
	if err == nil && b.html != "" {
		err = writePage(b.html, r)
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return exit(130)
	case err != nil:
		_, _ = fmt.Fprintf(t.stderr, "hotreload: %s\n", printable(err.Error())) // there is nowhere else to complain
		return exit(benchCode(err))
	case b.format == "json":
		return t.printJSON(r)
	}
	return r.Table(t.stdout)
}

// measure builds the plugin, if there is one, and measures.
func (t *terminal) measure(ctx context.Context, b *benchmark) (*bench.Report, error) {
	period := time.Duration(b.tickMS * float64(time.Millisecond))
	o := bench.Options{Progress: t.every(5 * time.Second)}
	o.Pause = pause.Options{Rounds: b.rounds, Duration: b.duration, Cells: pause.Sample(b.workers, b.shards, period)}
	if b.watch != "" {
		library, err := b.library(ctx)
		if err != nil {
			return nil, err
		}
		o.Pause.Library, o.Pause.Cells = library, pause.Own(b.workers, b.shards, period)
	}
	return bench.RunPause(ctx, o)
}

// library builds the plugin and looks at what came out.
func (b *benchmark) library(ctx context.Context) (string, error) {
	path := b.lib
	if path == "" {
		path = b.watch
	}
	if b.build != "" {
		builder, err := build.New(build.Config{Command: b.build, Dir: b.dir, Library: b.lib, Source: b.watch})
		if err != nil {
			return "", err
		}
		if _, err := builder.Build(ctx); err != nil {
			return "", err
		}
		path = builder.Library()
	}
	_, err := artifact.Inspect(path)
	return path, err
}

// every returns a function that says what is being done, now and then.
func (t *terminal) every(interval time.Duration) func(string) {
	last := time.Time{}
	return func(what string) {
		if time.Since(last) >= interval {
			last = time.Now()
			_, _ = fmt.Fprintln(t.stderr, what)
		}
	}
}

// benchCode is the exit code for what kept the command from measuring.
func benchCode(err error) int {
	var failure *build.Failure
	var refusal *artifact.Refusal
	switch {
	case errors.As(err, &failure):
		return engine.ExitBuild
	case errors.As(err, &refusal):
		return engine.ExitRefused
	}
	return engine.ExitRuntime
}

func writePage(path string, r *bench.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.HTML(file, r), file.Close())
}
