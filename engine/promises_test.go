package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hotreload/engine"
)

func TestWatchMode(t *testing.T) {
	cfg := workshop(t)
	cfg.WatchMode, cfg.PollInterval = "poll", 5*time.Millisecond
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	if mode := h.Status().Watch; mode != "poll" {
		t.Errorf("watch mode %q, expected poll", mode)
	}
}

func TestNumbers(t *testing.T) {
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DVERSION=2"))
	h.await(engine.Rejected)
	h.deliver(probe(t, "-DSTEP=2"))
	if g := h.swapped(); g.Number != 2 {
		t.Errorf("generation %d, expected 2: numbers grow by one with each publication", g.Number)
	}
}

func TestPinnedErr(t *testing.T) {
	h := start(t, workshop(t), probe(t, "-Wl,-z,nodelete"))
	h.await(engine.Running)
	h.deliver(probe(t, "-DSTEP=2"))
	h.swapped()
	if ev := h.await(engine.Pinned, engine.Reclaimed); ev.Err == nil {
		t.Errorf("expected the reason in Err: %+v", ev)
	}
}

func TestMissingLibrary(t *testing.T) {
	cfg := workshop(t)
	cfg.Watch, cfg.Build = []string{filepath.Join(filepath.Dir(cfg.Watch[0]), "later.so")}, ""
	e, err := engine.New(cfg)
	t.Log(err)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = e.Run(ctx)
	t.Log(err, errors.Is(err, engine.ErrConfig))
}

func TestOutcomeBeforeEvent(t *testing.T) {
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	bad := 0
	for i := range 200 {
		h.deliver(library("no library" + time.Now().String()))
		_ = i
		h.await(engine.Rejected)
		if h.Outcome() == nil {
			bad++
		}
		h.Reload(t.Context())
		h.deliver(probe(t))
		h.await(engine.Unchanged)
		h.outcome(0)
	}
	if bad > 0 {
		t.Errorf("%d of 200: no Outcome when Rejected is seen", bad)
	}
}

func TestTicksAfterEnd(t *testing.T) {
	cfg := workshop(t)
	cfg.Ticks = 10
	h := start(t, cfg, probe(t)).untilEnded()
	h.finish()
	t.Log(h.Status().Ticks)
}
