package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/epoch"
)

func TestNewRefusesAConfigThatCannotWork(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "logic.c")
	if err := os.WriteFile(source, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*engine.Config)
		words  string // separated by |
	}{
		{"nothing to watch", func(c *engine.Config) { c.Watch = nil }, "Watch|nothing to watch"},
		{"missing source", func(c *engine.Config) { c.Watch = []string{filepath.Join(dir, "nope.c")} }, "Watch|nope.c|existing"},
		{"one of two sources missing", func(c *engine.Config) { c.Watch = append(c.Watch, filepath.Join(dir, "nope.h")) }, "Watch|nope.h"},
		{"source without a build", func(c *engine.Config) { c.Build = "" }, "Build|no build command"},
		{"missing directory", func(c *engine.Config) { c.Dir = filepath.Join(dir, "nowhere") }, "Dir|nowhere"},
		{"directory is a file", func(c *engine.Config) { c.Dir = source }, "Dir|logic.c"},
		{"negative tick", func(c *engine.Config) { c.Tick = -2 }, "Tick|-2ns"},
		{"negative dt", func(c *engine.Config) { c.DT = -time.Second }, "DT|-1s"},
		{"tick too short", func(c *engine.Config) { c.Tick = time.Nanosecond }, "Tick|1µs or more|1ns"},
		{"negative shards", func(c *engine.Config) { c.Shards = -1 }, "Shards|-1"},
		{"too many shards", func(c *engine.Config) { c.Shards = 1 << 31 }, "Shards|2147483648"},
		{"negative workers", func(c *engine.Config) { c.Workers = -1 }, "Workers|-1"},
		{"too many workers", func(c *engine.Config) { c.Workers = engine.MaxWorkers + 1 }, "Workers|1 to 1024|1025"},
		{"unknown swap mode", func(c *engine.Config) { c.Swap = epoch.Mode(9) }, "Swap|aligned or immediate"},
		{"negative catch-up", func(c *engine.Config) { c.MaxCatchup = -1 }, "MaxCatchup|-1"},
		{"unknown watch mode", func(c *engine.Config) { c.WatchMode = "kqueue" }, `WatchMode|inotify or poll|"kqueue"`},
		{"negative poll interval", func(c *engine.Config) { c.PollInterval = -1 }, "PollInterval|-1ns"},
		{"negative debounce", func(c *engine.Config) { c.Debounce = -1 }, "Debounce|-1ns"},
		{"negative build timeout", func(c *engine.Config) { c.BuildTimeout = -1 }, "BuildTimeout|-1ns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := engine.Config{Watch: []string{source}, Build: "cc -o logic.so logic.c", Dir: dir}
			c.change(&cfg)
			e, err := engine.New(cfg)
			if e != nil || !errors.Is(err, engine.ErrConfig) || engine.ExitCode(err) != engine.ExitUsage {
				t.Fatalf("expected an error that wraps ErrConfig, got %v", err)
			}
			for _, word := range strings.Split(c.words, "|") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("expected %q in: %v", word, err)
				}
			}
		})
	}
}

// TestWhatOnlyTheBuilderSeesIsAnErrorOfTheConfigToo: it comes from Run, and nothing stays behind.
func TestWhatOnlyTheBuilderSeesIsAnErrorOfTheConfigToo(t *testing.T) {
	dir := t.TempDir()
	e, err := engine.New(engine.Config{Watch: []string{dir}, Build: " \n", Dir: dir, RunDir: dir})
	if err == nil {
		err = e.Run(t.Context())
	}
	if !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "command is empty") {
		t.Errorf("expected an error that wraps ErrConfig, got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("expected nothing left behind, found %v (%v)", entries, err)
	}
}

func TestAnEngineRunsOnce(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Ticks = 1
	h := start(t, cfg, probe(t)).untilEnded()
	h.finish()
	if err := h.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "runs once") {
		t.Errorf("a second Run: %v", err)
	}
}

func TestExitCode(t *testing.T) {
	stage := func(s engine.Stage) error { return &engine.StageError{Stage: s, Err: os.ErrInvalid} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{engine.ErrUnchanged, 0},
		{errors.New("any other"), 1},
		{engine.ErrNotRunning, 1},
		{errors.Join(errors.New("New"), engine.ErrConfig), 2},
		{stage(engine.StageBuild), 9},
		{stage(engine.StageGuard), 10},
		{stage(engine.StageInspect), 11},
		{stage(engine.StageTrial), 11},
		{stage(engine.StageLoad), 11},
		{stage(engine.StageRun), 12},
		{errors.Join(stage(engine.StageBuild)), 9},
		{stage(engine.StagePublish), 1},
	} {
		if got := engine.ExitCode(c.err); got != c.want {
			t.Errorf("%v: %d, expected %d", c.err, got, c.want)
		}
	}
	if err := stage(engine.StageLoad); !errors.Is(err, os.ErrInvalid) || err.Error() != "load: invalid argument" {
		t.Errorf("a StageError names its stage and wraps its reason, got %q", err)
	}
}
