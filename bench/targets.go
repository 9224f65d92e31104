package bench

import (
	"fmt"
	"time"

	"hotreload/bench/internal/stat"
	"hotreload/bench/internal/strategy"
	"hotreload/bench/pause"
	"hotreload/bench/reload"
)

// Target is a promise about a figure.
type Target struct {
	What    string
	Unit    string       // empty for ratios
	Value   stat.Summary // its median counts; over the rounds, swaps or saves
	Limit   float64
	AtLeast bool // the figure is to be no less than Limit, where the others are to be no more
}

// Met tells whether the figure is as promised.
func (t Target) Met() bool {
	if t.AtLeast {
		return t.Value.Median >= t.Limit
	}
	return t.Value.Median <= t.Limit
}

// Goal is Limit in words.
func (t Target) Goal() string {
	sign := "≤"
	if t.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g %s", sign, t.Limit, t.Unit)
}

// Targets returns the promises that the report has figures for.
func Targets(r *Report) []Target {
	var all []Target
	add := func(t Target) {
		if t.Value.N > 0 {
			all = append(all, t)
		}
	}
	for _, cell := range r.Pause {
		for _, t := range lateness(r, cell) {
			add(t)
		}
	}
	at := func(name string, workers, shards int) pause.Cell {
		return pause.Cell{Strategy: name, Workers: workers, Shards: shards, Period: time.Millisecond, Rate: pause.UsualRate}
	}
	if c := find(r.Pause, at(strategy.Aligned, 8, 1000)); c != nil {
		add(Target{What: "publication to 8 workers", Unit: "µs", Value: c.Publish, Limit: 5})
	}
	for _, workers := range []int{1, 2, 4, 8} {
		if c := find(r.Pause, at(strategy.Aligned, workers, 1000)); c != nil {
			grace := c.Grace
			add(Target{What: fmt.Sprintf("grace period, %s", plural(workers, "worker")), Unit: "µs", Value: grace, Limit: 1000})
		}
	}
	if r.Reload != nil {
		add(Target{What: "save to swap less the longer of build and debounce", Unit: "ms", Value: r.Reload.Added, Limit: reload.Target})
	}
	engines := pause.Engines(2, 1000, time.Millisecond, strategy.Engine, strategy.NoTrial)
	if with, without := find(r.Pause, engines[1]), find(r.Pause, engines[2]); with != nil && without != nil {
		add(Target{What: "what a trial adds to a swap", Unit: "ms", Limit: 5, Value: one((with.Prepare.Median - without.Prepare.Median) / 1e3)})
	}
	for _, name := range []string{"publish", "prepare"} {
		name += ": engine, 100000 shards / 1000 shards"
		if ratio, ok := r.Ratios[name]; ok {
			add(Target{What: name, Value: one(ratio), Limit: 1.5})
		}
	}
	if r.Wear != nil {
		bytes, descriptors, mappings := r.Wear.Growth()
		swaps := fmt.Sprintf(" left by %d swaps", r.Wear.Swaps/3)
		if r.Wear.Swaps >= 5000 { // with fewer it is lost in what the process's memory varies by
			add(Target{What: "memory left by a swap", Unit: "bytes", Value: one(bytes), Limit: 256})
		}
		add(Target{What: "descriptors" + swaps, Value: one(float64(descriptors)), Limit: 0})
		add(Target{What: "mappings" + swaps, Value: one(float64(mappings)), Limit: 4})
	}
	return all
}

// lateness returns what is promised about the lateness of ticks under the load of an aligned cell.
func lateness(r *Report, cell pause.Result) []Target {
	if cell.Strategy != strategy.Aligned && cell.Strategy != strategy.Engine || cell.Rate <= 1 || cell.Period == 0 || cell.Shards != 1000 {
		return nil
	}
	var all []Target
	if control := controlOf(r.Pause, cell.Cell); control != nil {
		all = append(all, Target{
			What: fmt.Sprintf("late, p99.9 around swaps: %s / no swap, %s", cell.Strategy, under(cell.Cell)), Limit: 1.25,
			Value: byRound(cell.LateByRound, control.LateByRound),
		})
	}
	for _, name := range []string{strategy.StopWorld, strategy.Inline} {
		other := cell.Cell
		other.Strategy = name
		if o := find(r.Pause, other); o != nil {
			all = append(all, Target{
				What: fmt.Sprintf("late, p99.9 around swaps: %s / %s, %s", name, cell.Strategy, under(cell.Cell)), Limit: 20, AtLeast: true,
				Value: byRound(o.LateByRound, cell.LateByRound),
			})
		}
	}
	return all
}

// byRound divides round by round, as far as both have rounds.
func byRound(a, b []float64) stat.Summary {
	n := min(len(a), len(b))
	return stat.Of(stat.Ratios(a[:n], b[:n]))
}

func one(v float64) stat.Summary { return stat.Of([]float64{v}) }
