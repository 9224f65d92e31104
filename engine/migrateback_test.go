package engine_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hotreload/engine"
)

// TestFaultAfterMigration: the state goes back to the old layout, and where there is a way back for its bytes no shard
// loses a tick, not even the one that faulted.
func TestFaultAfterMigration(t *testing.T) {
	t.Parallel()
	const ok = 30 // ticks on the new layout before the fault
	bonus := fmt.Sprintf("-DBONUS=%d", 1000+ok)
	for _, c := range []struct {
		name     string
		layout   int
		switches []string
		free     bool
	}{
		{name: "back", layout: 2},
		{name: "back, free-running", layout: 2, free: true},
		{name: "back, poisoned", layout: 2, switches: []string{"-DHARM=abort()"}},
		{name: "back, batch", layout: 2, switches: []string{"-DBATCH"}},
		{name: "back, hangs", layout: 2, switches: []string{"-DHARM=for(;;)__asm__ volatile(\"\")"}},
		{name: "kept", layout: 4},
		{name: "kept, poisoned", layout: 4, switches: []string{"-DHARM=abort()"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := field(t, engine.MigrateAuto)
			cfg.TickKill = 50 * time.Millisecond
			if c.free {
				cfg.Tick = engine.FreeRunning
			}
			h := start(t, cfg, shape(t, 1))
			h.await(engine.Running)
			h.reach(20)
			h.deliver(shape(t, c.layout, append(c.switches, "-DSTEP=3", bonus, victim(5))...))
			second := h.swapped()
			ev := h.await(engine.RolledBack)
			m, third := ev.Migration, ev.Generation
			back := c.layout == 2
			switch {
			case m == nil:
				t.Fatal("expected a migration back")
			case back && m.Way != engine.Back, !back && (m.Way != engine.AsKept || m.Kept != second.Activation):
				t.Errorf("expected another way, got %+v", m)
			}
			h.outcome(engine.ExitRolledBack)
			h.reach(third.Activation + 20)
			n, r := int64(second.Activation), int64(third.Activation)
			total := int64(0)
			for seed, b := range h.records() {
				if total == 0 {
					total = b.Ticks
				}
				want := b.Ticks // of the score
				if back {
					want += 2 * (r - n)
					if seed == seedOf(5) {
						want = b.Ticks + 2*(ok-1) // the rest by the old code
					}
					if c.switches != nil && c.switches[0] == "-DBATCH" {
						want = 0 // which shards of the worker had run the tick is not known
					} else if c.name == "back, poisoned" {
						want = 0 // from the fault on nothing of it runs, wherever a worker was
					}
				}
				if b.Layout != 1 || b.Ticks != total || want != 0 && b.Score != want || b.Inits != 1 {
					t.Errorf("shard with seed %d: ticks on the new layout from %d to %d, expected a score of %d, got %+v", seed, n, r, want, b)
				}
			}
			if ticks := int64(h.Status().Ticks); back && total != ticks || !back && total != ticks-(r-n) {
				t.Errorf("expected ticks from %d to %d to count (%v), and %d in all, got %d", n, r, back, ticks, total)
			}
		})
	}
}

