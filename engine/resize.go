package engine

import (
	"context"
	"fmt"
)

// Resize changes the number of worker threads, between 1 and MaxWorkers and at most one per shard. No tick of any shard
// is lost or repeated: all workers end at one tick, where the new ones begin. Resize returns when that is arranged, not
// when it has happened: a worker that is stuck in a tick holds it up. Status shows the new number at once. Errors wrap
// ErrConfig when workers is out of range, else the error is ErrNotRunning or ErrEnded of package workers.
func (e *Engine) Resize(workers int) error {
	if workers < 1 || workers > MaxWorkers {
		return fmt.Errorf("%w: Workers: expected 1 to %d, got %d", ErrConfig, MaxWorkers, workers)
	}
	verdict := make(chan error, 1)
	// By the pipeline: it takes the current directive for the one that its next publication replaces.
	return e.ask(context.Background(), verdict, func(p *pipeline) { verdict <- p.resize(workers) })
}

// resize answers Engine.Resize.
func (p *pipeline) resize(workers int) error {
	if p.stopping {
		return ErrNotRunning
	}
	workers = min(workers, p.cfg.Shards)
	if p.running == nil {
		p.cfg.Workers = workers // that begin with the first generation
	} else if err := p.pool.Resize(workers); err != nil {
		return err
	}
	p.engine.set(func(s *Status) { s.Workers = workers })
	return nil
}
