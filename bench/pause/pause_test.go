package pause

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hotreload/bench/internal/plugin"
	"hotreload/bench/internal/strategy"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(d time.Duration) time.Time { return time.Time{}.Add(time.Hour + d) }

const (
	us = time.Microsecond
	ms = time.Millisecond
)

// feed gives m the warm-up: punctual ticks of 10 µs.
func feed(m *meter) {
	for tick := range uint64(warmup) {
		begin := time.Duration(tick) * ms
		m.Tick(tick, at(begin), at(begin+10*us))
	}
}

func TestMeterChargesAStallToEveryTickThatWaitsForIt(t *testing.T) {
	var w windows
	m := newMeter(&w, ms)
	feed(m)
	// Tick 30 starts 5 ms late; 31 to 34 were due meanwhile and run right behind it.
	for i := range uint64(5) {
		begin := 35*ms + time.Duration(i)*10*us
		m.Tick(warmup+i, at(begin), at(begin+10*us))
	}
	if n := m.outside.late.TotalCount(); n != 5 {
		t.Fatalf("%d ticks, expected 5", n)
	}
	for q, want := range map[float64]time.Duration{1: 1040 * us, 50: 3020 * us, 100: 5 * ms} {
		got := time.Duration(m.outside.late.ValueAtQuantile(q))
		if got < want*98/100 || got > want*102/100 {
			t.Errorf("lateness at %v%%: %v, expected %v", q, got, want)
		}
	}
}

func TestMeterTellsInsideFromOutside(t *testing.T) {
	for _, c := range []struct {
		name            string
		before, during  func(w *windows) // before the tick's predecessor ends; before the tick itself does
		inside, outside int64
	}{
		{"no window", func(*windows) {}, func(*windows) {}, 0, 1},
		{"open all the time", (*windows).open, func(*windows) {}, 1, 0},
		{"opens", func(*windows) {}, (*windows).open, 1, 0},
		{"closes", (*windows).open, (*windows).close, 1, 0},
		{"opens and closes", func(*windows) {}, func(w *windows) { w.open(); w.close() }, 1, 0},
		{"closed before", func(w *windows) { w.open(); w.close() }, func(*windows) {}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w windows
			m := newMeter(&w, ms)
			for tick := range uint64(warmup - 1) {
				m.Tick(tick, at(time.Duration(tick)*ms), at(time.Duration(tick)*ms))
			}
			c.before(&w)
			m.Tick(warmup-1, at((warmup-1)*ms), at((warmup-1)*ms))
			c.during(&w)
			m.Tick(warmup, at(warmup*ms), at(warmup*ms+us))
			if in, out := m.inside.late.TotalCount(), m.outside.late.TotalCount(); in != c.inside || out != c.outside {
				t.Errorf("%d inside, %d outside, expected %d and %d", in, out, c.inside, c.outside)
			}
		})
	}
}

func TestMeterKeepsTheWorstOfEachWindow(t *testing.T) {
	var w windows
	m := newMeter(&w, ms)
	feed(m)
	tick, late := uint64(warmup), []time.Duration{100 * us, 300 * us, 200 * us}
	for range 2 {
		w.open()
		for _, l := range late {
			begin := time.Duration(tick)*ms + l
			m.Tick(tick, at(begin), at(begin+10*us))
			tick++
			late[1] += 50 * us
		}
		w.close()
		m.Tick(tick, at(time.Duration(tick)*ms), at(time.Duration(tick)*ms))
		tick++
	}
	s := newSample()
	s.take([]*meter{m}, &w)
	if len(s.worst) != 2 || s.worst[0] != 360 || s.worst[1] != 510 {
		t.Errorf("worst %v µs, expected 360 and 510", s.worst)
	}
}

func TestSecondNumber(t *testing.T) {
	for line, want := range map[string]time.Duration{"12 345 6\n": 345, "": 0, "7": 0, "7 ": 0, "7 x": 0, "1 99999999999999999999 2": 0} {
		if got := secondNumber([]byte(line)); got != want {
			t.Errorf("%q: %d, expected %d", line, got, want)
		}
	}
}

