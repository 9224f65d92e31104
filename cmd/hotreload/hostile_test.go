package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotreload/engine"
)

// workbench is what the hosts of one test share: the command, and a cache of built plugins.
type workbench struct {
	command, cache, script string
	untried                []string // flags that turn the trial off; none while there is no such thing
	trial                  bool     // the command has one
}

func newWorkbench(t *testing.T) *workbench {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
	script, err := filepath.Abs(filepath.Join("testdata", "hostile", "build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	w := &workbench{command: binary(t), cache: t.TempDir(), script: script}
	help, err := exec.Command(w.command, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	if w.trial = strings.Contains(string(help), "\n  --trial "); w.trial {
		w.untried = []string{"--trial", "off"}
	}
	return w
}

// plugin is a running host and the source that it watches.
type plugin struct {
	*hosted
	source string
}

// start runs source in a host with four shards on two workers, a tick each millisecond.
func (w *workbench) start(t *testing.T, source string, flags ...string) *plugin {
	t.Helper()
	return w.startIn(t, nil, source, flags...)
}

// startIn is start with additional environment variables.
func (w *workbench) startIn(t *testing.T, env []string, source string, flags ...string) *plugin {
	t.Helper()
	dir := t.TempDir()
	below := filepath.Join(dir, "hostile")
	for _, name := range []string{"logic.h", "hostile/counter.h"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "logic", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(below, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(text))
	}
	p := &plugin{source: filepath.Join(below, "plugin")}
	write(t, p.source, source)
	p.hosted = run(t, w.command, dir, append(env, "CACHE="+w.cache), append([]string{
		"--watch", p.source, "--dir", below, "--build", "sh " + w.script, "--lib", filepath.Join(below, "plugin.so"),
		"--shards", "4", "--workers", "2", "--tick-ms", "1", "--debounce-ms", "1", "--show", "score",
		"--probation-ticks", "40", "--tick-deadline", "50ms", "--tick-kill", "100ms",
	}, flags...)...)
	return p
}

// save puts another source in place of the plugin's, as an editor does.
func (p *plugin) save(source string) {
	p.t.Helper()
	write(p.t, p.source+".new", source)
	if err := os.Rename(p.source+".new", p.source); err != nil {
		p.t.Fatal(err)
	}
}

// good is the source of a counter without fault: one more at every tick. Each version is another library.
func good(version int) string {
	return fmt.Sprintf(`// build: cc -shared -fPIC -I.. -o good.so good.c
#include "counter.h"
__attribute__((used)) static const int version = %d;
PLUGIN(init, count, shutdown)
`, version)
}

// misdeed is a file of logic/hostile and what the host must make of it.
type misdeed struct {
	source  string
	edit    []string // pairs of old and new text
	trigger string   // the score at which it begins; 0 where it is empty
	over    string   // what becomes of it in the place of a good plugin
	first   string   // what becomes of it as the first plugin
	with    []string // fields of the log entry about that
	warns   string   // the finding that the host warns of
	code    int      // the exit code of a host that ends with it
	flags   []string // of the command
}

// What becomes of a plugin.
const (
	faults   = "faults"   // it is contained and rolled back, or its shards are held when nothing came before it
	runs     = "runs"     // it runs, and the host lives with it
	rejected = "rejected" // it never runs
)

func fault(signal, function, where string) []string {
	return []string{"signal=^" + signal, "function=^" + function + "$", "where=^" + where + `\+0x`, "poisoned=false"}
}

func poisoned(signal, function string) []string {
	return []string{"signal=^" + signal, "function=^" + function + "$", "poisoned=true"}
}

var misdeeds = []misdeed{
	{source: "abort.c", over: faults, code: engine.ExitRolledBack, with: poisoned("SIGABRT", "tick")},
	{source: "after_reload_crash.c", over: faults, code: engine.ExitRolledBack, first: runs, with: fault("SIGSEGV", "after_reload", "write_null")},
	{source: "api_null.c", over: rejected, code: engine.ExitGuard, with: []string{"stage=^guard$", "error=logic_get_api"}},
	{source: "api_wild.c", over: rejected, code: engine.ExitGuard, with: []string{"stage=^guard$", "error=0x10000000010"}},
	{source: "before_reload_crash.c", over: runs},
	{source: "bus.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGBUS", "tick", "read_beyond_end")},
	{source: "chdir.c", over: runs},
	{source: "fault_in_libc.c", over: faults, code: engine.ExitRolledBack, with: poisoned("SIGSEGV at address 0x20", "tick")},
	{source: "fd_leak.c", over: runs},
	{source: "fork.c", over: runs, warns: "processes"},
	{source: "fpe.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGFPE", "tick", "tick")},
	{source: "goplugin/main.go", flags: []string{"--strict"}, over: rejected, code: engine.ExitRefused, with: []string{"stage=^inspect$", "error=go-runtime"}},
	{source: "ill.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGILL", "tick", "tick")},
	{source: "init_crash.c", over: runs, first: faults, with: fault("SIGSEGV", "init", "write_null")},
	{source: "loop.c", over: faults, code: engine.ExitRolledBack, with: []string{"signal=cancelled", "function=^tick$", "where=^tick", "poisoned=false"}},
	{source: "nodelete.c", over: runs, warns: "nodelete"},
	{source: "seed_crash.c", over: runs, first: faults, with: fault("SIGSEGV", "seed", "write_null")},
	{source: "segv_first.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGSEGV at address 0x0", "tick", "write_null")},
	{source: "segv_late.c", trigger: "400", over: faults, code: engine.ExitRolledBack, with: fault("SIGSEGV at address 0x0", "tick", "write_null")},
	{source: "setlocale.c", over: runs},
	{source: "shutdown_crash.c", over: runs, code: engine.ExitRolledBack},
	{source: "sleep.c", edit: []string{"sleep(10)", "usleep(100000)"}, over: runs},
	{source: "stack_overflow.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGSEGV", "tick", "deeper")},
	{source: "stdout_flood.c", over: runs},
	{source: "steal_handler.c", over: runs, warns: "signal-handlers"},
	{source: "steal_in_tick.c", over: faults, code: engine.ExitRolledBack, with: fault("SIGSEGV", "tick", "write_null")},
	{source: "thread.c", over: runs, warns: "threads"},
	{source: "throw.cpp", over: faults, code: engine.ExitRolledBack, with: poisoned("SIGABRT", "tick")},
	{
		source: "tls.rs", over: runs,
		edit: []string{" -O ", " -O -g ", "pub struct State {", "pub struct state_t {", "impl Drop", "type State = state_t;\n\nimpl Drop"},
	},
	{source: "tls_dtor.cpp", over: runs},
	{source: "umask.c", over: runs},
	{source: "unique.cpp", over: runs, warns: "gnu-unique"},
}

