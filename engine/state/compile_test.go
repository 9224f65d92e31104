package state

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compile builds source text into a shared library with a compiler of this machine; the test is skipped without it.
// Arguments that end in a source suffix of their own are not needed: name gives the file's.
func compile(t testing.TB, name, source string, command ...string) string {
	t.Helper()
	compiler := command[0]
	if _, err := exec.LookPath(compiler); err != nil {
		if home, homeErr := os.UserHomeDir(); homeErr == nil && compiler == "rustc" {
			compiler = filepath.Join(home, ".cargo", "bin", "rustc")
		}
		if _, err := exec.LookPath(compiler); err != nil {
			t.Skipf("no %s on this machine", command[0])
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append(append([]string{}, command[1:]...), "-o", "plugin.so", name)
	cmd := exec.Command(compiler, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "unrecognized") {
			t.Skipf("%s does not know %v", compiler, args)
		}
		t.Fatalf("%s %v: %v\n%s", compiler, args, err, out)
	}
	return filepath.Join(dir, "plugin.so")
}

// compileC builds C with debug information.
func compileC(t testing.TB, source string, flags ...string) string {
	t.Helper()
	return compile(t, "logic.c", source, append([]string{"cc", "-shared", "-fPIC", "-g"}, flags...)...)
}

// compileCXX builds C++ with debug information.
func compileCXX(t testing.TB, source string, flags ...string) string {
	t.Helper()
	return compile(t, "logic.cc", source, append([]string{"g++", "-shared", "-fPIC", "-g"}, flags...)...)
}

// compileRust builds a Rust dynamic library with debug information.
func compileRust(t testing.TB, source string) string {
	t.Helper()
	return compile(t, "logic.rs", source, "rustc", "--crate-type=cdylib", "-g", "-Copt-level=0")
}

// places renders the fields of a layout, one "name description" a line, elements indented.
func places(l *Layout) string {
	var b strings.Builder
	for _, f := range l.Fields {
		b.WriteString(f.Name + " " + f.describe() + "\n")
		if f.Element != nil {
			for _, line := range strings.Split(strings.TrimSpace(places(f.Element)), "\n") {
				b.WriteString("  " + line + "\n")
			}
		}
	}
	return b.String()
}
