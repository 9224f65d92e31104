package call

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"hotreload/bench/internal/plugin"
	"hotreload/bench/internal/stat"
)

// Names of the ways.
const (
	CLoop        = "C loop"         // C calling the tick by pointer: the floor
	Cgo          = "cgo"            // a cgo wrapper whose arguments are numbers: the cheapest there is
	CgoPointer   = "cgo, pointers"  // the usual cgo wrapper
	RegisterFunc = "RegisterFunc"   // purego's general call
	Native       = "engine/native"  // Thread.Tick alone
	Engine       = "engine"         // a running engine, all that it does for a tick included
	batchShards  = 256              // shards of a worker where a crossing is shared
	usualTurn    = time.Millisecond // of one way in one round
)

// Way is one way to call the tick of so many shards.
type Way struct {
	Name   string `json:"name"`
	Shards int    `json:"shards"` // in one crossing, or for those that cannot batch, in one round of calls
}

// String implements fmt.Stringer.
func (w Way) String() string { return fmt.Sprintf("%s, %d", w.Name, w.Shards) }

// Options says how long to measure. The zero value of a field means its default.
type Options struct {
	Rounds int           // default 25
	Turn   time.Duration // of one way in one round; default 1 ms
	Peers  []Peer        // more ways, after those of this package
}

// Peer is a way that somebody else provides.
type Peer struct {
	Way
	Clock func() time.Duration // Processor, or Wall where others do the work
	Call  func()               // ticks as many shards as Way says
}

// Cost is what one tick of one shard costs.
type Cost struct {
	Way
	Nanoseconds stat.Summary `json:"nanoseconds"` // over the rounds; compare only within one run
}

// Ratio compares two ways, round by round.
type Ratio struct {
	Of, To Way
	Ratio  stat.Summary `json:"ratio"`
	Target float64      `json:"target,omitempty"` // at most; 0 where there is none
}

// Result is the outcome of one run.
type Result struct {
	Rounds int     `json:"rounds"`
	Costs  []Cost  `json:"costs"`
	Ratios []Ratio `json:"ratios"`
}

// Measure runs all ways side by side. It keeps one processor busy, and a second one while the engine has its turn.
func Measure(ctx context.Context, o Options) (*Result, error) {
	if o.Rounds == 0 {
		o.Rounds = 25
	}
	if o.Turn == 0 {
		o.Turn = usualTurn
	}
	dir, err := os.MkdirTemp("", "hotreload-call-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for libraries: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	template, err := plugin.Compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	direct, engines := filepath.Join(dir, "direct.so"), filepath.Join(dir, "engine.so")
	for i, path := range []string{direct, engines} {
		if err := template.Stamp(path, uint64(i+1)); err != nil {
			return nil, err
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b, err := openBench(direct)
	if err != nil {
		return nil, err
	}
	ways := b.ways()
	for _, shards := range []int{1, batchShards} {
		ways = append(ways, way{Way{Engine, shards}, engineTurn(ctx, engines, dir, shards)})
	}
	for _, p := range o.Peers {
		ways = append(ways, way{p.Way, timed(p.Clock, p.Shards, p.Call)})
	}
	costs, err := rounds(ctx, ways, o)
	if closed := b.close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return compare(ways, o.Peers, costs, o.Rounds), nil
}

// rounds gives each way a turn a round, and returns the costs by way and round. What comes first and what follows whom
// changes from round to round.
func rounds(ctx context.Context, ways []way, o Options) (map[Way][]float64, error) {
	costs := make(map[Way][]float64)
	for round := -1; round < o.Rounds; round++ { // one to warm up
		for i := range ways {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			at := (i + round + len(ways)) % len(ways)
			if round%2 != 0 {
				at = len(ways) - 1 - at
			}
			w := ways[at]
			cost, err := w.turn(o.Turn)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.Way, err)
			}
			if round >= 0 {
				costs[w.Way] = append(costs[w.Way], cost)
			}
		}
	}
	return costs, nil
}

// The ratios of a result; those of ways that this program does not have are left out.
var comparisons = []Ratio{
	{Of: Way{Engine, 1}, To: Way{Cgo, 1}, Target: 1.5},
	{Of: Way{Engine, batchShards}, To: Way{CLoop, batchShards}, Target: 3},
	{Of: Way{Native, 1}, To: Way{Cgo, 1}},
	{Of: Way{Native, batchShards}, To: Way{CLoop, batchShards}},
	{Of: Way{Engine, 1}, To: Way{CLoop, 1}},
	{Of: Way{Engine, 1}, To: Way{Native, 1}},
	{Of: Way{Engine, batchShards}, To: Way{Native, batchShards}},
	{Of: Way{Engine, batchShards}, To: Way{Cgo, batchShards}},
	{Of: Way{CgoPointer, 1}, To: Way{Cgo, 1}},
	{Of: Way{RegisterFunc, 1}, To: Way{Cgo, 1}},
	{Of: Way{RegisterFunc, 1}, To: Way{Engine, 1}},
}

func compare(ways []way, peers []Peer, costs map[Way][]float64, rounds int) *Result {
	r := &Result{Rounds: rounds}
	for _, w := range ways {
		r.Costs = append(r.Costs, Cost{w.Way, stat.Of(costs[w.Way])})
	}
	for _, w := range ways[len(ways)-len(peers):] {
		r.Ratios = append(r.Ratios, Ratio{Of: w.Way, To: Way{Engine, w.Shards}, Ratio: stat.Of(stat.Ratios(costs[w.Way], costs[Way{Engine, w.Shards}]))})
	}
	for _, c := range comparisons {
		if a, b := costs[c.Of], costs[c.To]; a != nil && b != nil {
			c.Ratio = stat.Of(stat.Ratios(a, b))
			r.Ratios = append(r.Ratios, c)
		}
	}
	return r
}

// Comparisons returns the ratios that a result holds, without their values.
func Comparisons() []Ratio { return slices.Clone(comparisons) }