// read returns the misdeed's source as the table edits it.
func (m *misdeed) read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "logic", "hostile", m.source))
	if err != nil {
		t.Fatal(err)
	}
	source := strings.Replace(string(text), " -shared ", " -shared -DTRIGGER="+cmp.Or(m.trigger, "0")+" ", 1)
	for i := 0; i < len(m.edit); i += 2 {
		if !strings.Contains(source, m.edit[i]) {
			t.Fatalf("%s lacks %q", m.source, m.edit[i])
		}
		source = strings.Replace(source, m.edit[i], m.edit[i+1], 1)
	}
	command, _, _ := strings.Cut(strings.TrimPrefix(source, "// build: "), "\n")
	for word := range strings.FieldsSeq(command) {
		if !strings.Contains(word, "=") { // the first word that is no assignment is the compiler
			if _, err := exec.LookPath(word); err != nil {
				t.Skipf("no %s", word)
			}
			break
		}
	}
	return source
}

// TestHostile saves each hostile plugin over a running counter, and a good version over that; and it starts with each,
// and saves a good version over that. The host stays up and ticks every shard once per tick all the while.
func TestHostile(t *testing.T) {
	w := newWorkbench(t)
	for _, m := range misdeeds {
		t.Run(strings.ReplaceAll(m.source, "/", "_"), func(t *testing.T) {
			t.Parallel()
			source := m.read(t)
			t.Run("between good ones", func(t *testing.T) { w.between(t, &m, source) })
			t.Run("first", func(t *testing.T) { w.first(t, &m, source) })
			t.Run("last", func(t *testing.T) { w.last(t, &m, source) })
		})
	}
}

