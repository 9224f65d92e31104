package reload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

// Stage is the time that one stage of the pipeline took. Grace and reclaim follow the publication, and are not part of
// Total.
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
	s := session{alone: alone, watched: watched, events: events}
	err = s.run(ctx, o.Swaps)
	stop()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	return s.summarise(), nil
}

// session is one engine under edits.
type session struct {
	alone, watched *source
	events         <-chan engine.Event
	swaps          []swap
	grace, reclaim []time.Duration
}

// run saves n times and follows each save to its swap.
func (s *session) run(ctx context.Context, n int) error {
	if _, err := s.await(engine.Running); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := -2; i < n; i++ { // two to warm up
		content, err := edit(i + 10)
		if err != nil {
			return err
		}
		if err := s.alone.save(content); err != nil {
			return err
		}
		compiler, err := s.alone.compile(ctx)
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(random.Int64N(int64(2 * Debounce)))) // so that no save keeps step with the ticks or the last change
		saved := time.Now()
		if err := s.watched.save(content); err != nil {
			return err
		}
		ev, err := s.await(engine.Swapped)
		if err != nil {
			return err
		}
		total := ev.Time.Sub(saved)
		if i >= 0 {
			s.swaps = append(s.swaps, swap{compiler, total - ev.Stages.Total, total, ev.Stages})
		}
	}
	return nil
}

// await returns the next event of a kind and takes note of what else happens.
func (s *session) await(kind engine.Kind) (engine.Event, error) {
	for ev := range s.events {
		switch ev.Kind {
		case kind:
			return ev, nil
		case engine.Rejected:
			return ev, ev.Err
		case engine.Unchanged, engine.Pinned:
			return ev, fmt.Errorf("expected the event %q, got %q", kind, ev.Kind)
		case engine.Reclaimed:
			s.grace = append(s.grace, ev.Stages.Grace)
			s.reclaim = append(s.reclaim, ev.Stages.Reclaim)
		}
	}
	return engine.Event{}, fmt.Errorf("the engine ended while it was to report %q", kind)
}

func (s *session) summarise() *Result {
	of := func(f func(swap) time.Duration) stat.Summary {
		samples := make([]time.Duration, len(s.swaps))
		for i, s := range s.swaps {
			samples[i] = f(s)
		}
		return milliseconds(samples)
	}
	r := &Result{
		Command: build, Swaps: len(s.swaps),
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
		{"trial", func(s swap) time.Duration { return s.stages.Trial }},
		{"load", func(s swap) time.Duration { return s.stages.Load }},
		{"guard", func(s swap) time.Duration { return s.stages.Guard }},
		{"publish", func(s swap) time.Duration { return s.stages.Publish }},
		{"unaccounted", func(s swap) time.Duration {
			t := s.stages
			return t.Total - t.Watch - t.Build - t.Settle - t.Inspect - t.Trial - t.Load - t.Guard - t.Publish
		}},
	} {
		r.Stages = append(r.Stages, Stage{stage.name, of(stage.of)})
	}
	r.Stages = append(r.Stages, Stage{"grace", milliseconds(s.grace)}, Stage{"reclaim", milliseconds(s.reclaim)})
	return r
}

func milliseconds(samples []time.Duration) stat.Summary {
	ms := make([]float64, len(samples))
	for i, d := range samples {
		ms[i] = d.Seconds() * 1e3
	}
	return stat.Of(ms)
}
