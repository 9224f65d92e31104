package strategy

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"hotreload/epoch"
	"hotreload/workers"
)

// paused is a simulation whose workers stop at a gate before a tick when it is shut.
type paused struct {
	*simulation
	gate    atomic.Pointer[gate]
	current *code // written while all workers wait at the gate, read by them between gates
}

// gate holds each worker once.
type gate struct {
	arrived sync.WaitGroup
	open    chan struct{}
}

type pausedHand struct {
	*base
	run *paused
}

// Tick implements workers.Hand.
func (h pausedHand) Tick(_ *code, s workers.Span, tick uint64) {
	if g := h.run.gate.Load(); g != nil {
		g.arrived.Done()
		<-g.open
	}
	h.base.run(h.run.current, s, tick)
}

func pause(l Load, path string, meter func(int) Meter) (Run, error) {
	first, err := loadBare(path)
	if err != nil {
		return nil, err
	}
	r := &paused{current: first}
	// Immediate: in aligned mode a worker that is ahead waits for those at the gate, and never comes there itself.
	r.simulation, err = newSimulation(l, epoch.Immediate, first, meter, func(b *base) workers.Hand[*code] { return pausedHand{b, r} })
	if err != nil {
		return nil, errors.Join(err, first.bare.Close())
	}
	return r, nil
}

// Swap implements Run.
func (r *paused) Swap(path string) (took Swapped, err error) {
	start := time.Now()
	g := &gate{open: make(chan struct{})}
	g.arrived.Add(r.load.Workers)
	r.gate.Store(g)
	g.arrived.Wait()
	r.gate.Store(nil)
	r.current, err = replaceBare(r.current, path)
	close(g.open)
	took.Publish = time.Since(start)
	return took, err
}

// Stop implements Run.
func (r *paused) Stop() error { return errors.Join(r.stop(r.current), r.current.bare.Close()) }
