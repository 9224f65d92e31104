package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/abi"
	"hotreload/engine/state"
	"hotreload/epoch"
)

// shape is testdata/shape.c in a layout, with further switches.
func shape(t *testing.T, layout int, switches ...string) library {
	t.Helper()
	return compile(t, "testdata/shape.c", append([]string{fmt.Sprintf("-DLAYOUT=%d", layout)}, switches...)...)
}

// record is what the shutdown of testdata/shape.c leaves of a shard, whatever its layout.
type record struct {
	Seed                 uint64
	Layout               int64
	Ticks, Score         int64
	Inits, Left, Arrived int64
	Bonus                int64
}

// records ends the run and returns the final state of each shard by seed.
func (h *host) records() map[uint64]record {
	h.t.Helper()
	h.finish()
	content, err := os.ReadFile(h.dump)
	if err != nil {
		h.t.Fatalf("the plugin's shutdown left no state: %v", err)
	}
	list := make([]record, h.Status().Shards)
	if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, list); err != nil {
		h.t.Fatal(err)
	}
	shards := make(map[uint64]record)
	for _, r := range list {
		shards[r.Seed] = r
	}
	if len(shards) != len(list) || len(content) != binary.Size(list) {
		h.t.Fatalf("expected one record for each of %d shards, got %d of them in %d bytes", len(list), len(shards), len(content))
	}
	return shards
}

// seedOf is the seed that shard i is given by Config.Seed 0.
func seedOf(i int) uint64 {
	z := (uint64(i) + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// victim names the shard to testdata/shape.c.
func victim(shard int) string { return fmt.Sprintf("-DVICTIM=%dULL", seedOf(shard)) }

// field is a workshop for several shards and workers where states migrate.
func field(t *testing.T, mode engine.Migrate) engine.Config {
	t.Helper()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers, cfg.Migrate, cfg.ProbationTicks = 13, 3, mode, 100000
	cfg.TickDeadline = deadline // a busy machine is no worker that does not come
	return cfg
}

// TestMigrateByName: every tick counts once, on the old layout before the activation tick and on the new one after it.
func TestMigrateByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		swap    epoch.Mode
		free    bool
		workers int
		batch   bool
	}{{workers: 3}, {workers: 1}, {workers: 3, free: true}, {workers: 4, batch: true}, {swap: epoch.Immediate, workers: 3}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			cfg := field(t, engine.MigrateAuto)
			cfg.Swap, cfg.Workers = c.swap, c.workers
			if c.free {
				cfg.Tick = engine.FreeRunning
			}
			var batch []string
			if c.batch {
				batch = append(batch, "-DBATCH")
			}
			h := start(t, cfg, shape(t, 1, batch...))
			h.await(engine.Running)
			h.reach(20)
			h.deliver(shape(t, 2, append(batch, "-DSTEP=3")...))
			ev := h.await(engine.Swapped, engine.Rejected)
			m := ev.Migration
			if m == nil || m.Way != engine.ByName || !slices.Equal(m.Added, []string{"bonus"}) || m.Dropped != nil || m.Held <= 0 {
				t.Fatalf("expected a migration that adds bonus, got %+v, %v", m, ev.Err)
			}
			if ev.Stages.Migrate != m.Held {
				t.Errorf("held for %v, but the stage took %v", m.Held, ev.Stages.Migrate)
			}
			h.reach(m.Tick + 20)
			view, err := h.State(t.Context(), 0, 2)
			if err != nil || view.Layout.Size != uint64(len(view.Shards[0])) || !hasField(view.Layout, "bonus") {
				t.Errorf("expected a view in the new layout, got %+v, %v", view, err)
			}
			for seed, r := range h.records() {
				since := r.Bonus - 1000 // the ticks on the new layout
				if r.Layout != 2 || r.Inits != 1 || r.Left != 1 || r.Arrived != 1 || since <= 0 || r.Score != r.Ticks+2*since {
					t.Errorf("shard with seed %d: %+v", seed, r)
				}
				if c.swap == epoch.Aligned && r.Ticks-since != int64(ev.Generation.Activation) {
					t.Errorf("expected %d ticks on the old layout, got %+v", ev.Generation.Activation, r)
				}
			}
		})
	}
}

