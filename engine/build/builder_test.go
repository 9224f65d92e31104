package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// deadline bounds waits that only a bug makes long.
const deadline = 30 * time.Second

func newBuilder(t *testing.T, config Config) *Builder {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	if config.Library == "" {
		config.Library = "out.so"
	}
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func buildFailure(t *testing.T, b *Builder) *Failure {
	t.Helper()
	_, err := b.Build(t.Context())
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("expected a *Failure, got %v", err)
	}
	return failure
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// eventually polls condition until it holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !condition(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
		time.Sleep(time.Millisecond)
	}
}

// runs reports whether the process whose number is in file exists and is no zombie.
func runs(t *testing.T, file string) bool {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(content)) + "/stat")
	if err != nil {
		return false
	}
	_, state, _, ok := parseStat(stat)
	return ok && state != 'Z' && state != 'X'
}

func TestBuildReportsWhetherTheLibraryIsFresh(t *testing.T) {
	b := newBuilder(t, Config{Command: "test -e out.so || echo x > out.so; echo done"})
	for i, fresh := range []bool{true, false} {
		result, err := b.Build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if result.Fresh != fresh || result.Library != b.Library() || result.Output != "done\n" || result.Duration <= 0 {
			t.Errorf("build %d: %+v", i, result)
		}
	}
}

func TestReplacedLibraryIsFreshEvenWithEqualBytes(t *testing.T) {
	b := newBuilder(t, Config{Command: "echo x > tmp && mv tmp out.so"})
	for range 2 {
		if result, err := b.Build(t.Context()); err != nil || !result.Fresh {
			t.Fatalf("%+v, %v", result, err)
		}
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, command, want, hint string
		code                      int
	}{
		{"diagnostic", `echo "logic.c:3:12: error: expected ‘;’ before ‘}’ token" >&2; exit 1`, "error: expected ';' before '}' token", "", 1},
		{"without newline", `printf 'cc: fatal error: no input files'; exit 4`, "fatal error: no input files", "", 4},
		{"first line", `echo; echo something; exit 3`, "something", "", 3},
		{"silent", `exit 7`, "exit status 7", "", 7},
		{"missing compiler", `no-such-compiler -o out.so`, "no-such-compiler: not found", "PATH", 127},
		{"killed", `kill -SEGV $$`, "killed by signal 11 (segmentation fault)", "", -1},
		{"no library", `true`, "error: the command succeeded but left no library at ", "--lib", 0},
		{"library is a directory", `mkdir -p out.so`, "error: expected a library at ", "--lib", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			failure := buildFailure(t, newBuilder(t, Config{Command: c.command}))
			if !strings.HasPrefix(failure.Error(), c.want) || failure.ExitCode != c.code || !strings.Contains(failure.Hint, c.hint) {
				t.Errorf("expected %q, exit code %d, hint with %q; got %q, %+v", c.want, c.code, c.hint, failure, failure)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]Config{
		"empty command":     {Command: " \n", Library: "x.so"},
		"missing directory": {Command: "true", Dir: "/no/such/directory", Library: "x.so"},
		"dir is a file":     {Command: "true", Dir: "/proc/self/exe", Library: "x.so"},
		"negative timeout":  {Command: "true", Timeout: -1, Library: "x.so"},
		"unknown library":   {Command: "make"},
	} {
		if b, err := New(config); err == nil {
			t.Errorf("%s: expected an error, got %+v", name, b)
		}
	}
}

func TestDirectoryRemovedAfterNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b := newBuilder(t, Config{Command: "true", Dir: dir})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if failure := buildFailure(t, b); failure.ExitCode != -1 || !strings.Contains(failure.Hint, "--dir") {
		t.Errorf("%v: %+v", failure, failure)
	}
}

func TestTimeoutKillsGrandchildrenWhichIgnoreTermination(t *testing.T) {
	dir := t.TempDir()
	b := newBuilder(t, Config{
		Dir: dir, Timeout: 300 * time.Millisecond,
		Command: `trap '' TERM; (trap '' TERM; sh -c 'echo $$ > pid; exec sleep 1000'; true) & wait; sleep 1000`,
	})
	failure := buildFailure(t, b)
	if !failure.TimedOut || failure.Error() != "timed out after 300ms" {
		t.Errorf("%v: %+v", failure, failure)
	}
	if runs(t, filepath.Join(dir, "pid")) {
		t.Error("a grandchild outlived the build")
	}
}

func TestCancelLeavesNothingRunning(t *testing.T) {
	dir := t.TempDir()
	pid := filepath.Join(dir, "pid")
	b := newBuilder(t, Config{Dir: dir, Command: `sh -c 'echo $$ > tmp; mv tmp pid; exec sleep 1000' & trap 'echo cleaned > cleaned' EXIT TERM; wait; sleep 1000`})
	cause := errors.New("newer change")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	var group errgroup.Group
	group.Go(func() error {
		_, err := b.Build(ctx)
		done <- err
		return nil
	})
	eventually(t, "the build starts", func() bool { _, err := os.Stat(pid); return err == nil })
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) {
		t.Errorf("expected the cause, got %v", err)
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if runs(t, pid) {
		t.Error("a process outlived the cancelled build")
	}
	if _, err := os.Stat(filepath.Join(dir, "cleaned")); err != nil {
		t.Error("the build had no chance to clean up:", err)
	}
}

func TestCancelledContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := newBuilder(t, Config{Command: "echo x > out.so"})
	if _, err := b.Build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
	if _, err := os.Stat(b.Library()); err == nil {
		t.Error("the command ran")
	}
}

