package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/journal"
	"hotreload/engine/native"
	"hotreload/epoch"

	"go.uber.org/zap"
)

// ReplayConfig says what to replay.
type ReplayConfig struct {
	// Run is the history.
	Run *journal.Run
	// Artifacts is where its libraries are.
	Artifacts journal.Artifacts
	// Workers is the number of threads. Default: the number of processors, but at most one per shard.
	Workers int
	// RunDir is where the private directory for artifacts is made, as in Config.
	RunDir string
	// Logger is told of what is unusual. Default: nobody.
	Logger *zap.Logger
}

// Replayed is what came of a replay.
type Replayed struct {
	Ticks   uint64   // of every shard
	State   string   // hash of the state
	Inexact []string // what of the history cannot be repeated to the bit, in sentences; empty: nothing
	Took    time.Duration
}

// ReplayError refuses a journal, or a line of it, with the reason.
type ReplayError struct {
	Line int // 0: the journal as a whole
	Err  error
}

// Error implements error.
func (e *ReplayError) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

// Unwrap returns the reason.
func (e *ReplayError) Unwrap() error { return e.Err }

// Replay runs a history again, as fast as it goes: the same code on the same shards at the same ticks. Neither the number
// of workers nor that of the run makes a difference. It runs to the end of the run, or when the host was killed to the
// last tick of which the journal knows. Calls that faulted are not made again: where a shard got back its bytes from
// before the tick, the call has left no trace. What is not exact is in Replayed.Inexact. An error is a *ReplayError, that
// of ctx, or of the system.
func Replay(ctx context.Context, cfg ReplayConfig) (*Replayed, error) {
	p, err := newPlayer(cfg)
	if err != nil {
		return nil, err
	}
	defer p.dismantle()
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	defer p.closeAll()
	start := time.Now()
	if err := p.play(ctx); err != nil {
		return nil, err
	}
	return &Replayed{Ticks: p.end, State: p.digest.sum(), Inexact: p.inexact, Took: time.Since(start)}, nil
}

// player replays one run. It has the pipeline's way with libraries and layouts, and the hands of the workers, but no
// pipeline: there is nothing to decide.
type player struct {
	*pipeline
	run     *journal.Run
	from    journal.Artifacts
	workers int
	codes   map[uint64]*code // by generation
	first   *code
	turns   []turn
	end     uint64 // ticks to run
	digest  digest
	inexact []string
}

// newPlayer makes the parts of a player.
func newPlayer(cfg ReplayConfig) (*player, error) {
	run := cfg.Run
	switch {
	case run.Swap != epoch.Aligned.String():
		return nil, &ReplayError{Err: errors.New("swaps were in mode immediate: each worker changed over at a tick of its own, which the " +
			"journal does not know; run with --swap aligned to replay")}
	case run.Resumed:
		return nil, &ReplayError{Err: errors.New("the run began with the state of an earlier one, which is not in the journal")}
	case len(run.Entries) == 0:
		return nil, &ReplayError{Err: errors.New("the journal ends before the first generation: there is nothing to replay")}
	}
	e := &Engine{log: cfg.Logger, cfg: Config{
		Shards: run.Shards, Seed: run.Seed, DT: time.Duration(run.DT), StateType: run.StateType, Migrate: Migrate(run.Migrate),
	}}
	if e.log == nil {
		e.log = zap.NewNop()
	}
	scratch, err := os.MkdirTemp(runDir(cfg.RunDir), "hotreload-")
	if err != nil {
		return nil, fmt.Errorf("make the run directory: %w", err)
	}
	p := &player{
		pipeline: &pipeline{engine: e, cfg: &e.cfg, log: e.log, scratch: scratch, groundOf: make(map[artifact.Hash]*ground)},
		run:      run, from: cfg.Artifacts, codes: make(map[uint64]*code), digest: newDigest(run.Shards),
	}
	p.workers = cfg.Workers
	if p.workers <= 0 {
		p.workers = runtime.NumCPU()
	}
	p.workers = min(p.workers, run.Shards, MaxWorkers)
	if err := native.Contain(); err != nil {
		p.log.Warn("faults are not contained", zap.Error(err), Text("%v", err))
	}
	if p.store, err = artifact.Open(filepath.Join(scratch, "artifacts")); err != nil {
		p.dismantle()
		return nil, fmt.Errorf("open the artifact store: %w", err)
	}
	return p, nil
}

