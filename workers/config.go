package workers

import (
	"fmt"
	"math"
	"time"

	"hotreload/epoch"
)

// Config says how many workers tick how many shards, and when.
type Config struct {
	// Workers is the number of threads at the beginning, at least 1. More than one per shard are not made.
	Workers int
	// Shards is the number of shards, at least 1.
	Shards int
	// Period is the time between ticks; 0 runs them back to back.
	Period time.Duration
	// Start, when set, gives the tick that the worker of a span begins with; nil: 0. Every worker's own is due at once. In
	// aligned mode it should be the same for all: those behind would have to come level first.
	Start func(Span) uint64
	// Ticks is the tick before which workers wait for the directive to stop; 0 means no end.
	Ticks uint64
	// MaxCatchup is how many ticks a late worker runs without waiting; what is missed beyond them moves its schedule
	// instead. In aligned mode it may run as many as bring it level with the fastest worker, if that is more. No tick is
	// ever left out.
	MaxCatchup int
	// Mode is how a directive reaches the workers.
	Mode epoch.Mode
	// Observe, when set, is called by each worker on its thread as it begins, and what it returns is told about the
	// worker's ticks. When nil nothing is measured.
	Observe func(Span) Observer

	coarse bool // never sleep outside the Go scheduler: for virtual time
}

// check panics when c describes no pool.
func (c Config) check() {
	if c.Workers < 1 || c.Shards < 1 || c.Period < 0 || c.MaxCatchup < 0 {
		panic(fmt.Sprintf("workers: New with %d workers, %d shards, period %v, catch-up %d: "+
			"expected at least 1 worker, 1 shard and nothing negative", c.Workers, c.Shards, c.Period, c.MaxCatchup))
	}
}

// Directive is what workers do from its activation tick on.
type Directive[C comparable] struct {
	// Code is what each tick runs.
	Code C
	// Arrive, when set, is called exactly once for every shard, by the worker that owns the shard, on its thread, before
	// the shard's first tick under the directive and after the Hand has switched. h is the worker's Hand, s the shards it
	// is called for, and tick that tick. A worker calls it once for all of its shards, except that shards which have just
	// changed hands may come in several calls: count shards, not calls. It may touch the shards of s, and no others.
	Arrive func(h Hand[C], s Span, tick uint64)
	// Light says that arriving takes next to no time. Workers are otherwise woken to arrive before their next tick is due; for
	// this, one that has only a moment to wait is left alone, and arrives when it begins its tick.
	Light bool
	// Stop ends the workers after Arrive, before that tick runs: in aligned mode all at one tick, in immediate mode each
	// at its own next one. Nobody meets what is published after it.
	Stop bool
	// Renew moves each worker to a fresh thread after Arrive; the old thread ends, and with it its thread-local storage,
	// though possibly a moment after the worker has gone on.
	Renew bool
	// Limit says how far the workers run from here on. The zero Limit leaves it as it was; at first there is none.
	Limit Limit

	step *step[C] // its link of the chain
}

// Limit is a number of ticks, counted from the one at which a worker meets the directive. When it has run them it waits,
// parked, and goes on meeting directives: one with another Limit sets it going again. In aligned mode all shards wait at
// one tick. In immediate mode shards that are behind run up to the others first when they change hands.
type Limit uint64

// Unlimited lifts a limit.
const Unlimited Limit = math.MaxUint64

// After is the limit of n ticks, 1 or more: the one at hand may be about to run, and whoever publishes next counts on
// that. Only a pool's first directive may stop its workers before they begin, with 0.
func After(n uint64) Limit { return Limit(min(n, math.MaxUint64-2) + 1) }

// from returns the tick before which a worker waits that meets l at tick, end at the latest.
func (l Limit) from(tick, end uint64) uint64 {
	if n := uint64(l) - 1; l != 0 && l != Unlimited && n < end-tick {
		return tick + n
	}
	return end
}

// end returns the tick that never runs.
func (c *Config) end() uint64 {
	if c.Ticks != 0 {
		return c.Ticks
	}
	return math.MaxUint64
}

// Hand runs code for one worker. All calls come from that worker, on its thread.
type Hand[C comparable] interface {
	// Tick runs one tick of code on the shards of s.
	Tick(code C, s Span, tick uint64)
	// Switch is called between two ticks when the code changes from one to another. Both are valid. As with
	// Directive.Arrive, shards that have just changed hands may come in several calls.
	Switch(from, to C, s Span, tick uint64)
	// Close is the last call.
	Close()
}

// Observer is told about the ticks of one worker. All calls come from that worker, between ticks, so it must be quick.
type Observer interface {
	// Started tells how much later than scheduled a tick starts. It is not called when ticks run back to back.
	Started(late time.Duration)
	// Ran tells how long the last ticks took together: one tick when there is a schedule. Without one it is told whenever
	// the worker yields, about the ticks it has run in one go; those before it had to wait for others are not told.
	Ran(ticks uint64, took time.Duration)
}
