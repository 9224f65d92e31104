package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/epoch"
)

// TestStepsAreExact: a paused simulation runs the ticks that it is told to and no more, also across a swap.
func TestStepsAreExact(t *testing.T) {
	t.Parallel()
	for _, tick := range []time.Duration{time.Millisecond, engine.FreeRunning} {
		t.Run(fmt.Sprint(tick), func(t *testing.T) {
			t.Parallel()
			cfg := workshop(t)
			cfg.Shards, cfg.Workers, cfg.Tick, cfg.Paused = 5, 2, tick, true
			h := start(t, cfg, probe(t))
			first := h.await(engine.Running).Generation
			step := func(n uint64) {
				t.Helper()
				if err := h.Step(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			step(0)
			step(10)
			if ticks := h.Status().Ticks; ticks != 10 {
				t.Errorf("%d ticks after a step of 10", ticks)
			}
			h.deliver(probe(t, "-DSTEP=100"))
			second := h.swapped()
			if second.Activation != 10 {
				t.Errorf("swapped in from tick %d on, expected 10", second.Activation)
			}
			if got := h.Status().Ticks; got != 10 {
				t.Errorf("%d ticks after a swap, expected 10 still", got)
			}
			step(7)
			if err := h.Pause(t.Context()); err != nil { // no news
				t.Fatal(err)
			}
			step(1)
			for i, b := range h.books() {
				if b.Ticks != 18 || b.Score != 10+800 || b.Arrived != 1 {
					t.Errorf("shard %d: expected 18 ticks and a score of 810, got %+v", i, b)
				}
			}
			if second.Number != first.Number+1 {
				t.Errorf("generation %d after %d", second.Number, first.Number)
			}
		})
	}
}

// TestPause: it stops the ticks and nothing else, and the time it took is not made up for.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			cfg := workshop(t)
			cfg.Shards, cfg.Workers, cfg.Swap = 6, 3, mode
			h := start(t, cfg, probe(t))
			h.await(engine.Running)
			if err := h.Step(t.Context(), 1); !errors.Is(err, engine.ErrNotPaused) {
				t.Errorf("a step of what runs: %v", err)
			}
			h.reach(5)
			for range 3 {
				if err := h.Pause(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.await(engine.Paused)
				if !h.Status().Paused {
					t.Error("the status does not say so")
				}
				if mode == epoch.Aligned {
					stands := h.Status().Ticks
					view, err := h.State(t.Context(), 0, 6)
					if err != nil || view.Tick != stands {
						t.Fatalf("the state of tick %v: %v, expected of %d", view, err, stands)
					}
				}
				if err := h.Resize(2); err != nil {
					t.Fatal(err)
				}
				h.deliver(probe(t, "-DSTEP=2").stamped(fmt.Sprint(h.Status().Swaps)))
				h.swapped()
				if err := h.Resume(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.await(engine.Resumed)
				h.reach(h.Status().Ticks + 5)
			}
			for i, b := range h.books() {
				if b.Inits != 1 || b.Arrived != 3 {
					t.Errorf("shard %d: expected 3 arrivals, got %+v", i, b)
				}
			}
			if err := h.Pause(t.Context()); !errors.Is(err, engine.ErrNotRunning) {
				t.Errorf("Pause after the end: %v", err)
			}
		})
	}
}

// TestEndWhilePaused: a paused run ends, with shutdown for every shard.
func TestEndWhilePaused(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers = 4, 2
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.reach(3)
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	ticks := h.Status().Ticks
	for i, b := range h.books() {
		if b.Ticks != int64(ticks) {
			t.Errorf("shard %d: %d ticks, paused at %d", i, b.Ticks, ticks)
		}
	}
}

// TestPin: while a generation is pinned nothing replaces it, and what has come meanwhile does afterwards.
func TestPin(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t))
	first := h.await(engine.Running).Generation
	for range 2 {
		if err := h.Pin(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.await(engine.PinSet)
	h.deliver(probe(t, "-DSTEP=2"))
	if ev := h.await(engine.Swapped, engine.Rejected); !errors.Is(ev.Err, engine.ErrPin) {
		t.Fatalf("%s: %v, expected %v", ev.Kind, ev.Err, engine.ErrPin)
	}
	if err := h.Reload(t.Context()); !errors.Is(err, engine.ErrPin) {
		t.Errorf("Reload: %v", err)
	}
	if err := h.Rollback(t.Context(), 0); !errors.Is(err, engine.ErrPin) {
		t.Errorf("Rollback: %v", err)
	}
	if _, err := h.Push(t.Context(), engine.Push{Name: "x.so"}, bytes.NewReader(probe(t, "-DSTEP=3"))); !errors.Is(err, engine.ErrPin) {
		t.Errorf("Push: %v", err)
	}
	status := h.Status()
	if !status.Pin || status.Generation != first || status.Outcome != nil {
		t.Errorf("status while pinned: %+v", status)
	}
	if err := h.Unpin(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.await(engine.Swapped)
}

// TestAFaultRollsBackAPinnedGeneration: safety comes first.
func TestAFaultRollsBackAPinnedGeneration(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Tick = engine.FreeRunning
	cfg.Paused = true
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DLIMIT=5", "-DAT_LIMIT=__builtin_trap()"))
	h.swapped()
	if err := h.Pin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.await(engine.RolledBack)
}

// TestWorkers: each worker says where it is.
func TestWorkers(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers = 7, 3
	h := start(t, cfg, probe(t))
	g := h.await(engine.Running).Generation
	h.reach(20)
	h.Workers() // asks for what they have recorded
	eventually(t, "every worker tells of its ticks", func() bool {
		shards := 0
		for i, w := range h.Workers() {
			if w.Worker != i || w.Generation != g.Number || w.Stuck != 0 {
				t.Fatalf("worker %d: %+v", i, w)
			}
			if w.Timing.Late.Count == 0 || w.Timing.Took.Count == 0 {
				return false
			}
			shards += w.Count
		}
		return shards == 7
	})
	if all := h.Timing(); all.Late.Count == 0 || all.Worker != -1 {
		t.Errorf("all together: %+v", all)
	}
	h.finish()
	if list := h.Workers(); list != nil {
		t.Errorf("after the end: %+v", list)
	}
}