func hasField(l *state.Layout, name string) bool {
	return slices.ContainsFunc(l.Fields, func(f state.Field) bool { return f.Name == name })
}

// TestMigrateByPlugin: what the plugin's migrate makes of a state prepared by init is the state.
func TestMigrateByPlugin(t *testing.T) {
	t.Parallel()
	for _, mode := range []engine.Migrate{engine.MigrateAuto, engine.MigratePlugin} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := start(t, field(t, mode), shape(t, 1))
			h.await(engine.Running)
			h.reach(20)
			// By name the score would be dropped without a word of migrate: auto prefers that, so it gets a field that does not fit.
			layout := 5
			if mode == engine.MigrateAuto {
				layout = 6
			}
			h.deliver(shape(t, layout, "-DMIGRATE", "-DSTEP=3"))
			ev := h.await(engine.Swapped, engine.Rejected)
			if ev.Migration == nil || ev.Migration.Way != engine.ByPlugin {
				t.Fatalf("expected a migration by the plugin, got %+v, %v", ev.Migration, ev.Err)
			}
			h.reach(ev.Migration.Tick + 20)
			n := int64(ev.Generation.Activation)
			for _, r := range h.records() {
				if r.Inits != 11 || r.Left != 1 || r.Arrived != 1 || r.Score != n*1000+3*(r.Ticks-n) {
					t.Errorf("expected a score of 1000 a tick before tick %d, 3 after it, got %+v", n, r)
				}
			}
		})
	}
}

// TestMigrationRefused: the reason names the fields and the way on, and the old code goes on.
func TestMigrationRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		mode     engine.Migrate
		from     int
		to       library
		words    []string
		obstacle bool
	}{
		{"off, but possible", engine.MigrateOff, 1, shape(t, 3), []string{"state_size", "--migrate=auto"}, false},
		{"off, only by migrate", engine.MigrateOff, 4, shape(t, 1, "-DMIGRATE"), []string{"state_size", "--migrate=plugin"}, false},
		{"off, impossible", engine.MigrateOff, 4, shape(t, 1), []string{"state_size", "restart"}, false},
		{"auto, impossible", engine.MigrateAuto, 4, shape(t, 1), []string{"score (i64@", "to i32@", "64 bits do not fit into 32", "export a migrate"}, true},
		{"plugin, without migrate", engine.MigratePlugin, 1, shape(t, 3), []string{"exports no migrate", "--migrate=auto"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := start(t, field(t, c.mode), shape(t, c.from))
			first := h.await(engine.Running).Generation
			h.deliver(c.to)
			var layout *engine.LayoutError
			refused(t, h.await(engine.Rejected).Err, engine.StageGuard, &layout, c.words...)
			if len(layout.Differences) < 2 || layout.Table() == "" || (layout.Obstacle != nil) != c.obstacle {
				t.Errorf("expected the differences, got %+v", layout)
			}
			if size := (*abi.Mismatch)(nil); !errors.As(layout, &size) || size.Field != "state_size" {
				t.Errorf("expected the sizes, got %+v", layout)
			}
			h.outcome(engine.ExitGuard)
			h.stillTicks(first)
			for _, r := range h.records() {
				if r.Ticks != r.Score || r.Inits != 1 || r.Left+r.Arrived != 0 {
					t.Errorf("the old state was touched: %+v", r)
				}
			}
		})
	}
}

