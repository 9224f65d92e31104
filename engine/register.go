package engine

import (
	"maps"
	"slices"
	"sync"

	"hotreload/workers"
)

// register is the set of hands at work, for the watchdog, for who waits until their threads have ended, and for the hands
// that take over from others.
type register struct {
	mu     sync.Mutex
	hands  map[*hand]struct{}
	former map[int]former // by worker, the last hand that was closed
}

// former is a hand that was.
type former struct {
	span workers.Span
	tenure
}

func (r *register) add(h *hand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hands == nil {
		r.hands, r.former = make(map[*hand]struct{}), make(map[int]former)
	}
	r.hands[h] = struct{}{}
}

func (r *register) remove(h *hand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.hands, h)
	r.former[h.span.Worker] = former{h.span, h.tenure}
}

// inherit returns what the hands before knew of the shards of s: they have run their last tick. Where several had them,
// the newest counts.
func (r *register) inherit(s workers.Span) (t tenure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	take := func(span workers.Span, other *tenure) {
		if !span.Overlaps(s) {
			return
		}
		if other.arrived > t.arrived || other.arrived == t.arrived && t.stand == nil {
			t = *other
		}
	}
	for h := range r.hands {
		take(h.span, &h.tenure)
	}
	for _, f := range r.former {
		take(f.span, &f.tenure)
	}
	return t
}

// all returns the hands at work.
func (r *register) all() []*hand {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.hands))
}

// threads returns the operating system's numbers of their threads.
func (r *register) threads() []int {
	var ids []int
	for _, h := range r.all() {
		ids = append(ids, h.thread.ID())
	}
	return ids
}
