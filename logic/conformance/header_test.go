package conformance_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dialects are the compilers and standards that the header promises to work with.
var dialects = []struct {
	compiler string
	args     []string
}{
	{"gcc", []string{"-x", "c", "-std=c99"}},
	{"gcc", []string{"-x", "c", "-std=c11"}},
	{"gcc", []string{"-x", "c", "-std=c17"}},
	{"clang", []string{"-x", "c", "-std=c99"}},
	{"clang", []string{"-x", "c", "-std=c17"}},
	{"g++", []string{"-x", "c++", "-std=c++14"}},
	{"g++", []string{"-x", "c++", "-std=c++17"}},
	{"g++", []string{"-x", "c++", "-std=c++20"}},
	{"clang++", []string{"-x", "c++", "-std=c++14"}},
	{"clang++", []string{"-x", "c++", "-std=c++20"}},
}

// TestLayout pins the ABI: a change of any number here breaks every plugin that is already built.
func TestLayout(t *testing.T) {
	want := []string{
		"logic_api_t.api_version 0",
		"logic_api_t.api_revision 4",
		"logic_api_t.state_size 8",
		"logic_api_t.init 16",
		"logic_api_t.tick 24",
		"logic_api_t.shutdown 32",
		"logic_api_t.seed 40",
		"logic_api_t.tick_batch 48",
		"logic_api_t.before_reload 56",
		"logic_api_t.after_reload 64",
		"logic_api_t.migrate 72",
		"logic_api_t.fields 80",
		"logic_api_t.field_count 88",
		"logic_api_t.state_revision 96",
		"logic_api_t 104",
		"logic_field_t.name 0",
		"logic_field_t.type 8",
		"logic_field_t.offset 12",
		"logic_field_t.count 16",
		"logic_field_t.flags 20",
		"logic_field_t.reserved 24",
		"logic_field_t 32",
	}
	if got := harnessOutput(t, "layout"); !slices.Equal(got, want) {
		t.Errorf("layout of the ABI:\n got %q\nwant %q", got, want)
	}
}

// TestKinds describes one declaration in every dialect: the table must be the same.
func TestKinds(t *testing.T) {
	want := strings.Fields(`
		flag 11 1  letter 12 1  i8 1 1  u8 2 1  i16 3 1  u16 4 1  i32 5 1  u32 6 1  word 7 1  uword 8 1  i64 7 1  u64 8 1
		f32 9 1  f64 10 1  wide 14 16  colour 6 1  fixed 5 1  changing 3 1  pointer 13 1  text 13 1  function 13 1
		name 12 16  tag 12 8  samples 10 3  pointers 13 2  pair 14 8  pair.b 9 1  pairs 14 32  pairs[2].a 5 1  grid 14 48`)
	for _, d := range dialects {
		t.Run(d.compiler+d.args[2], func(t *testing.T) {
			t.Parallel()
			bin := filepath.Join(t.TempDir(), "kinds")
			args := slices.Concat(d.args, strict, []string{"-pedantic", "-I" + logicDir, "-o", bin, "testdata/kinds.c"})
			mustCompile(t, d.compiler, args...)
			out, err := command(bin).Output()
			if err != nil {
				t.Fatalf("kinds: %v", err)
			}
			if got := strings.Fields(string(out)); !slices.Equal(got, want) {
				t.Errorf("fields (name, type, count):\n got %q\nwant %q", got, want)
			}
		})
	}
}

// TestWrongMacroDoesNotCompile: LOGIC_FIELD on an array would describe one element, LOGIC_ARRAY on a pointer would take
// the pointer's size for the array's.
func TestWrongMacroDoesNotCompile(t *testing.T) {
	for _, d := range dialects {
		for _, c := range []struct{ define, hint string }{
			{"WRONG_FIELD", "LOGIC_ARRAY"},
			{"WRONG_ARRAY", "LOGIC_FIELD"},
		} {
			t.Run(d.compiler+d.args[2]+"/"+c.define, func(t *testing.T) {
				t.Parallel()
				args := append(slices.Clone(d.args), "-D"+c.define, "-fsyntax-only", "-I"+logicDir, "testdata/kinds.c")
				out, err := compile(t, d.compiler, args...)
				if err == nil {
					t.Fatal("compiled; expected an error")
				}
				if !strings.Contains(out, "use_"+c.hint) && !strings.Contains(out, "use "+c.hint) {
					t.Errorf("the error does not say to use %s:\n%s", c.hint, out)
				}
			})
		}
	}
}

// TestExampleInHeader compiles the plugin that the header's first comment shows.
func TestExampleInHeader(t *testing.T) {
	header, err := os.ReadFile(filepath.Join(logicDir, "logic.h"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(header), "Smallest plugin:")
	example, _, ends := strings.Cut(rest, "Build:")
	if !found || !ends {
		t.Fatal(`logic.h has no example between "Smallest plugin:" and "Build:"`)
	}
	source := filepath.Join(t.TempDir(), "example.c")
	text := strings.ReplaceAll(example, "\n *", "\n")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(t.TempDir(), "example.so")
	mustCompile(t, "cc", slices.Concat(strict, []string{"-shared", "-fPIC", "-I" + logicDir, "-o", lib, source})...)
	checkTenTicks(t, lib)
}
