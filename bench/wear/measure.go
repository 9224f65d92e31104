package wear

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotreload/bench/internal/plugin"
	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// Options says how much to measure. The zero value of a field means its default.
type Options struct {
	Swaps int // default 500
}

// Result is the outcome of one run.
type Result struct {
	Swaps    int           `json:"swaps"`
	Took     time.Duration `json:"took_ns"`
	Unmapped uint64        `json:"unmapped"` // libraries that were closed and verified to be gone
	Points   []Point       `json:"points"`   // the first after a tenth of the swaps
	Each     float64       `json:"each_ms"`  // mean time from push to verdict
}

// Growth compares the least of the last third of the points with that of the second: how many bytes of memory a swap has
// left, and how many descriptors and mappings all of them have. In the first third the process still grows to its size; a
// reading may meet a child process that comes or goes, the least does not.
func (r *Result) Growth() (bytes float64, descriptors, mappings int) {
	second, third := len(r.Points)/3, 2*len(r.Points)/3
	before, after := least(r.Points[second:third]), least(r.Points[third:])
	return (after.Resident - before.Resident) * (1 << 20) / float64(r.Points[third].Swaps-r.Points[second].Swaps),
		after.Descriptors - before.Descriptors, after.Mappings - before.Mappings
}

func least(list []Point) Point {
	p := list[0]
	for _, q := range list[1:] {
		p.Resident, p.Descriptors, p.Mappings = min(p.Resident, q.Resident), min(p.Descriptors, q.Descriptors), min(p.Mappings, q.Mappings)
	}
	return p
}

const points = 10

// Measure swaps libraries of other bytes, with a trial each, under two workers.
func Measure(ctx context.Context, o Options) (*Result, error) {
	if o.Swaps == 0 {
		o.Swaps = 500
	}
	dir, err := os.MkdirTemp("", "hotreload-wear-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for libraries: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	template, err := plugin.Compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "wear.so")
	if err := template.Stamp(path, 0); err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Config{
		Watch: []string{path}, Library: path, RunDir: dir, Tick: time.Millisecond, Shards: 64, Workers: 2, ProbationTicks: 1,
	})
	if err != nil {
		return nil, err
	}
	events, cancel := e.Events(1)
	defer cancel()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return e.Run(ctx) })
	r := &Result{Swaps: o.Swaps}
	if _, ok := <-events; ok { // running, or why not
		err = r.swap(ctx, e, template, filepath.Join(dir, "next.so"))
	}
	stop()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	if len(r.Points) == 0 {
		return nil, errors.New("the engine did not run")
	}
	r.Unmapped = e.Status().Reclaimed
	return r, nil
}

// swap makes all swaps and takes the readings.
func (r *Result) swap(ctx context.Context, e *engine.Engine, template *plugin.Template, path string) error {
	begin, pushing := time.Now(), time.Duration(0)
	for i := 1; i <= r.Swaps; i++ {
		if err := template.Stamp(path, uint64(i)); err != nil {
			return err
		}
		pushed := time.Now()
		if err := push(ctx, e, path); err != nil {
			return fmt.Errorf("swap %d: %w", i, err)
		}
		pushing += time.Since(pushed)
		if i*points/r.Swaps == (i-1)*points/r.Swaps {
			continue
		}
		if err := settle(ctx, e); err != nil {
			return err
		}
		point, err := read(i)
		if err != nil {
			return err
		}
		r.Points = append(r.Points, point)
	}
	r.Took = time.Since(begin)
	r.Each = pushing.Seconds() * 1e3 / float64(r.Swaps)
	return ctx.Err()
}

// settle waits until nothing goes on any more: no predecessor is open, and no child process comes or goes.
func settle(ctx context.Context, e *engine.Engine) error {
	const still, patience = 4, 50 // so often the same, so often looked at
	for same, looks, last := 0, 0, -1; same < still && looks < patience; looks++ {
		time.Sleep(50 * time.Millisecond)
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := descriptors()
		if err != nil {
			return err
		}
		if same++; n != last || len(e.Status().Generations) > 1 {
			same, last = 0, n
		}
	}
	return nil
}

func push(ctx context.Context, e *engine.Engine, path string) error {
	library, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = library.Close() }()
	_, err = e.Push(ctx, engine.Push{Name: "wear.so"}, library)
	return err
}
