package engine

import (
	"sync"
	"testing"
	"time"

	"hotreload/workers"
)

func TestLatenessCountsEverything(t *testing.T) {
	const each = 20_000
	l := newLateness()
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for part := range 2 { // the second time after a change of the number of workers
				m := l.observe(workers.Span{Worker: w})
				for i := range each / 2 {
					m.Started(time.Duration(i%100) * time.Microsecond)
					m.Ran(uint64(1+part), time.Duration(1+part)*time.Millisecond)
				}
			}
		})
	}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		last := uint64(0)
		for {
			all, workers := l.summary()
			sum := uint64(0)
			for _, w := range workers {
				sum += w.Late.Count
			}
			if all.Late.Count < last || all.Late.Count != sum {
				t.Errorf("%d ticks after %d; %d by worker", all.Late.Count, last, sum)
			}
			last = all.Late.Count
			select {
			case <-done:
				return
			default:
			}
		}
	})
	group.Wait()
	close(done)
	reader.Wait()
	l.settle()
	for range 2 {
		all, workers := l.summary()
		if all.Worker != -1 || len(workers) != 4 || all.Late.Count != 4*each || all.Took.Count != 4*each*3/2 {
			t.Errorf("%+v of %d workers, expected %d starts and %d ticks", all, len(workers), 4*each, 4*each*3/2)
		}
		for _, d := range []struct {
			name      string
			got, want time.Duration
		}{
			{"late p50", all.Late.P50, 50 * time.Microsecond}, {"late p99", all.Late.P99, 98 * time.Microsecond},
			{"late max", all.Late.Max, 99 * time.Microsecond}, {"took p999", all.Took.P999, time.Millisecond},
		} {
			if off := (d.got - d.want).Abs(); off > d.want/50 {
				t.Errorf("%s: %v, expected about %v", d.name, d.got, d.want)
			}
		}
		for name, d := range map[string]Distribution{"late": all.Late, "took": all.Took} {
			sum := uint64(0)
			for _, n := range d.Octaves {
				sum += n
			}
			if last := len(d.Octaves) - 1; sum != d.Count || d.Max >= time.Microsecond<<last || d.Max < time.Microsecond<<last/2 {
				t.Errorf("%s: octaves %v of %d, the longest %v", name, d.Octaves, d.Count, d.Max)
			}
		}
		if fields := l.fields(); TextOf("for machines", fields) != "" || fields[0].Key != "late" || fields[1].Key != "took" {
			t.Errorf("log fields %+v", fields)
		}
		l.settle() // again changes nothing
	}
}

func TestLatenessAllocatesNothing(t *testing.T) {
	m := newLateness().observe(workers.Span{})
	if n := testing.AllocsPerRun(1000, func() {
		m.Started(time.Hour) // beyond the histogram
		m.Ran(3, 10*time.Microsecond)
	}); n != 0 {
		t.Errorf("%v allocations for a tick", n)
	}
}

func TestLatenessOfNobody(t *testing.T) {
	l := newLateness()
	l.settle()
	if all, workers := l.summary(); all.Late.Count != 0 || all.Took.Max != 0 || workers != nil {
		t.Errorf("%+v %v", all, workers)
	}
}

// Who measures from outside is told of the same ticks as the engine itself.
func TestObserversAreToldTheSame(t *testing.T) {
	mine := newLateness()
	p := &pipeline{engine: &Engine{observe: mine.observe}, lateness: newLateness()}
	o := p.observe(workers.Span{})
	o.Started(time.Millisecond)
	o.Ran(2, time.Millisecond)
	for name, l := range map[string]*lateness{"own": p.lateness, "other": mine} {
		l.settle()
		if all, _ := l.summary(); all.Late.Count != 1 || all.Took.Count != 2 {
			t.Errorf("%s: %+v, expected 1 start and 2 ticks", name, all)
		}
	}
}
