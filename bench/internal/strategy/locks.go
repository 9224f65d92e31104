package strategy

import (
	"errors"
	"sync"
	"time"

	"hotreload/epoch"
	"hotreload/workers"
)

// locked is a simulation whose ticks hold a read lock.
type locked struct {
	*simulation
	mu       sync.RWMutex
	current  *code // under mu
	prepared bool  // load before the lock and drop after it
}

type lockedHand struct {
	*base
	run *locked
}

// Tick implements workers.Hand.
func (h lockedHand) Tick(_ *code, s workers.Span, tick uint64) {
	h.run.mu.RLock()
	h.base.run(h.run.current, s, tick)
	h.run.mu.RUnlock()
}

func stopWorld(l Load, path string, meter func(int) Meter) (Run, error) {
	return startLocked(&locked{}, l, path, meter)
}

func prepared(l Load, path string, meter func(int) Meter) (Run, error) {
	return startLocked(&locked{prepared: true}, l, path, meter)
}

func startLocked(r *locked, l Load, path string, meter func(int) Meter) (Run, error) {
	first, err := loadBare(path)
	if err != nil {
		return nil, err
	}
	r.current = first
	r.simulation, err = newSimulation(l, epoch.Immediate, first, meter, func(b *base) workers.Hand[*code] { return lockedHand{b, r} })
	if err != nil {
		return nil, errors.Join(err, first.bare.Close())
	}
	return r, nil
}

// Swap implements Run.
func (r *locked) Swap(path string) (took Swapped, err error) {
	start := time.Now()
	if !r.prepared {
		r.mu.Lock()
		r.current, err = replaceBare(r.current, path)
		r.mu.Unlock()
		took.Publish = time.Since(start)
		return took, err
	}
	next, err := loadBare(path)
	if err != nil {
		return took, err
	}
	loaded := time.Now()
	r.mu.Lock()
	old := r.current
	r.current = next
	r.mu.Unlock()
	exchanged := time.Now()
	err = old.bare.Close()
	return Swapped{
		Prepare: loaded.Sub(start), Publish: exchanged.Sub(loaded), Reclaim: time.Since(exchanged),
	}, err
}

// Stop implements Run.
func (r *locked) Stop() error { return errors.Join(r.stop(r.current), r.current.bare.Close()) }
