package main

import (
	"reflect"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/trial"
	"hotreload/epoch"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// fields returns the TOML names of the settings, and "config".
func fields(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"config": true}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		if name := field.Tag.Get("toml"); name != "-" {
			names[name] = true
		}
	}
	return names
}

// resolved merges config, environment and command line as the command does.
func resolved(t *testing.T, config string, env map[string]string, args ...string) (settings, origin) {
	t.Helper()
	place(t, config)
	var line settings
	flags := flagSet(line.bind())
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, from, err := resolve(flags, func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, from
}

func TestEverySettingHasFlagKeyAndExpectation(t *testing.T) {
	var s settings
	names := fields(t)
	flagSet(s.bind()).VisitAll(func(f *pflag.Flag) {
		if !names[f.Name] {
			t.Errorf("--%s has no key in the configuration file", f.Name)
		}
		delete(names, f.Name)
		if f.Name != "config" && expectation(f.Name) == "" {
			t.Errorf("--%s has no expectation for its error message", f.Name)
		}
	})
	for name := range names {
		t.Errorf("key %q has no flag", name)
	}
}

func TestLayersLieOverEachOther(t *testing.T) {
	const file = "tick-ms = 2.5\nseed = 7\nwatch = [\"file.c\"]\nbuild-timeout = \"3s\"\nshow = [\"a\"]\npoll = true\n"
	env := map[string]string{
		"HOTRELOAD_SEED": "8", "HOTRELOAD_WATCH": "env.c:env.h", "HOTRELOAD_SHOW": "b,c", "HOTRELOAD_EXIT_ON_FAILURE": "true",
		"HOTRELOAD_TICKS": "",
	}
	get := func(s settings) []any {
		return []any{s.TickMS, s.Seed, s.Ticks, s.Watch, time.Duration(s.BuildTimeout), s.Show, s.Poll, s.ExitOnFailure}
	}
	cases := []struct {
		name   string
		config string
		env    map[string]string
		args   []string
		want   []any
	}{
		{"defaults", "", nil, nil,
			[]any{100.0, uint64(0), uint64(0), []string(nil), 2 * time.Minute, []string(nil), false, false}},
		{"file", file, nil, nil,
			[]any{2.5, uint64(7), uint64(0), []string{"file.c"}, 3 * time.Second, []string{"a"}, true, false}},
		{"environment over file", file, env, nil,
			[]any{2.5, uint64(8), uint64(0), []string{"env.c", "env.h"}, 3 * time.Second, []string{"b", "c"}, true, true}},
		{"flags over all", file, env,
			[]string{"--tick-ms", "0", "--seed", "9", "--watch", "a,b.c", "--watch", "d.c", "--build-timeout", "4m",
				"--show", "x,y", "--show", "z", "--poll=false", "--exit-on-failure=false"},
			[]any{0.0, uint64(9), uint64(0), []string{"a,b.c", "d.c"}, 4 * time.Minute, []string{"x", "y", "z"}, false, false}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, _ := resolved(t, c.config, c.env, c.args...)
			if diff := cmp.Diff(c.want, get(s)); diff != "" {
				t.Errorf("settings differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPollIsShortForWatchMode(t *testing.T) {
	cases := []struct {
		name   string
		config string
		env    map[string]string
		args   []string
		want   string
	}{
		{"default", "", nil, nil, "inotify"},
		{"flag", "", nil, []string{"--poll"}, "poll"},
		{"both agree", "", nil, []string{"--poll", "--watch-mode=poll"}, "poll"},
		{"flag over file", "watch-mode = \"inotify\"\n", nil, []string{"--poll"}, "poll"},
		{"file under flag", "poll = true\n", nil, []string{"--watch-mode=inotify"}, "inotify"},
		{"file under variable", "poll = true\n", map[string]string{"HOTRELOAD_WATCH_MODE": "inotify"}, nil, "inotify"},
		{"switched off", "poll = true\n", nil, []string{"--poll=false"}, "inotify"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, from := resolved(t, c.config, c.env, append(c.args, "--watch=logic.c", "--build=cc -o logic.so logic.c")...)
			if err := s.check(from); err != nil {
				t.Fatal(err)
			}
			if s.WatchMode != c.want {
				t.Errorf("watch mode %q, want %q", s.WatchMode, c.want)
			}
		})
	}
}

func TestConfigFileIsNamedByVariableOrFlag(t *testing.T) {
	place(t, "seed = 1\n")
	write(t, "a.toml", "seed = 2\n")
	write(t, "b.toml", "seed = 3\n")
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want uint64
	}{
		{"default", nil, nil, 1},
		{"variable", map[string]string{"HOTRELOAD_CONFIG": "a.toml"}, nil, 2},
		{"flag", map[string]string{"HOTRELOAD_CONFIG": "a.toml"}, []string{"--config=b.toml"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var line settings
			flags := flagSet(line.bind())
			if err := flags.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			s, _, err := resolve(flags, func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
			if err != nil || s.Seed != c.want {
				t.Errorf("seed %d, error %v: want %d", s.Seed, err, c.want)
			}
		})
	}
}

func TestEngineConfigCarriesEverySetting(t *testing.T) {
	s, from := resolved(t, "", nil, "--watch=logic.c", "--build=make", "--lib=l.so", "--dir=.", "--depfile=l.d",
		"--build-timeout=3s", "--tick-ms=0.5", "--seed=123", "--ticks=10", "--shards=8", "--workers=4", "--max-catchup=5",
		"--swap=immediate", "--watch-mode=poll", "--poll-ms=20", "--debounce-ms=1.5", "--exit-on-failure", "--show=a,b",
		"--state-type=world_t", "--tick-deadline=4s", "--tick-kill=5s", "--probation-ticks=6", "--keep=7", "--strict", "--trial=load", "--migrate=auto")
	if err := s.check(from); err != nil {
		t.Fatal(err)
	}
	got, err := s.engineConfig()
	if err != nil {
		t.Fatal(err)
	}
	want := engine.Config{
		Watch: []string{"logic.c"}, Build: "make", Library: "l.so", Dir: ".", Depfile: "l.d", BuildTimeout: 3 * time.Second,
		Tick: 500 * time.Microsecond, Seed: 123, Ticks: 10, Shards: 8, Workers: 4, MaxCatchup: 5, Swap: epoch.Immediate,
		WatchMode: "poll", PollInterval: 20 * time.Millisecond, Debounce: 1500 * time.Microsecond, ExitOnFailure: true,
		Show: []string{"a", "b"}, StateType: "world_t", TickDeadline: 4 * time.Second, TickKill: 5 * time.Second,
		ProbationTicks: 6, Keep: 7, Strict: true, Trial: trial.Load, Migrate: engine.MigrateAuto,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration differs (-want +got):\n%s", diff)
	}
}

func TestZeroesThatTheEngineTakesForDefaults(t *testing.T) {
	s, from := resolved(t, "", nil, "--watch=logic.c", "--build=make", "--lib=l.so", "--tick-ms=0", "--debounce-ms=0")
	if err := s.check(from); err != nil {
		t.Fatal(err)
	}
	got, err := s.engineConfig()
	if err != nil {
		t.Fatal(err)
	}
	if got.Tick != engine.FreeRunning || got.Debounce != 1 {
		t.Errorf("tick %v, debounce %v: want free-running and 1ns", got.Tick, got.Debounce)
	}
}
