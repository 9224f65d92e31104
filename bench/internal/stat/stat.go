// Package stat summarises samples.
package stat

import (
	"math"
	"slices"
)

// Summary is what the reports say of a set of samples. All but N have the unit of the samples.
type Summary struct {
	N      int     `json:"n"`
	Min    float64 `json:"min"`
	P25    float64 `json:"p25"`
	Median float64 `json:"median"`
	P75    float64 `json:"p75"`
	P90    float64 `json:"p90"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// Of summarises samples; of none, it is all zeros.
func Of(samples []float64) Summary {
	s := slices.Clone(samples)
	slices.Sort(s)
	if len(s) == 0 {
		return Summary{}
	}
	return Summary{
		N: len(s), Min: s[0], P25: quantile(s, 0.25), Median: quantile(s, 0.5), P75: quantile(s, 0.75),
		P90: quantile(s, 0.9), P99: quantile(s, 0.99), Max: s[len(s)-1],
	}
}

// Ratios divides a by b, sample by sample: what was measured in the same round shares the same disturbances. It panics
// when there are more samples in a than in b.
func Ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

// quantile interpolates linearly between the sorted samples around q.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
