package strategy

import (
	"time"

	"hotreload/bench/internal/plugin"
	"hotreload/engine"
	"hotreload/engine/trial"
	"hotreload/epoch"
)

// Load is what a simulation consists of.
type Load struct {
	Workers int
	Shards  int
	Period  time.Duration // between ticks; 0 runs them back to back
	Known   bool          // the plugin is that of package plugin: its state can be checked
}

// Lasts returns how long a swap of s takes at least: with the whole engine, until its probation is over.
func (s Strategy) Lasts(period time.Duration) time.Duration {
	if !s.Engine {
		return 0
	}
	return probation * period
}

// Meter is told of every tick of one worker, on the worker's thread. begin is when the code was entered: after any wait
// for permission to enter it.
type Meter interface {
	Tick(tick uint64, begin, end time.Time)
}

// Swapped says how long the parts of one swap took. For strategies that hold the workers, Publish is that from the
// request to the release.
type Swapped struct {
	Prepare time.Duration // before any worker could notice: loading, with the whole engine also inspection, trial and guard
	Publish time.Duration
	Grace   time.Duration // until no worker can be in the old code
	Reclaim time.Duration // dropping the old library
}

// Run is a running simulation. Its methods belong to one goroutine.
type Run interface {
	// Swap replaces the code by that of the library at path, and returns when the old library has been dropped.
	Swap(path string) (Swapped, error)
	// Stop ends the workers, checks the state, and gives everything back.
	Stop() error
}

// Strategy is one way to swap.
type Strategy struct {
	Name    string
	Summary string
	Single  bool        // works for one worker only
	Engine  bool        // the whole engine, which needs a period
	Kind    plugin.Kind // of every second library that is to be swapped in; the others are of the usual kind
	start   func(l Load, path string, meter func(worker int) Meter) (Run, error)
}

// Start loads the library at path and runs the simulation. meter is called once by each worker on its thread.
func (s Strategy) Start(l Load, path string, meter func(worker int) Meter) (Run, error) {
	return s.start(l, path, meter)
}

// Names of the strategies.
const (
	Aligned   = "aligned"
	Immediate = "immediate"
	Prepared  = "lock, prepared"
	StopWorld = "stop the world"
	Pause     = "pause and join"
	Inline    = "inline"

	Engine    = "engine"
	NoTrial   = "engine, no trial"
	Rollback  = "engine, rollback"
	Migration = "engine, migration"
)

// All are the strategies, ours first.
var All = []Strategy{
	{Name: Aligned, Summary: "publish; all workers change at one tick; reclaim after a grace period", start: ours(epoch.Aligned)},
	{Name: Immediate, Summary: "publish; each worker changes at its next tick; reclaim after a grace period", start: ours(epoch.Immediate)},
	{Name: Prepared, Summary: "RWMutex around ticks; load before, exchange a pointer inside, dlclose after", start: prepared},
	{Name: StopWorld, Summary: "RWMutex around ticks; dlclose and dlopen inside the write lock", start: stopWorld},
	{Name: Pause, Summary: "workers wait at a gate while dlclose and dlopen run", start: pause},
	{Name: Inline, Summary: "the worker itself runs dlclose and dlopen between two ticks", Single: true, start: inline},

	{Name: Engine, Summary: "a library is pushed to an Engine: inspection, trial, load, guard, publication, probation, reclaim",
		Engine: true, start: host(engine.Config{})},
	{Name: NoTrial, Summary: "the same without a trial", Engine: true, start: host(engine.Config{Trial: trial.Off})},
	{Name: Rollback, Summary: "the same with a trial, and the library faults in its 20th tick: rolled back at one tick",
		Engine: true, Kind: plugin.Faulty, start: host(engine.Config{})},
	{Name: Migration, Summary: "the same with a trial, to a state with another member and back: migrated at one tick",
		Engine: true, Kind: plugin.Wide, start: host(engine.Config{Migrate: engine.MigrateAuto})},
}
