package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"hotreload/engine"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"
)

// demoSources are the sample plugin and the header it needs, copies of those in directory logic: a package there could
// not embed them, because Go refuses C files beside Go files where cgo is on.
//
//go:generate cp ../../logic/logic.h ../../logic/logic.c demo/
//go:embed demo
var demoSources embed.FS

const (
	demoTick   = 5 * time.Millisecond
	demoShards = 64
	demoLimit  = time.Minute // for a machine that is busy with other things; a usual run takes two seconds
)

// newDemo returns the command that shows, and checks, what hotreload does.
func newDemo(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [DIRECTORY]",
		Short: "Watch swaps and refusals on a plugin that edits itself; needs a C compiler",
		Long: "Runs the sample plugin in a temporary directory and edits its source while it runs: three good edits,\n" +
			"one that does not build, one that changes the state. Checks that ticks go on, that the state is carried\n" +
			"over and that old libraries are unmapped; exits with 1 if any of that was not so. Takes the sample's\n" +
			"logic.c and logic.h from DIRECTORY if one is given.",
		Args: func(cmd *cobra.Command, args []string) error { return noArguments(cmd, args[min(len(args), 1):]) },
		RunE: func(cmd *cobra.Command, args []string) error {
			sources, err := fs.Sub(demoSources, "demo")
			if len(args) > 0 {
				sources = os.DirFS(args[0])
			}
			if err != nil {
				return err
			}
			return t.demo(cmd.Context(), sources)
		},
	}
}

// demo runs the demonstration and prints what was seen.
func (t *terminal) demo(ctx context.Context, sources fs.FS) error {
	screen, err := t.logger("console", "info")
	if err != nil {
		return err
	}
	ctx, stop := withSignals(ctx, screen, func(s os.Signal) { os.Exit(signalCode(s)) })
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("not done after %v", demoLimit))
	defer cancel()

	seen, err := t.demonstrate(ctx, screen, sources)
	good := false
	if err == nil {
		good, err = seen.print(t.stdout)
	}
	if err != nil {
		screen.Named("demo").Error("ended early", zap.Error(err), engine.Text("error: %v", err))
		return conclude(screen, engine.ExitRuntime)
	}
	if !good {
		return conclude(screen, engine.ExitRuntime)
	}
	return conclude(screen, engine.ExitSuccess)
}

// demonstrate runs an engine beside the script of edits, in a directory of its own.
func (t *terminal) demonstrate(ctx context.Context, screen *zap.Logger, sources fs.FS) (seen *sightings, err error) {
	compiler, err := findCompiler()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hotreload-demo-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	play := &script{log: screen.Named("demo"), path: filepath.Join(dir, "logic.c"), states: make(chan string, 16)}
	if err := play.writeSources(dir, sources); err != nil {
		return nil, err
	}
	workers := 2
	t.provideProcessors(workers, demoShards)
	play.host, err = engine.New(engine.Config{
		Watch: []string{play.path}, Build: compiler + " -shared -fPIC -o logic.so logic.c", Dir: dir,
		Tick: demoTick, Shards: demoShards, Workers: workers,
	}, engine.WithLogger(zap.New(zapcore.NewTee(screen.Core(), stateTap{zapcore.InfoLevel, play.states}))))
	if err != nil {
		return nil, err
	}
	events, unsubscribe := play.host.Events(64)
	defer unsubscribe()
	play.events = events
	play.log.Info("begin", engine.Text("%d counters on %d threads, a tick every %v; now and then an edit of %s",
		demoShards, workers, demoTick, play.path))

	running, end := context.WithCancel(ctx)
	defer end()
	var group errgroup.Group
	group.Go(func() error {
		defer end() // the script must not wait for an engine that has ended
		return play.host.Run(running)
	})
	group.Go(func() error {
		play.sample(running)
		return nil
	})
	err = play.perform(running)
	end()
	if runErr := group.Wait(); runErr != nil {
		err = runErr
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	play.seen.status = play.host.Status()
	return &play.seen, err
}

// findCompiler returns the command of a C compiler.
func findCompiler() (string, error) {
	for _, name := range []string{"cc", "gcc", "clang"} {
		if _, err := exec.LookPath(name); err == nil {
			return name, nil
		}
	}
	return "", errors.New("no C compiler found (cc, gcc or clang): install one, " +
		"on Debian and Ubuntu with `apt-get install gcc libc6-dev`, on Fedora with `dnf install gcc`")
}
