package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// binary builds the command as it is delivered and returns its path. HOTRELOAD_BINARY names another one, and
// HOTRELOAD_CGO=1 builds it with cgo.
func binary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HOTRELOAD_BINARY"); path != "" {
		return path
	}
	cgo := os.Getenv("HOTRELOAD_CGO")
	if cgo == "" {
		cgo = "0"
	}
	path := filepath.Join(t.TempDir(), "hotreload")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// hosted is a hotreload process under test and what its log, in JSON, has said so far.
type hosted struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string // where it runs, and where its private files are
	log     *os.File
	partial []byte   // the end of the log that is no whole line yet
	entries []entry  // of the host
	foreign []string // lines that plugins and the Go runtime have printed
	next    int      // the entry after the one found last
	done    chan struct{}
}

// entry is one log entry.
type entry map[string]any

// text returns a field as text; "" if the entry has none of that name.
func (e entry) text(field string) string {
	if e[field] == nil {
		return ""
	}
	return fmt.Sprint(e[field])
}

// number returns a field that is a whole number.
func (e entry) number(field string) uint64 {
	value, _ := e[field].(float64)
	return uint64(value)
}

// run starts the command in dir with a debug log in JSON and without core files. It is a process group of its own, which
// ends with the test.
func run(t *testing.T, command, dir string, env []string, args ...string) *hosted {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	h := &hosted{t: t, dir: dir, done: make(chan struct{})}
	h.cmd = exec.Command("/bin/sh", append([]string{"-c", `ulimit -c 0; exec "$@"`, "sh", command,
		"--log-format", "json", "--log-level", "debug"}, args...)...)
	h.cmd.Dir, h.cmd.Stderr = dir, log
	h.cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "GOTRACEBACK=single")
	h.cmd.Env = append(h.cmd.Env, env...)
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if h.log, err = os.Open(log.Name()); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close() // the process has its own
	var reaper errgroup.Group
	reaper.Go(func() error {
		defer close(h.done)
		return h.cmd.Wait()
	})
	t.Cleanup(func() {
		_ = syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL) // with what its plugins have started
		_ = reaper.Wait()                                     // its exit code is exits' business
		_ = h.log.Close()
	})
	return h
}

// read takes in what the log has gained.
func (h *hosted) read() {
	h.t.Helper()
	news, err := io.ReadAll(h.log)
	if err != nil {
		h.t.Fatal(err)
	}
	h.partial = append(h.partial, news...)
	for {
		line, rest, whole := bytes.Cut(h.partial, []byte("\n"))
		if !whole {
			return
		}
		h.partial = rest
		// A plugin that writes to standard error by pieces puts them before and behind an entry of the host.
		if at := bytes.Index(line, []byte(`{"level":`)); at >= 0 {
			var e entry
			if json.NewDecoder(bytes.NewReader(line[at:])).Decode(&e) == nil {
				h.entries = append(h.entries, e)
				continue
			}
		}
		h.foreign = append(h.foreign, string(line))
	}
}

// await waits for an entry, after the one found last, with this message and with fields that match the patterns, each
// "name=regular expression". The process must not end before.
func (h *hosted) await(message string, fields ...string) entry {
	h.t.Helper()
	var found entry
	h.until(fmt.Sprintf("entry %q with %v", message, fields), func() bool {
		for i := h.next; i < len(h.entries); i++ {
			if h.entries[i].text("msg") == message && matches(h.t, h.entries[i], fields) {
				found, h.next = h.entries[i], i+1
				return true
			}
		}
		return false
	})
	return found
}

// matches tells whether e has these fields.
func matches(t *testing.T, e entry, fields []string) bool {
	t.Helper()
	for _, f := range fields {
		name, pattern, _ := strings.Cut(f, "=")
		ok, err := regexp.MatchString(pattern, e.text(name))
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return false
		}
	}
	return true
}

// until polls, reading the log before each look, until there says yes; the process must not end before.
func (h *hosted) until(what string, there func() bool) {
	h.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		ended := h.ended()
		h.read()
		switch {
		case there():
			return
		case ended:
			h.fail("the host ended (%v) before: %s", h.cmd.ProcessState, what)
		}
		select {
		case <-ticker.C:
		case <-deadline:
			h.fail("not within %v: %s", patience, what)
		}
	}
}

// fail ends the test with the log.
func (h *hosted) fail(format string, args ...any) {
	h.t.Helper()
	h.read()
	const last = 60
	var log strings.Builder
	for _, e := range h.entries[max(0, len(h.entries)-last):] {
		line, _ := json.Marshal(e)
		fmt.Fprintf(&log, "%s\n", line)
	}
	h.t.Fatalf("%s\nlog:\n%sother output:\n%s", fmt.Sprintf(format, args...), log.String(),
		strings.Join(h.foreign[:min(len(h.foreign), last)], "\n"))
}

func (h *hosted) ended() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}

// stop asks the host to end and checks that it does so with this exit code and leaves no file behind.
func (h *hosted) stop(code int) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.fail("cannot stop the host: %v", err)
	}
	h.exits(code)
}

// exits waits for the end of the host and checks its exit code, its last word, and that it leaves no private file.
func (h *hosted) exits(code int) {
	h.t.Helper()
	select {
	case <-h.done:
	case <-time.After(patience):
		h.fail("the host did not end within %v", patience)
	}
	h.read()
	if got := h.cmd.ProcessState.ExitCode(); got != code {
		h.fail("exit code %d, expected %d", got, code)
	}
	if last := h.entries[len(h.entries)-1]; last.text("msg") != "exit" || last.number("code") != uint64(code) {
		h.fail("last entry %v, expected exit with code %d", last, code)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "hotreload-*")); len(left) > 0 {
		h.fail("private files left behind: %v", left)
	}
}

// publication is a generation that began to run, and the least and the greatest score over all shards at that moment.
type publication struct {
	generation, tick uint64
	low, high        int64
}

// publications returns all of them so far, in order. The state is logged by another goroutine than the news of the
// swap, but in the same order.
func (h *hosted) publications() []publication {
	h.t.Helper()
	var found []publication
	states := 0
	for _, e := range h.entries {
		switch e.text("msg") {
		case "running", "swapped", "rolled back":
			found = append(found, publication{generation: e.number("generation"), tick: e.number("activation_tick")})
		}
	}
	for _, e := range h.entries {
		if msg := e.text("msg"); msg != "state" && msg != "preserved" || states == len(found) {
			continue
		}
		p := &found[states]
		if p.low, p.high = scores(e.text("state")); p.low < 0 {
			h.fail("cannot read the score in %v", e)
		}
		states++
	}
	return found[:states]
}

var scorePattern = regexp.MustCompile(`^score=(\d+)(?:\.\.(\d+))?`)

// scores reads "score=7" and "score=3..7"; -1 if it is neither.
func scores(state string) (low, high int64) {
	match := scorePattern.FindStringSubmatch(state)
	if match == nil {
		return -1, -1
	}
	low, _ = strconv.ParseInt(match[1], 10, 64)
	high = low
	if match[2] != "" {
		high, _ = strconv.ParseInt(match[2], 10, 64)
	}
	return low, high
}

// mapped returns the base names of the plugin libraries that are in the host's memory.
func (h *hosted) mapped() []string {
	h.t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", h.cmd.Process.Pid))
	if err != nil {
		h.fail("%v", err)
	}
	var names []string
	for line := range strings.Lines(string(maps)) {
		if _, path, ok := strings.Cut(line, h.dir+"/"); ok {
			name := filepath.Base(strings.TrimSuffix(strings.TrimSpace(path), " (deleted)"))
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
