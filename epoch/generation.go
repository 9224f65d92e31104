package epoch

import "sync/atomic"

// Generation is one published value. Value and Epoch never change.
type Generation[T any] struct {
	// Value is what was published.
	Value T

	domain *Domain[T]
	epoch  uint64
	until  uint64 // the successor's activation tick; under Domain.mu, once there is a successor
	// activation is a tick, with the bit sealed once it is decided. Before that it is a floor: some participant runs the
	// tick before it on older code. Pairs: the raise in activeAt and the decision in seal are compare-and-swaps on this
	// word, so a raise either precedes the decision and is in its maximum, or fails and sees it.
	activation atomic.Uint64
	// next is the successor, nil for the newest and again when every participant has met the successor. Written under
	// Domain.mu; the store in Publish precedes that of Domain.current, with which it pairs.
	next atomic.Pointer[Generation[T]]
}

const sealed = 1 << 63

// Epoch returns the number of the publication: 1 for the first, then one more each time.
func (g *Generation[T]) Epoch() uint64 { return g.epoch }

// Activation returns the first tick that may run this generation: in aligned mode the same for every participant, in
// immediate mode 0. It never changes. On a generation that Current showed while its Publish was still under way it
// waits for that Publish to return.
func (g *Generation[T]) Activation() uint64 {
	a := g.activation.Load()
	if a&sealed == 0 {
		g.domain.mu.Lock() // Publish holds it until the activation is decided
		a = g.activation.Load()
		g.domain.mu.Unlock()
	}
	return a &^ sealed
}

// activeAt tells whether tick may run g. While the activation is undecided it may not, and the answer is made to last:
// the floor is raised so that the decision will be later than tick.
func (g *Generation[T]) activeAt(tick uint64) bool {
	for {
		a := g.activation.Load()
		switch {
		case a&sealed != 0:
			return a&^sealed <= tick
		case a > tick || g.activation.CompareAndSwap(a, tick+1):
			return false
		}
	}
}

// seal decides the activation tick: least, or the floor when that is higher.
func (g *Generation[T]) seal(least uint64) {
	for {
		floor := g.activation.Load()
		if g.activation.CompareAndSwap(floor, max(least, floor)|sealed) {
			return
		}
	}
}
