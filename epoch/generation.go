package epoch

import "sync/atomic"

// Generation is one published value. Value and Epoch never change.
type Generation[T any] struct {
	// Value is what was published.
	Value T

	domain *Domain[T]
	epoch  uint64
	// activation is tick<<1|sealed. While it is not sealed the tick is a floor: some participant runs the tick before it
	// on older code. Pairs: the raise in Participant.begin and the seal in Domain.decide are compare-and-swaps on this
	// word, so a raise either precedes the seal and is in its maximum, or fails and sees it.
	activation atomic.Uint64
	// prev is the generation before, until every participant has passed this one. Written under Domain.mu.
	prev atomic.Pointer[Generation[T]]
}

const sealed = 1

// Epoch returns the number of the publication: 1 for the first, then one more each time.
func (g *Generation[T]) Epoch() uint64 { return g.epoch }

// Activation returns the first tick that may run this generation: in aligned mode the same for every participant, in
// immediate mode 0. It is decided when Publish returns.
func (g *Generation[T]) Activation() uint64 { return g.activation.Load() >> 1 }

// activeAt tells whether tick may run g. While the activation is undecided it may not, and the answer is made to last:
// the floor is raised so that the decision will be later than tick.
func (g *Generation[T]) activeAt(tick uint64) bool {
	for {
		a := g.activation.Load()
		switch {
		case a&sealed != 0:
			return a>>1 <= tick
		case a>>1 > tick || g.activation.CompareAndSwap(a, (tick+1)<<1):
			return false
		}
	}
}
