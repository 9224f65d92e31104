package call

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hotreload/bench/internal/cgocall"
	"hotreload/bench/internal/plugin"
	"hotreload/engine"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func library(t testing.TB) (path string) {
	t.Helper()
	dir := t.TempDir()
	template, err := plugin.Compile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "test.so")
	if err := template.Stamp(path, 1); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNativeCallsDoNotAllocate(t *testing.T) {
	b, err := openBench(library(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, shards := range []int{1, batchShards} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			if n := testing.AllocsPerRun(100, func() {
				must(b.thread.Tick(b.library, b.tick, b.arena.Base(), b.arena.Stride(), shards, dt))
			}); n != 0 {
				t.Errorf("%v allocations a call, expected none", n)
			}
		})
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}

// Looking at the engine allocates, ticking must not: the more ticks between two looks, the fewer allocations a tick.
func TestEngineTicksDoNotAllocate(t *testing.T) {
	for _, shards := range []int{1, batchShards} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			const ticks, looks = 20_000, 200 // a look is an allocation or two
			err := runEngine(t.Context(), library(t), t.TempDir(), shards, func(e *engine.Engine) error {
				fewest := ^uint64(0) // of what else goes on in the process, some attempt is free
				for range 3 {
					var before, after runtime.MemStats
					end := e.Status().Ticks + ticks
					runtime.ReadMemStats(&before)
					for e.Status().Ticks < end {
						time.Sleep(time.Millisecond)
					}
					runtime.ReadMemStats(&after)
					fewest = min(fewest, after.Mallocs-before.Mallocs)
				}
				if fewest > ticks/looks*10 {
					t.Errorf("%d allocations in %d ticks, expected only those of the observer", fewest, ticks)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEveryWayCallsTheSameTick(t *testing.T) {
	b, err := openBench(library(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range b.ways() {
		t.Run(w.String(), func(t *testing.T) {
			s := plugin.StateOf(b.arena.Shard(0))
			*s = plugin.State{}
			if _, err := w.turn(time.Microsecond); err != nil {
				t.Fatal(err)
			}
			if s.Ticks == 0 || s.Build != 1 || s.Time <= 0 {
				t.Errorf("%+v, expected ticks by build 1", *s)
			}
		})
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}

func TestMeasureComparesAllWays(t *testing.T) {
	r, err := Measure(t.Context(), Options{Rounds: 2, Turn: 50 * time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	want := len(comparisons)
	if !cgocall.Available {
		for _, c := range comparisons {
			if c.Of.Name == Cgo || c.To.Name == Cgo {
				want--
			}
		}
	}
	if len(r.Ratios) != want {
		t.Errorf("%d ratios, expected %d: %+v", len(r.Ratios), want, r.Ratios)
	}
	for _, c := range r.Costs {
		if c.Nanoseconds.N != 2 || c.Nanoseconds.Min <= 0 {
			t.Errorf("%s: %+v, expected two positive samples", c.Way, c.Nanoseconds)
		}
	}
}

func BenchmarkWays(b *testing.B) {
	for b.Loop() {
		r, err := Measure(context.Background(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, x := range r.Ratios {
			if x.Target != 0 {
				unit := fmt.Sprintf("%s(%d)/%s(%d)", x.Of.Name, x.Of.Shards, x.To.Name, x.To.Shards)
				b.ReportMetric(x.Ratio.Median, strings.ReplaceAll(unit, " ", "-"))
			}
		}
	}
}
