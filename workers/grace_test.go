package workers

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"hotreload/epoch"
)

// spin computes for about d.
func spin(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

// busyHand's ticks compute.
type busyHand struct{ d time.Duration }

func (h busyHand) Tick(int, Span, uint64)        { spin(h.d) }
func (h busyHand) Switch(int, int, Span, uint64) {}
func (h busyHand) Close()                        {}

// quantiles of what was measured.
type quantiles []time.Duration

func (q quantiles) at(p float64) time.Duration {
	slices.Sort(q)
	return q[int(p*float64(len(q)-1))].Round(100 * time.Nanosecond)
}

func (q quantiles) String() string {
	return fmt.Sprintf("p50 %v p95 %v p99 %v max %v", q.at(.5), q.at(.95), q.at(.99), q.at(1))
}

// BenchmarkGrace measures how long a publication and its grace period take while workers are busy, and how late the
// publisher's own timer is.
func BenchmarkGrace(b *testing.B) {
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		for _, procs := range []int{2, 10} {
			for _, workers := range []int{2, 8} {
				for _, tick := range []time.Duration{time.Microsecond, 50 * time.Microsecond} {
					b.Run(fmt.Sprintf("%v/P%d/W%d/tick=%v", mode, procs, workers, tick), func(b *testing.B) {
						graceOf(b, mode, procs, workers, tick)
					})
				}
			}
		}
	}
}

func graceOf(b *testing.B, mode epoch.Mode, procs, workers int, tick time.Duration) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	p := New(Config{Workers: workers, Shards: workers, Mode: mode}, Directive[int]{Code: 1}, func(Span) Hand[int] { return busyHand{tick} })
	done := make(chan error, 1)
	b.Cleanup(func() {
		p.Publish(Directive[int]{Stop: true})
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	go func() { done <- p.Run() }()
	if err := p.Reach(b.Context(), 100); err != nil {
		b.Fatal(err)
	}
	var publish, grace, late quantiles
	before := p.Slowest()
	began := time.Now()
	for i := 0; b.Loop(); i++ {
		wake := time.Now().Add(time.Duration(1000+i*37%2000) * time.Microsecond)
		time.Sleep(time.Until(wake))
		start := time.Now()
		old, _ := p.Replace(Directive[int]{Code: i})
		published := time.Now()
		if err := p.Retire(old, 1).Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
		late, publish, grace = append(late, start.Sub(wake)), append(publish, published.Sub(start)), append(grace, time.Since(published))
	}
	perTick := time.Since(began) * time.Duration(min(workers, runtime.NumCPU())) / time.Duration(uint64(workers)*max(p.Slowest()-before, 1))
	b.Logf("n=%d publish %v | grace %v | publisher late %v | cpu per tick %v", len(grace), publish, grace, late, perTick)
	b.ReportMetric(float64(grace.at(.95).Nanoseconds()), "grace-p95-ns")
	b.ReportMetric(float64(publish.at(.95).Nanoseconds()), "publish-p95-ns")
}
