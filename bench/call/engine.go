package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hotreload/bench/internal/cpu"
	"hotreload/bench/internal/stat"
	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// runEngine runs a library that is there already in an engine with one worker that ticks as fast as it can, while use
// looks at it.
func runEngine(ctx context.Context, library, dir string, shards int, use func(*engine.Engine) error) error {
	e, err := engine.New(engine.Config{
		Watch: []string{library}, Library: library, Tick: engine.FreeRunning, Shards: shards, Workers: 1, RunDir: dir,
	})
	if err != nil {
		return err
	}
	events, cancelEvents := e.Events(16)
	defer cancelEvents()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return e.Run(ctx) })
	err = untilRunning(events)
	for err == nil && e.Status().Ticks == 0 { // running means loaded: its threads may not have begun
		time.Sleep(100 * time.Microsecond)
		err = ctx.Err()
	}
	if err == nil {
		err = use(e)
	}
	stop()
	return errors.Join(err, group.Wait())
}

func untilRunning(events <-chan engine.Event) error {
	for ev := range events {
		switch ev.Kind {
		case engine.Running:
			return nil
		case engine.Rejected:
			return ev.Err
		}
	}
	return errors.New("the engine ended before it ran")
}

// engineTurn measures an engine of its own at each turn: between the turns of the others nothing else may run. What the
// process uses while this goroutine sleeps is the worker's, its yields included.
func engineTurn(ctx context.Context, library, dir string, shards int) func(time.Duration) (float64, error) {
	return func(d time.Duration) (cost float64, err error) {
		err = runEngine(ctx, library, dir, shards, func(e *engine.Engine) error {
			var costs []float64
			for range windows {
				start, from := cpu.Process(), e.Status().Ticks
				time.Sleep(d)
				to, took := e.Status().Ticks, cpu.Process()-start
				if to == from {
					continue // it was not given a processor
				}
				costs = append(costs, float64(took.Nanoseconds())/(float64(to-from)*float64(shards)))
			}
			if len(costs) == 0 {
				return fmt.Errorf("no tick in %d windows of %v", windows, d)
			}
			cost = stat.Of(costs).Median
			return nil
		})
		return cost, err
	}
}

// windows is how often an engine is looked at in one turn. Starting it costs as much as several looks.
const windows = 5
