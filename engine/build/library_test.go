package build

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeriveLibrary(t *testing.T) {
	for _, c := range []struct{ command, source, want string }{
		{"cc -shared -fPIC -o logic.so logic.c", "/w/logic.c", "/w/logic.so"},
		{"cc -shared -ologic.so logic.c", "", "/w/logic.so"},
		{`cc -o "my logic.so" logic.c`, "", "/w/my logic.so"},
		{`cc -o 'my logic.so' logic.c`, "", "/w/my logic.so"},
		{`cc -o my\ logic.so logic.c`, "", "/w/my logic.so"},
		{`cc -o"out/logic".so logic.c`, "", "/w/out/logic.so"},
		{"cc -o /abs/x.so a.c", "", "/abs/x.so"},
		{"cc -c a.c -o a.o && cc -shared a.o -o a.so", "", "/w/a.so"},
		{"cc -shared a.c -o a.so && cc t.c -o t", "", "/w/a.so"},
		{"cc -o a.so a.c; cc -o b.so b.c", "", "/w/b.so"},
		{"ld -o plugin a.o", "/w/a.c", "/w/plugin"},
		{"cd sub && cc -o a.so a.c", "", "/w/sub/a.so"},
		{"cd sub; cd ../other\ncc -o a.so a.c", "", "/w/other/a.so"},
		{"cd $SUB && cc -o a.so a.c", "/w/logic.c", "/w/logic.so"},
		{"cd $SUB && cc -o /w/a.so a.c", "/w/logic.c", "/w/a.so"},
		{"cc -o $OUT/a.so a.c", "/w/logic.c", "/w/logic.so"},
		{`cc -o '$OUT.so' a.c`, "", "/w/$OUT.so"},
		{"cc -o a.so.tmp a.c && mv -f a.so.tmp a.so", "", "/w/a.so"},
		{"cc -o a.so a.c >log.so 2>&1", "", "/w/a.so"},
		{"cc a.c -o a.so 2>err # -o b.so", "", "/w/a.so"},
		{"zig build-lib -dynamic -femit-bin=z.so z.zig", "", "/w/z.so"},
		{"rustc --crate-type cdylib l.rs -o l.so", "", "/w/l.so"},
		{"make", "/w/src/logic.cpp", "/w/src/logic.so"},
		{"make", "/w/Makefile", "/w/Makefile.so"},
		{"make -o", "", ""},
		{`cc -o ""`, "", ""},
		{"make", "", ""},
	} {
		if got := deriveLibrary(splitCommands(c.command), "/w", c.source); got != c.want {
			t.Errorf("%q: expected %q, got %q", c.command, c.want, got)
		}
	}
}

func TestLibraryIsAbsolute(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ library, command, want string }{
		{"x.so", "cc -o y.so", dir + "/x.so"},
		{"/abs/x.so", "cc -o y.so", "/abs/x.so"},
		{"", "cc -o y.so", dir + "/y.so"},
		{"", "make", dir + "/src/logic.so"},
	} {
		b, err := New(Config{Command: c.command, Dir: dir, Library: c.library, Source: "src/logic.c"})
		if err != nil || b.Library() != c.want {
			t.Errorf("%+v: got %q, %v", c, b.Library(), err)
		}
	}
}

func TestVisitedDirectories(t *testing.T) {
	got := visitedDirectories(splitCommands("cd a && cc x.c; make -C ../b -C; cd -; make -C c"), "/w")
	if want := []string{"/w/a", "/w/a", "/w/b"}; !slices.Equal(got, want) {
		t.Errorf("expected %v, got %v", want, got)
	}
}

func TestSplitCommands(t *testing.T) {
	for _, c := range []struct {
		script string
		want   [][]string
	}{
		{"", nil},
		{" ; & | ", nil},
		{"a b", [][]string{{"a", "b"}}},
		{"a&&b||c", [][]string{{"a"}, {"b"}, {"c"}}},
		{"(a; b)", [][]string{{"a"}, {"b"}}},
		{`a "" '' "b\"c\n"`, [][]string{{"a", "", "", `b"c\n`}}},
		{"a \\\n b", [][]string{{"a", "b"}}},
		{"a b#c #d\ne", [][]string{{"a", "b#c"}, {"e"}}},
		{"a >x 2>&1 <y >>z b3>w", [][]string{{"a", "b3"}}},
		{`a "unclosed`, [][]string{{"a", "unclosed"}}},
		{`a \`, [][]string{{"a"}}},
		{"a 'x", [][]string{{"a", "x"}}},
	} {
		var got [][]string
		for _, words := range splitCommands(c.script) {
			var texts []string
			for _, w := range words {
				texts = append(texts, w.text)
			}
			got = append(got, texts)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.script, diff)
		}
	}
}

func FuzzDeriveLibrary(f *testing.F) {
	f.Add(`cd "a b" && cc -o 'x'.so $(y) 2>&1 | tee log; make -C c`)
	f.Add("\\\n\"'`#<>&|()")
	f.Fuzz(func(t *testing.T, command string) {
		commands := splitCommands(command)
		for _, words := range commands {
			if len(words) == 0 {
				t.Error("a command without words")
			}
		}
		if library := deriveLibrary(commands, "/w", ""); library != "" && library[0] != '/' {
			t.Errorf("expected an absolute path, got %q", library)
		}
		visitedDirectories(commands, "/w")
	})
}
