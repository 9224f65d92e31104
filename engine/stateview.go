package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"hotreload/engine/state"
	"hotreload/workers"
)

// Bounds of a StateView: it is taken between two ticks and must not be felt.
const (
	// MaxViewShards is how many shards State copies at most.
	MaxViewShards = 64
	// maxViewBytes is how many bytes State copies at most.
	maxViewBytes = 1 << 20
)

// StateView is a copy of the state of some shards between two ticks.
type StateView struct {
	Generation Generation
	Tick       uint64        // ticks that the shards have completed, the same for all; in immediate mode 0
	First      int           // the first shard of the view
	Shards     [][]byte      // the bytes of each
	Layout     *state.Layout // what they mean
}

// ShardError refuses to show shards that there are not, or too many of them.
type ShardError struct{ First, Count, Shards int }

// Error implements error.
func (e *ShardError) Error() string {
	return fmt.Sprintf("expected shards among 0 to %d, %d at most, got %d from %d on", e.Shards-1, MaxViewShards, e.Count, e.First)
}

// errNoState says that there is nothing to show yet.
var errNoState = fmt.Errorf("%w yet: no generation has been published, and so there is no state", ErrNotRunning)

// State copies count shards, from first on, at one and the same tick: the workers do it as they pass, and none waits. It
// takes about a tick. Where the shards are large it returns fewer, at least one. Besides a *ShardError it returns
// ErrNotRunning.
func (e *Engine) State(ctx context.Context, first, count int) (*StateView, error) {
	if first < 0 || count < 1 || count > MaxViewShards || first > e.cfg.Shards-count {
		return nil, &ShardError{first, count, e.cfg.Shards}
	}
	var view *exposure
	verdict := make(chan error, 1)
	err := e.ask(ctx, verdict, func(p *pipeline) {
		var err error
		view, err = p.expose(first, count)
		verdict <- err
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-view.taken:
		return &view.StateView, nil
	case <-e.ended:
		return nil, ErrNotRunning
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// exposure is a StateView in the making. Its bytes belong to the workers until taken is closed.
type exposure struct {
	StateView
	left  atomic.Int64  // shards that are still to be copied
	taken chan struct{} // closed with the last one
}

// expose publishes a directive on whose arrival the workers copy their shards.
func (p *pipeline) expose(first, count int) (*exposure, error) {
	switch {
	case p.stopping:
		return nil, ErrNotRunning
	case p.running == nil:
		return nil, errNoState
	}
	size := p.running.api.StateSize
	count = max(1, min(count, int(maxViewBytes/max(size, 1))))
	x := &exposure{taken: make(chan struct{})}
	x.Generation, x.Layout = p.running.generation, p.running.layout
	x.First, x.Shards = first, make([][]byte, count)
	for i := range x.Shards {
		x.Shards[i] = make([]byte, size)
	}
	x.left.Store(int64(count))
	g := p.pool.Publish(workers.Directive[*code]{
		Code:   p.running,
		Arrive: func(h workers.Hand[*code], s workers.Span, _ uint64) { x.copy(h.(*hand).arena, s) },
	})
	x.Tick = g.Activation()
	return x, nil
}

// copy takes the shards of one worker, on its thread.
func (x *exposure) copy(arena *state.Arena, s workers.Span) {
	from, to := max(s.First, x.First), min(s.First+s.Count, x.First+len(x.Shards))
	if from >= to {
		return
	}
	for i := from; i < to; i++ {
		copy(x.Shards[i-x.First], arena.Shard(i))
	}
	if x.left.Add(-int64(to-from)) == 0 {
		close(x.taken)
	}
}
