package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotreload/engine"
	"hotreload/engine/trial"
	"hotreload/epoch"
)

// longest bounds every length of time that is given in milliseconds.
const longest = 24 * time.Hour

// expectation says what a setting may be, for the message about one that is something else; "" for an unknown name.
func expectation(flag string) string {
	if values, ok := choices[flag]; ok {
		return strings.Join(values, " or ")
	}
	switch flag {
	case "watch":
		return "existing files or directories"
	case "show":
		return "names of state fields"
	case "dir":
		return "an existing directory"
	case "listen":
		return "HOST:PORT"
	case "socket":
		return "auto, off or a path"
	case "build", "lib", "depfile", "state-type", "token-file", "tls", "require-signed", "state-file", "journal", "keep-artifacts":
		return "text"
	case "build-timeout", "tick-deadline", "tick-kill":
		return "a positive time such as 90s or 2m"
	case "tick-ms":
		return "0 (free-running) or 0.001 to 86400000 milliseconds"
	case "poll-ms":
		return "0.001 to 86400000 milliseconds"
	case "debounce-ms":
		return "0, or 0.001 to 86400000 milliseconds"
	case "seed", "ticks":
		return "a whole number, 0 or more"
	case "probation-ticks":
		return "a whole number, 1 or more"
	case "shards", "max-catchup", "keep":
		return fmt.Sprintf("a whole number, 1 to %d", math.MaxInt32)
	case "workers":
		return fmt.Sprintf("a whole number, 1 to %d", engine.MaxWorkers)
	case "poll", "exit-on-failure", "strict", "tui", "web":
		return "true or false"
	}
	return ""
}

// refuse returns the error about a setting that has the wrong value, named as the user wrote it.
func (from origin) refuse(flag string, got any) error {
	return fmt.Errorf("%s: expected %s, got %q", from.name(flag), expectation(flag), fmt.Sprint(got))
}

// name is that of a setting as the user wrote it.
func (from origin) name(flag string) string {
	if name, set := from[flag]; set {
		return name
	}
	return "--" + flag
}

// check finds what is wrong with the settings before anything has started, and settles --poll into the watch mode.
func (s *settings) check(from origin) error {
	for _, c := range []struct {
		flag string
		got  string
	}{{"swap", s.Swap}, {"watch-mode", s.WatchMode}, {"trial", s.Trial}, {"migrate", s.Migrate}, {"log-format", s.LogFormat}, {"log-level", s.LogLevel}} {
		if !slices.Contains(choices[c.flag], c.got) {
			return from.refuse(c.flag, c.got)
		}
	}
	_, workersSet := from["workers"]
	for _, c := range []struct {
		flag string
		good bool
		got  any
	}{
		{"tick-ms", s.TickMS == 0 || inMilliseconds(s.TickMS), s.TickMS},
		{"poll-ms", inMilliseconds(s.PollMS), s.PollMS},
		{"debounce-ms", s.DebounceMS == 0 || inMilliseconds(s.DebounceMS), s.DebounceMS},
		{"build-timeout", s.BuildTimeout > 0, time.Duration(s.BuildTimeout)},
		{"tick-deadline", s.TickDeadline > 0, time.Duration(s.TickDeadline)},
		{"tick-kill", s.TickKill > 0, time.Duration(s.TickKill)},
		{"probation-ticks", s.ProbationTicks >= 1, s.ProbationTicks},
		{"keep", s.Keep >= 1 && s.Keep <= math.MaxInt32, s.Keep},
		{"shards", s.Shards >= 1 && s.Shards <= math.MaxInt32, s.Shards},
		{"workers", !workersSet || s.Workers >= 1 && s.Workers <= engine.MaxWorkers, s.Workers},
		{"listen", s.Listen == "" || isAddress(s.Listen), s.Listen},
		{"socket", s.Socket != "", s.Socket},
		{"max-catchup", s.MaxCatchup >= 1 && s.MaxCatchup <= math.MaxInt32, s.MaxCatchup},
	} {
		if !c.good {
			return from.refuse(c.flag, c.got)
		}
	}
	if s.Web && s.Listen == "" {
		return fmt.Errorf("--web: expected --listen 127.0.0.1:PORT with it, got none: no browser opens a unix socket")
	}
	if err := s.settlePoll(from); err != nil {
		return err
	}
	return s.checkPaths(from)
}

