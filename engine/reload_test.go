package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"hotreload/engine"

	"golang.org/x/sync/errgroup"
)

// onDemand returns a workshop whose candidate is not watched: only Reload takes it.
func onDemand(t *testing.T) engine.Config {
	t.Helper()
	cfg := workshop(t)
	source := filepath.Join(filepath.Dir(cfg.Watch[0]), "source")
	if err := os.WriteFile(source, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Watch = []string{source}
	return cfg
}

func TestReload(t *testing.T) {
	t.Parallel()
	h := start(t, onDemand(t), probe(t))
	first := h.await(engine.Running).Generation
	if err := h.Reload(t.Context()); !errors.Is(err, engine.ErrUnchanged) {
		t.Errorf("the same library again: %v", err)
	}
	h.deliver(probe(t, "-DSTEP=2"))
	if err := h.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := h.Status().Generation // the verdict comes after the publication
	if second.Number != first.Number+1 {
		t.Errorf("generation %+v after %+v", second, first)
	}
	h.deliver(library("no library"))
	var se *engine.StageError
	refused(t, h.Reload(t.Context()), engine.StageInspect, &se)
	h.stillTicks(second)

	// A caller that gives up leaves the reload alone.
	h.deliver(probe(t))
	cause := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := h.Reload(ctx); err != nil && !errors.Is(err, cause) {
		t.Errorf("expected the cause, got %v", err)
	}
	if err := h.Reload(t.Context()); err != nil && !errors.Is(err, engine.ErrUnchanged) {
		t.Error(err)
	}
	third := h.Status().Generation
	h.reach(third.Activation + 1)
	counted(t, h.books()[0], third.Activation-second.Activation)
}

func TestReloadNeedsARunningEngine(t *testing.T) {
	t.Parallel()
	cfg := withSource(t, workshop(t))
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Reload(t.Context()); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("before Run: %v", err)
	}
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.finish()
	if err := h.Reload(t.Context()); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after Run: %v", err)
	}
}

// TestConcurrentReloads: each caller gets a verdict, and all of them together no more swaps than there are libraries.
func TestConcurrentReloads(t *testing.T) {
	t.Parallel()
	h := start(t, onDemand(t), probe(t))
	h.await(engine.Running)
	var swaps, unchanged atomic.Int64
	for i := range 4 {
		h.deliver(probe(t).stamped(string('a' + rune(i))))
		var callers errgroup.Group
		for range 8 {
			callers.Go(func() error {
				err := h.Reload(context.Background())
				switch {
				case err == nil:
					swaps.Add(1)
				case errors.Is(err, engine.ErrUnchanged):
					unchanged.Add(1)
				default:
					return err
				}
				return nil
			})
		}
		if err := callers.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.Status().Swaps; n != 4 || swaps.Load() < 4 || swaps.Load()+unchanged.Load() != 32 {
		t.Errorf("%d swaps, reported to %d callers, unchanged to %d; expected 4 swaps and 32 verdicts", n, swaps.Load(), unchanged.Load())
	}
	h.stillTicks(h.Status().Generation)
	if b := h.books()[0]; b.Score != b.Ticks || b.Left != 4 {
		t.Errorf("expected the score of 4 swaps of equal code, got %+v", b)
	}
}

// TestReloadAtTheEndIsAnswered: a call that comes as the run ends does not wait for ever.
func TestReloadAtTheEndIsAnswered(t *testing.T) {
	t.Parallel()
	cfg := onDemand(t)
	cfg.Build = "test ! -e stuck || sleep 1000; " + cfg.Build
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.write("stuck", "")
	var callers errgroup.Group
	for range 4 {
		callers.Go(func() error {
			if err := h.Reload(context.Background()); !errors.Is(err, engine.ErrNotRunning) {
				return errors.Join(errors.New("expected ErrNotRunning"), err)
			}
			return nil
		})
	}
	h.finish()
	if err := callers.Wait(); err != nil {
		t.Error(err)
	}
}
