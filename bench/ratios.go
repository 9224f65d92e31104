package bench

import (
	"fmt"

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
	}
	return ratios
}

// controlOf returns the control run of a cell, nil when there is none.
func controlOf(results []pause.Result, c pause.Cell) *pause.Result {
	for i, r := range results {
		if r.Rate == pause.Control && r.Workers == c.Workers && r.Shards == c.Shards && r.Period == c.Period {
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
