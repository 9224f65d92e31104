package engine_test

import (
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/journal"
)

// TestReplayRepeatsFaults: shards leave faulty code when their workers notice, at ticks that no one can know beforehand.
func TestReplayRepeatsFaults(t *testing.T) {
	t.Parallel()
	const seed = 42
	fault := "-DFAULT=s->ticks>=50&&" + shardIs(seed, 3)
	for name, set := range map[string]func(*engine.Config) []string{
		"on probation":           func(c *engine.Config) []string { c.ProbationTicks = 1 << 20; return nil },
		"after probation":        func(*engine.Config) []string { return nil },
		"in a batch":             func(*engine.Config) []string { return []string{"-DBATCH"} },
		"by the clock":           func(c *engine.Config) []string { c.Tick = time.Millisecond; return nil },
		"one worker":             func(c *engine.Config) []string { c.Workers = 1; return nil },
		"large shards, probated": func(c *engine.Config) []string { c.ProbationTicks = 1 << 20; return []string{"-DPAD=100000"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := journaled(t)
			cfg.Seed, cfg.Workers, cfg.Tick = seed, 2, engine.FreeRunning
			switches := set(&cfg)
			cfg.Paused = true
			h := start(t, cfg, chain(t, switches...))
			h.await(engine.Running)
			step := func(n uint64) {
				t.Helper()
				if err := h.Step(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			step(20)
			h.deliver(chain(t, append(switches, "-DMARK=2", fault)...))
			h.swapped()
			step(200)
			h.await(engine.RolledBack)
			step(20)
			h.deliver(chain(t, append(switches, "-DMARK=3")...))
			h.swapped()
			step(30)
			h.finish()
			run := repeats(t, cfg.Journal)
			var leaves int
			for _, e := range run.Entries {
				if e.Kind == journal.Leave {
					leaves++
				}
			}
			if leaves == 0 {
				t.Error("no shard has left the faulty code before its replacement, as the one that faulted must")
			}
		})
	}
}

// TestReplayRepeatsHeldShards: with nothing to roll back to, a shard stands still until the next good build.
func TestReplayRepeatsHeldShards(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Workers, cfg.Tick, cfg.Paused = 2, engine.FreeRunning, true
	h := start(t, cfg, chain(t, "-DFAULT=s->ticks==5&&("+shardIs(cfg.Seed, 3)+"||"+shardIs(cfg.Seed, 0)+")"))
	h.await(engine.Running)
	for _, mark := range []string{"-DMARK=2", "-DMARK=3"} {
		if err := h.Step(t.Context(), 30); err != nil {
			t.Fatal(err)
		}
		h.deliver(chain(t, mark))
		h.swapped()
	}
	h.finish()
	repeats(t, cfg.Journal)
}

// TestReplayIsHonest: what cannot be repeated to the bit is said.
func TestReplayIsHonest(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Workers, cfg.Tick, cfg.Paused, cfg.SnapshotBytes = 2, engine.FreeRunning, true, -1
	h := start(t, cfg, chain(t))
	h.await(engine.Running)
	h.deliver(chain(t, "-DMARK=2", "-DFAULT=s->ticks==50&&"+shardIs(cfg.Seed, 3)))
	h.swapped()
	if err := h.Step(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	h.finish()
	done, err := replay(t, cfg.Journal, readRun(t, cfg.Journal), 1)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(done.Inexact, "\n"); text != "shard 3 was left in the middle of tick 50, and what it had done stayed" {
		t.Errorf("inexact: %q", text)
	}
}

// TestReplayRepeatsAMigrationBackFromAFault: the shard that faulted makes up for its ticks, on the code before.
func TestReplayRepeatsAMigrationBackFromAFault(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Workers, cfg.Tick, cfg.Paused, cfg.Migrate = 2, engine.FreeRunning, true, engine.MigrateAuto
	h := start(t, cfg, chain(t))
	h.await(engine.Running)
	for _, next := range []library{chain(t, "-DMARK=2", "-DEXTRA", "-DFAULT=s->ticks==50&&"+shardIs(cfg.Seed, 3)), chain(t, "-DMARK=3", "-DEXTRA")} {
		if err := h.Step(t.Context(), 40); err != nil {
			t.Fatal(err)
		}
		h.deliver(next)
		h.swapped()
	}
	if err := h.Step(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	h.finish()
	if h.count(engine.RolledBack) != 1 {
		t.Errorf("events %v: expected a rollback", h.kinds())
	}
	repeats(t, cfg.Journal)
}

// TestReplayStopsAtAFault that the run did not have: the plugin depends on more than its state.
func TestReplayStopsAtAFault(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Paused = true
	l := chain(t, "-DFAULT=s->ticks==5&&"+shardIs(cfg.Seed+1, 3))
	h := start(t, cfg, l)
	h.await(engine.Running)
	if err := h.Step(t.Context(), 20); err != nil {
		t.Fatal(err)
	}
	h.finish()
	run := repeats(t, cfg.Journal)
	run.Seed++
	refusesReplay(t, "fault", cfg.Journal, run, 0, "generation 1 faulted in shard 3 at tick 5, which it did not in the run: SIGILL")
}
