package main

import (
	"time"

	"github.com/spf13/pflag"
)

// settings is all that a run can be told. A field's toml tag is also the name of its flag and, in capitals with
// underscores after HOTRELOAD_, of its environment variable.
type settings struct {
	Config string `toml:"-"`

	Watch        []string `toml:"watch"`
	Build        string   `toml:"build"`
	Lib          string   `toml:"lib"`
	Dir          string   `toml:"dir"`
	Depfile      string   `toml:"depfile"`
	BuildTimeout duration `toml:"build-timeout"`

	TickMS     float64 `toml:"tick-ms"`
	Seed       uint64  `toml:"seed"`
	Ticks      uint64  `toml:"ticks"`
	Shards     int     `toml:"shards"`
	Workers    int     `toml:"workers"`
	MaxCatchup int     `toml:"max-catchup"`
	Swap       string  `toml:"swap"`
	StateFile  string  `toml:"state-file"`

	Journal       string `toml:"journal"`
	KeepArtifacts string `toml:"keep-artifacts"`

	TickDeadline   duration `toml:"tick-deadline"`
	TickKill       duration `toml:"tick-kill"`
	ProbationTicks uint64   `toml:"probation-ticks"`
	Keep           int      `toml:"keep"`
	Strict         bool     `toml:"strict"`
	Trial          string   `toml:"trial"`
	Migrate        string   `toml:"migrate"`

	WatchMode     string  `toml:"watch-mode"`
	Poll          bool    `toml:"poll"`
	PollMS        float64 `toml:"poll-ms"`
	DebounceMS    float64 `toml:"debounce-ms"`
	ExitOnFailure bool    `toml:"exit-on-failure"`

	Socket        string `toml:"socket"`
	Listen        string `toml:"listen"`
	TokenFile     string `toml:"token-file"`
	TLS           string `toml:"tls"`
	RequireSigned string `toml:"require-signed"`
	Web           bool   `toml:"web"`

	TUI       bool     `toml:"tui"`
	Show      []string `toml:"show"`
	StateType string   `toml:"state-type"`
	LogFormat string   `toml:"log-format"`
	LogLevel  string   `toml:"log-level"`
}

// placeholder is the annotation that holds the name of a flag's value in the help text.
const placeholder = "hotreload_placeholder"

// flagGroup is the flags under one heading of the help text.
type flagGroup struct {
	title string
	*pflag.FlagSet
}