// TestFaultInMigration: a fault on one shard leaves all of them where they were, and the tick is run by the old code.
func TestFaultInMigration(t *testing.T) {
	t.Parallel()
	poison := "-DHARM=abort()"
	spin := "-DHARM=for(;;)__asm__ volatile(\"\")"
	for _, c := range []struct {
		name     string
		library  library
		function string
	}{
		{"init", shape(t, 2, "-DBAD_INIT=9"), "init"},
		{"init aborts", shape(t, 2, "-DBAD_INIT=9", poison), "init"},
		{"init hangs", shape(t, 2, "-DBAD_INIT=9", spin), "init"},
		{"seed", shape(t, 2, "-DBAD_SEED", victim(12)), "seed"},
		{"migrate", shape(t, 6, "-DMIGRATE", victim(7)), "migrate"},
		{"migrate aborts", shape(t, 6, "-DMIGRATE", victim(7), poison), "migrate"},
		{"migrate hangs", shape(t, 6, "-DMIGRATE", victim(0), spin), "migrate"},
		{"migrate writes to the old state", shape(t, 6, "-DMIGRATE", "-DSCRIBBLE"), ""},
	} {
		for _, swap := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
			t.Run(c.name+" "+swap.String(), func(t *testing.T) {
				t.Parallel()
				cfg := field(t, engine.MigrateAuto)
				cfg.Swap, cfg.TickKill = swap, 50*time.Millisecond
				h := start(t, cfg, shape(t, 1))
				first := h.await(engine.Running).Generation
				h.reach(20)
				h.deliver(c.library)
				err := h.await(engine.Rejected, engine.Swapped).Err
				if c.function == "" {
					var written *engine.SourceError
					refused(t, err, engine.StageMigrate, &written, "old state")
				} else {
					var fault *engine.FaultError
					refused(t, err, engine.StageMigrate, &fault, c.function)
					if fault.Function != c.function || fault.Generation != 2 {
						t.Errorf("expected a fault in %s of generation 2, got %+v", c.function, fault)
					}
				}
				h.outcome(engine.ExitRolledBack)
				h.stillTicks(first)

				// What faulted is not tried again; a good one is taken.
				h.deliver(shape(t, 2, "-DSTEP=3"))
				second := h.swapped()
				h.reach(second.Activation + 20)
				for _, r := range h.records() {
					since := r.Bonus - 1000
					if r.Layout != 2 || r.Inits != 1 || r.Left != r.Arrived || r.Score != r.Ticks+2*since {
						t.Errorf("expected a state without a trace of the failure, got %+v", r)
					}
					if swap == epoch.Aligned && r.Ticks-since != int64(second.Activation) {
						t.Errorf("expected %d ticks on the old layout, got %+v", second.Activation, r)
					}
				}
			})
		}
	}
}

