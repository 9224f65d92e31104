package engine_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"hotreload/engine"
)

// TestEventsComeInTheOrderOfAChange, each with what it is about, and the channel is closed at the end.
func TestEventsComeInTheOrderOfAChange(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DSTEP=2"))
	h.swapped()
	h.await(engine.Reclaimed)
	h.deliver(library("no library"))
	h.await(engine.Rejected)
	h.deliver(probe(t, "-DSTEP=2"))
	h.await(engine.Unchanged)
	h.finish()

	want := []engine.Kind{
		engine.Built, engine.Running,
		engine.Changed, engine.Built, engine.Swapped, engine.Reclaimed,
		engine.Changed, engine.Built, engine.Rejected,
		engine.Changed, engine.Built, engine.Unchanged,
		engine.Ended,
	}
	if !slices.Equal(h.kinds(), want) {
		t.Errorf("got  %v\nwant %v", h.kinds(), want)
	}
	for i, ev := range h.history {
		if ev.Seq != uint64(i)+1 {
			t.Errorf("event %d has Seq %d", i, ev.Seq)
		}
		if i > 0 && ev.Time.Before(h.history[i-1].Time) {
			t.Errorf("%s is older than what came before it", ev.Kind)
		}
		switch ev.Kind {
		case engine.Changed:
			if len(ev.Paths) != 1 || !strings.HasSuffix(ev.Paths[0], "/candidate") {
				t.Errorf("changed: %v", ev.Paths)
			}
		case engine.Running, engine.Reclaimed:
			checkGeneration(t, ev, 1, hash(probe(t).dumpingTo(h.dump)))
		case engine.Swapped, engine.Unchanged:
			checkGeneration(t, ev, 2, hash(probe(t, "-DSTEP=2").dumpingTo(h.dump)))
		case engine.Ended:
			if ev.Err != nil {
				t.Errorf("ended: %v", ev.Err)
			}
		}
	}
	reached := func(ev engine.Event) bool {
		s := ev.Stages
		return s.Build > 0 && s.Inspect > 0 && s.Load > 0 && s.Guard > 0 && s.Publish > 0 && s.Total > s.Build
	}
	if !reached(h.history[1]) || !reached(h.history[4]) {
		t.Errorf("expected the time of every stage, got %+v and %+v", h.history[1].Stages, h.history[4].Stages)
	}
	if s := h.history[8].Stages; s.Inspect == 0 || s.Load != 0 || s.Publish != 0 {
		t.Errorf("expected no time for stages that were not reached, got %+v", s)
	}
	if s := h.history[5].Stages; s.Grace == 0 || s.Reclaim == 0 {
		t.Errorf("expected the time of the grace period and of the reclaim, got %+v", s)
	}
}

func checkGeneration(t *testing.T, ev engine.Event, epoch uint64, hash string) {
	t.Helper()
	g := ev.Generation
	if g.Number != epoch || g.Hash != hash || g.Library != "logic.so" || g.APIVersion != 1 || g.Revision != 1 {
		t.Errorf("%s: %+v, expected number %d and hash %s", ev.Kind, g, epoch, hash)
	}
	if (epoch == 1) != (g.Activation == 0) {
		t.Errorf("%s: generation %d is active from tick %d", ev.Kind, g.Number, g.Activation)
	}
}

// TestSlowSubscriberSeesTheGap, and slows nobody down.
func TestSlowSubscriberSeesTheGap(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	if err := os.WriteFile(cfg.Watch[0], []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, nil)
	h.await(engine.Rejected)
	slow, cancel := h.Events(1)
	defer cancel()
	before := h.history[len(h.history)-1].Seq
	h.deliver(probe(t)) // Changed, Built, Running: the first fills the buffer
	running := h.await(engine.Running)
	first := <-slow
	h.deliver(library("no library either"))
	rejected := h.await(engine.Rejected)
	second := <-slow
	if first.Seq != before+1 || first.Kind != engine.Changed {
		t.Errorf("expected event %d, got %d: %s", before+1, first.Seq, first.Kind)
	}
	if second.Seq <= running.Seq || second.Seq > rejected.Seq || second.Kind != engine.Changed {
		t.Errorf("expected an event between %d and %d, got %d: %s", running.Seq, rejected.Seq, second.Seq, second.Kind)
	}

	// Whoever has cancelled, also twice, hears no more than was on its way; whoever comes after the end hears nothing.
	cancel()
	cancel()
	h.deliver(probe(t))
	h.verdict()
	for ev := range slow {
		if ev.Seq > rejected.Seq {
			t.Errorf("an event after cancel: %s", ev.Kind)
		}
	}
	h.finish()
	late, cancel := h.Events(10)
	defer cancel()
	if ev, open := <-late; open {
		t.Errorf("an event after the end: %s", ev.Kind)
	}
}

