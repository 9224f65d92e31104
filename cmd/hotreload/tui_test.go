package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/cmd/hotreload/live"
	"hotreload/engine/control"
)

// screen is a terminal of 80×24 in which a shell runs.
type screen struct {
	t    *testing.T
	dir  string // the shell's
	tmux []string
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	path, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("no tmux")
	}
	dir := t.TempDir()
	s := &screen{t, dir, []string{path, "-S", filepath.Join(dir, "tmux"), "-f", "/dev/null"}}
	s.call("new-session", "-d", "-x", "80", "-y", "24", "-c", dir, "-e", "XDG_RUNTIME_DIR=", "-e", "TMPDIR="+dir, "-e", "PS1=$ ", "sh")
	t.Cleanup(func() { s.call("kill-server") })
	return s
}

func (s *screen) call(args ...string) string {
	s.t.Helper()
	out, err := exec.Command(s.tmux[0], append(s.tmux[1:], args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (s *screen) press(keys ...string) {
	s.t.Helper()
	s.call(append([]string{"send-keys"}, keys...)...)
}

// enter has the shell run a command and say how it ended.
func (s *screen) enter(command string) {
	s.t.Helper()
	s.press("-l", command+`; echo "code=$?"; stty -a | grep -ow -e -icanon -e icanon -e -echo -e echo`)
	s.press("Enter")
}

// waitFor waits until all texts are on the screen, and returns it.
func (s *screen) waitFor(texts ...string) string {
	s.t.Helper()
	shown := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		shown = s.call("capture-pane", "-p", "-J")
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(shown, text)
		}
		if !missing {
			return shown
		}
	}
	s.t.Fatalf("expected %q on the screen:\n%s", texts, shown)
	return ""
}

// restored checks that the terminal is as it was before the view: its main screen, with a cursor, echo and lines.
func (s *screen) restored(code string) string {
	s.t.Helper()
	shown := s.waitFor("code="+code+"\n", "\nicanon\n", "\necho\n")
	if modes := s.call("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"); modes != "0 1 0\n" {
		s.t.Errorf("alternate screen, cursor and mouse are %q, expected 0 1 0", modes)
	}
	return shown
}

// kill sends a signal to the process that has written its id into the file "pid".
func (s *screen) kill(signal string) {
	s.t.Helper()
	if out, err := exec.Command("sh", "-c", "kill -"+signal+" $(cat "+filepath.Join(s.dir, "pid")+")").CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

const viewedRun = `hotreload --watch logic.c --build "cc -shared -fPIC -o logic.so logic.c" --tick-ms 5 --shards 8 --workers 2 --tui`

// place puts the sample plugin into the screen's directory.
func (s *screen) place(change ...string) {
	s.t.Helper()
	for _, name := range []string{"logic.h", "logic.c"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "logic", name))
		if err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(strings.NewReplacer(change...).Replace(string(text))), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestViewInATerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.place()
	s.enter(viewedRun)
	s.waitFor("● running", "generation 1", "this process", "shard 0 of 0 to 7", "score", "0 swaps", "q quit")
	s.place("SCORE_PER_TICK 1", "SCORE_PER_TICK 100")
	s.waitFor("generation 2", "1 swap ", "swapped in", "[reload] swapped logic.so (api=1)")
	s.place("s->time += dt;", "s->time += dt")
	s.waitFor("generation 2", "1 rejected", "✗ build", "error: expected ';'")
	s.press("?")
	s.waitFor("end the host, as Ctrl-C does")
	s.press("?", "p")
	s.waitFor("○ paused", "p resume")
	s.press("p", "]")
	s.waitFor("● running", "shard 1 of 0 to 7")
	s.press("b")
	s.waitFor("generation 3", "stages   rolled-back")
	s.press("q")
	if shown := s.restored("0"); !strings.Contains(shown, "[exit] code=0\n") || strings.Contains(shown, "q quit") {
		t.Errorf("expected the end of the log and no view:\n%s", shown)
	}
}

func TestViewOfAnotherProcessLeavesItAlone(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.place()
	s.press("-l", strings.ReplaceAll(viewedRun, "--tui", "2>log & host=$!"))
	s.press("Enter")
	s.press("-l", "until grep running log; do :; done")
	s.press("Enter")
	s.waitFor("[server] running")
	s.enter("hotreload tui")
	s.waitFor("● running", "[server] running generation 1, logic.so")
	s.press("r")
	s.waitFor("✓ reload: unchanged, generation 1 runs")
	s.press("q")
	s.restored("0")
	s.press("-l", "clear; kill $host; wait $host; echo host=$?")
	s.press("Enter")
	s.waitFor("host=0\n")
}

func TestSignalsRestoreTheTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.place()
	s.enter(`sh -c 'echo $$ >pid; exec "$@"' sh ` + viewedRun)
	s.waitFor("● running")
	s.kill("TERM")
	if shown := s.restored("0"); !strings.Contains(shown, "[exit] code=0\n") {
		t.Errorf("expected the end of the log:\n%s", shown)
	}
}

func TestAKilledHostLeavesAUsableTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.place()
	s.press("-l", `sh -c 'echo $$ >pid; exec "$@"' sh `+viewedRun+`; until stty -a | grep " icanon" && stty -a | grep " echo "; do :; done; echo usable`)
	s.press("Enter")
	s.waitFor("● running")
	s.kill("KILL")
	if shown := s.waitFor("\nusable\n"); strings.Contains(shown, "q quit") {
		t.Errorf("the view is still there:\n%s", shown)
	}
}

func TestAPanicRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.enter("view-panics")
	if shown := s.restored("1"); !strings.Contains(shown, "program experienced a panic") {
		t.Errorf("expected the panic:\n%s", shown)
	}
}

// viewPanics is a view with a bug.
func viewPanics() {
	err := live.Run(context.Background(), live.Config{
		Connect: func() (live.Source, error) { return panicking{}, nil }, In: os.Stdin, Out: os.Stdout,
	})
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type panicking struct{ live.Source }

func (panicking) Status(context.Context) (control.Status, error) { panic("a bug") }

func (panicking) Follow(ctx context.Context, _ func(control.Event) error, _ func(control.Gap) error) error {
	<-ctx.Done()
	return errors.New("ended")
}

func (panicking) Close() {}
