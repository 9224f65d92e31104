package epoch

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
)

// Grace is the grace period of a retired generation.
type Grace[T any] struct {
	retired *Generation[T]
	wait    *waiter[T]
	done    bool // under Domain.mu
}

// Retire marks old, which must have been superseded, for reclamation and begins its grace period: it ends when every
// participant has completed `ticks` ticks of its successor. With 0 ticks it ends when no participant can run old again;
// who still touches old between its last tick and the successor's first needs 1.
//
// After the grace period everything that any participant did with old happens before what the caller does next.
func (d *Domain[T]) Retire(old *Generation[T], ticks uint64) *Grace[T] {
	if old.domain != d {
		panic("epoch: Retire of a generation of another domain")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	newest := d.current.Load()
	if newest == old {
		panic("epoch: Retire of the current generation")
	}
	w := &waiter[T]{domain: d, c: make(chan struct{}, 1)}
	if d.mode == Immediate {
		// Every participant that begins a tick after this scan sees the successor.
		w.each = make(map[*Participant[T]]uint64)
		for _, p := range *d.participants.Load() {
			s := p.slot.Load()
			next := s >> 1
			if s&parked == 0 {
				next++
			}
			w.each[p] = next + ticks
		}
	} else {
		g := newest
		for prev := g.prev.Load(); prev != nil && prev != old; prev = g.prev.Load() {
			g = prev
		}
		w.tick = g.Activation() + ticks
	}
	d.pending++
	return &Grace[T]{retired: old, wait: w}
}

// Passed tells whether the grace period has ended. It does not block.
func (gr *Grace[T]) Passed() bool {
	d := gr.wait.domain
	d.mu.Lock()
	defer d.mu.Unlock()
	return gr.passed()
}

// passed decides, under mu: nobody joins between the scan and the horizon that forbids to join before it.
func (gr *Grace[T]) passed() bool {
	if gr.done {
		return true
	}
	d := gr.wait.domain
	if !gr.wait.passed() {
		return false
	}
	gr.done = true
	d.pending--
	d.horizon = max(d.horizon, gr.wait.tick)
	return true
}

// Wait blocks until the grace period has ended, and is woken by the last participant to pass. When ctx ends first the
// error is a *StragglersError that wraps the cause and names who is behind. Wait must not be called within a tick.
func (gr *Grace[T]) Wait(ctx context.Context) error {
	if gr.wait.domain.await(ctx, gr.wait, gr.passed) {
		return nil
	}
	return &StragglersError{Epoch: gr.retired.epoch, Behind: gr.Behind(), Cause: context.Cause(ctx)}
}

// Behind returns the participants for which the grace period waits.
func (gr *Grace[T]) Behind() []Straggler {
	var behind []Straggler
	for _, p := range *gr.wait.domain.participants.Load() {
		if s := p.slot.Load(); s>>1 < gr.wait.target(p) {
			behind = append(behind, Straggler{ID: p.id, Tick: s >> 1, Parked: s&parked != 0, Target: gr.wait.target(p)})
		}
	}
	return behind
}

// Straggler is a participant that a grace period waits for.
type Straggler struct {
	ID     int
	Tick   uint64 // the tick it runs, or when Parked the one it has not begun
	Target uint64 // the tick it must reach
	Parked bool
}

// StragglersError says that a grace period did not end in time.
type StragglersError struct {
	Epoch  uint64 // of the retired generation
	Behind []Straggler
	Cause  error
}

// Error implements error.
func (e *StragglersError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d is still in use: %v", e.Epoch, e.Cause)
	for _, s := range e.Behind {
		fmt.Fprintf(&b, "; participant %d is at tick %d of %d", s.ID, s.Tick, s.Target)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *StragglersError) Unwrap() error { return e.Cause }

// nobody is the value of Domain.wanted when nobody waits.
const nobody = math.MaxUint64

// waiter waits for every participant to reach a tick: the same for all, or in immediate mode one for each.
type waiter[T any] struct {
	domain *Domain[T]
	tick   uint64
	each   map[*Participant[T]]uint64 // nil in aligned mode; read-only once built
	c      chan struct{}              // capacity 1: a kick is kept for a waiter that has not slept yet
}

// target returns the tick that p must reach; 0 for one who need not, because it joined later.
func (w *waiter[T]) target(p *Participant[T]) uint64 {
	if w.each != nil {
		return w.each[p]
	}
	return w.tick
}

func (w *waiter[T]) passed() bool {
	for _, p := range *w.domain.participants.Load() {
		if p.slot.Load()>>1 < w.target(p) {
			return false
		}
	}
	return true
}

func (w *waiter[T]) kick() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// wake is End's slow path: it kicks the waiters whose last participant p is, and lets them run.
func (d *Domain[T]) wake(p *Participant[T]) {
	kicked := false
	for _, w := range *d.waiters.Load() {
		if w.target(p) == p.tick && w.passed() {
			w.kick()
			kicked = true
		}
	}
	if kicked {
		runtime.Gosched() // a kicked goroutine would otherwise queue behind this one's whole time slice
	}
}

// await blocks until done, called under mu, returns true, or until ctx ends.
func (d *Domain[T]) await(ctx context.Context, w *waiter[T], done func() bool) bool {
	d.mu.Lock()
	if done() {
		d.mu.Unlock()
		return true
	}
	d.watch(append(slices.Clone(*d.waiters.Load()), w))
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.watch(slices.DeleteFunc(slices.Clone(*d.waiters.Load()), func(x *waiter[T]) bool { return x == w }))
		d.mu.Unlock()
	}()
	for {
		// The waiter is listed and wanted is stored, so a participant whose End this scan misses will kick.
		d.mu.Lock()
		ok := done()
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-w.c:
		case <-ctx.Done():
			return false
		}
	}
}

// watch installs the list of waiters and the lowest tick that any of them wants; under mu.
func (d *Domain[T]) watch(list []*waiter[T]) {
	lowest := uint64(nobody)
	for _, w := range list {
		if w.each == nil {
			lowest = min(lowest, w.tick)
		}
		for _, tick := range w.each {
			lowest = min(lowest, tick)
		}
	}
	d.waiters.Store(&list)
	d.wanted.Store(lowest)
}
