package engine

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"hotreload/engine/journal"
	"hotreload/workers"

	"golang.org/x/sync/errgroup"
)

// turn is a tick from which some shards run other code.
type turn struct {
	tick  uint64
	first int   // shard
	count int   // shards
	code  *code // nil: the shards are held
	swap  bool  // a publication, and not the leave of some shards from faulty code
}

// order makes turns of the entries. A leave comes after all publications up to its tick, since it leaves them, save the
// one that it goes to. One that goes to a migration is part of that.
func (p *player) order() {
	for i := range p.run.Entries {
		e := &p.run.Entries[i]
		switch {
		case e.Published() && e.Kind != journal.Begin:
			p.turns = append(p.turns, turn{e.Tick, 0, p.run.Shards, p.codes[e.Generation], true})
		case e.Kind == journal.Leave && (e.By == 0 || p.codes[e.By].ground == p.codes[e.Generation].ground):
			p.turns = append(p.turns, turn{e.Tick, e.First, e.Count, p.codes[e.By], false})
		}
	}
	rank := func(t turn) (generation uint64, leave int) {
		switch {
		case t.swap:
			return t.code.generation.Number, 1
		case t.code != nil && t.code.generation.Activation == t.tick:
			return t.code.generation.Number, 0
		}
		return ^uint64(0), 2
	}
	slices.SortStableFunc(p.turns, func(a, b turn) int {
		ga, la := rank(a)
		gb, lb := rank(b)
		return cmp.Or(cmp.Compare(a.tick, b.tick), cmp.Compare(ga, gb), la-lb)
	})
}

// play runs the history.
func (p *player) play(ctx context.Context) error {
	p.crew = &crew{
		arena: p.first.ground.arena, marks: make([]mark, p.run.Shards), due: make([]uint64, p.run.Shards),
		dt: p.cfg.DT.Seconds(), seed: p.run.Seed, faults: make(chan faultReport, len(p.codes)), hands: &register{}, quarantined: &p.engine.quarantined,
	}
	p.takeUp(p.first)
	group, ctx := errgroup.WithContext(ctx)
	for i := range p.workers {
		first, end := i*p.run.Shards/p.workers, (i+1)*p.run.Shards/p.workers
		group.Go(func() error {
			err := p.perform(ctx, workers.Span{Worker: i, First: first, Count: end - first})
			if err != nil {
				p.abandon(err)
			}
			return err
		})
	}
	return group.Wait()
}

// abandon ends the waits of workers for one that has failed.
func (p *player) abandon(err error) {
	for _, t := range p.turns {
		if t.swap && t.code.migration != nil {
			t.code.migration.fail(err)
		}
	}
}

// stretch is neighbouring shards on the same code.
type stretch struct {
	from, to int
	code     *code // nil: they are held
}

// performance is one worker's part of the replay.
type performance struct {
	*hand
	player *player
	parts  []stretch // of the span, in order
	tick   uint64    // the next
}

// perform plays the part of one worker, on a thread that ends with it.
func (p *player) perform(ctx context.Context, s workers.Span) error {
	runtime.LockOSThread()
	h := &performance{hand: newHand(p.crew, s), player: p, parts: []stretch{{s.First, s.First + s.Count, p.first}}}
	defer h.Close()
	h.begin(p.first, s, 0)
	for _, t := range p.turns {
		from, to := max(t.first, s.First), min(t.first+t.count, s.First+s.Count)
		if from >= to {
			continue
		}
		if err := h.advance(ctx, t.tick); err != nil {
			return err
		}
		var err error
		switch {
		case !t.swap:
			h.depart(t.code, from, to)
		case t.code.migration != nil:
			err = h.move(t.code)
		default:
			h.swap(t.code)
		}
		if err != nil {
			return err
		}
	}
	if err := h.advance(ctx, p.end); err != nil {
		return err
	}
	p.digest.take(h.hand, s)
	return nil
}

// advance runs the ticks up to, and without, tick.
func (h *performance) advance(ctx context.Context, tick uint64) error {
	const slice = 1 << 12 // ticks between two looks at ctx
	for _, part := range h.parts {
		for at := h.tick; at < tick; at++ {
			if at%slice == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if part.code == nil {
				break
			}
			if fault := h.call(part.code, part.from, part.to); fault != nil {
				return &ReplayError{Err: fmt.Errorf("generation %d faulted in shard %d at tick %d, which it did not in the run: %w "+
					"(what it does depends on more than its state: statics, time, addresses)",
					part.code.generation.Number, part.from+fault.Index, at, fault)}
			}
		}
	}
	h.tick = tick
	return nil
}

// depart takes the shards [from, to) from faulty code to the code in its place: its hook is not called.
func (h *performance) depart(to *code, first, end int) {
	if to == nil { // for a migration, which looks at that
		h.hold(first, end, h.tick)
	}
	var parts []stretch
	for _, part := range h.parts {
		from, until := max(part.from, first), min(part.to, end)
		if from >= until {
			parts = append(parts, part)
			continue
		}
		if part.from < from {
			parts = append(parts, stretch{part.from, from, part.code})
		}
		if to != nil && (part.code == nil || part.code.library != to.library) {
			h.hook(to, "after_reload", to.api.AfterReload, h.shards(from, until), h.tick, nil)
		}
		parts = append(parts, stretch{from, until, to})
		if until < part.to {
			parts = append(parts, stretch{until, part.to, part.code})
		}
	}
	h.parts = parts
}

// swap takes all shards to the next generation.
func (h *performance) swap(to *code) {
	for _, part := range h.parts {
		if part.code != nil && part.code.library == to.library {
			continue
		}
		s := h.shards(part.from, part.to)
		if part.code != nil {
			h.hook(part.code, "before_reload", part.code.api.BeforeReload, s, h.tick, nil)
		}
		h.hook(to, "after_reload", to.api.AfterReload, s, h.tick, nil)
	}
	h.parts = []stretch{{h.span.First, h.span.First + h.span.Count, to}}
	h.free(to, h.span, h.tick, to.relieves)
}

// move takes all shards to the next generation and its layout.
func (h *performance) move(to *code) error {
	h.Switch(to.migration.from, to, h.span, h.tick)
	if to.migration.hasFailed() {
		return &ReplayError{Err: fmt.Errorf("the state did not migrate to generation %d as it did in the run: %w", to.generation.Number, to.migration.err)}
	}
	h.parts = []stretch{{h.span.First, h.span.First + h.span.Count, to}}
	return nil
}

func (h *performance) shards(from, to int) workers.Span {
	return workers.Span{Worker: h.span.Worker, First: from, Count: to - from}
}
