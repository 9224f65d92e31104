package engine_test

import (
	"errors"
	"fmt"
	"testing"

	"hotreload/engine"
	"hotreload/epoch"
)

// TestResize: the number of workers changes between swaps, before them and after, and no shard loses a tick.
func TestResize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		swap epoch.Mode
		free bool
	}{{}, {free: true}, {swap: epoch.Immediate}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			cfg := workshop(t)
			cfg.Shards, cfg.Workers, cfg.Swap = 24, 2, c.swap
			if c.free {
				cfg.Tick = engine.FreeRunning
			}
			h := start(t, cfg, probe(t))
			h.await(engine.Running)
			resize := func(n, want int) {
				t.Helper()
				if err := h.Resize(n); err != nil {
					t.Fatalf("Resize(%d): %v", n, err)
				}
				if got := h.Status().Workers; got != want {
					t.Errorf("%d workers after Resize(%d), expected %d", got, n, want)
				}
			}
			resize(7, 7)
			h.deliver(probe(t, "-DSTEP=2"))
			second := h.swapped()
			resize(1, 1)
			resize(100, 24)
			h.await(engine.Reclaimed)
			h.deliver(probe(t, "-DSTEP=3"))
			third := h.swapped()
			h.await(engine.Reclaimed)
			resize(3, 3)
			h.reach(h.Status().Ticks + 20)

			shards := h.books()
			for i, b := range shards {
				ticks := b.Ticks
				if c.swap == epoch.Aligned {
					ticks = shards[0].Ticks
				}
				if b.Inits != 1 || b.Left != 2 || b.Arrived != 2 || b.Step != 3 || b.Ticks != ticks {
					t.Fatalf("shard %d: expected one init, two changes, %d ticks, got %+v", i, ticks, b)
				}
				if want := score(ticks, second, third); c.swap == epoch.Aligned && b.Score != want {
					t.Errorf("shard %d: score %d, expected %d", i, b.Score, want)
				}
			}
			if err := h.Resize(2); !errors.Is(err, engine.ErrNotRunning) {
				t.Errorf("Resize after the end: %v, expected %v", err, engine.ErrNotRunning)
			}
		})
	}
}

func TestResizeRefuses(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	for _, n := range []int{-1, 0, engine.MaxWorkers + 1} {
		if err := h.Resize(n); !errors.Is(err, engine.ErrConfig) {
			t.Errorf("Resize(%d): %v, expected %v", n, err, engine.ErrConfig)
		}
	}
	h.finish()
}

// TestResizeKeepsProbation: workers that take over shards know since when they run the new code, so a fault loses no tick
// of theirs either.
func TestResizeKeepsProbation(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers, cfg.Tick, cfg.Paused = 9, 2, engine.FreeRunning, true
	cfg.ProbationTicks, cfg.SnapshotBytes = 20, -1
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	step := func(n uint64) {
		t.Helper()
		if err := h.Step(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	step(100)
	h.deliver(probe(t, "-DLIMIT=105", "-DAT_LIMIT=__builtin_trap()"))
	h.swapped()
	for _, n := range []int{4, 3} {
		if err := h.Resize(n); err != nil {
			t.Fatal(err)
		}
		step(1)
	}
	step(10)
	h.await(engine.RolledBack)
	for i, b := range h.books() {
		if b.Ticks != 112 || b.Score != 112 {
			t.Errorf("shard %d: expected 112 ticks, each counted once, got %+v", i, b)
		}
	}
}
