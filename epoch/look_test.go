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

func TestLookPanicsWithinATick(t *testing.T) {
	d := epoch.New(epoch.Aligned, 0)
	p := d.Join(0, 0)
	p.Begin()
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	p.Look()
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
