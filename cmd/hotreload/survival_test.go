package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotreload/engine"
)

// TestSurvival takes hosts through longer stories.
func TestSurvival(t *testing.T) {
	w := newWorkbench(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *workbench)
	}{
		{"state, heap and statics through crashes in every function", crashesEverywhere},
		{"the code that leaves crashes in before_reload", crashOnLeaving},
		{"the generation rolled back to crashes later", crashAfterRollback},
		{"a library that crashed is not tried again", crashedBefore},
		{"a batch that crashes midway is undone as a whole", crashInBatch},
		{"a state with one more field", grownState},
		{"a signal from outside ends the host, as it should", signalFromOutside},
		{"a tick that never returns does not keep the host", endDuringLoop},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			story.tell(t, w)
		})
	}
}

// fixture reads a plugin source from testdata/hostile and replaces text in it, in pairs of old and new.
func fixture(t *testing.T, name string, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "hostile", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replacements...).Replace(string(text))
}

func crashesEverywhere(t *testing.T, w *workbench) {
	step := func(name string) string { return fixture(t, "steps.c", "STEP=PLAIN", "STEP="+name) }
	ended := filepath.Join(t.TempDir(), "ended")
	env := "ENDED=" + ended
	p := w.startIn(t, []string{env}, step("PLAIN"), append(w.untried, "--shards", "1", "--show", "data,bss,sound,released")...)
	var generation, activation uint64 // of the last publication
	published := func(message string) (ran uint64) {
		t.Helper()
		e := p.await(message)
		if e.number("generation") <= generation {
			p.fail("generation %d after %d: expected a new number", e.number("generation"), generation)
		}
		ran = e.number("activation_tick") - activation
		generation, activation = e.number("generation"), e.number("activation_tick")
		return ran
	}
	// The score goes on; the statics have begun afresh with the library that has run until now, for ran ticks.
	preserved := func(ran uint64) {
		t.Helper()
		p.await("preserved", fmt.Sprintf("state=^score=%d data=%d bss=%d sound=1 released=0$", activation, 1000+ran, ran))
	}
	published("running")
	p.await("state", "state=^score=0 data=0 bss=0 sound=0 released=0$")
	p.save(step("AGAIN"))
	preserved(published("swapped"))
	p.save(step("AGAIN") + "// no other code\n")
	p.await("unchanged")

	crashes := func(function string, ran uint64) { // the fault may be logged before the state at the swap, or after
		t.Helper()
		swap := p.next
		preserved(ran)
		p.next = swap
		p.await("fault", fault("SIGSEGV", function, "crash")...)
	}

	p.save(step("TICK"))
	crashes("tick", published("swapped"))
	published("rolled back")
	p.save(step("FIXED"))
	published("swapped")

	p.save(step("AFTER"))
	crashes("after_reload", published("swapped"))
	published("rolled back")
	p.save(step("BEFORE"))
	published("swapped")
	p.save(step("RELEASE"))
	crashes("before_reload", published("swapped"))
	p.save(step("PLAIN"))
	published("swapped")
	p.await("preserved", fmt.Sprintf("state=^score=%d .* sound=1 released=%d$", activation, 4*4<<20))
	p.stop(engine.ExitSuccess)
	if _, err := os.Stat(ended); err != nil {
		t.Errorf("shutdown was not called: %v", err)
	}
}

func crashOnLeaving(t *testing.T, w *workbench) {
	m := misdeed{source: "before_reload_crash.c"}
	p := w.start(t, m.read(t), w.untried...)
	p.await("running")
	p.save(good(2))
	p.await("swapped")
	p.await("fault", fault("SIGSEGV", "before_reload", "write_null")...)
	p.continuous(0)
	p.stop(engine.ExitSuccess)
}

// cued is a counter that crashes as soon as the file $CUE exists.
const cued = `// build: cc -shared -fPIC -I.. -o cued.so cued.c
#include <stdlib.h>
#include <unistd.h>
#include "counter.h"
static void tick(void *p, double dt)
{
	if (access(getenv("CUE"), F_OK) == 0)
		write_null();
	count(p, dt);
}
PLUGIN(init, tick, shutdown)
`

func crashAfterRollback(t *testing.T, w *workbench) {
	cue := filepath.Join(t.TempDir(), "cue")
	env := "CUE=" + cue
	m := misdeed{source: "segv_first.c"}
	p := w.startIn(t, []string{env}, cued, w.untried...)
	p.await("running")
	p.save(m.read(t))
	p.await("fault")
	p.await("rolled back")
	write(t, cue, "")
	p.await("fault", fault("SIGSEGV", "tick", "write_null")...)
	p.await("nothing to roll back to")
	p.save(good(2))
	p.await("swapped")
	p.save(good(3))
	p.await("swapped")
	p.continuous(3)
	p.stop(engine.ExitSuccess)
}

func crashedBefore(t *testing.T, w *workbench) {
	m := misdeed{source: "segv_first.c"}
	p := w.start(t, good(1), w.untried...)
	p.await("running")
	p.save(m.read(t))
	p.await("rolled back")
	p.save(m.read(t) + "// no other code\n")
	p.await("rejected", "stage=^run$", "error=failed before.*write_null")
	p.continuous(0)
	p.stop(engine.ExitRolledBack)
}

