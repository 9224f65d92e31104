package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const plainC = `static int state; void *logic_get_api(void) { return &state; }`

// compile compiles the source with the given compiler, whose files have that extension, and returns the path of what it
// made. It skips the test where there is no such compiler.
func compile(t testing.TB, compiler, extension, source string, flags ...string) string {
	t.Helper()
	path, err := exec.LookPath(compiler)
	if err != nil {
		t.Skipf("needs %s", compiler)
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "logic"+extension)
	if err := os.WriteFile(src, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(dir, "logic.so")
	args := append(flags, "-o", lib, src)
	if out, err := exec.CommandContext(context.Background(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", compiler, args, err, out)
	}
	return lib
}

// compileC builds a C library as the README's command does.
func compileC(t testing.TB, source string, flags ...string) string {
	t.Helper()
	return compile(t, "cc", ".c", source, append([]string{"-shared", "-fPIC"}, flags...)...)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// refusalOf returns what the error refuses, and fails the test if it is something else.
func refusalOf(t testing.TB, err error) *Refusal {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("expected a *Refusal, got %v", err)
	}
	return refusal
}

func mustInspect(t testing.TB, path string) *Report {
	t.Helper()
	report, err := Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func codes(r *Report) string {
	out := ""
	for _, f := range r.Findings {
		out += fmt.Sprintf("%s: %s\n", f.Code, f.Subject)
	}
	return out
}
