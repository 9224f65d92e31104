package epoch

import (
	"context"
	"fmt"
	"time"
)

// Grace is the grace period of a retired generation. Its methods may be called from any goroutine, and by several.
type Grace[T any] struct {
	domain  *Domain[T]
	retired *Generation[T]
	goal    goal[T]

	// Under Domain.mu.
	done      bool
	sightings map[*Participant[T]]sighting
}

// Retire marks old, which must have been superseded, for reclamation and begins its grace period: it ends when every
// participant has completed `ticks` ticks of its successor. With 0 ticks it ends when no participant can run old again;
// who still touches old between its last tick and the successor's first needs 1. When old was superseded before any
// tick could run it, participants still meet it, and the grace period lasts until each has completed the tick in which
// it does.
//
// After the grace period everything that any participant did with old happens before what the caller does next. A
// generation may be retired again: each Grace is a wait of its own. Retire panics for the newest generation, for one of
// another domain, and when ticks reach beyond 2^62.
func (d *Domain[T]) Retire(old *Generation[T], ticks uint64) *Grace[T] {
	if old.domain != d {
		panic("epoch: Retire of a generation of another domain")
	}
	if ticks > maxTick {
		panic(fmt.Sprintf("epoch: Retire after %d ticks, at most %d", ticks, uint64(maxTick)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current.Load() == old {
		panic("epoch: Retire of the current generation: publish its successor first")
	}
	gr := &Grace[T]{domain: d, retired: old}
	if d.mode == Immediate {
		gr.goal.each = make(map[*Participant[T]]*need)
		for _, p := range *d.participants.Load() {
			gr.goal.each[p] = p.need(old, ticks)
		}
	} else {
		// Whoever has completed old's first tick has met old, in that tick at the latest, or by Look in its first one.
		gr.goal.tick = max(old.until+ticks, old.Activation()+1)
		for _, p := range *d.participants.Load() {
			if tick := p.Tick(); tick == old.until && p.looked.Load() == tick+1 {
				gr.goal.tick = max(gr.goal.tick, old.until+1)
			}
		}
	}
	d.pending++
	return gr
}

// need returns what p must reach so that it has completed `ticks` ticks of old's successor, in immediate mode.
func (p *Participant[T]) need(old *Generation[T], ticks uint64) *need {
	// met before word: when p has met old, the tick in which it did is over or is the one that word tells. Or it was
	// parked and has met old by Look; a Look that the load of looked misses sees old's successor, and returns old only to
	// who had not met it.
	met, s := p.met.Load(), p.word.Load()
	if met != 0 && met < old.epoch || s&parked != 0 && p.looked.Load() == s&^parked+1 {
		ticks = max(ticks, 1) // it will meet old before its successor, or uses it before its next tick
	}
	// A tick that begins after this scan is on the successor. So is every one after a time when p is parked.
	n := &need{parking: ticks == 0}
	n.tick.Store(free(s) + ticks)
	return n
}

// Passed tells whether the grace period has ended. It waits for no participant.
func (gr *Grace[T]) Passed() bool {
	gr.domain.mu.Lock()
	defer gr.domain.mu.Unlock()
	return gr.passed()
}

// passed decides, under mu: nobody joins between the scan and the horizon that forbids to join before it.
func (gr *Grace[T]) passed() bool {
	d := gr.domain
	if gr.done {
		return true
	}
	if !gr.goal.reached(*d.participants.Load()) {
		return false
	}
	gr.done = true
	gr.sightings = nil
	d.pending--
	d.horizon = max(d.horizon, gr.retired.until)
	d.forget()
	return true
}

// Wait blocks until the grace period has ended, and is woken by the last participant to pass. When ctx ends first the
// error is a *StragglersError that wraps the cause and names who is behind.
//
// Wait must not be called within a tick: it would wait for that tick. Who does so by mistake is named in the error.
func (gr *Grace[T]) Wait(ctx context.Context) error {
	var behind []Straggler
	if gr.domain.await(ctx, &gr.goal, func() bool {
		for !gr.passed() {
			if behind = gr.look(time.Now()); len(behind) > 0 {
				return false
			}
		}
		return true
	}) {
		return nil
	}
	return &StragglersError{Epoch: gr.retired.epoch, Behind: behind, Cause: context.Cause(ctx)}
}
