package workers

import (
	"context"
	"time"

	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// Config says how many workers tick how many shards, and when.
type Config struct {
	Workers int
	Shards  int
	// Period is the time between ticks; 0 runs them back to back.
	Period time.Duration
	// Ticks is the number of ticks after which workers wait for the directive to stop; 0 means no end.
	Ticks uint64
	// MaxCatchup is how many ticks a worker that is late runs without waiting; what is missed beyond them moves its
	// schedule instead. No tick is ever left out.
	MaxCatchup int
	// Mode is how a directive reaches the workers.
	Mode epoch.Mode
}

// Directive is what workers do from its activation tick on.
type Directive[C comparable] struct {
	// Code is what each tick runs.
	Code C
	// Arrive, when set, is called once by each worker, on its thread, before its first tick under the directive and
	// after the Hand has switched. h is the worker's Hand and tick that tick. It may touch the worker's own shards, and
	// no others.
	Arrive func(h Hand[C], s Span, tick uint64)
	// Stop ends the workers after Arrive, before that tick runs.
	Stop bool
	// Renew moves each worker to a fresh thread after Arrive; the old thread ends, and with it its thread-local storage.
	Renew bool
}

// Hand runs code for one worker. All calls come from that worker, on its thread.
type Hand[C comparable] interface {
	// Tick runs one tick of code on the shards of s.
	Tick(code C, s Span, tick uint64)
	// Switch is called between two ticks when the code changes from one to another. Both are valid.
	Switch(from, to C, s Span, tick uint64)
	// Close is the last call.
	Close()
}

// Pool is a set of workers. Its methods may be called from any goroutine but a worker's.
type Pool[C comparable] struct {
	cfg     Config
	domain  *epoch.Domain[Directive[C]]
	hand    func(Span) Hand[C]
	workers []*worker[C]
}

// New returns a pool whose workers will begin at tick 0 with first. hand is called by each worker on its own, locked
// thread, again when it has moved to a fresh one.
func New[C comparable](cfg Config, first Directive[C], hand func(Span) Hand[C]) *Pool[C] {
	p := &Pool[C]{cfg: cfg, domain: epoch.New(cfg.Mode, first), hand: hand}
	for w := range cfg.Workers {
		p.workers = append(p.workers, newWorker(p, spanOf(w, cfg.Workers, cfg.Shards)))
	}
	return p
}

// Run runs the workers and returns when all of them have stopped, which takes a Directive with Stop.
func (p *Pool[C]) Run() error {
	var group errgroup.Group
	start := time.Now()
	for _, w := range p.workers {
		w.pace = newPace(p.cfg, start)
		group.Go(func() error { return w.run(&group) })
	}
	return group.Wait()
}

// Publish makes d known to every worker and wakes those that wait for their next tick.
func (p *Pool[C]) Publish(d Directive[C]) *epoch.Generation[Directive[C]] {
	g := p.domain.Publish(d)
	for _, w := range p.workers {
		w.signal()
	}
	return g
}

// Current returns the newest directive's generation.
func (p *Pool[C]) Current() *epoch.Generation[Directive[C]] { return p.domain.Current() }

// Retire begins the grace period of a superseded directive: it ends when every worker has completed `ticks` ticks of
// its successor, at least 1: in arriving there, workers still use what leaves.
func (p *Pool[C]) Retire(old *epoch.Generation[Directive[C]], ticks uint64) *epoch.Grace[Directive[C]] {
	return p.domain.Retire(old, max(ticks, 1))
}

// Reach blocks until every worker has completed tick ticks.
func (p *Pool[C]) Reach(ctx context.Context, tick uint64) error { return p.domain.Reach(ctx, tick) }

// Slowest returns the number of ticks that every worker has completed.
func (p *Pool[C]) Slowest() uint64 { return p.domain.Slowest() }

// Stats returns how far the workers and the publications have come.
func (p *Pool[C]) Stats() epoch.Stats { return p.domain.Stats() }
