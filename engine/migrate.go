package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotreload/engine/abi"
	"hotreload/engine/artifact"
	"hotreload/engine/journal"
	"hotreload/engine/state"
	"hotreload/workers"
)

// Migrate says what becomes of a candidate whose layout of the state is another than that of the state that is there.
type Migrate string

// The ways.
const (
	MigrateOff    Migrate = "off"    // it is refused
	MigrateAuto   Migrate = "auto"   // converted by field name when nothing is lost by it, else by the plugin's migrate
	MigratePlugin Migrate = "plugin" // only by the plugin's migrate
)

// fit settles how the state comes to the candidate: it lies there already, it migrates, or the candidate is refused.
func (p *pipeline) fit(next *code) error {
	from := p.running
	if state.Compatible(from.layout, next.layout) {
		next.ground = from.ground
		p.reportRenamed(state.Renames(from.layout, next.layout))
		return nil
	}
	if obstacle, ok := p.lead(from, next); !ok {
		return p.mismatch(next, obstacle)
	}
	return nil
}

// lead plans the migration of the state that from understands to next, if it is allowed. obstacle is why it cannot be
// converted by name.
func (p *pipeline) lead(from, next *code) (obstacle error, ok bool) {
	conversion, obstacle := state.Plan(from.layout, next.layout)
	m := newMigration(from, next, p.cfg.Shards)
	switch {
	case p.cfg.Migrate == MigrateAuto && obstacle == nil:
		m.conversion = conversion
	case p.cfg.Migrate != MigrateOff && next.api.Migrate != 0:
		m.function = true
	default:
		return obstacle, false
	}
	next.migration = m
	return nil, true
}

// mismatch is the refusal of a candidate with another layout.
func (p *pipeline) mismatch(next *code, obstacle error) error {
	from := p.running
	e := &LayoutError{Differences: state.Diff(from.layout, next.layout), Remedy: "restart to begin with a new state"}
	switch mode := p.cfg.Migrate; {
	case mode == MigrateAuto:
		e.Obstacle, e.Remedy = obstacle, "export a migrate function, or restart to begin with a new state"
	case mode == MigratePlugin && obstacle == nil:
		e.Obstacle, e.Remedy = errNoMigrate, "export one, use --migrate=auto, which converts this state by field name, or restart to begin with a new one"
	case mode == MigratePlugin:
		e.Obstacle, e.Remedy = errNoMigrate, "export one, or restart to begin with a new state"
	case obstacle == nil:
		e.Remedy = "--migrate=auto takes the state along, a restart begins with a new one"
	case next.api.Migrate != 0:
		e.Remedy = "--migrate=plugin takes the state along by the plugin's migrate, a restart begins with a new one"
	}
	if from.api.StateSize != next.api.StateSize {
		e.Size = &abi.Mismatch{
			Field: "state_size", Expected: fmt.Sprint(from.api.StateSize), Actual: fmt.Sprint(next.api.StateSize),
			Hint: "the layout of the state has changed; " + e.Remedy,
		}
	}
	return e
}

var errNoMigrate = errors.New("the layout has changed, and the plugin exports no migrate function")

// revert settles how the state comes back to an artifact that has run before: it is where that ran, or it came from there.
func (p *pipeline) revert(next *code) error {
	here, there := p.running.ground, p.groundOf[next.artifact.Hash]
	switch way := here.wayBack(there); {
	case len(way) == 1:
		next.ground = here
	case len(way) > 1:
		m := newMigration(p.running, next, p.cfg.Shards)
		m.way = way
		// What faults from here on goes back elsewhere: there is no way forward again.
		next.ground, next.migration, next.fallback = there, m, nil
	default:
		return &abi.Mismatch{
			Field: "state layout", Expected: "that of the running state, or of one that it came from", Actual: "another",
		}
	}
	return nil
}

// prepare makes the ground to which the state is to migrate.
func (p *pipeline) prepare(next *code) (err error) {
	m := next.migration
	if m == nil || m.back() {
		return nil
	}
	if next.ground, err = p.newGround(next); err != nil {
		return err
	}
	next.ground.arena.Populate() // 100,000 small shards then hold the workers for 3 ms, not 13
	next.ground.former, next.ground.marks = m.from.ground, make([]mark, p.cfg.Shards)
	if m.conversion != nil && m.conversion.Reversible() {
		next.ground.back, err = state.Plan(next.layout, m.from.layout)
	}
	return err
}

