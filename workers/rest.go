package workers

import (
	"context"
	"errors"
	"time"

	"hotreload/epoch"
)

// rest is what a parked worker waits for: the zero rest is a mere yield.
type rest struct {
	forever bool          // nothing but a wake-up
	reach   uint64        // until all workers have completed so many ticks
	wait    time.Duration // until its tick is due
}

// ready tells whether the next tick may run now. If not, the worker is parked, and w.rest says what it waits for.
func (w *worker[C]) ready() bool {
	tick := w.part.Tick()
	awaited := w.leaving != nil && w.leaving.before(tick) // those it leaves with are ahead, and wait for it
	w.rest = rest{}
	switch {
	case tick >= w.limit && !awaited:
		w.rest.forever = true
	case w.ahead(tick):
		// Half the lead, so that it does not wake for every tick of the slowest.
		w.rest.reach = tick - w.pace.lead/2
	default:
		wait, yield := w.pace.next(tick)
		if wait > 0 && awaited {
			wait = 0 // its schedule is later than theirs
		}
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

// wait waits for what w.rest says, or for a wake-up.
func (w *worker[C]) wait() {
	w.rests.Add(1)
	switch r := w.rest; {
	case r.forever:
		<-w.bell.rung
		w.pace.restart(w.part.Tick())
	case r.reach != 0:
		_ = w.pool.domain.Reach(wakeable{w.bell.rung}, r.reach) // whether it was reached is for ready to see
		w.pace.unblock()
	case r.wait != 0:
		w.bell.waitFor(r.wait)
	default:
		w.yield()
	}
	w.rests.Add(1)
}

// yield lets others have the processor.
func (w *worker[C]) yield() {
	if n, took := w.pace.ran(); w.observer != nil && n > 0 {
		w.observer.Ran(n, took)
	}
	w.bell.yield()
	w.pace.resume()
}

// wakeable is a context that ends with a wake-up.
type wakeable struct{ wake chan struct{} }

var errWoken = errors.New("woken")

func (wakeable) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c wakeable) Done() <-chan struct{}     { return c.wake }
func (wakeable) Err() error                  { return errWoken }
func (wakeable) Value(any) any               { return nil }

var _ context.Context = wakeable{}
