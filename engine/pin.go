package engine

import (
	"context"
	"errors"

	"go.uber.org/zap"
)

// ErrPin is what Reload, Push and Rollback return while the running generation is pinned.
var ErrPin = errors.New("the running generation is pinned: unpin it first")

// Pin keeps the running generation: until Unpin, changes of the sources are built and go no further, and Reload, Push
// and Rollback are refused with ErrPin. Only a fault still rolls back. Pinning twice is no error.
func (e *Engine) Pin(ctx context.Context) error { return e.pin(ctx, true) }

// Unpin ends Pin. What has changed meanwhile is swapped in now.
func (e *Engine) Unpin(ctx context.Context) error { return e.pin(ctx, false) }

func (e *Engine) pin(ctx context.Context, pin bool) error {
	verdict := make(chan error, 1)
	return e.ask(ctx, verdict, func(p *pipeline) { verdict <- p.pin(pin) })
}

// pin answers Engine.Pin and Engine.Unpin.
func (p *pipeline) pin(pin bool) error {
	switch {
	case p.stopping:
		return ErrNotRunning
	case p.running == nil:
		return errNoState
	case p.pinned == pin:
		return nil
	}
	p.pinned = pin
	p.reportPin()
	if !pin && p.waiting {
		p.waiting = false
		p.asked = append(p.asked, make(chan error, 1)) // the loop builds for it, and nobody reads the verdict
	}
	return nil
}

func (p *pipeline) reportPin() {
	g, kind := p.running.generation, PinSet
	if !p.pinned {
		kind = PinLifted
	}
	p.engine.set(func(s *Status) { s.Pin = p.pinned })
	p.log.Named("server").Info(string(kind), zap.Uint64("generation", g.Number))
	p.engine.hub.send(Event{Kind: kind, Generation: g})
}

// reportWaiting says that a change waits until the generation that runs is unpinned.
func (p *pipeline) reportWaiting(c *change) {
	p.log.Named("reload").Info("waiting", zap.Object("stages", c.stages), Text("not swapped: generation %d is pinned", p.running.generation.Number))
	p.engine.hub.send(Event{Kind: Rejected, Err: ErrPin, Stages: c.stages})
}
