package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// invoke runs the command in-process with an environment of its own.
func invoke(env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = doMain(args, &out, &err, func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	})
	return code, out.String(), err.String()
}

// place makes a directory with a plugin source and the given hotreload.toml, and makes it the current one.
func place(t *testing.T, config string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "logic.c", "")
	if config != "" {
		write(t, defaultConfig, config)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUsageErrorsAreOneLineAndExitCode2(t *testing.T) {
	place(t, "")
	write(t, "empty.toml", "")
	good := []string{"--watch", "logic.c", "--build", "cc -o logic.so logic.c"}
	cases := []struct {
		name string
		args []string
		want string // without "hotreload: " and the hint
	}{
		{"nothing at all", nil, "--watch: expected the plugin's source file or directory, got none"},
		{"no build", []string{"--watch", "logic.c"},
			"--build: expected the command that builds the library, got none (without it, watch a .so that something else builds)"},
		{"missing source", []string{"--watch", "nope.c", "--build", "cc"}, `--watch: expected existing files or directories, got "nope.c"`},
		{"one of two sources missing", append(good, "--watch", "nope.h"), `--watch: expected existing files or directories, got "nope.h"`},
		{"unknown flag", append(good, "--bogus"), "unknown flag --bogus"},
		{"unknown flag with a neighbour", append(good, "--watch_mode=poll"), "unknown flag --watch_mode: did you mean --watch-mode?"},
		{"shorthand", append(good, "-x"),
			`unknown flag -x: flags have two dashes, and --build takes its command as one word: --build "cc ..."`},
		{"unquoted build command", []string{"--watch", "logic.c", "--build", "cc", "logic.c"},
			`unexpected argument "logic.c": expected only flags (--build takes its command as one word: --build "cc ...")`},
		{"unknown command", []string{"serve"}, `unexpected argument "serve": expected flags or a command`},
		{"misspelt command", []string{"statsu"}, `unknown command "statsu": did you mean status?`},
		{"flag without value", append(good, "--seed"), "--seed: expected a whole number, 0 or more, got nothing"},
		{"page without an address", append(good, "--web"),
			"--web: expected --listen 127.0.0.1:PORT with it, got none: no browser opens a unix socket"},
		{"negative tick", append(good, "--tick-ms", "-1"), `--tick-ms: expected 0 (free-running) or 0.001 to 86400000 milliseconds, got "-1"`},
		{"tick is no number", append(good, "--tick-ms", "NaN"), `--tick-ms: expected 0 (free-running) or 0.001 to 86400000 milliseconds, got "NaN"`},
		{"tick with a unit", append(good, "--tick-ms", "5ms"), `--tick-ms: expected 0 (free-running) or 0.001 to 86400000 milliseconds, got "5ms"`},
		{"tick too short", append(good, "--tick-ms", "1e-9"), `--tick-ms: expected 0 (free-running) or 0.001 to 86400000 milliseconds, got "1e-09"`},
		{"tick too long", append(good, "--tick-ms", "1e300"), `--tick-ms: expected 0 (free-running) or 0.001 to 86400000 milliseconds, got "1e+300"`},
		{"negative seed", append(good, "--seed", "-1"), `--seed: expected a whole number, 0 or more, got "-1"`},
		{"negative ticks", append(good, "--ticks", "-5"), `--ticks: expected a whole number, 0 or more, got "-5"`},
		{"no shards", append(good, "--shards", "0"), `--shards: expected a whole number, 1 to 2147483647, got "0"`},
		{"too many shards", append(good, "--shards", "2147483648"), `--shards: expected a whole number, 1 to 2147483647, got "2147483648"`},
		{"no workers", append(good, "--workers", "0"), `--workers: expected a whole number, 1 to 1024, got "0"`},
		{"too many workers", append(good, "--workers", "1025"), `--workers: expected a whole number, 1 to 1024, got "1025"`},
		{"no catch-up", append(good, "--max-catchup", "0"), `--max-catchup: expected a whole number, 1 to 2147483647, got "0"`},
		{"swap mode", append(good, "--swap", "fast"), `--swap: expected aligned or immediate, got "fast"`},
		{"watch mode", append(good, "--watch-mode", "kqueue"), `--watch-mode: expected inotify or poll, got "kqueue"`},
		{"poll against watch mode", append(good, "--poll", "--watch-mode=inotify"), "--poll contradicts --watch-mode=inotify: give one of them"},
		{"poll interval", append(good, "--poll-ms", "0"), `--poll-ms: expected 0.001 to 86400000 milliseconds, got "0"`},
		{"debounce", append(good, "--debounce-ms", "-1"), `--debounce-ms: expected 0, or 0.001 to 86400000 milliseconds, got "-1"`},
		{"build timeout", append(good, "--build-timeout", "0s"), `--build-timeout: expected a positive time such as 90s or 2m, got "0s"`},
		{"build timeout without unit", append(good, "--build-timeout", "90"), `--build-timeout: expected a positive time such as 90s or 2m, got "90"`},
		{"log format", append(good, "--log-format", "xml"), `--log-format: expected console or json, got "xml"`},
		{"log level", append(good, "--log-level", "loud"), `--log-level: expected debug or info or warn or error, got "loud"`},
		{"libraries of no journal", append(good, "--keep-artifacts", "kept"),
			"--keep-artifacts: expected --journal too, whose libraries it is for, got none"},
		{"switch with a value", append(good, "--exit-on-failure=maybe"), `--exit-on-failure: expected true or false, got "maybe"`},
		{"directory of the build", append(good, "--dir", "logic.c"), `--dir: expected an existing directory, got "logic.c"`},
		{"configuration file missing", append(good, "--config", "nope.toml"),
			"configuration file: expected a readable TOML file: open nope.toml: no such file or directory"},
		{"configuration file is a directory", append(good, "--config", "."),
			"configuration file: expected a readable TOML file: read .: is a directory"},
		{"version with an argument", []string{"version", "please"}, `unexpected argument "please": hotreload version takes no more`},
		{"version in another format", []string{"version", "-o", "xml"}, `--output: expected text or json, got "xml"`},
		{"demo with two arguments", []string{"demo", "logic", "please"}, `unexpected argument "please": hotreload demo takes no more`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := invoke(nil, c.args...)
			if want := "hotreload: " + c.want + " (run 'hotreload --help')\n"; stderr != want {
				t.Errorf("stderr:\n got %q\nwant %q", stderr, want)
			}
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, stdout %q: want 2 and nothing", code, stdout)
			}
		})
	}
}

