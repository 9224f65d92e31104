package engine

import (
	"maps"
	"slices"
	"sync"
)

// register is the set of hands at work, for the watchdog and for who waits until their threads have ended.
type register struct {
	mu    sync.Mutex
	hands map[*hand]struct{}
}

func (r *register) add(h *hand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hands == nil {
		r.hands = make(map[*hand]struct{})
	}
	r.hands[h] = struct{}{}
}

func (r *register) remove(h *hand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.hands, h)
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
