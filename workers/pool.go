package workers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// Pool is a set of workers. Its methods may be called from any goroutine, before, during and after Run; from a worker,
// that is, from within a Hand or Arrive, only those that do not wait.
type Pool[C comparable] struct {
	cfg    Config
	domain *epoch.Domain[Directive[C]]
	hand   func(Span) Hand[C]
	group  errgroup.Group
	ended  chan struct{}

	mu       sync.Mutex // serialises publications and changes of the set of workers; no tick takes it
	workers  []*worker[C]
	made     uint64       // workers ever made
	last     *step[C]     // the newest directive
	resizing *handover[C] // published and not yet carried out
	stopping bool         // a directive to stop was published
	longest  uint64       // the most ticks that a grace period was to last
	started  bool
}

// ErrEnded is the error of what needs workers that have ended or were told to.
var ErrEnded = errors.New("the workers have ended")

// New returns a pool whose workers will begin at Config.Start with first. hand is called by each worker on its own, locked
// thread, again when it has moved to a fresh one. New panics when cfg asks for less than one worker or shard.
func New[C comparable](cfg Config, first Directive[C], hand func(Span) Hand[C]) *Pool[C] {
	cfg.check()
	cfg.Workers = min(cfg.Workers, cfg.Shards)
	origin, step := &step[C]{origin: true}, newStep(first, nil)
	origin.next.Store(step)
	p := &Pool[C]{cfg: cfg, domain: epoch.New(cfg.Mode, step.Directive), hand: hand, last: step, ended: make(chan struct{})}
	start := cfg.Start
	if start == nil {
		start = func(Span) uint64 { return 0 }
	}
	p.workers = p.newSet(cfg.Workers, func(s Span) (tick, limit uint64) {
		tick = start(s)
		return tick, first.Limit.from(tick, cfg.end())
	}, origin)
	return p
}

// Run runs the workers and returns when all of them have stopped, which takes a Directive with Stop. A pool runs once.
func (p *Pool[C]) Run() error {
	start := time.Now()
	p.mu.Lock()
	if p.started {
		p.mu.Unlock()
		return errors.New("a pool runs once: make a new one")
	}
	p.started = true
	for _, w := range p.workers {
		w.pace = p.newPace(start, w.part.Tick(), w.bell.precise)
		p.group.Go(w.run)
	}
	p.mu.Unlock()
	defer close(p.ended)
	return p.group.Wait()
}

// Ended is closed when Run is about to return. Directives that are published after that, or after one with Stop, are met
// by nobody: their Arrive is not called, and grace periods end at once.
func (p *Pool[C]) Ended() <-chan struct{} { return p.ended }

// Publish makes d known to every worker and wakes those that wait. It does not wait for them.
func (p *Pool[C]) Publish(d Directive[C]) *epoch.Generation[Directive[C]] {
	_, g := p.Replace(d)
	return g
}

// Replace is Publish that also returns the directive that d supersedes: the one to Retire when d's code is another.
func (p *Pool[C]) Replace(d Directive[C]) (old, current *epoch.Generation[Directive[C]]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.publish(d, nil)
}

// Visit publishes a directive that changes nothing and calls arrive as Directive.Arrive. It does not wait either.
func (p *Pool[C]) Visit(arrive func(h Hand[C], s Span, tick uint64)) *epoch.Generation[Directive[C]] {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, g := p.publish(Directive[C]{Code: p.last.Code, Arrive: arrive}, nil)
	return g
}

// publish, under mu, appends d to the chain.
func (p *Pool[C]) publish(d Directive[C], h *handover[C]) (old, current *epoch.Generation[Directive[C]]) {
	if d.Limit == After(0) {
		panic("workers: a directive with the limit of 0 ticks: expected 1 or more")
	}
	s := newStep(d, h)
	s.number = p.last.number + 1
	old = p.domain.Current()
	p.last.next.Store(s) // before the publication: who has seen s finds its way there
	p.last, p.stopping = s, p.stopping || s.Stop
	current = p.domain.Publish(s.Directive)
	// After Publish has returned, as epoch.Participant.Look demands: only then is the activation decided.
	for _, w := range p.workers {
		if !s.Light || !w.bell.dozes() {
			w.bell.ring()
		}
	}
	return old, current
}

// Current returns the newest directive's generation.
func (p *Pool[C]) Current() *epoch.Generation[Directive[C]] { return p.domain.Current() }

// Retire begins the grace period of a superseded directive: it ends when every shard has completed `ticks` ticks of its
// successor, at least 1: in arriving there, workers still use what leaves.
func (p *Pool[C]) Retire(old *epoch.Generation[Directive[C]], ticks uint64) *epoch.Grace[Directive[C]] {
	ticks = max(ticks, 1)
	p.mu.Lock()
	p.longest = max(p.longest, ticks)
	p.mu.Unlock()
	return p.domain.Retire(old, ticks)
}

// Reach blocks until every shard has completed tick ticks, or the workers have ended, or ctx ends, and then returns the
// cause.
func (p *Pool[C]) Reach(ctx context.Context, tick uint64) error { return p.domain.Reach(ctx, tick) }

// Slowest returns the number of ticks that every shard has completed, 0 when the workers have ended. In immediate mode it
// stands still for some ticks after shards have changed hands, as Reach does.
func (p *Pool[C]) Slowest() uint64 { return p.domain.Slowest() }

// Stats returns how far the workers and the publications have come. While shards change hands there are more
// participants than workers.
func (p *Pool[C]) Stats() epoch.Stats { return p.domain.Stats() }

// Workers returns the number of workers.
func (p *Pool[C]) Workers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.workers)
}

// set returns the workers of the moment.
func (p *Pool[C]) set() []*worker[C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.workers)
}
