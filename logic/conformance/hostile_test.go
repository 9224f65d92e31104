package conformance_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// signals are the names that the corpus uses.
var signals = map[syscall.Signal]string{
	syscall.SIGABRT: "SIGABRT",
	syscall.SIGBUS:  "SIGBUS",
	syscall.SIGFPE:  "SIGFPE",
	syscall.SIGILL:  "SIGILL",
	syscall.SIGSEGV: "SIGSEGV",
}

// misdeed is one file of the corpus and what its first two lines say.
type misdeed struct {
	source string // relative to the corpus
	build  string // a shell command
	lib    string // what the command makes
	alone  string // what becomes of a host without precautions
}

// TestHostile builds each hostile plugin with its own command and checks, in a program without any precaution, that the
// harm it announces is real: a corpus that has lost its teeth would let every host pass.
func TestHostile(t *testing.T) {
	need(t, "cc")
	dir := filepath.Join(t.TempDir(), "logic")
	if err := os.CopyFS(dir, os.DirFS(logicDir)); err != nil {
		t.Fatal(err)
	}
	corpus := filepath.Join(dir, "hostile")
	misdeeds := readCorpus(t, corpus)
	if len(misdeeds) < 40 {
		t.Errorf("found %d hostile plugins, expected 40 or more", len(misdeeds))
	}
	t.Run("each", func(t *testing.T) {
		for _, m := range misdeeds {
			t.Run(m.source, func(t *testing.T) {
				t.Parallel()
				m.compile(t, corpus)
				m.tryAlone(t, corpus)
			})
		}
	})
}

func readCorpus(t *testing.T, corpus string) []misdeed {
	t.Helper()
	var found []misdeed
	for _, pattern := range []string{"*.c", "*.cpp", "*.rs", "*/*.go"} {
		paths, err := filepath.Glob(filepath.Join(corpus, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			found = append(found, readMisdeed(t, corpus, path))
		}
	}
	return found
}

func readMisdeed(t *testing.T, corpus, path string) misdeed {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(text), "\n", 3)
	build, hasBuild := strings.CutPrefix(lines[0], "// build: ")
	alone, hasAlone := strings.CutPrefix(lines[1], "// alone: ")
	_, output, hasOutput := strings.Cut(build, " -o ")
	if !hasBuild || !hasAlone || !hasOutput {
		t.Fatalf("%s: expected first lines `// build: CC ... -o LIB ...` and `// alone: OUTCOME`, got %q", path, lines[:2])
	}
	source, err := filepath.Rel(corpus, path)
	if err != nil {
		t.Fatal(err)
	}
	return misdeed{source, build, filepath.Join(corpus, strings.Fields(output)[0]), alone}
}

// compile runs the plugin's own build command; warnings are allowed, for some misdeeds provoke them.
func (m misdeed) compile(t *testing.T, corpus string) {
	t.Helper()
	for word := range strings.FieldsSeq(m.build) {
		if !strings.Contains(word, "=") { // the first word that is no assignment is the compiler
			need(t, word)
			break
		}
	}
	cmd := command("sh", "-c", m.build)
	cmd.Dir = corpus
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", m.build, err, out)
	}
	if _, err := os.Stat(m.lib); err != nil {
		t.Fatalf("%s built nothing: %v", m.build, err)
	}
}

// tryAlone runs the plugin far enough for segv_late, from a directory of its own and without core files.
func (m misdeed) tryAlone(t *testing.T, corpus string) {
	t.Helper()
	const ticks = "2010"
	mode := "alone"
	switch {
	case m.alone == "hangs":
		return // to wait for nothing to happen would take a clock
	case m.alone == "SIGFPE" && runtime.GOARCH != "amd64":
		return
	case m.alone == "stays":
		mode = "unload"
	}
	cmd := harness(t, mode, m.lib, ticks)
	cmd.Dir = corpus
	if got := outcome(cmd.Run()); got != m.alone {
		t.Errorf("in a host without precautions: got %q, its first lines say %q", got, m.alone)
	}
}

// outcome puts the end of a process into the words of the corpus.
func outcome(err error) string {
	if err == nil {
		return "survives"
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err.Error()
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok {
		return err.Error()
	}
	switch {
	case status.Signaled():
		if name, known := signals[status.Signal()]; known {
			return name
		}
		return status.Signal().String()
	case status.ExitStatus() == 100:
		return "refused"
	case status.ExitStatus() == 101:
		return "stays"
	}
	return fmt.Sprint("exit ", status.ExitStatus())
}
