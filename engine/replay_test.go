package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/engine"
	"hotreload/engine/journal"
	"hotreload/epoch"
)

// chain is testdata/chain.c built with the given switches.
func chain(t *testing.T, switches ...string) library {
	t.Helper()
	return compile(t, "testdata/chain.c", switches...)
}

// shardIs is, in the words of chain.c, that s is the given shard of an engine with that seed.
func shardIs(seed uint64, shard int) string {
	z := seed + (uint64(shard)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return fmt.Sprintf("s->seed==%dULL", z^z>>31)
}

// journaled returns a workshop with a journal.
func journaled(t *testing.T) engine.Config {
	t.Helper()
	cfg := workshop(t)
	cfg.Journal = filepath.Join(t.TempDir(), "journal")
	cfg.Seed, cfg.Shards = 42, 7
	return cfg
}

// readRun reads the last run of a journal.
func readRun(t *testing.T, path string) *journal.Run {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := journal.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v; the journal:\n%s", err, text)
	}
	return &runs[len(runs)-1]
}

// replay replays a run.
func replay(t *testing.T, path string, run *journal.Run, workers int) (*engine.Replayed, error) {
	t.Helper()
	return engine.Replay(t.Context(), engine.ReplayConfig{Run: run, Artifacts: journal.Beside(path), Workers: workers, RunDir: t.TempDir()})
}

// repeats checks that the last run of the journal replays to the state with which it has ended, exactly.
func repeats(t *testing.T, path string) *journal.Run {
	t.Helper()
	run := readRun(t, path)
	end := run.End()
	if end == nil {
		t.Fatal("the journal has no end")
	}
	for workers := 1; workers <= 4; workers++ {
		done, err := replay(t, path, run, workers)
		if err != nil {
			t.Fatal(err)
		}
		if done.State != end.State || done.Ticks != end.Tick || len(done.Inexact) > 0 {
			text, _ := os.ReadFile(path)
			t.Errorf("%d workers: %d ticks to state %.12s, inexact %q; expected %d to %.12s; the journal:\n%s",
				workers, done.Ticks, done.State, done.Inexact, end.Tick, end.State, text)
		}
	}
	return run
}

// TestReplayRepeatsRandomHistories: swaps, pushes, rollbacks, pauses and changes of the number of workers at random, at
// full speed.
func TestReplayRepeatsRandomHistories(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			versions := []library{
				chain(t), chain(t, "-DMARK=2"), chain(t, "-DMARK=3", "-DBATCH"), chain(t, "-DMARK=4"),
			}
			cfg := journaled(t)
			cfg.Seed, cfg.Workers, cfg.Keep = seed, 1+int(seed)%4, 3
			if random.IntN(2) == 0 {
				cfg.Tick = engine.FreeRunning
			}
			h := start(t, cfg, versions[0])
			h.await(engine.Running)
			for range 25 {
				var err error
				switch random.IntN(6) {
				case 0:
					err = h.Rollback(t.Context(), 0)
				case 1:
					_, err = h.Push(t.Context(), engine.Push{Name: "pushed.so"}, bytes.NewReader(versions[random.IntN(len(versions))]))
				case 2:
					err = h.Resize(1 + random.IntN(4))
				case 3:
					if err = h.Pause(t.Context()); err == nil {
						err = h.Step(t.Context(), random.Uint64N(20))
					}
				case 4:
					err = h.Resume(t.Context())
				default:
					h.deliver(versions[random.IntN(len(versions))])
					err = h.Reload(t.Context())
				}
				var unkept *engine.NotKeptError
				if err != nil && !errors.Is(err, engine.ErrUnchanged) && !errors.As(err, &unkept) {
					t.Fatal(err)
				}
				if !h.Status().Paused {
					h.reach(h.Status().Ticks + random.Uint64N(10))
				}
			}
			h.finish()
			run := repeats(t, cfg.Journal)

			// A tick more or less under some code is another history: what was compared can differ.
			for i := range run.Entries {
				if e := &run.Entries[i]; e.Kind == journal.Swap && e.Tick > 0 && run.Entries[i-1].Tick < e.Tick {
					e.Tick--
					done, err := replay(t, cfg.Journal, run, 1)
					if err != nil || done.State == run.End().State {
						t.Errorf("a swap one tick earlier: %v, and the same state", err)
					}
					break
				}
			}
		})
	}
}

