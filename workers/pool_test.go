package workers

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hotreload/epoch"
)

var modes = []epoch.Mode{epoch.Aligned, epoch.Immediate}

// TestPublishBeforeRun: what is published before the workers begin, they meet all the same, in order.
func TestPublishBeforeRun(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			cfg := Config{Workers: 2, Shards: 5, Mode: mode}
			b := newBoard(cfg)
			first, _ := b.directive(1, 1)
			p := New(cfg, first, b.hand)
			second, _ := b.directive(2, 7)
			p.Publish(second)
			if err := p.Resize(3); err != nil {
				t.Error(err)
			}
			third, taken := b.directive(3, 8)
			p.Publish(third)
			wait := start(t, p)
			receive(t, "third directive", taken)
			p.Publish(b.stop(4, 8))
			wait()
			b.check(t)
		})
	}
}

// TestStopBeforeRun: a pool that was told to stop before it began runs no tick.
func TestStopBeforeRun(t *testing.T) {
	cfg := Config{Workers: 4, Shards: 4}
	b := newBoard(cfg)
	first, _ := b.directive(1, 1)
	p := New(cfg, first, b.hand)
	p.Publish(b.stop(2, 1))
	start(t, p)()
	b.check(t)
	if b.shards[0].next != 0 || b.shards[3].met != 2 {
		t.Errorf("shards %+v, expected no tick and two directives", b.shards)
	}
}

// TestAfterTheEnd: what comes too late neither hangs nor panics, and is met by nobody.
func TestAfterTheEnd(t *testing.T) {
	cfg := Config{Workers: 2, Shards: 2}
	b := newBoard(cfg)
	first, _ := b.directive(1, 1)
	p := New(cfg, first, b.hand)
	wait := start(t, p)
	p.Publish(b.stop(2, 1))
	receive(t, "end", p.Ended())
	wait()

	met := func(Hand[int], Span, uint64) { t.Error("a directive was met after the end") }
	old, g := p.Replace(Directive[int]{Code: 5, Arrive: met})
	if p.Current() != g || g.Value.Code != 5 {
		t.Errorf("current is %+v, expected what was published last", p.Current().Value)
	}
	if err := p.Retire(old, 3).Wait(t.Context()); err != nil {
		t.Errorf("grace period after the end: %v", err)
	}
	p.Visit(met)
	if err := p.Reach(t.Context(), 1<<40); err != nil {
		t.Errorf("Reach after the end: %v", err)
	}
	if err := p.Resize(1); !errors.Is(err, ErrEnded) {
		t.Errorf("Resize after the end: %v, expected %v", err, ErrEnded)
	}
	if err := p.Run(); err == nil {
		t.Error("a pool ran twice")
	}
	b.check(t)
}

// TestStopWhileOthersWait: whatever a worker waits for, it meets the end.
func TestStopWhileOthersWait(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		busy func(gate chan struct{}) func(s Span, tick uint64)
	}{
		{"for the slowest, which is in a tick", Config{Workers: 3, Shards: 3}, stuckAt(0, 9)},
		{"for a tick that is due in an hour", Config{Workers: 3, Shards: 3, Period: time.Hour}, nil},
		{"after the last tick", Config{Workers: 3, Shards: 3, Ticks: 4}, nil},
		{"after the last tick, which one has not run", Config{Workers: 3, Shards: 3, Ticks: 4}, stuckAt(1, 2)},
		{"after no tick", Config{Workers: 1, Shards: 1, Ticks: 1, Period: time.Hour}, nil},
	} {
		for _, mode := range modes {
			t.Run(fmt.Sprintf("%s, %v", c.name, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := c.cfg
					cfg.Mode, cfg.coarse = mode, true
					b := newBoard(cfg)
					gate := make(chan struct{})
					if c.busy != nil {
						if mode == epoch.Immediate && cfg.Ticks == 0 {
							t.Skip("free-running workers wait for nobody")
						}
						b.busy = c.busy(gate)
					}
					first, _ := b.directive(1, 1)
					p := New(cfg, first, b.hand)
					wait := start(t, p)
					synctest.Wait() // all wait, or are stuck
					p.Publish(b.stop(2, 1))
					synctest.Wait()
					close(gate)
					wait()
					b.check(t)
				})
			})
		}
	}
}

// stuckAt makes one worker wait, in a tick, for a gate.
func stuckAt(worker int, tick uint64) func(chan struct{}) func(Span, uint64) {
	return func(gate chan struct{}) func(Span, uint64) {
		return func(s Span, t uint64) {
			if s.Worker == worker && t == tick {
				<-gate
			}
		}
	}
}

// TestMeetWhileParked: a directive that is published while all wait for their next tick is met at once, long before that
// tick is due, and the tick runs on it.
func TestMeetWhileParked(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Workers: 3, Shards: 6, Period: time.Hour, Mode: mode, coarse: true}
				b := newBoard(cfg)
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				wait := start(t, p)
				time.Sleep(90 * time.Minute) // tick 1 has run
				before := time.Now()
				second, taken := b.directive(2, 2)
				g := p.Publish(second)
				<-taken
				if mode == epoch.Aligned && g.Activation() != 2 {
					t.Errorf("activation tick %d, expected 2", g.Activation())
				}
				p.Publish(b.stop(3, 2))
				wait()
				if d := time.Since(before); d != 0 {
					t.Errorf("that took %v", d)
				}
				b.check(t)
			})
		})
	}
}

