package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"hotreload/engine"
	"hotreload/epoch"

	"golang.org/x/sync/errgroup"
)

// manyTimes is how often the code is changed for equal code in one run.
const manyTimes = 50

// TestStateIsTheSameToTheBit: the state after so many ticks depends on the seed alone, not on the workers, and not on
// how often the code was changed for equal code meanwhile.
func TestStateIsTheSameToTheBit(t *testing.T) {
	t.Parallel()
	for _, sample := range []struct {
		source string
		size   int // of its state
	}{
		{"logic.c", 16},
		{"flock.c", 8 + 8 + 4*4 + 4*64*4},
	} {
		t.Run(sample.source, func(t *testing.T) {
			t.Parallel()
			l := compile(t, "testdata/dumped.c", `-DSAMPLE="`+sample.source+`"`)
			runs := []*samplerun{
				{workers: 1, swaps: 0},
				{workers: 1, swaps: manyTimes},
				{workers: 4, swaps: 0},
				{workers: 4, swaps: manyTimes},
				{workers: 3, swaps: manyTimes, mode: epoch.Immediate},
			}
			// A run must be long enough for all the swaps: when it was not, on a busy machine, all are repeated.
			for ticks := uint64(1000); !runAll(t, runs, l, ticks); ticks *= 3 {
				if ticks > 50000 {
					t.Fatalf("no time for %d swaps in %d ticks", manyTimes, ticks)
				}
			}
			want := runs[0].state(t, sample.size)
			for _, r := range runs[1:] {
				if got := r.state(t, sample.size); !bytes.Equal(got, want) {
					t.Errorf("%v: another state than %v", r, runs[0])
				}
			}
		})
	}
}

// samplerun is one of the runs that must come to the same end.
type samplerun struct {
	workers, swaps int
	mode           epoch.Mode
	host           *host
}

func (r *samplerun) String() string {
	return fmt.Sprintf("%d workers, %d swaps, %v", r.workers, r.swaps, r.mode)
}

const sampleShards = 6

// runAll runs all of them side by side and tells whether each came to all of its swaps.
func runAll(t *testing.T, runs []*samplerun, l library, ticks uint64) bool {
	t.Helper()
	for _, r := range runs {
		cfg := onDemand(t)
		cfg.Shards, cfg.Workers, cfg.Swap = sampleShards, r.workers, r.mode
		cfg.Ticks, cfg.Seed = ticks, 123
		r.host = start(t, cfg, l)
	}
	var swapping errgroup.Group
	for _, r := range runs {
		r.host.await(engine.Running)
		versions := make([]library, r.swaps)
		for i := range versions {
			versions[i] = l.stamped(fmt.Sprintf("version %d", i)).dumpingTo(r.host.dump)
		}
		swapping.Go(func() error { return r.host.swap(versions) })
	}
	err := swapping.Wait()
	for _, r := range runs {
		r.host.untilEnded().finish()
	}
	if errors.Is(err, engine.ErrNotRunning) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if s := r.host.Status(); s.Swaps != uint64(r.swaps) || s.Rejections != 0 {
			t.Fatalf("%v: %+v", r, s)
		}
	}
	return true
}

// swap makes each version the candidate and has it taken.
func (h *host) swap(versions []library) error {
	for _, v := range versions {
		if err := os.WriteFile(h.dir+"/candidate", v, 0o600); err != nil {
			return err
		}
		if err := h.Reload(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// state returns the final states of all shards, in an order that depends on them alone.
func (r *samplerun) state(t *testing.T, size int) []byte {
	t.Helper()
	content, err := os.ReadFile(r.host.dump)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) != sampleShards*size {
		t.Fatalf("%v: %d bytes of state, expected %d times %d", r, len(content), sampleShards, size)
	}
	shards := slices.Collect(slices.Chunk(content, size))
	slices.SortFunc(shards, bytes.Compare)
	return bytes.Join(shards, nil)
}
