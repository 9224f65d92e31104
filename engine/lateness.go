package engine

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotreload/workers"

	"github.com/HdrHistogram/hdrhistogram-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Distribution summarises durations; its quantiles are exact to one percent, at most a minute.
type Distribution struct {
	Count               uint64
	P50, P99, P999, Max time.Duration
	// Octaves counts by size, for all workers together only: how many took less than 1 µs, then those less than 2 µs, 4 µs
	// and so on, up to the longest. The difference between two of them is what was new, however many ask.
	Octaves []uint64
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (d Distribution) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddUint64("count", d.Count)
	enc.AddDuration("p50", d.P50)
	enc.AddDuration("p99", d.P99)
	enc.AddDuration("p999", d.P999)
	enc.AddDuration("max", d.Max)
	return nil
}

// Timing tells how well a worker kept to its schedule.
type Timing struct {
	Worker int          // -1: all together
	Late   Distribution // how much later than scheduled ticks started; empty when free-running
	// Took is how long ticks took for all shards of the worker. When free-running it is sampled, as means of some ticks.
	Took Distribution
}

// lateness measures the ticks of all workers. A worker records into histograms of its own, without a lock. A reader hands
// it empty ones, and the worker, before its next record, gives up those it has filled.
type lateness struct {
	mu sync.Mutex
	// meters is by worker. It is replaced as a whole, under mu, so that a worker finds its own without a lock.
	meters atomic.Pointer[[]*meter]
}

func newLateness() *lateness {
	l := &lateness{}
	l.meters.Store(&[]*meter{})
	return l
}

// observe is a workers.Config.Observe.
func (l *lateness) observe(s workers.Span) workers.Observer {
	l.mu.Lock()
	defer l.mu.Unlock()
	meters := slices.Clone(*l.meters.Load())
	for len(meters) <= s.Worker {
		meters = append(meters, nil)
	}
	m := &meter{own: newTimes(), sum: newTimes(), late: unscheduled}
	if before := meters[s.Worker]; before != nil {
		// Its worker has run its last tick before this one was made.
		before.settle()
		m.sum = before.sum
	}
	meters[s.Worker] = m
	l.meters.Store(&meters)
	return m
}

// observe is a workers.Config.Observe: the engine's own, and WithObserver's.
func (p *pipeline) observe(s workers.Span) workers.Observer {
	own := p.lateness.observe(s)
	if p.engine.observe == nil {
		return own
	}
	return observers{own, p.engine.observe(s)}
}

// observers are told the same.
type observers [2]workers.Observer

// Started implements workers.Observer.
func (o observers) Started(late time.Duration) {
	o[0].Started(late)
	o[1].Started(late)
}

// Ran implements workers.Observer.
func (o observers) Ran(ticks uint64, took time.Duration) {
	o[0].Ran(ticks, took)
	o[1].Ran(ticks, took)
}

// settle adds what the workers hold; they have ended.
func (l *lateness) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range *l.meters.Load() {
		if m != nil {
			m.settle()
		}
	}
}

// collect adds what the workers have given up, and asks them for more.
func (l *lateness) collect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range *l.meters.Load() {
		if m != nil {
			m.collect()
		}
	}
}

// summary returns the timing of all workers together and of each. It waits for no worker: while they run, it tells what
// they had recorded when they ran their first tick after the collect or summary before. After settle it tells everything.
func (l *lateness) summary() (all Timing, each []Timing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	total := newTimes()
	for i, m := range *l.meters.Load() {
		if m == nil {
			continue
		}
		m.collect()
		total.add(m.sum)
		each = append(each, m.sum.timing(i))
	}
	all = total.timing(-1)
	all.Late.Octaves, all.Took.Octaves = octaves(total.late), octaves(total.took)
	return all, each
}

// fields returns the summary as log fields, for machines.
func (l *lateness) fields() []zap.Field {
	all, each := l.summary()
	return []zap.Field{
		zap.Object("late", all.Late), zap.Object("took", all.Took), zap.Objects("workers", each), Text(""),
	}
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (t Timing) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddInt("worker", t.Worker)
	if err := enc.AddObject("late", t.Late); err != nil {
		return err
	}
	return enc.AddObject("took", t.Took)
}

// meter is the workers.Observer of one worker.
type meter struct {
	own    *times        // the worker's
	late   time.Duration // of the tick at hand, or unscheduled; the worker's
	coming arrival       // to new code, until its first tick has run; the worker's

	// offer is set by a reader and cleared by the worker, which takes what it holds and leaves its own in full: each is
	// written only when the other side has emptied it, and the stores order what the histograms hold.
	offer atomic.Pointer[times]
	full  atomic.Pointer[times]

	// Under lateness.mu.
	sum     *times
	pending bool // an offer was made whose answer has not been collected
}

// Started implements workers.Observer.
func (m *meter) Started(late time.Duration) {
	m.late = late
	record(m.own.late, late, 1)
}

// Ran implements workers.Observer.
func (m *meter) Ran(ticks uint64, took time.Duration) {
	record(m.own.took, took/time.Duration(ticks), ticks)
	if m.coming.to != nil {
		m.arrive(took)
	}
	if next := m.offer.Load(); next != nil {
		m.offer.Store(nil)
		m.full.Store(m.own)
		m.own = next
	}
}

// collect adds what the worker has given up and asks for more.
func (m *meter) collect() {
	spare := m.full.Swap(nil)
	switch {
	case spare != nil:
		m.sum.add(spare)
		spare.reset()
	case m.pending:
		return // it has not run a tick since
	default:
		spare = newTimes()
	}
	m.pending = true
	m.offer.Store(spare)
}

// settle adds what the worker holds; it records no more.
func (m *meter) settle() {
	if full := m.full.Swap(nil); full != nil {
		m.sum.add(full)
	}
	m.sum.add(m.own)
	m.own.reset()
}

// times are the two histograms of one worker, in nanoseconds.
type times struct{ late, took *hdrhistogram.Histogram }

// longest is where histograms end; what takes longer counts as this.
const longest = time.Minute

func newTimes() *times { return &times{newHistogram(), newHistogram()} }

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(100, int64(longest), 2) }

func record(h *hdrhistogram.Histogram, d time.Duration, n uint64) {
	_ = h.RecordValues(int64(min(max(d, 0), longest)), int64(n)) // within the histogram's range
}

func (t *times) add(u *times) {
	t.late.Merge(u.late)
	t.took.Merge(u.took)
}

func (t *times) reset() {
	t.late.Reset()
	t.took.Reset()
}

func (t *times) timing(worker int) Timing {
	return Timing{Worker: worker, Late: distribution(t.late), Took: distribution(t.took)}
}

func distribution(h *hdrhistogram.Histogram) Distribution {
	if h.TotalCount() == 0 {
		return Distribution{}
	}
	at := func(percentile float64) time.Duration { return time.Duration(h.ValueAtPercentile(percentile)) }
	return Distribution{Count: uint64(h.TotalCount()), P50: at(50), P99: at(99), P999: at(99.9), Max: time.Duration(h.Max())}
}

// octaves counts by size: see Distribution.
func octaves(h *hdrhistogram.Histogram) (counts []uint64) {
	for _, bar := range h.Distribution() {
		if bar.Count == 0 {
			continue
		}
		octave := bits.Len64(uint64(bar.From) / uint64(time.Microsecond))
		for len(counts) <= octave {
			counts = append(counts, 0)
		}
		counts[octave] += uint64(bar.Count)
	}
	return counts
}
