package workers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"hotreload/epoch"
)

// TestResizeWhilePaced: in virtual time, growing and shrinking moves no tick off the schedule.
func TestResizeWhilePaced(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Workers: 2, Shards: 12, Period: ms, MaxCatchup: 3, Mode: mode, coarse: true}
				b := newBoard(cfg)
				began := time.Now()
				b.busy = func(s Span, tick uint64) {
					if at := time.Since(began); at != time.Duration(tick)*ms {
						b.fault("worker %d ran tick %d at %v", s.Worker, tick, at)
					}
				}
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				wait := start(t, p)
				for i, n := range []int{4, 1, 12, 3, 30, 2} {
					time.Sleep(10*ms + ms/2)
					if err := p.Resize(n); err != nil {
						t.Fatal(err)
					}
					d, taken := b.directive(2+i, 2+i)
					p.Publish(d) // meanwhile
					<-taken
					synctest.Wait()
					if got, want := p.Workers(), min(n, 12); got != want {
						t.Errorf("%d workers after Resize(%d), expected %d", got, n, want)
					}
				}
				p.Publish(b.stop(8, 7))
				wait()
				b.check(t)
			})
		})
	}
}

// TestResizeAtTheEnd: also workers that wait for nothing but the end hand over.
func TestResizeAtTheEnd(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Workers: 2, Shards: 6, Ticks: 3, Mode: mode, coarse: true}
				b := newBoard(cfg)
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				wait := start(t, p)
				synctest.Wait()
				for i, n := range []int{5, 1, 6} {
					if err := p.Resize(n); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if p.Workers() != n {
						t.Errorf("%d workers, expected %d", p.Workers(), n)
					}
					d, taken := b.directive(2+i, 1)
					p.Publish(d)
					<-taken
				}
				p.Publish(b.stop(5, 1))
				wait()
				b.check(t)
				if n := p.Stats().Participants; n != 0 {
					t.Errorf("%d participants are left", n)
				}
			})
		})
	}
}

// TestResizeWhileStuck: with a worker stuck in a tick nothing waits: not Resize, of which the last one counts, nor
// Publish; and the grace period of what the stuck worker runs does not end.
func TestResizeWhileStuck(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Workers: 3, Shards: 6, Period: ms, Mode: mode, coarse: true}
				b := newBoard(cfg)
				gate := make(chan struct{})
				b.busy = stuckAt(1, 5)(gate)
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				wait := start(t, p)
				time.Sleep(10 * ms)
				for _, n := range []int{1, 6, 2} {
					if err := p.Resize(n); err != nil {
						t.Fatal(err)
					}
				}
				second, taken := b.directive(2, 2)
				old, _ := p.Replace(second)
				grace := p.Retire(old, 1)
				time.Sleep(100 * ms)
				if p.Workers() != 3 || grace.Passed() {
					t.Errorf("%d workers, grace passed: %v, while one is stuck", p.Workers(), grace.Passed())
				}
				before := time.Now()
				close(gate)
				<-taken
				if d := time.Since(before); d > 2*ms {
					t.Errorf("the others waited for %v", d)
				}
				if err := grace.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if p.Workers() != 2 {
					t.Errorf("%d workers, expected 2", p.Workers())
				}
				p.Publish(b.stop(3, 2))
				wait()
				b.check(t)
			})
		})
	}
}

// TestStopVoidsResize: workers that have come to the end of their stay, and wait for one that is stuck, meet the end.
func TestStopVoidsResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{Workers: 3, Shards: 6, Period: ms, coarse: true}
		b := newBoard(cfg)
		gate := make(chan struct{})
		b.busy = stuckAt(1, 5)(gate)
		first, _ := b.directive(1, 1)
		p := New(cfg, first, b.hand)
		wait := start(t, p)
		time.Sleep(10 * ms)
		if err := p.Resize(6); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * ms)
		p.Publish(b.stop(2, 1))
		time.Sleep(10 * ms)
		if err := p.Resize(2); err == nil {
			t.Error("Resize after the end was published: no error")
		}
		close(gate)
		wait()
		b.check(t)
	})
}

// TestGraceOutlivesResize: a grace period of some ticks is not cut short when the shards change hands, twice at once.
func TestGraceOutlivesResize(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Workers: 3, Shards: 6, Period: ms, Mode: mode, coarse: true}
				b := newBoard(cfg)
				first, _ := b.directive(1, 1)
				p := New(cfg, first, b.hand)
				wait := start(t, p)
				time.Sleep(10*ms + ms/2) // ticks 0 to 10 have run
				second, _ := b.directive(2, 2)
				old, _ := p.Replace(second)
				grace := p.Retire(old, 5)
				for _, n := range []int{2, 5} {
					if err := p.Resize(n); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				time.Sleep(4 * ms)
				if synctest.Wait(); grace.Passed() {
					t.Error("the grace period ended after 4 ticks, expected 5")
				}
				time.Sleep(5 * ms)
				if synctest.Wait(); !grace.Passed() {
					t.Errorf("the grace period has not ended after 9 ticks: %v", grace.Behind())
				}
				p.Publish(b.stop(3, 2))
				wait()
				b.check(t)
			})
		})
	}
}

func TestResizeRefuses(t *testing.T) {
	p := New(Config{Workers: 1, Shards: 4}, Directive[int]{}, func(Span) Hand[int] { return idleHand{} })
	for _, n := range []int{0, -3} {
		if err := p.Resize(n); err == nil {
			t.Errorf("Resize(%d): no error", n)
		}
	}
}

// TestHandoverEnds checks the agreement on a tick in immediate mode against all orders in which three workers can meet
// the directive and run ticks: nobody runs the end or a later tick, and the end is not later than one tick after the
// fastest.
func TestHandoverEnds(t *testing.T) {
	var explore func(h state, path string)
	seen := make(map[state]bool)
	explore = func(s state, path string) {
		if seen[s] || t.Failed() {
			return
		}
		seen[s] = true
		for w := range s.tick {
			next := s
			h := &handover[int]{}
			h.end.Store(s.end)
			h.met.Store(s.left)
			p := &Pool[int]{cfg: Config{Mode: epoch.Immediate}}
			switch {
			case !s.met[w] && s.tick[w] < 3: // runs a tick and has not looked
				next.tick[w]++
				explore(next, fmt.Sprintf("%s %d:tick", path, w))
				next.tick[w]--
				fallthrough
			case !s.met[w]:
				h.meet(p, s.tick[w])
				next.met[w] = true
			case s.tick[w] < 6 && !h.over(s.tick[w]) && h.enter(s.tick[w]):
				next.tick[w]++
			}
			next.end, next.left = h.end.Load(), h.met.Load()
			if next.end&decided != 0 && next.tick[w] > next.end&^decided {
				t.Errorf("%s %d: is at tick %d, the end is %d", path, w, next.tick[w], next.end&^decided)
			}
			explore(next, fmt.Sprintf("%s %d", path, w))
		}
	}
	explore(state{left: 3}, "")
	t.Logf("%d states", len(seen))
}

type state struct {
	tick [3]uint64
	met  [3]bool
	end  uint64
	left int64
}
