package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDepfile(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          rules
	}{
		{"empty", "", rules{}},
		{"one rule", "a.o: a.c my.h\n", rules{[]string{"a.o"}, []string{"a.c", "my.h"}}},
		{"appended rules", "a.o: a.c\nb.o: b.c\n", rules{[]string{"a.o", "b.o"}, []string{"a.c", "b.c"}}},
		{"many targets", "a.o b.o : a.c\n", rules{[]string{"a.o", "b.o"}, []string{"a.c"}}},
		{"continuation", "a.o: a.c \\\n my.h \\\n  other.h\n", rules{[]string{"a.o"}, []string{"a.c", "my.h", "other.h"}}},
		{"continuation, CRLF", "a.o: a.c \\\r\n my.h\r\n", rules{[]string{"a.o"}, []string{"a.c", "my.h"}}},
		{"escapes", `sp\ ace$$x\#.o: sp\ ace$$x\#.c a\\b.c`, rules{[]string{"sp ace$x#.o"}, []string{"sp ace$x#.c", `a\\b.c`}}},
		{"doubled backslashes", `a: b\\\ c d\\ e`, rules{[]string{"a"}, []string{`b\ c`, `d\`, "e"}}},
		{"colon in a name", "a: b:c.h d\\:e\n", rules{[]string{"a"}, []string{"b:c.h", "d:e"}}},
		{"empty rules for headers", "a.o: a.c b.h\nb.h:\n", rules{[]string{"a.o", "b.h"}, []string{"a.c", "b.h"}}},
		{"comment", "# env-dep:X=1\na: b # c\n", rules{[]string{"a"}, []string{"b"}}},
		{"half-written target", "a.o: a.c\nb.", rules{[]string{"a.o"}, []string{"a.c"}}},
		{"half-written continuation", "a.o: a.c \\", rules{[]string{"a.o"}, []string{"a.c"}}},
		{"tabs", "a.o:\ta.c\tb.c\n", rules{[]string{"a.o"}, []string{"a.c", "b.c"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseDepfile(c.content), cmp.AllowUnexported(rules{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseDepfile(f *testing.F) {
	f.Add("a\\ b.o: a\\\\\\ b$$.c \\\r\n c:d\\#\nx")
	f.Add("\\\\\\:\\ #")
	f.Fuzz(func(t *testing.T, content string) {
		parsed := parseDepfile(content)
		total := 0
		for _, name := range append(parsed.targets, parsed.prerequisites...) {
			if name == "" {
				t.Error("an empty name")
			}
			total += len(name)
		}
		if total > len(content) {
			t.Errorf("%d bytes of names from %d bytes", total, len(content))
		}
	})
}

func TestDependencies(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"sub", "dir.h"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a.c", "b.h", "gen.h", "a.o", "lib.so", "lib.so.1", "sub/s.c", "out"} {
		write(t, dir, name, "")
	}
	deps := write(t, dir, "deps", "a.o: a.c b.h a.c ./b.h gen.h dir.h missing.h /usr/include/stdio.h /bin/sh\nlib.so: a.o lib.so.1\ngen.h: a.c\nb.h:\n")
	depfile := write(t, dir, "x.d", "out: s.c out\n")
	bases := []string{dir, filepath.Join(dir, "sub")}
	got := dependencies([]string{deps, depfile, filepath.Join(dir, "none"), ""}, bases, filepath.Join(dir, "out"))
	want := []string{dir + "/a.c", dir + "/b.h", dir + "/gen.h", dir + "/sub/s.c"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProjectInASystemDirectoryKeepsItsDependencies(t *testing.T) {
	if isSystem("/opt/game/logic.h", []string{"/opt/game"}) || !isSystem("/opt/other/logic.h", []string{"/opt/game"}) || isSystem("/optional/a.h", nil) {
		t.Error("expected only /opt/other to count as system")
	}
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{"A=1", "LC_ALL=C.UTF-8", "LC_MESSAGES=de_DE", "LANG=x"}, "/s/deps")
	has := map[string]bool{}
	for _, entry := range got {
		has[entry] = true
	}
	for _, want := range []string{"A=1", "LC_CTYPE=C.UTF-8", "LC_MESSAGES=C", "DEPENDENCIES_OUTPUT=/s/deps"} {
		if !has[want] {
			t.Errorf("expected %s in %v", want, got)
		}
	}
	if has["LC_ALL=C.UTF-8"] || has["LC_MESSAGES=de_DE"] {
		t.Errorf("left in: %v", got)
	}
}

func TestDependenciesFromRealCompilers(t *testing.T) {
	cc := needCompiler(t)
	for _, c := range []struct{ name, command string }{
		{"environment", cc + " -shared -fPIC -o out.so sub/a.c b.c"},
		{"in another directory", "cd sub && " + cc + " -shared -fPIC -o ../out.so a.c ../b.c"},
		{"depfile alone", "unset DEPENDENCIES_OUTPUT; " + cc + " -MD -MF x.d -c -fPIC -o a.o sub/a.c && " + cc + " -MD -MF y.d -c -fPIC -o b.o b.c && cat y.d >> x.d; " + cc + " -shared -o out.so a.o b.o"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "sub/a.c", "#include <stdio.h>\n#include \"my header.h\"\n")
			write(t, dir, "sub/my header.h", "int f(void);")
			write(t, dir, "b.c", "int b;")
			b := newBuilder(t, Config{Dir: dir, Command: c.command, Depfile: "x.d", Scratch: t.TempDir()})
			for range 2 { // the second must not see the first's lines twice, nor lose any
				result, err := b.Build(t.Context())
				if err != nil {
					t.Fatal(err, result.Output)
				}
				want := []string{dir + "/b.c", dir + "/sub/a.c", dir + "/sub/my header.h"}
				if diff := cmp.Diff(want, result.Dependencies); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}
