package bench

import (
	"fmt"

	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
)

// Ratios takes from a report what can be compared with other runs and machines: quotients of two things that were
// measured side by side. Those whose parts the report lacks are left out.
func Ratios(r *Report) map[string]float64 {
	ratios := make(map[string]float64)
	if r.Call != nil {
		for _, c := range r.Call.Ratios {
			ratios[fmt.Sprintf("call: %s(%d) / %s(%d)", c.Of.Name, c.Of.Shards, c.To.Name, c.To.Shards)] = c.Ratio.Median
		}
	}
	if r.Reload != nil && r.Reload.Total.Median > 0 {
		floor := max(r.Reload.Build.Median, reload.Debounce.Seconds()*1e3)
		ratios["reload: save to swap / longer of build and debounce"] = (floor + r.Reload.Added.Median) / floor
	}
	for _, cell := range r.Pause {
		control := controlOf(r.Pause, cell.Cell)
		if cell.Rate != pause.UsualRate || control == nil || control.Worst.P25 == 0 {
			continue
		}
		c := cell.Cell
		name := fmt.Sprintf("pause: %s / no swap, %d workers, %d shards, %s", c.Strategy, c.Workers, c.Shards, pace(c))
		// The lower quartile: what others do to the machine only adds, and rarely in three windows out of four.
		ratios[name] = cell.Worst.P25 / control.Worst.P25
		if c.Strategy == strategy.StopWorld {
			continue
		}
		// The time for which workers are held or told: by us, by those who stop them.
		c.Strategy = strategy.StopWorld
		if stop := find(r.Pause, c); stop != nil && stop.Publish.Median > 0 {
			name := fmt.Sprintf("publish: %s / stop the world, %d workers, %d shards, %s", cell.Strategy, c.Workers, c.Shards, pace(c))
			ratios[name] = cell.Publish.Median / stop.Publish.Median
		}
	}
	return ratios
}

// controlOf returns the control run of a cell, nil when there is none.
func controlOf(results []pause.Result, c pause.Cell) *pause.Result {
	c.Strategy, c.Rate = strategy.Aligned, pause.Control
	return find(results, c)
}

// find returns the result of a cell, nil when there is none.
func find(results []pause.Result, c pause.Cell) *pause.Result {
	for i := range results {
		if results[i].Cell == c {
			return &results[i]
		}
	}
	return nil
}

func pace(c pause.Cell) string {
	if c.Period == 0 {
		return "back to back"
	}
	return fmt.Sprint("every ", c.Period)
}
