package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hotreload/engine/abi"
	"hotreload/engine/state"
	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// This file is what the pipeline does about a state that outlives the process: Config.StateFile.

// openState opens the state file, if there is one, and checks what can be checked before there is code. Until begin
// nothing in it changes.
func (p *pipeline) openState() error {
	path := p.cfg.StateFile
	if path == "" {
		return nil
	}
	file, err := state.OpenFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return fmt.Errorf("state file %s: %w: expected an existing directory for it", path, err)
		}
		return nil // begin makes it
	}
	if err != nil {
		return err
	}
	p.file = file
	h, log := file.Header(), p.log.Named("state")
	if h.Shards != p.cfg.Shards {
		return &state.FileError{Path: path, Reason: fmt.Errorf(
			"holds %d shards, expected %d: run with as many, or name another file", h.Shards, p.cfg.Shards)}
	}
	if h.Seed != p.cfg.Seed {
		log.Warn("the seed is that of the state file", zap.Uint64("seed", h.Seed),
			Text("%s was begun with seed %d, which goes on to count, not %d", path, h.Seed, p.cfg.Seed))
		p.crew.seed = h.Seed
	}
	if damage := file.Damage(); damage != nil {
		log.Warn("one copy of the header is damaged", zap.Error(damage), Text("%s: one copy of the header is damaged (%v): the other one counts", path, damage))
	}
	if h.Restoring {
		log.Warn("a restore was cut short", Text("%s: the run before was killed while a snapshot was being restored: some shards may be as "+
			"before it; restore it again", path))
	}
	return nil
}

// guardState checks the first code against the state that is there.
func (p *pipeline) guardState(first *code) error {
	if p.file == nil {
		return nil // it makes the state
	}
	h := p.file.Header()
	diff := h.Mismatch(first.layout)
	if len(diff) == 0 {
		return nil
	}
	obstacle, ok := p.lead(&code{layout: h.Layout, api: abi.API{StateSize: h.StateSize, StateRevision: h.StateRevision}}, first)
	if ok {
		return nil // adopt takes it along
	}
	remedy := "go on with the code that made it, or name another --state-file to begin with a new state"
	if p.cfg.Migrate == MigrateOff && obstacle == nil {
		remedy = "--migrate=auto takes it along, another --state-file begins with a new state"
	}
	e := layoutError(diff, h.StateSize, first.layout.Size, fmt.Sprintf("expected is the state in %s: %s", p.file.Path(), remedy))
	if p.cfg.Migrate == MigrateAuto {
		e.Obstacle = obstacle
	}
	return e
}

// adopt takes the state of an earlier run to the layout of the first code: into another file, which then takes the place of
// the one that was. No worker runs yet.
func (p *pipeline) adopt(first *code, stages *Stages) error {
	m := first.migration
	if m == nil {
		return nil
	}
	return stage(StageMigrate, &stages.Migrate, func() error {
		file, err := state.CreateBeside(p.cfg.StateFile, p.header(first))
		if err != nil {
			return err
		}
		old := p.file
		if err := p.carryAll(m, old.Arena(), &ground{arena: file.Arena(), file: file, marks: make([]mark, p.cfg.Shards)}); err != nil {
			_ = file.Close()
			return err
		}
		p.complain(file.Take())
		p.file = file
		return old.Close()
	})
}

// carryAll is carry for all shards of an arena in which no worker is, to there.
func (p *pipeline) carryAll(m *migration, from *state.Arena, there *ground) error {
	c, was, now := p.crew, from.UndoLog(), there.arena.UndoLog()
	was.Recover()
	c.arena, c.marks, m.to.ground = from, bornIn(was, p.cfg.Shards), there
	h := newHand(c, workers.Span{Count: p.cfg.Shards})
	defer h.thread.Release()
	defer c.hands.remove(h)
	for i := 0; i < p.cfg.Shards; i += carried {
		end := min(i+carried, p.cfg.Shards)
		if err := h.carry(m, i, end, was.Ticks(i)); err != nil {
			if fault := (*FaultError)(nil); errors.As(err, &fault) {
				fault.Where = m.to.library.Locate(fault.Fault.PC)
			}
			return err
		}
		for j := i; j < end; j++ {
			now.Arrive(j, was.Ticks(j), true)
		}
	}
	_, most := now.Span(0, p.cfg.Shards)
	m.tick.Store(most)
	return nil
}

