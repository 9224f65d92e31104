package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hotreload/engine/artifact"
	"hotreload/engine/build"
	"hotreload/engine/native"
	"hotreload/engine/trial"
	"hotreload/engine/watch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// Engine runs one plugin. Several engines may run in one process; each owns its state, its workers and its libraries.
type Engine struct {
	cfg Config
	log *zap.Logger
	hub hub

	observe func(workers.Span) workers.Observer // nil when nobody measures

	calls   chan func(*pipeline) // work for the pipeline's goroutine
	ended   chan struct{}        // closed when Run is about to return
	started bool

	mu       sync.Mutex
	status   Status
	watcher  *watch.Watcher       // nil before Run
	scratch  string               // the private directory; "" before Run
	pool     *workers.Pool[*code] // nil until the first generation runs
	lateness *lateness            // nil before Run

	quarantined atomic.Int64 // shards, counted by the workers

	overdue map[int]time.Time // workers in a tick that takes too long, since when
}

// New checks cfg and returns an engine that has not touched anything yet. Errors wrap ErrConfig.
func New(cfg Config, options ...Option) (*Engine, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	for _, path := range cfg.Watch {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: Watch: %w: expected an existing file or directory", ErrConfig, err)
		}
	}
	if info, err := os.Stat(cfg.Dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%w: Dir: expected a directory, got %s", ErrConfig, cfg.Dir)
	}
	e := &Engine{cfg: cfg, log: zap.NewNop(), calls: make(chan func(*pipeline)), ended: make(chan struct{})}
	for _, o := range options {
		o(e)
	}
	e.status.Shards, e.status.Workers, e.status.Paused = cfg.Shards, cfg.Workers, cfg.Paused
	return e, nil
}

// Run builds and loads the plugin, runs it, and reloads it on every change, until ctx ends or Config.Ticks are done. It
// returns after every goroutine and thread of the engine has ended: nil after a regular end, whatever became of single
// reloads (see Outcome), and an error when the engine could not do its work. An Engine runs once.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.started {
		e.mu.Unlock()
		return errors.New("an engine runs once: make a new one")
	}
	e.started = true
	e.mu.Unlock()
	defer e.hub.close()

	p, err := e.assemble()
	if err != nil {
		return err
	}
	defer p.dismantle()
	e.mu.Lock()
	e.scratch, e.status.Running = p.scratch, true
	e.mu.Unlock()
	err = p.run(ctx)
	e.set(func(s *Status) {
		s.Running = false
		if e.pool != nil {
			s.Ticks = e.pool.Stats().Fastest // where all of them ended
		}
	})
	close(e.ended)
	e.hub.send(Event{Kind: Ended, Err: err})
	return err
}

