package engine

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Measures is what there is to count and to measure in an engine: one Status, and the timing a moment after it.
type Measures struct {
	Status  Status
	Workers []WorkerMeasures // those of the past included; their counts only grow
}

// WorkerMeasures is the timing of one worker, but for the last two seconds or so.
type WorkerMeasures struct {
	Worker int
	Late   Histogram // see Timing
	Took   Histogram
}

// Histogram counts durations.
type Histogram struct {
	UpTo  []uint64 // how many were up to each of HistogramBounds, exact to one percent of the bound
	Count uint64
	Sum   time.Duration // to one percent
}

// HistogramBounds are 1, 2 and 5 of every power of ten from 1 µs to 10 s.
var HistogramBounds = histogramBounds()

func histogramBounds() (bounds []time.Duration) {
	for unit := time.Microsecond; unit < 10*time.Second; unit *= 10 {
		bounds = append(bounds, unit, 2*unit, 5*unit)
	}
	return append(bounds, 10*time.Second)
}

// Measures returns what there is to count and to measure. It does not disturb a tick.
func (e *Engine) Measures() Measures {
	e.mu.Lock()
	m, l := Measures{Status: e.picture()}, e.lateness
	e.mu.Unlock()
	if l != nil { // it takes a while, for which the pipeline does not wait
		m.Workers = l.measures()
	}
	return m
}

// measures returns histograms of what summary summarises.
func (l *lateness) measures() (all []WorkerMeasures) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range *l.meters.Load() {
		if m != nil {
			m.collect()
			all = append(all, WorkerMeasures{Worker: i, Late: histogram(m.sum.late), Took: histogram(m.sum.took)})
		}
	}
	return all
}

func histogram(h *hdrhistogram.Histogram) Histogram {
	all := Histogram{UpTo: make([]uint64, len(HistogramBounds))}
	next := 0
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		middle := (bar.From + bar.To) / 2
		for ; next < len(HistogramBounds) && middle > int64(HistogramBounds[next]); next++ {
			all.UpTo[next] = all.Count
		}
		all.Count += uint64(bar.Count)
		all.Sum += time.Duration(bar.Count * middle)
	}
	for ; next < len(HistogramBounds); next++ {
		all.UpTo[next] = all.Count
	}
	return all
}
