package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotreload/engine"
	"hotreload/engine/trial"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"
)

// deadline bounds waits that only a bug makes long.
const deadline = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is an engine under test, running until end or the end of the test.
type host struct {
	*engine.Engine
	t       *testing.T
	dir     string // of the sources
	dump    string // where the plugin's shutdown puts the state
	rundir  string
	events  <-chan engine.Event
	history []engine.Event // taken from events
	cancel  context.CancelFunc
	group   errgroup.Group
}

// workshop returns a Config whose build takes no compiler: it copies the file candidate, which deliver replaces.
// The debounce is short because deliver never leaves anything half done. Candidates are loaded without a trial, which
// costs a process each; what atelier makes tries them.
func workshop(t *testing.T) engine.Config {
	t.Helper()
	return engine.Config{
		Watch: []string{filepath.Join(t.TempDir(), "candidate")}, Build: "cp candidate logic.so",
		Tick: time.Millisecond, Debounce: 2 * time.Millisecond, ProbationTicks: 2, Trial: trial.Off,
	}
}

// start runs an engine on cfg in the directory of the first watched file, where the given library is the candidate; an
// empty one leaves the directory as it is.
func start(t *testing.T, cfg engine.Config, first library, options ...engine.Option) *host {
	t.Helper()
	private := t.TempDir()
	h := &host{
		t: t, dir: filepath.Dir(cfg.Watch[0]), rundir: filepath.Join(private, "run"), dump: filepath.Join(private, "dump"),
	}
	if cfg.Dir == "" {
		cfg.Dir = h.dir
	}
	cfg.RunDir = h.rundir
	if err := os.Mkdir(cfg.RunDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if len(first) > 0 {
		h.deliver(first)
	}
	e, err := engine.New(cfg, options...)
	if err != nil {
		t.Fatal(err)
	}
	h.Engine = e
	h.events, _ = e.Events(1 << 12)
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	h.group.Go(func() error { return e.Run(ctx) })
	t.Cleanup(func() { _ = h.end() })
	return h
}

// end ends the run, if it has not ended yet, and returns the error of Run. All events are in h.history then.
func (h *host) end() error {
	h.cancel()
	err := h.group.Wait()
	for ev := range h.events {
		h.history = append(h.history, ev)
	}
	return err
}

// finish ends the run and fails the test if it ended badly.
func (h *host) finish() {
	h.t.Helper()
	if err := h.end(); err != nil {
		h.t.Errorf("Run: %v", err)
	}
}

// await returns the next event of one of the given kinds.
func (h *host) await(kinds ...engine.Kind) engine.Event {
	h.t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case ev, open := <-h.events:
			if !open {
				h.t.Fatalf("Run returned %v; expected an event %q; so far: %v", h.group.Wait(), kinds, h.kinds())
			}
			h.history = append(h.history, ev)
			if slices.Contains(kinds, ev.Kind) {
				return ev
			}
		case <-timeout:
			h.t.Fatalf("no event %q within %v; so far: %v; status: %+v", kinds, deadline, h.kinds(), h.Status())
		}
	}
}

// verdict returns the next event that ends a change.
func (h *host) verdict() engine.Event {
	h.t.Helper()
	return h.await(engine.Running, engine.Swapped, engine.Unchanged, engine.Rejected)
}

// swapped waits for the verdict and returns the generation, which must be the given one.
func (h *host) swapped() engine.Generation {
	h.t.Helper()
	ev := h.verdict()
	if ev.Kind != engine.Swapped {
		h.t.Fatalf("expected a swap, got %s: %v", ev.Kind, ev.Err)
	}
	return ev.Generation
}

// kinds are those of the events taken so far.
func (h *host) kinds() []engine.Kind {
	var kinds []engine.Kind
	for _, ev := range h.history {
		kinds = append(kinds, ev.Kind)
	}
	return kinds
}