// inMilliseconds reports whether ms is a length of time the engine takes: a microsecond to a day, and a number.
func inMilliseconds(ms float64) bool {
	return ms >= 0.001 && ms <= float64(longest/time.Millisecond)
}

// settlePoll turns --poll into the watch mode. Of two layers that disagree the upper one holds; one layer must not
// contradict itself.
func (s *settings) settlePoll(from origin) error {
	if !s.Poll {
		return nil
	}
	mode, poll := layer(from["watch-mode"]), layer(from["poll"])
	if mode == poll && s.WatchMode != "poll" {
		return fmt.Errorf("%s contradicts %s=%s: give one of them", from["poll"], from["watch-mode"], s.WatchMode)
	}
	if poll > mode {
		s.WatchMode = "poll"
	}
	return nil
}

// layer orders where a setting came from: default, file, environment, command line.
func layer(name string) int {
	switch {
	case strings.HasPrefix(name, "--"):
		return 3
	case strings.HasPrefix(name, "HOTRELOAD_"):
		return 2
	case name != "":
		return 1
	}
	return 0
}

// checkPaths finds a missing source, directory or build command.
func (s *settings) checkPaths(from origin) error {
	if len(s.Watch) == 0 {
		return fmt.Errorf("--watch: expected the plugin's source file or directory, got none")
	}
	for _, path := range s.Watch {
		if _, err := os.Stat(path); err != nil {
			return from.refuse("watch", path)
		}
	}
	if s.Build == "" && s.Lib == "" && filepath.Ext(s.Watch[0]) != ".so" {
		return fmt.Errorf("--build: expected the command that builds the library, got none " +
			"(without it, watch a .so that something else builds)")
	}
	if s.KeepArtifacts != "" && s.Journal == "" {
		return fmt.Errorf("%s: expected --journal too, whose libraries it is for, got none", from.name("keep-artifacts"))
	}
	if s.Dir != "" {
		if info, err := os.Stat(s.Dir); err != nil || !info.IsDir() {
			return from.refuse("dir", s.Dir)
		}
	}
	return nil
}

// engineConfig returns the settings in the engine's terms; they have passed check.
func (s *settings) engineConfig() (engine.Config, error) {
	swap, err := epoch.ParseMode(s.Swap)
	if err != nil {
		return engine.Config{}, fmt.Errorf("--swap: %w", err)
	}
	cfg := engine.Config{
		Watch:          s.Watch,
		Build:          s.Build,
		Library:        s.Lib,
		Dir:            s.Dir,
		Depfile:        s.Depfile,
		BuildTimeout:   time.Duration(s.BuildTimeout),
		Tick:           milliseconds(s.TickMS),
		Shards:         s.Shards,
		Workers:        s.Workers,
		Ticks:          s.Ticks,
		Seed:           s.Seed,
		Swap:           swap,
		StateFile:      s.StateFile,
		Journal:        s.Journal,
		KeepArtifacts:  s.KeepArtifacts,
		MaxCatchup:     s.MaxCatchup,
		TickDeadline:   time.Duration(s.TickDeadline),
		TickKill:       time.Duration(s.TickKill),
		ProbationTicks: s.ProbationTicks,
		Keep:           s.Keep,
		Strict:         s.Strict,
		Trial:          trial.Mode(s.Trial),
		Migrate:        engine.Migrate(s.Migrate),
		WatchMode:      s.WatchMode,
		PollInterval:   milliseconds(s.PollMS),
		Debounce:       max(milliseconds(s.DebounceMS), 1), // 0 asks the engine for its default
		ExitOnFailure:  s.ExitOnFailure,
		Show:           s.Show,
		StateType:      s.StateType,
	}
	if s.TickMS == 0 {
		cfg.Tick = engine.FreeRunning
	}
	return cfg, nil
}

// milliseconds converts to the nearest nanosecond.
func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}
