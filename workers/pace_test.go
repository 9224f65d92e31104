package workers

import (
	"testing"
	"testing/synctest"
	"time"

	"hotreload/epoch"
)

// clock is a Hand that remembers when each tick of its worker started, and takes as long as it is told, in virtual time.
type clock struct {
	began time.Time
	at    []time.Duration // by tick, since began
	takes func(tick uint64) time.Duration
}

func (c *clock) Tick(_ int, _ Span, tick uint64) {
	if uint64(len(c.at)) != tick {
		panic("a tick was left out or repeated")
	}
	c.at = append(c.at, time.Since(c.began))
	if c.takes != nil {
		if d := c.takes(tick); d > 0 {
			time.Sleep(d)
		}
	}
}

func (c *clock) Switch(int, int, Span, uint64) {}
func (c *clock) Close()                        {}

// timed runs a pool of clocks in virtual time for cfg.Ticks and returns what each worker's clock says.
func timed(t *testing.T, cfg Config, takes ...func(tick uint64) time.Duration) []*clock {
	t.Helper()
	cfg.Workers, cfg.Shards, cfg.coarse = len(takes), len(takes), true
	clocks := make([]*clock, len(takes))
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := New(cfg, Directive[int]{}, func(s Span) Hand[int] {
			clocks[s.Worker] = &clock{began: began, takes: takes[s.Worker], at: make([]time.Duration, 0, cfg.Ticks)}
			return clocks[s.Worker]
		})
		wait := start(t, p)
		if err := p.Reach(t.Context(), cfg.Ticks); err != nil {
			t.Error(err)
		}
		p.Publish(Directive[int]{Stop: true})
		wait()
	})
	return clocks
}

const ms = time.Millisecond

// onTime checks that the ticks from first to last start when the schedule, moved by shift, says.
func (c *clock) onTime(t *testing.T, first, last int, shift time.Duration) {
	t.Helper()
	for i := first; i <= last; i++ {
		if want := time.Duration(i)*ms + shift; c.at[i] != want {
			t.Fatalf("tick %d started at %v, expected %v", i, c.at[i], want)
		}
	}
}

// soloPace returns the pace of a worker that has no other to keep to.
func soloPace(cfg Config) pace {
	cfg.Mode = epoch.Immediate
	return (&Pool[int]{cfg: cfg}).newPace(time.Now(), 0, false)
}

func TestScheduleDoesNotDrift(t *testing.T) {
	busy := func(tick uint64) time.Duration {
		if tick%100 != 7 {
			return 0
		}
		return time.Duration(tick*7919) % ms // some part of the period
	}
	t.Run("a million ticks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := soloPace(Config{Period: ms, MaxCatchup: 10})
			for tick := uint64(0); tick < 1_000_000; tick++ {
				for wait, yield := p.next(tick); wait > 0 || yield; wait, yield = p.next(tick) {
					time.Sleep(wait)
					p.resume()
				}
				if at := time.Since(began); at != time.Duration(tick)*ms {
					t.Fatalf("tick %d started at %v", tick, at)
				}
				if d := busy(tick); d > 0 {
					time.Sleep(d)
				}
			}
		})
	})
	t.Run("the whole pool", func(t *testing.T) {
		for _, c := range timed(t, Config{Period: ms, Ticks: 5000, MaxCatchup: 10}, busy, nil) {
			c.onTime(t, 0, 4999, 0)
		}
	})
}

func TestCatchUpIsBounded(t *testing.T) {
	for _, c := range []struct {
		name    string
		stall   time.Duration // of tick 10
		catchup int
		burst   int           // ticks that start at the stall's end
		shift   time.Duration // of the schedule afterwards
	}{
		{"within the period", ms / 2, 5, 0, 0},
		{"within the bound", 3 * ms, 5, 3, 0},
		{"at the bound", 6 * ms, 5, 6, 0},
		{"beyond", 6*ms + ms/2, 5, 6, ms / 2},
		{"far beyond", 1000*ms + ms/4, 5, 6, 994*ms + ms/4},
		{"no catch-up", 20 * ms, 0, 1, 19 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := timed(t, Config{Period: ms, Ticks: 40, MaxCatchup: c.catchup}, stallAt(10, c.stall))[0]
			k.onTime(t, 0, 10, 0)
			end, burst := 10*ms+c.stall, 0
			for i := 11; i < 40 && k.at[i] == end; i++ {
				burst++
			}
			if burst != c.burst {
				t.Errorf("%d ticks started at once, expected %d: %v", burst, c.burst, k.at)
			}
			k.onTime(t, 11+burst, 39, c.shift)
		})
	}
}