// assemble makes the parts of the pipeline.
func (e *Engine) assemble() (*pipeline, error) {
	scratch, err := os.MkdirTemp(runDir(e.cfg.RunDir), "hotreload-")
	if err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	p := &pipeline{
		engine: e, cfg: &e.cfg, scratch: scratch, log: e.log,
		numberOf: make(map[artifact.Hash]uint64), groundOf: make(map[artifact.Hash]*ground), bad: make(map[artifact.Hash]error),
	}
	p.lateness = newLateness()
	p.crew = &crew{
		dt: e.cfg.DT.Seconds(), seed: e.cfg.Seed, probation: e.cfg.ProbationTicks, snapshot: e.cfg.SnapshotBytes,
		faults: make(chan faultReport, 64), hands: &register{}, lateness: p.lateness, quarantined: &e.quarantined,
	}
	if err := p.openJournal(); err != nil {
		p.dismantle()
		return nil, err
	}
	if err := native.Contain(); err != nil {
		e.log.Named("server").Warn("faults are not contained", zap.Error(err), Text("%v", err))
	}
	if p.store, err = artifact.Open(filepath.Join(scratch, "artifacts")); err != nil {
		p.dismantle()
		return nil, fmt.Errorf("open the artifact store: %w", err)
	}
	if err := p.openState(); err != nil {
		p.dismantle()
		return nil, err
	}
	if e.cfg.Build != "" {
		p.builder, err = build.New(build.Config{
			Command: e.cfg.Build, Dir: e.cfg.Dir, Library: e.cfg.Library, Source: e.cfg.Watch[0],
			Depfile: e.cfg.Depfile, Timeout: e.cfg.BuildTimeout, Scratch: scratch,
		})
		if err != nil {
			p.dismantle()
			return nil, fmt.Errorf("%w: Build: %w", ErrConfig, err)
		}
		p.library = p.builder.Library()
	} else if p.library, err = filepath.Abs(e.cfg.Library); err != nil {
		p.dismantle()
		return nil, fmt.Errorf("%w: Library: %w", ErrConfig, err)
	}
	if e.cfg.Trial != trial.Off {
		p.trials, err = trial.New(trial.Config{Mode: e.cfg.Trial, Logger: e.log.Named("server")})
		if err != nil {
			p.dismantle()
			return nil, fmt.Errorf("%w: Trial: %w", ErrConfig, err)
		}
	}
	p.watcher, err = watch.New(watch.Config{
		Paths: e.cfg.Watch, Exclude: p.ours, Mode: watch.Mode(e.cfg.WatchMode), Interval: e.cfg.PollInterval,
		Debounce: e.cfg.Debounce, Logger: e.log.Named("watch"),
	})
	if err != nil {
		p.dismantle()
		return nil, fmt.Errorf("watch: %w", err)
	}
	e.mu.Lock()
	e.watcher, e.lateness, e.overdue = p.watcher, p.lateness, make(map[int]time.Time)
	e.mu.Unlock()
	return p, nil
}

// runDir returns where private directories are made: Config.RunDir when that is given.
func runDir(given string) string { return cmp.Or(given, os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()) }

// Outcome returns the outcome of the last reload: nil after a good one, ErrUnchanged, or a *StageError.
func (e *Engine) Outcome() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status.Outcome
}

// Status returns a picture of the engine. It does not disturb a tick.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.picture()
}

// picture is Status under e.mu.
func (e *Engine) picture() Status {
	s := e.status
	s.Quarantined = int(e.quarantined.Load())
	s.Generations = append([]Generation(nil), s.Generations...)
	if e.pool != nil && s.Running {
		s.Ticks = e.pool.Slowest()
	}
	if e.watcher != nil {
		s.Watch = string(e.watcher.Mode())
	}
	return s
}

// Events subscribes to what happens from now on. The channel holds buffer events; a subscriber that is slower than that
// misses some and sees the gap in Event.Seq. It is closed when Run returns or cancel is called.
func (e *Engine) Events(buffer int) (events <-chan Event, cancel func()) {
	return e.hub.subscribe(buffer)
}

// Reload builds now, whether or not a source has changed, and waits for the verdict: nil when a new generation was
// published, ErrUnchanged, a *StageError, or ErrNotRunning.
func (e *Engine) Reload(ctx context.Context) error {
	verdict := make(chan error, 1)
	return e.ask(ctx, verdict, func(p *pipeline) { p.rebuild(verdict) })
}

// ask has the pipeline's goroutine run f and waits for its verdict.
func (e *Engine) ask(ctx context.Context, verdict <-chan error, f func(*pipeline)) error {
	if err := e.submit(ctx, f); err != nil {
		return err
	}
	select {
	case err := <-verdict:
		return err
	case <-e.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// submit has the pipeline's goroutine run f. When it returns an error, f will not run.
func (e *Engine) submit(ctx context.Context, f func(*pipeline)) error {
	e.mu.Lock()
	running := e.status.Running
	e.mu.Unlock()
	if !running {
		return ErrNotRunning
	}
	select {
	case e.calls <- f:
		return nil
	case <-e.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Rollback publishes, as a new generation, the artifact of an earlier one that is kept (see Config.Keep): 0 means the
// one before the running one. It returns ErrUnchanged when that runs already.
func (e *Engine) Rollback(ctx context.Context, generation uint64) error {
	verdict := make(chan error, 1)
	return e.ask(ctx, verdict, func(p *pipeline) { verdict <- p.rollback(generation) })
}

func (e *Engine) set(change func(*Status)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.status)
}