// bind returns the flags that set s, and sets s to their defaults. A word in backquotes names a flag's value.
func (s *settings) bind() []flagGroup {
	group := func(title string, declare func(*pflag.FlagSet)) flagGroup {
		fs := pflag.NewFlagSet(title, pflag.ContinueOnError)
		fs.SortFlags = false
		declare(fs)
		fs.VisitAll(func(f *pflag.Flag) {
			var value string
			value, f.Usage = pflag.UnquoteUsage(f)
			f.Annotations = map[string][]string{placeholder: {value}}
		})
		return flagGroup{title, fs}
	}
	return []flagGroup{
		group("The plugin", func(fs *pflag.FlagSet) {
			fs.StringArrayVar(&s.Watch, "watch", nil, "source `PATH`, a file or directory whose change starts a build; repeatable")
			fs.StringVar(&s.Build, "build", "", "`COMMAND` that builds the library, run by /bin/sh -c")
			fs.StringVar(&s.Lib, "lib", "", "library `FILE` that the build writes (default: its -o operand, else the\nfirst watched file with .so)")
			fs.StringVar(&s.Dir, "dir", "", "`DIRECTORY` in which the build runs (default: the current one)")
			fs.StringVar(&s.Depfile, "depfile", "", "make-style dependency `FILE` that the build writes (-MD); not needed\nfor gcc")
			s.BuildTimeout = duration(2 * time.Minute)
			fs.Var(&s.BuildTimeout, "build-timeout", "`TIME` after which a build is killed")
		}),
		group("The simulation", func(fs *pflag.FlagSet) {
			fs.Float64Var(&s.TickMS, "tick-ms", 100, "`MS` from tick to tick in milliseconds, fractions allowed; 0: as fast as it goes")
			fs.Uint64Var(&s.Seed, "seed", 0, "`NUMBER` from which the plugin's randomness derives")
			fs.Uint64Var(&s.Ticks, "ticks", 0, "end after exactly `N` ticks; 0: run until a signal")
			fs.IntVar(&s.Shards, "shards", 1, "`N` instances of the state")
			fs.IntVar(&s.Workers, "workers", 0, "`N` threads that tick them (default: one per processor, at most one\nper shard)")
			fs.IntVar(&s.MaxCatchup, "max-catchup", 10, "run at most `N` late ticks at once, then take up the rate from there")
			fs.StringVar(&s.Journal, "journal", "", "append the history of the run to `FILE`, see hotreload replay")
			fs.StringVar(&s.KeepArtifacts, "keep-artifacts", "", "`DIRECTORY` for the libraries of the journal (default: its name with .d)")
			fs.StringVar(&s.Swap, "swap", "aligned", "`MODE` of a swap: aligned (all shards at one tick) or immediate (each at\nits next)")
			fs.StringVar(&s.StateFile, "state-file", "", "`FILE` in which the state lives, made if there is none: a host that is\nstarted again goes on with it, even after kill -9")
		}),
		group("Safety", func(fs *pflag.FlagSet) {
			s.TickDeadline, s.TickKill = duration(time.Second), duration(2*time.Second)
			fs.Var(&s.TickDeadline, "tick-deadline", "`TIME` after which a tick that has not returned is reported")
			fs.Var(&s.TickKill, "tick-kill", "processor `TIME` after which a tick is ended and its code rolled back")
			fs.StringVar(&s.Trial, "trial", "tick", "try a library in a child process first: off, load, or tick (on a copy\nof the state); `HOW` far")
			fs.StringVar(&s.Migrate, "migrate", "off", "what becomes of the state when its layout changes: off (refuse), auto (convert\nit by field name if nothing is lost, else by the plugin's migrate) or plugin\n(its migrate only); `HOW`")
			fs.Uint64Var(&s.ProbationTicks, "probation-ticks", 120, "keep the code before loaded for `N` ticks, ready to take over")
			fs.IntVar(&s.Keep, "keep", 5, "keep `N` earlier libraries to roll back to")
			fs.BoolVar(&s.Strict, "strict", false, "refuse libraries that would not unload or endanger the host")
		}),
		group("Watching", func(fs *pflag.FlagSet) {
			fs.StringVar(&s.WatchMode, "watch-mode", "inotify", "`MODE`: inotify or poll")
			fs.BoolVar(&s.Poll, "poll", false, "short for --watch-mode=poll")
			fs.Float64Var(&s.PollMS, "poll-ms", 250, "`MS` between two looks when polling")
			fs.Float64Var(&s.DebounceMS, "debounce-ms", 25, "`MS` of quiet before the verdict on a build counts; the build starts at once")
			fs.BoolVar(&s.ExitOnFailure, "exit-on-failure", false, "end if the first build fails instead of waiting for a good one")
		}),
		group("Control by other processes and machines", func(fs *pflag.FlagSet) {
			fs.StringVar(&s.Socket, "socket", socketAuto, "unix `SOCKET` for clients of this user: auto, off or a path")
			fs.StringVar(&s.Listen, "listen", "", "`HOST:PORT` for clients elsewhere too; loopback asks them for a token, and\nany other address needs --tls")
			fs.StringVar(&s.TokenFile, "token-file", "", "`FILE` of the tokens, made if there is none (default: hotreload/token in the\nuser's configuration directory)")
			fs.StringVar(&s.TLS, "tls", "", "`DIRECTORY` with the host's certificates, see hotreload pki init")
			fs.StringVar(&s.RequireSigned, "require-signed", "", "take only pushed libraries that a key in `FILE` has signed, see hotreload\nkey new")
			fs.BoolVar(&s.Web, "web", false, "serve a web page at the address of --listen, see hotreload web")
		}),
		group("Output", func(fs *pflag.FlagSet) {
			fs.BoolVar(&s.TUI, "tui", false, "show the run live in place of the log, if there is a terminal; ? tells the keys")
			fs.StringSliceVar(&s.Show, "show", nil, "state `FIELDS` of the [state] line, by comma; repeatable (default: those\nthat the plugin marks, else its first)")
			fs.StringVar(&s.StateType, "state-type", "state_t", "`NAME` of the state's type in the debug information")
			fs.StringVar(&s.LogFormat, "log-format", "console", "`FORMAT` on standard error: console or json")
			fs.StringVar(&s.LogLevel, "log-level", "info", "least `LEVEL` shown: debug (which adds each entry's fields), info, warn\nor error")
			fs.StringVar(&s.Config, "config", "", "`FILE` with settings (default: "+defaultConfig+" here, if there is one)")
		}),
	}
}

// flagSet returns the flags of all groups as one set.
func flagSet(groups []flagGroup) *pflag.FlagSet {
	all := pflag.NewFlagSet("hotreload", pflag.ContinueOnError)
	for _, g := range groups {
		all.AddFlagSet(g.FlagSet)
	}
	return all
}

// choices lists the values of the flags that have a fixed set of them.
var choices = map[string][]string{
	"swap":       {"aligned", "immediate"},
	"watch-mode": {"inotify", "poll"},
	"trial":      {"off", "load", "tick"},
	"migrate":    {"off", "auto", "plugin"},
	"log-format": {"console", "json"},
	"log-level":  {"debug", "info", "warn", "error"},
}

// duration is a time.Duration that a flag and a TOML string can set: "90s", "2m".
type duration time.Duration

// String implements pflag.Value.
func (d *duration) String() string { return time.Duration(*d).String() }

// Type implements pflag.Value.
func (d *duration) Type() string { return "duration" }

// Set implements pflag.Value.
func (d *duration) Set(text string) error {
	parsed, err := time.ParseDuration(text)
	if err == nil {
		*d = duration(parsed)
	}
	return err
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error { return d.Set(string(text)) }