// TestMigrationWhilePaused: the state changes over between two ticks, and the next step is on the new layout.
func TestMigrationWhilePaused(t *testing.T) {
	t.Parallel()
	h := start(t, field(t, engine.MigrateAuto), shape(t, 1))
	h.await(engine.Running)
	if err := h.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.deliver(shape(t, 2))
	ev := h.await(engine.Swapped, engine.Rejected)
	if ev.Migration == nil || h.Status().Ticks != ev.Migration.Tick {
		t.Fatalf("expected a migration at tick %d, got %+v, %v", h.Status().Ticks, ev.Migration, ev.Err)
	}
	if err := h.Step(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.records() {
		if r.Layout != 2 || r.Bonus != 1007 || r.Ticks != int64(ev.Migration.Tick)+7 {
			t.Errorf("expected 7 ticks on the new layout after tick %d, got %+v", ev.Migration.Tick, r)
		}
	}
}

// TestOldLayoutIsForgotten: with the last artifact of it.
func TestOldLayoutIsForgotten(t *testing.T) {
	t.Parallel()
	cfg := field(t, engine.MigrateAuto)
	cfg.Keep = 1
	h := start(t, cfg, shape(t, 1))
	h.await(engine.Running)
	for _, layout := range []int{2, 3} {
		h.deliver(shape(t, layout))
		h.swapped()
	}
	var gone *engine.NotKeptError
	if err := h.Rollback(t.Context(), 1); !errors.As(err, &gone) {
		t.Errorf("expected %T, got %v", gone, err)
	}
	if err := h.Rollback(t.Context(), 0); err != nil {
		t.Errorf("to the last one: %v", err)
	}
	h.finish()
}

// TestMigrationWithAWorkerThatDoesNotCome: those that are there go on without it, and so does the end of a run.
func TestMigrationWithAWorkerThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for _, end := range []bool{false, true} {
		t.Run(fmt.Sprintf("end=%v", end), func(t *testing.T) {
			t.Parallel()
			cfg := field(t, engine.MigrateAuto)
			cfg.Swap = epoch.Immediate // in aligned mode nobody goes far without it anyhow
			gate := filepath.Join(filepath.Dir(cfg.Watch[0]), "gate")
			if !end {
				cfg.TickDeadline, cfg.TickKill = 100*time.Millisecond, 100*time.Millisecond
			}
			h := start(t, cfg, shape(t, 1, victim(4), `-DGATE="`+gate+`"`))
			first := h.await(engine.Running).Generation
			h.write("gate", "")
			eventually(t, "the worker is in the gate", func() bool { _, err := os.Stat(gate + ".in"); return err == nil })
			h.deliver(shape(t, 2))
			h.await(engine.Built)
			if end {
				h.cancel()
				h.remove("gate") // before the pipeline gives up or after it
			} else {
				var absent *engine.AbsentError
				refused(t, h.await(engine.Rejected, engine.Swapped).Err, engine.StageMigrate, &absent, "did not come")
				h.remove("gate")
				h.stillTicks(first)
			}
			layout := int64(1)
			for _, r := range h.records() {
				if end { // when the worker came before the pipeline saw the end, all have migrated
					layout = max(layout, r.Layout)
				}
				if r.Layout != layout || r.Ticks != r.Score || r.Left != r.Arrived {
					t.Errorf("expected every tick once, on layout %d, got %+v", layout, r)
				}
			}
		})
	}
}

// TestFaultWhileAMigrationWaits: the worker for which the others wait faults in the tick before, on code that is off
// probation, so that it waits for what is to take its place. That comes first: the migration is given up.
func TestFaultWhileAMigrationWaits(t *testing.T) {
	t.Parallel()
	cfg := field(t, engine.MigrateAuto)
	cfg.Swap, cfg.ProbationTicks = epoch.Immediate, 2 // the others come without the one
	dir := filepath.Dir(cfg.Watch[0])
	h := start(t, cfg, shape(t, 1))
	h.await(engine.Running)
	h.deliver(shape(t, 1, victim(4), `-DGATE="`+dir+`/gate"`, `-DARMED="`+dir+`/armed"`))
	h.swapped()
	h.await(engine.Reclaimed)
	h.write("gate", "")
	eventually(t, "the worker is in the gate", func() bool { _, err := os.Stat(filepath.Join(dir, "gate.in")); return err == nil })
	h.deliver(shape(t, 2))
	h.await(engine.Built)
	last, since := h.Status().Ticks, 0
	eventually(t, "the others wait", func() bool {
		if sum := ticks(h); sum != last {
			last, since = sum, 0
		}
		since++
		return since > 100
	})
	h.write("armed", "")
	h.remove("gate")
	if h.await(engine.Rejected, engine.RolledBack).Kind == engine.Rejected {
		var interrupted *engine.InterruptedError
		refused(t, h.history[len(h.history)-1].Err, engine.StageMigrate, &interrupted, "interrupted", "save again")
		h.await(engine.RolledBack)
		h.stillTicks(h.Status().Generation)
	} // else the machine was so busy that the migration had not been published
	for _, r := range h.records() {
		if r.Ticks != r.Score || r.Inits != 1 || r.Arrived != r.Left+1 { // code that has faulted is not asked to leave
			t.Errorf("expected every tick once, got %+v", r)
		}
	}
}

