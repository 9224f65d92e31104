package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
)

func TestMain(m *testing.M) {
	testscript.Main(leakChecked{m}, map[string]func(){"hotreload": main, "view-panics": viewPanics})
}

// leakChecked fails a test run that leaves goroutines behind.
type leakChecked struct{ *testing.M }

func (m leakChecked) Run() int {
	code := m.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts runs the scripts in testdata/script with a real compiler. $LOGIC is the directory of the sample plugins,
// $HOTRELOAD the command's path. Besides testscript's own commands they have
//
//	start ARGS...        starts hotreload ARGS, its log in the file "log"; leading NAME=VALUE are its environment
//	waitlog PATTERN      waits for a line of the log, after the one found last, that matches the regular expression
//	waitfile FILE        waits until the file exists
//	signal INT|TERM|KILL sends a signal to hotreload
//	waitexit CODE        waits for the end of hotreload and checks its exit code, -1 if it was killed
//	logged MSG FIELD...  checks that a JSON log has an entry with that message and with these fields, dots in between
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
	logic, err := filepath.Abs(filepath.Join("..", "..", "logic"))
	if err != nil {
		t.Fatal(err)
	}
	command, err := exec.LookPath("hotreload") // which testscript.Main has put there
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("LOGIC", logic)
			env.Setenv("HOTRELOAD", command)
			env.Setenv("XDG_RUNTIME_DIR", "")
			env.Values[hostKey{}] = &hostProcess{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "waitlog": waitLog, "waitfile": waitFile, "signal": sendSignal, "waitexit": waitExit,
			"logged": logged,
		},
		RequireExplicitExec: true,
	})
}

// patience bounds every wait in a script; it is far beyond what a wait takes on a busy machine.
const patience = 60 * time.Second

// hostProcess is the hotreload that a script has started.
type hostProcess struct {
	*exec.Cmd
	log  string // file with its standard error
	read int    // bytes of the log up to the end of the line found last
	done chan struct{}
}

type hostKey struct{}

// host returns the script's process; it fails the script if there is none.
func host(ts *testscript.TestScript) *hostProcess {
	h := ts.Value(hostKey{}).(*hostProcess)
	if h.Cmd == nil {
		ts.Fatalf("no hotreload was started")
	}
	return h
}

// ended tells whether the process has been waited for.
func (h *hostProcess) ended() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	h := ts.Value(hostKey{}).(*hostProcess)
	if neg || h.Cmd != nil && !h.ended() {
		ts.Fatalf("usage: start ARGS..., one at a time")
	}
	log, err := os.Create(ts.MkAbs("log"))
	ts.Check(err)
	defer func() { ts.Check(log.Close()) }()
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		env, args = append(env, args[0]), args[1:]
	}
	h.Cmd = exec.Command(ts.Getenv("HOTRELOAD"), args...)
	h.Dir, h.Env, h.Stderr = ts.MkAbs("."), env, log
	h.log, h.read, h.done = log.Name(), 0, make(chan struct{})
	ts.Check(h.Start())
	process, done := h.Cmd, h.done
	var reaper errgroup.Group
	reaper.Go(func() error {
		defer close(done)
		return process.Wait()
	})
	ts.Defer(func() {
		_ = process.Process.Kill()
		_ = reaper.Wait() // the exit code is waitexit's business
	})
}

// await polls until there says yes, the process ends, or patience does.
func await(ts *testscript.TestScript, h *hostProcess, what string, there func() bool) {
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-h.done:
			if there() {
				return
			}
			text, _ := os.ReadFile(h.log)
			ts.Fatalf("hotreload ended before %s; its log:\n%s", what, text)
		case <-deadline:
			text, _ := os.ReadFile(h.log)
			ts.Fatalf("no %s within %v; the log:\n%s", what, patience, text)
		}
	}
}

func waitLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitlog PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	h := host(ts)
	await(ts, h, "a line like "+args[0], func() bool {
		text, err := os.ReadFile(h.log)
		ts.Check(err)
		whole := text[:bytes.LastIndexByte(text, '\n')+1]
		found := pattern.FindIndex(whole[h.read:])
		if found == nil {
			return false
		}
		end := h.read + found[1]
		h.read = end + bytes.IndexByte(whole[end:], '\n') + 1
		return true
	})
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	await(ts, host(ts), "file "+args[0], func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	number, ok := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}[strings.Join(args, " ")]
	if neg || !ok {
		ts.Fatalf("usage: signal INT|TERM|KILL")
	}
	ts.Check(host(ts).Process.Signal(number))
}

func waitExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitexit CODE")
	}
	h := host(ts)
	await(ts, h, "end of hotreload", h.ended)
	if got := strconv.Itoa(h.ProcessState.ExitCode()); got != args[0] {
		text, _ := os.ReadFile(h.log)
		ts.Fatalf("exit code %s, want %s; the log:\n%s", got, args[0], text)
	}
}

func logged(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: logged MSG FIELD...")
	}
	missing := errors.New("no entry with that message")
	for line := range strings.Lines(ts.ReadFile("log")) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			ts.Fatalf("line %q is no JSON: %v", line, err)
		}
		if entry["msg"] == args[0] {
			if missing = lacks(entry, args[1:]); missing == nil {
				return
			}
		}
	}
	ts.Fatalf("message %q: %v; the log:\n%s", args[0], missing, ts.ReadFile("log"))
}

// lacks names the first of the fields that entry does not have.
func lacks(entry map[string]any, fields []string) error {
	for _, field := range fields {
		var value any = entry
		for part := range strings.SplitSeq(field, ".") {
			object, _ := value.(map[string]any)
			if value = object[part]; value == nil {
				return fmt.Errorf("no field %s", field)
			}
		}
	}
	return nil
}
