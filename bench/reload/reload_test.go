package reload

import (
	"bytes"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMeasureFollowsEachSaveToItsSwap(t *testing.T) {
	r, err := Measure(t.Context(), Options{Swaps: 3})
	if err != nil {
		t.Fatal(err)
	}
	if r.Swaps != 3 || r.Total.N != 3 {
		t.Errorf("%d swaps, %d totals, expected 3 of each", r.Swaps, r.Total.N)
	}
	for _, s := range r.Stages {
		switch s.Name {
		case "build", "inspect", "load":
			if s.Milliseconds.Min <= 0 {
				t.Errorf("stage %s: %+v, expected it to be reached", s.Name, s.Milliseconds)
			}
		}
	}
}

// The plugin that is edited is the sample; a copy, because a Go package cannot embed from another directory.
func TestSourceIsTheSample(t *testing.T) {
	for name, have := range map[string][]byte{"logic.c": logic, "logic.h": header} {
		want, err := os.ReadFile("../../logic/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("bench/reload/source/%s differs from logic/%s: copy it", name, name)
		}
	}
}