// count returns how many events of one kind were taken.
func (h *host) count(kind engine.Kind) (n int) {
	for _, ev := range h.history {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// reach waits until every shard has completed n ticks.
func (h *host) reach(n uint64) {
	h.t.Helper()
	eventually(h.t, "the ticks go on", func() bool { return h.Status().Ticks >= n })
}

// stillTicks checks that the running generation is the given one, untouched: it goes on.
func (h *host) stillTicks(g engine.Generation) {
	h.t.Helper()
	status := h.Status()
	if !status.Running || status.Generation != g {
		h.t.Errorf("running: %v, generation %+v; expected %+v", status.Running, status.Generation, g)
	}
	h.reach(status.Ticks + 5)
}

// outcome waits until the outcome of the last reload has the given exit code.
func (h *host) outcome(code int) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("an outcome with exit code %d", code), func() bool { return engine.ExitCode(h.Outcome()) == code })
}

// write puts a file into the directory of the sources, whole: nobody ever sees half of it.
func (h *host) write(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(temporary, path); err != nil {
		h.t.Fatal(err)
	}
}

// deliver makes the library the candidate. Its shutdown will append to h.dump.
func (h *host) deliver(l library) {
	h.t.Helper()
	h.write("candidate", string(l.dumpingTo(h.dump)))
}

// read returns the content of a file in the directory of the sources, "" while it is not there.
func (h *host) read(name string) string {
	h.t.Helper()
	content, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	return string(content)
}

// remove removes a file from the directory of the sources.
func (h *host) remove(name string) {
	h.t.Helper()
	if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
		h.t.Fatal(err)
	}
}

// books is the state_t of testdata/probe.c.
type books struct {
	Ticks, Score         int64
	Time                 float64
	Seed                 uint64
	Inits, Left, Arrived int32
	Step                 int32
}

// books ends the run and returns the final state of each shard, sorted by seed.
func (h *host) books() []books {
	h.t.Helper()
	h.finish()
	content, err := os.ReadFile(h.dump)
	if err != nil {
		h.t.Fatalf("the plugin's shutdown left no state: %v", err)
	}
	shards := make([]books, h.Status().Shards)
	if want := binary.Size(shards); len(content) != want {
		h.t.Fatalf("expected shutdown once for each of %d shards, %d bytes in all, got %d", len(shards), want, len(content))
	}
	if err := binary.Read(bytes.NewReader(content), binary.LittleEndian, shards); err != nil {
		h.t.Fatal(err)
	}
	slices.SortFunc(shards, func(a, b books) int { return bytes.Compare(a.key(), b.key()) })
	return shards
}

func (b books) key() []byte { return binary.BigEndian.AppendUint64(nil, b.Seed) }

// eventually polls condition until it holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !condition(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
		time.Sleep(time.Millisecond)
	}
}

// untilEnded waits until the run has ended by itself, after Config.Ticks.
func (h *host) untilEnded() *host {
	h.t.Helper()
	h.await(engine.Ended)
	return h
}

// refused checks that err is a refusal by the given stage, finds the stage's own error in it and the given words.
func refused[E error](t *testing.T, err error, stage engine.Stage, own *E, words ...string) {
	t.Helper()
	var se *engine.StageError
	if !errors.As(err, &se) || se.Stage != stage {
		t.Fatalf("expected a *StageError of stage %s, got %T: %v", stage, err, err)
	}
	if !errors.As(err, own) {
		t.Fatalf("expected a %T, got %T: %v", *own, se.Err, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("expected %q in the error, got: %v", word, err)
		}
	}
}

// counted checks the books of a shard of which doubled ticks added 2 to the score, and the others 1.
func counted(t *testing.T, b books, doubled uint64) {
	t.Helper()
	if b.Ticks == 0 || b.Score != b.Ticks+int64(doubled) || b.Inits != 1 {
		t.Errorf("expected a tick to add 1, and 2 at %d of them, and init once; got %+v", doubled, b)
	}
}

// under returns h for the use of a subtest.
func (h *host) under(t *testing.T) *host {
	outer := h.t
	h.t = t
	t.Cleanup(func() { h.t = outer })
	return h
}
