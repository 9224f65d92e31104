package engine

import (
	"context"
	"errors"

	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// ErrNotPaused refuses a step of a simulation that runs anyway.
var ErrNotPaused = errors.New("the simulation is not paused: pause it first")

// Pause stops the simulation, all shards before the same tick, and returns when they stand there; in immediate mode each
// stops before a tick of its own. Everything else goes on: a reload is swapped in, and runs when the simulation does.
// Pausing twice is no error.
func (e *Engine) Pause(ctx context.Context) error { return e.advance(ctx, (*pipeline).pause) }

// Step runs a paused simulation for so many ticks of every shard and returns when they are done; it is paused again then,
// and what has faulted in them has been dealt with. In immediate mode the slowest shard has run them. The error is
// ErrNotPaused, ErrNotRunning or the cause of ctx, after which the steps still happen.
func (e *Engine) Step(ctx context.Context, ticks uint64) error {
	return e.advance(ctx, func(p *pipeline) (uint64, error) { return p.step(ticks) })
}

// Resume lets a paused simulation run on; the time it stood still is not made up for. It is no error when it runs.
func (e *Engine) Resume(ctx context.Context) error {
	return e.advance(ctx, func(p *pipeline) (uint64, error) { return 0, p.resume() })
}

// advance has the pipeline change how far the simulation runs, and waits until every shard has completed as many ticks
// as order returns.
func (e *Engine) advance(ctx context.Context, order func(*pipeline) (ticks uint64, err error)) error {
	var ticks uint64
	verdict := make(chan error, 1)
	err := e.ask(ctx, verdict, func(p *pipeline) {
		var err error
		ticks, err = order(p)
		verdict <- err
	})
	if err != nil || ticks == 0 {
		return err
	}
	e.mu.Lock()
	pool := e.pool
	e.mu.Unlock()
	if err := pool.Reach(ctx, ticks); err != nil {
		return err
	}
	if pool.Stats().Fastest < ticks {
		return ErrNotRunning // the run has ended before
	}
	return e.ask(ctx, verdict, func(*pipeline) { verdict <- nil }) // after the faults that have been reported
}

// pause answers Engine.Pause.
func (p *pipeline) pause() (ticks uint64, err error) {
	switch {
	case p.stopping:
		return 0, ErrNotRunning
	case p.running == nil:
		p.cfg.Paused = true // begins so
	case !p.paused:
		p.paused = true
		ticks = p.limit(workers.After(1)) + 1
	default:
		return p.limited, nil
	}
	p.limited = ticks
	p.reportPaused(true)
	return ticks, nil
}

// step answers Engine.Step.
func (p *pipeline) step(n uint64) (ticks uint64, err error) {
	switch {
	case p.stopping:
		return 0, ErrNotRunning
	case p.running == nil:
		return 0, errNoState
	case !p.paused:
		return 0, ErrNotPaused
	case n == 0:
		return p.limited, nil
	}
	p.limited = p.limit(workers.After(n)) + n
	return p.limited, nil
}

// resume answers Engine.Resume.
func (p *pipeline) resume() error {
	switch {
	case p.stopping:
		return ErrNotRunning
	case p.running == nil:
		p.cfg.Paused = false
	case p.paused:
		p.paused = false
		p.limit(workers.Unlimited)
	default:
		return nil
	}
	p.reportPaused(false)
	return nil
}

// limit publishes l and returns the tick from which it counts; in immediate mode the earliest of all shards.
func (p *pipeline) limit(l workers.Limit) uint64 {
	slowest := p.pool.Slowest()
	g := p.pool.Publish(workers.Directive[*code]{Code: p.running, Limit: l})
	if p.cfg.Swap == epoch.Immediate {
		return slowest
	}
	return g.Activation()
}

func (p *pipeline) reportPaused(paused bool) {
	p.engine.set(func(s *Status) { s.Paused = paused })
	kind := Resumed
	if paused {
		kind = Paused
	}
	p.log.Named("server").Info(string(kind), zap.Uint64("tick", p.limited))
	p.engine.hub.send(Event{Kind: kind})
}
