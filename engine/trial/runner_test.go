package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotreload/engine/abi"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const good = `#include "counter.h"
PLUGIN(init, count, shutdown)
`

func TestConfigsThatCannotWorkAreRefused(t *testing.T) {
	for _, c := range []Config{
		{Mode: "maybe"}, {Ticks: -1}, {Ticks: maxTicks + 1}, {Timeout: -1}, {Timeout: time.Microsecond}, {Timeout: 2 * time.Hour},
	} {
		if r, err := New(c); err == nil {
			r.Close()
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestModes(t *testing.T) {
	crash := hostile(t, "segv_first.c")
	t.Run("off", func(t *testing.T) {
		r := newRunner(t, Config{Mode: Off})
		if report, err := r.Try(t.Context(), Candidate{Path: "/nowhere.so"}); err != nil || report.Ticks != 0 {
			t.Errorf("%+v, %v: want nothing to happen", report, err)
		}
		if len(r.spare) != 0 || r.filling {
			t.Error("a child was started")
		}
	})
	t.Run("load", func(t *testing.T) {
		r := newRunner(t, Config{Mode: Load})
		if report, err := r.Try(t.Context(), Candidate{Path: crash, Live: liveScores(t, 1)}); err != nil || report.Ticks != 0 {
			t.Errorf("%+v, %v: want a trial without ticks", report, err)
		}
	})
	t.Run("tick", func(t *testing.T) {
		r := newRunner(t, Config{})
		if _, err := r.Try(t.Context(), Candidate{Path: crash, Live: liveScores(t, 1)}); err == nil {
			t.Error("want a verdict")
		}
	})
}

func TestGuardRefusalsComeBackAsSuch(t *testing.T) {
	_, err := newRunner(t, Config{}).Try(t.Context(), Candidate{Path: plugin(t, good), Expect: abi.Expectation{StateSize: 24}})
	var m *abi.Mismatch
	if !errors.As(err, &m) || m.Field != "state_size" || m.Expected != "24" || m.Actual != "16" || m.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestLoaderErrorsAreVerdicts(t *testing.T) {
	r := newRunner(t, Config{})
	undefined := plugin(t, "void nope(void);\nvoid *logic_get_api(void) { nope(); return 0; }\n")
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{undefined, "trial: load: plugin.so: undefined symbol: nope"},
		{text, "trial: load: text.so: file too short"},
		{filepath.Join(t.TempDir(), "missing.so"), "trial: load: missing.so: cannot open"},
		{plugin(t, "int other;\n"), "trial: load: "},
	} {
		var v *Verdict
		if _, err := r.Try(t.Context(), Candidate{Path: c.path}); !errors.As(err, &v) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// ctor has a constructor and a destructor.
const ctor = `#include "counter.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
__attribute__((constructor)) static void on_load(void) { CTOR; }
__attribute__((destructor)) static void on_unload(void) { DTOR; }
PLUGIN(init, count, shutdown)
`

func TestConstructorsAndDestructors(t *testing.T) {
	r := newRunner(t, Config{Timeout: time.Minute})
	for _, c := range []struct {
		name, ctor, dtor string
		want             string
	}{
		{"nothing", "", "", ""},
		{"exit 0", "exit(0)", "", "trial: constructor: the library ended the process: exit status 0"},
		{"_exit 0", "_exit(0)", "", "trial: constructor: the library ended the process: exit status 0"},
		{"killed", "kill(getpid(), SIGKILL)", "", "trial: constructor: the process was ended by SIGKILL"},
		{"killed as a group", "kill(0, SIGKILL)", "", "trial: constructor: the process was ended by SIGKILL"},
		{"words", `puts("hello"); fflush(stdout); _exit(1)`, "",
			`trial: constructor: the library ended the process: exit status 1; last output: "hello"`},
		{"words before a crash", `puts("hello"); fflush(stdout); write_null()`, "",
			`trial: constructor: SIGSEGV at address 0x0; last output: "hello"`},
		{"closed descriptor", "close(0)", "", "trial: constructor: the library closed descriptors of the process that are not its own: 0 "},
		{"destructor crashes", "", "write_null()", "trial: destructor: SIGSEGV at address 0x0"},
		{"destructor exits", "", "_exit(0)", "trial: destructor: the library ended the process: exit status 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.Try(t.Context(), Candidate{Path: plugin(t, ctor, "-DCTOR="+c.ctor, "-DDTOR="+c.dtor)})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestFaultsOnThreadsOfTheLibrary(t *testing.T) {
	const text = `#include "counter.h"