// between saves m over a good plugin, and good ones over m.
func (w *workbench) between(t *testing.T, m *misdeed, source string) {
	p := w.replaceGood(t, m, source)
	p.save(good(2))
	p.await("swapped")
	if m.over != rejected {
		p.retired(p.published("swapped"))
	}
	p.save(good(3))
	p.await("swapped")
	p.continuous(0)
	p.stop(engine.ExitSuccess)
}

// last ends with m.
func (w *workbench) last(t *testing.T, m *misdeed, source string) {
	p := w.replaceGood(t, m, source)
	p.continuous(0)
	p.stop(m.code)
}

// replaceGood saves m over a good plugin and waits for what becomes of it.
func (w *workbench) replaceGood(t *testing.T, m *misdeed, source string) *plugin {
	t.Helper()
	p := w.start(t, good(1), append(w.untried, m.flags...)...)
	p.await("running")
	p.save(source)
	switch m.over {
	case rejected:
		p.await("rejected", m.with...)
	case faults:
		p.await("swapped")
		p.await("fault", m.with...)
		p.await("rolled back")
	case runs:
		p.await("swapped")
		p.warned(m)
	}
	return p
}

// first starts with m, and saves good plugins over it.
func (w *workbench) first(t *testing.T, m *misdeed, source string) {
	outcome := cmp.Or(m.first, m.over)
	p := w.start(t, source, append(w.untried, m.flags...)...)
	from := 0
	switch outcome {
	case rejected:
		p.await("rejected", m.with...)
		p.await("waiting for a good build")
	case faults:
		p.await("running")
		p.await("fault", m.with...)
		p.await("nothing to roll back to")
		from = 1 // its shards did not tick until then
	case runs:
		p.await("running")
		p.warned(m)
	}
	p.save(good(2))
	if outcome == rejected {
		p.await("running")
	} else {
		p.await("swapped")
		p.retired(p.published("running"))
	}
	p.save(good(3))
	p.await("swapped")
	p.continuous(from)
	p.stop(engine.ExitSuccess)
}

// published returns the number of the first generation of which the log says so.
func (p *plugin) published(message string) string {
	for _, e := range p.entries {
		if e.text("msg") == message {
			return e.text("generation")
		}
	}
	return ""
}

// retired waits until the library of a generation is closed, whether or not it stays mapped.
func (p *plugin) retired(generation string) {
	p.t.Helper()
	p.until("the end of generation "+generation, func() bool {
		for _, e := range p.entries {
			if msg := e.text("msg"); (msg == "reclaimed" || msg == "pinned") && e.text("generation") == generation {
				return true
			}
		}
		return false
	})
}

// warned waits for the warning that m deserves.
func (p *plugin) warned(m *misdeed) {
	p.t.Helper()
	if m.warns != "" {
		p.await("finding", "code=^"+m.warns+"$")
	}
}

// continuous waits until the state of every publication is known and checks that from that publication on, every shard
// has ticked exactly once per tick.
func (p *plugin) continuous(from int) {
	p.t.Helper()
	var all []publication
	p.until("the state of every publication", func() bool {
		published := 0
		for _, e := range p.entries {
			switch e.text("msg") {
			case "running", "swapped", "rolled back":
				published++
			}
		}
		all = p.publications()
		return len(all) == published
	})
	start := all[from]
	for _, now := range all[from+1:] {
		ticks := int64(now.tick - start.tick)
		if now.low-start.low != ticks || now.high-start.high != ticks {
			p.fail("the scores were %d to %d at tick %d and are %d to %d at tick %d: expected %d more in every shard",
				start.low, start.high, start.tick, now.low, now.high, now.tick, ticks)
		}
	}
	if from == 0 && (all[0].low != 0 || all[0].high != 0) {
		p.fail("the state begins with %d to %d, expected 0", all[0].low, all[0].high)
	}
}
