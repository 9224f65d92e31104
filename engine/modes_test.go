package engine_test

import (
	"fmt"
	"math"
	"testing"

	"hotreload/engine"
	"hotreload/epoch"
)

// TestSwapInEveryMode: whatever the shards, the workers, the pace and the mode of publication, every shard has run every
// tick once, on one code or the other, and met each change of code once.
func TestSwapInEveryMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shards, workers int
		swap            epoch.Mode
		free            bool
		batch           bool
	}{
		{shards: 1, workers: 1},
		{shards: 64, workers: 1},
		{shards: 64, workers: 3},
		{shards: 64, workers: 64},
		{shards: 2, workers: 16}, // no more than shards
		{shards: 5, workers: 2, batch: true},
		{shards: 1, workers: 1, swap: epoch.Immediate},
		{shards: 64, workers: 3, swap: epoch.Immediate},
		{shards: 5, workers: 2, free: true},
		{shards: 5, workers: 2, free: true, swap: epoch.Immediate, batch: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			cfg := workshop(t)
			cfg.Shards, cfg.Workers, cfg.Swap = c.shards, c.workers, c.swap
			dt := cfg.Tick.Seconds()
			if c.free {
				cfg.Tick, dt = engine.FreeRunning, 0.1
			}
			with := func(switches ...string) library {
				if c.batch {
					switches = append(switches, "-DBATCH")
				}
				return probe(t, switches...)
			}
			h := start(t, cfg, with())
			h.await(engine.Running)
			if s := h.Status(); s.Shards != c.shards || s.Workers != min(c.workers, c.shards) {
				t.Errorf("status: %+v", s)
			}
			h.deliver(with("-DSTEP=2"))
			second := h.swapped()
			h.await(engine.Reclaimed)
			h.deliver(with("-DSTEP=3"))
			third := h.swapped()
			h.await(engine.Reclaimed)
			if c.swap == epoch.Immediate && (second.Activation != 0 || third.Activation != 0) {
				t.Errorf("there is no common tick in immediate mode, got %d and %d", second.Activation, third.Activation)
			}

			shards := h.books()
			for i, b := range shards {
				ticks := b.Ticks
				if c.swap == epoch.Aligned { // otherwise each worker stops at a tick of its own
					ticks = shards[0].Ticks
				}
				if b.Inits != 1 || b.Left != 2 || b.Arrived != 2 || b.Step != 3 || b.Ticks != ticks {
					t.Fatalf("shard %d: expected one init, two changes, %d ticks, got %+v", i, ticks, b)
				}
				if want := score(ticks, second, third); c.swap == epoch.Aligned && b.Score != want {
					t.Errorf("shard %d: score %d, expected %d", i, b.Score, want)
				}
				if b.Score <= b.Ticks || b.Score >= 3*b.Ticks {
					t.Errorf("shard %d: a score of %d from %d steps of 1 to 3", i, b.Score, b.Ticks)
				}
				if want := dt * float64(ticks); math.Abs(b.Time-want) > 1e-6*want {
					t.Fatalf("shard %d: %v seconds after %d ticks, expected %v", i, b.Time, ticks, want)
				}
				if i > 0 && b.Seed == shards[i-1].Seed {
					t.Errorf("two shards have the seed %d", b.Seed)
				}
			}
		})
	}
}

// score is that after steps of 1, of 2 from the second generation on, and of 3 from the third.
func score(ticks int64, second, third engine.Generation) int64 {
	a, b := int64(second.Activation), int64(third.Activation)
	return a + 2*(b-a) + 3*(ticks-b)
}

// TestTicksEndsTheRunAtExactlyThatTick, with a swap under way or without.
func TestTicksEndsTheRunAtExactlyThatTick(t *testing.T) {
	t.Parallel()
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		cfg := workshop(t)
		cfg.Shards, cfg.Workers, cfg.Ticks, cfg.Swap = 7, 3, 60, mode
		h := start(t, cfg, probe(t))
		h.await(engine.Running)
		h.deliver(probe(t).stamped("other"))
		h.untilEnded()
		for i, b := range h.books() {
			if b.Ticks != 60 || b.Score != 60 {
				t.Errorf("%v: shard %d: expected 60 ticks, got %+v", mode, i, b)
			}
		}
	}
}

// TestSeedsAreDeterministic: they depend on the engine's seed and the shard alone.
func TestSeedsAreDeterministic(t *testing.T) {
	t.Parallel()
	seeds := func(seed uint64, shards, workers int) map[uint64]bool {
		cfg := workshop(t)
		cfg.Seed, cfg.Shards, cfg.Workers, cfg.Ticks = seed, shards, workers, 1
		set := make(map[uint64]bool)
		for _, b := range start(t, cfg, probe(t)).untilEnded().books() {
			set[b.Seed] = true
		}
		if len(set) != shards || set[0] {
			t.Errorf("expected a seed for each of %d shards, got %v", shards, set)
		}
		return set
	}
	one := seeds(7, 8, 1)
	for _, same := range []map[uint64]bool{seeds(7, 8, 1), seeds(7, 8, 4)} {
		if fmt.Sprint(same) != fmt.Sprint(one) {
			t.Errorf("the same seed gave other numbers: %v and %v", one, same)
		}
	}
	for s := range seeds(7, 3, 1) { // the first shards of them
		if !one[s] {
			t.Errorf("%d depends on the number of shards", s)
		}
	}
	for s := range seeds(8, 8, 1) {
		if one[s] {
			t.Errorf("%d comes from the seeds 7 and 8", s)
		}
	}
}

// TestTwoEnginesInOneProcess share nothing, not even a library with the same bytes.
func TestTwoEnginesInOneProcess(t *testing.T) {
	t.Parallel()
	a, b := start(t, workshop(t), probe(t)), start(t, workshop(t), probe(t))
	a.await(engine.Running)
	b.await(engine.Running)
	var active [2][]uint64
	for i := range 3 {
		step := fmt.Sprintf("-DSTEP=%d", i+2)
		for j, h := range []*host{a, b} {
			h.deliver(probe(t, step))
			g := h.swapped()
			if g.Number != uint64(i)+2 {
				t.Errorf("engine %d: generation %d", j, g.Number)
			}
			active[j] = append(active[j], g.Activation)
		}
	}
	// One ends, the other goes on and reloads.
	books := []books{a.books()[0]}
	checkNothingLeft(t, a)
	b.stillTicks(b.Status().Generation)
	b.deliver(probe(t).stamped("last"))
	last := b.swapped()
	b.reach(last.Activation + 5)
	active[1] = append(active[1], last.Activation)
	books = append(books, b.books()[0])
	checkNothingLeft(t, b)
	for j, steps := range [][]int64{{1, 2, 3, 4}, {1, 2, 3, 4, 1}} {
		want, from := int64(0), int64(0)
		for i, step := range steps {
			to := books[j].Ticks
			if i < len(active[j]) {
				to = int64(active[j][i])
			}
			want += step * (to - from)
			from = to
		}
		if books[j].Score != want || int(books[j].Left) != len(active[j]) {
			t.Errorf("engine %d: changes at ticks %v, expected a score of %d, got %+v", j, active[j], want, books[j])
		}
	}
}
