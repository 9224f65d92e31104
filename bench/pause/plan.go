package pause

import (
	"time"

	"hotreload/bench/internal/strategy"
)

// Shards of the cells that compare strategies: a few microseconds of work a tick.
const usualShards = 1000

// period is that of the paced cells.
const period = time.Millisecond

// Plan returns the cells of the usual run: all strategies, paced and back to back, with 1, 2 and 4 workers; then what the
// number of shards and the rate of swaps do to the first of them.
func Plan() []Cell {
	var cells []Cell
	for _, pace := range []time.Duration{period, 0} {
		for _, w := range []int{1, 2, 4} {
			cells = append(cells, Cell{strategy.Aligned, w, usualShards, pace, Control})
			for _, s := range strategy.All {
				if !s.Single || w == 1 {
					cells = append(cells, Cell{s.Name, w, usualShards, pace, UsualRate})
				}
			}
		}
	}
	for _, load := range []struct {
		shards int
		pace   time.Duration
	}{{1, period}, {10_000, period}, {100_000, 10 * period}} {
		for _, rate := range []float64{Control, UsualRate} {
			cells = append(cells, Cell{strategy.Aligned, min(2, load.shards), load.shards, load.pace, rate})
		}
	}
	for _, rate := range []float64{1, Fast} {
		for _, name := range []string{strategy.Aligned, strategy.StopWorld} {
			cells = append(cells, Cell{name, 2, usualShards, period, rate})
		}
	}
	return cells
}

// Full returns every combination. It takes more than ten times as long.
func Full() []Cell {
	var cells []Cell
	for _, pace := range []time.Duration{period, 0} {
		for _, w := range []int{1, 2, 4} {
			for _, shards := range []int{1, usualShards, 10_000, 100_000} {
				if shards < w {
					continue // as many workers as shards at most
				}
				tick := pace
				if pace != 0 && shards == 100_000 {
					tick = 10 * period // a tick takes most of a millisecond
				}
				cells = append(cells, Cell{strategy.Aligned, w, shards, tick, Control})
				for _, s := range strategy.All {
					for _, rate := range []float64{1, UsualRate, Fast} {
						if !s.Single || w == 1 {
							cells = append(cells, Cell{s.Name, w, shards, tick, rate})
						}
					}
				}
			}
		}
	}
	return cells
}
