package pause

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"
)

// Options says what to measure. The zero value of a field means its default.
type Options struct {
	Library  string              // swap this one, and not the benchmarks' own plugin
	Cells    []Cell              // default Plan
	Rounds   int                 // default 3
	Duration time.Duration       // of one run of one cell, more for slow rates; default 500 ms
	Progress func(done, all int) // called before each run, when set
}

// Measure runs all cells in rounds. It sets GOMAXPROCS meanwhile, as the hotreload command does.
func Measure(ctx context.Context, o Options) ([]Result, error) {
	if o.Cells == nil {
		o.Cells = Plan()
	}
	if o.Rounds == 0 {
		o.Rounds = 3
	}
	if o.Duration == 0 {
		o.Duration = 500 * time.Millisecond
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	dir, err := os.MkdirTemp("", "hotreload-pause-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for libraries: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	paths, err := newLibraries(ctx, dir, o.Library, o.Cells)
	if err != nil {
		return nil, err
	}
	most := 1
	for _, c := range o.Cells {
		most = max(most, c.Workers)
	}
	// A worker in native code for more than 20 µs loses its processor, and must not queue for another.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(most+2, runtime.NumCPU())))

	samples := make([][]*sample, len(o.Cells))
	random := rand.New(rand.NewPCG(1, 2))
	order := random.Perm(len(o.Cells))
	for round := range o.Rounds {
		for i, at := range order {
			o.Progress(round*len(order)+i, o.Rounds*len(order))
			c, d := o.Cells[at], o.Duration
			if c.Rate > 0 {
				d = max(d, time.Duration(2.2/c.Rate*float64(time.Second)))
			}
			s, err := c.run(ctx, paths, d, random)
			if err != nil {
				return nil, err
			}
			samples[at] = append(samples[at], s)
		}
		slices.Reverse(order)
	}
	results := make([]Result, len(o.Cells))
	for i, c := range o.Cells {
		results[i] = summarise(c, samples[i])
	}
	return results, nil
}