func TestConfigErrorsPointAtTheirPlace(t *testing.T) {
	cases := []struct{ name, config, want string }{
		{"unknown key", "tick-ms = 5\ndebounc = 50\n",
			"hotreload: hotreload.toml:2: unknown key \"debounc\": expected the name of a flag without its dashes (run 'hotreload --help')\n" +
				"1| tick-ms = 5\n2| debounc = 50\n | ~~~~~~~ unknown field\n"},
		{"wrong type", "shards = \"many\"\n",
			"hotreload: hotreload.toml:1: shards: expected a whole number, 1 to 2147483647 (run 'hotreload --help')\n" +
				"1| shards = \"many\"\n |          ~~~~~~ expected a whole number, 1 to 2147483647\n"},
		{"no list", "watch = \"logic.c\"\n",
			"hotreload: hotreload.toml:1: watch: expected a list of existing files or directories (run 'hotreload --help')\n" +
				"1| watch = \"logic.c\"\n |         ~~~~~~~~~ expected a list of existing files or directories\n"},
		{"no duration", "build-timeout = \"soon\"\n",
			"hotreload: hotreload.toml:1: build-timeout: expected a positive time such as 90s or 2m (run 'hotreload --help')\n" +
				"1| build-timeout = \"soon\"\n |                 ~~~~~~ expected a positive time such as 90s or 2m\n"},
		{"no TOML", "tick-ms = \n",
			"hotreload: hotreload.toml:1: unexpected character U+000A at start of value (run 'hotreload --help')\n" +
				"1| tick-ms = \n |           ~ unexpected character U+000A at start of value\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			place(t, c.config)
			code, _, stderr := invoke(nil, "--watch", "logic.c", "--build", "cc -o logic.so logic.c")
			if stderr != c.want {
				t.Errorf("stderr:\n got %q\nwant %q", stderr, c.want)
			}
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
		})
	}
}

func TestBadValuesNameTheirOrigin(t *testing.T) {
	cases := []struct {
		name, config string
		env          map[string]string
		want         string
	}{
		{"file", "seed = 1\nshards = 0\n", nil, `hotreload.toml:2: shards: expected a whole number, 1 to 2147483647, got "0"`},
		{"variable out of range", "", map[string]string{"HOTRELOAD_SHARDS": "0"},
			`HOTRELOAD_SHARDS: expected a whole number, 1 to 2147483647, got "0"`},
		{"variable of another type", "", map[string]string{"HOTRELOAD_SHARDS": "many"},
			`HOTRELOAD_SHARDS: expected a whole number, 1 to 2147483647, got "many"`},
		{"file contradicts itself", "poll = true\nwatch-mode = \"inotify\"\n", nil,
			"hotreload.toml:1: poll contradicts hotreload.toml:2: watch-mode=inotify: give one of them"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			place(t, c.config)
			code, _, stderr := invoke(c.env, "--watch", "logic.c", "--build", "cc -o logic.so logic.c")
			if want := "hotreload: " + c.want + " (run 'hotreload --help')\n"; stderr != want || code != 2 {
				t.Errorf("exit code %d, stderr:\n got %q\nwant %q", code, stderr, want)
			}
		})
	}
}

func TestHelpNamesEveryFlagAndExitCode(t *testing.T) {
	code, stdout, stderr := invoke(nil, "--help")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %q: want 0 and nothing", code, stderr)
	}
	for name := range fields(t) {
		if !strings.Contains(stdout, "\n  --"+name+" ") {
			t.Errorf("help does not list --%s", name)
		}
	}
	for _, cmd := range newRoot(&terminal{lookup: os.LookupEnv}).Commands() {
		if !regexp.MustCompile(`(?m)^  hotreload (.*[|] )?` + cmd.Name() + `\b`).MatchString(stdout) {
			t.Errorf("help does not list hotreload %s", cmd.Name())
		}
	}
	for _, want := range []string{"\n   0  ", "\n   1  ", "\n   2  ", "\n   9  ", "\n  10  ", "\n  11  ", "\n  12  ", "Examples:"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("help lacks %q", want)
		}
	}
}

func TestDemoSourcesAreThoseOfLogic(t *testing.T) {
	for _, name := range []string{"logic.h", "logic.c"} {
		want, err := os.ReadFile(filepath.Join("..", "..", "logic", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := demoSources.ReadFile("demo/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("demo/%s differs from logic/%s: run `go generate ./cmd/hotreload`", name, name)
		}
	}
}
