package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/state"
	"hotreload/epoch"
)

// lasting is a workshop with a state file.
func lasting(t *testing.T) engine.Config {
	t.Helper()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers, cfg.StateFile = 7, 2, filepath.Join(t.TempDir(), "state")
	return cfg
}

// alone checks that nothing is beside the state file.
func alone(t *testing.T, file string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 || entries[0].Name() != filepath.Base(file) {
		t.Errorf("expected the state file alone, got %v, %v", entries, err)
	}
}

// TestStateFileGoesOn: run after run, on other numbers of workers and at other paces, the shards run every tick once. init
// runs in the first, after_reload in each that follows, and what shutdown leaves is not kept.
func TestStateFileGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		swap  epoch.Mode
		batch bool
	}{{}, {batch: true}, {swap: epoch.Immediate}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			cfg := lasting(t)
			cfg.Swap = c.swap
			var switches []string
			if c.batch {
				switches = []string{"-DBATCH"}
			}
			var before uint64
			for run := range 4 {
				cfg.Workers, cfg.Tick, cfg.Ticks = 1+run, engine.FreeRunning, 50
				if run%2 == 0 {
					cfg.Tick, cfg.Ticks = time.Millisecond, 20
				}
				h := start(t, cfg, probe(t, switches...))
				first := h.await(engine.Running)
				if first.Generation.Activation != before && c.swap == epoch.Aligned {
					t.Errorf("run %d begins with tick %d, expected %d", run, first.Generation.Activation, before)
				}
				h.untilEnded()
				before += cfg.Ticks
				if ticks := h.Status().Ticks; ticks != before {
					t.Errorf("run %d: %d ticks, expected %d", run, ticks, before)
				}
				for i, b := range h.books() {
					if b.Ticks != int64(before) || b.Score != b.Ticks || b.Inits != 1 || b.Left != 0 || b.Arrived != int32(run) {
						t.Fatalf("run %d, shard %d: expected %d ticks, one init and %d times after_reload, got %+v", run, i, before, run, b)
					}
				}
				alone(t, cfg.StateFile)
			}
		})
	}
}

// TestStateFileOfAnotherState: code for another layout is refused with the differences, and the file is left as it is
// until code that fits comes.
func TestStateFileOfAnotherState(t *testing.T) {
	t.Parallel()
	cfg := lasting(t)
	cfg.Ticks = 5
	start(t, cfg, probe(t)).untilEnded().finish()
	before, err := os.ReadFile(cfg.StateFile)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Ticks = 0
	for _, c := range []struct{ name, with string }{
		{"retyped", "-DTABLE={LOGIC_FIELD(state_t,ticks),{\"score\",LOGIC_F64,8,1,0,0},LOGIC_FIELD(state_t,time)}"},
		{"larger", "-DSIZE=sizeof(state_t)+64"}, // then code that fits
	} {
		h := start(t, cfg, probe(t, c.with))
		ev := h.await(engine.Rejected)
		var mismatch *engine.LayoutError
		refused(t, ev.Err, engine.StageGuard, &mismatch, cfg.StateFile)
		if len(mismatch.Differences) == 0 {
			t.Errorf("%s: no differences", c.name)
		}
		now, err := os.ReadFile(cfg.StateFile)
		if err != nil || !bytes.Equal(now, before) {
			t.Errorf("%s: the file has changed (%v)", c.name, err)
		}
		if c.name == "larger" {
			h.deliver(probe(t))
			h.await(engine.Running)
			h.reach(10)
		}
		h.finish()
	}
}

// TestStateFileThatCannotBe: what can be told without code is told at once.
func TestStateFileThatCannotBe(t *testing.T) {
	t.Parallel()
	cfg := lasting(t)
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	fails := func(cfg engine.Config, words ...string) {
		t.Helper()
		other := start(t, cfg, nil)
		err := other.end()
		for _, word := range words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("expected an error with %q, got %v", word, err)
			}
		}
		if engine.ExitCode(err) != engine.ExitRuntime {
			t.Errorf("exit code %d for %v", engine.ExitCode(err), err)
		}
	}
	fails(cfg, cfg.StateFile, fmt.Sprintf("in use by process %d", os.Getpid()))
	h.finish()
	other := cfg
	other.Shards = 8
	fails(other, "holds 7 shards, expected 8")
	other = cfg
	other.StateFile = filepath.Join(t.TempDir(), "none", "state")
	fails(other, "expected an existing directory")
	other.StateFile = cfg.Watch[0]
	fails(other, "is no state of hotreload")
}

