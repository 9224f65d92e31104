package workers

import (
	"fmt"
	"sync/atomic"
	"time"

	"hotreload/epoch"
)

// handover is one change of the set of workers. It is published as a directive that changes nothing else.
//
// The workers that meet it, the leaving ones, agree on a tick, end, and run every tick before it and none after. In
// aligned mode that is the activation tick of the directive. In immediate mode each meets it at a tick of its own: until
// the last has met it, each raises a floor to the tick at which it does, and to t+1 before it runs another tick t; then
// the floor becomes the end, by compare-and-swap on the same word. So end is never a tick that one of them has run.
//
// Each leaving worker parks before end, and goes on meeting directives there. When all are there, the last one makes the
// new set of workers, which joins the domain at end and takes each shard at the directive that the shard has met. Until
// all of the new set have completed tick end, the leaving workers' participants stay, parked: whoever waits until a shard
// has completed a tick of a new directive goes on waiting, and nothing that a shard has yet to meet is reclaimed. In
// immediate mode, where a grace period counts the ticks of the participants that it began with, they stay until the new
// set has completed as many ticks as the longest grace period asks for.
//
// A directive to stop that comes before all are there voids the handover: leaving workers meet it like any other.
type handover[C comparable] struct {
	end atomic.Uint64 // the floor; with bit decided, the end
	met atomic.Int64  // leaving workers that have not met the directive

	// Under Pool.mu.
	size    int          // of the new set
	leaving int          // size of the leaving set
	there   []*worker[C] // who is at end
	done    bool         // the new set is made

	// Written when done was set, before the new set began.
	left    atomic.Int64 // members of the new set that have not completed the ticks before keep
	old     []*epoch.Participant[Directive[C]]
	earlier []*handover[C] // once for each leaving worker that still needed those before it
}

const decided = 1 << 63

// part is a range of shards and the last directive that they have met.
type part[C comparable] struct {
	span Span
	at   *step[C]
}

// Resize changes the number of workers to n, at least 1 and not more than one per shard. All workers end at one tick,
// and the new set begins there, on threads of its own; every shard runs every tick once and meets every directive once.
// Resize does not wait for that: it happens as soon as every worker has come there, for which a worker that is stuck in a
// tick must return. Of several calls in the meantime the last one counts. The error is ErrEnded, or names a bad n.
func (p *Pool[C]) Resize(n int) error {
	if n < 1 {
		return fmt.Errorf("resize to %d workers: expected at least 1", n)
	}
	n = min(n, p.cfg.Shards)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch h := p.resizing; {
	case p.stopping:
		return ErrEnded
	case h != nil:
		h.size = n
	case n != len(p.workers):
		h = &handover[C]{size: n, leaving: len(p.workers)}
		h.met.Store(int64(h.leaving))
		p.resizing = h
		p.publish(Directive[C]{Code: p.last.Code}, h)
	}
	return nil
}

// meet is called once by each leaving worker, with the next tick that it has not run.
func (h *handover[C]) meet(p *Pool[C], tick uint64) {
	if p.cfg.Mode == epoch.Aligned {
		h.end.Store(tick | decided) // each stores the same
		return
	}
	h.raise(tick, 0) // before Add, so that the last one finds the floors of all
	if h.met.Add(-1) > 0 {
		return
	}
	h.raise(tick, decided)
	for _, w := range p.set() { // who sleeps before end need not wait until it is due
		w.bell.ring()
	}
}

// raise raises the floor to tick, and sets mark with it.
func (h *handover[C]) raise(tick, mark uint64) {
	for {
		floor := h.end.Load()
		if h.end.CompareAndSwap(floor, max(floor, tick)|mark) {
			return
		}
	}
}

// over tells whether tick is one that leaving workers do not run.
func (h *handover[C]) over(tick uint64) bool {
	end := h.end.Load()
	return end&decided != 0 && tick >= end&^decided
}

