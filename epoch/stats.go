package epoch

import (
	"context"
)

// Stats is a picture of a Domain.
type Stats struct {
	Epoch        uint64 // of the newest generation
	Activation   uint64
	Participants int
	Pending      int    // grace periods that have not ended
	Slowest      uint64 // the lowest next tick of any participant; 0 without any
	Fastest      uint64
}

// Stats takes a picture. It does not disturb any tick.
func (d *Domain[T]) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.current.Load()
	st := Stats{
		Epoch: g.epoch, Activation: g.Activation(),
		Participants: len(*d.participants.Load()), Pending: d.pending,
		Fastest: d.departed,
	}
	for _, p := range *d.participants.Load() {
		st.Fastest = max(st.Fastest, p.slot.Load()>>1)
	}
	st.Slowest = d.Slowest()
	return st
}

// Slowest returns the lowest next tick of any participant, 0 when there is none. It costs one load for each participant
// and takes no lock.
func (d *Domain[T]) Slowest() uint64 {
	list := *d.participants.Load()
	if len(list) == 0 {
		return 0
	}
	lowest := uint64(nobody)
	for _, p := range list {
		lowest = min(lowest, p.slot.Load()>>1)
	}
	return lowest
}

// Reach blocks until every participant has reached tick. It must not be called by a participant that has not itself.
func (d *Domain[T]) Reach(ctx context.Context, tick uint64) error {
	w := &waiter[T]{domain: d, tick: tick, c: make(chan struct{}, 1)}
	if d.await(ctx, w, w.passed) {
		return nil
	}
	return context.Cause(ctx)
}
