package epoch

import "sync/atomic"

// cacheLine is the distance that keeps two words from sharing a line, the adjacent-line prefetcher included.
const cacheLine = 128

// slot is how far one participant has come: its next tick<<1, and parked when it is not running that tick. Written by
// the owner alone, read by publishers and waiters, on cache lines of its own.
type slot struct {
	_ [cacheLine]byte
	atomic.Uint64
	// met is the epoch of the last generation that Begin returned. It changes only with a publication.
	met atomic.Uint64
	_   [cacheLine - 16]byte
}

const parked = 1

// Participant is one worker's membership in a Domain. It belongs to one goroutine at a time; handing it to another
// needs a happens-before edge between them.
type Participant[T any] struct {
	domain *Domain[T]
	slot   *slot
	id     int

	// Owner only.
	tick    uint64         // the next tick, or the one that runs
	held    *Generation[T] // the last one that Begin returned
	fast    *Generation[T] // held, while it is the newest and the slot is not parked: Begin's fast path
	running bool
	closed  bool
}

// ID returns the number given to Join.
func (p *Participant[T]) ID() int { return p.id }

// Tick returns the next tick, or between Begin and End the one that runs. Owner only.
func (p *Participant[T]) Tick() uint64 { return p.tick }

// Begin returns the generation for the participant's next tick: the newest whose activation tick is not later. A
// participant meets every generation in order: after a publication Begin returns the first one it has not met, and it
// should be called again until it returns the same one twice. What it returns stays valid until End, Park or Close.
//
// In the steady state Begin is one load and one comparison; it never blocks.
func (p *Participant[T]) Begin() *Generation[T] {
	// Pairs with the Store in Publish: a participant that sees g also sees its Value.
	if g := p.domain.current.Load(); g == p.fast {
		return g
	}
	return p.begin()
}

func (p *Participant[T]) begin() *Generation[T] {
	if p.closed {
		panic("epoch: Begin after Close")
	}
	if !p.running {
		// Announce before loading the publication: a publisher whose store this load misses reads the slot after it,
		// sees this tick running, and decides for a later one.
		p.slot.Store(p.tick << 1)
		p.running = true
	}
	newest := p.domain.current.Load()
	next := newest
	switch {
	case p.held == nil:
		for !next.activeAt(p.tick) {
			next = next.prev.Load() // not nil: Join refuses ticks before the oldest generation that is kept
		}
	case newest != p.held:
		// Find the successor of held. The chain is whole down to held, because it is cut only behind a generation that
		// every participant has met. Activations do not decrease along it: when the successor is not active, neither is
		// anything newer.
		for prev := next.prev.Load(); prev != p.held; prev = next.prev.Load() {
			next = prev
		}
		if !next.activeAt(p.tick) {
			next = p.held
		}
	}
	if next != p.held {
		p.held = next
		p.slot.met.Store(next.epoch) // pairs with the load in trim
	}
	p.fast = nil
	if next == newest {
		p.fast = next
	}
	return next
}

// End announces that the tick is done. It never blocks.
func (p *Participant[T]) End() {
	p.tick++
	// Pairs with the scans in decide and passed: what ran before this store happens before whatever follows a scan that
	// sees it, reclamation included.
	p.slot.Store(p.tick << 1)
	// Store, then load: pairs with await, which stores wanted and then scans. One of the two sees the other.
	if p.tick >= p.domain.wanted.Load() {
		p.domain.wake(p)
	}
}

// Park announces that the participant is between ticks and about to wait. Nothing that Begin returned may be used until
// the next Begin, and neither a publication nor a grace period waits for a parked participant.
func (p *Participant[T]) Park() {
	p.running, p.fast = false, nil
	p.slot.Store(p.tick<<1 | parked)
}

// Close ends the membership after the last tick that End announced: a tick that was begun must not have run. The ticks
// that did stay in the maximum from which later activations are decided. Close panics when called twice.
func (p *Participant[T]) Close() {
	if p.closed {
		panic("epoch: Close of a closed participant")
	}
	p.closed, p.fast = true, nil
	p.domain.leave(p)
}
