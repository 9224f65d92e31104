package bench

import (
	"fmt"
	"time"

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
		if cell.Rate <= 1 || control == nil || control.Worst.P25 == 0 {
			continue
		}
		c := cell.Cell
		// The lower quartile: what others do to the machine only adds, and rarely in three windows out of four.
		ratios[fmt.Sprintf("pause: %s / no swap, %s", c.Strategy, under(c))] = cell.Worst.P25 / control.Worst.P25
		// The time for which workers are held or told: by us, by those who stop them.
		stop := cell.Cell
		stop.Strategy = strategy.StopWorld
		if at := find(r.Pause, stop); c != stop && at != nil && at.Publish.Median > 0 {
			ratios[fmt.Sprintf("publish: %s / stop the world, %s", c.Strategy, under(c))] = cell.Publish.Median / at.Publish.Median
		}
	}
	if many, one := find(r.Pause, shardCells[1]), find(r.Pause, shardCells[0]); many != nil && one != nil && one.Publish.Median > 0 {
		ratios["publish: engine, 100000 shards / 1000 shards"] = many.Publish.Median / one.Publish.Median
		ratios["prepare: engine, 100000 shards / 1000 shards"] = many.Prepare.Median / one.Prepare.Median
	}
	return ratios
}

// shardCells are the swaps of few shards and of very many.
var shardCells = [2]pause.Cell{
	pause.Engines(2, 1000, 5*time.Millisecond, strategy.Engine)[1],
	pause.Engines(2, 100_000, 5*time.Millisecond, strategy.Engine)[1],
}

// controlOf returns the control run of a cell, nil when there is none.
func controlOf(results []pause.Result, c pause.Cell) *pause.Result {
	return find(results, c.Control())
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

// under says under which load a cell ran.
func under(c pause.Cell) string {
	pace := "back to back"
	if c.Period != 0 {
		pace = fmt.Sprint("every ", c.Period)
	}
	text := fmt.Sprintf("%s, %s, %s", plural(c.Workers, "worker"), plural(c.Shards, "shard"), pace)
	if c.Large {
		text += ", large library"
	}
	return text
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}
