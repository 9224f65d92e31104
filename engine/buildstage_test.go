package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/artifact"
	"hotreload/engine/build"
)

// TestBadBuildIsRefused: the build command is a script that each case replaces; the script and the candidate are the
// sources.
func TestBadBuildIsRefused(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	dir := filepath.Dir(cfg.Watch[0])
	cfg.Watch = append(cfg.Watch, filepath.Join(dir, "script"))
	cfg.Build, cfg.BuildTimeout = "sh ./script -o logic.so", 2*time.Second
	if err := os.WriteFile(cfg.Watch[1], []byte("cp candidate logic.so"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation
	for _, c := range []struct {
		name, script string
		words        []string
		is           func(*build.Failure) bool
	}{
		{"no compiler", "no-such-compiler -shared -o logic.so logic.c", []string{"no-such-compiler", "not found"},
			func(f *build.Failure) bool { return f.ExitCode == 127 }},
		{"compiler's error", "echo 'logic.c:3:9: error: expected expression' >&2; exit 1", []string{"error: expected expression"},
			func(f *build.Failure) bool { return f.Diagnostic.Line == 3 && f.ExitCode == 1 }},
		{"killed", "kill -KILL $$", []string{"Killed"},
			func(f *build.Failure) bool { return f.ExitCode == 137 }},
		{"hangs", "sleep 1000", []string{"timed out after 2s"},
			func(f *build.Failure) bool { return f.TimedOut && f.Hint != "" }},
		{"leaves no library", "rm logic.so", []string{"left no library", "logic.so"},
			func(f *build.Failure) bool { return f.ExitCode == 0 && f.Hint != "" }},
		{"leaves a directory", "mkdir logic.so", []string{"expected a library", "logic.so"},
			func(f *build.Failure) bool { return f.Hint != "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := h.under(t)
			h.write("script", c.script)
			ev := h.verdict()
			var failure *build.Failure
			refused(t, ev.Err, engine.StageBuild, &failure, c.words...)
			if !c.is(failure) {
				t.Errorf("another failure: %+v", failure)
			}
			if ev.Stages.Build == 0 || ev.Stages.Total < ev.Stages.Build {
				t.Errorf("expected the time of the build, got %+v", ev.Stages)
			}
			h.stillTicks(first)
		})
	}
	h.remove("logic.so")
	h.write("script", "cp candidate logic.so # good again")
	if ev := h.verdict(); ev.Kind != engine.Unchanged {
		t.Errorf("expected the library that runs already, got %s: %v", ev.Kind, ev.Err)
	}
	h.write("script", "exit 0 # and leave what is there")
	ev := h.verdict()
	var se *engine.StageError
	refused(t, ev.Err, engine.StageBuild, &se, "did not write", "logic.so")
	h.stillTicks(first)
	counted(t, h.books()[0], 0)
}

// TestFirstBuildFailsThenGood: an engine without a plugin waits for one.
func TestFirstBuildFailsThenGood(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Build = "test -s ready && cp candidate logic.so"
	cfg.Watch = append(cfg.Watch, filepath.Join(filepath.Dir(cfg.Watch[0]), "ready"))
	if err := os.WriteFile(cfg.Watch[1], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, probe(t))
	var failure *build.Failure
	refused(t, h.verdict().Err, engine.StageBuild, &failure, "exit status 1")
	status := h.Status()
	if !status.Running || status.Ticks != 0 || status.Generation.Number != 0 || status.Loaded != 0 || status.Rejections != 1 {
		t.Errorf("expected an engine that waits, got %+v", status)
	}
	h.write("ready", "yes")
	if g := h.await(engine.Running).Generation; g.Number != 1 || g.Activation != 0 {
		t.Errorf("expected the first generation to run from tick 0, got %+v", g)
	}
	h.reach(5)
	counted(t, h.books()[0], 0)
}

// TestOldLibraryIsGoodEnoughToBegin: make has nothing to do when nothing has changed since the last run.
func TestOldLibraryIsGoodEnoughToBegin(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Build = "test -e logic.so"
	if err := os.WriteFile(filepath.Join(filepath.Dir(cfg.Watch[0]), "logic.so"), probe(t), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Library = "logic.so"
	h := start(t, cfg, library("any source"))
	h.await(engine.Running)
	h.finish()
}

func TestExitOnFailureEndsTheRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, command string
		first         library
		code          int
	}{
		{"no compiler", "no-such-compiler -shared -o logic.so logic.c", library("any"), engine.ExitBuild},
		{"build", "exit 3", library("any"), engine.ExitBuild},
		{"inspection", "cp candidate logic.so", library("no library"), engine.ExitRefused},
		{"guard", "cp candidate logic.so", probe(t, "-DVERSION=2"), engine.ExitGuard},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := workshop(t)
			cfg.Build, cfg.ExitOnFailure = c.command+" # -o logic.so", true
			h := start(t, cfg, c.first)
			ended := h.await(engine.Ended)
			err := h.end()
			var se *engine.StageError
			refused(t, err, map[int]engine.Stage{
				engine.ExitBuild: engine.StageBuild, engine.ExitRefused: engine.StageInspect, engine.ExitGuard: engine.StageGuard,
			}[c.code], &se)
			if got := engine.ExitCode(err); got != c.code || !sameError(ended.Err, err) {
				t.Errorf("exit code %d and an event with %v, expected %d and %v", got, ended.Err, c.code, err)
			}
		})
	}
	// A later failure does not end it.
	cfg := workshop(t)
	cfg.ExitOnFailure = true
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation
	h.deliver(library("no library"))
	var refusal *artifact.Refusal
	refused(t, h.verdict().Err, engine.StageInspect, &refusal)
	h.stillTicks(first)
	h.finish()
}

func sameError(a, b error) bool { return a == b } //nolint:errorlint // the very same is meant