func TestBackgroundProcessEndsWithTheBuild(t *testing.T) {
	dir := t.TempDir()
	b := newBuilder(t, Config{Dir: dir, Command: `sleep 1000 & echo $! > pid; echo x > out.so`})
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if runs(t, filepath.Join(dir, "pid")) {
		t.Error("the background process outlived the build")
	}
}

func TestDaemonWhichKeepsTheOutputIsNotWaitedFor(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	b := newBuilder(t, Config{Dir: dir, Command: `setsid sh -c 'echo $$ > tmp; mv tmp pid; exec sleep 1000' & while ! test -e pid; do sleep 0.01; done; echo x > out.so; echo end`})
	result, err := b.Build(t.Context())
	if err != nil || result.Output != "end\n" {
		t.Errorf("%+v, %v", result, err)
	}
	content, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("expected the daemon to run: %v", err)
	}
}

func TestKilledHostLeavesNoBuildRunning(t *testing.T) {
	dir := t.TempDir()
	host := exec.CommandContext(t.Context(), os.Args[0])
	host.Dir = dir
	host.Env = append(os.Environ(), hostVariable+`=sh -c 'echo $$ > tmp; mv tmp inner; exec sleep 1000' & echo $$ > tmp2; mv tmp2 outer; sleep 1000; true`)
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(dir, "outer"), filepath.Join(dir, "inner")}
	for _, file := range files {
		eventually(t, "the build runs", func() bool { _, err := os.Stat(file); return err == nil && runs(t, file) })
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // killed, as intended
	for _, file := range files {
		eventually(t, "the build dies with the host", func() bool { return !runs(t, file) })
	}
}

func TestBuildRunsAtLowPriorityInItsOwnGroupWithoutInput(t *testing.T) {
	b := newBuilder(t, Config{Command: `cat; nice; sh -c 'nice'; cut -d' ' -f5 /proc/self/stat; echo $$; echo x > out.so`})
	result, err := b.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(result.Output)
	own, err := exec.CommandContext(t.Context(), "nice").Output()
	if err != nil {
		t.Fatal(err)
	}
	base, err := strconv.Atoi(strings.TrimSpace(string(own)))
	if err != nil {
		t.Fatal(err)
	}
	want := strconv.Itoa(min(base+niceness, 19))
	if len(fields) != 4 || fields[0] != want || fields[1] != want || fields[2] != fields[3] {
		t.Errorf("expected priority %s twice and the shell as group leader, got %q", want, fields)
	}
}

func TestBuildsRunOneAtATime(t *testing.T) {
	b := newBuilder(t, Config{Command: `mkdir lock && sleep 0.02 && rmdir lock && echo x > out.so`})
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			_, err := b.Build(t.Context())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func TestHugeOutputIsBoundedAndStillDiagnosed(t *testing.T) {
	filler := strings.Repeat("y", 100)
	b := newBuilder(t, Config{Command: fmt.Sprintf(
		`echo begin; yes %s | head -n 20000; echo 'a.c:1:2: error: in the middle'; yes %s | head -n 20000; printf end; exit 1`, filler, filler)})
	failure := buildFailure(t, b)
	if failure.Error() != "error: in the middle" {
		t.Errorf("diagnostic: %v", failure)
	}
	out := failure.Output
	if len(out) > MaxOutput || !strings.HasPrefix(out, "begin\n") || !strings.HasSuffix(out, "\nend") || !strings.Contains(out, " bytes left out ...") {
		t.Errorf("output of %d bytes: %.40q ... %q", len(out), out, out[max(0, len(out)-40):])
	}
}

func TestFailureWithRealCompiler(t *testing.T) {
	cc := needCompiler(t)
	dir := t.TempDir()
	write(t, dir, "logic.c", "#include \"my.h\"\nint f(void)\n{\n\treturn 1\n}\n")
	write(t, dir, "my.h", "")
	for _, locale := range []string{"C", "C.UTF-8", "de_DE.UTF-8"} {
		t.Setenv("LC_ALL", locale)
		b := newBuilder(t, Config{Dir: dir, Command: cc + " -shared -fPIC -o logic.so logic.c", Scratch: filepath.Join(dir, "a scratch")})
		result, err := b.Build(t.Context())
		var failure *Failure
		if !errors.As(err, &failure) {
			t.Fatalf("expected a *Failure, got %v", err)
		}
		if !strings.HasPrefix(failure.Error(), "error: expected ';'") {
			t.Errorf("%s: %q", locale, failure.Error())
		}
		if place := failure.Diagnostic.Place(); !strings.HasPrefix(place, "logic.c:4:") {
			t.Errorf("%s: place %q", locale, place)
		}
		if strings.Contains(failure.Output, "error") == false {
			t.Errorf("%s: output %q", locale, failure.Output)
		}
		if len(result.Dependencies) != 2 { // a failed build tells them too
			t.Errorf("%s: dependencies %v", locale, result.Dependencies)
		}
	}
}

func needCompiler(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"gcc", "cc"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("needs a C compiler")
	return ""
}

func BenchmarkBuild(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "out.so"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, command := range []string{":", "/bin/true; /bin/true"} {
		b.Run("shell alone "+command, func(b *testing.B) {
			for b.Loop() {
				if err := exec.CommandContext(b.Context(), "/bin/sh", "-c", command).Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("Build "+command, func(b *testing.B) {
			builder, err := New(Config{Command: command, Dir: dir, Library: "out.so", Scratch: dir})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := builder.Build(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
