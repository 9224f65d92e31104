package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"hotreload/engine/state"
	"hotreload/epoch"
	"hotreload/workers"

	"go.uber.org/zap"
)

// ErrNoCommonTick refuses a snapshot, and to restore one, in immediate mode.
var ErrNoCommonTick = errors.New("in immediate mode shards have no tick in common: run with --swap=aligned")

// Snapshot copies the state of all shards at one tick: the workers do it as they pass, and none waits. It takes memory for
// the whole state, and about a tick. Besides a cause of ctx it returns ErrNotRunning or ErrNoCommonTick.
func (e *Engine) Snapshot(ctx context.Context) (*state.Snapshot, error) {
	var h state.Header
	for {
		if err := e.described(ctx, &h); err != nil {
			return nil, err
		}
		x := newTransfer(state.NewSnapshot(h)) // here, where nobody waits for so much memory
		err := e.transfer(ctx, x, func(p *pipeline) error {
			now := p.header(p.running)
			if now.StateSize != h.StateSize {
				return errMigrated
			}
			x.snapshot.Header = now
			x.snapshot.Header.Tick = p.visit(x, (*hand).save)
			return nil
		})
		switch {
		case err == nil:
			return x.snapshot, nil
		case !errors.Is(err, errMigrated):
			return nil, err
		}
	}
}

// errMigrated says that the state has become another since room was made for it.
var errMigrated = errors.New("the state has migrated")

// Restored tells what became of a restore.
type Restored struct {
	Tick uint64 // before which all shards have changed
	From uint64 // the tick of the snapshot
}

// Restore replaces the state of all shards, at one tick, by the snapshot that r yields. All of it is read and checked
// before anything changes. The code meets it as after a reload: before_reload sees the state that goes, after_reload the
// one that comes. The count of ticks goes on. When ctx ends too late, it happens all the same. Besides errors of r and a
// cause of ctx it returns a *state.SnapshotError, a *LayoutError, ErrNotRunning or ErrNoCommonTick.
func (e *Engine) Restore(ctx context.Context, r io.Reader) (Restored, error) {
	var h state.Header
	if err := e.described(ctx, &h); err != nil {
		return Restored{}, err
	}
	snapshot, err := state.ReadSnapshot(r, func(s *state.Header) error { return accept(&h, s) })
	if err != nil {
		return Restored{}, err
	}
	x := newTransfer(snapshot)
	done := Restored{From: snapshot.Header.Tick}
	err = e.transfer(ctx, x, func(p *pipeline) error {
		now := p.header(p.running)
		if err := accept(&now, &snapshot.Header); err != nil {
			return err
		}
		x.code = p.running
		p.restores++
		p.recordCode()
		done.Tick = p.visit(x, (*hand).load)
		p.group.Go(func() error { return p.restored(x, done) })
		return nil
	})
	if err != nil {
		return Restored{}, err
	}
	return done, nil
}

// described fills h with what the state is to the running code.
func (e *Engine) described(ctx context.Context, h *state.Header) error {
	verdict := make(chan error, 1)
	return e.ask(ctx, verdict, func(p *pipeline) {
		switch {
		case p.stopping:
			verdict <- ErrNotRunning
		case p.running == nil:
			verdict <- errNoState
		case p.cfg.Swap == epoch.Immediate:
			verdict <- ErrNoCommonTick
		default:
			*h = p.header(p.running)
			verdict <- nil
		}
	})
}

// accept refuses a snapshot that is not one of the running state.
func accept(running, snapshot *state.Header) error {
	if snapshot.Shards != running.Shards {
		return &state.SnapshotError{Reason: fmt.Errorf("holds %d shards, expected %d", snapshot.Shards, running.Shards)}
	}
	if diff := snapshot.Mismatch(running.Layout); len(diff) > 0 {
		return layoutError(diff, snapshot.StateSize, running.StateSize, "the snapshot is of another state: restore it where code for that runs")
	}
	return nil
}

// transfer is the bytes of all shards on their way from the workers to a snapshot, or back.
type transfer struct {
	snapshot *state.Snapshot
	code     *code         // a restore: that meets the state
	left     atomic.Int64  // shards whose worker has not come
	done     chan struct{} // closed by the last one
}

func newTransfer(s *state.Snapshot) *transfer {
	x := &transfer{snapshot: s, done: make(chan struct{})}
	x.left.Store(int64(s.Header.Shards))
	return x
}

// transfer has the pipeline begin x and waits for its end.
func (e *Engine) transfer(ctx context.Context, x *transfer, begin func(*pipeline) error) error {
	verdict := make(chan error, 1)
	err := e.ask(ctx, verdict, func(p *pipeline) {
		if p.stopping {
			verdict <- ErrNotRunning
			return
		}
		verdict <- begin(p)
	})
	if err != nil {
		return err
	}
	select {
	case <-x.done:
		return nil
	case <-e.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// visit has every worker move its shards, on its thread, and returns the tick before which they do.
func (p *pipeline) visit(x *transfer, move func(*hand, *transfer, workers.Span, uint64)) uint64 {
	g := p.pool.Publish(workers.Directive[*code]{
		Code: p.running,
		Arrive: func(h workers.Hand[*code], s workers.Span, tick uint64) {
			move(h.(*hand), x, s, tick)
			if x.left.Add(-int64(s.Count)) == 0 {
				close(x.done)
			}
		},
	})
	return g.Activation()
}

// save copies the shards of s to a snapshot.
func (h *hand) save(x *transfer, s workers.Span, _ uint64) {
	for i := s.First; i < s.First+s.Count; i++ {
		if h.marks[i] != unborn {
			x.snapshot.Take(i, h.arena.Shard(i))
		}
	}
}

// load gives the shards of s the state of a snapshot.
func (h *hand) load(x *transfer, s workers.Span, tick uint64) {
	c := x.code
	if h.stand != nil {
		c = h.stand
	}
	for i := s.First; i < s.First+s.Count; i++ {
		one := workers.Span{Worker: s.Worker, First: i, Count: 1}
		if h.undo != nil {
			h.undo.Open(i)
		}
		h.hook(c, "before_reload", c.api.BeforeReload, one, tick, nil)
		copy(h.arena.Shard(i), x.snapshot.Shard(i))
		if x.snapshot.Born(i) {
			h.mark(i, live)
			h.hook(c, "after_reload", c.api.AfterReload, one, tick, nil)
		} else {
			h.mark(i, unborn)
		}
		if h.undo != nil {
			h.undo.Arrive(i, tick, x.snapshot.Born(i))
		}
	}
	if h.idle > 0 {
		h.free(c, s, tick, false)
	}
}

// restored says, beside the pipeline, that a restore is over. Until then the state file says that one is under way: a
// process that is killed meanwhile leaves shards of both states.
func (p *pipeline) restored(x *transfer, r Restored) error {
	select {
	case <-x.done:
	case <-p.pool.ended:
		return nil
	}
	select {
	case p.engine.calls <- func(p *pipeline) { p.restores--; p.recordCode() }:
	case <-p.pool.ended:
	}
	p.log.Named("state").Info("restored", zap.Uint64("tick", r.Tick), zap.Uint64("from", r.From),
		Text("restored from a snapshot of tick %d, at tick %d", r.From, r.Tick))
	return nil
}
