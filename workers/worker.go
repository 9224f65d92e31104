package workers

import (
	"runtime"
	"sync/atomic"
	"time"

	"hotreload/epoch"
)

// worker owns a span of shards. All but bell and rests belongs to its goroutine.
type worker[C comparable] struct {
	pool     *Pool[C]
	number   uint64 // among all workers that the pool has ever had
	span     Span
	part     *epoch.Participant[Directive[C]]
	at       *step[C]     // the last directive that its shards have met
	parts    []part[C]    // before it begins: where its shards come from, when they have had other owners
	hand     Hand[C]      // made anew on each thread
	observer Observer     // nil when nobody wants to know
	pace     pace         // when to run the next tick
	limit    uint64       // the tick before which it waits for a directive that changes that
	seen     uint64       // the slowest worker's progress when it was last looked at
	rest     rest         // why it is parked
	leaving  *handover[C] // met and not carried out yet
	from     *handover[C] // that it came from, until it has completed the ticks before keep
	keep     uint64

	bell bell
	// rests counts the beginnings and ends of the worker's waits: it is odd while it waits. Written by the worker.
	rests atomic.Uint64
}

// newSet makes n workers, whose shards have met at and not begun the tick that begin gives, with the one before which
// they wait. Under mu, or in New.
func (p *Pool[C]) newSet(n int, begin func(Span) (tick, limit uint64), at *step[C]) []*worker[C] {
	// A thread that sleeps by itself keeps its processor from the Go scheduler for a while: only with some to spare.
	precise := canDoze && !p.cfg.coarse && runtime.GOMAXPROCS(0) > n
	set := make([]*worker[C], n)
	for i := range set {
		s := spanOf(i, n, p.cfg.Shards)
		tick, limit := begin(s)
		p.made++
		set[i] = &worker[C]{
			pool: p, number: p.made, span: s, at: at, limit: limit, part: p.domain.Join(i, tick),
			bell: bell{rung: make(chan struct{}, 1), precise: precise},
		}
	}
	return set
}

// run is the worker's life on one thread. It returns with the goroutine locked, so that the thread ends with it.
func (w *worker[C]) run() error {
	runtime.LockOSThread()
	w.bell.attach()
	if w.pool.cfg.Period != 0 {
		hasten() // back to back it would only be interrupted more often
	}
	w.hand = w.pool.hand(w.span)
	if w.observer == nil && w.pool.cfg.Observe != nil {
		w.observer = w.pool.cfg.Observe(w.span)
	}
	w.join()
	renew := w.work()
	w.hand.Close()
	if renew {
		w.pool.group.Go(w.run)
		return nil
	}
	return nil
}

// work runs ticks until the worker is to leave its thread, and tells whether it is to go on with another.
func (w *worker[C]) work() (renew bool) {
	for {
		ready := w.ready()
		met := w.meet(ready)
		tick := w.part.Tick()
		switch {
		case w.at.Stop:
			w.close()
			return false
		case w.at.Renew && met:
			return true
		case w.leaving != nil && w.leaving.over(tick):
			if w.depart() {
				return false
			}
			continue
		case w.rest.forever && met:
			continue // its limit may be another now
		case !ready:
			w.wait()
			continue
		case w.leaving != nil && !w.leaving.enter(tick):
			continue
		}
		w.tick(tick)
	}
}

// tick runs one tick.
func (w *worker[C]) tick(tick uint64) {
	cfg := &w.pool.cfg
	w.hand.Tick(w.at.Code, w.span, tick)
	if w.observer != nil && cfg.Period != 0 {
		w.observer.Started(max(w.pace.late, 0))
		w.observer.Ran(1, time.Since(w.pace.now))
	}
	if cfg.Period != 0 || tick+1 == w.limit {
		// A wait is likely: what is published from here on must not take the next tick for one that runs.
		w.part.EndPark()
	} else {
		w.part.End()
	}
	if w.from != nil && tick+1 >= w.keep {
		w.settle()
	}
}

// meet takes the worker through the directives that are active at its next tick, up to the newest or to one that ends
// its stay on this thread, and tells whether there was one that is new to it. With begin the tick begins.
func (w *worker[C]) meet(begin bool) (met bool) {
	for {
		goal := w.next(begin).Value.step
		if w.at == goal {
			return met
		}
		for w.at != goal {
			from, tick := w.at, w.part.Tick()
			w.at = from.next.Load()
			w.at.arrive(from, w.hand, w.span, tick)
			if w.at.Limit != 0 {
				w.limit = w.at.Limit.from(tick, w.pool.cfg.end())
			}
			if met = true; w.at.Stop || w.at.Renew {
				return met
			}
			if w.at.handover != nil {
				w.leaving = w.at.handover
				w.leaving.meet(w.pool, tick)
			}
			w.pace.press(tick)
		}
	}
}

func (w *worker[C]) next(begin bool) *epoch.Generation[Directive[C]] {
	if begin {
		return w.part.Begin()
	}
	return w.part.Look()
}

// close ends the worker's membership.
func (w *worker[C]) close() {
	w.part.Close()
	if w.from != nil {
		w.settle()
	}
}
