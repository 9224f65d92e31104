package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/abi"
	"hotreload/engine/build"
)

// atelier returns a Config that builds logic.c, a copy of a source in logic/, as the request does it.
func atelier(t *testing.T) engine.Config {
	t.Helper()
	include, err := filepath.Abs(logicDir)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Config{
		Watch: []string{filepath.Join(t.TempDir(), "logic.c")},
		Build: "cc -shared -fPIC -I" + include + " -o logic.so logic.c", Tick: time.Millisecond,
	}
}

// source returns the text of a source in logic/ or testdata.
func source(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// sample is testdata/probe.c with definitions before its first line.
func sample(t *testing.T, h *host, definitions ...string) string {
	t.Helper()
	text := strings.NewReplacer(`"@dump@"`, `"`+dumpIn(h.dump)+`"`).Replace(source(t, "testdata/probe.c"))
	return "#define " + strings.Join(append(definitions, "EDITED"), "\n#define ") + "\n" + text
}

// startSample starts an engine on testdata/probe.c, built by the compiler.
func startSample(t *testing.T, cfg engine.Config) (*host, engine.Generation) {
	t.Helper()
	// The dump's place is known only once the host is there: begin with a source that cannot be built.
	if err := os.WriteFile(cfg.Watch[0], []byte("not yet\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, nil)
	if ev := h.verdict(); ev.Kind != engine.Rejected {
		t.Fatalf("a source that is no C: %s", ev.Kind)
	}
	h.write("logic.c", sample(t, h))
	return h, h.await(engine.Running).Generation
}

// The three critical cases of the request, with the real compiler.

func TestBuildFailsOldPluginRemainsActive(t *testing.T) {
	t.Parallel()
	h, first := startSample(t, atelier(t))
	h.write("logic.c", source(t, filepath.Join(logicDir, "variants/syntax_error.c")))

	ev := h.await(engine.Rejected)
	var failure *build.Failure
	refused(t, ev.Err, engine.StageBuild, &failure, "error: expected ';'")
	if failure.ExitCode != 1 || failure.Diagnostic.Line == 0 {
		t.Errorf("expected the compiler's exit status and a place in the source, got %+v", failure)
	}
	h.outcome(engine.ExitBuild)
	h.stillTicks(first)
	counted(t, h.books()[0], 0)
}

func TestABIMismatchReloadRejected(t *testing.T) {
	t.Parallel()
	cfg := atelier(t)
	if err := os.WriteFile(cfg.Watch[0], []byte(source(t, filepath.Join(logicDir, "logic.c"))), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, nil)
	first := h.await(engine.Running).Generation
	for _, c := range []struct{ variant, field, expected, actual string }{
		{"mismatch_version.c", "api_version", "1", "2"},
		{"mismatch_size.c", "state_size", "16", "24"},
		{"null_tick.c", "tick", "a function", "NULL"},
	} {
		h.write("logic.c", source(t, filepath.Join(logicDir, "variants", c.variant)))
		ev := h.await(engine.Rejected)
		var mismatch *abi.Mismatch
		refused(t, ev.Err, engine.StageGuard, &mismatch, c.field)
		if mismatch.Field != c.field || mismatch.Expected != c.expected || mismatch.Actual != c.actual {
			t.Errorf("%s: %+v", c.variant, mismatch)
		}
		h.stillTicks(first)
	}
	h.write("logic.c", source(t, filepath.Join(logicDir, "variants/swapped_fields.c")))
	var layout *engine.LayoutError
	refused(t, h.await(engine.Rejected).Err, engine.StageGuard, &layout, "state layout", "score", "time")
	if len(layout.Differences) != 2 {
		t.Errorf("two fields have changed places, got %+v", layout.Differences)
	}
	h.stillTicks(first)
	h.outcome(engine.ExitGuard)
	h.finish()
}

// TestDeterministicTickCountPreservedAcrossReload: every tick is counted once, by the code that was active at it.
func TestDeterministicTickCountPreservedAcrossReload(t *testing.T) {
	t.Parallel()
	cfg := atelier(t)
	cfg.Shards, cfg.Workers = 5, 3
	h, _ := startSample(t, cfg)
	h.reach(10)
	h.write("logic.c", sample(t, h, "STEP 2"))
	second := h.swapped()
	h.reach(second.Activation + 10)
	h.write("logic.c", sample(t, h, "STEP 30"))
	third := h.swapped()
	h.reach(third.Activation + 10)

	for _, b := range h.books() {
		ticks, a, b2 := uint64(b.Ticks), second.Activation, third.Activation
		if want := a + 2*(b2-a) + 30*(ticks-b2); uint64(b.Score) != want {
			t.Errorf("score %d after %d ticks with changes at ticks %d and %d, expected %d", b.Score, ticks, a, b2, want)
		}
		if b.Inits != 1 || b.Left != 2 || b.Arrived != 2 || b.Step != 30 {
			t.Errorf("expected init once and two changes of code, got %+v", b)
		}
	}
}

// TestGoldenPath: ten ticks make a score of ten, and a reload leaves it.
func TestGoldenPath(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Ticks, cfg.Seed = 10, 123
	b := start(t, cfg, probe(t)).untilEnded().books()[0]
	if b.Ticks != 10 || b.Score != 10 {
		t.Errorf("expected a score of 10 after 10 ticks, got %+v", b)
	}

	cfg = workshop(t)
	h := start(t, cfg, probe(t, "-DLIMIT=10"))
	h.await(engine.Running)
	h.reach(10)
	h.deliver(probe(t, "-DLIMIT=10", "-DSTEP=100"))
	h.reach(h.swapped().Activation + 1)
	if b := h.books()[0]; b.Score != 10 || b.Step != 100 {
		t.Errorf("expected the new code to find a score of 10, got %+v", b)
	}
}

// TestPluginFileReplacedMidReload: the candidate itself replaces the library's file while it is being loaded, which is
// as mid-reload as can be. What is loaded is a private copy, so nothing happens.
func TestPluginFileReplacedMidReload(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	h.reach(10)
	h.deliver(probe(t, "-DSTEP=2", `-DOVERWRITE="`+filepath.Join(h.dir, "logic.so")+`"`))
	second := h.swapped()
	if got := h.read("logic.so"); got != "garbage" {
		t.Fatalf("the candidate did not replace the file: %d bytes", len(got))
	}
	h.stillTicks(second)
	h.deliver(probe(t))
	third := h.swapped()
	h.reach(third.Activation + 1)
	counted(t, h.books()[0], third.Activation-second.Activation)
}

// TestLibraryReplacedWhileItIsRead: another process writes over the library all the time, in place and by renaming.
// Whatever is taken is one of the files it wrote as a whole.
func TestLibraryReplacedWhileItIsRead(t *testing.T) {
	t.Parallel()
	a, b := probe(t, "-DSTEP=1"), probe(t, "-DSTEP=2")
	cfg := workshop(t)
	path := filepath.Join(filepath.Dir(cfg.Watch[0]), "logic.so")
	cfg.Watch, cfg.Build = []string{path}, ""
	if err := os.WriteFile(path, a, 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, nil)
	h.await(engine.Running)
	whole := map[string]bool{hash(a): true, hash(b): true}
	for i := range 40 {
		l := []library{b, a}[i%2]
		if i%4 < 2 {
			h.write("logic.so", string(l))
		} else if err := os.WriteFile(path, l, 0o600); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if err := h.Reload(t.Context()); err != nil && !errors.Is(err, engine.ErrUnchanged) {
				t.Errorf("reload while the file is replaced: %v", err)
			}
		}
	}
	h.finish()
	for _, ev := range h.history {
		if g := ev.Generation; (ev.Kind == engine.Running || ev.Kind == engine.Swapped) && !whole[g.Hash] {
			t.Errorf("generation %d is neither of the two libraries: %s", g.Number, g.Hash)
		}
	}
}
