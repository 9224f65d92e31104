package engine

import (
	"slices"
	"testing"
	"time"

	"hotreload/workers"
)

func TestHistogramsCountEverythingOnce(t *testing.T) {
	l := newLateness()
	m := l.observe(workers.Span{})
	for _, late := range []time.Duration{0, 900 * time.Nanosecond, 1500 * time.Nanosecond, 3 * time.Millisecond, 20 * time.Second, time.Hour} {
		m.Started(late)
		m.Ran(1, late)
	}
	l.settle()
	got := l.measures()[0].Late
	if got.Count != 6 || got.Sum < 79*time.Second || got.Sum > 81*time.Second {
		t.Errorf("%d of %v, expected 6 of 80s, the longest being cut to a minute", got.Count, got.Sum)
	}
	for _, c := range []struct {
		bound time.Duration
		want  uint64
	}{{time.Microsecond, 2}, {2 * time.Microsecond, 3}, {2 * time.Millisecond, 3}, {5 * time.Millisecond, 4}, {10 * time.Second, 4}} {
		if n := got.UpTo[slices.Index(HistogramBounds, c.bound)]; n != c.want {
			t.Errorf("%d up to %v, expected %d", n, c.bound, c.want)
		}
	}
}

// What precedes the first tick on new code delays it only as far as it was due.
func TestPauseIsWhatANewTickWasLate(t *testing.T) {
	const hooks = 30 * time.Millisecond
	for _, c := range []struct {
		name        string
		late        time.Duration
		took        time.Duration // of the tick, preparations included
		least, most time.Duration
	}{
		{"prepared while waiting", time.Millisecond, 0, time.Millisecond, time.Millisecond},
		{"prepared when due", time.Millisecond, time.Hour, 59 * time.Minute, time.Hour + time.Millisecond},
		{"without a schedule", unscheduled, time.Hour, hooks, hooks},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, next := newLateness(), &code{}
			m := l.observe(workers.Span{Worker: 2})
			now := time.Now()
			l.arrived(2, next, now.Add(-hooks))
			(*l.meters.Load())[2].coming.at = now
			if c.late != unscheduled {
				m.Started(c.late)
			}
			m.Ran(1, c.took)
			m.Ran(1, 2*time.Hour) // another tick
			if got := time.Duration(next.pause.Load()); got < c.least || got > c.most {
				t.Errorf("a pause of %v, expected %v to %v", got, c.least, c.most)
			}
		})
	}
}
