package workers

import (
	"context"
	"errors"
	"runtime"
	"time"

	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// worker owns a span of shards. All but wake belongs to its goroutine.
type worker[C comparable] struct {
	pool *Pool[C]
	span Span
	part *epoch.Participant[Directive[C]]
	held *epoch.Generation[Directive[C]]
	hand Hand[C]
	pace pace
	seen uint64 // the slowest worker's progress when it was last looked at
	rest rest

	timer *time.Timer
	wake  chan struct{} // capacity 1: a publication ends the wait for the next tick
}

func newWorker[C comparable](p *Pool[C], s Span) *worker[C] {
	return &worker[C]{pool: p, span: s, part: p.domain.Join(s.Worker, 0), wake: make(chan struct{}, 1)}
}

func (w *worker[C]) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run is the worker's life on one thread. It returns with the goroutine locked, so that the thread ends with it.
func (w *worker[C]) run(group *errgroup.Group) error {
	runtime.LockOSThread()
	w.hand = w.pool.hand(w.span)
	w.timer = time.NewTimer(time.Hour)
	defer w.timer.Stop()
	defer w.hand.Close()
	for {
		ready := w.ready()
		d, met := w.meet(ready)
		switch {
		case d.Stop:
			w.part.Close()
			return nil
		case d.Renew && met:
			group.Go(func() error { return w.run(group) })
			return nil
		case !ready:
			w.wait()
			continue
		}
		tick := w.part.Tick()
		w.hand.Tick(d.Code, w.span, tick)
		if tick+1 == w.pool.cfg.Ticks {
			w.part.EndPark() // what is published now must not wait for a tick that never runs
		} else {
			w.part.End()
		}
	}
}

// meet takes the worker through the directives that are active at its next tick, up to the newest or to one that ends
// its stay on this thread, and returns that. met tells whether there was one that is new to it. With begin the tick
// begins.
func (w *worker[C]) meet(begin bool) (d *Directive[C], met bool) {
	for {
		g := w.next(begin)
		if g == w.held {
			return &g.Value, met
		}
		met = true
		tick := w.part.Tick()
		d = &g.Value
		if w.held != nil && w.held.Value.Code != d.Code {
			w.hand.Switch(w.held.Value.Code, d.Code, w.span, tick)
		}
		w.held = g
		if d.Arrive != nil {
			d.Arrive(w.hand, w.span, tick)
		}
		if d.Stop || d.Renew {
			return d, met
		}
	}
}

func (w *worker[C]) next(begin bool) *epoch.Generation[Directive[C]] {
	if begin {
		return w.part.Begin()
	}
	return w.part.Look()
}

// ready tells whether the next tick may run now. If not, the worker is parked, and w.rest says what it waits for.
func (w *worker[C]) ready() bool {
	tick := w.part.Tick()
	w.rest = rest{}
	switch {
	case w.pool.cfg.Ticks != 0 && tick >= w.pool.cfg.Ticks:
		w.rest.forever = true
	case w.ahead(tick):
		w.rest.reach = tick - w.pace.lead
	default:
		wait, yield := w.pace.next(tick)
		if wait == 0 && !yield {
			return true
		}
		w.rest.wait = wait
	}
	w.part.Park()
	return false
}

// ahead tells whether the worker leads the slowest one by more than its lead.
func (w *worker[C]) ahead(tick uint64) bool {
	if w.pool.cfg.Mode != epoch.Aligned || tick <= w.seen+w.pace.lead {
		return false
	}
	w.seen = w.pool.domain.Slowest()
	return tick > w.seen+w.pace.lead
}

// rest is what a parked worker waits for: the zero rest is a mere yield.
type rest struct {
	forever bool          // nothing but a wake-up
	reach   uint64        // until all workers have completed so many ticks
	wait    time.Duration // until its tick is due
}

// wait waits for what w.rest says, or for a wake-up.
func (w *worker[C]) wait() {
	switch r := w.rest; {
	case r.forever:
		<-w.wake
	case r.reach != 0:
		_ = w.pool.domain.Reach(wakeable{w.wake}, r.reach) // whether it was reached is for ready to see
	case r.wait != 0:
		w.timer.Reset(r.wait)
		select {
		case <-w.timer.C:
		case <-w.wake:
		}
	default:
		runtime.Gosched()
	}
}

// wakeable is a context that ends with a wake-up.
type wakeable struct{ wake chan struct{} }

var errWoken = errors.New("woken")

func (wakeable) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c wakeable) Done() <-chan struct{}     { return c.wake }
func (wakeable) Err() error                  { return errWoken }
func (wakeable) Value(any) any               { return nil }

var _ context.Context = wakeable{}
