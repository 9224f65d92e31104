package engine

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hotreload/engine/journal"
	"hotreload/engine/trial"
	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// Config says what to run and how. The zero value of a field means its default; New refuses a Config that cannot work
// with an error that wraps [ErrConfig] and names the field.
type Config struct {
	// Watch lists the source files or directories whose change starts a build; at least one. Without a Build it is the
	// library itself.
	Watch []string
	// Build is the build command, run by /bin/sh -c in Dir. Empty: the library is built by somebody else, and a change
	// of the library itself is the reload.
	Build string
	// Library is the file that Build writes. Default: the -o operand in Build, else the first watched file with the
	// extension .so.
	Library string
	// Dir is the directory in which Build runs. Default: the current one.
	Dir string
	// Depfile is a make-style dependency file that Build writes (-MD), read in addition to what gcc reports by itself.
	Depfile string
	// BuildTimeout bounds one build. Default 2 minutes.
	BuildTimeout time.Duration

	// Tick is the period of the simulation's ticks. Default 100 ms. FreeRunning: each tick as soon as the last has ended.
	Tick time.Duration
	// DT is the simulated length of a tick. Default: Tick, and 100 ms when free-running.
	DT time.Duration
	// Shards is the number of instances of the state. Default 1.
	Shards int
	// Workers is the number of threads that tick them. Default: the number of processors, but at most one per shard.
	Workers int
	// Paused begins with a paused simulation: see Engine.Step and Engine.Resume.
	Paused bool
	// Ticks ends the run after exactly so many ticks of every shard, those of runs before not counted. 0: endless.
	Ticks uint64
	// Seed is what the seed of each shard derives from.
	Seed uint64
	// Swap is the mode of publication: epoch.Aligned (default) or epoch.Immediate.
	Swap epoch.Mode
	// MaxCatchup is how many missed ticks a late worker runs at once before it re-bases its schedule. Default 10.
	MaxCatchup int

	// WatchMode is "inotify" (default, falls back to polling) or "poll".
	WatchMode string
	// PollInterval is the period of polling. Default 250 ms.
	PollInterval time.Duration
	// Debounce is how long sources must be quiet before the verdict on a build counts. It runs beside the build, not
	// before it. Default 25 ms.
	Debounce time.Duration
	// ExitOnFailure ends Run with the error of a first build that fails, where the default is to wait for a good one.
	ExitOnFailure bool

	// TickDeadline is the time after which a call of plugin code is reported as late. Default 1 second.
	TickDeadline time.Duration
	// TickKill is the processor time of its thread after which a call of plugin code is ended as a fault. Default 2
	// seconds.
	TickKill time.Duration
	// ProbationTicks is for how many ticks the code before a new generation stays open, ready to take its place when it
	// faults. Default 120.
	ProbationTicks uint64
	// SnapshotBytes is the size of a worker's shards up to which they are copied before every tick, so that a fault after
	// probation loses nothing either. Default 64 KiB; negative: never.
	SnapshotBytes int
	// Trial is how far a candidate is tried in a child process before it is loaded: trial.Off, trial.Load or trial.Tick
	// (default).
	Trial trial.Mode
	// Strict refuses a library with a finding that keeps it from being unloaded or endangers the host, where the default
	// is to warn.
	Strict bool
	// Migrate says what becomes of a candidate whose layout of the state is another: MigrateOff (default) refuses it.
	Migrate Migrate
	// Keep is how many earlier artifacts stay ready for a rollback. Default 5.
	Keep int

	// Show selects the fields of the [state] line. Default: the fields the plugin marks, else its first.
	Show []string
	// StateType names the state's type in the debug information. Default "state_t".
	StateType string
	// StateFile is the file in which the state lives: made if there is none, else the run goes on with the state that is
	// in it, whether the run before has ended or was killed. Empty: the state ends with the run.
	StateFile string
	// Journal is the file to which the history of the run is appended, for Replay. Default: none.
	Journal string
	// KeepArtifacts is the directory in which the libraries of the journal are kept. Default: Journal with .d behind it.
	KeepArtifacts string
	// RunDir is where the private directory for artifacts is made. Default: XDG_RUNTIME_DIR, else the temporary
	// directory.
	RunDir string
}

// ErrConfig is wrapped by every error about a Config.
var ErrConfig = errors.New("configuration")

// FreeRunning as Config.Tick runs ticks back to back.
const FreeRunning time.Duration = -1

const defaultTick = 100 * time.Millisecond

