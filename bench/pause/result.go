package pause

import (
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotreload/bench/internal/stat"
	"hotreload/bench/internal/strategy"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Quantiles of a histogram, in microseconds.
type Quantiles struct {
	N    int64   `json:"n"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func quantiles(h *hdrhistogram.Histogram) Quantiles {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e3 }
	return Quantiles{N: h.TotalCount(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(h.Max()) / 1e3}
}

// Ticks is the ticks inside or outside of windows.
type Ticks struct {
	Late Quantiles `json:"late"` // paced: intended to actual start; else from one tick's end to the next one's start
	Took Quantiles `json:"took"`
	// Curve is Late at the quantiles of CurveAt, in microseconds; none without ticks.
	Curve []float64 `json:"curve,omitempty"`
}

// CurveAt returns the quantile of point i of a curve, in percent: eight points for each nine more.
func CurveAt(i int) float64 { return 100 * (1 - math.Pow(10, -float64(i)/8)) }

// curvePoints reach to 99.99 percent.
const curvePoints = 4*8 + 1

func summaryOf(t ticks) Ticks {
	s := Ticks{Late: quantiles(t.late), Took: quantiles(t.took)}
	for i := 0; i < curvePoints && t.late.TotalCount() > 0; i++ {
		s.Curve = append(s.Curve, float64(t.late.ValueAtQuantile(CurveAt(i)))/1e3)
	}
	return s
}

// Timeline is the beginning of the first round.
type Timeline struct {
	Bucket float64   `json:"bucket_ms"`
	Worst  []float64 `json:"worst"` // by bucket: the longest time as in Result.Worst, of the ticks that ended in it; 0: none did
	Swaps  []float64 `json:"swaps"` // when they began, in buckets
}

// Result is what became of one cell; times in microseconds.
type Result struct {
	Cell
	Rounds  int   `json:"rounds"`
	Ticks   int64 `json:"ticks"` // of all workers
	Swaps   int   `json:"swaps"`
	Skipped int   `json:"skipped"` // swaps that had no time because others took too long

	Inside  Ticks `json:"inside"`
	Outside Ticks `json:"outside"`
	// Worst is over the windows: the longest time of any worker from a tick's intended start to its end, or back to back
	// from one tick's end to the next one's.
	Worst stat.Summary `json:"worst"`
	// Windows is what Worst summarises, the least first; of very many, 200 that stand for all.
	Windows []float64 `json:"windows"`
	// Quiet is Worst over the windows in which, by the kernel's own books, no worker waited for a processor for more than
	// 100 µs in all: what is left when other programs have been left out.
	Quiet stat.Summary `json:"quiet"`
	// WorstByRound is the median of each round's windows: how far to trust Worst.Median.
	WorstByRound stat.Summary `json:"worst_by_round"`
	// LateByRound is each round's Inside.Late.P999. The rounds of different cells took turns.
	LateByRound []float64 `json:"late_by_round"`
	Timeline    *Timeline `json:"timeline,omitempty"`

	Prepare stat.Summary `json:"prepare"`
	Publish stat.Summary `json:"publish"`
	Grace   stat.Summary `json:"grace"`
	Reclaim stat.Summary `json:"reclaim"`

	CPU     float64 `json:"cpu"`      // processors used
	TickCPU float64 `json:"tick_cpu"` // processor time per tick of a worker
	RSS     float64 `json:"rss"`      // MiB at the end of a run, the most of all rounds
}

// sample is what one run of one cell saw.
type sample struct {
	inside, outside ticks
	worst           []float64 // by window, microseconds
	quiet           []float64 // of those, the windows in which no worker waited long for a processor
	swapped         []strategy.Swapped
	at              []time.Time // when each of swapped began
	timeline        *Timeline
	skipped         int
	ticks           int64
	wall, used      time.Duration
	rss             float64
}

// quietly is how long a worker may wait for a processor in a window that counts as quiet.
const quietly = 100 * time.Microsecond

func newSample() *sample { return &sample{inside: newTicks(), outside: newTicks()} }

// take collects what the workers have recorded; they have ended. number is the last of windows.number.
func (s *sample) take(meters []*meter, w *windows) {
	number := w.number.Load()
	s.timeline = &Timeline{Bucket: bucket.Seconds() * 1e3, Worst: make([]float64, buckets)}
	for _, at := range s.at {
		if in := float64(at.Sub(w.began)) / float64(bucket); in < buckets {
			s.timeline.Swaps = append(s.timeline.Swaps, in)
		}
	}
	for _, m := range meters {
		s.inside.merge(m.inside)
		s.outside.merge(m.outside)
		s.ticks += int64(m.count)
		for i, worst := range m.timeline {
			s.timeline.Worst[i] = max(s.timeline.Worst[i], float64(worst)/1e3)
		}
		m.close()
	}
	for i := range min(int(number+1)/2, maxWindows) {
		worst, waited := time.Duration(0), time.Duration(0)
		for _, m := range meters {
			worst, waited = max(worst, m.worst[i]), max(waited, m.waited[i])
		}
		if worst == 0 {
			continue // nobody had a tick in it
		}
		s.worst = append(s.worst, float64(worst)/1e3)
		if waited < quietly {
			s.quiet = append(s.quiet, float64(worst)/1e3)
		}
	}
	s.rss = residentMiB()
}

// summarise makes one result of a cell's rounds.
func summarise(c Cell, rounds []*sample) Result {
	r := Result{Cell: c, Rounds: len(rounds)}
	all := newSample()
	var medians []float64
	for _, s := range rounds {
		all.inside.merge(s.inside)
		all.outside.merge(s.outside)
		all.worst = append(all.worst, s.worst...)
		all.quiet = append(all.quiet, s.quiet...)
		all.swapped = append(all.swapped, s.swapped...)
		all.ticks += s.ticks
		all.wall += s.wall
		all.used += s.used
		medians = append(medians, stat.Of(s.worst).Median)
		r.LateByRound = append(r.LateByRound, quantiles(s.inside.late).P999)
		r.Skipped += s.skipped
		r.RSS = max(r.RSS, s.rss)
	}
	of := func(f func(strategy.Swapped) time.Duration) stat.Summary {
		samples := make([]float64, len(all.swapped))
		for i, took := range all.swapped {
			samples[i] = float64(f(took)) / 1e3
		}
		return stat.Of(samples)
	}
	r.Ticks, r.Swaps = all.ticks, len(all.swapped)
	r.Inside, r.Outside = summaryOf(all.inside), summaryOf(all.outside)
	if c.Period != 0 && len(rounds) > 0 {
		r.Timeline = rounds[0].timeline
	}
	slices.Sort(all.worst)
	r.Windows = thin(all.worst, 200)
	r.Worst, r.Quiet, r.WorstByRound = stat.Of(all.worst), stat.Of(all.quiet), stat.Of(medians)
	r.Prepare = of(func(t strategy.Swapped) time.Duration { return t.Prepare })
	r.Publish = of(func(t strategy.Swapped) time.Duration { return t.Publish })
	r.Grace = of(func(t strategy.Swapped) time.Duration { return t.Grace })
	r.Reclaim = of(func(t strategy.Swapped) time.Duration { return t.Reclaim })
	r.CPU = all.used.Seconds() / all.wall.Seconds()
	r.TickCPU = all.used.Seconds() * 1e6 / float64(max(all.ticks, 1))
	return r
}

// thin returns n of the sorted samples at equal distances, the first and the last among them, or all when they are fewer.
func thin(sorted []float64, n int) []float64 {
	if len(sorted) <= n {
		return sorted
	}
	kept := make([]float64, n)
	for i := range kept {
		kept[i] = sorted[i*(len(sorted)-1)/(n-1)]
	}
	return kept
}

// residentMiB returns the process's resident memory, 0 when it cannot be read.
func residentMiB() float64 {
	content, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(content))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}
