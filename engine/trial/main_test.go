package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(helper())
	}
	goleak.VerifyTestMain(m)
}

var corpus = filepath.Join("..", "..", "logic", "hostile")

// need skips a test on a machine without the program.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no %s", program)
	}
}

// hostile builds a plugin of the corpus with its own command and further flags, and returns the library.
func hostile(t testing.TB, source string, flags ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(corpus, source))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(first, "// build: "))
	lib := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))+".so")
	for i, word := range words {
		if word == "-o" {
			words[i+1] = lib
		}
	}
	need(t, words[0])
	build(t, corpus, append(words, flags...)...)
	return lib
}

// plugin builds a library from C text that may include counter.h and logic.h.
func plugin(t testing.TB, text string, flags ...string) string {
	t.Helper()
	need(t, "cc")
	dir := t.TempDir()
	source, lib := filepath.Join(dir, "plugin.c"), filepath.Join(dir, "plugin.so")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	include, err := filepath.Abs(corpus)
	if err != nil {
		t.Fatal(err)
	}
	build(t, dir, append([]string{"cc", "-g", "-shared", "-fPIC", "-I" + include, "-I" + filepath.Dir(include), "-o", lib, source}, flags...)...)
	return lib
}

func build(t testing.TB, dir string, words ...string) {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", words, err, out)
	}
}

// newRunner returns a Runner that is closed at the end of the test.
func newRunner(t testing.TB, config Config) *Runner {
	t.Helper()
	r, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// eventually polls until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// warm waits for the spare.
func warm(t testing.TB, r *Runner) {
	t.Helper()
	eventually(t, "a spare child", func() bool { return len(r.spare) == 1 })
}
