package workers

import (
	"fmt"
	"math"
	"testing"
	"time"

	"hotreload/epoch"
)

// limited runs a pool under cfg with the limit of first ticks, and returns it, its board, what is called to publish
// further directives, and what is called to end it and look at the board.
func limited(t *testing.T, cfg Config, first uint64) (p *Pool[int], b *board, publish func(Limit) uint64, end func()) {
	t.Helper()
	b = newBoard(cfg)
	d, _ := b.directive(1, 1)
	d.Limit = After(first)
	p, n := New(cfg, d, b.hand), 1
	wait := start(t, p)
	publish = func(l Limit) uint64 {
		n++
		d, taken := b.directive(n, n)
		d.Limit = l
		g := p.Publish(d)
		receive(t, fmt.Sprintf("directive %d", n), taken)
		return g.Activation()
	}
	return p, b, publish, func() {
		p.Publish(b.stop(n+1, n+1))
		wait()
		b.check(t)
	}
}

// TestLimit: workers run exactly as many ticks as they are told, meet what is published while they wait, and go on.
func TestLimit(t *testing.T) {
	for _, mode := range modes {
		for _, period := range []time.Duration{0, 100 * time.Microsecond} {
			t.Run(fmt.Sprintf("%v/period=%v", mode, period), func(t *testing.T) {
				p, b, publish, end := limited(t, Config{Workers: 3, Shards: 7, Mode: mode, Period: period}, 0)
				publish(0) // lifts nothing
				for _, w := range p.Progress() {
					if w.Tick != 0 {
						t.Errorf("a worker is at tick %d before it may begin", w.Tick)
					}
				}
				publish(After(5))
				reach(t, p, 5)
				publish(0)
				publish(After(10))
				publish(After(7)) // counts from where it is met
				reach(t, p, 12)
				if mode == epoch.Aligned {
					if tick := publish(0); tick > 22 {
						t.Errorf("a directive is active from tick %d on, expected at most 22", tick)
					}
				}
				publish(Unlimited)
				reach(t, p, 100)
				publish(After(1))
				end()
				first := b.shards[0].next
				for i, s := range b.shards {
					if first < 100 || mode == epoch.Aligned && s.next != first {
						t.Errorf("shard %d ended at tick %d, shard 0 at %d: expected one tick, 100 or later", i, s.next, first)
					}
				}
			})
		}
	}
}

// TestLimitIsExact: nobody runs beyond the limit, whatever else happens.
func TestLimitIsExact(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			p, b, publish, end := limited(t, Config{Workers: 4, Shards: 9, Mode: mode}, 20)
			reach(t, p, 20)
			for n := range 4 {
				if err := p.Resize(n + 1); err != nil {
					t.Fatal(err)
				}
				publish(0)
			}
			end()
			for i, s := range b.shards {
				if s.next != 20 {
					t.Errorf("shard %d ended at tick %d, expected 20", i, s.next)
				}
			}
		})
	}
}

// TestUnlimitedKeepsTheEnd: no limit takes the workers beyond Config.Ticks.
func TestUnlimitedKeepsTheEnd(t *testing.T) {
	for _, limit := range []Limit{Unlimited, After(math.MaxUint64), After(1000)} {
		p, b, publish, end := limited(t, Config{Workers: 2, Shards: 2, Ticks: 30}, 3)
		reach(t, p, 3)
		publish(limit)
		reach(t, p, 30)
		end()
		if b.shards[0].next != 30 || b.shards[1].next != 30 {
			t.Errorf("limit %d: shards ended at ticks %d and %d, expected 30", limit, b.shards[0].next, b.shards[1].next)
		}
	}
}

// TestLimitOfZero: a tick that is about to run cannot be called back.
func TestLimitOfZero(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	p := New(Config{Workers: 1, Shards: 1}, Directive[int]{Code: 1}, func(Span) Hand[int] { return idleHand{} })
	p.Publish(Directive[int]{Code: 2, Limit: After(0)})
}

// TestNobodyIsLateAfterALimit: a wait that was asked for is no delay to be made up for.
func TestNobodyIsLateAfterALimit(t *testing.T) {
	for _, ticks := range []uint64{50, 1 << 60} {
		p := soloPace(Config{Period: time.Millisecond, MaxCatchup: 10})
		p.base = time.Now().Add(-time.Hour)
		p.restart(ticks)
		for n := range uint64(3) {
			wait, _ := p.next(ticks + n)
			if p.late > time.Minute {
				t.Errorf("tick %d is %v late after the wait", ticks+n, p.late)
			}
			if wait > time.Duration(n)*time.Millisecond {
				t.Errorf("tick %d is due in %v", ticks+n, wait)
			}
		}
	}
}
