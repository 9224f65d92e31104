package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"hotreload/engine"
	"hotreload/engine/state"
	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// pages are the books of all shards in a snapshot of testdata/probe.c.
func pages(t *testing.T, s *state.Snapshot) []books {
	t.Helper()
	all := make([]books, s.Header.Shards)
	for i := range all {
		if err := binary.Read(bytes.NewReader(s.Shard(i)), binary.LittleEndian, &all[i]); err != nil || !s.Born(i) {
			t.Fatalf("shard %d of the snapshot, born %v: %v", i, s.Born(i), err)
		}
	}
	return all
}

// inBytes is a snapshot as it stands in a file.
func inBytes(t *testing.T, s *state.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := s.WriteTo(&b)
	if err != nil || n != s.Size() || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, s.Size(), err)
	}
	return b.Bytes()
}

// TestSnapshotAndRestore: at full speed, while code and workers change, a snapshot shows all shards at its tick, and
// after a restore all of them go on from there.
func TestSnapshotAndRestore(t *testing.T) {
	t.Parallel()
	for _, file := range []bool{false, true} {
		cfg := workshop(t)
		cfg.Shards, cfg.Workers, cfg.Tick = 24, 3, engine.FreeRunning
		if file {
			cfg.StateFile = filepath.Join(t.TempDir(), "state")
		}
		h := start(t, cfg, probe(t))
		h.await(engine.Running)
		var unrest errgroup.Group
		restless, calm := context.WithCancel(t.Context())
		unrest.Go(func() error {
			for n := 0; restless.Err() == nil; n++ {
				if err := h.Resize(1 + n%5); err != nil {
					return err
				}
				if err := h.Reload(restless); err != nil && !errors.Is(err, engine.ErrUnchanged) && restless.Err() == nil {
					return err
				}
			}
			return nil
		})
		take := func() *state.Snapshot {
			t.Helper()
			s, err := h.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		var kept *state.Snapshot
		for range 20 {
			kept = take()
			for i, b := range pages(t, kept) {
				if b.Ticks != int64(kept.Header.Tick) || b.Score != b.Ticks || b.Inits != 1 {
					t.Fatalf("shard %d at tick %d: %+v", i, kept.Header.Tick, b)
				}
			}
		}
		h.reach(kept.Header.Tick + 10)
		done, err := h.Restore(t.Context(), bytes.NewReader(inBytes(t, kept)))
		if err != nil || done.From != kept.Header.Tick || done.Tick < kept.Header.Tick+10 {
			t.Fatalf("restored %+v: %v", done, err)
		}
		after := take()
		behind := int64(done.Tick - done.From)
		for i, b := range pages(t, after) {
			if b.Ticks != int64(after.Header.Tick)-behind || b.Score != b.Ticks || b.Inits != 1 || b.Arrived != 1 {
				t.Fatalf("shard %d at tick %d, restored %+v: %+v", i, after.Header.Tick, done, b)
			}
		}
		calm()
		if err := unrest.Wait(); err != nil {
			t.Error(err)
		}
		h.finish()
		if !file {
			continue
		}
		cfg.Ticks = 1
		for i, b := range start(t, cfg, probe(t)).untilEnded().books() {
			if b.Ticks != b.Score || b.Ticks < int64(done.From) {
				t.Errorf("shard %d in the next run: %+v", i, b)
			}
		}
	}
}

// TestRestoreRefuses: what is no snapshot of this state changes nothing.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Shards = 3
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	good, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := inBytes(t, good)
	changed := func(change func(*state.Header)) []byte {
		header := good.Header
		change(&header)
		return inBytes(t, state.NewSnapshot(header))
	}
	refuse := func(what string, content []byte, as any) {
		t.Helper()
		if _, err := h.Restore(t.Context(), bytes.NewReader(content)); err == nil || !errors.As(err, as) {
			t.Errorf("%s: got %v, expected a %T", what, err, as)
		}
	}
	var broken *state.SnapshotError
	var mismatch *engine.LayoutError
	for n := range len(whole) {
		refuse("cut short", whole[:n], &broken)
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x10
		refuse("a flipped byte", flipped, &broken)
	}
	refuse("followed by something", append(bytes.Clone(whole), 0), &broken)
	refuse("fewer shards", changed(func(h *state.Header) { h.Shards = 2 }), &broken)
	refuse("a larger state", changed(func(h *state.Header) { h.StateSize, h.Layout = 64, state.SizeOnly(64) }), &mismatch)
	refuse("another layout", changed(func(h *state.Header) {
		l, err := state.FromTable(h.StateSize, []state.Entry{{Name: "points", Type: uint32(state.I64), Count: 1}})
		if err != nil {
			t.Fatal(err)
		}
		h.Layout = l
	}), &mismatch)
	gone := errors.New("gone")
	if _, err := h.Restore(t.Context(), io.MultiReader(bytes.NewReader(whole[:len(whole)-1]), failed{gone})); !errors.Is(err, gone) {
		t.Errorf("a reader that fails: %v", err)
	}
	for i, b := range h.books() {
		if b.Ticks != b.Score || b.Left != 0 || b.Arrived != 0 {
			t.Errorf("shard %d has changed: %+v", i, b)
		}
	}
	if _, err := h.Restore(t.Context(), bytes.NewReader(whole)); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := h.Snapshot(t.Context()); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("after the end: %v", err)
	}
}

// failed is a reader that fails.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

func TestNoSnapshotInImmediateMode(t *testing.T) {
	t.Parallel()
	cfg := workshop(t)
	cfg.Swap = epoch.Immediate
	h := start(t, cfg, probe(t))
	h.await(engine.Running)
	if _, err := h.Snapshot(t.Context()); !errors.Is(err, engine.ErrNoCommonTick) {
		t.Errorf("snapshot: %v", err)
	}
	if _, err := h.Restore(t.Context(), bytes.NewReader(nil)); !errors.Is(err, engine.ErrNoCommonTick) {
		t.Errorf("restore: %v", err)
	}
	h.finish()
}