// TestRollbackByHandAcrossMigrations: over one migration and over two, and forward again.
func TestRollbackByHandAcrossMigrations(t *testing.T) {
	t.Parallel()
	h := start(t, field(t, engine.MigrateAuto), shape(t, 1))
	h.await(engine.Running)
	h.reach(20)
	h.deliver(shape(t, 2))
	h.swapped()
	h.deliver(shape(t, 3))
	h.reach(h.swapped().Activation + 5)
	back := func(to uint64, way engine.Way, layout int) engine.Generation {
		t.Helper()
		if err := h.Rollback(t.Context(), to); err != nil {
			t.Fatalf("Rollback(%d): %v", to, err)
		}
		ev := h.await(engine.RolledBack)
		if ev.Migration == nil || ev.Migration.Way != way {
			t.Fatalf("Rollback(%d): expected the way %s, got %+v", to, way, ev.Migration)
		}
		h.reach(ev.Generation.Activation + 5)
		view, err := h.State(t.Context(), 0, 1)
		if err != nil || hasField(view.Layout, "bonus") != (layout > 1) || hasField(view.Layout, "extra") != (layout > 2) {
			t.Fatalf("expected layout %d, got %v, %v", layout, view, err)
		}
		return ev.Generation
	}
	back(1, engine.Back, 1)   // over two
	back(3, engine.ByName, 3) // forward: the arenas on the way were given up
	back(1, engine.Back, 1)
	back(2, engine.ByName, 2)
	h.deliver(shape(t, 4))
	fourth := h.swapped()
	h.reach(fourth.Activation + 5)
	if g := back(2, engine.AsKept, 2); g.Activation <= fourth.Activation {
		t.Errorf("expected ticks to go on, got %+v after %+v", g, fourth)
	}
	// The same layout as once before is a layout like any other.
	h.deliver(shape(t, 1, "-DSTEP=7"))
	if m := h.await(engine.Swapped, engine.Rejected).Migration; m == nil || !slices.Equal(m.Dropped, []string{"bonus"}) {
		t.Fatalf("expected a migration that drops bonus, got %+v", m)
	}
	ticks := int64(-1)
	for _, r := range h.records() {
		if ticks < 0 {
			ticks = r.Ticks
		}
		if r.Layout != 1 || r.Ticks != ticks || r.Inits != 1 {
			t.Errorf("expected %d ticks, got %+v", ticks, r)
		}
	}
}

// TestHookFaultAfterMigration: a fault in the after_reload of code that has just come takes all shards back.
func TestHookFaultAfterMigration(t *testing.T) {
	t.Parallel()
	h := start(t, field(t, engine.MigrateAuto), shape(t, 1))
	h.await(engine.Running)
	h.reach(20)
	h.deliver(shape(t, 2, "-DBAD_ARRIVAL", victim(3)))
	ev := h.await(engine.RolledBack)
	h.reach(ev.Generation.Activation + 5)
	for _, r := range h.records() {
		if r.Layout != 1 || r.Ticks != r.Score || r.Ticks != int64(h.Status().Ticks) {
			t.Errorf("expected every tick once on the old layout, got %+v", r)
		}
	}
}

// TestLateFaultAcrossMigration: long after the probation, with the old library closed, and another swap in between.
func TestLateFaultAcrossMigration(t *testing.T) {
	t.Parallel()
	cfg := field(t, engine.MigrateAuto)
	cfg.ProbationTicks = 2
	h := start(t, cfg, shape(t, 1))
	h.await(engine.Running)
	h.reach(20)
	armed := filepath.Join(filepath.Dir(cfg.Watch[0]), "armed")
	faulting := []string{`-DARMED="` + armed + `"`, victim(5)}
	h.deliver(shape(t, 2, faulting...))
	h.swapped()
	h.await(engine.Reclaimed)
	h.deliver(shape(t, 2, append(faulting, "-DMIGRATE")...)) // other bytes, the same fault
	h.swapped()
	h.await(engine.Reclaimed)
	h.write("armed", "")
	// The first rollback is to the same fault, which comes with the next tick; only the second is to another layout.
	if m := h.await(engine.RolledBack).Migration; m != nil {
		t.Errorf("expected a rollback on the same layout, got %+v", m)
	}
	ev := h.await(engine.RolledBack)
	if m := ev.Migration; m == nil || m.Way != engine.Back {
		t.Fatalf("expected a way back, got %+v", m)
	}
	h.reach(ev.Generation.Activation + 5)
	for _, r := range h.records() {
		if r.Layout != 1 || r.Ticks != r.Score || r.Ticks != int64(h.Status().Ticks) {
			t.Errorf("expected every one of %d ticks once, got %+v", h.Status().Ticks, r)
		}
	}
}