// TestReplayRepeatsMigrations: there, and back again.
func TestReplayRepeatsMigrations(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Workers, cfg.Tick, cfg.Paused, cfg.Migrate = 2, engine.FreeRunning, true, engine.MigrateAuto
	h := start(t, cfg, chain(t))
	h.await(engine.Running)
	step := func() {
		t.Helper()
		if err := h.Step(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	step()
	h.deliver(chain(t, "-DMARK=2", "-DEXTRA"))
	h.swapped()
	step()
	if err := h.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	step()
	h.finish()
	run := repeats(t, cfg.Journal)
	var ways []string
	for _, e := range run.Entries {
		ways = append(ways, e.Migration)
	}
	if got := strings.Join(ways, ","); got != ",name,back," {
		t.Errorf("ways %q", got)
	}
}

// TestReplayRefusesWhatItCannotRepeat names what is wrong and what to do.
func TestReplayRefusesWhatItCannotRepeat(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.Paused = true
	h := start(t, cfg, chain(t))
	h.await(engine.Running)
	h.deliver(chain(t, "-DMARK=2"))
	h.swapped()
	h.finish()
	kept := journal.Beside(cfg.Journal)
	path := kept.Path(hash(chain(t, "-DMARK=2")))
	for name, c := range map[string]struct {
		change func(*journal.Run)
		line   int
		want   string
	}{
		"immediate":     {func(r *journal.Run) { r.Swap = epoch.Immediate.String() }, 0, "swaps were in mode immediate"},
		"resumed":       {func(r *journal.Run) { r.Resumed = true }, 0, "began with the state of an earlier one"},
		"nothing":       {func(r *journal.Run) { r.Entries = nil }, 0, "nothing to replay"},
		"other layout":  {func(r *journal.Run) { r.Layout = "0123" }, 2, "another layout of the state"},
		"other size":    {func(r *journal.Run) { r.StateSize++ }, 2, "expected 33 bytes"},
		"missing":       {func(r *journal.Run) { r.Entries[1].Artifact = strings.Repeat("0", 64) }, 3, "artifact 000000000000… is missing: expected it as"},
		"another by it": {func(r *journal.Run) { r.Entries[1].Opened = r.Entries[0].Opened }, 3, "opened: expected the artifact"},
		"migration":     {func(r *journal.Run) { r.Entries[1].Migration = "name" }, 3, "migration: expected the way"},
	} {
		run := readRun(t, cfg.Journal)
		c.change(run)
		refusesReplay(t, name, cfg.Journal, run, c.line, c.want)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = os.WriteFile(path, append(text, 0), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	refusesReplay(t, "altered", cfg.Journal, readRun(t, cfg.Journal), 3, "has been altered")
}

func refusesReplay(t *testing.T, name, path string, run *journal.Run, line int, want string) {
	t.Helper()
	_, err := replay(t, path, run, 2)
	var refusal *engine.ReplayError
	if !errors.As(err, &refusal) || refusal.Line != line || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: expected %q about line %d, got %v", name, want, line, err)
	}
}

// TestAJournalThatCannotBeWrittenEnds, and nothing else does.
func TestAJournalThatCannotBeWrittenEnds(t *testing.T) {
	t.Parallel()
	cfg := journaled(t)
	cfg.KeepArtifacts = cfg.Journal // a file
	h := start(t, cfg, chain(t))
	first := h.await(engine.Running).Generation
	h.stillTicks(first)
	h.deliver(chain(t, "-DMARK=2"))
	h.stillTicks(h.swapped())
	h.finish()
	if run := readRun(t, cfg.Journal); len(run.Entries) != 0 {
		t.Errorf("expected a header alone, got %+v", run.Entries)
	}
}

// TestAJournalThatCannotBeOpenedStopsTheStart: what was asked for at the start must work then.
func TestAJournalThatCannotBeOpenedStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(path string) error{
		"another host writes to it": func(string) error { return nil },
		"not a journal":             func(path string) error { return os.WriteFile(path, []byte("precious\n"), 0o600) },
		"is a directory":            func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		cfg := journaled(t)
		if err := prepare(cfg.Journal); err != nil {
			t.Fatal(err)
		}
		if name == "another host writes to it" {
			other, err := journal.Open(cfg.Journal)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() })
		}
		h := start(t, cfg, chain(t))
		if err := h.group.Wait(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("expected %q, got %v", name, err)
		}
		if name == "not a journal" {
			if text, err := os.ReadFile(cfg.Journal); string(text) != "precious\n" {
				t.Errorf("the file is now %q, %v", text, err)
			}
		}
	}
}
