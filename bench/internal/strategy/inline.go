package strategy

import (
	"errors"
	"sync/atomic"
	"time"

	"hotreload/epoch"
	"hotreload/workers"
)

// inlined is a simulation of one worker, which swaps by itself when it is asked to.
type inlined struct {
	*simulation
	asked   atomic.Pointer[string]
	done    chan error
	current *code // of the worker, and of Stop after it
}

type inlinedHand struct {
	*base
	run *inlined
}

// Tick implements workers.Hand.
func (h inlinedHand) Tick(_ *code, s workers.Span, tick uint64) {
	r := h.run
	if path := r.asked.Load(); path != nil {
		r.asked.Store(nil)
		next, err := replaceBare(r.current, *path)
		if err == nil {
			r.current = next
		}
		r.done <- err
	}
	h.base.run(r.current, s, tick)
}

func inline(l Load, path string, meter func(int) Meter) (Run, error) {
	if l.Workers != 1 {
		return nil, errors.New("inline: expected one worker: nobody else may be in the code that it drops")
	}
	first, err := loadBare(path)
	if err != nil {
		return nil, err
	}
	r := &inlined{current: first, done: make(chan error, 1)}
	r.simulation, err = newSimulation(l, epoch.Immediate, first, meter, func(b *base) workers.Hand[*code] { return inlinedHand{b, r} })
	if err != nil {
		return nil, errors.Join(err, first.bare.Close())
	}
	return r, nil
}

// Swap implements Run.
func (r *inlined) Swap(path string) (Swapped, error) {
	start := time.Now()
	r.asked.Store(&path)
	err := <-r.done
	return Swapped{Publish: time.Since(start)}, err
}

// Stop implements Run.
func (r *inlined) Stop() error { return errors.Join(r.stop(r.current), r.current.bare.Close()) }
