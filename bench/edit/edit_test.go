package edit

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMeasureFollowsEditsToTheirCode(t *testing.T) {
	r, err := Measure(t.Context(), Options{Edits: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Ways {
		restarts := w.Name != "hotreload"
		if w.Lost > 0 || w.Milliseconds.N != 2 || w.Milliseconds.Min <= 0 || (w.State == "lost") != restarts {
			t.Errorf("%+v, expected 2 edits that ran, and the state to be lost by a restart", w)
		}
	}
	if len(r.Ways)+len(r.Absent) != len(ways("")) {
		t.Errorf("%d ways and %q absent, expected %d", len(r.Ways), r.Absent, len(ways("")))
	}
}
