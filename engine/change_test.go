package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotreload/engine"
)

// gated is a build that writes its process into the file builds and, while the file gate is there, waits. It notes in
// the file overlap when the build before it has not ended.
const gated = `! kill -0 $(tail -n 1 builds) 2>&- || echo $$ >> overlap; echo $$ >> builds; while test -e gate; do sleep 0.01; done; cp candidate logic.so`

// builds returns how many times the gated build has begun, and how many of those run.
func (h *host) builds() (began, running int) {
	h.t.Helper()
	for line := range strings.Lines(h.read("builds")) {
		process, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			h.t.Fatal(err)
		}
		began++
		if syscall.Kill(process, 0) == nil {
			running++
		}
	}
	return began, running
}

// begun waits until the gated build has begun n times.
func (h *host) begun(n int) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("build %d begins", n), func() bool { began, _ := h.builds(); return began == n })
}

// idle waits until no build runs.
func (h *host) idle() {
	h.t.Helper()
	eventually(h.t, "no build runs", func() bool { _, running := h.builds(); return running == 0 })
}

// TestEditDuringASlowBuildRestartsIt: the newest sources win, with one swap, whatever was saved in between.
func TestEditDuringASlowBuildRestartsIt(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Build = gated
	cfg.Library = "logic.so"
	h := start(t, cfg, probe(t))
	h.await(engine.Running)

	h.write("gate", "")
	for i, step := range []string{"-DSTEP=2", "-DSTEP=3", "-DSTEP=4"} {
		h.deliver(probe(t, step))
		h.begun(i + 2)
	}
	if h.read("overlap") != "" {
		t.Error("expected each build to have ended before the next began")
	}
	h.remove("gate")
	second := h.swapped()
	h.reach(second.Activation + 5)

	// Nothing is left of the builds that were stopped: the next change is the next swap.
	h.deliver(probe(t, "-DSTEP=5"))
	third := h.swapped()
	if third.Number != second.Number+1 || h.Status().Swaps != 2 || h.count(engine.Built) != 3 {
		t.Errorf("expected one swap a change, got %v, %+v", h.kinds(), h.Status())
	}
	h.reach(third.Activation + 5)
	if b := h.books()[0]; b.Left != 2 || b.Step != 5 || b.Score != int64(second.Activation+4*(third.Activation-second.Activation))+5*(b.Ticks-int64(third.Activation)) {
		t.Errorf("expected steps of 1, 4 and 5 with changes at ticks %d and %d, got %+v", second.Activation, third.Activation, b)
	}
}

// TestBurstThatEndsWhereItBeganCausesNoSwap: saved and taken back before the build has ended.
func TestBurstThatEndsWhereItBeganCausesNoSwap(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Build, cfg.Library, cfg.Debounce = gated, "logic.so", 200*time.Millisecond
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation

	h.write("gate", "")
	h.deliver(probe(t, "-DSTEP=2"))
	h.begun(2)
	h.deliver(probe(t))
	// It may be that what came back begins a build as well, which is dropped.
	eventually(t, "the build is stopped", func() bool { began, running := h.builds(); return running == 0 || began > 2 })
	h.remove("gate")
	h.idle()
	h.stillTicks(first)

	h.deliver(probe(t, "-DSTEP=3"))
	ev := h.verdict()
	if h.count(engine.Changed) > 1 && ev.Kind == engine.Unchanged { // on a busy machine they were two bursts
		ev = h.verdict()
	}
	second := ev.Generation
	if ev.Kind != engine.Swapped || second.Number != 2 || h.Status().Swaps != 1 {
		t.Fatalf("expected nothing but one swap, got %v, %+v", h.kinds(), h.Status())
	}
	h.reach(second.Activation + 5)
	if b := h.books()[0]; b.Left != 1 || b.Step != 3 {
		t.Errorf("expected one change of code, to a step of 3, got %+v", b)
	}
}

