package call

import (
	"context"
	"errors"
	"time"

	"hotreload/bench/internal/cpu"
	"hotreload/bench/internal/plugin"
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

// engineTurn measures an engine of its own at each turn: between the turns of the others nothing else may run. What counts
// is the time of the worker's thread, its yields included.
func engineTurn(ctx context.Context, library, dir string, shards int) func(time.Duration) (float64, error) {
	return func(d time.Duration) (cost float64, err error) {
		err = runEngine(ctx, library, dir, shards, func(e *engine.Engine) error {
			worker, err := workerClock(ctx, d)
			if err != nil {
				return err
			}
			var costs []float64
			for len(costs) < windows {
				start, from := worker.Read(), e.Status().Ticks
				used := time.Duration(0)
				for ; used < d; used = worker.Read() - start { // on a busy machine it may take long to be given so much
					time.Sleep(d)
					if err := ctx.Err(); err != nil {
						return err
					}
				}
				if ticks := e.Status().Ticks - from; ticks > 0 {
					costs = append(costs, float64(used.Nanoseconds())/(float64(ticks)*float64(shards)))
				}
			}
			cost = stat.Of(costs).Median
			return nil
		})
		return cost, err
	}
}

// workerClock returns the clock of the thread that has run the plugin's init. It names the thread, but threads inherit the
// name of the one that makes them: of several, it is the one that computes all the time.
func workerClock(ctx context.Context, d time.Duration) (cpu.Clock, error) {
	begin := make(map[cpu.Clock]time.Duration)
	for {
		clocks, err := cpu.Named(plugin.Thread)
		if err != nil {
			return 0, err
		}
		for _, c := range clocks {
			now := c.Read()
			if _, seen := begin[c]; !seen {
				begin[c] = now
			}
			if now-begin[c] >= d {
				return c, nil
			}
		}
		time.Sleep(d / 4)
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

// windows is how often an engine is looked at in one turn. Starting it costs as much as several looks.
const windows = 5
