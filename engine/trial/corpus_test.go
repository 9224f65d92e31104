package trial

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/engine/abi"
)

// outcome is what a trial on fresh shards must make of a plugin of the corpus, whose misdeed in tick begins with the
// second one.
type outcome struct {
	stage  Stage  // of the verdict; StageGuard for a refusal by the guard, "" for none
	cause  string // part of its text
	or     string // the part when the child is not quick enough to say the cause; "" when it always is
	output string // part of it
	warns  string // the code of the only warning, if any
	hangs  bool   // until the time limit
}

var corpusOutcomes = map[string]outcome{
	"abort.c":               {stage: StageTick, cause: "SIGABRT"},
	"after_reload_crash.c":  {}, // fresh shards see no reload: TestAfterReloadIsCalledOnCopies
	"api_null.c":            {stage: StageGuard, cause: "NULL"},
	"api_wild.c":            {stage: StageGuard, cause: "0x10000000010"},
	"before_reload_crash.c": {}, // that of the code which leaves is not called
	"bus.c":                 {stage: StageTick, cause: "SIGBUS at address "},
	"chdir.c":               {warns: WarnDirectory},
	"ctor_closefds.c":       {stage: StageConstructor, cause: "closed descriptors", or: "exit status 2"}, // or the Go runtime misses its own first
	"ctor_crash.c":          {stage: StageConstructor, cause: "SIGSEGV at address 0x0"},
	"ctor_exit.c":           {stage: StageConstructor, cause: "ended the process: exit status 3"},
	"ctor_hang.c":           {stage: StageConstructor, cause: "timeout: did not return within ", hangs: true},
	"double_free.c":         {stage: StageTick, cause: "SIGABRT", output: "double free"},
	"exit_tick.c":           {stage: StageTick, cause: "ended the process: exit status 7"},
	"fault_in_libc.c":       {stage: StageTick, cause: "SIGSEGV at address 0x20 in libc"},
	"fd_leak.c":             {warns: WarnDescriptors},
	"fork.c":                {warns: WarnProcesses},
	"fpe.c":                 {stage: StageTick, cause: "SIGFPE in tick+"},
	"ill.c":                 {stage: StageTick, cause: "SIGILL in tick+"},
	"init_crash.c":          {stage: StageInit, cause: "SIGSEGV at address 0x0 in write_null+"},
	"lock_in_libc.c":        {stage: StageTick, cause: "SIGSEGV at address 0x0 in write_null+"},
	"loop.c":                {stage: StageTick, cause: "timeout: tick 2 did not end within ", hangs: true},
	"nodelete.c":            {},
	"overrun.c":             {stage: StageTick, cause: "wrote past the end of its state: at offset 16 of 16 bytes"},
	"seed_crash.c":          {stage: StageSeed, cause: "SIGSEGV"},
	"segv_first.c":          {stage: StageTick, cause: "SIGSEGV at address 0x0 in write_null+0x9 (counter.h:"},
	"segv_late.c":           {stage: StageTick, cause: "SIGSEGV"}, // not late with this trigger
	"setlocale.c":           {warns: WarnLocale},
	"shutdown_crash.c":      {stage: StageShutdown, cause: "SIGSEGV"},
	"sleep.c":               {stage: StageTick, cause: "timeout: tick 2", hangs: true},
	"stack_overflow.c":      {stage: StageTick, cause: "in deeper+"},
	"stdout_flood.c":        {},
	"steal_handler.c":       {warns: WarnSignals},
	"steal_in_tick.c":       {warns: WarnSignals},
	"thread.c":              {warns: WarnThreads},
	"throw.cpp":             {stage: StageTick, cause: "SIGABRT", output: "terminate called"},
	"tls.rs":                {},
	"tls_dtor.cpp":          {},
	"umask.c":               {warns: WarnUmask},
	"unique.cpp":            {},
}

// TestHostilePluginsAreFoundOut tries the whole corpus but for goplugin, which no host maps: inspection refuses it.
func TestHostilePluginsAreFoundOut(t *testing.T) {
	quick := newRunner(t, Config{Timeout: 200 * time.Millisecond})
	patient := newRunner(t, Config{Timeout: time.Minute})
	sources, err := filepath.Glob(filepath.Join(corpus, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		name := filepath.Base(source)
		if filepath.Ext(name) == ".h" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, known := corpusOutcomes[name]
			if !known {
				t.Fatal("not in the table above: what must a trial make of it?")
			}
			flags := []string{"-g", "-DTRIGGER=1"}
			if filepath.Ext(name) == ".rs" {
				flags = nil
			}
			runner := patient
			if want.hangs {
				runner = quick
			}
			report, err := runner.Try(t.Context(), Candidate{Path: hostile(t, name, flags...), DT: 0.1})
			want.check(t, report, err)
		})
	}
}

// caused tells whether a verdict's cause is one of those wanted.
func (want outcome) caused(cause string) bool {
	return strings.Contains(cause, want.cause) || want.or != "" && strings.Contains(cause, want.or)
}

func (want outcome) check(t *testing.T, report Report, err error) {
	t.Helper()
	var verdict *Verdict
	var mismatch *abi.Mismatch
	switch {
	case want.stage == "" && err != nil:
		t.Errorf("got %v, want none", err)
	case want.stage == "":
		if report.Ticks != defaultTicks || report.Shards != 1 || !report.Fresh {
			t.Errorf("report %+v, want %d ticks of 1 fresh shard", report, defaultTicks)
		}
	case errors.As(err, &mismatch):
		if want.stage != StageGuard || !strings.Contains(err.Error(), want.cause) {
			t.Errorf("got %v, want %+v", err, want)
		}
	case !errors.As(err, &verdict):
		t.Errorf("got %v, want a verdict", err)
	case verdict.Stage != want.stage || !want.caused(verdict.Cause) || !strings.Contains(verdict.Output, want.output):
		t.Errorf("got %+v, want %+v", verdict, want)
	case strings.ContainsAny(err.Error(), "\n\t"):
		t.Errorf("%q is not one line", err)
	}
	var codes []string
	for _, w := range report.Warnings {
		codes = append(codes, w.Code)
	}
	if !slices.Equal(codes, strings.Fields(want.warns)) {
		t.Errorf("warnings %v, want %q", report.Warnings, want.warns)
	}
}
