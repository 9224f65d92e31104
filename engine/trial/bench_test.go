package trial

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkTrial measures what a trial adds to a swap, with a spare child and without.
func BenchmarkTrial(b *testing.B) {
	lib := plugin(b, good)
	scores := make([]uint32, 16)
	for _, c := range []struct {
		name string
		warm bool
	}{{"warm", true}, {"cold", false}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRunner(b, Config{})
			live := liveScores(b, scores...)
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				warm(b, r)
				if !c.warm {
					(<-r.spare).finish()
				}
				b.StartTimer()
				report, err := r.Try(b.Context(), Candidate{Path: lib, DT: 0.1, Live: live})
				if err != nil || report.Warm != c.warm {
					b.Fatalf("%+v, %v", report, err)
				}
				took = append(took, report.Took)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-µs")
		})
	}
}
