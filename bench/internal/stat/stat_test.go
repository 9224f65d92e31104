package stat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	for _, c := range []struct {
		name    string
		samples []float64
		want    Summary
	}{
		{"none", nil, Summary{}},
		{"one", []float64{7}, Summary{N: 1, Min: 7, P25: 7, Median: 7, P75: 7, P90: 7, P99: 7, Max: 7}},
		{"unsorted", []float64{5, 1, 4, 2, 3}, Summary{N: 5, Min: 1, P25: 2, Median: 3, P75: 4, P90: 4.6, P99: 4.96, Max: 5}},
		{"between", []float64{1, 2}, Summary{N: 2, Min: 1, P25: 1.25, Median: 1.5, P75: 1.75, P90: 1.9, P99: 1.99, Max: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Of(c.samples)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestRatiosPairSamplesOfOneRound(t *testing.T) {
	if d := cmp.Diff([]float64{2, 0.5}, Ratios([]float64{4, 2}, []float64{2, 4})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
