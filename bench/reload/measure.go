package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotreload/bench/internal/stat"
	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// Debounce is the engine's default, which a build runs beside.
const Debounce = 25 * time.Millisecond

// Options says how much to measure. The zero value of a field means its default.
type Options struct {
	Swaps int // default 50
}

// Result is the outcome of one run; durations in milliseconds.
type Result struct {
	Command  string       `json:"command"`
	Swaps    int          `json:"swaps"`
	Compiler stat.Summary `json:"compiler"` // the build command alone
	Build    stat.Summary `json:"build"`    // the build command, run by the engine
	Total    stat.Summary `json:"total"`    // from before the save to the publication
	Added    stat.Summary `json:"added"`    // Total less the longer of Build and Debounce
	Beyond   stat.Summary `json:"beyond"`   // Total less the longer of Compiler and Debounce
	Stages   []Stage      `json:"stages"`
}

// Stage is the time that one stage of the pipeline took.
type Stage struct {
	Name         string       `json:"name"`
	Milliseconds stat.Summary `json:"milliseconds"`
}

// Target is how many milliseconds the engine may add, at the median.
const Target = 10.0

// swap is one save that arrived.
type swap struct {
	compiler, notice, total time.Duration
	stages                  engine.Stages
}

// Measure edits the sample plugin under an engine with default settings.
func Measure(ctx context.Context, o Options) (*Result, error) {
	if o.Swaps == 0 {
		o.Swaps = 50
	}
	dir, err := os.MkdirTemp("", "hotreload-reload-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the plugin: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	alone, err := newSource(dir, "alone")
	if err != nil {
		return nil, err
	}
	watched, err := newSource(dir, "watched")
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{Watch: []string{watched.path()}, Build: build, Dir: watched.dir, RunDir: dir})
	if err != nil {
		return nil, err
	}
	events, cancel := e.Events(64)
	defer cancel()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return e.Run(ctx) })
	swaps, err := edits(ctx, o.Swaps, alone, watched, events)
	stop()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	return summarise(swaps), nil
}

// edits saves n times and follows each save to its swap.
func edits(ctx context.Context, n int, alone, watched *source, events <-chan engine.Event) ([]swap, error) {
	if _, err := await(events, engine.Running); err != nil {
		return nil, err
	}
	var swaps []swap
	for i := -2; i < n; i++ { // two to warm up
		content, err := edit(i + 10)
		if err != nil {
			return nil, err
		}
		if err := alone.save(content); err != nil {
			return nil, err
		}
		compiler, err := alone.compile(ctx)
		if err != nil {
			return nil, err
		}
		saved := time.Now()
		if err := watched.save(content); err != nil {
			return nil, err
		}
		ev, err := await(events, engine.Swapped)
		if err != nil {
			return nil, err
		}
		total := ev.Time.Sub(saved)
		old, err := await(events, engine.Reclaimed)
		if err != nil {
			return nil, err
		}
		stages := ev.Stages
		stages.Grace, stages.Reclaim = old.Stages.Grace, old.Stages.Reclaim
		if i >= 0 {
			swaps = append(swaps, swap{compiler: compiler, notice: total - stages.Total, total: total, stages: stages})
		}
	}
	return swaps, nil
}

// await returns the next event of a kind.
func await(events <-chan engine.Event, kind engine.Kind) (engine.Event, error) {
	for ev := range events {
		switch ev.Kind {
		case kind:
			return ev, nil
		case engine.Rejected:
			return ev, ev.Err
		case engine.Unchanged, engine.Pinned:
			return ev, fmt.Errorf("expected the event %q, got %q", kind, ev.Kind)
		}
	}
	return engine.Event{}, fmt.Errorf("the engine ended while it was to report %q", kind)
}

func summarise(swaps []swap) *Result {
	of := func(f func(swap) time.Duration) stat.Summary {
		samples := make([]float64, len(swaps))
		for i, s := range swaps {
			samples[i] = f(s).Seconds() * 1e3
		}
		return stat.Of(samples)
	}
	r := &Result{
		Command: build, Swaps: len(swaps),
		Compiler: of(func(s swap) time.Duration { return s.compiler }),
		Build:    of(func(s swap) time.Duration { return s.stages.Build }),
		Total:    of(func(s swap) time.Duration { return s.total }),
		Added:    of(func(s swap) time.Duration { return s.total - max(s.stages.Build, Debounce) }),
		Beyond:   of(func(s swap) time.Duration { return s.total - max(s.compiler, Debounce) }),
	}
	for _, stage := range []struct {
		name string
		of   func(swap) time.Duration
	}{
		{"notice", func(s swap) time.Duration { return s.notice }}, // save to first event, and publication to report
		{"watch", func(s swap) time.Duration { return s.stages.Watch }},
		{"build", func(s swap) time.Duration { return s.stages.Build }},
		{"settle", func(s swap) time.Duration { return s.stages.Settle }},
		{"inspect", func(s swap) time.Duration { return s.stages.Inspect }},
		{"load", func(s swap) time.Duration { return s.stages.Load }},
		{"guard", func(s swap) time.Duration { return s.stages.Guard }},
		{"publish", func(s swap) time.Duration { return s.stages.Publish }},
		{"unaccounted", func(s swap) time.Duration {
			t := s.stages
			return t.Total - t.Watch - t.Build - t.Settle - t.Inspect - t.Load - t.Guard - t.Publish
		}},
		{"grace", func(s swap) time.Duration { return s.stages.Grace }},
		{"reclaim", func(s swap) time.Duration { return s.stages.Reclaim }},
	} {
		r.Stages = append(r.Stages, Stage{stage.name, of(stage.of)})
	}
	return r
}
