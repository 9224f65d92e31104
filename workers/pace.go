package workers

import (
	"math"
	"time"

	"hotreload/epoch"
)

// yieldEvery is how long a worker that does not wait computes before it lets others have its processor. Go itself would
// take it away only after 10 ms, and until then everybody who waits for a grace period, or to publish, waits. With more
// workers than processors a grace period takes some rounds of all workers, so it is short; a thread that need not go
// through the Go scheduler to yield (see bell.yield) does so twice as often at the same cost.
const yieldEvery = 100 * time.Microsecond

// maxBatch bounds the ticks between two yields, and with them the lead, when a tick takes next to no time.
const maxBatch = 1 << 13

// leadTime is how far a worker with a schedule may be ahead of the slowest in aligned mode: a stall of one delays the
// others only if it lasts longer.
const leadTime = 64 * time.Millisecond

// pace is the schedule of one worker, on its goroutine.
type pace struct {
	period  time.Duration
	catchup uint64
	fastest func() uint64 // the fastest worker's tick, for which one that is late may make; nil when there is no such
	base    time.Time     // tick t is due at base + (t-origin)*period
	origin  uint64        // not 0, or a period longer than the one of earlier ticks would lie far ahead
	lead    uint64        // ticks that the worker may be ahead of the slowest, at least 1

	now  time.Time     // when the tick at hand began, for a worker with a schedule
	late time.Duration // how late that was
	// blocked tells that the worker has waited for a slower one. What it missed meanwhile is not to be caught up with: it
	// is ahead as it is.
	blocked bool

	// since is when the worker last began to run without a wait, from the tick then.
	since   time.Time
	resumed bool // since is to be read anew

	slice time.Duration // yieldEvery, or half of it

	// Without a period: yield after each batch of ticks, whose size is tuned so that it takes about a slice.
	batch    uint64
	from     uint64        // first tick of the batch
	until    uint64        // the tick at which to yield
	pressing uint64        // yield after every tick until all have completed so many; 0: no need
	slowest  func() uint64 // the number of ticks that all have completed; nil in immediate mode
	count    uint64        // ticks run since the last yield, and how long they took, for an observer
	took     time.Duration
}

// newPace returns the schedule of a worker whose tick origin is due at base.
func (p *Pool[C]) newPace(base time.Time, origin uint64, precise bool) pace {
	cfg := &p.cfg
	c := pace{period: cfg.Period, catchup: uint64(cfg.MaxCatchup), base: base, origin: origin, batch: 1, lead: 2, resumed: true, slice: yieldEvery}
	if precise {
		c.slice = yieldEvery / 2
	}
	if cfg.Period > 0 {
		c.lead = max(2, 2*c.catchup, uint64(leadTime/cfg.Period))
	}
	if cfg.Mode == epoch.Aligned {
		c.fastest = func() uint64 { return p.domain.Stats().Fastest }
		c.slowest = p.domain.Slowest
	}
	return c
}

// next says what to do before tick: wait so long, yield, or (0, false) run it now.
func (p *pace) next(tick uint64) (wait time.Duration, yield bool) {
	if p.period == 0 {
		return 0, p.spent(tick)
	}
	p.now = time.Now()
	p.late = p.now.Sub(p.due(tick))
	if p.late < 0 {
		p.resumed = true
		return -p.late, false
	}
	p.rebase(tick)
	p.blocked = false
	if p.resumed {
		p.since, p.resumed = p.now, false
	}
	return 0, p.now.Sub(p.since) >= p.slice
}

func (p *pace) due(tick uint64) time.Time { return p.base.Add(time.Duration(tick-p.origin) * p.period) }

// rebase moves the schedule when the worker is later than it may catch up.
func (p *pace) rebase(tick uint64) {
	allowed := p.catchup
	if p.blocked {
		allowed = 0
	}
	if p.late <= p.within(allowed) {
		return
	}
	if p.fastest != nil {
		// What others have run already it must run too, and the sooner the better: else it would stay behind them for
		// good, and so would every activation.
		if fastest := p.fastest(); fastest > tick {
			allowed = max(allowed, fastest-tick)
		}
	}
	if missed := p.late - p.within(allowed); missed > 0 {
		p.base = p.base.Add(missed)
	}
}

// within returns the length of n periods.
func (p *pace) within(n uint64) time.Duration {
	if n > uint64(math.MaxInt64/p.period) {
		return math.MaxInt64
	}
	return time.Duration(n) * p.period
}

// spent tells a worker without a schedule whether its batch is over, and sizes the next one.
func (p *pace) spent(tick uint64) bool {
	switch {
	case p.resumed:
		p.since, p.resumed = time.Now(), false
		p.from, p.until = tick, tick+p.batch
		if p.pressed(); p.pressing != 0 {
			p.until = tick + 1
		}
		return false
	case tick < p.until:
		return false
	}
	ran, took := tick-p.from, max(time.Since(p.since), 1)
	p.count, p.took = ran, took
	if ran >= p.batch {
		// Towards the batch that would have taken a slice, at most doubling: one interrupted batch says little.
		p.batch = min(max(uint64(float64(ran)*float64(p.slice)/float64(took)), 1), 2*ran, maxBatch)
		p.lead = 2*p.batch - 1
	}
	return true
}

// ran returns the ticks of the batch that has just ended and how long they took.
func (p *pace) ran() (ticks uint64, took time.Duration) {
	ticks, took, p.count = p.count, p.took, 0
	return ticks, took
}

// unblock is called after the worker has waited for a slower one.
func (p *pace) unblock() { p.blocked, p.resumed = true, true }

// restart makes tick due now: the worker has waited because it was told to, and is not late.
func (p *pace) restart(tick uint64) {
	p.base, p.origin, p.resumed = time.Now(), tick, true
}

// resume is called after the worker has waited: what it computes without a break is measured from there.
func (p *pace) resume() { p.resumed = true }

// press makes the worker yield after every tick until all have completed tick: it has met a directive there, and somebody
// may wait until everybody has. It stops nobody, yet those who are behind get the processors.
func (p *pace) press(tick uint64) {
	p.until, p.pressing = min(p.until, tick+1), tick+1
}

// pressed is called after a yield.
func (p *pace) pressed() {
	if p.pressing != 0 && (p.slowest == nil || p.slowest() >= p.pressing) {
		p.pressing = 0
	}
}