func TestMeterChargesWaitsToTheirWindow(t *testing.T) {
	var w windows
	m := newMeter(&w, ms)
	file := filepath.Join(t.TempDir(), "schedstat")
	wait := func(d time.Duration) {
		if err := os.WriteFile(file, fmt.Appendf(nil, "1 %d 1\n", d), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wait(0)
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.queue = &runqueue{file: fd}
	defer m.close()
	tick := uint64(0)
	step := func(total time.Duration) {
		wait(total)
		m.Tick(tick, at(time.Duration(tick)*ms), at(time.Duration(tick)*ms))
		tick++
	}
	step(10)
	w.open()
	step(15) // 5 in the first
	step(22) // 7 more
	w.close()
	step(23) // 1 more
	step(99) // outside
	w.open()
	w.close()
	step(101) // 2 in the second
	if m.waited[0] != 13 || m.waited[1] != 2 {
		t.Errorf("waited %d and %d, expected 13 and 2", m.waited[0], m.waited[1])
	}
}

func TestMeterDoesNotAllocate(t *testing.T) {
	var w windows
	m := newMeter(&w, ms)
	feed(m)
	tick := uint64(warmup)
	if n := testing.AllocsPerRun(1000, func() {
		w.open()
		m.Tick(tick, at(time.Duration(tick)*ms), at(time.Duration(tick)*ms+us))
		tick++
	}); n != 0 {
		t.Errorf("%v allocations a tick, expected none", n)
	}
}

func TestMeasureSwapsInEveryCell(t *testing.T) {
	cells := []Cell{
		cell(strategy.Aligned, 2, 8, ms, Control),
		cell(strategy.Aligned, 2, 8, 0, UsualRate),
		cell(strategy.Immediate, 2, 8, ms, Fast),
		cell(strategy.Inline, 1, 8, ms, UsualRate),
		cell(strategy.Engine, 2, 8, ms, Control),
		cell(strategy.Rollback, 2, 8, ms, UsualRate),
		{Strategy: strategy.StopWorld, Workers: 2, Shards: 8, Period: ms, Rate: UsualRate, Large: true},
	}
	results, err := Measure(t.Context(), Options{Cells: cells, Rounds: 2, Duration: 100 * ms})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Cell != cells[i] || r.Rounds != 2 {
			t.Errorf("result %d is of %v in %d rounds, expected %v in 2", i, r.Cell, r.Rounds, cells[i])
		}
		if swapped := r.Swaps > 0; swapped != (r.Rate != Control) {
			t.Errorf("%v: %d swaps", r.Cell, r.Swaps)
		}
		if r.Inside.Late.N == 0 || len(r.Inside.Curve) != curvePoints {
			t.Errorf("%v: %d ticks inside, %d points of their curve", r.Cell, r.Inside.Late.N, len(r.Inside.Curve))
		}
		if r.Period != 0 && r.Rate == UsualRate && len(r.Timeline.Swaps) == 0 {
			t.Errorf("%v: no swap on its timeline", r.Cell)
		}
	}
}

// A library of others has no state that is known, and cannot be told to fault.
func TestMeasureSwapsAnotherLibrary(t *testing.T) {
	dir := t.TempDir()
	template, err := plugin.Compile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Library: filepath.Join(dir, "mine.so"), Rounds: 1, Duration: 100 * ms}
	if err := template.Stamp(o.Library, 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range Own(1, 8, ms) {
		switch c.Strategy {
		case strategy.Aligned, strategy.StopWorld, strategy.NoTrial:
			o.Cells = append(o.Cells, c)
		}
	}
	results, err := Measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Rate != Control && r.Swaps == 0 {
			t.Errorf("%v: no swaps", r.Cell)
		}
	}
	o.Cells = []Cell{cell(strategy.Rollback, 1, 8, ms, UsualRate)}
	if _, err := Measure(t.Context(), o); err == nil {
		t.Error("expected an error for a strategy that needs another library")
	}
}

func TestPlansNameStrategiesThatExist(t *testing.T) {
	for _, c := range append(Plan(), Full()...) {
		s, err := find(c.Strategy)
		if err != nil {
			t.Fatal(err)
		}
		if c.Workers > c.Shards || s.Single && c.Workers > 1 || s.Engine && c.Period == 0 {
			t.Errorf("%v cannot run", c)
		}
	}
}

func TestThinKeepsTheEnds(t *testing.T) {
	var all []float64
	for i := range 1000 {
		all = append(all, float64(i))
	}
	if got := thin(all, 200); len(got) != 200 || got[0] != 0 || got[199] != 999 || !slices.IsSorted(got) {
		t.Errorf("%d samples from %v to %v", len(got), got[0], got[len(got)-1])
	}
	if got := thin(all[:5], 200); len(got) != 5 {
		t.Errorf("%d samples, expected all 5", len(got))
	}
}