// bornIn returns what shards are by their undo log.
func bornIn(l *state.UndoLog, shards int) []mark {
	marks := make([]mark, shards)
	for i := range marks {
		if !l.Born(i) {
			marks[i] = unborn
		}
	}
	return marks
}

// layoutError refuses code for a state of another layout, of which there is a file.
func layoutError(diff []state.Difference, expected, actual uint64, remedy string) *LayoutError {
	e := &LayoutError{Differences: diff, Remedy: remedy}
	if expected != actual {
		e.Size = &abi.Mismatch{Field: "state_size", Expected: fmt.Sprint(expected), Actual: fmt.Sprint(actual), Hint: remedy}
	}
	return e
}

// fileGround makes memory for the state of c in a file: in the one of an earlier run, in a new one, or in one beside it
// that takes its place when the state has migrated there.
func (p *pipeline) fileGround(c *code) (*ground, error) {
	file := p.file
	var err error
	switch {
	case file != nil:
		// From here on it is not as the run before has left it.
		h := p.header(c)
		h.Tick, _ = file.Arena().UndoLog().Span(0, h.Shards)
		if err = file.Write(h); err == nil {
			p.file, p.crew.inherited = nil, true
			file.Sweep()
		}
	case p.running == nil:
		file, err = state.CreateFile(p.cfg.StateFile, p.header(c))
	default:
		if err = p.running.ground.file.Yield(); err == nil {
			file, err = state.CreateBeside(p.cfg.StateFile, p.header(c))
		}
	}
	if err != nil {
		return nil, err
	}
	if c.layout.Pointers {
		p.log.Named("state").Warn("the state holds addresses",
			Text("the state holds addresses, which mean nothing after a restart: set them anew in after_reload"))
	}
	return &ground{arena: file.Arena(), file: file}, nil
}

// takeUp settles what the shards are when the workers begin. It returns the tick with which those of a span do, and the
// first that no shard has run.
func (p *pipeline) takeUp(first *code) (start func(workers.Span) uint64, next uint64) {
	j := first.ground.arena.UndoLog()
	if j == nil || !p.crew.inherited {
		for i := range p.crew.marks {
			p.crew.marks[i] = unborn
		}
		return nil, 0
	}
	undone := j.Recover()
	p.crew.marks = bornIn(j, p.cfg.Shards)
	least, next := j.Span(0, p.cfg.Shards)
	p.log.Named("state").Info("taken up", zap.String("file", p.cfg.StateFile), zap.Uint64("tick", next), zap.Uint64("behind", next-least),
		zap.Int("undone", undone), Text("taken up from %s at tick %d", filepath.Base(p.cfg.StateFile), next))
	return func(s workers.Span) uint64 {
		if p.cfg.Swap == epoch.Immediate {
			_, most := j.Span(s.First, s.First+s.Count)
			return most
		}
		return next
	}, next
}

// header describes the state as c sees it.
func (p *pipeline) header(c *code) state.Header {
	return state.Header{
		StateSize: c.api.StateSize, StateRevision: c.api.StateRevision, Shards: p.cfg.Shards, Seed: p.crew.seed, DT: p.crew.dt, Layout: c.layout,
		Artifact: c.artifact.Hash, Generation: c.generation.Number, PID: os.Getpid(), Restoring: p.restores > 0,
	}
}

// recordCode notes in the state file which code runs.
func (p *pipeline) recordCode() {
	if file := p.running.ground.file; file != nil {
		h := p.header(p.running)
		h.Tick = p.pool.Slowest()
		p.complain(file.Write(h))
	}
}

// sealState notes that the run has ended in order; the workers have.
func (p *pipeline) sealState() {
	if file := p.running.ground.file; file != nil {
		h := p.header(p.running)
		h.Tick, _ = file.Arena().UndoLog().Span(0, h.Shards)
		p.complain(file.Seal(h))
		file.Sweep()
	}
}

// complain says that something is wrong with the state file. The host runs on: the state is in memory all the same.
func (p *pipeline) complain(err error) {
	if err != nil {
		p.log.Named("state").Error("state file", zap.Error(err), Text("%v", err))
	}
}