// TestStateFileKeepsTheSeed: shards draw their seeds from the first run's.
func TestStateFileKeepsTheSeed(t *testing.T) {
	t.Parallel()
	cfg := lasting(t)
	cfg.Ticks, cfg.Seed = 3, 5
	first := start(t, cfg, probe(t)).untilEnded().books()
	cfg.Seed = 6
	for i, b := range start(t, cfg, probe(t)).untilEnded().books() {
		if b.Seed != first[i].Seed {
			t.Errorf("shard %d: seed %d, expected %d", i, b.Seed, first[i].Seed)
		}
	}
}

// TestStateFileAfterFault: with a state file a fault in the middle of a tick loses nothing, however large the state and
// however old the code.
func TestStateFileAfterFault(t *testing.T) {
	t.Parallel()
	cfg := lasting(t)
	cfg.SnapshotBytes, cfg.ProbationTicks = -1, 1
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DBONUS=(s->ticks%100==0?*(volatile int*)8:0)"))
	h.swapped()
	h.await(engine.RolledBack)
	h.reach(h.Status().Ticks + 10)
	shards := h.books()
	for i, b := range shards {
		if b.Ticks != b.Score || b.Ticks != shards[0].Ticks || uint64(b.Ticks) != h.Status().Ticks {
			t.Errorf("shard %d: a tick is lost or was run twice: %+v of %d", i, b, h.Status().Ticks)
		}
	}
}

// TestStateFileMigrates: a state that migrates to another layout does so with its file, and back; whichever run it is,
// each tick counts once.
func TestStateFileMigrates(t *testing.T) {
	t.Parallel()
	for _, swap := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(swap.String(), func(t *testing.T) {
			t.Parallel()
			cfg := field(t, engine.MigrateAuto)
			cfg.StateFile, cfg.Swap = filepath.Join(t.TempDir(), "state"), swap
			check := func(h *host, layout int64) {
				t.Helper()
				h.reach(h.Status().Ticks + 5)
				records := h.records()
				for _, r := range records {
					if r.Ticks != r.Score || r.Layout != layout {
						t.Errorf("expected layout %d and a score of 1 for each tick, got %+v", layout, r)
					}
				}
				alone(t, cfg.StateFile)
			}
			h := start(t, cfg, shape(t, 1))
			h.await(engine.Running)
			h.reach(10)
			h.deliver(shape(t, 2))
			h.swapped()
			check(h, 2)

			h = start(t, cfg, shape(t, 2))
			h.await(engine.Running)
			h.deliver(shape(t, 1))
			h.swapped()
			if err := h.Rollback(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			check(h, 2)

			h = start(t, cfg, shape(t, 1)) // migrates before it begins
			h.await(engine.Running)
			check(h, 1)

			cfg.Migrate = engine.MigrateOff
			h = start(t, cfg, shape(t, 2))
			ev := h.await(engine.Rejected)
			var mismatch *engine.LayoutError
			refused(t, ev.Err, engine.StageGuard, &mismatch, "--migrate=auto takes it along")
			h.deliver(shape(t, 1))
			h.await(engine.Running)
			check(h, 1)
		})
	}
}

// TestStateFileDamaged: what has changed in a file since its run ended in order is noticed, and refused as it is.
func TestStateFileDamaged(t *testing.T) {
	t.Parallel()
	cfg := lasting(t)
	cfg.Ticks = 3
	start(t, cfg, probe(t)).untilEnded().finish()
	content, err := os.ReadFile(cfg.StateFile)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-64<<10] ^= 1 // the first byte of the shards
	if err := os.WriteFile(cfg.StateFile, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var refusal *state.FileError
	if err := start(t, cfg, nil).end(); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("expected a *state.FileError about the checksum, got %v", err)
	}
	if now, err := os.ReadFile(cfg.StateFile); err != nil || !bytes.Equal(now, content) {
		t.Errorf("the file has changed (%v)", err)
	}
}