// ticks returns the ticks of all workers together.
func ticks(h *host) (sum uint64) {
	for _, w := range h.Workers() {
		sum += w.Tick
	}
	return sum
}

// TestMigrationsInAStorm: layouts to and fro, workers more and fewer, rollbacks and looks at the state, at full speed.
func TestMigrationsInAStorm(t *testing.T) {
	t.Parallel()
	for _, swap := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(swap.String(), func(t *testing.T) {
			t.Parallel()
			cfg := field(t, engine.MigrateAuto)
			cfg.Swap, cfg.Tick, cfg.Shards, cfg.Keep = swap, engine.FreeRunning, 101, 2
			h := start(t, cfg, shape(t, 1))
			h.await(engine.Running)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h.group.Go(func() error {
				for i := 0; ctx.Err() == nil; i++ {
					if err := h.Resize(1 + i%5); err != nil {
						return fmt.Errorf("resize: %w", err)
					}
					view, err := h.State(ctx, i%100, 1)
					if err == nil && uint64(len(view.Shards[0])) != view.Layout.Size {
						return fmt.Errorf("a view of %d bytes in a layout of %d", len(view.Shards[0]), view.Layout.Size)
					}
				}
				return nil
			})
			for i := range 40 {
				h.deliver(shape(t, []int{1, 2, 3}[i%3]).stamped(fmt.Sprint(i)))
				h.swapped()
				if i%8 == 7 {
					if err := h.Rollback(t.Context(), 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			cancel()
			shards, want := h.records(), int64(h.Status().Ticks)
			for _, ev := range h.history {
				if m := ev.Migration; m != nil && m.Way == engine.AsKept {
					want -= int64(m.Tick - m.Kept)
				}
			}
			for _, r := range shards {
				if r.Ticks != r.Score || r.Inits != 1 || r.Left != r.Arrived || swap == epoch.Aligned && r.Ticks != want {
					t.Fatalf("expected every one of %d ticks once, got %+v", want, r)
				}
			}
		})
	}
}

// TestMigrationInAStateFile: the file has the name and the layout of what runs, after a migration and after the way back.
func TestMigrationInAStateFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	begin := func(layout int) (*host, engine.Generation) {
		t.Helper()
		cfg := field(t, engine.MigrateAuto)
		cfg.StateFile = path
		h := start(t, cfg, shape(t, layout))
		return h, h.await(engine.Running).Generation
	}
	h, _ := begin(1)
	h.reach(20)
	h.deliver(shape(t, 3))
	h.reach(h.swapped().Activation + 5)
	h.deliver(shape(t, 2, "-DBONUS=1030", victim(5)))
	h.swapped()
	if m := h.await(engine.RolledBack).Migration; m == nil || m.Way != engine.AsKept { // extra was dropped
		t.Fatalf("expected what was kept, got %+v", m)
	}
	h.reach(h.Status().Ticks + 5)
	if err := h.Rollback(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if m := h.await(engine.RolledBack).Migration; m == nil || m.Way != engine.Back {
		t.Fatalf("expected a way back, got %+v", m)
	}
	h.reach(h.Status().Ticks + 5)
	left, ticks := h.records(), h.Status().Ticks

	h, first := begin(1)
	if first.Activation != ticks {
		t.Errorf("taken up at tick %d, expected %d", first.Activation, ticks)
	}
	h.deliver(shape(t, 2))
	second := h.swapped()
	h.reach(second.Activation + 5)
	for seed, r := range h.records() {
		since, before := int64(h.Status().Ticks-ticks), left[seed]
		if r.Layout != 2 || r.Inits != 1 || r.Ticks != before.Ticks+since || r.Score != before.Score+since {
			t.Errorf("%d ticks later: %+v after %+v", since, r, before)
		}
	}
	h, third := begin(2)
	h.reach(third.Activation + 5)
	h.finish()
}
