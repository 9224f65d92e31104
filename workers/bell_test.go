package workers

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// TestBell: a ring is never lost, however close to a wait it comes. A wait that misses it would last for an hour.
func TestBell(t *testing.T) {
	for _, c := range []struct {
		name    string
		precise bool
		d       time.Duration
	}{
		{"timer", false, time.Hour},
		{"timer, precise", true, time.Hour},
		{"doze", true, doze},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.precise && !canDoze {
				t.Skip("no futex")
			}
			b := &bell{rung: make(chan struct{}, 1), precise: c.precise}
			answers := make(chan time.Duration)
			const rounds = 3000
			go func() {
				runtime.LockOSThread() // the thread's timer slack changes: it ends here
				b.attach()
				defer b.timer.Stop()
				for range rounds {
					began := time.Now()
					b.waitFor(c.d)
					answers <- time.Since(began)
				}
				close(answers)
			}()
			late, slow := time.NewTimer(patience), 0
			defer late.Stop()
			for i := range rounds {
				for range i % 64 {
					runtime.Gosched()
				}
				b.ring()
				select {
				case d := <-answers:
					if d > doze/2 {
						slow++
					}
				case <-late.C:
					t.Fatalf("round %d: a ring was lost", i)
				}
			}
			<-answers
			// A doze ends by itself, so a lost ring shows as time; on a busy machine some rounds take that long anyway.
			if slow > rounds/10 {
				t.Errorf("%d of %d waits took more than %v", slow, rounds, doze/2)
			}
		})
	}
}

// BenchmarkLateness measures how late ticks start.
func BenchmarkLateness(b *testing.B) {
	for _, coarse := range []bool{true, false} {
		for _, workers := range []int{1, 2, 4} {
			for _, period := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
				name := "precise"
				if coarse {
					name = "timer"
				}
				b.Run(fmt.Sprintf("%s/W%d/period=%v", name, workers, period), func(b *testing.B) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers + 2))
					seen := make([]lateness, workers)
					p := New(Config{Workers: workers, Shards: workers, Period: period, Ticks: uint64(b.N), MaxCatchup: 10, coarse: coarse,
						Observe: func(s Span) Observer { return &seen[s.Worker] }},
						Directive[int]{}, func(Span) Hand[int] { return idleHand{} })
					done := make(chan error, 1)
					go func() { done <- p.Run() }()
					if err := p.Reach(b.Context(), uint64(b.N)); err != nil {
						b.Error(err)
					}
					p.Publish(Directive[int]{Stop: true})
					if err := <-done; err != nil {
						b.Error(err)
					}
					var all quantiles
					for _, s := range seen {
						all = append(all, s.late...)
					}
					b.ReportMetric(float64(all.at(.5).Nanoseconds()), "late-p50-ns")
					b.ReportMetric(float64(all.at(.99).Nanoseconds()), "late-p99-ns")
					b.Logf("n=%d late %v", len(all), all)
				})
			}
		}
	}
}

// lateness is an Observer that keeps everything.
type lateness struct {
	late  quantiles
	ticks uint64
	took  time.Duration
}

func (l *lateness) Started(late time.Duration) { l.late = append(l.late, late) }

func (l *lateness) Ran(ticks uint64, took time.Duration) {
	l.ticks, l.took = l.ticks+ticks, l.took+took
}

// TestObserver: each tick is told once, with a schedule one by one, without in batches.
func TestObserver(t *testing.T) {
	for _, period := range []time.Duration{0, 100 * time.Microsecond} {
		t.Run(period.String(), func(t *testing.T) {
			var seen [2]lateness
			p := New(Config{Workers: 2, Shards: 2, Period: period, Observe: func(s Span) Observer { return &seen[s.Worker] }},
				Directive[int]{}, func(Span) Hand[int] { return busyHand{5 * time.Microsecond} })
			wait := start(t, p)
			reach(t, p, 300)
			p.Publish(Directive[int]{Stop: true})
			wait()
			for w, s := range seen {
				if s.ticks < 200 || (period != 0 && len(s.late) != int(s.ticks)) || (period == 0 && s.late != nil) {
					t.Errorf("worker %d: %d ticks, %d of them with their lateness", w, s.ticks, len(s.late))
				}
				if s.took < time.Duration(s.ticks)*5*time.Microsecond {
					t.Errorf("worker %d: %d ticks of 5 µs took %v", w, s.ticks, s.took)
				}
			}
		})
	}
}

// BenchmarkTick measures what the pool adds to a tick. The cost must not depend on the number of shards.
func BenchmarkTick(b *testing.B) {
	for _, shards := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			p := New(Config{Workers: 1, Shards: shards, Ticks: uint64(b.N)}, Directive[int]{}, func(Span) Hand[int] { return idleHand{} })
			done := make(chan error, 1)
			b.ResetTimer()
			go func() { done <- p.Run() }()
			if err := p.Reach(b.Context(), uint64(b.N)); err != nil {
				b.Error(err)
			}
			p.Publish(Directive[int]{Stop: true})
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
	}
}