// before tells whether tick is known to come before the end.
func (h *handover[C]) before(tick uint64) bool {
	end := h.end.Load()
	return end&decided != 0 && tick < end&^decided
}

// enter tells whether a leaving worker may run tick; if so, end will not be before tick+1.
func (h *handover[C]) enter(tick uint64) bool {
	for {
		end := h.end.Load()
		switch {
		case end&decided != 0:
			return tick < end&^decided
		case end > tick || h.end.CompareAndSwap(end, tick+1):
			return true
		}
	}
}

// depart parks the worker at the end of its stay. It returns true when its shards have other owners, and false when a
// directive may have come that it must meet first.
func (w *worker[C]) depart() bool {
	h, p := w.leaving, w.pool
	w.part.Park()
	p.mu.Lock()
	h.there = append(h.there, w)
	if len(h.there) == h.leaving {
		p.handOver(h)
		p.mu.Unlock()
		return true
	}
	p.mu.Unlock()

	w.rests.Add(1)
	<-w.bell.rung
	w.rests.Add(1)

	p.mu.Lock()
	defer p.mu.Unlock()
	if !h.done {
		h.there = remove(h.there, w)
	}
	return h.done
}

func remove[T comparable](list []T, x T) []T {
	for i, y := range list {
		if x == y {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// handOver makes the new set of workers; under mu. All leaving workers are parked before the end, in depart.
func (p *Pool[C]) handOver(h *handover[C]) {
	end, due := h.end.Load()&^decided, time.Time{}
	limit, newest := uint64(0), uint64(0)
	var parts []part[C]
	for _, w := range h.there {
		parts = append(parts, part[C]{w.span, w.at})
		h.old = append(h.old, w.part)
		if w.from != nil {
			h.earlier = append(h.earlier, w.from)
		}
		if w.at.number > newest {
			limit, newest = 0, w.at.number
		}
		if w.at.number == newest {
			limit = max(limit, w.limit)
		}
		if d := w.pace.due(end); d.After(due) { // nobody has to catch up with a schedule that was not his
			due = d
		}
	}
	h.left.Store(int64(h.size))
	set := p.newSet(h.size, func(Span) (tick, until uint64) { return end, limit }, nil)
	for _, w := range set {
		w.from, w.keep, w.pace = h, p.keep(end), p.newPace(due, end, w.bell.precise)
		for _, q := range parts {
			if s := w.span.common(q.span); s.Count > 0 {
				w.parts = append(w.parts, part[C]{s, q.at})
			}
		}
	}
	p.workers, p.resizing, h.done = set, nil, true
	for _, w := range set {
		p.group.Go(w.run)
	}
	for _, w := range h.there {
		w.bell.ring()
	}
}

// keep returns the tick before which the new set needs the participants of those that left at end; under mu.
func (p *Pool[C]) keep(end uint64) uint64 {
	if p.cfg.Mode == epoch.Aligned {
		return end + 1
	}
	keep := end + max(p.longest, 1)
	if p.cfg.Ticks != 0 {
		keep = min(keep, p.cfg.Ticks)
	}
	return keep
}

// join brings all shards of a worker that took them over to the same directive, the newest that any of them has met, and
// each of them through all that lie between.
func (w *worker[C]) join() {
	if w.parts == nil {
		return
	}
	tick := w.part.Tick()
	w.at = w.parts[0].at
	for _, q := range w.parts {
		if q.at.number > w.at.number {
			w.at = q.at
		}
	}
	for _, q := range w.parts {
		for q.at != w.at {
			from := q.at
			q.at = from.next.Load()
			q.at.arrive(from, w.hand, q.span, tick)
		}
	}
	w.parts = nil
}

// settle is called when w has completed the ticks before keep, or has ended.
func (w *worker[C]) settle() {
	w.from.settle()
	w.from = nil
}

func (h *handover[C]) settle() {
	if h.left.Add(-1) > 0 {
		return
	}
	for _, part := range h.old {
		part.Close()
	}
	for _, e := range h.earlier {
		e.settle()
	}
}