// load opens the libraries, finds out how the state comes to each, and puts the history in order.
func (p *player) load(ctx context.Context) error {
	opened := make(map[uint64]*code)
	faulty := make(map[uint64]bool) // generations that some shards left before the next
	for _, e := range p.run.Entries {
		if e.Kind == journal.Leave {
			faulty[e.Generation] = true
		}
	}
	for i := range p.run.Entries {
		e := &p.run.Entries[i]
		refuse := func(err error) error { return &ReplayError{p.run.Lines[i], err} }
		p.end = max(p.end, e.Tick)
		switch {
		case e.Published():
			c := opened[e.Opened]
			if c == nil {
				var err error
				if c, err = p.open(ctx, e); err != nil {
					return refuse(err)
				}
				opened[e.Opened] = c
			} else if c = p.again(c); c.generation.Hash != e.Artifact {
				return refuse(fmt.Errorf("opened: expected the artifact that was opened as %d, %.12s…, got %.12s…", e.Opened, c.generation.Hash, e.Artifact))
			}
			c.generation.Number, c.generation.Activation, c.relieves = e.Generation, e.Tick, e.Relieves
			p.codes[e.Generation] = c
			if err := p.place(c, e); err != nil {
				return refuse(err)
			}
			if c.migration != nil && faulty[p.running.generation.Number] { // which is all that a migration wants to know
				p.running.condemn(nil, false)
				if e.Relieves {
					p.running.stand.Store(c)
				}
			}
			p.running = c
		case e.Kind == journal.Fault && e.Function != "tick":
			p.doubt("%s of generation %d faulted in shard %d at tick %d", e.Function, e.Generation, e.First, e.Tick)
		case e.Kind == journal.Leave && e.Broken:
			p.doubt("shard %d was left in the middle of tick %d, and what it had done stayed", e.First, e.Tick)
		case e.Kind == journal.Withdrawn && (p.running.api.BeforeReload != 0 || p.running.api.AfterReload != 0):
			p.doubt("the state could not migrate to generation %d, and the hooks of the running code were called for nothing", e.Generation)
		}
	}
	p.order()
	return nil
}

func (p *player) doubt(format string, args ...any) {
	p.inexact = append(p.inexact, fmt.Sprintf(format, args...))
}

// open opens the library of a publication.
func (p *player) open(ctx context.Context, e *journal.Entry) (*code, error) {
	if err := p.from.Check(e.Artifact); err != nil {
		return nil, err
	}
	art, err := p.store.Take(ctx, p.from.Path(e.Artifact))
	if err != nil {
		return nil, err
	}
	c, err := p.pipeline.load(art, e.Library, &change{})
	if err != nil {
		return nil, err
	}
	if err := abi.Guard(c.library.Image(), c.api, abi.Expectation{}); err != nil {
		p.close(c)
		return nil, &StageError{StageGuard, err}
	}
	return c, nil
}

// place finds where the state lies under c, and how it comes there.
func (p *player) place(c *code, e *journal.Entry) (err error) {
	switch {
	case p.running == nil:
		if c.api.StateSize != p.run.StateSize || p.run.Layout != "" && layoutHash(c.layout) != p.run.Layout {
			return fmt.Errorf("the journal is of another layout of the state: expected %d bytes and layout %.12s…, got %d and %.12s…",
				p.run.StateSize, p.run.Layout, c.api.StateSize, layoutHash(c.layout))
		}
		if c.ground, err = p.newGround(c); err == nil {
			p.first, p.grounds = c, append(p.grounds, c.ground)
		}
	case e.Migration == "":
		if c.ground = p.running.ground; c.api.StateSize != p.running.api.StateSize {
			return fmt.Errorf("expected a state of %d bytes, as before, got %d, and no migration", p.running.api.StateSize, c.api.StateSize)
		}
	case e.Kind == journal.Rollback && p.revert(c) == nil:
	default:
		err = p.fit(c)
	}
	if m := c.migration; err == nil && m != nil {
		if err = p.prepare(c); err == nil {
			m.tick.Store(e.Tick)
			p.arrived(m)
		}
	}
	if err != nil {
		return err
	}
	if got := c.migrated(); (got == nil) != (e.Migration == "") || got != nil && string(got.Way) != e.Migration {
		return fmt.Errorf("migration: expected the way %q, but the plugin's layouts lead another", e.Migration)
	}
	if c.migration != nil {
		c.migration.tick.Store(0)
	}
	p.groundOf[c.artifact.Hash] = c.ground
	return nil
}

// closeAll closes the libraries.
func (p *player) closeAll() {
	for _, c := range p.codes {
		p.close(c)
	}
}
