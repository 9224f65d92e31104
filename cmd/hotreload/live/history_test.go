package live

import (
	"slices"
	"testing"
	"time"

	"hotreload/engine/control"
)

func TestBarsAreTwoToAFactorOfTen(t *testing.T) {
	for d, want := range map[time.Duration]rune{
		-1: ' ', 0: '▁', 31 * time.Microsecond: '▁', 40 * time.Microsecond: '▂', 99 * time.Microsecond: '▂', 100 * time.Microsecond: '▃',
		400 * time.Microsecond: '▄', time.Millisecond: '▅', 4 * time.Millisecond: '▆', 10 * time.Millisecond: '▇', 31 * time.Millisecond: '▇',
		40 * time.Millisecond: '█', time.Hour: '█',
	} {
		if got := bar(d); got != want {
			t.Errorf("%v: %c, expected %c", d, got, want)
		}
	}
}

func TestNewWorstIsThatBetweenTwoPictures(t *testing.T) {
	before := control.Distribution{Count: 10, Max: 900e-6, Octaves: []uint64{5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 1}}
	for name, c := range map[string]struct {
		after control.Distribution
		want  time.Duration
	}{
		"nothing new":        {before, -1},
		"another host":       {control.Distribution{Count: 3, Max: 1, Octaves: []uint64{3}}, -1},
		"the longest ever":   {control.Distribution{Count: 11, Max: 2e-3, Octaves: []uint64{5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 1, 1}}, 2 * time.Millisecond},
		"under its octave":   {control.Distribution{Count: 12, Max: 900e-6, Octaves: []uint64{6, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1}}, 8 * time.Microsecond},
		"never over the max": {control.Distribution{Count: 11, Max: 900e-6, Octaves: []uint64{5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 2}}, 900 * time.Microsecond},
	} {
		if got := newWorst(before, c.after); got != c.want {
			t.Errorf("%s: %v, expected %v", name, got, c.want)
		}
	}
}

// later returns a picture after n ticks more that were between 64 and 128 µs late, and one that was longest.
func later(w control.Workers, n uint64, longest time.Duration) control.Workers {
	octaves := make([]uint64, 8)
	copy(octaves, w.Late.Octaves)
	octaves[7] += n
	w.Late.Count, w.Late.Octaves = w.Late.Count+n, octaves
	w.Late.Max = max(w.Late.Max, longest.Seconds())
	return w
}

func TestHistoryHasOneColumnASecond(t *testing.T) {
	var h history
	w := control.Workers{Late: control.Distribution{Count: 5, Max: 5e-3, Octaves: make([]uint64, 14)}}
	step := func(after time.Duration, swaps uint64, n uint64, longest time.Duration) {
		w = later(w, n, longest)
		h.add(noon.Add(after), swaps, w)
	}
	step(0, 1, 0, 0)                                       // the swap before the view is none of its
	step(200*time.Millisecond, 1, 10, 0)                   // 128 µs
	step(400*time.Millisecond, 1, 0, 0)                    // nothing
	step(1200*time.Millisecond, 2, 10, 0)                  // a swap
	step(1400*time.Millisecond, 2, 10, 7*time.Millisecond) // late after it
	step(2600*time.Millisecond, 2, 10, 9*time.Millisecond) // another second
	step(9*time.Second, 4, 0, 0)                           // two swaps at once, no tick since
	want := []column{{worst: 128 * time.Microsecond}, {worst: 7 * time.Millisecond, swap: true}, {worst: 9 * time.Millisecond}, {worst: -1, swap: true}}
	if len(h.columns) != len(want) {
		t.Fatalf("%d columns: %+v", len(h.columns), h.columns)
	}
	for i, c := range h.columns {
		if c.worst != want[i].worst || c.swap != want[i].swap {
			t.Errorf("column %d: %v %v, expected %v %v", i, c.worst, c.swap, want[i].worst, want[i].swap)
		}
	}
	if worst, ok := h.last(); !ok || worst != 9*time.Millisecond {
		t.Errorf("last %v %v, expected 9ms", worst, ok)
	}
	for i := range 2 * keptColumns {
		step(time.Duration(10+i)*time.Second, uint64(5+i), 1, 0)
	}
	if len(h.columns) != keptColumns {
		t.Errorf("%d columns are kept, expected %d", len(h.columns), keptColumns)
	}
}

func TestPausesBelongToTheirSwaps(t *testing.T) {
	var p pauses
	event := func(kind string, generation uint64, pause float64) {
		ev := control.Event{Kind: kind, Generation: &control.Generation{Number: generation}}
		if pause > 0 {
			ev.Seconds = map[string]float64{"pause": pause}
		}
		p.follow(ev)
	}
	event("running", 1, 0)
	if _, ok := p.newest(); ok || len(p) != 0 {
		t.Errorf("a pause before any swap: %v", p)
	}
	event("swapped", 2, 0)
	event("swapped", 3, 0)
	event("rolled-back", 4, 0)
	event("reclaimed", 2, 2e-3) // out of order
	event("pinned", 1, 1e-3)
	event("reclaimed", 9, 5) // of nothing that was seen
	p.follow(control.Event{Kind: "changed"})
	want := pauses{{1, time.Millisecond}, {2, 2 * time.Millisecond}, {3, -1}}
	if !slices.Equal(p, want) {
		t.Errorf("%v, expected %v", p, want)
	}
	if worst, ok := p.newest(); !ok || worst != 2*time.Millisecond {
		t.Errorf("newest %v %v", worst, ok)
	}
	for i := range 2 * keptColumns {
		event("swapped", uint64(10+i), 0)
	}
	if len(p) != keptColumns {
		t.Errorf("%d are kept, expected %d", len(p), keptColumns)
	}
}
