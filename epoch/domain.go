package epoch

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Domain is a publication cell and the participants that read it. Its methods may be called from any goroutine, those
// that do not wait also from within a tick.
type Domain[T any] struct {
	mode Mode

	_       [cacheLine]byte
	current atomic.Pointer[Generation[T]] // read at every tick, written by Publish: alone on its lines
	_       [cacheLine]byte

	participants atomic.Pointer[[]*Participant[T]] // copied on write, under mu
	waiters      atomic.Pointer[[]*waiter[T]]      // copied on write, under mu

	mu      sync.Mutex     // serialises publications, membership and the verdict on grace periods; no tick takes it
	tail    *Generation[T] // the oldest generation that a participant, present or future, may need
	horizon uint64         // no participant may join before this tick: what it would run may be gone
	floor   uint64         // no activation lies before this tick: one who has left ran the tick before it
	fastest uint64         // the highest next tick of those who have left
	pending int            // grace periods that have begun and were not seen to end
	closed  bool
}

// maxTick is the highest tick: above it are the bits that say parked or sealed.
const maxTick = 1<<62 - 1

// New returns a Domain whose first generation, epoch 1, is active from tick 0. It panics when mode is neither Aligned
// nor Immediate.
func New[T any](mode Mode, first T) *Domain[T] {
	if mode != Aligned && mode != Immediate {
		panic(fmt.Sprintf("epoch: New with %v, expected aligned or immediate", mode))
	}
	d := &Domain[T]{mode: mode}
	g := &Generation[T]{Value: first, domain: d, epoch: 1}
	g.activation.Store(sealed)
	d.tail = g
	d.current.Store(g)
	d.participants.Store(new([]*Participant[T]))
	d.waiters.Store(new([]*waiter[T]))
	return d
}

// Mode returns the mode given to New.
func (d *Domain[T]) Mode() Mode { return d.mode }

// Current returns the newest generation. In aligned mode its activation tick may lie ahead.
func (d *Domain[T]) Current() *Generation[T] { return d.current.Load() }

// Join adds a participant, parked before tick. The id is the caller's, for reports. Join panics when tick lies before a
// tick whose code may have been reclaimed: every tick below the activation of a generation whose predecessor's grace
// period has ended, or which all participants had met when the next was published.
func (d *Domain[T]) Join(id int, tick uint64) *Participant[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		panic("epoch: Join after Close")
	case tick < d.horizon:
		panic(fmt.Sprintf("epoch: Join at tick %d, but code from before tick %d may be reclaimed", tick, d.horizon))
	case tick > maxTick:
		panic(fmt.Sprintf("epoch: Join at tick %d, the highest is %d", tick, uint64(maxTick)))
	}
	start := d.tail // active at the horizon, so at tick
	for n := start.next.Load(); n != nil && n.activeAt(tick); n = n.next.Load() {
		start = n
	}
	p := newParticipant(d, id, tick, start)
	for _, w := range *d.waiters.Load() {
		p.watch(w.goal)
	}
	// Before the participant's first Begin: a scan that misses it precedes this store, and then that Begin sees what
	// the scanner had published.
	list := append(slices.Clip(*d.participants.Load()), p)
	d.participants.Store(&list)
	return p
}

// leave removes p. The tick that it may have been in counts as run.
func (d *Domain[T]) leave(p *Participant[T]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// Under mu, so that no scan for an activation takes the tick that p leaves in for one that has not begun.
	s := p.word.Or(parked)
	d.floor = max(d.floor, free(s))
	d.fastest = max(d.fastest, s&^parked)
	list := slices.DeleteFunc(slices.Clone(*d.participants.Load()), func(q *Participant[T]) bool { return q == p })
	d.participants.Store(&list)
	// After the store: of two participants that pass or leave at once, the later one sees the other.
	for _, w := range *d.waiters.Load() {
		if w.goal.reached(list) {
			w.kick()
		}
	}
}

// Publish makes value visible to all participants and decides its activation tick. It takes time proportional to the
// number of participants and waits for none of them. It panics after Close.
func (d *Domain[T]) Publish(value T) *Generation[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		panic("epoch: Publish after Close")
	}
	d.forget()
	prev := d.current.Load()
	g := &Generation[T]{Value: value, domain: d, epoch: prev.epoch + 1}
	if d.mode == Immediate {
		g.activation.Store(sealed)
	}
	// The link first: a participant that finds g in current finds its way there from the generation it holds.
	prev.next.Store(g)
	d.current.Store(g)
	if d.mode == Aligned {
		// First visible and undecided, then read the slots, then decide: a participant whose load misses the store has
		// announced its tick before that load, so the scan sees it; one that sees g undecided raises its floor.
		g.seal(d.scan(prev.Activation()))
	}
	prev.until = g.Activation()
	return g
}

// scan returns the lowest tick, at or after least, that no participant may have begun and none that left has run.
func (d *Domain[T]) scan(least uint64) uint64 {
	tick := max(least, d.floor)
	for _, p := range *d.participants.Load() {
		tick = max(tick, free(p.word.Load()))
	}
	return tick
}

// forget lets go of the generations that nobody can need: those before the newest that every participant has met, and
// without participants those that only ticks before the horizon would run. Under mu.
//
// It cuts the link of a generation that each participant has left behind. A participant reads the link of the
// generation it holds, or before its first Begin those from the one that Join gave it, and it stores met after that.
func (d *Domain[T]) forget() {
	list := *d.participants.Load()
	met := uint64(math.MaxUint64)
	for _, p := range list {
		met = min(met, p.met.Load())
	}
	for n := d.tail.next.Load(); n != nil && n.epoch <= met; n = n.next.Load() {
		if len(list) == 0 && n.Activation() > d.horizon {
			return // who joins may begin before n
		}
		d.tail.next.Store(nil) // else whoever keeps an old generation would keep all that came later
		d.tail = n
		d.horizon = max(d.horizon, n.Activation())
	}
}

// Close forbids further publications and joins. Participants may go on and leave, and grace periods end. Close panics
// when called twice.
func (d *Domain[T]) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		panic("epoch: Close of a closed domain")
	}
	d.closed = true
}
