package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"hotreload/engine"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"
)

// place makes a directory with logic.h and, as logic.c, the given source of logic/.
func place(source string) string {
	dir, err := os.MkdirTemp("", "hotreload-example-")
	if err != nil {
		log.Fatal(err)
	}
	put("logic.h", filepath.Join(dir, "logic.h"))
	put(source, filepath.Join(dir, "logic.c"))
	return dir
}

// put copies a source of logic/, as an editor saves: whole.
func put(source, to string) {
	content, err := os.ReadFile(filepath.Join(logicDir, source))
	if err == nil {
		err = os.WriteFile(to+".tmp", content, 0o600)
	}
	if err == nil {
		err = os.Rename(to+".tmp", to)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A program that runs native logic for ten ticks. What the engine has to say goes to a log of the program's own.
func Example() {
	dir := place("logic.c")
	defer func() { _ = os.RemoveAll(dir) }()

	host, err := engine.New(engine.Config{
		Watch: []string{filepath.Join(dir, "logic.c")},
		Build: "cc -shared -fPIC -o logic.so logic.c",
		Dir:   dir,
		Tick:  time.Millisecond,
		Ticks: 10,
	}, engine.WithLogger(zap.New(lines{})))
	if err != nil {
		log.Fatal(err)
	}
	if err := host.Run(context.Background()); err != nil {
		log.Fatal(err)
	}

	// Output:
	// [server] running
	// [state] score=0
	// [state] score=10
}

// lines is a core for zap that prints the human form of the entries, as the hotreload command does.
type lines struct{ zapcore.LevelEnabler }

func (lines) Enabled(l zapcore.Level) bool        { return l >= zapcore.InfoLevel }
func (c lines) With([]zapcore.Field) zapcore.Core { return c }
func (lines) Sync() error                         { return nil }

func (c lines) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (lines) Write(e zapcore.Entry, fields []zapcore.Field) error {
	text := engine.TextOf(e.Message, fields)
	if text == "" { // for machines
		return nil
	}
	_, err := fmt.Printf("[%s] %s\n", e.LoggerName, text)
	return err
}

// An editor that shows what becomes of a save. Events comes before Run, so that nothing is missed.
func ExampleEngine_Events() {
	dir := place("logic.c")
	defer func() { _ = os.RemoveAll(dir) }()
	source := filepath.Join(dir, "logic.c")

	host, err := engine.New(engine.Config{
		Watch: []string{source}, Build: "cc -shared -fPIC -o logic.so logic.c", Dir: dir, Tick: time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	events, cancel := host.Events(64)
	defer cancel()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return host.Run(ctx) })

	for ev := range events {
		switch ev.Kind {
		case engine.Running:
			fmt.Println("running generation", ev.Generation.Number)
			put("variants/syntax_error.c", source) // what a user does in an editor
		case engine.Rejected:
			var refusal *engine.StageError
			if errors.As(ev.Err, &refusal) {
				fmt.Println("refused by stage", refusal.Stage)
			}
			put("logic_v2.c", source)
		case engine.Swapped:
			fmt.Println("running generation", ev.Generation.Number)
			stop()
		}
	}
	fmt.Println("ended:", group.Wait())

	// Output:
	// running generation 1
	// refused by stage build
	// running generation 2
	// ended: <nil>
}

// A program that reloads on demand, for a reason which no watcher sees: here, another definition for the compiler.
func ExampleEngine_Reload() {
	dir := place("logic.c")
	defer func() { _ = os.RemoveAll(dir) }()
	flags := filepath.Join(dir, "flags")
	if err := os.WriteFile(flags, []byte("-O1"), 0o600); err != nil {
		log.Fatal(err)
	}

	host, err := engine.New(engine.Config{
		Watch: []string{filepath.Join(dir, "logic.c")},
		Build: "cc $(cat flags) -shared -fPIC -o logic.so logic.c",
		Dir:   dir, Tick: time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	events, cancel := host.Events(64)
	defer cancel()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return host.Run(ctx) })
	for ev := range events {
		if ev.Kind == engine.Running {
			break
		}
	}

	fmt.Println("nothing new:", errors.Is(host.Reload(ctx), engine.ErrUnchanged))
	if err := os.WriteFile(flags, []byte("-O0"), 0o600); err != nil {
		log.Fatal(err)
	}
	fmt.Println("other flags:", host.Reload(ctx))
	status := host.Status()
	fmt.Println("generation", status.Generation.Number, "after", status.Swaps, "swap")
	if err := os.WriteFile(flags, []byte("-fno-such-flag"), 0o600); err != nil {
		log.Fatal(err)
	}
	fmt.Println("bad flags: exit code", engine.ExitCode(host.Reload(ctx)))
	stop()
	fmt.Println("ended:", group.Wait())

	// Output:
	// nothing new: true
	// other flags: <nil>
	// generation 2 after 1 swap
	// bad flags: exit code 9
	// ended: <nil>
}
