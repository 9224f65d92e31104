package epoch_test

import (
	"testing"

	"hotreload/epoch"
)

func TestLookMeetsWhatIsPublishedWhileParked(t *testing.T) {
	d := epoch.New(epoch.Aligned, "a")
	p := d.Join(0, 7)
	if g := p.Look(); g.Value != "a" {
		t.Fatalf("met %q, want a", g.Value)
	}
	d.Publish("b")
	d.Publish("c")
	for _, want := range []string{"b", "c", "c"} {
		if g := p.Look(); g.Value != want || g.Activation() > 7 {
			t.Fatalf("met %q at tick %d, want %q at 7", g.Value, g.Activation(), want)
		}
	}
	if g := p.Begin(); g.Value != "c" {
		t.Fatalf("began with %q, want c", g.Value)
	}
	p.End()
	p.Park()
	// Somebody else runs tick 20: what comes now is not active at tick 8.
	q := d.Join(1, 20)
	q.Begin()
	d.Publish("d")
	if g := p.Look(); g.Value != "c" {
		t.Fatalf("met %q at tick 8, want c until tick 21", g.Value)
	}
}

func TestEndParkLeavesTheNextTickToWhatIsPublished(t *testing.T) {
	d := epoch.New(epoch.Aligned, "a")
	p := d.Join(0, 0)
	p.Begin()
	p.EndPark()
	if g := d.Publish("b"); g.Activation() != 1 {
		t.Fatalf("active from tick %d, want 1", g.Activation())
	}
	if g := p.Look(); g.Value != "b" {
		t.Fatalf("met %q, want b", g.Value)
	}
}

func TestGraceCoversWhatLookMeets(t *testing.T) {
	for _, mode := range []epoch.Mode{epoch.Aligned, epoch.Immediate} {
		t.Run(mode.String(), func(t *testing.T) {
			d := epoch.New(mode, 1)
			p := d.Join(0, 4)
			arrive(p)
			p.EndPark()
			met := d.Publish(2)
			if got := p.Look(); got != met {
				t.Fatalf("met %d, want 2", got.Value)
			}
			d.Publish(3)
			grace := d.Retire(met, 0)
			if grace.Passed() {
				t.Error("over while what Look returned may be in use")
			}
			arrive(p)
			p.End()
			if !grace.Passed() {
				t.Errorf("not over after the tick: behind are %v", grace.Behind())
			}
		})
	}
}
