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
	Period   time.Duration `json:"period_ns"`       // 0: ticks back to back
	Rate     float64       `json:"rate"`            // swaps per second; Control or Fast
	Large    bool          `json:"large,omitempty"` // a library that takes the loader milliseconds
}

// Rates that are none.
const (
	Control = 0.0  // windows like those of the usual rate, and nothing in them
	Fast    = -1.0 // one swap after the other; all of the run is inside
)

// UsualRate is often enough to see many swaps and seldom enough for the same time without.
const UsualRate = 20.0

// engineRate is UsualRate for whole engines, whose swaps last through their probation: half of the time is outside.
func engineRate(period time.Duration) float64 {
	lasts := window + strategy.Strategy{Engine: true}.Lasts(period)
	return 1 / (2 * lasts).Seconds()
}

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
	if c.Large {
		rate += " of a large library"
	}
	return fmt.Sprintf("%s: %d workers, %d shards, %s, %s", c.Strategy, c.Workers, c.Shards, pace, rate)
}

// Name is what the cell is called beside others under the same load.
func (c Cell) Name() string {
	switch {
	case c.Rate == Control && c.Strategy == strategy.Engine:
		return "(no swap, engine)"
	case c.Rate == Control:
		return "(no swap)"
	case c.Rate == Fast:
		return c.Strategy + ", nonstop"
	case c.Rate == 1:
		return c.Strategy + ", 1/s"
	}
	return c.Strategy
}

// Control returns the cell under the same load in which nothing is swapped.
func (c Cell) Control() Cell {
	c.Rate = Control
	if way, err := find(c.Strategy); err == nil && way.Engine {
		c.Strategy = strategy.Engine
	} else {
		c.Strategy = strategy.Aligned
	}
	return c
}

// run runs the cell for about d and returns what it saw.
func (c Cell) run(ctx context.Context, libs *libraries, d time.Duration, random *rand.Rand) (*sample, error) {
	runtime.GC() // what the last cell left behind
	w := windows{began: time.Now()}
	s := newSample()
	meters := make([]*meter, c.Workers)
	for i := range meters {
		meters[i] = newMeter(&w, c.Period)
	}
	way, err := find(c.Strategy)
	if err != nil {
		return nil, err
	}
	load := strategy.Load{Workers: c.Workers, Shards: c.Shards, Period: c.Period, Known: libs.known}
	running, err := way.Start(load, libs.first(c.Large), func(worker int) strategy.Meter { return meters[worker] })
	if err != nil {
		return nil, err
	}
	begin, used := time.Now(), cpu.Process()
	err = swapper{c, way, running, libs, &w, s, random}.run(ctx, begin.Add(d))
	s.wall, s.used = time.Since(begin), cpu.Process()-used
	if stopped := running.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	s.take(meters, &w)
	return s, nil
}

// swapper swaps under one running simulation.
type swapper struct {
	Cell
	way     strategy.Strategy
	running strategy.Run
	libs    *libraries
	windows *windows
	seen    *sample
	random  *rand.Rand
}

// run swaps until end.
func (s swapper) run(ctx context.Context, end time.Time) error {
	begin := time.Now().Add(warmup*s.Period + 20*time.Millisecond)
	switch {
	case !sleepUntil(ctx, begin):
		return ctx.Err()
	case s.Rate == Fast:
		return s.nonstop(ctx, end)
	}
	return s.paced(ctx, begin, end)
}

// nonstop makes one swap after the other.
func (s swapper) nonstop(ctx context.Context, end time.Time) error {
	s.windows.open()
	defer s.windows.close()
	for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
		path, err := s.libs.next(i, s.Large, s.way.Kind)
		if err == nil {
			err = s.swap(path)
		}
		if err != nil {
			return err
		}
		s.windows.turn()
	}
	return ctx.Err()
}

// paced makes so many swaps a second, or none at these times.
func (s swapper) paced(ctx context.Context, at, end time.Time) error {
	rate := s.Rate
	if rate == Control {
		rate = s.controlRate()
	}
	interval, lasts := time.Duration(float64(time.Second)/rate), window+s.way.Lasts(s.Period)
	for i := 0; at.Before(end); i++ {
		path, err := s.libs.next(i, s.Large, s.way.Kind)
		if err != nil {
			return err
		}
		// Not in step with the ticks.
		if !sleepUntil(ctx, at.Add(time.Duration(s.random.Int64N(int64(5*time.Millisecond))))) {
			break
		}
		opened := time.Now()
		s.windows.open()
		if s.Rate != Control {
			if err := s.swap(path); err != nil {
				return err
			}
		}
		sleepUntil(ctx, opened.Add(lasts))
		s.windows.close()
		for at = at.Add(interval); at.Before(time.Now()); at = at.Add(interval) {
			s.seen.skipped++
		}
	}
	return ctx.Err()
}

func (s swapper) swap(path string) error {
	at := time.Now()
	took, err := s.running.Swap(path)
	s.seen.swapped, s.seen.at = append(s.seen.swapped, took), append(s.seen.at, at)
	return err
}

// controlRate is how often windows open in which nothing is swapped: as often as otherwise something is.
func (s swapper) controlRate() float64 {
	if s.way.Engine {
		return engineRate(s.Period)
	}
	return UsualRate
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