func stallAt(tick uint64, d time.Duration) func(uint64) time.Duration {
	return func(t uint64) time.Duration {
		if t == tick {
			return d
		}
		return 0
	}
}

func TestSlowWorker(t *testing.T) {
	slow := func(uint64) time.Duration { return 3 * ms }
	t.Run("immediate: nobody else is delayed", func(t *testing.T) {
		c := timed(t, Config{Period: ms, Ticks: 500, MaxCatchup: 2, Mode: epoch.Immediate}, slow, nil, nil)
		c[1].onTime(t, 0, 499, 0)
		c[2].onTime(t, 0, 499, 0)
	})
	t.Run("aligned: others are ahead by the lead at most", func(t *testing.T) {
		c := timed(t, Config{Period: ms, Ticks: 500, MaxCatchup: 2}, slow, nil, nil)
		lead := int(leadTime / ms)
		// The slow one completes its tick t at 3t+3. Until then nobody runs tick t+1+lead+1.
		c[1].onTime(t, 0, lead, 0)
		for i := lead + 1; i < 500; i++ {
			if ended := c[0].at[i-lead-1] + 3*ms; c[1].at[i] < ended {
				t.Fatalf("tick %d started at %v, when the slow worker had not completed tick %d: that was at %v",
					i, c[1].at[i], i-lead-1, ended)
			}
		}
	})
	t.Run("aligned: a stall within the lead delays nobody, and is made up for", func(t *testing.T) {
		c := timed(t, Config{Period: ms, Ticks: 300, MaxCatchup: 2}, stallAt(10, 50*ms), nil)
		c[1].onTime(t, 0, 299, 0)
		c[0].onTime(t, 0, 10, 0)
		c[0].onTime(t, 61, 299, 0)
	})
	t.Run("aligned: a stall beyond the lead moves the schedule of all", func(t *testing.T) {
		c := timed(t, Config{Period: ms, Ticks: 3000, MaxCatchup: 2}, stallAt(10, 500*ms), nil)
		for i := 2000; i < 3000; i++ {
			if d := (c[0].at[i] - c[1].at[i]).Abs(); d > 2*ms {
				t.Fatalf("tick %d started at %v and at %v, expected no more than the bound on catch-up between them",
					i, c[0].at[i], c[1].at[i])
			}
		}
	})
}

// TestSuspended: when the whole process was stopped, all workers re-base alike, to within a tick: the one that comes
// second may find the first a tick further than the bound on catch-up allowed.
func TestSuspended(t *testing.T) {
	c := timed(t, Config{Period: ms, Ticks: 100, MaxCatchup: 4}, stallAt(20, 700*ms), stallAt(20, 700*ms))
	for i := 30; i < 100; i++ {
		want := time.Duration(i)*ms + 695*ms
		for _, k := range c {
			if early := want - k.at[i]; early < 0 || early > ms {
				t.Fatalf("tick %d started at %v, expected %v or a tick earlier", i, k.at[i], want)
			}
		}
	}
}

func TestBatchesTakeYieldEvery(t *testing.T) {
	for _, took := range []time.Duration{time.Microsecond, 30 * time.Microsecond, 5 * ms} {
		t.Run(took.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := soloPace(Config{})
				batches, last := 0, 0*ms
				for tick, from := uint64(0), time.Now(); batches < 20; {
					if _, yield := p.next(tick); yield {
						batches, last = batches+1, time.Since(from)
						time.Sleep(ms) // whatever others do meanwhile is not in the batch
						p.resume()
						from = time.Now()
						continue
					}
					time.Sleep(took)
					tick++
				}
				if want := max(yieldEvery, took); last > want || last < want-took {
					t.Errorf("the worker yields after %v, expected about %v", last, want)
				}
			})
		})
	}
}

// TestOverloadedWorkerYields: a worker whose ticks are always late never waits, yet others get its processor.
func TestOverloadedWorkerYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := soloPace(Config{Period: 10 * time.Microsecond, MaxCatchup: 3})
		yields := 0
		for tick := uint64(0); tick < 1000; {
			wait, yield := p.next(tick)
			switch {
			case wait > 0:
				time.Sleep(wait)
			case yield:
				yields++
				p.resume()
			default:
				time.Sleep(20 * time.Microsecond)
				tick++
			}
		}
		if want := int(1000 * 20 * time.Microsecond / yieldEvery); yields < want-1 || yields > want {
			t.Errorf("%d yields in 20 ms, expected %d", yields, want)
		}
	})
}

func TestHugeCatchUp(t *testing.T) {
	c := timed(t, Config{Period: ms, Ticks: 3000, MaxCatchup: 1 << 62}, stallAt(1, 2000*ms))[0]
	c.onTime(t, 2002, 2999, 0)
}
