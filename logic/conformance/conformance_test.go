package conformance_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// logicDir holds the sources under test, seen from this package's directory.
const logicDir = ".."

// strict turns every warning into an error: a header that warns in its users' builds is at fault.
var strict = []string{"-Wall", "-Wextra", "-Werror"}

// scratch is a directory for what all tests share; TestMain makes and removes it.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(inScratch(m.Run))
}

func inScratch(run func() int) int {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	scratch = dir
	return run()
}

// buildHarness compiles testdata/harness.c once for all tests.
var buildHarness = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "harness")
	args := append([]string{"-O1", "-I" + logicDir, "-o", path, "testdata/harness.c"}, strict...)
	out, err := command("cc", append(args, "-ldl")...).CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, nil
})

// command prepares a compiler or the harness, in the locale in which messages are plain ASCII.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

// need skips the test where a compiler is absent.
func need(t *testing.T, compiler string) {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("%s is not installed: its language is not tested here", compiler)
	}
}

// compile runs a compiler and returns what it printed; failing is the caller's to judge.
func compile(t *testing.T, compiler string, args ...string) (string, error) {
	t.Helper()
	need(t, compiler)
	out, err := command(compiler, args...).CombinedOutput()
	return string(out), err
}

// mustCompile is compile for what has to succeed, and in silence.
func mustCompile(t *testing.T, compiler string, args ...string) {
	t.Helper()
	if out, err := compile(t, compiler, args...); err != nil || out != "" {
		t.Fatalf("%s %s: %v\n%s", compiler, strings.Join(args, " "), err, out)
	}
}

// harness prepares a run of the harness.
func harness(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	need(t, "cc")
	path, err := buildHarness()
	if err != nil {
		t.Fatalf("cannot build the harness: %v", err)
	}
	return command(path, args...)
}

// harnessOutput returns the lines that the harness prints.
func harnessOutput(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := harness(t, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("harness %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}
