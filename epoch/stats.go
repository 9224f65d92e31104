package epoch

import "context"

// Stats is a picture of a Domain.
type Stats struct {
	Epoch        uint64 // of the newest generation
	Activation   uint64 // its activation tick
	Participants int
	Pending      int    // grace periods that have begun and that neither Wait nor Passed has seen end
	Slowest      uint64 // the lowest next tick of any participant; 0 without any
	Fastest      uint64 // the highest next tick of any participant, past ones included
}

// Stats takes a picture. It costs one load for each participant and disturbs no tick.
func (d *Domain[T]) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, list := d.current.Load(), *d.participants.Load()
	st := Stats{
		Epoch: g.epoch, Activation: g.Activation(), Participants: len(list), Pending: d.pending,
		Slowest: d.Slowest(), Fastest: d.fastest,
	}
	for _, p := range list {
		st.Fastest = max(st.Fastest, p.Tick())
	}
	return st
}

// Slowest returns the lowest next tick of any participant, 0 when there is none. It costs one load for each participant
// and takes no lock.
func (d *Domain[T]) Slowest() uint64 {
	list := *d.participants.Load()
	if len(list) == 0 {
		return 0
	}
	lowest := uint64(maxTick)
	for _, p := range list {
		lowest = min(lowest, p.Tick())
	}
	return lowest
}

// Reach blocks until every participant has reached tick, or until ctx ends, and then returns the cause. A participant
// that has not reached it itself must not call Reach, unless ctx ends its wait.
func (d *Domain[T]) Reach(ctx context.Context, tick uint64) error {
	g := &goal[T]{tick: tick}
	if d.await(ctx, g, func() bool { return g.reached(*d.participants.Load()) }) {
		return nil
	}
	return context.Cause(ctx)
}
