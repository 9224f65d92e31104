package strategy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotreload/engine"
	"hotreload/workers"

	"golang.org/x/sync/errgroup"
)

// probation is the engine's default: for so many ticks it keeps the predecessor and copies all shards before each.
const probation = 120

// hosted is a simulation in an Engine with default settings.
type hosted struct {
	engine *engine.Engine
	known  bool
	events <-chan engine.Event
	stop   context.CancelFunc
	group  errgroup.Group
}

// host starts engines with those settings in which cfg differs from the defaults.
func host(cfg engine.Config) func(Load, string, func(int) Meter) (Run, error) {
	return func(l Load, path string, meter func(int) Meter) (Run, error) {
		if l.Period == 0 {
			return nil, errors.New("engine: expected a period: it does not tell of single ticks that run back to back")
		}
		cfg := cfg
		cfg.Watch, cfg.Library, cfg.RunDir = []string{path}, path, filepath.Dir(path)
		cfg.Tick, cfg.Workers, cfg.Shards, cfg.MaxCatchup = l.Period, l.Workers, l.Shards, catchup
		e, err := engine.New(cfg, engine.WithObserver(func(s workers.Span) workers.Observer { return &observer{meter: meter(s.Worker)} }))
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		h := &hosted{engine: e, known: l.Known, stop: stop}
		h.events, _ = e.Events(1 << 10) // until the engine ends
		h.group.Go(func() error { return e.Run(ctx) })
		if _, err := h.await(func(ev engine.Event) bool { return ev.Kind == engine.Running }); err != nil {
			return nil, errors.Join(err, h.Stop())
		}
		return h, nil
	}
}

// await reads events up to the first that is what the caller waits for.
func (h *hosted) await(is func(engine.Event) bool) (engine.Event, error) {
	for ev := range h.events {
		switch {
		case is(ev):
			return ev, nil
		case ev.Kind == engine.Rejected, ev.Kind == engine.Pinned && h.known:
			return ev, fmt.Errorf("%s: %w", ev.Kind, ev.Err)
		}
	}
	return engine.Event{}, errors.New("the engine has ended")
}

// Swap implements Run. It returns when a single generation is left, whichever that is.
func (h *hosted) Swap(path string) (took Swapped, err error) {
	library, err := os.Open(path)
	if err != nil {
		return took, err
	}
	defer func() { _ = library.Close() }()
	if _, err := h.engine.Push(context.Background(), engine.Push{Name: filepath.Base(path)}, library); err != nil {
		return took, err
	}
	swapped, err := h.await(func(ev engine.Event) bool { return ev.Kind == engine.Swapped })
	if err != nil {
		return took, err
	}
	s := swapped.Stages
	took = Swapped{Prepare: s.Inspect + s.Trial + s.Load + s.Guard, Publish: s.Publish}
	began := time.Now()
	_, err = h.await(func(ev engine.Event) bool {
		gone := ev.Kind == engine.Reclaimed || ev.Kind == engine.Pinned
		if gone && took.Reclaim == 0 {
			took.Grace, took.Reclaim = ev.Stages.Grace, ev.Stages.Reclaim
		}
		return gone && len(h.engine.Status().Generations) == 1
	})
	if took.Grace == 0 {
		took.Grace = time.Since(began)
	}
	return took, err
}

// Stop implements Run.
func (h *hosted) Stop() error {
	h.stop()
	return h.group.Wait()
}

// observer tells a meter of single ticks what the engine tells its observers. A tick begins for it when the worker was
// ready for it: what it does on arriving at new code is part of the tick.
type observer struct {
	meter Meter
	tick  uint64
}

// Started implements workers.Observer.
func (*observer) Started(time.Duration) {}

// Ran implements workers.Observer.
func (o *observer) Ran(_ uint64, took time.Duration) {
	end := time.Now()
	o.meter.Tick(o.tick, end.Add(-took), end)
	o.tick++
}
