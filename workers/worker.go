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
		d, arrived := w.arrive()
		switch {
		case d.Stop:
			w.part.Close()
			return nil
		case d.Renew && arrived:
			w.part.Park()
			group.Go(func() error { return w.run(group) })
			return nil
		}
		if !w.due() {
			continue
		}
		w.hand.Tick(d.Code, w.span, w.part.Tick())
		w.part.End()
	}
}

// arrive takes the worker through the directives that are active at its tick, up to the newest or one that ends its
// stay on this thread, and returns that. arrived tells whether there was any that it had not met.
func (w *worker[C]) arrive() (d *Directive[C], arrived bool) {
	for {
		g := w.part.Begin()
		if g == w.held {
			return &g.Value, arrived
		}
		arrived = true
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
			return d, arrived
		}
	}
}

// due tells whether the next tick may run. If not, the worker has waited, and must look for directives again.
func (w *worker[C]) due() bool {
	tick := w.part.Tick()
	if w.pool.cfg.Ticks != 0 && tick >= w.pool.cfg.Ticks {
		w.part.Park()
		<-w.wake
		return false
	}
	if lead := w.pace.lead; w.pool.cfg.Mode == epoch.Aligned && tick > w.seen+lead {
		if w.seen = w.pool.domain.Slowest(); tick > w.seen+lead {
			w.part.Park()
			_ = w.pool.domain.Reach(wakeable{w.wake}, tick-lead) // woken early or not, look again
			return false
		}
	}
	wait, yield := w.pace.next(tick)
	switch {
	case yield:
		w.part.Park()
		runtime.Gosched()
		return false
	case wait > 0:
		w.part.Park()
		w.timer.Reset(wait)
		select {
		case <-w.timer.C:
		case <-w.wake:
		}
		return false
	}
	return true
}

// wakeable is a context that ends with a wake-up.
type wakeable struct{ wake chan struct{} }

var errWoken = errors.New("woken")

func (wakeable) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c wakeable) Done() <-chan struct{}     { return c.wake }
func (wakeable) Err() error                  { return errWoken }
func (wakeable) Value(any) any               { return nil }

var _ context.Context = wakeable{}
