package wear

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMeasureReadsTheBooks(t *testing.T) {
	r, err := Measure(t.Context(), Options{Swaps: 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Points) != points || r.Points[points-1].Swaps != 20 || r.Unmapped != 21 {
		t.Errorf("%d points, %d libraries unmapped, expected %d and 21: %+v", len(r.Points), r.Unmapped, points, r.Points)
	}
	for _, p := range r.Points {
		if p.Resident <= 0 || p.Heap <= 0 || p.Descriptors <= 0 || p.Mappings <= 0 || p.Threads <= 0 {
			t.Errorf("%+v, expected everything to be there", p)
		}
	}
	if _, descriptors, mappings := r.Growth(); descriptors > 10 || mappings > 20 {
		t.Errorf("18 swaps left %d descriptors and %d mappings", descriptors, mappings)
	}
}