// TestRemovalRestartsTheBuild: a build that began before a source was removed has read what is no longer there.
func TestRemovalRestartsTheBuild(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	header := filepath.Join(filepath.Dir(cfg.Watch[0]), "header")
	if err := os.WriteFile(header, []byte("here"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Watch = append(cfg.Watch, header)
	cfg.Build = `test -e header && was=yes; ` + strings.Replace(gated, "cp ", "test -n \"$was\" && cp ", 1)
	cfg.Library, cfg.Debounce = "logic.so", 20*time.Millisecond
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation

	h.write("gate", "")
	h.deliver(probe(t, "-DSTEP=2"))
	h.begun(2)
	h.remove("header")
	for !slices.Contains(h.await(engine.Changed).Paths, header) { // the edit may have been a burst of its own
	}
	h.remove("gate")
	if ev := h.verdict(); ev.Kind != engine.Rejected {
		t.Errorf("expected the failure of a build without the header, got %s", ev.Kind)
	}
	h.stillTicks(first)
	h.finish()
}

// TestSameBytesAgainAreUnchanged: a comment makes no other library.
func TestSameBytesAgainAreUnchanged(t *testing.T) {
	t.Parallel()
	h, first := startSample(t, atelier(t))
	h.write("logic.c", sample(t, h)+"/* a remark at the end */\n")
	ev := h.verdict()
	if ev.Kind != engine.Unchanged || ev.Generation != first {
		t.Fatalf("expected the running generation unchanged, got %s of %+v", ev.Kind, ev.Generation)
	}
	h.outcome(engine.ExitSuccess)
	h.stillTicks(first)
	if b := h.books()[0]; b.Left != 0 || b.Arrived != 0 {
		t.Errorf("expected no change of code, got %+v", b)
	}
}

// TestEditOfAHeaderRebuilds: nobody named the header; the compiler tells that it went into the library.
func TestEditOfAHeaderRebuilds(t *testing.T) {
	t.Parallel()
	cfg := atelier(t)
	header := filepath.Join(filepath.Dir(cfg.Watch[0]), "rules.h")
	if err := os.WriteFile(header, []byte("#define BONUS 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Build = strings.Replace(cfg.Build, "cc ", "cc -DRULES ", 1)
	h, _ := startSample(t, cfg)
	for i, bonus := range []string{"10", "20"} { // also the second time
		h.write("rules.h", "#define BONUS "+bonus+"\n")
		if paths := h.await(engine.Changed).Paths; !slices.Equal(paths, []string{header}) {
			t.Errorf("expected a change of %s, got %v", header, paths)
		}
		if g := h.swapped(); g.Number != uint64(i)+2 {
			t.Errorf("expected one swap a change, got generation %d", g.Number)
		}
	}
	h.stillTicks(h.Status().Generation)
	if b := h.books()[0]; b.Score <= b.Ticks {
		t.Errorf("expected a bonus, got %+v", b)
	}
}

// TestPolling: the whole way without inotify.
func TestPolling(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.WatchMode, cfg.PollInterval = "poll", 5*time.Millisecond
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	h.deliver(probe(t, "-DSTEP=2"))
	second := h.swapped()
	h.reach(second.Activation + 1)
	b := h.books()[0]
	counted(t, b, uint64(b.Ticks)-second.Activation)
}

// TestLibraryBuiltBySomebodyElse: without a build command the library is its own source.
func TestLibraryBuiltBySomebodyElse(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	path := filepath.Join(filepath.Dir(cfg.Watch[0]), "other.so")
	cfg.Watch, cfg.Build = []string{path}, ""
	if err := os.WriteFile(path, probe(t), 0o600); err != nil {
		t.Fatal(err)
	}
	h := start(t, cfg, nil)
	if g := h.await(engine.Running).Generation; g.Library != "other.so" {
		t.Errorf("library %q", g.Library)
	}
	h.write("other.so", string(probe(t, "-DSTEP=2").dumpingTo(h.dump)))
	second := h.swapped()
	h.write("other.so", "half a libr")
	if ev := h.verdict(); ev.Kind != engine.Rejected {
		t.Errorf("expected a refusal, got %s", ev.Kind)
	}
	h.stillTicks(second)
	b := h.books()[0]
	counted(t, b, uint64(b.Ticks)-second.Activation)
}