#include <pthread.h>
static void *crash(void *none) { write_null(); return none; }
static void tick(void *p, double dt)
{
    pthread_t thread;
    if (pthread_create(&thread, 0, crash, 0) == 0)
        pthread_join(thread, 0);
    count(p, dt);
}
PLUGIN(init, tick, shutdown)
`
	_, err := newRunner(t, Config{Timeout: time.Minute}).Try(t.Context(), Candidate{Path: plugin(t, text, "-pthread")})
	if err == nil || !strings.HasPrefix(err.Error(), "trial: tick: SIGSEGV") {
		t.Errorf("got %v", err)
	}
}

func TestStoppedChildrenAreEndedToo(t *testing.T) {
	r := newRunner(t, Config{Timeout: 100 * time.Millisecond})
	_, err := r.Try(t.Context(), Candidate{Path: plugin(t, ctor, "-DCTOR=for (;;) kill(getpid(), SIGSTOP)", "-DDTOR=")})
	var v *Verdict
	if !errors.As(err, &v) || v.Stage != StageConstructor || !strings.Contains(v.Cause, "timeout") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutASpare(t *testing.T) {
	r := newRunner(t, Config{})
	lib := plugin(t, good)
	warm(t, r)
	t.Run("warm", func(t *testing.T) {
		if report, err := r.Try(t.Context(), Candidate{Path: lib}); err != nil || !report.Warm {
			t.Errorf("%+v, %v: want a warm trial", report, err)
		}
	})
	t.Run("dead", func(t *testing.T) {
		warm(t, r)
		c := <-r.spare
		if err := unix.Kill(c.group, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = c.awaitExit()
		c.exited = make(chan struct{})
		r.spare <- c
		if report, err := r.Try(t.Context(), Candidate{Path: lib}); err != nil || report.Warm {
			t.Errorf("%+v, %v: want a cold trial", report, err)
		}
	})
	t.Run("none", func(t *testing.T) {
		warm(t, r)
		(<-r.spare).finish()
		if report, err := r.Try(t.Context(), Candidate{Path: lib}); err != nil || report.Warm {
			t.Errorf("%+v, %v: want a cold trial", report, err)
		}
	})
}

func TestAClosedRunnerMakesNoTrial(t *testing.T) {
	r := newRunner(t, Config{})
	r.Close()
	_, err := r.Try(t.Context(), Candidate{Path: "/x.so"})
	if u := (*UnavailableError)(nil); !errors.As(err, &u) {
		t.Errorf("got %v, want an UnavailableError", err)
	}
	r.Close() // again
}

func TestACancelledTrialLeavesNothing(t *testing.T) {
	r := newRunner(t, Config{Timeout: time.Minute})
	lib := hostile(t, "ctor_hang.c")
	reason := errors.New("enough")
	for _, spare := range []bool{true, false} {
		t.Run(fmt.Sprintf("spare=%v", spare), func(t *testing.T) {
			warm(t, r)
			if !spare {
				(<-r.spare).finish()
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, reason)
			defer cancel()
			if _, err := r.Try(ctx, Candidate{Path: lib}); !errors.Is(err, reason) {
				t.Errorf("got %v, want the cause of the context", err)
			}
		})
	}
}

func TestTrialsLeaveNothingBehind(t *testing.T) {
	libs := []string{plugin(t, good), hostile(t, "segv_first.c"), hostile(t, "ctor_exit.c"), hostile(t, "fork.c", "-DTRIGGER=0"),
		hostile(t, "stdout_flood.c", "-DTRIGGER=0"), hostile(t, "ctor_closefds.c"), hostile(t, "thread.c", "-DTRIGGER=0")}
	round := func() {
		r, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for _, lib := range libs {
			var u *UnavailableError
			if _, err := r.Try(t.Context(), Candidate{Path: lib, Live: liveScores(t, 1)}); errors.As(err, &u) {
				t.Error(err)
			}
		}
	}
	round()
	before, err := numbersIn("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		round()
	}
	after, err := numbersIn("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if live := 3 * len(libs); len(after) > len(before)+live { // liveScores closes its files at the end of the test
		t.Errorf("%d descriptors before, %d after", len(before), len(after)-live)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("child %d is left (%v)", pid, err)
	}
}

// escape forks a process that makes itself a daemon, and writes its number to FILE.
const escape = `#include "counter.h"
#include <stdio.h>
#include <unistd.h>
static void tick(void *p, double dt)
{
    if (once() && fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        FILE *f = fopen(FILE_NAME ".new", "w");
        fprintf(f, "%d", getpid());
        fclose(f);
        rename(FILE_NAME ".new", FILE_NAME);
        for (;;)
            pause();
    }
    while (access(FILE_NAME, F_OK) != 0)
        usleep(1000);
    count(p, dt);
}
PLUGIN(init, tick, shutdown)
`

func TestDaemonsAreEnded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pid")
	lib := plugin(t, escape, `-DFILE_NAME="`+name+`"`)
	report, err := newRunner(t, Config{Timeout: time.Minute}).Try(t.Context(), Candidate{Path: lib})
	if err != nil || len(report.Warnings) != 1 || report.Warnings[0].Code != WarnProcesses {
		t.Fatalf("%+v, %v: want a warning about processes", report, err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the daemon", func() bool { return !running(pid) })
}

// nosy ends the process when it finds an open descriptor that a library of a child process should not see.
const nosy = `#include "counter.h"
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void on_load(void)
{
    if (fcntl(LEAKED, F_GETFD) != -1)
        _exit(9);
}
PLUGIN(init, count, shutdown)
`

func TestDescriptorsOfTheHostAreNotInherited(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	leaked, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD, 50) // without close-on-exec, as a careless library opens files
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(leaked) }()
	lib := plugin(t, nosy, fmt.Sprintf("-DLEAKED=%d", leaked))
	if _, err := newRunner(t, Config{}).Try(t.Context(), Candidate{Path: lib}); err != nil {
		t.Error(err)
	}
}

func TestTrialsRunConcurrently(t *testing.T) {
	r := newRunner(t, Config{Timeout: time.Minute})
	fine, crash := plugin(t, good), hostile(t, "segv_first.c")
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			for range 3 {
				if _, err := r.Try(t.Context(), Candidate{Path: fine, Shards: 4}); err != nil {
					return fmt.Errorf("good: %w", err)
				}
				var v *Verdict
				if _, err := r.Try(t.Context(), Candidate{Path: crash}); !errors.As(err, &v) {
					return fmt.Errorf("worker %d, bad: %w", i, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
