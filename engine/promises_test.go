package engine_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hotreload/engine"
)

func TestStatusNamesTheWatchModeInUse(t *testing.T) {
	cfg := workshop(t)
	cfg.WatchMode = "poll"
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	if got := h.Status().Watch; got != "poll" {
		t.Fatalf("got %q, want poll", got)
	}
}

func TestGenerationNumbersGrowByOneWithEachPublication(t *testing.T) {
	cfg := workshop(t)
	cfg.Trial = "off" // so that the guard refuses in the host, after the library was opened
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DVERSION=2"))
	h.await(engine.Rejected)
	h.deliver(probe(t, "-DSTEP=2"))
	if got := h.swapped().Number; got != 2 {
		t.Fatalf("the second publication is generation %d", got)
	}
}

func TestAPinnedLibraryComesWithItsReason(t *testing.T) {
	h := start(t, workshop(t), probe(t, "-Wl,-z,nodelete"))
	h.await(engine.Running)
	h.deliver(probe(t, "-DSTEP=2"))
	h.swapped()
	var pinned *engine.PinnedError
	if ev := h.await(engine.Pinned, engine.Reclaimed); !errors.As(ev.Err, &pinned) || pinned.Reason == "" {
		t.Fatalf("no reason: %+v", ev)
	}
}

func TestAMissingLibraryIsAnErrorOfTheConfiguration(t *testing.T) {
	_, err := engine.New(engine.Config{Watch: []string{filepath.Join(t.TempDir(), "later.so")}})
	if !errors.Is(err, engine.ErrConfig) {
		t.Fatalf("got %v, want an error of the configuration", err)
	}
}

func TestTheOutcomeStandsBeforeItsEvent(t *testing.T) {
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	for range 5 {
		h.deliver(library("no library " + time.Now().String()))
		h.await(engine.Rejected)
		if h.Outcome() == nil {
			t.Fatal("Rejected was seen before its outcome")
		}
		h.deliver(probe(t))
		h.await(engine.Unchanged)
	}
}

func TestTicksStayInTheStatusAfterTheEnd(t *testing.T) {
	cfg := workshop(t)
	cfg.Ticks, cfg.Tick = 7, time.Millisecond
	h := start(t, cfg, probe(t))
	h.await(engine.Ended)
	if got := h.Status().Ticks; got != 7 {
		t.Fatalf("%d ticks, want 7", got)
	}
}
