package build

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func find(output string) *finder {
	f := new(finder)
	_, _ = f.Write([]byte(output))
	f.close()
	return f
}

func TestFinder(t *testing.T) {
	for _, c := range []struct {
		name, output string
		want         Diagnostic
		hint         string
	}{
		{"gcc, plain quotes", "bad.c: In function 'f':\nbad.c:2:22: error: expected ';' before '}' token\n    2 | int f\n      |   ^~\n",
			Diagnostic{"bad.c", 2, 22, "error", "expected ';' before '}' token"}, ""},
		{"gcc, typographic quotes", "bad.c: In function ‘f’:\nbad.c:2:22: error: expected ‘;’ before ‘}’ token\n",
			Diagnostic{"bad.c", 2, 22, "error", "expected ';' before '}' token"}, ""},
		{"gcc, coloured", "\x1b[01m\x1b[Kbad.c:2:22:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kexpected ‘\x1b[01m\x1b[K;\x1b[m\x1b[K’\r\n",
			Diagnostic{"bad.c", 2, 22, "error", "expected ';'"}, ""},
		{"gcc, hyperlink", "a.c:1:1: error: x [\x1b]8;;https://gcc.gnu.org\x1b\\-Werror\x1b]8;;\x1b\\]\n",
			Diagnostic{"a.c", 1, 1, "error", "x [-Werror]"}, ""},
		{"clang", "logic.c:3:11: error: expected ';' after expression\n1 error generated.\n",
			Diagnostic{"logic.c", 3, 11, "error", "expected ';' after expression"}, ""},
		{"tcc", "bad.c:2: error: ';' expected (got \"}\")\n", Diagnostic{"bad.c", 2, 0, "error", `';' expected (got "}")`}, ""},
		{"missing header", "In file included from a.h:1,\n                 from b.c:2:\na.h:1:10: fatal error: missing.h: No such file or directory\ncompilation terminated.\n",
			Diagnostic{"a.h", 1, 10, "fatal error", "missing.h: No such file or directory"}, ""},
		{"missing source", "cc1: fatal error: nofile.c: No such file or directory\ncompilation terminated.\n",
			Diagnostic{"", 0, 0, "fatal error", "nofile.c: No such file or directory"}, ""},
		{"compiler killed", "g++: fatal error: Killed signal terminated program cc1plus\n",
			Diagnostic{"", 0, 0, "fatal error", "Killed signal terminated program cc1plus"}, ""},
		{"compiler broken", "a.c:1:1: internal compiler error: Segmentation fault\n",
			Diagnostic{"a.c", 1, 1, "internal compiler error", "Segmentation fault"}, ""},
		{"error after warning", "a.c:1:1: warning: unused\na.c:2:1: note: here\na.c:3:1: error: bad\n",
			Diagnostic{"a.c", 3, 1, "error", "bad"}, ""},
		{"first of two", "a.c:1:1: error: one\na.c:2:1: error: two\n", Diagnostic{"a.c", 1, 1, "error", "one"}, ""},
		{"path with spaces and colon", "my dir/a:b.c:1:2: error: bad\n", Diagnostic{"my dir/a:b.c", 1, 2, "error", "bad"}, ""},
		{"assembler", "a.s: Assembler messages:\na.s:1: Error: no such instruction: `foo'\n",
			Diagnostic{"a.s", 1, 0, "error", "no such instruction: 'foo'"}, ""},
		{"rustc", "error[E0308]: mismatched types\n --> src/b.rs:1:19\n  |\n1 | pub fn f()->i32 { \"s\" }\n\nerror: aborting due to 1 previous error\n",
			Diagnostic{"src/b.rs", 1, 19, "error", "mismatched types [E0308]"}, ""},
		{"rustc, no code", "error: this file contains an unclosed delimiter\n --> a.rs:1:32\n",
			Diagnostic{"a.rs", 1, 32, "error", "this file contains an unclosed delimiter"}, ""},
		{"rustc, link", "error: linking with `cc` failed: exit status: 1\n  |\n  = note: /usr/bin/ld: x.o: in function `f':\n          x.rs:1: undefined reference to `g'\n",
			Diagnostic{"x.rs", 1, 0, "error", "undefined reference to 'g'"}, ""},
		{"cargo", "   Compiling x v0.1.0\nerror[E0425]: cannot find value `y` in this scope\n --> src/lib.rs:2:5\nerror: could not compile `x` (lib) due to 1 previous error\n",
			Diagnostic{"src/lib.rs", 2, 5, "error", "cannot find value `y` in this scope [E0425]"}, ""},
		{"zig", "logic.zig:3:12: error: expected ';' after statement\n", Diagnostic{"logic.zig", 3, 12, "error", "expected ';' after statement"}, ""},
		{"go", "# logic\n./x.go:3:2: undefined: foo\n", Diagnostic{"./x.go", 3, 2, "error", "undefined: foo"}, ""},
		{"d", "app.d(3,5): Error: undefined identifier `x`\n", Diagnostic{"app.d", 3, 5, "error", "undefined identifier `x`"}, ""},
		{"nim", "a.nim(3, 5) Error: undeclared identifier\n", Diagnostic{"a.nim", 3, 5, "error", "undeclared identifier"}, ""},
		{"ld, undefined", "/usr/bin/ld: /tmp/ccU.o: in function `logic_get_api':\nok.c:(.text+0x5): undefined reference to `undefd'\ncollect2: error: ld returned 1 exit status\n",
			Diagnostic{"ok.c", 0, 0, "error", "undefined reference to 'undefd'"}, ""},
		{"ld, undefined with line", "/usr/bin/ld: /tmp/a.o: in function `f':\n/w/ok.c:3: undefined reference to `g'\n",
			Diagnostic{"/w/ok.c", 3, 0, "error", "undefined reference to 'g'"}, ""},
		{"ld, library", "/usr/bin/ld: cannot find -lnope: No such file or directory\ncollect2: error: ld returned 1 exit status\n",
			Diagnostic{"", 0, 0, "error", "cannot find -lnope: No such file or directory"}, ""},
		{"ld, -fPIC", "/usr/bin/ld: /tmp/a.o: relocation R_X86_64_PC32 against symbol `x' can not be used when making a shared object; recompile with -fPIC\n/usr/bin/ld: final link failed: bad value\n",
			Diagnostic{"", 0, 0, "error", "relocation"}, "-fPIC"},
		{"lld", "ld.lld: error: undefined symbol: g\n>>> referenced by a.c\nclang: error: linker command failed with exit code 1\n",
			Diagnostic{"", 0, 0, "error", "undefined symbol: g"}, ""},
		{"dash", "sh: 1: cc: not found\n", Diagnostic{Text: "cc: not found"}, "build-essential"},
		{"bash", "sh: line 1: clang: command not found\n", Diagnostic{Text: "clang: not found"}, "install clang"},
		{"bash, path", "/bin/sh: foo: command not found\n", Diagnostic{Text: "foo: not found"}, "install foo"},
		{"make without compiler", "cc -c a.c\nmake: cc: No such file or directory\nmake: *** [Makefile:2: a] Error 127\n",
			Diagnostic{Text: "cc: not found"}, "build-essential"},
		{"make, with error", "cc -c bad.c\nbad.c:2:22: error: bad\nmake: *** [mk:2: a] Error 1\n", Diagnostic{"bad.c", 2, 22, "error", "bad"}, ""},
		{"make alone", "echo\nmake[1]: *** No rule to make target 'foo'.  Stop.\n", Diagnostic{Text: "make: No rule to make target 'foo'. Stop."}, ""},
		{"not executable", "sh: 1: ./b.sh: Permission denied\n", Diagnostic{Text: "./b.sh: Permission denied"}, "chmod +x"},
		{"shell syntax", "sh: 1: Syntax error: Unterminated quoted string\n", Diagnostic{Text: "Syntax error: Unterminated quoted string"}, "quotes"},
		{"nothing known", "\n\n  well then  \nmore\n", Diagnostic{Text: "well then"}, ""},
		{"progress", "10%\r50%\ra.c:1:1: error: bad\n", Diagnostic{"a.c", 1, 1, "error", "bad"}, ""},
		{"no newline", "a.c:1:1: error: bad", Diagnostic{"a.c", 1, 1, "error", "bad"}, ""},
		{"empty", "\n", Diagnostic{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := find(c.output)
			got := f.best
			if c.want.Text == "relocation" {
				got.Text, _, _ = strings.Cut(strings.TrimPrefix(got.Text, "/tmp/a.o: "), " ")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(f.hint, c.hint) {
				t.Errorf("expected a hint with %q, got %q", c.hint, f.hint)
			}
		})
	}
}

func TestFinderKeepsTheFirstWarning(t *testing.T) {
	f := find("a.c:1:2: warning: one [-Wone]\na.c:2:1: warning: two\n")
	if want := (Diagnostic{"a.c", 1, 2, "warning", "one [-Wone]"}); f.warning != want || !f.best.IsZero() {
		t.Errorf("warning %+v, error %+v", f.warning, f.best)
	}
	f = find("warning: unused variable: `x`\n --> a.rs:3:4\n")
	if want := (Diagnostic{"a.rs", 3, 4, "warning", "unused variable: `x`"}); f.warning != want {
		t.Errorf("warning %+v", f.warning)
	}
}

func TestDiagnosticPlace(t *testing.T) {
	for want, d := range map[string]Diagnostic{
		"": {}, "a.c": {File: "a.c"}, "a.c:1": {File: "a.c", Line: 1}, "a.c:1:2": {File: "a.c", Line: 1, Column: 2},
	} {
		if got := d.Place(); got != want {
			t.Errorf("expected %q, got %q", want, got)
		}
	}
}

// FuzzFinder: whatever comes and however it is cut into writes, the same bounded, printable diagnostic comes out.
func FuzzFinder(f *testing.F) {
	f.Add("a.c:1:1: error: ‘x’\n --> a:1:1\n\x1b[0m", 3)
	f.Add("/usr/bin/ld: x: undefined reference to `y'", 1)
	f.Add("error[E1]: a\n --> b.rs:99999999999999999999:1", 7)
	f.Fuzz(func(t *testing.T, output string, piece int) {
		whole := find(output)
		pieces := new(finder)
		for rest := []byte(output); len(rest) > 0; {
			n := min(max(piece, 1), len(rest))
			_, _ = pieces.Write(rest[:n])
			rest = rest[n:]
		}
		pieces.close()
		if whole.best != pieces.best || whole.warning != pieces.warning {
			t.Errorf("in one piece %+v, in pieces %+v", whole.best, pieces.best)
		}
		text := whole.best.Text
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x1b") || utf8.RuneCountInString(text) > maxText+80 {
			t.Errorf("not one bounded printable line: %q", text)
		}
	})
}

func FuzzTranscript(f *testing.F) {
	f.Add(uint32(5), uint32(100_000), uint32(7))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		var text transcript
		total := 0
		for _, n := range []uint32{a, b, c} {
			n %= 200_000
			line := []byte(strings.Repeat("0123456\n", int(n/8)+1))[:n]
			_, _ = text.Write(line)
			total += len(line)
		}
		out := text.String()
		if len(out) > MaxOutput || total <= maxHead+maxTail && len(out) != total {
			t.Errorf("%d bytes in, %d out", total, len(out))
		}
		if len(text.head)+len(text.tail)+int(text.left) != total {
			t.Errorf("%d bytes in, %d kept or counted", total, len(text.head)+len(text.tail)+int(text.left))
		}
	})
}

func BenchmarkFinder(b *testing.B) {
	line := []byte("  CC   src/some/file/of/a/project.c: compiling with many: words and (brackets)\n")
	b.SetBytes(int64(len(line)))
	var f finder
	for b.Loop() {
		_, _ = f.Write(line)
	}
}