// TestStatusFollowsTheGenerations: what was opened is what was closed and what is there.
func TestStatusFollowsTheGenerations(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers = 5, 2
	e, err := engine.New(withSource(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	if s := e.Status(); s.Running || s.Ticks != 0 || s.Generation.Number != 0 || s.Shards != 5 || s.Workers != 2 || s.Outcome != nil {
		t.Errorf("before Run: %+v", s)
	}

	h := start(t, cfg, probe(t))
	running := h.await(engine.Running)
	s := h.Status()
	if !s.Running || s.Generation != running.Generation || len(s.Generations) != 1 || s.Loaded != 1 || s.Reclaimed != 0 || s.Swaps != 0 {
		t.Errorf("first generation: %+v", s)
	}
	for i := range uint64(3) {
		h.deliver(probe(t).stamped(string('a' + rune(i))))
		g := h.swapped()
		// The old one is there until it is reclaimed.
		if s := h.Status(); s.Generation != g || s.Generations[len(s.Generations)-1] != g || s.Swaps != i+1 {
			t.Errorf("after swap %d: %+v", i+1, s)
		}
		reclaimed := h.await(engine.Reclaimed)
		s := h.Status()
		if len(s.Generations) != 1 || s.Generations[0] != g || s.Loaded != i+2 || s.Reclaimed != i+1 || s.Pinned != 0 {
			t.Errorf("after reclaim %d: %+v", i+1, s)
		}
		if reclaimed.Generation.Number >= g.Number {
			t.Errorf("generation %d was reclaimed while %d runs", reclaimed.Generation.Number, g.Number)
		}
	}
	kept := h.Status() // a copy: nothing that happens later changes it
	h.deliver(probe(t, "-DVERSION=3"))
	rejected := h.await(engine.Rejected)
	h.outcome(engine.ExitGuard)
	s = h.Status()
	if s.Rejections != 1 || !sameError(s.Outcome, rejected.Err) || s.Generation != kept.Generation || s.Loaded != s.Reclaimed+1 {
		t.Errorf("after a refusal: %+v", s)
	}
	h.finish()
	if s := h.Status(); s.Running || s.Loaded < 4 || s.Reclaimed != s.Loaded || s.Swaps != 3 {
		t.Errorf("after the end: %+v", s)
	}
	checkNothingLeft(t, h)
}

// TestPinnedLibraryIsCounted: one that cannot be unloaded is no failure, but it is known.
func TestPinnedLibraryIsCounted(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t, "-Wl,-z,nodelete"))
	h.await(engine.Running)
	h.deliver(probe(t, "-DSTEP=2"))
	second := h.swapped()
	pinned := h.await(engine.Pinned, engine.Reclaimed)
	if pinned.Kind != engine.Pinned || pinned.Generation.Number != 1 {
		t.Errorf("expected generation 1 to be pinned, got %s of %+v", pinned.Kind, pinned.Generation)
	}
	if s := h.Status(); s.Pinned != 1 || s.Loaded != 2 || s.Reclaimed != 0 || len(s.Generations) != 1 {
		t.Errorf("expected a pinned library, got %+v", s)
	}
	h.stillTicks(second)
	h.finish()
}

// checkNothingLeft checks that an engine that has ended has no library mapped and no file left.
func checkNothingLeft(t *testing.T, h *host) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, h.rundir) {
			t.Errorf("still mapped: %s", line)
		}
	}
	if entries, err := os.ReadDir(h.rundir); err != nil || len(entries) != 0 {
		t.Errorf("files left in the run directory: %v (%v)", entries, err)
	}
}

// withSource makes the first watched file exist.
func withSource(t *testing.T, cfg engine.Config) engine.Config {
	t.Helper()
	if err := os.WriteFile(cfg.Watch[0], []byte("a source"), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}
