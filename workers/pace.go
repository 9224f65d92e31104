package workers

import "time"

// yieldEvery is how long a free-running worker computes before it lets others have its processor. Go itself would take
// it away only after 10 ms, and until then everybody who waits for a grace period, or to publish, waits.
const yieldEvery = 500 * time.Microsecond

// pace is the schedule of one worker.
type pace struct {
	period  time.Duration
	catchup time.Duration
	base    time.Time // tick t is due at base + t*period
	lead    uint64    // ticks that the worker may be ahead of the slowest

	// Free-running: yield after each batch of ticks, whose size is tuned so that it takes about yieldEvery.
	batch uint64
	until uint64 // the tick at which to yield
	since time.Time
}

func newPace(cfg Config, start time.Time) pace {
	p := pace{period: cfg.Period, catchup: time.Duration(cfg.MaxCatchup) * cfg.Period, base: start, since: start, batch: 1, until: 1}
	p.lead = max(64, 4*uint64(cfg.MaxCatchup))
	return p
}

// next says what to do before tick: wait so long, yield, or (0, false) run it now.
func (p *pace) next(tick uint64) (wait time.Duration, yield bool) {
	if p.period == 0 {
		return 0, p.spent(tick)
	}
	now := time.Now()
	due := p.base.Add(time.Duration(tick) * p.period)
	if wait := due.Sub(now); wait > 0 {
		return wait, false
	}
	if late := now.Sub(due); late > p.catchup {
		p.base = p.base.Add(late - p.catchup)
	}
	return 0, false
}

// spent tells a free-running worker whether its batch is over, and sizes the next one.
func (p *pace) spent(tick uint64) bool {
	if tick < p.until {
		return false
	}
	now := time.Now()
	took := max(now.Sub(p.since), 1)
	// Towards the batch that would have taken yieldEvery, at most doubling: one interrupted batch says little.
	p.batch = min(max(uint64(float64(p.batch)*float64(yieldEvery)/float64(took)), 1), 2*p.batch)
	p.until, p.since = tick+p.batch, now
	p.lead = max(64, 8*p.batch)
	return tick != 0
}