// complete fills in the defaults and checks what can be checked without touching the disk.
func (c *Config) complete() error {
	refuse := func(field, format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrConfig, field, fmt.Sprintf(format, args...))
	}
	if len(c.Watch) == 0 {
		return refuse("Watch", "nothing to watch: name the plugin's source file or directory")
	}
	switch {
	case c.Tick == 0:
		c.Tick = defaultTick
	case c.Tick != FreeRunning && c.Tick < time.Microsecond:
		return refuse("Tick", "expected 1µs or more, got %v", c.Tick)
	}
	switch {
	case c.DT < 0:
		return refuse("DT", "expected a positive duration, got %v", c.DT)
	case c.DT == 0 && c.Tick > 0:
		c.DT = c.Tick
	case c.DT == 0:
		c.DT = defaultTick
	}
	switch {
	case c.Shards == 0:
		c.Shards = 1
	case c.Shards < 0 || c.Shards > math.MaxInt32:
		return refuse("Shards", "expected 1 or more, got %d", c.Shards)
	}
	switch {
	case c.Workers == 0:
		c.Workers = min(runtime.NumCPU(), c.Shards)
	case c.Workers < 0 || c.Workers > MaxWorkers:
		return refuse("Workers", "expected 1 to %d, got %d", MaxWorkers, c.Workers)
	case c.Workers > c.Shards:
		c.Workers = c.Shards
	}
	if c.Swap != epoch.Aligned && c.Swap != epoch.Immediate {
		return refuse("Swap", "expected aligned or immediate, got %v", c.Swap)
	}
	if c.MaxCatchup < 0 {
		return refuse("MaxCatchup", "expected 0 or more, got %d", c.MaxCatchup)
	}
	if c.MaxCatchup == 0 {
		c.MaxCatchup = 10
	}
	switch c.WatchMode {
	case "":
		c.WatchMode = "inotify"
	case "inotify", "poll":
	default:
		return refuse("WatchMode", "expected inotify or poll, got %q", c.WatchMode)
	}
	for _, d := range []struct {
		field string
		value *time.Duration
		usual time.Duration
	}{
		{"BuildTimeout", &c.BuildTimeout, 2 * time.Minute},
		{"PollInterval", &c.PollInterval, 250 * time.Millisecond},
		{"Debounce", &c.Debounce, 25 * time.Millisecond},
		{"TickDeadline", &c.TickDeadline, time.Second},
		{"TickKill", &c.TickKill, 2 * time.Second},
	} {
		if *d.value < 0 {
			return refuse(d.field, "expected a positive duration, got %v", *d.value)
		}
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	switch c.Trial {
	case "":
		c.Trial = trial.Tick
	case trial.Off, trial.Load, trial.Tick:
	default:
		return refuse("Trial", "expected off, load or tick, got %q", c.Trial)
	}
	switch c.Migrate {
	case "":
		c.Migrate = MigrateOff
	case MigrateOff, MigrateAuto, MigratePlugin:
	default:
		return refuse("Migrate", "expected off, auto or plugin, got %q", c.Migrate)
	}
	if c.ProbationTicks == 0 {
		c.ProbationTicks = 120
	}
	if c.SnapshotBytes == 0 {
		c.SnapshotBytes = 64 << 10
	}
	switch {
	case c.Keep == 0:
		c.Keep = 5
	case c.Keep < 0:
		return refuse("Keep", "expected 1 or more, got %d", c.Keep)
	}
	if c.StateType == "" {
		c.StateType = "state_t"
	}
	if c.Build == "" && c.Library == "" {
		if !strings.HasSuffix(c.Watch[0], ".so") {
			return refuse("Build", "no build command: give one, or watch a library (.so) that something else builds")
		}
		c.Library = c.Watch[0]
	}
	if c.StateFile != "" {
		path, err := filepath.Abs(c.StateFile)
		if err != nil {
			return refuse("StateFile", "%v", err)
		}
		c.StateFile = path
	}
	if c.Journal != "" {
		path, err := filepath.Abs(c.Journal)
		if err != nil {
			return refuse("Journal", "%v", err)
		}
		c.Journal = path
	}
	if c.KeepArtifacts == "" && c.Journal != "" {
		c.KeepArtifacts = string(journal.Beside(c.Journal))
	}
	if c.KeepArtifacts != "" {
		if c.Journal == "" {
			return refuse("KeepArtifacts", "expected a Journal whose libraries to keep, got none")
		}
		path, err := filepath.Abs(c.KeepArtifacts)
		if err != nil {
			return refuse("KeepArtifacts", "%v", err)
		}
		c.KeepArtifacts = path
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return refuse("Dir", "%v", err)
	}
	c.Dir = dir
	return nil
}

// MaxWorkers bounds Config.Workers: each is an operating-system thread.
const MaxWorkers = 1024

// Option changes what New builds beyond the Config.
type Option func(*Engine)

// WithLogger sends the engine's log to l instead of nowhere. Its entries are named after the stage that speaks (server,
// watch, build, reload, state); see [Text] for the human form that an entry carries besides its fields.
func WithLogger(l *zap.Logger) Option {
	return func(e *Engine) { e.log = l }
}

// WithObserver has each worker's ticks told to what observe returns as well, as described at workers.Config.Observe: for
// those who measure.
func WithObserver(observe func(workers.Span) workers.Observer) Option {
	return func(e *Engine) { e.observe = observe }
}
