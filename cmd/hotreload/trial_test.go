package main

import (
	"testing"

	"hotreload/engine"
)

// foundOut is what the trial refuses of logic/hostile: in place of a good plugin, and as the first one; "" where it has
// nothing to object to.
var foundOut = []struct{ source, over, first string }{
	{"abort.c", "tick: SIGABRT", "tick: SIGABRT"},
	{"after_reload_crash.c", "after_reload: SIGSEGV", ""},
	{"bus.c", "tick: SIGBUS", "tick: SIGBUS"},
	{"ctor_closefds.c", "constructor: .* descriptors", "constructor: .* descriptors"},
	{"ctor_crash.c", "constructor: SIGSEGV", "constructor: SIGSEGV"},
	{"ctor_exit.c", "constructor: .* exit status 3", "constructor: .* exit status 3"},
	{"ctor_hang.c", "constructor: timeout", "constructor: timeout"},
	{"double_free.c", "tick: SIGABRT", "tick: SIGABRT"},
	{"exit_tick.c", "tick: .* exit status 7", "tick: .* exit status 7"},
	{"fault_in_libc.c", "tick: SIGSEGV at address 0x20", "tick: SIGSEGV at address 0x20"},
	{"fpe.c", "tick: SIGFPE", "tick: SIGFPE"},
	{"ill.c", "tick: SIGILL", "tick: SIGILL"},
	{"init_crash.c", "", "init: SIGSEGV"},
	{"lock_in_libc.c", "tick: SIGSEGV", "tick: SIGSEGV"},
	{"loop.c", "tick: timeout", "tick: timeout"},
	{"overrun.c", "tick: wrote past the end", "tick: wrote past the end"},
	{"seed_crash.c", "", "seed: SIGSEGV"},
	{"segv_first.c", "tick: SIGSEGV", "tick: SIGSEGV"},
	{"shutdown_crash.c", "", "shutdown: SIGSEGV"},
	{"stack_overflow.c", "tick: SIGSEGV", "tick: SIGSEGV"},
	{"throw.cpp", "tick: SIGABRT", "tick: SIGABRT"},
}

// TestTrial saves what the trial finds out, among it all that no host can contain: the host loads none of it, and ticks on.
func TestTrial(t *testing.T) {
	w := newWorkbench(t)
	if !w.trial {
		t.Skip("the command has no --trial")
	}
	for _, c := range foundOut {
		t.Run(c.source, func(t *testing.T) {
			t.Parallel()
			source := (&misdeed{source: c.source}).read(t)
			if c.over != "" {
				p := w.start(t, good(1))
				p.await("running")
				p.save(source)
				p.await("rejected", "stage=^trial$", "error="+c.over)
				p.continuous(0)
				p.stop(engine.ExitRefused)
			}
			if c.first == "" {
				return
			}
			p := w.start(t, source)
			p.await("rejected", "stage=^trial$", "error="+c.first)
			p.await("waiting for a good build")
			p.save(good(2))
			p.await("running")
			p.save(good(3))
			p.await("swapped")
			p.continuous(0)
			p.stop(engine.ExitSuccess)
		})
	}
}
