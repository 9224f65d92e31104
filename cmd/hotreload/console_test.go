package main

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"hotreload/engine"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestConsoleLines(t *testing.T) {
	cases := []struct {
		name            string
		level           zapcore.Level
		logger, message string
		fields          []zap.Field
		verbose, colour bool
		want            string
	}{
		{name: "message", logger: "server", message: "running", want: "[server] running\n"},
		{name: "sentence in place of message and fields", logger: "reload", message: "swapped",
			fields: []zap.Field{zap.Uint64("generation", 2), engine.Text("swapped %s (api=%d)", "logic.so", 1)},
			want:   "[reload] swapped logic.so (api=1)\n"},
		{name: "no logger name", message: "hello", want: "[hotreload] hello\n"},
		{name: "warning", level: zapcore.WarnLevel, logger: "watch", message: "polling instead", want: "[watch] warning: polling instead\n"},
		{name: "error", level: zapcore.ErrorLevel, logger: "server", message: "cannot start", want: "[server] error: cannot start\n"},
		{name: "failure speaks for itself", level: zapcore.ErrorLevel, logger: "build", message: "failed",
			fields: []zap.Field{engine.Text("failed: error: expected ';'")}, want: "[build] failed: error: expected ';'\n"},
		{name: "refusal speaks for itself", level: zapcore.WarnLevel, logger: "reload", message: "rejected, keeping old plugin",
			want: "[reload] rejected, keeping old plugin\n"},
		{name: "fields at debug level", verbose: true, logger: "build", message: "done",
			fields: []zap.Field{zap.Int("code", 3), engine.Text("success"), zap.String("command", "cc -o x"), zap.Error(errors.New("no")),
				zap.String("empty", ""), zap.Skip()},
			want: "[build] success code=3 command=\"cc -o x\" error=no empty=\"\"\n"},
		{name: "colour by stage", colour: true, logger: "reload", message: "swapped", want: "\x1b[32m[reload]\x1b[0m swapped\n"},
		{name: "failures are red", colour: true, level: zapcore.WarnLevel, logger: "build", message: "failed: x",
			want: "\x1b[1;31m[build]\x1b[0m failed: x\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			line, err := newConsole(c.colour, c.verbose).EncodeEntry(
				zapcore.Entry{Level: c.level, LoggerName: c.logger, Message: c.message}, c.fields)
			if err != nil {
				t.Fatal(err)
			}
			if got := line.String(); got != c.want {
				t.Errorf("line:\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestConsoleShowsTheFieldsOfItsLogger(t *testing.T) {
	var out strings.Builder
	log := zap.New(zapcore.NewCore(newConsole(false, true), zapcore.AddSync(&out), zapcore.DebugLevel))
	parent := log.Named("reload").With(zap.Int("b", 1))
	parent.With(zap.Int("a", 2)).Info("child", zap.Int("c", 3))
	parent.Info("parent")
	if got, want := out.String(), "[reload] child a=2 b=1 c=3\n[reload] parent b=1\n"; got != want {
		t.Errorf("lines:\n got %q\nwant %q", got, want)
	}
}

func TestConsoleLinesStayWholeUnderConcurrency(t *testing.T) {
	var out strings.Builder
	core := zapcore.NewCore(newConsole(true, true), zapcore.Lock(zapcore.AddSync(&out)), zapcore.DebugLevel)
	log := zap.New(core)
	const writers, each = 8, 200
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for i := range each {
				log.Named("state").With(zap.Int("i", i)).Info("state", engine.Text("score=%d", i))
			}
		})
	}
	group.Wait()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != writers*each {
		t.Fatalf("got %d lines, want %d", len(lines), writers*each)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "\x1b[35m[state]\x1b[0m score=") {
			t.Fatalf("torn line %q", line)
		}
	}
}

func TestConsoleAllocatesLittle(t *testing.T) {
	encoder := newConsole(true, false)
	entry := zapcore.Entry{LoggerName: "state", Message: "state"}
	fields := []zap.Field{engine.Text("score=1"), zap.String("state", "score=1")}
	if got := testing.AllocsPerRun(100, func() {
		line, _ := encoder.EncodeEntry(entry, fields)
		line.Free()
	}); got > 0 {
		t.Errorf("%v allocations per line, want 0", got)
	}
}

func TestColourNeedsAWillingTerminal(t *testing.T) {
	terminal := &terminal{stderr: new(strings.Builder), lookup: func(string) (string, bool) { return "", false }}
	if terminal.coloured() {
		t.Error("coloured into something that is no terminal")
	}
}
