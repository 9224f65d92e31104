package pause

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"hotreload/bench/internal/cpu"
	"hotreload/bench/internal/strategy"
)

// Cell is one strategy under one load.
type Cell struct {
	Strategy string        `json:"strategy"`
	Workers  int           `json:"workers"`
	Shards   int           `json:"shards"`
	Period   time.Duration `json:"period_ns"` // 0: ticks back to back
	Rate     float64       `json:"rate"`      // swaps per second; Control or Fast
}

// Rates that are none.
const (
	Control = 0.0  // windows like those of the usual rate, and nothing in them
	Fast    = -1.0 // one swap after the other; all of the run is inside
)

// UsualRate is often enough to see many swaps and seldom enough for the same time without.
const UsualRate = 20.0

// window is how long a window stays open at least: long enough for a swap and for what a late worker has to catch up.
const window = 20 * time.Millisecond

// String implements fmt.Stringer.
func (c Cell) String() string {
	pace, rate := "back to back", fmt.Sprintf("%g swaps/s", c.Rate)
	if c.Period != 0 {
		pace = fmt.Sprintf("every %v", c.Period)
	}
	switch c.Rate {
	case Control:
		rate = "no swaps"
	case Fast:
		rate = "swaps back to back"
	}
	return fmt.Sprintf("%s: %d workers, %d shards, %s, %s", c.Strategy, c.Workers, c.Shards, pace, rate)
}

// run runs the cell for about d and returns what it saw.
func (c Cell) run(ctx context.Context, paths []string, d time.Duration, random *rand.Rand) (*sample, error) {
	runtime.GC() // what the last cell left behind
	var w windows
	s := newSample()
	meters := make([]*meter, c.Workers)
	for i := range meters {
		meters[i] = newMeter(&w, c.Period)
	}
	way, err := find(c.Strategy)
	if err != nil {
		return nil, err
	}
	load := strategy.Load{Workers: c.Workers, Shards: c.Shards, Period: c.Period}
	running, err := way.Start(load, paths[0], func(worker int) strategy.Meter { return meters[worker] })
	if err != nil {
		return nil, err
	}
	begin, used := time.Now(), cpu.Process()
	err = c.swaps(ctx, running, &w, s, paths, begin.Add(d), random)
	s.wall, s.used = time.Since(begin), cpu.Process()-used
	if stopped := running.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	s.take(meters, w.number.Load())
	return s, nil
}

// swaps swaps until end.
func (c Cell) swaps(ctx context.Context, running strategy.Run, w *windows, s *sample, paths []string, end time.Time, random *rand.Rand) error {
	rate := c.Rate
	if rate == Control {
		rate = UsualRate
	}
	at := time.Now().Add(warmup*c.Period + 20*time.Millisecond)
	if !sleepUntil(ctx, at) {
		return ctx.Err()
	}
	swap := func(i int) error {
		took, err := running.Swap(paths[(i+1)%len(paths)])
		s.swapped = append(s.swapped, took)
		return err
	}
	if c.Rate == Fast {
		w.open()
		defer w.close()
		for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
			if err := swap(i); err != nil {
				return err
			}
			w.turn()
		}
		return ctx.Err()
	}
	interval := time.Duration(float64(time.Second) / rate)
	for i := 0; at.Before(end); i++ {
		// Not in step with the ticks.
		if !sleepUntil(ctx, at.Add(time.Duration(random.Int64N(int64(5*time.Millisecond))))) {
			break
		}
		opened := time.Now()
		w.open()
		if c.Rate != Control {
			if err := swap(i); err != nil {
				return err
			}
		}
		sleepUntil(ctx, opened.Add(window))
		w.close()
		for at = at.Add(interval); at.Before(time.Now()); at = at.Add(interval) {
			s.skipped++
		}
	}
	return ctx.Err()
}

// sleepUntil sleeps until t and tells whether it did: not when ctx ended.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func find(name string) (strategy.Strategy, error) {
	for _, s := range strategy.All {
		if s.Name == name {
			return s, nil
		}
	}
	return strategy.Strategy{}, errors.New("no strategy is called " + name)
}