// newGround makes memory for the state of c.
func (p *pipeline) newGround(c *code) (*ground, error) {
	if p.cfg.StateFile != "" {
		return p.fileGround(c)
	}
	arena, err := state.NewArena(c.api.StateSize, p.cfg.Shards)
	if err != nil {
		return nil, err
	}
	return &ground{arena: arena}, nil
}

// await waits until all workers have changed over, or the migration has failed: then it returns why. It is bounded, for
// the pipeline does nothing else meanwhile, and the workers that are there wait: a worker may take its time as long as
// ticks go on somewhere, and after that as long as the watchdog gives it.
func (p *pipeline) await(m *migration) error {
	patience := time.NewTicker(p.cfg.TickDeadline + p.cfg.TickKill)
	defer patience.Stop()
	ended, slowest := p.ctx.Done(), p.pool.Slowest()
	for {
		select {
		case <-m.done:
			return m.err
		case r := <-p.crew.faults:
			p.faultedMeanwhile(m, r)
		case <-ended:
			m.fail(context.Cause(p.ctx))
			ended = nil
		case <-patience.C:
			if now := p.pool.Slowest(); now != slowest {
				slowest = now
			} else if missing := m.missing.Load(); missing > 0 {
				m.fail(&AbsentError{Shards: int(missing), Of: p.cfg.Shards, Within: p.cfg.TickDeadline + p.cfg.TickKill})
			}
		}
	}
}

// faultedMeanwhile is faulted while a migration is under way. A fault in a tick of the code that is to leave comes first:
// its worker waits for what takes the place of that code before it can come.
func (p *pipeline) faultedMeanwhile(m *migration, r faultReport) {
	switch {
	case r.code != m.from && r.code != m.to: // from the time before
		p.faulted(r)
	case r.code == m.from && r.fault.Function == "tick":
		r.code.identify(r.fault)
		m.fail(&InterruptedError{r.fault})
		fallthrough
	default:
		p.postponed = append(p.postponed, r)
	}
}

// withdraw takes back code to which the state could not migrate.
func (p *pipeline) withdraw(next *code) {
	directive, _ := p.pool.Replace(workers.Directive[*code]{Code: p.running})
	if fault, itself := next.migration.err.(*FaultError); itself { //nolint:errorlint // not the one of an InterruptedError
		next.identify(fault)
		p.bad[next.artifact.Hash] = fault
		p.reportLateFault(fault)
	}
	p.write(journal.Entry{Kind: journal.Withdrawn, Generation: next.generation.Number, Tick: next.generation.Activation})
	p.reclaim(replaced{next, directive})
}

// arrived takes note of where the state is now.
func (p *pipeline) arrived(m *migration) {
	if m.back() {
		return
	}
	ground := m.to.ground
	ground.since = m.tick.Load()
	p.grounds = append(p.grounds, ground)
}

// prune closes the arenas to which no rollback leads any more. No worker has been there since it came to where the state
// is now.
func (p *pipeline) prune() {
	last := p.running.ground
	for g := last; g != nil; g = g.former {
		if slices.ContainsFunc(p.kept, func(k *artifact.Artifact) bool { return p.groundOf[k.Hash] == g }) {
			last = g
		}
	}
	last.former, last.back, last.marks = nil, nil, nil
	p.grounds = slices.DeleteFunc(p.grounds, func(g *ground) bool {
		if p.running.ground.wayBack(g) != nil {
			return false
		}
		g.close()
		return true
	})
}

// AbsentError is a migration that failed because some workers did not come: those that were there went on without it.
type AbsentError struct {
	Shards, Of int
	Within     time.Duration
}

// Error implements error.
func (e *AbsentError) Error() string {
	return fmt.Sprintf("the workers of %d of %d shards did not come to the tick of the migration within %v; save again to try again",
		e.Shards, e.Of, e.Within)
}

// InterruptedError is a migration that failed because the code that was to leave faulted before its last tick.
type InterruptedError struct{ Fault *FaultError }

// Error implements error.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("interrupted by a fault of the running code, %v; save again to try again", e.Fault)
}

// Unwrap returns the fault.
func (e *InterruptedError) Unwrap() error { return e.Fault }
