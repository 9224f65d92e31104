package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// play runs one script.
func (r *rehearsal) play(ctx context.Context, script string) scriptReport {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("the script has taken more than %v (--timeout)", r.timeout))
	defer cancel()
	h := &scriptHost{terminal: r.terminal, ctx: ctx}
	t := &scriptT{verbose: r.verbose}
	t.Run("", func(testscript.T) {
		dir, err := filepath.Abs(filepath.Dir(script))
		if err != nil {
			t.Fatal(err)
		}
		testscript.RunT(t, testscript.Params{
			Files:    []string{script},
			Setup:    func(env *testscript.Env) error { return h.setUp(env, dir) },
			Cmds:     h.commands(),
			TestWork: r.work,
		})
	})
	err := h.atEnd
	if err == nil && !t.failed {
		err = h.settled("exit", nil) // after the last command
	}
	if err != nil {
		passed := strings.TrimSuffix(t.log.String(), "PASS\n")
		t.failed = true
		t.log.Reset()
		t.log.WriteString(passed)
		t.Log(fmt.Sprintf("FAIL: %s: at the end: %v", script, err))
	}
	report := scriptReport{Script: script, Result: t.result(), Seconds: time.Since(start).Seconds()}
	if t.failed || r.verbose || r.work {
		report.Log = t.log.String()
	}
	return report
}

// scriptT is what testscript reports to where there is no go test. Its methods are called by one goroutine.
type scriptT struct {
	verbose         bool
	log             strings.Builder
	failed, skipped bool
}

// scriptEnd is the panic by which a script ends early.
type scriptEnd struct{}

func (t *scriptT) result() string {
	switch {
	case t.failed:
		return "failed"
	case t.skipped:
		return "skipped"
	}
	return "ok"
}

// Run implements testscript.T.
func (t *scriptT) Run(_ string, f func(testscript.T)) {
	defer func() {
		reason := recover()
		if _, ours := reason.(scriptEnd); reason != nil && !ours {
			panic(reason)
		}
	}()
	f(t)
}

// Log implements testscript.T.
func (t *scriptT) Log(args ...any) {
	text := fmt.Sprint(args...)
	t.log.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		t.log.WriteByte('\n')
	}
}

// Skip implements testscript.T.
func (t *scriptT) Skip(args ...any) {
	t.skipped = true
	t.Log(args...)
	panic(scriptEnd{})
}

// Fatal implements testscript.T.
func (t *scriptT) Fatal(args ...any) {
	t.Log(args...)
	t.FailNow()
}

// FailNow implements testscript.T.
func (t *scriptT) FailNow() {
	t.failed = true
	panic(scriptEnd{})
}

// Parallel implements testscript.T: scripts run one after the other.
func (t *scriptT) Parallel() {}

// Verbose implements testscript.T.
func (t *scriptT) Verbose() bool { return t.verbose }