// batch ticks its shards itself, and crashes when all but the last have had their tick.
const batch = `// build: cc -shared -fPIC -I.. -o batch.so batch.c
#include "counter.h"
static void tick_batch(void *base, size_t stride, size_t n, double dt)
{
	for (size_t i = 0; i < n; i++) {
		if (i == n - 1)
			write_null();
		count((char *)base + i * stride, dt);
	}
}
PLUGIN(init, count, shutdown, .tick_batch = tick_batch,)
`

func crashInBatch(t *testing.T, w *workbench) {
	p := w.start(t, good(1), w.untried...)
	p.await("running")
	p.save(batch)
	p.await("swapped")
	p.await("fault", append(fault("SIGSEGV", "tick", "write_null"), "shard=^-1$")...)
	p.await("rolled back")
	p.save(good(2))
	p.await("swapped")
	p.continuous(0)
	p.stop(engine.ExitSuccess)
}

// ownState is a counter with a state of its own, whose size has room for one more field.
const ownState = `// build: cc -shared -fPIC -I.. -o own.so own.c
#include "logic.h"
typedef struct { int32_t score; double time; } state_t;
static void init(void *p) { ((state_t *)p)->score = 0; }
static void tick(void *p, double dt) { ((state_t *)p)->score++; (void)dt; }
static void shutdown(void *p) { (void)p; }
static const logic_field_t fields[] = { LOGIC_FIELD(state_t, score), LOGIC_FIELD(state_t, time) };
static logic_api_t api = {
	.api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
	.init = init, .tick = tick, .shutdown = shutdown, .fields = fields, .field_count = LOGIC_COUNT(fields),
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`

func grownState(t *testing.T, w *workbench) {
	p := w.start(t, ownState, w.untried...)
	p.await("running")
	p.save(strings.NewReplacer("int32_t score;", "int32_t lives, score;",
		"{ LOGIC_FIELD", "{ LOGIC_FIELD(state_t, lives), LOGIC_FIELD").Replace(ownState))
	p.await("rejected", "stage=^guard$", "error=lives")
	p.continuous(0)
	p.stop(engine.ExitGuard)
}

func signalFromOutside(t *testing.T, w *workbench) {
	p := w.start(t, good(1), w.untried...)
	p.await("running")
	if err := p.cmd.Process.Signal(syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	<-p.done
	p.read()
	if code := p.cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(strings.Join(p.foreign, "\n"), "SIGSEGV") {
		p.fail("%v, expected the Go runtime's exit code 2 and its report", p.cmd.ProcessState)
	}
}

func endDuringLoop(t *testing.T, w *workbench) {
	m := misdeed{source: "loop.c"}
	p := w.start(t, m.read(t), append(w.untried, "--tick-kill", "1h")...)
	p.await("tick is late")
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if s == syscall.SIGTERM {
			p.await("stopping")
		}
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 130 {
		p.fail("exit code %d, expected 130", code)
	}
}

// TestNoLibrary saves sources whose build succeeds and leaves a file that is no library, or none that can be loaded. Each
// is refused once, and the plugin before it ticks on.
func TestNoLibrary(t *testing.T) {
	w := newWorkbench(t)
	for _, c := range []struct{ name, build, stage string }{
		{"empty", ": > bad.so", "inspect"},
		{"text", "echo 'not a library' > bad.so", "inspect"},
		{"a hundred bytes", "cc -shared -fPIC -I.. -o bad.so bad.c; truncate -s 100 bad.so", "inspect"},
		{"the first page", "cc -shared -fPIC -I.. -o bad.so bad.c; truncate -s 4096 bad.so", "inspect"},
		{"all but the end", "cc -shared -fPIC -I.. -o bad.so bad.c; truncate -s 13000 bad.so", "inspect"},
		{"zeros at the end", "cc -shared -fPIC -I.. -o bad.so bad.c; truncate -s 5000 bad.so; truncate -s 16000 bad.so", "inspect"},
		{"an object file", "cc -c -fPIC -I.. -o bad.so bad.c", "inspect"},
		{"a program", "echo 'int main(void) { return 0; }' > main.c; cc -o bad.so main.c", "inspect"},
		{"no entry", "cc -shared -fPIC -I.. -Dlogic_get_api=other -o bad.so bad.c", "inspect"},
		{"an undefined symbol", "cc -shared -fPIC -I.. -Dcount=elsewhere -Dbad=1 -o bad.so bad.c", "load"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source := "// build: " + c.build + " # -o bad.so bad.c\n" + `#include "logic.h"
typedef struct { int32_t score; double time; } state_t;
#ifdef bad
extern void count(void *, double);
#else
static void count(void *p, double dt) { ((state_t *)p)->score++; (void)dt; }
#endif
static void nothing(void *p) { (void)p; }
static logic_api_t api = {
	.api_version = LOGIC_API_VERSION, .state_size = sizeof(state_t), .init = nothing, .tick = count, .shutdown = nothing,
};
LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
`
			p := w.start(t, good(1), w.untried...)
			p.await("running")
			p.save(source)
			p.await("rejected", "stage=^"+c.stage+"$")
			p.stop(engine.ExitRefused)

			p = w.start(t, source, w.untried...)
			p.await("waiting for a good build")
			p.save(good(1))
			p.await("running")
			p.save(good(2))
			p.await("swapped")
			p.continuous(0)
			p.stop(engine.ExitSuccess)
			refused := 0
			for _, e := range p.entries {
				if e.text("msg") == "rejected" {
					refused++
				}
			}
			if refused != 1 {
				p.fail("refused %d times, expected once", refused)
			}
		})
	}
}
