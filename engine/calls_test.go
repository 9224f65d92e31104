package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"hotreload/engine"
	"hotreload/engine/abi"
)

// TestRollback: an earlier artifact runs again as a new generation, on the state as it is.
func TestRollback(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Keep = 2
	h := start(t, cfg, probe(t))
	first := h.await(engine.Running).Generation
	if err := h.Rollback(t.Context(), first.Number); !errors.Is(err, engine.ErrUnchanged) {
		t.Errorf("to what runs already: %v", err)
	}
	if err := h.Rollback(t.Context(), 77); err == nil || engine.ExitCode(err) == engine.ExitSuccess {
		t.Errorf("to a generation that never was: %v", err)
	}
	h.deliver(probe(t, "-DSTEP=2"))
	second := h.swapped()
	h.write("candidate", "no library")
	h.await(engine.Rejected)
	if err := h.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := h.Outcome(); err != nil {
		t.Errorf("outcome after a good rollback: %v, expected none", err)
	}
	third := h.await(engine.RolledBack).Generation
	if third.Hash != first.Hash || third.Number <= second.Number || third.Epoch <= second.Epoch || h.Status().Generation != third {
		t.Errorf("expected the first library as a new generation, got %+v", third)
	}
	h.reach(third.Activation + 5)
	b := h.books()[0]
	counted(t, b, third.Activation-second.Activation)
	if b.Left != 2 || b.Arrived != 2 {
		t.Errorf("expected the hooks at a rollback as well, got %+v", b)
	}
	if err := h.Rollback(t.Context(), 0); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// TestState: a copy of the shards at one and the same tick.
func TestState(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards, cfg.Workers = 9, 3
	h := start(t, cfg, probe(t))
	running := h.await(engine.Running).Generation
	h.reach(5)
	view, err := h.State(t.Context(), 2, 5)
	if err != nil {
		t.Fatal(err)
	}
	if view.First != 2 || len(view.Shards) != 5 || view.Generation != running || view.Tick < 5 || view.Layout == nil {
		t.Errorf("view: %+v", view)
	}
	for i, shard := range view.Shards {
		var b books
		if err := binary.Read(bytes.NewReader(shard), binary.LittleEndian, &b); err != nil || uint64(b.Ticks) != view.Tick {
			t.Errorf("shard %d: expected the state at tick %d, got %+v (%v)", view.First+i, view.Tick, b, err)
		}
	}
	for _, c := range [][2]int{{-1, 1}, {0, 0}, {9, 1}, {5, 5}, {0, engine.MaxViewShards + 1}} {
		var refusal *engine.ShardError
		if _, err := h.State(t.Context(), c[0], c[1]); !errors.As(err, &refusal) {
			t.Errorf("%d shards from %d on: %v", c[1], c[0], err)
		}
	}
	h.finish()
	if _, err := h.State(t.Context(), 0, 1); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// TestPush: a library from elsewhere takes the same way as one that was built here.
func TestPush(t *testing.T) {
	t.Parallel()
	h := start(t, workshop(t), probe(t))
	first := h.await(engine.Running).Generation
	good := probe(t, "-DSTEP=2").dumpingTo(h.dump)
	push := func(p engine.Push, l library) (engine.Generation, error) {
		return h.Push(t.Context(), p, bytes.NewReader(l))
	}

	own := errors.New("not trusted")
	var other *engine.GenerationError
	var large *engine.TooLargeError
	var se *engine.StageError
	var mismatch *abi.Mismatch
	if _, err := push(engine.Push{Accept: func(string) error { return own }}, good); !errors.Is(err, own) {
		t.Errorf("not accepted: %v", err)
	}
	if _, err := push(engine.Push{If: 7}, good); !errors.As(err, &other) || other.Expected != 7 || other.Running != first.Number {
		t.Errorf("meant for another generation: %v", err)
	}
	if _, err := push(engine.Push{Limit: 100}, good); !errors.As(err, &large) {
		t.Errorf("too large: %v", err)
	}
	_, err := push(engine.Push{}, nil)
	refused(t, err, engine.StageInspect, &se, "no bytes")
	_, err = push(engine.Push{Name: "../evil.so"}, library("no library"))
	refused(t, err, engine.StageInspect, &se, "evil.so")
	_, err = push(engine.Push{}, probe(t, "-DVERSION=2"))
	refused(t, err, engine.StageGuard, &mismatch, "api_version")
	h.stillTicks(first)

	second, err := push(engine.Push{Name: "pushed.so", If: first.Number, Accept: func(sum string) error {
		if sum != hash(good) {
			t.Errorf("asked about %s", sum)
		}
		return nil
	}}, good)
	if err != nil || second.Library != "pushed.so" || second.Hash != hash(good) || h.Status().Generation != second {
		t.Fatalf("generation %+v, %v", second, err)
	}
	if _, err := push(engine.Push{}, good); !errors.Is(err, engine.ErrUnchanged) {
		t.Errorf("the same again: %v", err)
	}
	h.reach(second.Activation + 1)
	b := h.books()[0]
	counted(t, b, uint64(b.Ticks)-second.Activation)
	if _, err := push(engine.Push{}, good); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}
