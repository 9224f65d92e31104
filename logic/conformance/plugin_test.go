package conformance_test

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plugin is one well-behaved source and the way it is built.
type plugin struct {
	source   string // relative to logicDir
	compiler string
	args     []string
	counter  bool // an int32 score that grows by one a tick, then a double time
}

var (
	cFlags    = slices.Concat(strict, []string{"-g", "-shared", "-fPIC", "-I" + logicDir})
	cxxFlags  = append([]string{"-std=c++14", "-pedantic"}, cFlags...)
	rustFlags = []string{"-D", "warnings", "--crate-type", "cdylib", "-C", "panic=abort", "-O", "-g"}
	zigFlags  = []string{"build-lib", "-dynamic", "-O", "ReleaseFast"}
)

var plugins = []plugin{
	{"logic.c", "cc", cFlags, true},
	{"logic_v2.c", "cc", cFlags, false},
	{"verbatim.c", "cc", cFlags, true},
	{"flock.c", "cc", append([]string{"-O2"}, cFlags...), false},
	{"variants/mismatch_version.c", "cc", cFlags, true},
	{"variants/mismatch_size.c", "cc", cFlags, false},
	{"variants/swapped_fields.c", "cc", cFlags, false},
	{"variants/null_tick.c", "cc", cFlags, false},
	{"variants/counter.cpp", "c++", cxxFlags, true},
	{"variants/counter.rs", "rustc", rustFlags, true},
	{"variants/counter.zig", "zig", zigFlags, true},
}

// build compiles the plugin with all warnings as errors and returns the library's path.
func (p plugin) build(t *testing.T, extra ...string) string {
	t.Helper()
	lib := filepath.Join(t.TempDir(), "plugin.so")
	out := []string{"-o", lib}
	if p.compiler == "zig" {
		out = []string{"-femit-bin=" + lib}
	}
	mustCompile(t, p.compiler, slices.Concat(p.args, extra, out, []string{filepath.Join(logicDir, p.source)})...)
	return lib
}

// TestPlugins builds every source, finds the one exported symbol, and holds the field table against the debug
// information.
func TestPlugins(t *testing.T) {
	for _, p := range plugins {
		t.Run(p.source, func(t *testing.T) {
			t.Parallel()
			lib := p.build(t)
			checkExports(t, lib)
			if p.compiler != "zig" { // a release build of Zig leaves no names to compare with
				checkFields(t, lib, harnessOutput(t, "describe", lib))
			}
			if p.counter {
				checkTenTicks(t, lib)
				checkUnloads(t, lib)
			}
		})
	}
}

func checkExports(t *testing.T, lib string) {
	t.Helper()
	file, err := elf.Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // read only
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var exported []string
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			exported = append(exported, s.Name)
		}
	}
	if want := []string{"logic_get_api"}; !slices.Equal(exported, want) {
		t.Errorf("exported symbols: got %q, want %q", exported, want)
	}
}

// checkTenTicks is the golden path: ten ticks of 0.125 s give score 10 and time 1.25.
func checkTenTicks(t *testing.T, lib string) {
	t.Helper()
	const (
		score   = "0a000000"
		padding = "00000000"
		time    = "000000000000f43f" // 1.25, little-endian
	)
	for _, got := range harnessOutput(t, "run", lib, "single", "3", "10", "1") {
		if got != score+padding+time {
			t.Errorf("state after ten ticks: got %s, want %s", got, score+padding+time)
		}
	}
}

func checkUnloads(t *testing.T, lib string) {
	t.Helper()
	if err := harness(t, "unload", lib, "10").Run(); err != nil {
		t.Errorf("unload: %v; expected success (status 101: still mapped after dlclose)", err)
	}
}

// TestSecondVersion: the same state, twice the score.
func TestSecondVersion(t *testing.T) {
	v1 := plugin{source: "logic.c", compiler: "cc", args: cFlags}.build(t)
	v2 := plugin{source: "logic_v2.c", compiler: "cc", args: cFlags}.build(t)
	if a, b := harnessOutput(t, "describe", v1), harnessOutput(t, "describe", v2); !slices.Equal(a, b) {
		t.Errorf("the two versions describe their states differently:\n%q\n%q", a, b)
	}
	if got := harnessOutput(t, "run", v2, "single", "1", "10", "1")[0]; !strings.HasPrefix(got, "14000000") {
		t.Errorf("state after ten ticks: got %s, want a score of 20", got)
	}
}

// TestVariants: each is wrong in the one way that its name says.
func TestVariants(t *testing.T) {
	describe := func(t *testing.T, name string) string {
		lib := plugin{source: "variants/" + name, compiler: "cc", args: cFlags}.build(t)
		return strings.Join(harnessOutput(t, "describe", lib), "; ")
	}
	for name, want := range map[string]string{
		"mismatch_version.c": "api 2 1 16; score 5 0 1 1; time 10 8 1 0",
		"mismatch_size.c":    "api 1 1 24; score 5 0 1 1; time 10 8 1 0; lives 5 16 1 0",
		"swapped_fields.c":   "api 1 1 16; time 10 0 1 0; score 5 8 1 1",
		"null_tick.c":        "api 1 1 16; score 5 0 1 1; time 10 8 1 0",
	} {
		t.Run(name, func(t *testing.T) {
			if got := describe(t, name); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	t.Run("syntax_error.c", func(t *testing.T) {
		out, err := compile(t, "cc", "-fsyntax-only", "-I"+logicDir, filepath.Join(logicDir, "variants/syntax_error.c"))
		if err == nil || !strings.Contains(out, "error: expected ';'") {
			t.Errorf("got %v\n%s\nwant error: expected ';'", err, out)
		}
	})
}

// TestFlock: the same seed gives the same flock, however the shards are batched and the code is optimised; another seed
// gives another flock.
func TestFlock(t *testing.T) {
	flock := plugin{source: "flock.c", compiler: "cc", args: cFlags}
	lib := flock.build(t, "-O2")
	run := func(lib, mode string, shards, seed int) []string {
		return harnessOutput(t, "run", lib, mode, fmt.Sprint(shards), "100", fmt.Sprint(seed))
	}
	single := run(lib, "single", 5, 123)

	t.Run("batch equals single ticks", func(t *testing.T) {
		if !slices.Equal(run(lib, "batch", 5, 123), single) {
			t.Error("tick_batch over 5 shards differs from 5 single ticks")
		}
	})
	t.Run("size of the batch has no effect", func(t *testing.T) {
		if got := run(lib, "batch", 2, 123); !slices.Equal(got, single[:2]) {
			t.Error("the first two shards depend on how many follow")
		}
	})
	t.Run("the seed decides", func(t *testing.T) {
		other := run(lib, "batch", 5, 124)
		if !slices.Equal(other[:4], single[1:]) {
			t.Error("equal seeds in different shards give different flocks")
		}
		if slices.Contains(single, other[4]) {
			t.Error("different seeds give equal flocks")
		}
	})
	for _, level := range []string{"-O0", "-O3"} {
		t.Run("same bytes at "+level, func(t *testing.T) {
			if !slices.Equal(run(flock.build(t, level), "batch", 5, 123), single) {
				t.Errorf("%s and -O2 differ", level)
			}
		})
	}
}
