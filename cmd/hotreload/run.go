package main

import (
	"context"
	"errors"
	"os"
	"runtime"

	"hotreload/engine"

	"go.uber.org/zap"
)

// run runs the engine until a signal, its last tick or an error, and reports the outcome of the last reload as the exit
// code and as the last line of the log.
func (t *terminal) run(ctx context.Context, s *settings) error {
	view, log, err := t.output(s)
	if err != nil {
		return err
	}
	cfg, err := s.engineConfig()
	if err != nil {
		return err
	}
	provide := func(workers int) { t.provideProcessors(workers, s.Shards) }
	provide(s.Workers)
	host, err := engine.New(cfg, engine.WithLogger(log))
	if errors.Is(err, engine.ErrConfig) {
		return err
	} else if err != nil {
		log.Named("server").Error("cannot start", zap.Error(err), engine.Text("cannot start: %v", err))
		return conclude(log, engine.ExitCode(err))
	}

	socket, stopServing, err := s.serve(resizable{host, provide}, log, t.lookup, view)
	if err != nil {
		log.Named("control").Error("cannot serve", zap.Error(err), engine.Text("cannot start: %v", err))
		return conclude(log, engine.ExitRuntime)
	}
	view.start(ctx, "unix:"+socket, log)
	ctx, stop := withSignals(ctx, log, func(s os.Signal) {
		view.stop()
		_ = conclude(log, signalCode(s))
		os.Exit(signalCode(s))
	})
	defer stop()
	err = host.Run(ctx)
	view.stop()
	stopServing()
	var stage *engine.StageError
	switch {
	case err == nil:
		err = host.Outcome()
	case !errors.As(err, &stage): // the engine has logged the failure of a stage
		log.Named("server").Error("ended", zap.Error(err), engine.Text("error: %v", err))
	}
	return conclude(log, engine.ExitCode(err))
}

// conclude writes the last line of the log and returns the exit code as a command's error.
func conclude(log *zap.Logger, code int) error {
	log.Named("exit").Info("exit", zap.Int("code", code), engine.Text("code=%d", code))
	if err := flush(log); err != nil && code == engine.ExitSuccess {
		return exit(engine.ExitRuntime)
	}
	return exit(code)
}

// provideProcessors raises GOMAXPROCS above the number of workers unless the user has set it: a worker that is in native
// code for more than 20 µs loses its processor to the Go scheduler and must wait for a free one afterwards.
func (t *terminal) provideProcessors(workers, shards int) {
	if set, _ := t.lookup("GOMAXPROCS"); set != "" {
		return
	}
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	if want := min(workers, shards) + 2; want > runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(want)
	}
}
