package epoch

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Domain is a publication cell and the participants that read it. Its methods may be called from any goroutine, also
// from within a tick, except those that wait.
type Domain[T any] struct {
	mode Mode

	_       [cacheLine]byte
	current atomic.Pointer[Generation[T]] // read at every tick: alone on its lines
	_       [cacheLine - 8]byte
	wanted  atomic.Uint64 // lowest tick that a waiter waits for, else nobody; read at every tick
	_       [cacheLine - 8]byte

	participants atomic.Pointer[[]*Participant[T]] // copied on write, under mu
	waiters      atomic.Pointer[[]*waiter[T]]      // copied on write, under mu

	mu       sync.Mutex // serialises publications, membership and the verdict on grace periods; no tick takes it
	departed uint64 // the latest next tick of those that left
	horizon  uint64 // no participant may join before this tick: what it would run may be gone
	pending  int    // grace periods that have begun and not ended
	closed   bool
}

// New returns a Domain whose first generation, epoch 1, is active from tick 0.
func New[T any](mode Mode, first T) *Domain[T] {
	d := &Domain[T]{mode: mode}
	g := &Generation[T]{Value: first, domain: d, epoch: 1}
	g.activation.Store(sealed)
	d.current.Store(g)
	d.wanted.Store(nobody)
	d.participants.Store(new([]*Participant[T]))
	d.waiters.Store(new([]*waiter[T]))
	return d
}

// Mode returns the mode given to New.
func (d *Domain[T]) Mode() Mode { return d.mode }

// Current returns the newest generation.
func (d *Domain[T]) Current() *Generation[T] { return d.current.Load() }

// Join adds a participant, parked before tick. The id is the caller's, for reports. Join panics when tick lies before a
// tick whose code may have been reclaimed.
func (d *Domain[T]) Join(id int, tick uint64) *Participant[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		panic("epoch: Join after Close")
	}
	if tick < d.horizon {
		panic(fmt.Sprintf("epoch: Join at tick %d, but code before tick %d is reclaimed", tick, d.horizon))
	}
	p := &Participant[T]{domain: d, slot: new(slot), id: id, tick: tick}
	p.slot.Store(tick<<1 | parked)
	// Before the participant's first Begin: a scan that misses it precedes this store, and then that Begin sees what
	// the scanner had published.
	list := append(slices.Clip(slices.Clone(*d.participants.Load())), p)
	d.participants.Store(&list)
	return p
}

func (d *Domain[T]) leave(p *Participant[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.departed = max(d.departed, p.tick)
	list := slices.DeleteFunc(slices.Clone(*d.participants.Load()), func(q *Participant[T]) bool { return q == p })
	d.participants.Store(&list)
	for _, w := range *d.waiters.Load() {
		w.kick()
	}
}

// Publish makes value visible to all participants and decides its activation tick. It takes time proportional to the
// number of participants and waits for none of them.
func (d *Domain[T]) Publish(value T) *Generation[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		panic("epoch: Publish after Close")
	}
	d.trim()
	prev := d.current.Load()
	g := &Generation[T]{Value: value, domain: d, epoch: prev.epoch + 1}
	g.prev.Store(prev)
	if d.mode == Immediate {
		g.activation.Store(sealed)
		d.current.Store(g)
		return g
	}
	// First visible and undecided, then read the slots, then decide: a participant whose load misses the store has
	// announced its tick before that load, so the scan sees it; one that sees g undecided raises the floor.
	d.current.Store(g)
	d.decide(g, prev.activation.Load()>>1)
	return g
}

// decide seals g's activation tick: at or after least, after every tick that has begun or was run by one who left.
func (d *Domain[T]) decide(g *Generation[T], least uint64) {
	tick := max(least, d.departed)
	for _, p := range *d.participants.Load() {
		s := p.slot.Load()
		next := s >> 1
		if s&parked == 0 {
			next++ // tick s>>1 may be running on older code
		}
		tick = max(tick, next)
	}
	for {
		floor := g.activation.Load()
		if g.activation.CompareAndSwap(floor, max(tick, floor>>1)<<1|sealed) {
			return
		}
	}
}

// trim forgets the generations that every participant has left behind.
func (d *Domain[T]) trim() {
	met := d.current.Load().epoch
	for _, p := range *d.participants.Load() {
		met = min(met, p.slot.met.Load())
	}
	for g := d.current.Load(); g != nil; g = g.prev.Load() {
		if g.epoch <= met {
					d.horizon = max(d.horizon, g.Activation())
			g.prev.Store(nil)
			return
		}
	}
}

// Close forbids further publications and joins. Participants may go on and leave. Close panics when called twice.
func (d *Domain[T]) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		panic("epoch: Close of a closed domain")
	}
	d.closed = true
}
