package live

import (
	"slices"
	"time"

	"hotreload/engine/control"
)

const (
	columnTime  = time.Second // that one column of the lateness sparkline stands for
	keptColumns = 512         // more than fits on any screen
)

// history is how well ticks kept to their schedule, second by second.
type history struct {
	columns []column // oldest first, the last one under way

	before  *control.Workers // the picture before
	swaps   uint64           // publications when it was taken
	running bool             // ticks have no schedule: how long they took stands for how late they were
}

// column is one second.
type column struct {
	since time.Time
	worst time.Duration // of all ticks; -1: none was recorded
	swap  bool
}

// add takes over a picture. Ticks are counted from the beginning of the host, so what is new is the difference from the
// picture before, however many clients ask.
func (h *history) add(now time.Time, swaps uint64, w control.Workers) {
	h.running = w.Late.Count == 0 && w.Took.Count > 0
	worst := time.Duration(-1)
	if h.before != nil {
		worst = newWorst(h.measured(*h.before), h.measured(w))
	}
	swap := h.before != nil && swaps > h.swaps
	h.before, h.swaps = &w, swaps

	if n := len(h.columns); n == 0 || now.Sub(h.columns[n-1].since) >= columnTime {
		h.columns = append(h.columns, column{since: now.Truncate(columnTime), worst: -1})
		h.columns = h.columns[max(len(h.columns)-keptColumns, 0):]
	}
	last := &h.columns[len(h.columns)-1]
	last.worst = max(last.worst, worst)
	last.swap = last.swap || swap
}

func (h *history) measured(w control.Workers) control.Distribution {
	if h.running {
		return w.Took
	}
	return w.Late
}

// forget drops the picture before: another host's figures begin anew.
func (h *history) forget() { h.before = nil }

// newWorst returns the longest of the durations that were counted between two pictures, -1 if there were none. It is
// exact if it is the longest ever, else the end of its octave.
func newWorst(before, after control.Distribution) time.Duration {
	if after.Count <= before.Count {
		return -1
	}
	if after.Max > before.Max {
		return seconds(after.Max)
	}
	for i, n := range slices.Backward(after.Octaves) {
		if i >= len(before.Octaves) || n > before.Octaves[i] {
			return min(time.Microsecond<<i, seconds(after.Max))
		}
	}
	return -1
}

// last returns the newest second that has a figure.
func (h *history) last() (worst time.Duration, ok bool) {
	for _, c := range slices.Backward(h.columns) {
		if c.worst >= 0 {
			return c.worst, true
		}
	}
	return 0, false
}

var bars = []rune("▁▂▃▄▅▆▇█")

// bar is a duration in a sparkline: two steps are a factor of ten, up to 32 ms and beyond. A space stands for none.
func bar(d time.Duration) rune {
	if d < 0 {
		return ' '
	}
	step, tens := 0, uint64(min(d, time.Second)/(10*time.Microsecond))
	for square := tens * tens; square >= 10 && step < len(bars)-1; square /= 10 { // a step is the square root of ten
		step++
	}
	return bars[step]
}
