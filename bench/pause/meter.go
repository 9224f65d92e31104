package pause

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of what is told apart, in nanoseconds, and the significant digits.
const (
	shortest = 1
	longest  = int64(10 * time.Second)
	digits   = 2
)

// warmup is how many ticks only serve to find the schedule.
const warmup = 30

// ticks is what is kept of some ticks of one worker.
type ticks struct {
	late *hdrhistogram.Histogram // paced: intended to actual start; else from one tick's end to the next one's start
	took *hdrhistogram.Histogram // start to end
}

func newTicks() ticks {
	return ticks{hdrhistogram.New(shortest, longest, digits), hdrhistogram.New(shortest, longest, digits)}
}

func (t ticks) record(late, took time.Duration) {
	// Out of range is the longest: a run lasts seconds.
	_ = t.late.RecordValue(min(max(int64(late), shortest), longest))
	_ = t.took.RecordValue(min(max(int64(took), shortest), longest))
}

func (t ticks) merge(o ticks) {
	t.late.Merge(o.late)
	t.took.Merge(o.took)
}

// meter records the ticks of one worker, on its thread, without allocating. It implements strategy.Meter.
type meter struct {
	windows *windows
	period  time.Duration
	// origin is the intended start of tick 0: that of the most punctual tick of the warm-up, carried back.
	origin time.Time
	last   time.Time // the end of the last tick
	seen   uint64    // windows.number then
	count  uint64

	queue  *runqueue
	queued time.Duration // what queue read last
	readAt time.Time     // when that was
	opened time.Duration // what it had read before the window that is open

	inside, outside ticks
	timeline        []time.Duration // as worst, by bucket of the time since the run began
	worst           []time.Duration // by window: the longest from intended start to end, or from end to end
	waited          []time.Duration // by window: for a processor
}

func newMeter(w *windows, period time.Duration) *meter {
	return &meter{
		windows: w, period: period, inside: newTicks(), outside: newTicks(), worst: make([]time.Duration, maxWindows+1),
		waited: make([]time.Duration, maxWindows+1), timeline: make([]time.Duration, buckets),
	}
}

// A timeline has so many buckets of so long.
const (
	buckets = 400
	bucket  = 2 * time.Millisecond
)

// readEvery is how old a reading of the run queue may be when a window opens.
const readEvery = time.Millisecond

// account charges what the thread has waited for a processor to the window in which it did.
func (m *meter) account(number uint64, end time.Time) {
	now := m.queue.read()
	switch {
	case number == m.seen:
	case m.seen%2 == 1:
		m.waited[index(m.seen)] += now - m.opened
	case number%2 == 0: // opened and closed since
		m.waited[index(number)] += now - m.queued
	}
	if number != m.seen {
		m.opened = m.queued
	}
	m.queued, m.readAt = now, end
}

// close gives back what the meter has opened. Its thread has ended.
func (m *meter) close() {
	if m.queue != nil {
		m.queue.close()
	}
}

// Tick implements strategy.Meter.
func (m *meter) Tick(tick uint64, begin, end time.Time) {
	number := m.windows.number.Load()
	if m.queue == nil {
		m.queue = openRunqueue() // here, on the thread
	}
	if number != m.seen || end.Sub(m.readAt) >= readEvery {
		m.account(number, end)
	}
	if m.count++; m.count <= warmup {
		if origin := begin.Add(-time.Duration(tick) * m.period); m.count == 1 || origin.Before(m.origin) {
			m.origin = origin
		}
		m.last, m.seen = end, number
		return
	}
	intended := m.last
	if m.period != 0 {
		intended = m.origin.Add(time.Duration(tick) * m.period)
	}
	// Inside, when a window was open at the end of the last tick or at that of this one, or in between.
	if number%2 == 1 || number != m.seen {
		m.inside.record(begin.Sub(intended), end.Sub(begin))
		at := index(number)
		m.worst[at] = max(m.worst[at], end.Sub(intended))
	} else {
		m.outside.record(begin.Sub(intended), end.Sub(begin))
	}
	if at := end.Sub(m.windows.began) / bucket; 0 <= at && at < buckets {
		m.timeline[at] = max(m.timeline[at], end.Sub(intended))
	}
	m.last, m.seen = end, number
}
