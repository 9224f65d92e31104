package epoch

import (
	"context"
	"slices"
	"sync/atomic"
)

// goal is what a waiter wants participants to reach. Having reached it is for good.
type goal[T any] struct {
	tick uint64                    // for all participants, when each is nil
	each map[*Participant[T]]*need // for those alone; the map is read-only once built
}

// need is what one participant must reach: a tick, or when parking is set being parked after the goal was made.
type need struct {
	tick    atomic.Uint64 // 0 when the participant was seen parked and that is enough: it may not stay so
	parking bool
}

// target returns the tick that p must reach: 0, which all have, when nothing is wanted of p.
func (g *goal[T]) target(p *Participant[T]) uint64 {
	if g.each == nil {
		return g.tick
	}
	if n := g.each[p]; n != nil {
		return n.tick.Load()
	}
	return 0
}

// reachedBy tells whether p has, and takes note when being parked is what does it.
func (g *goal[T]) reachedBy(p *Participant[T]) bool {
	s, target := p.word.Load(), g.target(p)
	if s&^parked >= target {
		return true
	}
	if n := g.each[p]; s&parked != 0 && n != nil && n.parking {
		n.tick.Store(0)
		return true
	}
	return false
}

func (g *goal[T]) reached(list []*Participant[T]) bool {
	for _, p := range list {
		if !g.reachedBy(p) {
			return false
		}
	}
	return true
}

// waiter is one goroutine in await.
type waiter[T any] struct {
	goal *goal[T]
	c    chan struct{} // capacity 1: a kick is kept for a waiter that does not sleep yet
}

// kick tells whether it was the first since the waiter looked.
func (w *waiter[T]) kick() bool {
	select {
	case w.c <- struct{}{}:
		return true
	default:
		return false
	}
}

// await blocks until done, called under mu, returns true: then it does so too. When ctx ends first the result is false.
// done may hold back for nothing but participants that have not reached g.
func (d *Domain[T]) await(ctx context.Context, g *goal[T], done func() bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done() {
		return true
	}
	w := &waiter[T]{goal: g, c: make(chan struct{}, 1)}
	list := append(slices.Clip(*d.waiters.Load()), w)
	d.waiters.Store(&list)
	defer func() {
		list := slices.DeleteFunc(slices.Clone(*d.waiters.Load()), func(x *waiter[T]) bool { return x == w })
		d.waiters.Store(&list)
	}()
	// List, then wanted, then scan: pairs with End and Park, which store the slot, load wanted, then load the list, and
	// with tell, which raises wanted before it loads the list. Who passes after this scan has missed him finds wanted
	// lowered and w listed. Who joins finds w listed, under mu.
	for _, p := range *d.participants.Load() {
		p.watch(g)
	}
	for !done() {
		d.mu.Unlock()
		select {
		case <-w.c:
			d.mu.Lock()
		case <-ctx.Done():
			d.mu.Lock()
			return done()
		}
	}
	return true
}
