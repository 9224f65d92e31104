package pause

import (
	"slices"
	"time"

	"hotreload/bench/internal/strategy"
)

// Shards of the cells that compare strategies: a few microseconds of work a tick.
const usualShards = 1000

// period is that of the paced cells.
const period = time.Millisecond

func cell(strategy string, workers, shards int, period time.Duration, rate float64) Cell {
	return Cell{Strategy: strategy, Workers: workers, Shards: shards, Period: period, Rate: rate}
}

// Compare returns the cells that compare all strategies under one load, beginning with the one in which nothing is
// swapped. Those of whole engines have a control of their own, whose windows last as long as theirs; they are left out
// when ticks run back to back.
func Compare(workers, shards int, period time.Duration, rate float64) []Cell {
	cells := []Cell{cell(strategy.Aligned, workers, shards, period, Control)}
	for _, s := range strategy.All {
		if !s.Engine && (!s.Single || workers == 1) {
			cells = append(cells, cell(s.Name, workers, shards, period, rate))
		}
	}
	return cells
}

// Engines returns the cells of the whole engine under one load.
func Engines(workers, shards int, period time.Duration, names ...string) []Cell {
	cells := []Cell{cell(strategy.Engine, workers, shards, period, Control)}
	for _, name := range names {
		cells = append(cells, cell(name, workers, shards, period, engineRate(period)))
	}
	return cells
}

// Own returns the cells for a plugin that somebody brings, of whose state nothing is known.
func Own(workers, shards int, period time.Duration) []Cell {
	cells := Compare(workers, shards, period, UsualRate)
	cells = append(cells, cell(strategy.Aligned, workers, shards, period, Fast))
	if period != 0 {
		cells = append(cells, Engines(workers, shards, period, strategy.Engine, strategy.NoTrial)...)
	}
	return cells
}

// Sample returns the cells for the benchmarks' own plugin under one load.
func Sample(workers, shards int, period time.Duration) []Cell {
	cells := Own(workers, shards, period)
	if period != 0 {
		cells = append(cells, Engines(workers, shards, period, engineStrategies()...)...)
	}
	return distinct(cells)
}

// Plan returns the cells of the usual run: all strategies, paced and back to back, with 1, 2 and 4 workers; then what
// more workers, the number of shards and the rate of swaps do; then what the whole engine makes of a swap.
func Plan() []Cell {
	var cells []Cell
	for _, pace := range []time.Duration{period, 0} {
		for _, w := range []int{1, 2, 4} {
			cells = append(cells, Compare(w, usualShards, pace, UsualRate)...)
		}
	}
	for _, l := range []load{{8, usualShards, period}, {1, 1, period}, {2, 10_000, period}, {2, 100_000, slow}} {
		for _, rate := range []float64{Control, UsualRate} {
			cells = append(cells, cell(strategy.Aligned, l.workers, l.shards, l.period, rate))
		}
	}
	for _, rate := range []float64{1, Fast} {
		for _, name := range []string{strategy.Aligned, strategy.StopWorld} {
			cells = append(cells, cell(name, 2, usualShards, period, rate))
		}
	}
	for _, c := range Compare(1, usualShards, period, UsualRate) {
		c.Large = true
		cells = append(cells, c)
	}
	cells = append(cells, Engines(2, usualShards, period, engineStrategies()...)...)
	cells = append(cells, Engines(1, 1, period, strategy.Engine)[1], Engines(2, usualShards, slow, strategy.Engine)[1])
	return append(cells, Engines(2, 100_000, slow, strategy.Engine)...)
}

type load struct {
	workers, shards int
	period          time.Duration
}

// slow is the period of cells with very many shards, whose tick takes a good part of a millisecond.
const slow = 5 * period

// Full returns more combinations besides those of Plan.
func Full() []Cell {
	cells := Plan()
	for _, pace := range []time.Duration{period, 0} {
		for _, w := range []int{1, 2, 4} {
			for _, shards := range []int{1, 10_000, 100_000} {
				tick := pace
				if pace != 0 && shards == 100_000 {
					tick = slow
				}
				if shards < w {
					continue // as many workers as shards at most
				}
				cells = append(cells, cell(strategy.Aligned, w, shards, tick, Control))
				for _, name := range []string{strategy.Aligned, strategy.Immediate, strategy.StopWorld} {
					cells = append(cells, cell(name, w, shards, tick, UsualRate))
				}
			}
			for _, name := range []string{strategy.Aligned, strategy.Immediate, strategy.StopWorld} {
				cells = append(cells, cell(name, w, usualShards, pace, 1), cell(name, w, usualShards, pace, Fast))
			}
		}
	}
	return distinct(cells)
}

func engineStrategies() []string {
	var names []string
	for _, s := range strategy.All {
		if s.Engine {
			names = append(names, s.Name)
		}
	}
	return names
}

// distinct returns the cells without those that an earlier one equals.
func distinct(cells []Cell) []Cell {
	var kept []Cell
	for _, c := range cells {
		if !slices.Contains(kept, c) {
			kept = append(kept, c)
		}
	}
	return kept
}
