package strategy

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"hotreload/bench/internal/plugin"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counter counts ticks.
type counter struct{ ticks *atomic.Int64 }

func (c counter) Tick(_ uint64, begin, end time.Time) {
	if end.Before(begin) {
		panic("a tick ended before it began")
	}
	c.ticks.Add(1)
}

func TestEveryStrategySwapsUnderTicks(t *testing.T) {
	dir := t.TempDir()
	template, err := plugin.Compile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := template.StampAll(dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range All {
		for _, load := range []Load{
			{Workers: 1, Shards: 1}, {Workers: 3, Shards: 10}, {Workers: 2, Shards: 64, Period: time.Millisecond},
		} {
			if s.Single {
				load.Workers = 1
			}
			if s.Engine && load.Period == 0 {
				continue
			}
			load.Known = true
			t.Run(fmt.Sprintf("%s/%+v", s.Name, load), func(t *testing.T) {
				var ticks atomic.Int64
				run, err := s.Start(load, paths[0], func(int) Meter { return counter{&ticks} })
				if err != nil {
					t.Fatal(err)
				}
				for t.Context().Err() == nil && ticks.Load() == 0 { // locks can be taken before anybody ticks
					time.Sleep(100 * time.Microsecond)
				}
				swaps := 20
				if s.Engine {
					swaps = 3 // each lasts through its probation
				}
				for i := 1; i <= swaps; i++ {
					took, err := run.Swap(paths[i%len(paths)])
					if err != nil {
						t.Fatal(err)
					}
					if took.Publish <= 0 {
						t.Errorf("%+v, expected the publication to take time", took)
					}
				}
				if err := run.Stop(); err != nil { // looks for lost ticks
					t.Fatal(err)
				}
			})
		}
	}
}