// TestRenew: each worker goes on with a fresh hand on a fresh thread, also when the end comes at once.
func TestRenew(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		t.Run(fmt.Sprintf("end at once: %v", atOnce), func(t *testing.T) {
			cfg := Config{Workers: 3, Shards: 6}
			b := newBoard(cfg)
			first, _ := b.directive(1, 1)
			p := New(cfg, first, b.hand)
			wait := start(t, p)
			second, taken := b.directive(2, 1)
			second.Renew = true
			old, _ := p.Replace(second)
			if !atOnce {
				receive(t, "renewal", taken)
				if err := p.Retire(old, 1).Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
			p.Publish(b.stop(3, 1))
			wait()
			b.check(t)
			if n := b.threads.Load(); n != 6 && (n != 3 || !atOnce) {
				t.Errorf("%d hands were made, expected two for each worker", n)
			}
		})
	}
}

func TestFewerShardsThanWorkers(t *testing.T) {
	cfg := Config{Workers: 8, Shards: 3}
	b := newBoard(cfg)
	first, _ := b.directive(1, 1)
	p := New(cfg, first, b.hand)
	if n := p.Workers(); n != 3 {
		t.Errorf("%d workers for 3 shards", n)
	}
	wait := start(t, p)
	reach(t, p, 100)
	p.Publish(b.stop(2, 1))
	wait()
	b.check(t)
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{{Shards: 1}, {Workers: 1}, {Workers: 1, Shards: 1, Period: -1}, {Workers: 1, Shards: 1, MaxCatchup: -1}} {
		t.Run(fmt.Sprintf("%+v", cfg), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			New(cfg, Directive[int]{}, (*board)(nil).hand)
		})
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct{ n, shards int }{{1, 1}, {3, 10}, {7, 7}, {1024, 1<<31 - 1}, {1023, 1 << 20}} {
		next := 0
		for w := range c.n {
			s := spanOf(w, c.n, c.shards)
			if s.First != next || s.Count < c.shards/c.n || s.Count > c.shards/c.n+1 || s.Worker != w {
				t.Errorf("span %d of %d over %d shards: %+v, expected to begin with %d", w, c.n, c.shards, s, next)
			}
			next += s.Count
		}
		if next != c.shards {
			t.Errorf("%d shards are in no span", c.shards-next)
		}
	}
}

// TestTicksAllocateNothing: once the pool runs, ticks make no garbage.
func TestTicksAllocateNothing(t *testing.T) {
	for _, period := range []time.Duration{0, 20 * time.Microsecond} {
		t.Run(period.String(), func(t *testing.T) {
			p := New(Config{Workers: 1, Shards: 1, Period: period}, Directive[int]{}, func(Span) Hand[int] { return idleHand{} })
			wait := start(t, p)
			reach(t, p, 1000)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			from := p.Slowest()
			for p.Slowest() < from+5000 {
				runtime.Gosched()
			}
			runtime.ReadMemStats(&after)
			p.Publish(Directive[int]{Stop: true})
			wait()
			if n := after.Mallocs - before.Mallocs; n > 500 { // the runtime itself makes some
				t.Errorf("%d allocations in 5000 ticks", n)
			}
		})
	}
}

type idleHand struct{}

func (idleHand) Tick(int, Span, uint64)        {}
func (idleHand) Switch(int, int, Span, uint64) {}
func (idleHand) Close()                        {}

// TestRetireCoversVisits: the directive to retire is the one that was replaced, whoever published in between.
func TestRetireCoversVisits(t *testing.T) {
	cfg := Config{Workers: 2, Shards: 2}
	valid := make([]atomic.Bool, 1<<16)
	valid[0].Store(true)
	p := New(cfg, Directive[int]{}, func(Span) Hand[int] { return validHand{t, valid} })
	wait := start(t, p)
	quit, quitted := context.WithCancel(t.Context())
	visits := make(chan int)
	go func() {
		n := 0
		for ; quit.Err() == nil; n++ {
			p.Visit(nil)
			if n%16 == 0 {
				_ = p.Resize(1 + n/16%2)
			}
			runtime.Gosched()
		}
		visits <- n
	}()
	end := time.Now().Add(stressTime(t) / 4)
	code := 0
	for ; time.Now().Before(end) && code < len(valid)-1; code++ {
		valid[code+1].Store(true)
		old, _ := p.Replace(Directive[int]{Code: code + 1})
		if old.Value.Code != code {
			t.Fatalf("code %d was replaced, expected %d", old.Value.Code, code)
		}
		if err := p.Retire(old, 1).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		valid[code].Store(false)
	}
	quitted()
	n := <-visits
	p.Publish(Directive[int]{Code: code, Stop: true})
	wait()
	t.Logf("%d swaps, %d visits", code, n)
}

// validHand checks that no tick runs code that was reclaimed.
type validHand struct {
	t     *testing.T
	valid []atomic.Bool
}

func (h validHand) Tick(code int, _ Span, tick uint64) {
	if !h.valid[code].Load() {
		h.t.Errorf("tick %d runs code %d, which was reclaimed", tick, code)
	}
}

func (h validHand) Switch(from, to int, _ Span, tick uint64) {
	if !h.valid[from].Load() || !h.valid[to].Load() {
		h.t.Errorf("tick %d: switch from code %d to %d, of which one was reclaimed", tick, from, to)
	}
}

func (validHand) Close() {}
